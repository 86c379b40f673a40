"""Scores of a file of predictions: as the official scripts count, or a clear error."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from finetooth import readers, registry
from finetooth.cli import main
from finetooth.errors import FinetoothError
from finetooth.evaluate import intervals, metric_code
from finetooth.evaluate import predictions as files
from finetooth.evaluate.score import above_floor, score
from finetooth.metrics.qa import best_over_golds
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.text import normalize_answer
from finetooth.types import Example, Prediction, Score, Span

DATA = Path(__file__).parents[1].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared data are not here")
QA = registry.task("qa")
TEXT = "Ada Lovelace left Rome in 1843. Her dog Rex stayed with Bo in a small house."


def example(name, question, *answers, v2=False, context=TEXT):
    spans = tuple(Span(context.find(a), context.find(a) + len(a), a) for a in answers)
    return Example(name, QAInput(question, context), QATarget(spans, v2))


EXAMPLES = [
    example("q1", "Who left Rome?", "Ada Lovelace", "Ada"),
    example("q2", "When did Ada leave?", "1843"),
    example("q3", "Who stayed with Bo?", "Rex", "Her dog Rex", context=TEXT + " So it was."),
]


def squad(path, examples=EXAMPLES):
    next(r for r in readers.registry.readers() if r.name == "squad").write(examples, path)
    return path


def run(capsys, *argv):
    code = main([*map(str, argv)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# ---- counted as the official scripts count


def test_rows_under_one_id_go_by_its_one_prediction(tmp_path, capsys):
    rows = [("x", "Who?", "Ada"), ("x", "Who?", "Ada"), ("x", "When?", "1843"), ("y", "When?", "1843")]
    gold = squad(tmp_path / "gold.json", [example(*r) for r in rows])
    said = tmp_path / "p.json"
    said.write_text(json.dumps({"x": "Ada", "y": "1843"}), "utf-8")
    code, out, _err = run(capsys, "score", said, gold, "--no-floors", "--json")
    report = json.loads(out)
    assert (code, report["missing"], report["unknown"]) == (0, [], [])
    assert report["scores"][0]["value"] == 75.0  # as evaluate-v1.1.py, which has one answer for the three
    said.write_text(json.dumps({"x": "Ada", "x#3": "1843", "y": "1843"}), "utf-8")
    _, out, _ = run(capsys, "score", said, gold, "--no-floors", "--json")
    assert json.loads(out)["scores"][0]["value"] == 100.0


def test_of_an_id_that_stands_twice_the_official_script_is_told(tmp_path, capsys):
    """evaluate-v2.0.py keeps scores by id: of two questions the last counts, and there are two in all, not three."""
    rows = [("x", "Who?", "Ada"), ("x", "When?", "1843"), ("y", "When?", "1843")]
    (tmp_path / "p.json").write_text(json.dumps({"x": "Ada", "y": "1843"}), "utf-8")
    for v2 in (True, False):
        gold = squad(tmp_path / "gold.json", [example(*r, v2=v2) for r in rows])
        code, out, _ = run(capsys, "score", tmp_path / "p.json", gold, "--no-floors", "--json")
        report = json.loads(out)
        assert (code, round(report["scores"][0]["value"], 1)) == (0, 66.7)
        told = [n for n in report["notes"] if n.startswith("1 id stands more than once, x for one")]
        assert len(told) == v2  # evaluate-v1.1.py counts each of them, too
        assert all(
            "3 in all, where evaluate-v2.0.py scores the last one of an id, 2 in all" in n for n in told
        )


def test_a_question_that_is_impossible_and_has_answers_is_named(tmp_path, capsys):
    """evaluate-v2.0.py reads no is_impossible: it would want "Ada" of q1."""
    document = json.loads(squad(tmp_path / "gold.json").read_text("utf-8"))
    document["version"] = "v2.0"
    document["data"][0]["paragraphs"][0]["qas"][0]["is_impossible"] = True
    (tmp_path / "gold.json").write_text(json.dumps(document), "utf-8")
    (tmp_path / "p.json").write_text('{"q1": "", "q2": "1843", "q3": "Rex"}', "utf-8")
    code, out, err = run(capsys, "score", tmp_path / "p.json", tmp_path / "gold.json", "--json")
    report = json.loads(out)
    assert (code, report["scores"][0]["value"]) == (0, 100.0)
    assert any("1 question marked is_impossible with answers, q1 for one" in n for n in report["notes"]), err


@pytest.mark.parametrize(
    ("data", "cure"),
    [
        (b"\x28\xb5\x2f\xfd" + bytes(9), "unzstd"),
        ('{"q1": "Ada"}'.encode("utf-16"), "iconv -f UTF-16"),
        ("id,prediction\nq1,Ada\n".encode("utf-16"), "iconv -f UTF-16"),
    ],
    ids=["zstd", "JSON in UTF-16", "CSV in UTF-16"],
)
def test_predictions_that_are_no_utf8_text_come_with_their_own_cure(tmp_path, capsys, data, cure):
    said = tmp_path / "p"
    said.write_bytes(data)
    code, _, err = run(capsys, "score", said, squad(tmp_path / "gold.json"))
    assert code == 2
    assert cure in err


@needs_data
def test_awkward_pairs_score_as_the_official_scripts_have_them():
    cases = json.loads((DATA / "vectors" / "squad_cases.json").read_text("utf-8"))["cases"]
    for c in cases:
        assert normalize_answer(c["gold"]) == c["norm_gold"]
        assert normalize_answer(c["pred"]) == c["norm_pred"]
        assert best_over_golds([c["gold"]], c["pred"], v2=False) == (c["v11_em"], c["v11_f1"]), c
        assert best_over_golds([c["gold"]], c["pred"], v2=True) == (c["v2_em"], c["v2_f1"]), c


@needs_data
@pytest.mark.parametrize(
    ("predictions", "data", "em", "f1", "missing"),
    [
        ("v1.1-bert", "v1.1-train", 86.1899, 91.8566, 0),
        ("v1.1-bert", "v1.1-dev", 88.2970, 94.0966, 0),
        ("v1.1-logistic-regression-baseline", "v1.1-train", 39.2807, 49.6175, 6),
        ("v1.1-logistic-regression-baseline", "v1.1-dev", 44.7942, 55.7782, 1),
    ],
)
def test_published_predictions_score_what_the_official_script_gives(
    capsys, predictions, data, em, f1, missing
):
    code, out, _ = run(
        capsys,
        "score",
        DATA / "squad" / "predictions" / f"{predictions}.json",
        DATA / "squad" / f"{data}.json",
        *("--task", "qa", "--json", "--resamples", 50),
    )
    said = json.loads(out)
    values = {s["name"]: round(s["value"], 4) for s in said["scores"]}
    assert code == 0
    assert values == {"exact_match": em, "f1": f1}
    assert len(said["missing"]) == missing


def official_v2(examples, predicted):
    """evaluate-v2.0.py's HasAns and NoAns figures, written down a second time from its description."""
    found = {"has answer": [], "no answer": []}
    for e in examples:
        golds = [a.text for a in e.target.answers if normalize_answer(a.text)] or [""]
        guess = predicted[e.id]
        f1s = []
        for gold in golds:
            a, b = normalize_answer(gold).split(), normalize_answer(guess).split()
            same = sum((Counter(a) & Counter(b)).values())
            if not a or not b:
                f1s.append(float(a == b))
            else:
                f1s.append(0.0 if not same else 2 * same / (len(a) + len(b)))
        em = max(float(normalize_answer(g) == normalize_answer(guess)) for g in golds)
        found["has answer" if e.target.answers else "no answer"].append((em, max(f1s)))
    return {k: 100 * np.mean(v, axis=0) for k, v in found.items()}


