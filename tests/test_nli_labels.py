"""Labels of inference pairs that are slips, other notations, or next to never used."""

import json

import pytest

from finetooth import checks, readers
from finetooth.curate.mend import mend

NAMES = ("entailment", "contradiction", "neutral")


def pairs(tmp_path, *odd, names=NAMES, n=150):
    """Pairs with labels in turn, and after them one with each odd label."""
    labels = [names[i % len(names)] for i in range(n)] + list(odd)
    rows = [
        {"id": f"r{i}", "premise": f"Person {i} came to town {i}.", "hypothesis": f"{i} came.", "label": x}
        for i, x in enumerate(labels)
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return readers.load(path)


def found(data):
    return [(f.example_id, f.severity, f.fix) for f in checks.run(data, only="label-spelling").findings]


@pytest.mark.parametrize(
    ("label", "severity", "fix"),
    [
        ("nuetral", "error", {"label": "neutral"}),
        ("entailmnet", "error", {"label": "entailment"}),
        ("entail", "error", {"label": "entailment"}),
        ("unknown", "error", {"label": "neutral"}),
        ("contra", "error", {"label": "contradiction"}),
        (2, "error", None),
        ("unrelated", "warning", None),
    ],
)
def test_a_rare_label_is_held_against_the_common_ones(tmp_path, label, severity, fix):
    assert found(pairs(tmp_path, label)) == [("r150", severity, fix)]


@pytest.mark.parametrize(
    ("names", "odd", "expected"),
    [
        ((0, 1), ["yes"], [("r150", "error", {"label": "1"})]),
        ((0, 1, 2), ["entailment"], [("r150", "error", None)]),
        # A prefix makes the opposite of a word and no slip.
        (("likely", "unclear"), ["unlikely"] * 3, []),
        (("entailment", "neutral"), ["not_entailment"] * 5, []),
        (("star_1", "star_2"), ["star_3"] * 3, []),
        (NAMES, [], []),
        ((0, 1), [], []),
    ],
)
def test_other_notations_are_named_and_other_words_are_left(tmp_path, names, odd, expected):
    assert found(pairs(tmp_path, *odd, names=names)) == expected


def test_two_spellings_that_are_both_common_are_said_once(tmp_path):
    data = pairs(tmp_path, names=("entailment", "neutral", "not-entailment", "not_entailment", "neutral"))
    assert found(data) == [("", "warning", {"not_entailment": "not-entailment"})]


def test_what_is_surely_meant_is_mended(tmp_path):
    mended = mend(pairs(tmp_path, "nuetral", "unrelated"))
    assert [e.target.label for e in mended.examples[-2:]] == ["neutral", "unrelated"]
    assert [c.finding.example_id for c in mended.changes] == ["r150"]
