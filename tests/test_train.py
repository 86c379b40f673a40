"""Training: exact resume, the right means, dynamics from the pass itself, and runs that stop before they are in vain."""

import json

import forks
import numpy as np
import pytest
import torch
import train_child
import train_toy as toy

from finetooth import config
from finetooth.errors import DataError, FinetoothError, UsageError
from finetooth.models.head import Step
from finetooth.runs import Run
from finetooth.train import batches, checkpoints, losses, train, weights

SAME = (
    "model/model.safetensors",
    "dynamics.parquet",
    "dynamics_dev.parquet",
    "predictions/dev.jsonl",
    "scores.json",
)


def left(folder):
    """What a run leaves behind, as bytes; the step log without its clock and memory."""
    made = {name: (folder / name).read_bytes() for name in SAME if (folder / name).exists()}
    clock = ("seconds", "tokens_per_second", "memory_mb")
    rows = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    return made, [{k: v for k, v in row.items() if k not in clock} for row in rows]


def settings(out, **train_settings):
    values = {"epochs": 2, "learning_rate": 5e-3, "warmup_steps": 2, "batch_tokens": 256, "threads": 1}
    return config.build(
        {"task": "qa", "data": {"train": "memory"}, "train": {**values, **train_settings}, "out": str(out)}
    )


@pytest.fixture(scope="module")
def child():
    """Runs ``train_child`` in a process of its own, forked from one that has imported all it needs, and gives its exit code."""
    context = forks.context()

    def run(out, *where):
        process = context.Process(target=train_child.main, args=([str(out), *where],))
        process.start()
        process.join()
        return process.exitcode

    return run


@pytest.fixture(scope="module")
def whole(tmp_path_factory, child):
    out = tmp_path_factory.mktemp("whole") / "run"
    assert child(out) == 0
    return left(out)


@pytest.mark.slow
@pytest.mark.xdist_group("kills")
@pytest.mark.parametrize("where", [("step=2",), ("step=7",), ("sync=2",), ("sync=9",), ("step=-1",)])
def test_a_killed_run_ends_as_if_it_never_had_been(tmp_path, child, whole, where):
    assert child(tmp_path / "run", *where) == -9
    assert Run.open(tmp_path / "run").status != "finished"
    assert child(tmp_path / "run") == 0
    made, rows = left(tmp_path / "run")
    assert set(made) >= {"model/model.safetensors", "dynamics.parquet", "scores.json"}
    assert made == whole[0]
    assert rows == whole[1]


def test_the_same_seed_is_the_same_run_and_another_is_another(tmp_path):
    def weights_of(name, seed):
        run = train(
            settings(tmp_path / name).model_copy(update={"seed": seed}),
            train=toy.examples(40), dev=toy.examples(8, seed=1), build=toy.build,
        )  # fmt: skip
        return (run.model / "model.safetensors").read_bytes()

    assert weights_of("a", 0) == weights_of("b", 0) != weights_of("c", 1)


def test_a_finished_run_is_no_answer_to_data_that_changed_since(tmp_path):
    data = toy.examples(24)
    made = train(settings(tmp_path / "run", epochs=1), train=data, build=toy.build)
    assert train(settings(tmp_path / "run", epochs=1), train=data, build=toy.build).folder == made.folder
    with pytest.raises(UsageError, match="its data changed since: train"):
        train(settings(tmp_path / "run", epochs=1), train=data[:-2], build=toy.build)
    assert Run.open(made.folder).status == "finished"


def test_a_checkpoint_that_was_being_replaced_is_put_back(tmp_path):
    made = checkpoints.write(tmp_path / "step-00000004", {"weights": {"w": torch.ones(2)}}, {"step": 4})
    checkpoints.write(tmp_path / "step-00000004", {"weights": {"w": torch.ones(2)}}, {"step": 4})
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000004"]
    made.folder.rename(tmp_path / ".step-00000004.old")  # killed between the two renames
    found, passed = checkpoints.newest(tmp_path)
    assert found is not None
    assert (found.step, passed) == (4, [])


def test_dynamics_hold_every_example_once_an_epoch(tmp_path):
    run = train(
        settings(tmp_path / "r"), train=toy.examples(40), dev=toy.examples(8, seed=1), build=toy.build
    )
    seen = [(d.example_id, d.epoch) for d in run.dynamics()]
    assert len(seen) == len(set(seen)) == 80
    assert all(0 <= d.gold_prob <= 1 and -1 <= d.margin <= 1 for d in run.dynamics())
    assert run.status == "finished"


def test_texts_that_nobody_labelled_are_not_trained_on_and_named(tmp_path):
    from finetooth.io import write_jsonl
    from finetooth.train import data

    entity = {"start": 0, "end": 3, "type": "PER"}
    rows = [{"id": f"r{i}", "text": f"Ada left Rome {i}.", "entities": [entity]} for i in range(4)]
    rows += [{"id": "none", "text": "It rains."}, {"id": "empty", "text": "It snows.", "entities": []}]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    values = {"task": "ner", "data": {"train": str(tmp_path / "rows.jsonl"), "on_error": "keep"}}
    made = config.build({**values, "out": str(tmp_path / "run"), "model": {"name": "scratch"}})
    splits = data.load(made, dev=[])
    left, _, _ = data.pass_gate(splits, made)
    assert [e.id for e in left.train.examples] == ["r0", "r1", "r2", "r3", "empty"]
    assert [(d.example_id, d.stage, d.reason) for d in left.drops] == [("none", "train", "no gold entities")]
    assert "not trained on: 1 row, none: no gold entities" in left.notes


