"""Generated text that holds no answer is counted by name beside the scores; rows without a target are in no score."""

import json

import pytest

from finetooth.cli import main
from finetooth.cli._scores import on_the_floor
from finetooth.types import Score

PAIRS = [
    {"id": f"p{i}", "premise": f"Ada left at {i}.", "hypothesis": "Ada left.", "label": i % 2}
    for i in range(8)
]
SAID = [
    '{"thought_process": "so it cannot be inferred.", "predicted_label": 0}',
    '{"thought_process": "Ada left and',
    '{"thought_process": "Ada left, and so',
    '{"thought_process": "so it can be inferred."}',
    "I think that it follows from it.",
    '{"predicted_label": "perhaps"}',
    '{"predicted_label": [0]}',
    "Sure! {'predicted_label': 1} Anything else?",
]


@pytest.fixture
def scored(tmp_path, capsys):
    def run(rows, predictions, *more, code=0, task="nli"):
        gold, said = tmp_path / "gold.jsonl", tmp_path / "said.json"
        gold.write_text("".join(json.dumps(r) + "\n" for r in rows))
        said.write_text(json.dumps(predictions))
        command = ["score", str(said), str(gold), "--task", task, "--resamples", "50", "--no-floors"]
        assert main([*command, *more]) == code
        return capsys.readouterr()

    return run


def test_the_rate_of_each_failure_stands_beside_accuracy(scored):
    said = {r["id"]: text for r, text in zip(PAIRS, SAID, strict=True)}
    found = json.loads(scored(PAIRS, said, "--json").out)
    assert found["scores"][0]["value"] == 25.0
    rates = {f["failure"]: f["rate"] for f in found["failures"]}
    assert rates == {
        "any": 75.0,
        "truncated": 25.0,
        "no-label": 12.5,
        "no-object": 12.5,
        "unknown-label": 12.5,
        "label-type": 12.5,
    }
    (cut,) = (f for f in found["failures"] if f["failure"] == "truncated")
    assert cut["ids"] == ["p1", "p2"]
    assert 0.0 <= cut["low"] < 25.0 < cut["high"] <= 100.0
    printed = scored(PAIRS, said).out
    assert "truncated" in printed
    assert "the object does not end" in printed


def test_text_that_was_all_read_has_a_rate_of_nought_and_labels_alone_have_none(scored):
    texts = {r["id"]: f'{{"predicted_label": {r["label"]}}}' for r in PAIRS}
    (any_,) = json.loads(scored(PAIRS, texts, "--json").out)["failures"]
    assert (any_["failure"], any_["rate"], any_["of"]) == ("any", 0.0, 8)
    labels = {r["id"]: r["label"] for r in PAIRS}
    assert json.loads(scored(PAIRS, labels, "--json").out)["failures"] == []


TARGETS = {
    "nli": (PAIRS[0], "label", "?", "no gold label", 0),
    "nli, as SNLI says it": (PAIRS[0], "label", "-", "no gold label", 0),
    "qa": (
        {"context": "Ada left.", "question": "Who?", "answers": {"text": ["Ada"], "answer_start": [0]}},
        "answers",
        None,
        "no gold answers",
        "Ada",
    ),
    "relation": (
        {
            "text": "Ada left Rome.",
            "entities": [
                {"type": "PER", "name": "Ada", "mentions": [{"start": 0, "end": 3}]},
                {"type": "LOC", "name": "Rome", "mentions": [{"start": 9, "end": 13}]},
            ],
            "triples": [{"head": 0, "relation": "Left", "tail": 1}],
        },
        "triples",
        None,
        "no gold triples",
        [{"head": "Ada", "relation": "Left", "tail": "Rome"}],
    ),
}


@pytest.mark.parametrize(("row", "key", "blank", "reason", "right"), TARGETS.values(), ids=TARGETS)
def test_a_row_without_a_target_is_named_and_in_no_score(scored, row, key, blank, reason, right):
    task = {"label": "nli", "answers": "qa", "triples": "relation"}[key]
    rows = [{**row, "id": "a"}, {**row, "id": "b", key: blank}]
    found = json.loads(scored(rows, {"a": right, "b": right}, "--json", task=task).out)
    assert (found["scores"][0]["value"], found["scores"][0]["n"]) == (100.0, 1)
    assert [(d["example_id"], d["reason"]) for d in found["left_out"]] == [("b", reason)]
    assert (found["missing"], found["unknown"]) == ([], [])
    assert f"1 row is in no score, b for one: {reason}" in scored(rows, {"a": right}, task=task).err


