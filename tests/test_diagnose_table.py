"""The table that ``diagnose`` prints: a target of many parts beside what is proposed instead."""

import json

import pytest

from finetooth.cli.diagnose import _beside


def entity(start, text, kind):
    return {"start": start, "end": start + len(text), "type": kind, "text": text}


ADA, ROME, BO = entity(0, "Ada", "PER"), entity(9, "Rome", "PER"), entity(20, "Bo", "PER")
CITY = entity(9, "Rome", "LOC")


def triple(head, relation, tail):
    return {"head": 0, "tail": 1, "relation": relation, "head_text": head, "tail_text": tail}


@pytest.mark.parametrize(
    ("task", "target", "fix", "shown"),
    [
        ("ner", [ADA, ROME, BO], [ADA, CITY, BO], ("PER: Rome", "LOC: Rome")),
        ("ner", [ADA, ROME, BO], [ADA, BO], ("PER: Rome", "without it")),
        ("ner", [ADA, BO], [ADA, CITY, BO], ("lacks one", "LOC: Rome")),
        ("ner", [ADA], [entity(0, "Ada", "LOC")], ("PER: Ada", "LOC: Ada")),
        (
            "relation",
            [triple("Ada", "leads", "Acme"), triple("Bo", "leads", "Acme")],
            [triple("Ada", "leads", "Acme"), triple("Bo", "owns", "Acme")],
            ("Bo leads Acme", "Bo owns Acme"),
        ),
        ("json", {"a": 1, "b": {"c": ["x", "y"]}}, {"a": 1, "b": {"c": ["x", "z"]}}, ('b.c[1]: "y"', 'b.c[1]: "z"')),
        ("nli", "yes", "no", ('"yes"', '"no"')),
    ],
)  # fmt: skip
def test_of_many_parts_those_that_differ_are_shown(task, target, fix, shown):
    row = {"target": json.dumps(target), "fix": json.dumps(fix), "fix_source": "models that never saw it"}
    assert _beside(row, task) == shown


def test_what_a_check_would_change_is_shown_as_it_says():
    fix = json.dumps({"path": "$.tags", "value": "B-LOC"})
    row = {"target": json.dumps([ADA, ROME]), "fix": fix, "fix_source": "check two-types"}
    assert _beside(row, "ner") == ("PER: Ada; PER: Rome", "path $.tags, value B-LOC")
    assert _beside({**row, "fix": None, "fix_source": None}, "ner") == ("PER: Ada; PER: Rome", "")
