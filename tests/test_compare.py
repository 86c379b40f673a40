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
    first = found["flipped"][0]
    assert [first["gold"]] == first["arm_predictions"] != first["baseline_predictions"]


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
    with pytest.raises(UsageError, match="has scores, but its predictions are gone") as gone:
        compare([a, b])
    assert "finetooth evaluate" in gone.value.cure
    assert "there are" not in str(gone.value)
    with pytest.raises(UsageError, match="no scores for the split 'test'") as never:
        compare([a, b], split="test")
    assert "there are: dev" in never.value.cure


def seeds(folder, data, name, rate, *, noise, shift=0.0, n=4, start=0):
    """Runs of one recipe whose seeds differ by ``noise``, a standard deviation of the rate."""
    rng = np.random.default_rng([start, len(name)])
    hard = np.random.default_rng(1).random(400)  # the same examples are hard for all
    return [
        run(folder / f"{name}-{s}", data, hard < rate + shift + rng.normal(0, noise), seed=s, model=name)
        for s in range(n)
    ]


def test_runs_that_differ_in_their_seed_are_one_arm_and_their_noise_counts(tmp_path):
    data = dev(tmp_path)
    steady = seeds(tmp_path / "s", data, "old", 0.6, noise=0.005) + seeds(
        tmp_path / "s", data, "fresh", 0.67, noise=0.005
    )
    wild = seeds(tmp_path / "w", data, "old", 0.6, noise=0.1) + seeds(
        tmp_path / "w", data, "fresh", 0.67, noise=0.1
    )
    calm, rough = compare(steady), compare(wild)
    assert [(a.name, a.seeds) for a in calm.arms] == [("old-*", (0, 1, 2, 3)), ("fresh-*", (0, 1, 2, 3))]
    assert calm.comparisons[0].verdict == "better"
    assert rough.comparisons[0].verdict == "not shown"
    assert rough.comparisons[0].paired.se_seeds > 4 * calm.comparisons[0].paired.se_seeds
    # Each against each, the noise of the seeds is out of sight: some pair of one recipe looks like a difference.
    alone = compare(wild[:4], each=True)
    assert any(c.verdict in ("better", "worse") for c in alone.comparisons)
    assert "another seed may turn it round" in " ".join(alone.notes)


def test_an_arm_of_one_run_is_given_the_noise_of_the_other(tmp_path):
    data = dev(tmp_path)
    runs = seeds(tmp_path, data, "old", 0.6, noise=0.05) + seeds(tmp_path, data, "new", 0.7, noise=0.0, n=1)
    found = compare(runs)
    assert found.comparisons[0].paired.borrowed
    assert "new-0 is one run: its seed noise is taken to be that of old-*" in found.notes


def test_training_data_that_changed_under_one_path_make_two_arms(tmp_path):
    data = dev(tmp_path)
    right = np.arange(400) % 10 < 6
    same = [run(tmp_path / f"a{s}", data, right, seed=s) for s in range(2)]
    other = run(tmp_path / "b", data, right, seed=0, train="t1")
    assert [a.name for a in compare([*same, other]).arms] == ["a*", "b"]


def test_a_seed_that_was_run_from_the_folder_of_another_is_of_its_arm(tmp_path):
    # finetooth train runs/a out=runs/b seed=1 takes what "auto" came to in runs/a for its configuration.
    data, right = dev(tmp_path), np.arange(400) % 10 < 6
    a, b, c = (run(tmp_path / n, data, right, seed=s) for s, n in enumerate("abc"))
    made = {f: json.loads((f / "run.json").read_text()) for f in (a, b, c)}
    for folder, precision, threads in ((a, "bf16", 2), (b, "bf16", 8), (c, "fp32", 2)):
        config = made[folder]["config"]
        made[folder]["resolved"] = config | {"train": {"precision": precision, "threads": threads}}
    for folder in (b, c):
        made[folder]["config"] = made[folder]["resolved"]
    for folder, info in made.items():
        io.write_json(folder / "run.json", info)
    assert [len(x.runs) for x in compare([a, b, c]).arms] == [2, 1]


