"""A sweep says what the search says, and its proposals are trials like any other."""

import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
from test_search import Fake, settings

from finetooth.cli import main
from finetooth.errors import UsageError
from finetooth.search import wandb as sweeps
from finetooth.search.space import Range

SPACE = {
    "train.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
    "train.warmup_steps": {"low": 5, "high": 100, "step": 25},
    "model.lora_rank": {"low": 4, "high": 32},
    "train.label_smoothing": {"low": 0.0, "high": 0.2},
    "train.batch_tokens": [1024, 2048],
}


class Run:
    def __init__(self, config):
        self.config, self.summary, self.logged, self.code = config, {}, {}, 0

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None

    def log(self, row):
        self.logged |= row

    def finish(self, exit_code):
        self.code = exit_code


@pytest.fixture
def server(monkeypatch):
    """Stands in for the package and its server: proposes three learning rates, one of which cannot be trained."""
    made = SimpleNamespace(runs=[], sweeps=[], asked=[], key="train.learning_rate")

    def agent(sweep_id, function, project, entity, count):
        made.asked.append((sweep_id, project, entity, count))
        for rate in (1e-4, 2e-4, -1.0)[:count]:
            made.runs.append(Run({made.key: rate, "_wandb": {}}))
            with suppress(Exception):  # as the agent does, in a thread of its own
                function()

    def sweep(config, project):
        made.sweeps.append(config)
        return "abc"

    fake = SimpleNamespace(agent=agent, sweep=sweep, init=lambda: made.runs[-1])
    monkeypatch.setitem(sys.modules, "wandb", fake)
    return made


def test_each_kind_of_range_has_its_distribution(tmp_path):
    made = sweeps.sweep(Fake(settings(tmp_path, space=SPACE, sampler="tpe", trials=7)))
    assert made["method"] == "bayes"
    assert made["metric"] == {"name": "accuracy", "goal": "maximize"}
    assert made["run_cap"] == 7
    kinds = {k: v.get("distribution") or v["values"] for k, v in made["parameters"].items()}
    assert kinds == {
        "train.learning_rate": "log_uniform_values",
        "train.warmup_steps": [5, 30, 55, 80],
        "model.lora_rank": "int_uniform",
        "train.label_smoothing": "uniform",
        "train.batch_tokens": [1024, 2048],
    }
    assert sweeps._parameter(Range(low=1, high=3), "grid") == {"values": [1, 2, 3]}


def test_proposals_are_trials_and_one_that_fails_is_told(tmp_path, server):
    class Picky(Fake):
        def train(self, params, folder, trial=None):
            if params["train.learning_rate"] < 0:
                raise sweeps.TrialFailed("exit 2: learning_rate")
            return super().train(params, folder, trial)

    search = Picky(settings(tmp_path, trials=3))
    assert sweeps.drive(search, "new") == sweeps.Driven("finetooth/abc", scored=2, failed=1)
    assert sweeps.drive(search, "team/mine/xyz").sweep == "team/mine/xyz"
    assert server.asked == [("abc", "finetooth", None, 3), ("xyz", "mine", "team", 3)]
    one, two, bad = server.runs[:3]
    assert one.logged == {"accuracy": pytest.approx(83)}
    assert two.logged == {"accuracy": pytest.approx(84)}
    assert (bad.logged, bad.code, bad.summary["failure"]) == ({}, 1, "exit 2: learning_rate")
    assert len(server.sweeps) == 1
    assert one.summary["folder"] == str(search.folder({"train.learning_rate": 1e-4}))


def test_a_sweep_of_another_space_is_refused_and_whole_numbers_are_whole(tmp_path):
    search = Fake(settings(tmp_path, space={"model.lora_rank": {"low": 4, "high": 32}}))
    assert sweeps.values(search, {"model.lora_rank": 8.0, "_wandb": 1}) == {"model.lora_rank": 8}
    with pytest.raises(UsageError, match=r"no model\.lora_rank"):
        sweeps.values(search, {"train.learning_rate": 1e-4})


def test_what_goes_wrong_in_a_trial_is_not_swallowed_with_it(tmp_path, server):
    server.key = "train.epochs"
    with pytest.raises(UsageError, match=r"no train\.learning_rate"):
        sweeps.drive(Fake(settings(tmp_path)), "mine/xyz")
    with pytest.raises(UsageError, match="trials=N"):
        sweeps.drive(Fake(settings(tmp_path, trials=None, minutes=1)), "new")


def test_without_the_package_the_cure_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb", None)
    (tmp_path / "s.yaml").write_text(
        f"config: {{task: nli, data: {{train: t.csv}}}}\nsweep: learning-rate\ntrials: 1\nout: {tmp_path / 'out'}\n"
    )
    assert main(["search", str(tmp_path / "s.yaml"), "--wandb", "new"]) == 2
    assert "finetooth[track]" in capsys.readouterr().err
