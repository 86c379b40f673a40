"""Texts that one row copies otherwise than all the others."""

import pytest

from finetooth import checks
from finetooth.tasks.json import JsonInput, JsonTarget
from finetooth.types import Dataset, Example

PEOPLE = [f"{a} {b}" for a in ("Ada", "Ida", "Eva", "Ole") for b in ("Moss", "Lind", "Berg", "Hahn", "Falk")]


def findings(names):
    rows = [
        Example(
            f"e{i}", JsonInput(f"Customer {who}, aged {30 + i}.", "person", None), JsonTarget({"name": name})
        )
        for i, (who, name) in enumerate(zip(PEOPLE, names, strict=True))
    ]
    return checks.run(Dataset("json", rows, "here", "memory", ""), only="copied-differently").findings


@pytest.mark.parametrize(
    ("answer", "word", "fix"),
    [(" Ida Moss ", "blanks", "Ida Moss"), ("ida moss", "case", "Ida Moss"), ("IDA MOSS", "case", "Ida Moss"),
     ("Ida", "a part of 'Ida Moss'", None)],
)  # fmt: skip
def test_what_one_row_copies_otherwise_is_told(answer, word, fix):
    assert findings(PEOPLE) == ()
    (f,) = findings([answer if i == 5 else name for i, name in enumerate(PEOPLE)])
    assert (f.example_id, f.severity, f.fix and f.fix["value"]) == ("e5", "warning", fix)
    assert word in f.message


def test_a_field_that_is_lowered_by_rule_or_said_otherwise_is_not():
    assert findings([name.lower() for name in PEOPLE]) == ()
    assert findings([name.split()[0] for name in PEOPLE]) == ()
    assert findings(["somebody else" if i == 5 else name for i, name in enumerate(PEOPLE)]) == ()
