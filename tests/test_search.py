"""A search survives crashes and kills, wastes no trial, and does not believe its winner at once."""

import functools
import signal
import tempfile
import time
import warnings
from pathlib import Path

import forks
import pytest

from finetooth import io
from finetooth.errors import ConfigError
from finetooth.search.space import SWEEPS, Range, SearchConfig, assignment, grid
from finetooth.search.trials import Search, TrialFailed, load

TRIALS = 4
BASE = {"task": "nli", "data": {"train": "t.csv"}, "model": {"name": "starter:minilm"}}


class Fake(Search):
    """A search whose trials are a formula: the score peaks at a learning rate of 3e-4; seeds shift it."""

    crash = frozenset()
    meet = 0  # no trial ends before so many were begun
    hold = 0  # the one that is begun as this one never ends

    def train(self, params, folder, trial=None):
        config = self._config(params, folder)
        if trial is not None and trial.number in self.crash:
            raise TrialFailed("exit 2: out of memory")
        folder.mkdir(parents=True, exist_ok=True)
        with (self.out / "asked.txt").open("a") as f:
            f.write(folder.name + "\n")
        begun = len(asked(self.out))
        until(lambda: begun != self.hold and len(asked(self.out)) >= self.meet)
        value = 80 - abs(config.train.learning_rate - 3e-4) * 1e4 + (5.0 if config.seed < 100 else 0.0)
        io.write_json(folder / "run.json", {"format": 1, "status": "finished"})
        io.write_json(folder / "scores.json", {"dev": {"scores": [{"name": "accuracy", "value": value}]}})
        return value


