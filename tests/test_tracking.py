"""Trackers hold what steps.jsonl holds, each run its own, and one that is missing is named before training."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import train_toy as toy

from finetooth import config
from finetooth.cli import main
from finetooth.errors import UsageError
from finetooth.runs import Run
from finetooth.train import Watch, train
from finetooth.train.tracking import place_name

TRACKERS = ["tensorboard", "trackio", "wandb", "mlflow"]


def settings(out, track, **more):
    steps = {"max_steps": 3, "warmup_steps": 1, "batch_tokens": 256, "threads": 1, "learning_rate": 5e-3}
    return config.build(
        {"task": "qa", "data": {"train": "memory"}, "train": steps, "track": track, "out": str(out), **more}
    )


class Said(Watch):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


def run_of(out, track, **more):
    watch = Said()
    run = train(
        settings(out, track, **more),
        train=toy.examples(30), dev=toy.examples(6, seed=1), build=toy.build, watch=watch,
    )  # fmt: skip
    assert not [line for line in watch.lines if "tracker" in line]
    return run


# ---- what a tracker has, as {(name, step): value}


def in_tensorboard(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.folder / "track"))
    events.Reload()
    return {(t, e.step): e.value for t in events.Tags()["scalars"] for e in events.Scalars(t)}


def in_trackio(run):
    from trackio.sqlite_storage import SQLiteStorage

    rows = SQLiteStorage.get_logs("finetooth", place_name(run.folder))
    return {
        (k, r["train/global_step"]): v
        for r in rows
        for k, v in r.items()
        if k.startswith(("train/", "eval/")) and k != "train/global_step"
    }


def in_wandb(run):
    from wandb.proto import wandb_internal_pb2
    from wandb.sdk.internal.datastore import DataStore

    (path,) = (run.folder / "track").glob("wandb/offline-run-*/run-*.wandb")
    store, found = DataStore(), {}
    store.open_for_scan(str(path))
    while (data := store.scan_data()) is not None:
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") != "history":
            continue
        row = {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in record.history.item}
        step = row.pop("train/global_step")
        found |= {(k, step): v for k, v in row.items() if k.startswith(("train/", "eval/"))}
    return found


def in_mlflow(run):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{(run.folder / 'track').resolve()}/mlflow.db")
    (found,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    made = {}
    for key in found.data.metrics:
        name = f"eval/{key[5:]}" if key.startswith("eval_") else f"train/{key}"
        made |= {(name, m.step): m.value for m in client.get_metric_history(found.info.run_id, key)}
    return made


HELD = {"tensorboard": in_tensorboard, "trackio": in_trackio, "wandb": in_wandb, "mlflow": in_mlflow}


def in_the_step_log(run):
    rows = map(json.loads, (run.folder / "steps.jsonl").read_text().splitlines())
    return {
        (f"eval/{k[4:]}" if k.startswith("dev_") else f"train/{k}", row["step"]): v
        for row in rows
        for k, v in row.items()
        if k != "step"
    }


@pytest.fixture(params=TRACKERS)
def tracker(request, tmp_path, monkeypatch):
    pytest.importorskip(request.param)
    monkeypatch.chdir(tmp_path)
    for name in (
        "TENSORBOARD_LOGGING_DIR",
        "MLFLOW_TRACKING_URI",
        "WANDB_DIR",
        "WANDB_PROJECT",
        "WANDB_MODE",
    ):
        monkeypatch.delenv(name, raising=False)
    # Trackio reads where its files are when it is imported.
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    for name in [m for m in sys.modules if m.partition(".")[0] == "trackio"]:
        monkeypatch.delitem(sys.modules, name)
    return request.param


def test_the_mirror_of_each_run_holds_what_its_step_log_holds(tracker, tmp_path, capsys):
    # Of one name: what tells them apart is where they are.
    runs = [run_of(tmp_path / name / "run", tracker, seed=seed) for seed, name in enumerate(("one", "other"))]
    wanted = [in_the_step_log(run) for run in runs]
    assert {step for name, step in wanted[0] if name == "train/loss"} == {1, 2, 3}
    assert ("eval/f1", 3) in wanted[0]
    assert wanted[0]["train/loss", 3] != wanted[1]["train/loss", 3]
    for run, want in zip(runs, wanted, strict=True):
        assert HELD[tracker](run) == pytest.approx(want, rel=1e-6)
    # Standard output is for results.
    assert capsys.readouterr().out == ""


def test_a_mirrored_run_is_the_run_it_would_have_been(tracker, tmp_path):
    plain, mirrored = run_of(tmp_path / "plain", "none"), run_of(tmp_path / "mirrored", tracker)
    weights = [(run.model / "model.safetensors").read_bytes() for run in (plain, mirrored)]
    assert weights[0] == weights[1]
    assert not (tmp_path / "plain" / "track").exists()


@pytest.mark.parametrize("name", TRACKERS)
def test_one_that_is_not_installed_is_named_with_the_cure_before_the_first_step(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    assert importlib.util.find_spec(name) is None
    with pytest.raises(UsageError) as caught:
        run_of(tmp_path / "run", name)
    said = str(caught.value)
    assert f"the tracker {name} is not installed" in said
    assert "pip install 'finetooth[track]'" in said
    assert "\n" not in said
    assert not (tmp_path / "run" / "steps.jsonl").exists()
    assert Run.open(tmp_path / "run").status == "failed"


def test_a_folder_that_a_tracker_left_is_not_the_tracker(tmp_path, monkeypatch):
    if importlib.util.find_spec("wandb") is not None:
        pytest.skip("wandb is installed")
    (tmp_path / "wandb").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match="the tracker wandb is not installed"):
        run_of(tmp_path / "run", "wandb")


def test_an_unknown_tracker_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text("task: qa\ndata: {train: train.jsonl}\nout: run\n")
    assert main(["train", "run.yaml", "track=tensorbord"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "track" in captured.err
    assert "tensorbord" in captured.err
    assert "tensorboard" in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert not Path("run").exists()


def test_one_that_breaks_is_let_go_of_and_the_run_goes_on(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    # A file stands where its folder should be.
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "file" / "under"))
    watch = Said()
    run = train(
        settings(tmp_path / "run", "tensorboard"),
        train=toy.examples(30), dev=toy.examples(6, seed=1), build=toy.build, watch=watch,
    )  # fmt: skip
    (line,) = [line for line in watch.lines if "tracker" in line]
    assert line.startswith("tracker tensorboard failed (")
    assert line.endswith("the run goes on without it")
    assert run.status == "finished"
    assert len(in_the_step_log(run)) > 20
