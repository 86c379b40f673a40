"""The run folder: made once, gone on with, never mixed up."""

import json

import pytest

from finetooth import config, io
from finetooth.errors import UsageError
from finetooth.runs import Run
from finetooth.types import Prediction


def settings(folder, **more):
    return config.build({"task": "qa", "data": {"train": "t.json"}, "out": str(folder), **more})


def fake_checkpoint(run):
    io.write_json(run.checkpoints / "step-00000001" / "manifest.json", {"files": {}})


def test_a_new_run_says_what_it_is_of(tmp_path):
    run = Run.create(settings(tmp_path / "r", seed=3), command=["finetooth", "train", "x"])
    info = json.loads((tmp_path / "r" / "run.json").read_text())
    assert info["status"] == "new"
    assert (info["seed"], info["command"]) == (3, ["finetooth", "train", "x"])
    assert {"python", "torch", "transformers"} <= set(info["versions"])
    assert info["machine"]["cores"] >= 1
    assert Run.open(tmp_path / "r").config == run.config


def test_the_same_configuration_goes_on_another_is_refused_by_name(tmp_path):
    run = Run.create(settings(tmp_path, seed=1))
    run.update(status="interrupted")
    fake_checkpoint(run)
    run.release()
    Run.create(settings(tmp_path, seed=1)).release()
    with pytest.raises(UsageError, match=r"another configuration \(seed: 1, 2\)"):
        Run.create(settings(tmp_path, seed=2))


def test_what_a_run_made_of_its_configuration_is_that_run(tmp_path):
    run = Run.create(settings(tmp_path, seed=1))
    resolved = run.config.model_dump(mode="json")
    resolved["train"] |= {"precision": "bf16", "threads": 2}
    run.update(status="interrupted", resolved=resolved)
    fake_checkpoint(run)
    run.release()
    again = Run.create(type(run.config).model_validate(resolved))
    assert again.config.train.threads is None, "it stays as it was asked for"
    again.release()
    with pytest.raises(UsageError, match="another configuration"):
        Run.create(type(run.config).model_validate(resolved | {"seed": 2}))


def test_a_run_that_never_took_a_step_may_take_another_configuration(tmp_path):
    run = Run.create(settings(tmp_path))
    run.update(status="failed")
    run.release()
    again = Run.create(settings(tmp_path, data={"train": "t.json", "on_error": "drop"}))
    assert again.config.data.on_error == "drop"
    assert again.status == "new"


def test_where_a_run_is_mirrored_is_not_what_it_is(tmp_path):
    run = Run.create(settings(tmp_path))
    fake_checkpoint(run)
    run.release()
    again = Run.create(settings(tmp_path, track="tensorboard", train={"save_steps": 7}))
    assert again.config.track == "tensorboard"


def test_two_processes_do_not_write_one_run(tmp_path):
    first = Run.create(settings(tmp_path))
    with pytest.raises(UsageError, match="another process"):
        Run.create(settings(tmp_path))
    first.release()
    Run.create(settings(tmp_path)).release()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="is no run"):
        Run.create(settings(tmp_path))
    with pytest.raises(UsageError, match="is a file"):
        Run.create(settings(tmp_path / "thesis.txt"))
    with pytest.raises(UsageError, match="no run here"):
        Run.open(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"format": 1, "config": {"task": 3}}'])
def test_a_broken_run_json_is_one_line(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(UsageError):
        _ = Run.open(tmp_path).config


def test_the_step_log_survives_a_torn_line_and_is_cut_to_a_checkpoint(tmp_path):
    run = Run.create(settings(tmp_path))
    rows = [{"step": i, "loss": 1.0} for i in (1, 2, 3)]
    rows.insert(2, {"step": 2, "dev_f1": 50.0})
    text = "".join(json.dumps(r) + "\n" for r in rows)
    (tmp_path / "steps.jsonl").write_text(text + '{"step": 4, "lo')
    assert len(run.steps()) == 4
    run.keep_steps(2)
    # The evaluation at step 2 came after its checkpoint: the resumed run will write it again.
    assert run.steps() == [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 1.0}]


def test_predictions_and_scores_are_kept_by_split(tmp_path):
    run = Run.create(settings(tmp_path))
    run.write_predictions("dev", [Prediction("q1", "Ada", 0.5)], lambda answer: answer)
    run.write_scores("dev", {"scores": [1]})
    run.write_scores("test", {"scores": [2]})
    assert json.loads(run.predictions_path("dev").read_text()) == {
        "id": "q1",
        "prediction": "Ada",
        "confidence": 0.5,
    }
    assert run.scores() == {"dev": {"scores": [1]}, "test": {"scores": [2]}}