def test_a_repeated_run_does_not_pass_for_a_second_seed(tmp_path):
    data = dev(tmp_path)
    right = np.arange(400) % 10 < 6
    a, b, c = (run(tmp_path / n, data, right, seed=s) for n, s in (("a", 0), ("b", 0), ("c", 1)))
    with pytest.raises(UsageError, match="the same seed 0"):
        compare([a, b])
    with pytest.raises(UsageError, match="all 2 runs are one arm"):
        compare([a, c])
    (found,) = compare([a, b], each=True).comparisons
    assert found.verdict == "same"
    assert found.flipped == ()


def test_a_gain_in_one_slice_is_told_and_many_looks_are_paid_for(tmp_path):
    data = dev(tmp_path)
    of = np.arange(400)
    base = np.random.default_rng(2).random(400) < 0.6
    a = run(tmp_path / "a", data, base)
    b = run(tmp_path / "b", data, base | ((of % 2 == 1) & (of % 3 == 0)), model="scratch")
    (found,) = compare([a, b]).comparisons
    by = {(s.by, s.slice): s for s in found.slices}
    assert by["label", "yes"].verdict == "better"
    assert by["label", "no"].verdict == "same"
    assert all(s.corrected >= s.paired.p for s in found.slices)
    whole = sum(s.paired.difference * s.n for s in found.slices if s.by == "label") / 400
    assert whole == pytest.approx(found.paired.difference)


def test_more_arms_make_each_harder_to_show(tmp_path):
    data, rng = dev(tmp_path), np.random.default_rng(5)
    base = rng.random(400) < 0.7
    better = base | (rng.random(400) < 0.12)
    runs = [run(tmp_path / "a", data, base), run(tmp_path / "b", data, better, model="b")]
    runs += [run(tmp_path / f"c{i}", data, rng.random(400) < 0.7, model=f"c{i}") for i in range(3)]
    two, many = compare(runs[:2]).comparisons[0], compare(runs).comparisons[0]
    assert many.paired == two.paired
    assert many.corrected == pytest.approx(min(1, 4 * two.corrected))
    assert "after correction for 4 comparisons" in many.sentence


def test_data_that_changed_since_are_refused_and_data_can_be_named(tmp_path, capsys):
    data = dev(tmp_path)
    a = run(tmp_path / "a", data, np.arange(400) % 10 < 6)
    b = run(tmp_path / "b", data, np.arange(400) % 10 < 8, model="scratch")
    kept = data.rename(tmp_path / "moved.jsonl")
    assert main(["compare", str(a), str(b)]) == 2
    assert "--data" in capsys.readouterr().err
    assert main(["compare", str(a), str(b), "--data", str(kept)]) == 0
    dev(tmp_path, 398)
    capsys.readouterr()
    assert main(["compare", str(a), str(b)]) == 2
    said = capsys.readouterr().err
    assert Run.open(a).scores()["dev"]["data_fingerprint"] in said
    assert readers.load(data, task="nli").fingerprint in said


def test_missing_predictions_count_as_wrong_and_are_named(tmp_path):
    data = dev(tmp_path)
    a = run(tmp_path / "a", data, np.arange(400) % 10 < 8)
    b = run(tmp_path / "b", data, np.arange(400) % 10 < 8, model="scratch")
    lines = (b / "predictions" / "dev.jsonl").read_text().splitlines()
    (b / "predictions" / "dev.jsonl").write_text("\n".join(lines[:200]) + "\n")
    found = compare([a, b])
    assert found.comparisons[0].verdict == "worse"
    assert any("200 examples have no prediction" in n for n in found.notes)
    assert any("one of the two was changed" in n for n in found.notes)