def test_of_several_windows_the_least_sure_part_is_kept_and_an_older_checkpoint_goes_on_without(tmp_path):
    from finetooth.diagnose import dynamics_files
    from finetooth.models.head import Step, Window
    from finetooth.train.dynamics import Recorder

    def seen(recorder, least):
        half = torch.full((3,), 0.5)
        recorder.add(np.arange(3), Step(half, half, half, half, half > 0, torch.tensor(least)))
        recorder.end_epoch()

    windows = [Window(0, [1]), Window(0, [1]), Window(1, [1])]
    recorder = Recorder(["a", "b"], windows)
    seen(recorder, [0.25, 0.125, 0.5])
    old = {k: v[..., :4, :] for k, v in recorder.state().items()}
    again = Recorder(["a", "b"], windows)
    again.restore(old)
    seen(again, [0.25, 0.75, 0.0625])
    again.write(tmp_path / "dynamics.parquet")
    table = dynamics_files.read(tmp_path / "dynamics.parquet")
    assert np.isnan(table.least_prob[:, 0]).all()
    assert table.least_prob[:, 1].tolist() == table.label_prob.tolist() == [0.25, 0.0625]


def test_a_head_that_cannot_bring_the_gold_back_is_stopped_before_the_first_step(tmp_path):
    def build(config, task, examples):
        built = toy.build(config, task, examples)
        built.head.decode = "wrong"
        return built

    with pytest.raises(FinetoothError, match=r"round trip|come back"):
        train(settings(tmp_path / "r"), train=toy.examples(20), dev=toy.examples(5, seed=1), build=build)
    run = Run.open(tmp_path / "r")
    assert run.status == "failed"
    assert not (tmp_path / "r" / "steps.jsonl").exists()


def step(losses_, units):
    n = len(losses_)
    zeros = torch.zeros(n)
    return Step(torch.tensor(losses_), torch.tensor(units), zeros, zeros, zeros.bool())


def test_the_mean_is_of_tokens_where_answers_are_generated():
    from types import SimpleNamespace

    from finetooth.models.causal import CausalHead
    from finetooth.models.token import TokenHead

    heads = (CausalHead, TokenHead, SimpleNamespace())
    assert [losses.mean_of("auto", h) for h in heads] == ["token", "example", "example"]
    assert {losses.mean_of(name, h) for h in heads for name in ("example",)} == {"example"}
    assert {losses.mean_of(name, h) for h in heads for name in ("token",)} == {"token"}


@pytest.mark.parametrize("mean", ["example", "token"])
def test_weight_two_is_the_example_twice(mean):
    once = losses.weighted_sum(step([1.0, 4.0], [3.0, 5.0]), torch.tensor([2.0, 1.0]), mean)
    twice = losses.weighted_sum(step([1.0, 1.0, 4.0], [3.0, 3.0, 5.0]), torch.ones(3), mean)
    assert torch.allclose(once[0] / once[1], twice[0] / twice[1])


@pytest.mark.parametrize("mean", ["example", "token"])
def test_a_mean_over_several_batches_is_the_mean_over_one(mean):
    parts = [([1.0, 2.0, 3.0], [1.0, 2.0, 9.0]), ([10.0], [4.0])]
    sums = [losses.weighted_sum(step(*p), torch.ones(len(p[0])), mean) for p in parts]
    together = losses.weighted_sum(step([1.0, 2.0, 3.0, 10.0], [1.0, 2.0, 9.0, 4.0]), torch.ones(4), mean)
    mean_of_parts = sum(s[0] for s in sums) / sum(s[1] for s in sums)
    assert torch.allclose(mean_of_parts, together[0] / together[1])


def test_every_window_is_in_every_epoch_once_and_batches_keep_their_budget():
    lengths = np.random.default_rng(0).integers(20, 384, 700)
    plan = batches.plan(lengths, batch_tokens=2048, epochs=2, seed=3)
    for epoch in (0, 1):
        numbers = np.concatenate([b for u in plan.updates if u.epoch == epoch for b in u.batches])
        assert sorted(numbers) == list(range(700))
    for update in plan.updates:
        for batch in update.batches:
            assert lengths[batch].max() * len(batch) <= 2048
    assert plan.padding < 0.1


def test_a_curriculum_goes_from_easy_to_hard_in_its_first_epoch():
    difficulty = np.random.default_rng(1).random(400)
    plan = batches.plan([50] * 400, batch_tokens=500, epochs=2, seed=0, difficulty=difficulty)
    means = [difficulty[np.concatenate(u.batches)].mean() for u in plan.updates if u.epoch == 0]
    assert np.corrcoef(means, range(len(means)))[0, 1] > 0.8
    later = [difficulty[np.concatenate(u.batches)].mean() for u in plan.updates if u.epoch == 1]
    assert abs(np.corrcoef(later, range(len(later)))[0, 1]) < 0.5


def test_a_weight_out_of_range_is_named(tmp_path):
    path = tmp_path / "w.jsonl"
    path.write_text('{"example_id": "a", "weight": -1}\n')
    with pytest.raises(DataError, match=r"w.jsonl:1.*weight.*-1|weight: expected"):
        weights.read(str(path))