@needs_data
@pytest.mark.parametrize("split", ["train", "dev"])
def test_v2_figures_with_and_without_answer(split):
    data = readers.load(DATA / "squad" / f"v2.0-{split}.json")
    path = DATA / "squad" / "predictions" / "v2.0-bert.json"
    matched = files.read(path, QA, data.examples)
    report = score(QA, data.examples, matched.predictions, floors=False, resamples=20)
    ours = {(r["slice"], r["name"]): r["value"] for r in report.slices if r["by"] == "answerable"}
    theirs = official_v2(data.examples, json.loads(path.read_text("utf-8")))
    for name, (em, f1) in theirs.items():
        assert ours[name, "exact_match"] == pytest.approx(em)
        assert ours[name, "f1"] == pytest.approx(f1)
    assert not report.missing


# ---- what must hold of any score


@pytest.mark.parametrize("v2", [False, True])
def test_gold_against_gold_is_perfect(v2):
    examples = [example("a", "Who?", "the", "Ada", v2=v2), *EXAMPLES]
    if v2:
        examples.append(example("none", "Where is Zed?", v2=True))
    report = score(QA, examples, [QA.gold(e) for e in examples])
    assert [s.value for s in report.scores] == [100.0, 100.0]
    assert report.ceilings == {}


def test_gold_that_the_reference_itself_scores_zero_is_named():
    odd = example("odd", "Which article?", "a")
    report = score(QA, [odd, *EXAMPLES], [QA.gold(e) for e in (odd, *EXAMPLES)])
    assert report.score("exact_match").value == 100.0
    assert report.ceilings == {"f1": 75.0}
    assert any("odd" in note for note in report.notes)


