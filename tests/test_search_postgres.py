"""Several processes share a search on PostgreSQL: the same trials as one process, and none lost with a worker that dies.

Needs PostgreSQL's own programs (Debian: ``apt-get install postgresql``); the server is a private one in a temporary
folder, reached by a socket there.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from test_search import Fake, settings, values

from finetooth.errors import UsageError
from finetooth.search import study as studies
from finetooth.search.trials import Search

WORKER = """
import sys; sys.path.insert(0, sys.argv[1])
from test_search import Fake, settings
search = Fake(settings(sys.argv[2], storage=sys.argv[3], heartbeat_seconds=1, winner_seeds=0))
search.delay = float(sys.argv[4])
search.run()
"""


def programs():
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@pytest.fixture(scope="module")
def url():
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra: search)")
    bin_ = programs()
    if bin_ is None or not (bin_ / "initdb").exists():
        pytest.skip("PostgreSQL's initdb is not to be found")
    become = []
    if os.getuid() == 0:  # the server refuses to run as root
        users = [u for u in ("postgres", "nobody") if u in {p.pw_name for p in pwd.getpwall()}]
        if not users or not shutil.which("setpriv"):
            pytest.skip("PostgreSQL does not run as root, and there is no other user to run it as")
        become = [
            "setpriv",
            f"--reuid={users[0]}",
            "--regid=" + str(pwd.getpwnam(users[0]).pw_gid),
            "--clear-groups",
        ]
    # Short: the path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        if become:
            shutil.chown(folder, users[0])
        run = lambda *c: subprocess.run([*become, *c], check=True, capture_output=True, cwd=folder)  # noqa: E731
        run(bin_ / "initdb", "-D", f"{folder}/data", "-U", "finetooth", "--auth=trust", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        run(bin_ / "pg_ctl", "-D", f"{folder}/data", "-o", options, "-l", f"{folder}/log", "-w", "start")
        try:
            yield f"postgresql://finetooth@/postgres?host={folder}"
        finally:
            run(bin_ / "pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")


def worker(out, url, delay=0.3):
    here = str(Path(__file__).parent)
    return subprocess.Popen([sys.executable, "-c", WORKER, here, str(out), url, str(delay)])


def asked(out):
    path = out / "asked.txt"
    return path.read_text().split() if path.exists() else []


def test_two_processes_run_the_trials_of_one(tmp_path, url):
    whole = Fake(settings(tmp_path / "whole", winner_seeds=0)).run()
    workers = [worker(tmp_path / "two", url) for _ in range(2)]
    assert [w.wait() for w in workers] == [0, 0]
    both = Fake(settings(tmp_path / "two", storage=url, winner_seeds=0)).run()
    assert values(both) == values(whole)
    assert len(asked(tmp_path / "two")) == 6


def test_a_worker_that_dies_is_missed_and_its_trial_run_by_another(tmp_path, url):
    out = tmp_path / "dies"
    dying = worker(out, url, delay=60)  # it never ends its first trial
    search = Fake(settings(out, storage=url, heartbeat_seconds=1, winner_seeds=0))
    until = time.monotonic() + 60
    while not (out / ".lock").exists() or not any(
        "folder" in t.user_attrs for t in search.study().get_trials(deepcopy=False)
    ):
        assert time.monotonic() < until
        time.sleep(0.3)
    os.kill(dying.pid, signal.SIGKILL)
    dying.wait()
    result = search.run()
    assert len(result.trials) == 6
    assert result.finished
    states = [t.state.name for t in search.study().get_trials(deepcopy=False)]
    assert sorted(states) == ["COMPLETE"] * 6 + ["FAIL"]
    assert values(result) == values(Fake(settings(tmp_path / "whole", winner_seeds=0)).run())


def test_a_trial_that_was_taken_over_does_not_stop_its_worker(tmp_path, url):
    """A suspended machine wakes: its trial was declared dead meanwhile, and another has run it."""

    class Sleeper(Fake):
        slept = False

        def train(self, params, folder, trial=None):
            if not Sleeper.slept:
                Sleeper.slept = True
                other = Search(self.settings).study()
                other.tell(trial.number, state=__import__("optuna").trial.TrialState.FAIL)
            return super().train(params, folder, trial)

    result = Sleeper(settings(tmp_path, storage=url, seed=5, winner_seeds=0)).run()
    assert len([t for t in result.trials if t.value is not None]) == 6


def test_a_database_that_is_not_there_is_named_without_its_password():
    with pytest.raises(UsageError, match="cannot be opened") as e:
        studies.storage("postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(e.value)
    assert "127.0.0.1" in str(e.value)
