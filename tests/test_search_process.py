"""A trial's process: it ends with its search, and is gone on with as long as it gets further."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from finetooth.search import process
from finetooth.search.process import TrialFailed, busy, run_trial

CHILD = "import os, sys, time; from finetooth.machines import end_with_parent; end_with_parent(int(sys.argv[1])); time.sleep(60)"
PARENT = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}, str(os.getpid())])
print(child.pid, flush=True)
time.sleep(60)
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells a process that its parent died"
)
def test_nothing_trains_on_when_its_search_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    time.sleep(1)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    until = time.monotonic() + 30
    while alive(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(child)


def test_a_run_that_a_living_process_writes_is_busy(tmp_path):
    import fcntl

    assert not busy(tmp_path)
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert busy(tmp_path)
    assert not busy(tmp_path)


@pytest.mark.parametrize(
    ("codes", "steps", "ends"),
    [
        ([-9, 0], [3, 9], "finished"),
        ([-9, -9, 0], [3, 6, 9], "finished"),
        ([-9, -9, 0], [3, 3, 9], "killed twice"),
        ([2], [0], "exit 2"),
    ],
)
def test_a_killed_trial_goes_on_as_long_as_it_gets_further(tmp_path, monkeypatch, codes, steps, ends):
    codes, steps = iter(codes), iter(steps)

    def once(path, log, watch):
        log.write_text("error: no memory\n")
        return next(codes)

    monkeypatch.setattr(process, "_once", once)
    monkeypatch.setattr(process, "_steps", lambda folder: next(steps))
    if ends == "finished":
        run_trial({}, tmp_path / "run")
    else:
        with pytest.raises(TrialFailed, match=f"{ends}.*no memory"):
            run_trial({}, tmp_path / "run")