def test_slices_sum_to_the_whole():
    guesses = [Prediction("q1", "Ada"), None, Prediction("q3", "dog")]
    report = score(QA, EXAMPLES, guesses)
    for metric in report.scores:
        for kind in {r["by"] for r in report.slices}:
            rows = [r for r in report.slices if r["by"] == kind and r["name"] == metric.name]
            assert sum(r["n"] for r in rows) == metric.n
            assert sum(r["n"] * r["value"] for r in rows) == pytest.approx(metric.n * metric.value)


def test_a_metric_that_contradicts_itself_is_stopped():
    from dataclasses import replace

    kind = replace(QA.metrics[1], counts=lambda e, p: np.array([[float(x is p[0]), 1.0] for x in p]))
    with pytest.raises(FinetoothError, match="the gold itself only"):
        score(replace(QA, metrics=(kind,)), EXAMPLES, [Prediction("q1", "x")] * 3)
    broken = replace(QA.metrics[1], counts=lambda e, p: np.full((len(e), 2), np.nan))
    with pytest.raises(FinetoothError, match="expected finite counts"):
        score(replace(QA, metrics=(broken,)), EXAMPLES, [None] * 3)


def test_a_score_on_the_floor_is_said_to_be(tmp_path, capsys):
    (tmp_path / "p.json").write_text('{"q1": "Rome", "q2": "Rome", "q3": "Rome"}')
    _, _, err = run(capsys, "score", tmp_path / "p.json", squad(tmp_path / "d.json"))
    assert "exact_match is not above its floor" in err
    assert above_floor(Score("f1", 50, 41, 60, 9, 40.0, {"a": 40.0, "b": 1.0}))
    assert not above_floor(Score("f1", 50, 39, 60, 9, 40.0, {"a": 40.0, "b": 1.0}))
    assert not above_floor(Score("ece", 5, 4, 9, 9, 8.0, {"a": 9.0, "b": 8.0}))  # lower is better


def test_floors_beat_nothing_but_stand_where_they_should():
    report = score(QA, EXAMPLES, [None] * 3)
    floors = report.score("f1").floors
    assert set(floors) == {"random span", "word overlap", "first sentence", "no answer"}
    assert floors["word overlap"] > floors["random span"]
    unanswerable = [example(f"n{i}", "Where is Zed?", v2=True) for i in range(3)]
    both = score(QA, [*EXAMPLES, *unanswerable], [None] * 6)
    assert both.score("exact_match").floors["no answer"] == 50.0


# ---- intervals


