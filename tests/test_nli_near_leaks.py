"""Pairs that stand in both splits, a little changed."""

import pytest

from finetooth import checks, readers

PREMISE = (
    "On the morning of the ninth of May the old ferry left the harbour of Brindisi with forty passengers and a "
    "cargo of oranges & lemons for the market of Corfu"
)
HYPOTHESIS = "The ferry carried fruit."


def pair(premise=PREMISE, hypothesis=HYPOTHESIS, label="entailment"):
    return {"id": "x", "premise": premise, "hypothesis": hypothesis, "label": label}


def found(row):
    others = [{**pair(f"Nobody saw {i} ships.", f"{i} ships came."), "id": f"o{i}"} for i in range(5)]
    train = readers.load([row, *others[:2]])
    dev = readers.load([{**pair(), "id": "d"}, *others[2:]])
    report = checks.run(train, against=dev, only=("leaked-near-pair", "leaked-premise"))
    return [(f.example_id, f.check, f.severity) for f in report.findings]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (pair("News: " + PREMISE), "error"),
        (pair(PREMISE.replace("&", "&amp;")), "error"),
        (pair(PREMISE.replace("harbour", "har\u200bbour")), "error"),
        (pair("<p>" + PREMISE + "</p>"), "error"),
        (pair(PREMISE.replace("forty", "fifty")), "warning"),
    ],
)
def test_a_copy_that_is_changed_a_little_is_found(row, expected):
    assert found(row) == [("x", "leaked-near-pair", expected)]


@pytest.mark.parametrize(
    "row",
    [
        pair(PREMISE.replace("forty", "fifty"), label="neutral"),
        pair(PREMISE.replace("forty", "fifty"), "The ferry was new."),
        pair("The ferry left Bari with forty passengers and a cargo of fruit for the market of Corfu."),
        pair("The old ferry left.", HYPOTHESIS),
    ],
)
def test_a_contrast_or_another_text_is_no_copy(row):
    assert found(row) == []


def test_the_very_same_pair_is_told_once():
    assert found(pair()) == [("x", "leaked-premise", "error")]