def test_for_an_error_less_is_better(tmp_path):
    data = dev(tmp_path)
    # Both are sure to 90 %; one is right in 90 % of the examples, the other in 50 %.
    sure = run(tmp_path / "sure", data, np.arange(400) % 10 < 9)
    vain = run(tmp_path / "vain", data, np.arange(400) % 10 < 5, model="scratch")
    (found,) = compare([vain, sure], metric="ece").comparisons
    assert found.paired.difference < 0
    assert found.verdict == "better"


def test_the_difference_is_measured_as_the_textbook_has_it():
    # Accuracy of independent pairs: the standard error of the difference is that of the mean of the differences.
    rng = np.random.default_rng(0)
    a, b = (rng.random((2, 2000)) < [[0.7], [0.74]]).astype(float)
    sums = [np.stack([100 * x, np.ones(2000)], axis=1) for x in (a, b)]
    found = paired([sums[0]], [sums[1]], lambda s: s[..., 0] / s[..., 1], resamples=4000)
    expected = 100 * (b - a).std() / np.sqrt(2000)
    assert found.se_examples == pytest.approx(expected, rel=0.05)
    assert found.high - found.low == pytest.approx(2 * 1.96 * expected, rel=0.06)


@pytest.mark.parametrize("runs", [1, 3])
def test_no_difference_is_seldom_called_one(runs):
    # The page of bench/compare_null.py in small: 200 pairs of arms that are drawn alike.
    def arm(rng, hard):
        shift = rng.normal(0, 0.1, (runs, 1)) if runs > 1 else np.zeros((1, 1))
        right = rng.random((runs, len(hard))) < hard + shift
        return [np.stack([r, np.ones(len(hard))], axis=1) for r in right.astype(float)]

    wrong = 0
    for i in range(200):
        rng = np.random.default_rng(i)
        hard = rng.uniform(0.3, 0.9, 150)
        found = paired(
            arm(rng, hard),
            arm(rng, hard),
            lambda s: 100 * s[..., 0] / s[..., 1],
            seed=i,
            resamples=400,
        )
        wrong += found.shown(0.05)
    assert 1 <= wrong <= 17  # 5 % of 200 is 10; a test of the right size leaves this range once in 60 times


def test_entity_types_are_slices_and_one_that_is_the_whole_is_not(tmp_path):
    ner = registry.task("ner")
    text = "Ada left Rome."
    both = [{"start": 0, "end": 3, "type": "PER"}, {"start": 9, "end": 13, "type": "LOC"}]
    rows = [{"id": f"d{i}", "text": f"{text} {i}", "entities": both} for i in range(60)]
    io.write_jsonl(tmp_path / "dev.jsonl", rows)
    examples = list(readers.load(tmp_path / "dev.jsonl", task="ner").examples)

    def guess(folder, kept):
        found = [
            Prediction(e.id, ner.parse([s for s in both if kept(i, s["type"])], e), 0.5)
            for i, e in enumerate(examples)
        ]
        data = {"train": str(tmp_path / "dev.jsonl"), "dev": str(tmp_path / "dev.jsonl")}
        config = {"task": "ner", "data": data, "model": {"name": folder}, "out": folder}
        (tmp_path / folder).mkdir()
        io.write_json(tmp_path / folder / "run.json", {"format": 1, "status": "finished", "config": config})
        made = Run.open(tmp_path / folder)
        made.write_predictions("dev", found, ner.show)
        made.write_scores("dev", io.plain(score(ner, examples, found, resamples=2, floors=False).to_json()))
        return tmp_path / folder

    people = guess("people", lambda i, kind: kind == "PER")
    places = guess("places", lambda i, kind: kind == "PER" or i % 3 > 0)
    (found,) = compare([people, places]).comparisons
    assert {(s.by, s.slice): s.verdict for s in found.slices} == {
        ("type", "LOC"): "better",
        ("type", "PER"): "same",
    }
    # All entities were seen in training: "seen" would be the whole again, "unseen" holds nothing.
    assert found.verdict == "better"