def test_questions_of_one_context_are_not_independent():
    rng = np.random.default_rng(0)
    right = np.repeat(rng.random(40) < 0.5, 25).astype(float)  # all of a context right, or all wrong
    counts = np.stack([right, np.ones(1000)], axis=1)
    contexts = [str(i // 25) for i in range(1000)]
    low, high = intervals.interval(counts, contexts, QA.metrics[0].value)
    naive_low, naive_high = intervals.interval(counts, [str(i) for i in range(1000)], QA.metrics[0].value)
    assert high - low > 3 * (naive_high - naive_low)
    assert low < 100 * right.mean() < high


def test_intervals_hold_what_they_promise():
    """95 % intervals of 200 samples hold the truth in about 95 % of them."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        ease = np.repeat(rng.beta(2, 2, 60), 5)
        counts = np.stack([rng.random(300) < ease, np.ones(300)], axis=1).astype(float)
        low, high = intervals.interval(
            counts, [str(i // 5) for i in range(300)], QA.metrics[0].value, resamples=300
        )
        inside += low <= 50 <= high
    assert 0.90 <= inside / 200 <= 0.99


def test_one_group_has_no_interval():
    assert intervals.interval(np.ones((4, 2)), ["x"] * 4, QA.metrics[0].value) == (None, None)


# ---- fingerprints


def test_a_comment_leaves_the_metric_fingerprint_and_a_rule_changes_it():
    start = [("finetooth.metrics.qa", "F1")]
    plain = metric_code.reachable(start)

    def changed(module, old, new):
        def read(name):
            source = metric_code._source(name)
            assert name != module or old in source
            return source.replace(old, new) if name == module else source

        return metric_code.reachable(start, read) != plain

    assert not changed("finetooth.metrics.qa", "import numpy as np", "# a comment\nimport numpy as np")
    assert not changed("finetooth.metrics.qa", "repeats count.", "as you know.")
    assert not changed(
        "finetooth.text", "return line if len(line) <= size", "return line if len(line) < size"
    )
    assert changed("finetooth.metrics.qa", "2 * precision * recall", "3 * precision * recall")
    assert changed("finetooth.text", r"\b(a|an|the)\b", r"\b(a|an|the|of)\b")


@pytest.mark.parametrize("task", registry.tasks().values(), ids=lambda t: t.name)
def test_every_task_has_a_metric_fingerprint_of_its_own_code(task):
    code = metric_code.reachable(h for m in task.metrics if (h := metric_code._home(m)))
    assert len(metric_code.metric_fingerprint(task)) == 16
    assert any("return" in text for text in code), "the metrics are not bound in finetooth.metrics"


def test_scores_carry_the_fingerprint_of_their_data():
    report = score(QA, EXAMPLES, [None] * 3, floors=False)
    other = score(QA, EXAMPLES[:2], [None] * 2, floors=False)
    assert report.metric_fingerprint == other.metric_fingerprint
    assert report.data_fingerprint != other.data_fingerprint


# ---- files of predictions


@pytest.mark.parametrize(
    "text",
    [
        '{"q1": "Ada", "q2": "1843", "zz": "?"}',
        '{"id": "q1", "prediction": "Ada", "confidence": 0.5}\n{"id": "q2", "prediction": "1843"}\n{"id": "zz", "prediction": ""}\n',
        '[{"id": "q1", "prediction_text": "Ada", "no_answer_probability": 0.2}, {"id": "q2", "prediction_text": "1843"}, {"id": "zz", "prediction_text": ""}]',
        '{"q1": [{"text": "Ada", "probability": 0.8}, {"text": "Rex", "probability": 0.1}], "q2": {"text": "1843"}, "zz": ""}',
        '{"predictions": {"q1": "Ada", "q2": "1843", "zz": ""}}',
        "id,prediction,confidence\nq1,Ada,0.5\nq2,1843,\nzz,,\n",
    ],
)
def test_the_same_predictions_in_any_format(tmp_path, capsys, text):
    (tmp_path / "p").write_text(text)
    code, out, err = run(capsys, "score", tmp_path / "p", squad(tmp_path / "d.json"), "--json")
    said = json.loads(out)
    assert code == 0
    assert said["scores"][0]["value"] == pytest.approx(100 * 2 / 3)
    assert said["missing"] == ["q3"]
    assert said["unknown"] == ["zz"]
    assert "1 of 3 examples has no prediction and counts as wrong" in err


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{"q1": NaN}', "not-a-number"),
        ('{"q1": 5}', "q1: expected the answer's text, found an integer"),
        ('{"q1": "Ada", "q1": "Bo"}', "duplicate-key"),
        ('{"q1": "Ada"', "cut off"),
        (
            '{"id": "q1", "prediction": "a"}\n{"id": "q1", "prediction": "b"}',
            "p:2: two predictions for the id 'q1'",
        ),
        (
            '{"id": "q1", "prediction": "a", "confidence": "high"}\n{"id": "q2", "prediction": "b"}',
            "p:1: confidence",
        ),
        ('{"id": "q1"}\n{"id": "q2"}', "expected an id and a prediction"),
        ('["Ada"]', "p[0]: expected an object"),
        ('{"data": [], "version": "1.1"}', "none of its keys is the id of an example"),
        ("hello", "expected predictions"),
        ("", "the file is empty"),
    ],
)
def test_a_broken_file_is_one_line_and_exit_2(tmp_path, capsys, text, part):
    (tmp_path / "p").write_text(text)
    code, out, err = run(capsys, "score", tmp_path / "p", squad(tmp_path / "d.json"), "--json")
    assert code == 2
    assert json.loads(out)["error"]["what"]
    assert part in err
    assert len(err.splitlines()) == 1


def test_seen_and_unseen_answers_need_a_training_set(tmp_path, capsys):
    data = squad(tmp_path / "d.json")
    train = squad(tmp_path / "t.json", [example("t1", "Who?", "the ada")])
    (tmp_path / "p.json").write_text("{}")
    for more, expected in ((), set()), (("--train", train), {"seen", "unseen"}):
        _, out, _ = run(capsys, "score", tmp_path / "p.json", data, "--json", *more)
        slices = json.loads(out)["slices"]
        assert {r["slice"] for r in slices if r["by"] == "answer in training set"} == expected
