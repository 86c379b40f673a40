"""A trial as a process of its own: started, watched, stopped, gone on with when something killed it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from finetooth import io
from finetooth.errors import FinetoothError
from finetooth.runs import Run

POLL_S = 0.25
KILLS = 5  # of one trial, however far it got between them
KILLED = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, 128 + signal.SIGKILL, 128 + signal.SIGTERM, 3)
Say = Callable[[str], None]


class TrialFailed(Exception):
    """A trial ended without a score; the search goes on."""


def run_trial(
    config: Mapping[str, Any],
    folder: Path,
    *,
    watch: Callable[[], None] = lambda: None,
    say: Say = lambda line: None,
) -> None:
    """Trains ``config`` into ``folder``; returns when it is finished. ``watch`` is called all along and may raise.

    A process that was killed is started again, from its checkpoint, as long as it gets further each time:
    what kills it twice at one place (memory, most often) would do so for ever. Raises TrialFailed with
    the reason where it ends without a finished run.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    path, log = (folder.parent / f"{folder.name}.{kind}" for kind in ("yaml", "log"))
    io.write_json(path, config)  # JSON is YAML
    kills, reached = 0, -1
    while True:
        while busy(folder):  # a worker that has just died leaves a process that still writes its checkpoint
            watch()
            time.sleep(POLL_S)
        code = _once(path, log, watch)
        if code == 0:
            return
        if code == 2 and busy(folder):
            continue  # another worker was quicker
        steps = _steps(folder)
        if code not in KILLED or kills == KILLS or steps <= reached:
            raise TrialFailed(_why(code, log))
        kills, reached = kills + 1, steps
        say(f"{folder.name}: killed at step {steps}; it goes on from its checkpoint")


def _once(path: Path, log: Path, watch: Callable[[], None]) -> int:
    """Its exit code. The process is in a group of its own: Ctrl-C reaches the search, which asks it once."""
    train = ["train", str(path), "--json"]
    command = [sys.executable, "-m", "finetooth.cli._child", str(os.getpid()), *train]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, process_group=0)
        try:
            while process.poll() is None:
                time.sleep(POLL_S)
                watch()
        except BaseException:
            stop(process)
            raise
    return process.returncode


def busy(folder: Path) -> bool:
    """Whether a living process writes this run. The lock goes with the process that holds it."""
    try:
        import fcntl

        with (folder / ".lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (ImportError, FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return False


def _steps(folder: Path) -> int:
    with suppress(FinetoothError, OSError):
        return max((r.get("step", 0) for r in Run.open(folder).steps()), default=0)
    return 0


def stop(process: subprocess.Popen[bytes]) -> None:
    """Lets a trial write its checkpoint; ends it if it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _why(code: int, log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    said = next(
        (line for line in reversed(lines) if line.startswith("error:")), lines[-1] if lines else "no word"
    )
    if code in KILLED:
        return f"killed twice at one place, as the system does when memory runs out; last: {said[:160]}"
    return f"exit {code}: {said.removeprefix('error: ')[:200]}"
