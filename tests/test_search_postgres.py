"""Several processes share a search on PostgreSQL: the same trials as one process, and none lost with a worker that dies.

Needs PostgreSQL's own programs (Debian: ``apt-get install postgresql``); see ``local_servers``.
"""

import signal

import local_servers
import pytest
from test_search import TRIALS, Fake, asked, ended, of_one, settings, until, values, worker

from finetooth.errors import UsageError
from finetooth.search import study as studies
from finetooth.search.trials import Search

pytestmark = pytest.mark.xdist_group("postgres")  # one server for all


@pytest.fixture(scope="module")
def url():
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra: search)")
    try:
        with local_servers.postgresql() as address:
            yield address
    except local_servers.NotHere as e:
        pytest.skip(str(e))


def test_two_processes_run_the_trials_of_one(tmp_path, url):
    out = tmp_path / "two"
    workers = [worker(out, storage=url, meet=2) for _ in range(2)]
    assert [ended(w) for w in workers] == [0, 0]
    both = Fake(settings(out, storage=url, winner_seeds=0)).run()
    assert values(both) == of_one()
    assert len(asked(out)) == len(set(asked(out))) == TRIALS


def test_a_worker_that_dies_is_missed_and_its_trial_run_by_another(tmp_path, url):
    out = tmp_path / "dies"
    dying = worker(out, storage=url, trials=3, heartbeat_seconds=1, hold=1)
    until(lambda: asked(out))
    dying.kill()
    assert ended(dying) == -signal.SIGKILL
    search = Fake(settings(out, storage=url, trials=3, heartbeat_seconds=1, winner_seeds=0))
    result = search.run()
    assert result.finished
    states = [t.state.name for t in search.study().get_trials(deepcopy=False)]
    assert sorted(states) == ["COMPLETE"] * 3 + ["FAIL"]
    assert values(result) == of_one(trials=3)
    assert len(asked(out)) == 4


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

    result = Sleeper(settings(tmp_path, storage=url, seed=5, trials=3, winner_seeds=0)).run()
    assert len([t for t in result.trials if t.value is not None]) == 3


def test_a_database_that_is_not_there_is_named_without_its_password():
    with pytest.raises(UsageError, match="cannot be opened") as e:
        studies.storage("postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(e.value)
    assert "127.0.0.1" in str(e.value)
