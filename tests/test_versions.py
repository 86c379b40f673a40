"""Versions of data: a manifest says what changed and what is deprecated; training says it aloud."""

import json
import shlex

import pytest
import train_toy

from finetooth import io, readers, registry
from finetooth.cli import main
from finetooth.cli.train import Screen
from finetooth.config import Config
from finetooth.errors import DataError
from finetooth.generate import make
from finetooth.io import versions
from finetooth.report import leaderboard
from finetooth.runs import describe
from finetooth.train import train
from finetooth.train.data import load


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seed in (("train", 1), ("dev", 2)):
        io.write_jsonl(tmp_path / f"{name}.jsonl", make("nli", 12, seed=seed).rows)
    return tmp_path


def config(**more):
    return Config.model_validate(
        {"task": "nli", "data": {"train": "train.jsonl", "dev": "dev.jsonl"}, "out": "run", **more}
    )


def test_training_on_a_deprecated_version_warns_and_the_run_remembers(data):
    assert load(config()).warnings == ()
    assert main(shlex.split("version train.jsonl --deprecate 'totals do not add up'")) == 0
    (said,) = load(config()).warnings
    assert said == "train.jsonl is deprecated: totals do not add up"
    assert describe(load(config()).train)["deprecated"] == "totals do not add up"
    # Also when only a part of it is drawn, which has another fingerprint.
    drawn = config(data={"train": "train.jsonl", "dev": "dev.jsonl", "max_train_examples": 4})
    assert load(drawn).warnings == (said,)
    assert main(shlex.split("version train.jsonl --deprecate ''")) == 0
    assert load(config()).warnings == ()


def test_the_run_prints_the_warning_and_keeps_it(data, capsys):
    to_row = registry.task("qa").to_row
    io.write_jsonl(data / "train.jsonl", map(to_row, train_toy.examples(12)))
    io.write_jsonl(data / "dev.jsonl", map(to_row, train_toy.examples(6, seed=1)))
    assert main(shlex.split("version dev.jsonl --deprecate 'labels of 2023'")) == 0
    small = {"max_steps": 1, "warmup_steps": 0, "batch_tokens": 256, "threads": 1}
    train(config(task="qa", train=small), watch=Screen(), build=train_toy.build)
    assert "warning    dev.jsonl is deprecated: labels of 2023" in capsys.readouterr().err
    info = json.loads((data / "run" / "run.json").read_text())
    assert "dev.jsonl is deprecated: labels of 2023" in info["preflight"]["warnings"]
    # The leaderboard still knows it when the manifest is gone.
    versions.manifest_path("dev.jsonl").unlink()
    assert "DEPRECATED: labels of 2023" in leaderboard.markdown(leaderboard.entries(["run"]))


def test_a_file_that_changed_under_its_manifest_is_told(data, capsys):
    assert main(shlex.split("version train.jsonl --changed 'twelve rows'")) == 0
    assert main(shlex.split("version train.jsonl")) == 0
    rows = make("nli", 13, seed=1).rows
    io.write_jsonl(data / "train.jsonl", rows)
    assert "has changed since its manifest was written" in load(config()).warnings[0]
    capsys.readouterr()
    assert main(shlex.split("version train.jsonl --json")) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["manifest"]["changed"] == "twelve rows"
    assert told["fingerprint"] != told["manifest"]["fingerprint"]


def test_a_version_names_its_parent_by_fingerprint(data):
    io.write_jsonl(data / "train2.jsonl", make("nli", 12, seed=1).rows[:9])
    assert main(shlex.split("version train2.jsonl --parent train.jsonl --changed 'three dropped'")) == 0
    assert main(shlex.split("version train2.jsonl --deprecate 'too few'")) == 0
    manifest = versions.manifest_of("train2.jsonl")
    assert manifest["parent"] == readers.load("train.jsonl").fingerprint
    assert (manifest["changed"], manifest["deprecated"]) == ("three dropped", "too few")


def test_a_manifest_in_a_folder_of_data_is_no_data(data):
    folder = data / "shards"
    folder.mkdir()
    io.write_jsonl(folder / "a.jsonl", make("nli", 6, seed=1).rows)
    io.write_json(folder / "a.jsonl.version.json", {"fingerprint": "x"})
    assert len(readers.load(folder)) == 6


@pytest.mark.parametrize("text", ["[1, 2]", '{"deprecated": true}', "{", '{"deprecated": "\\ud800"'])
def test_a_manifest_that_is_none_stops_before_training(data, text):
    versions.manifest_path("train.jsonl").write_text(text)
    with pytest.raises(DataError, match=r"version\.json"):
        load(config())


def test_data_of_the_hub_have_no_manifest():
    assert versions.manifest_of("hub:squad@train") is None
