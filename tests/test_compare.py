"""Two runs on the same data: which is better, by how much, where, and what may not be compared at all."""

import json

import numpy as np
import pytest

from finetooth import io, readers, registry
from finetooth.cli import main
from finetooth.errors import UsageError
from finetooth.evaluate.score import score
from finetooth.runs import Run
from finetooth.search.compare import compare
from finetooth.search.paired import holm, paired
from finetooth.types import Prediction

NLI = registry.task("nli")


def dev(folder, n=400):
    """``n`` pairs with two hypotheses to a premise: as many groups as half of them."""
    rows = [
        {
            "id": f"p{i}",
            "premise": f"Ada left town {i // 2}.",
            "hypothesis": "Ada left." if i % 4 else "Ada never left the town at all.",
            "label": "yes" if i % 2 else "no",
        }
        for i in range(n)
    ]
    path = folder / "dev.jsonl"
    io.write_jsonl(path, rows)
    return path


def run(folder, data, right, *, seed=0, model="starter:minilm", train="t0", metric_code=None):
    """A finished run, as train leaves it, that gets the examples right of which ``right`` says so."""
    examples = readers.load(data, task="nli").examples
    other = {"yes": "no", "no": "yes"}
    labels = [e.target.label if ok else other[e.target.label] for e, ok in zip(examples, right, strict=True)]
    found = [Prediction(e.id, NLI.parse(label, e), 0.9) for e, label in zip(examples, labels, strict=True)]
    config = {
        "task": "nli",
        "seed": seed,
        "data": {"train": str(data), "dev": str(data)},
        "model": {"name": model},
        "out": str(folder),
    }
    folder.mkdir(parents=True)
    io.write_json(
        folder / "run.json",
        {"format": 1, "status": "finished", "config": config, "data": {"train": {"fingerprint": train}}},
    )
    made = Run.open(folder)
    made.write_predictions("dev", found, NLI.show)
    scores = score(NLI, examples, found, resamples=20, floors=False).to_json()
    made.write_scores("dev", io.plain(scores | ({"metric_fingerprint": metric_code} if metric_code else {})))
    return folder


def test_a_better_run_is_called_better_and_its_flips_are_listed(tmp_path, capsys):
    data = dev(tmp_path)
    old = run(tmp_path / "old", data, np.arange(400) % 10 < 6)
    new = run(tmp_path / "new", data, np.arange(400) % 10 < 8, model="starter:smollm2")
    assert main(["compare", str(old), str(new), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    (found,) = said["comparisons"]
    assert found["verdict"] == "better"
    assert found["difference"] == pytest.approx(20)
    assert 0 < found["low"] < 20 < found["high"]
    assert "new is better than old on dev: +20.00 accuracy" in found["sentence"]
    assert (found["won"], found["lost"]) == (80, 0)
    assert {f["example_id"] for f in found["flipped"]} == {f"p{i}" for i in range(400) if i % 10 in (6, 7)}
    assert found["flipped"][0]["gold"] == found["flipped"][0]["arm_prediction"]


def test_two_runs_that_differ_by_chance_are_not_told_apart(tmp_path):
    data, rng = dev(tmp_path), np.random.default_rng(0)
    a = run(tmp_path / "a", data, rng.random(400) < 0.7)
    b = run(tmp_path / "b", data, rng.random(400) < 0.7, model="scratch")
    (found,) = compare([a, b]).comparisons
    assert found.verdict == "not shown"
    assert found.paired.low < 0 < found.paired.high
    assert "not shown" in found.sentence


def test_must_beat_is_the_exit_code(tmp_path, capsys):
    data = dev(tmp_path)
    old = run(tmp_path / "old", data, np.arange(400) % 10 < 6)
    new = run(tmp_path / "new", data, np.arange(400) % 10 < 8, model="scratch")
    assert main(["compare", str(new), "--must-beat", str(old)]) == 0
    assert "new is better than old" in capsys.readouterr().out
    assert main(["compare", str(old), "--must-beat", str(new)]) == 1
    assert "old is worse than new" in capsys.readouterr().out


def test_other_data_and_other_metric_code_are_refused_with_both_fingerprints(tmp_path, capsys):
    data, other = dev(tmp_path), tmp_path / "other"
    other.mkdir()
    a = run(tmp_path / "a", data, np.arange(400) % 10 < 6)
    b = run(tmp_path / "b", dev(other, 300), np.arange(300) % 10 < 6, model="scratch")
    c = run(tmp_path / "c", data, np.arange(400) % 10 < 6, model="scratch", metric_code="feedfeedfeedfeed")
    for one, key in ((b, "data_fingerprint"), (c, "metric_fingerprint")):
        assert main(["compare", str(a), str(one)]) == 2
        said = capsys.readouterr().err
        assert len(said.strip().splitlines()) == 1
        for folder in (a, one):
            assert Run.open(folder).scores()["dev"][key] in said


def test_holm_is_holm():
    # Holm (1979): 0.01 x 4, then 0.02 x 3, then 0.03 x 2, never below what came before; None is no test.
    assert holm([0.03, None, 0.01, 0.02, 0.9]) == pytest.approx([0.06, None, 0.04, 0.06, 0.9])
    assert holm([0.4, 0.5]) == pytest.approx([0.8, 0.8])


def test_four_examples_that_differ_prove_nothing():
    # The percentile interval leaves zero out as soon as four examples differ one way; a sign test gives 0.125.
    a, b = np.zeros((500, 1)), np.zeros((500, 1))
    b[:4] = 1
    found = paired([a], [b], lambda s: s[..., 0] / 5, seed=3)
    assert found.low > 0
    assert found.p == pytest.approx(0.125, abs=0.02)
    assert not found.shown(0.05)


def test_a_run_without_predictions_says_how_to_make_them(tmp_path):
    data = dev(tmp_path)
    a = run(tmp_path / "a", data, np.arange(400) % 10 < 6)
    b = run(tmp_path / "b", data, np.arange(400) % 10 < 6, model="scratch")
    (b / "predictions" / "dev.jsonl").unlink()
    with pytest.raises(UsageError, match="finetooth evaluate"):
        compare([a, b])