def settings(out, **values):
    space = {"train.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}}
    return SearchConfig(
        **{"config": BASE, "space": space, "trials": TRIALS, "out": str(out), "sampler": "random", **values}
    )


def until(happened, seconds=120):
    """Waits for what another process does; a generous end, so that a test that hangs fails."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def asked(out):
    """The folders of the trials that were begun, in order."""
    path = out / "asked.txt"
    return path.read_text().split() if path.exists() else []


def values(result):
    return sorted(t.value for t in result.trials)


@functools.cache
def of_one(trials=TRIALS):
    """What one process that is left in peace finds."""
    with tempfile.TemporaryDirectory() as out:
        return values(Fake(settings(out, trials=trials, winner_seeds=0)).run())


def test_the_winner_is_run_again_and_its_luck_told(tmp_path):
    result = Fake(settings(tmp_path)).run()
    assert len(result.trials) == TRIALS
    assert result.best.value == max(t.value for t in result.trials)
    assert result.luck == pytest.approx(5.0)
    assert (tmp_path / "search.json").is_file()


def test_a_crash_is_a_recorded_failure(tmp_path):
    search = Fake(settings(tmp_path))
    search.crash = {1, 3}
    result = search.run()
    assert [t.failure for t in result.trials if t.value is None] == ["exit 2: out of memory"] * 2
    assert len(result.trials) == TRIALS


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_second_run_trains_nothing_again(tmp_path, sampler):
    first = Fake(settings(tmp_path, sampler=sampler)).run()
    asked = (tmp_path / "asked.txt").read_text()
    second = Fake(settings(tmp_path, sampler=sampler)).run()
    assert (tmp_path / "asked.txt").read_text() == asked
    assert [t.params for t in second.trials] == [t.params for t in first.trials]


def work(out, meet, hold, more):
    search = Fake(settings(out, winner_seeds=0, **more))
    search.meet, search.hold = meet, hold
    search.run()


def worker(out, meet=0, hold=0, **more):
    """A process that runs the search: ``more`` of its settings."""
    process = forks.context().Process(target=work, args=(out, meet, hold, more))
    process.start()
    return process


def ended(process):
    """How it ended: 0, or less the signal."""
    process.join()
    return process.exitcode


def test_killed_twice_and_resumed_it_ends_with_the_same_trials(tmp_path):
    for begun in (1, 3):
        process = worker(tmp_path, hold=begun)
        until(lambda begun=begun: len(asked(tmp_path)) >= begun)
        process.kill()
        assert ended(process) == -signal.SIGKILL
    again = Fake(settings(tmp_path, winner_seeds=0)).run()
    assert values(again) == of_one()
    assert len(again.trials) == TRIALS
    assert len(asked(tmp_path)) == TRIALS + 2


def test_two_workers_share_the_trials_of_one(tmp_path):
    workers = [worker(tmp_path, meet=2) for _ in range(2)]
    assert [ended(w) for w in workers] == [0, 0]
    both = Fake(settings(tmp_path, winner_seeds=0)).run()
    assert values(both) == of_one()
    assert len(asked(tmp_path)) == len(set(asked(tmp_path))) == TRIALS


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_trial_that_another_worker_took_first_is_not_replaced_by_one_more(tmp_path, sampler):
    search = Fake(settings(tmp_path, sampler=sampler, trials=1, winner_seeds=0))
    study = search.study()
    with warnings.catch_warnings(action="ignore"):  # of a beat that is not asked for
        study.ask()  # the other, after this one has seen that there is a trial to run
    search._one(study)
    assert asked(tmp_path) == []
    assert search.result(study).trials == ()


def test_values_of_a_trial_depend_on_its_number_alone():
    space = {"a": Range(low=1, high=9), "b": ["x", "y"], "c": Range(low=1e-5, high=1e-2, log=True)}
    assert assignment(space, 3, seed=0) == assignment(dict(reversed(space.items())), 3, seed=0)
    assert len({io.fingerprint([assignment(space, n, seed=0)]) for n in range(20)}) > 15


def test_a_grid_is_every_combination():
    assert grid({"b": ["x", "y"], "a": Range(low=1, high=2)}) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("out: x\nconfig: {}\ntrials: 2", "a space or a sweep"),
        ("out: x\nsweep: lora\ntrials: 2", "either base"),
        ("out: x\nsweep: lora\nconfig: {}", "a budget"),
        ("out: x\nspcae: {}\nconfig: {}", "spcae"),
        ("[", "not YAML"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(tmp_path, text, words):
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        load(tmp_path / "s.yaml")


def test_a_wrong_key_in_the_space_fails_before_the_first_trial(tmp_path):
    with pytest.raises(ConfigError, match="did you mean learning_rate"):
        Fake(settings(tmp_path, space={"train.learning_rat": [1e-4]}))


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_failure_is_tried_again_once_where_that_is_asked_for(tmp_path, sampler):
    class Crashing(Fake):
        crash = frozenset({1})

    first = Crashing(settings(tmp_path, sampler=sampler, winner_seeds=0)).run()
    assert [t.state for t in first.trials].count("fail") == 1
    again = Fake(settings(tmp_path, sampler=sampler, winner_seeds=0, retry_failed=True)).run()
    assert [t.state for t in again.trials] == ["complete"] * TRIALS
    assert len(asked(tmp_path)) == TRIALS


def test_names_in_a_space_stay_the_names_they_are(tmp_path):
    names = ["starter:minilm", "2024"]
    search = Fake(
        settings(tmp_path, space={"model.name": names, "train.weights": ["a b.jsonl"]}, sampler="grid")
    )
    made = [search._config(params, tmp_path / "none") for params in search.planned]
    assert [c.model.name for c in made] == names
    assert {c.train.weights for c in made} == {"a b.jsonl"}


def test_the_configuration_that_the_page_shows_is_one(tmp_path, monkeypatch):
    page = (Path(__file__).parents[1] / "docs" / "search.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    Path("search.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    Path("qa.yaml").write_text("task: qa\ndata: {train: train.jsonl}\nout: runs/first\n")
    search = Search(load("search.yaml", ["trials=24", "sampler=random"]))
    assert len(search.planned) == 24
    assert all(f"| `{name}` |" in page for name in SWEEPS)
