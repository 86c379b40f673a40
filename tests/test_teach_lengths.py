"""What a max_length_tokens would cut and save is what training then does; long reasons are held against their labels."""

import json

import pytest
from tiny_models import byte_level

from finetooth.cli import main
from finetooth.config import Config
from finetooth.train.lengths import lengths, reason_accuracy
from finetooth.types import Example

REASONS = ["it is so.", "step 1: it is said. step 2: so it can be inferred.", "it " * 40 + "is so."]


@pytest.fixture
def model(tmp_path_factory):
    return byte_level(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "reasons.jsonl"
    rows = [
        {"premise": f"Ada left at {i}.", "hypothesis": "Ada left.", "label": i % 2, "reason": REASONS[i % 3]}
        for i in range(24)
    ]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


def config(model, data, **more):
    settings = {"name": str(model), "head": "causal", **more}
    return Config.model_validate({"task": "nli", "data": {"train": str(data)}, "model": settings, "out": "x"})


def test_what_it_foretells_is_what_the_head_leaves_out(model, data):
    from finetooth import registry
    from finetooth.train import data as loading
    from finetooth.train.build import default

    found = lengths(config(model, data))
    assert found.rows[-1]["cut"] == 0
    examples = list(loading.load(config(model, data)).train.examples)
    assert found.examples == len(examples)
    some = [r for r in found.rows if 0 < r["cut"] < len(examples)]
    assert some
    for row in some:
        settings = config(model, data, max_length_tokens=row["max_length_tokens"], stride_tokens=8)
        head = default(settings, registry.task("nli"), examples, weights=False).head
        windows = head.windows(examples)
        assert len(examples) - len(windows) == row["cut"] == sum(row["by_label"].values())
        assert sum(len(w) for w in windows) == row["trained_tokens"]
        assert 0 < row["saved_percent"] < 100


def test_the_command_prints_it_and_writes_nothing(model, data, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["estimate", "--lengths", "--task", "nli", "--data", str(data), "--model", str(model)]
    assert main([*command, "model.head=causal", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["smallest_whole"] in [r["max_length_tokens"] for r in said["rows"]]
    assert main([*command, "model.head=causal"]) == 0
    assert "cuts nothing" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["reasons.jsonl"]
    assert main([*command, "--memory", "8GB"]) == 2


def test_a_head_that_cuts_nothing_is_said(model, data, capsys, tmp_path):
    path = tmp_path / "ner.jsonl"
    path.write_text('{"text": "Ada left.", "entities": [{"start": 0, "end": 3, "type": "PER"}]}\n' * 20)
    command = ["estimate", "--lengths", "--task", "ner", "--data", str(path), "--model", str(model)]
    assert main([*command, "model.head=token"]) == 2
    assert "several windows" in capsys.readouterr().err


def test_the_teachers_accuracy_by_length_of_its_reason():
    from finetooth.tasks.nli import NliInput, NliTarget

    examples = [
        Example(
            str(i), NliInput("a", "b"), NliTarget("1", "x"), {"reasons": (("thought", "word " * n, given),)}
        )
        for i, (n, given) in enumerate([(2, "1")] * 10 + [(50, "0")] * 5 + [(50, "1")] * 5)
    ]
    rows = reason_accuracy(examples)
    assert [r["n"] for r in rows] == [5, 5, 5, 5]
    assert rows[0]["accuracy"] == 100.0
    assert sum(r["accuracy"] * r["n"] for r in rows) == 100.0 * 15
    assert all(r["low"] <= r["accuracy"] <= r["high"] + 1e-9 for r in rows)
    assert reason_accuracy([e for e in examples if e.meta["reasons"][0][2] == "1"]) == []