def test_where_no_row_has_a_target_nothing_is_scored(scored):
    rows = [{**r, "label": "?"} for r in PAIRS]
    assert "nothing to score against: no gold label in all 8 rows" in scored(rows, {"p0": 1}, code=2).err


def test_a_question_said_to_have_no_answer_is_scored(scored):
    row = {"id": "q", "context": "Ada left.", "question": "Why?", "answers": {"text": [], "answer_start": []}}
    found = json.loads(scored([row], {"q": ""}, "--json", task="qa").out)
    assert (found["scores"][0]["value"], found["left_out"]) == (100.0, [])


ANSWER = {"thought_process": "so it can be inferred.", "predicted_label": 1}


@pytest.mark.parametrize(
    "said",
    [
        ANSWER,
        {"predicted_label": 1},
        {"label": 1},
        {"text": "the prompt", "generated_text": json.dumps(ANSWER)},
    ]
    + [{key: json.dumps(ANSWER)} for key in ("response", "completion", "generated_text")],
)
def test_predictions_are_read_under_the_names_that_they_have(said, tmp_path, capsys):
    gold = tmp_path / "gold.jsonl"
    gold.write_text(json.dumps({**PAIRS[1], "id": "a"}))
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"id": "a", **said}))
    assert main(["score", str(path), str(gold), "--no-floors", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"][0]["value"] == 100.0


def test_the_gold_itself_is_no_file_of_predictions(tmp_path, capsys):
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in PAIRS))
    assert main(["score", str(path), str(path), "--no-floors"]) == 2
    assert "expected an id and a prediction" in capsys.readouterr().err


WORDS = ["entailment", "contradiction", "neutral", '{"predicted_label": "entailment"}']


@pytest.mark.parametrize(
    ("gold", "said", "accuracy", "failures"),
    [
        ((1, 0, 0, 1), WORDS, 100.0, {"any": 0.0}),
        (("entailment", "not_entailment") * 2, ["yes", "neutral", "entailed", "no"], 100.0, {}),
        (("entailment", "neutral") * 2, ["yes", "unknown", "e", "contradiction"], 75.0, {}),
        (("entailment", "neutral") * 2, [0, 1, 0, 1], 0.0, {"any": 100.0, "unknown-label": 100.0}),
        ((0, 1, 2, 1), WORDS, 0.0, {"any": 100.0, "unknown-label": 100.0}),
    ],
)
def test_labels_are_read_as_the_set_spells_them_or_named(scored, gold, said, accuracy, failures):
    """No one can tell which word a number stands for, but of 0 and 1."""
    rows = [{**r, "label": label} for r, label in zip(PAIRS, gold, strict=False)]
    found = json.loads(scored(rows, dict(zip(("p0", "p1", "p2", "p3"), said, strict=True)), "--json").out)
    assert found["scores"][0]["value"] == accuracy
    assert {f["failure"]: f["rate"] for f in found["failures"]} == failures


def test_precision_recall_and_confusion_of_each_class_are_told(scored):
    rows = [{**r, "label": x} for r, x in zip(PAIRS, ["entailment"] * 4 + ["neutral"] * 4, strict=True)]
    said = dict(
        zip((r["id"] for r in rows), ["entailment"] * 3 + ["neutral"] * 4 + ["contradiction"], strict=True)
    )
    first, second = json.loads(scored(rows, said, "--json").out)["classes"]
    assert (first["class"], first["n"], first["found"], first["precision"]["value"]) == (
        "entailment",
        4,
        3,
        100.0,
    )
    assert first["recall"]["value"] == 75.0
    assert first["recall"]["low"] < 75.0 < first["recall"]["high"]
    assert second["predicted_as"] == {"contradiction": 1, "neutral": 3}
    assert (second["precision"]["value"], second["f1"]["value"]) == (75.0, 75.0)
    printed = scored(rows, said).out
    assert "precision" in printed
    assert "gold, predicted:" in printed


def test_a_score_above_its_floor_whose_interval_is_not_is_told_as_such():
    said = on_the_floor(Score("exact_match", 33.3, 0.0, 66.7, 9, 0.0, {"empty object": 0.0}))
    assert "may be no better than its floor: empty object alone reaches 0.00, this 33.30" in said
    assert "the lower end of its interval is 0.00" in said
    assert "is not above its floor" in on_the_floor(Score("f1", 3.0, 1.0, 5.0, 9, 4.0, {"majority": 4.0}))
