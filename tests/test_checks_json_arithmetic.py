"""Records of many trades: what is right stays unsaid, what is wrong is found, and named by a relation that makes sense."""

import random

import pytest

from finetooth import checks
from finetooth.tasks.json import JsonInput, JsonTarget
from finetooth.types import Dataset, Example

NUMBERS = ("arithmetic", "unrelated-field", "date-order", "part-exceeds-whole", "declared-relation")


def findings(values, schema=None):
    rows = [Example(f"e{i}", JsonInput("", "s", schema), JsonTarget(v), {}) for i, v in enumerate(values)]
    return checks.run(Dataset("json", rows, "here", "memory", ""), only=NUMBERS).findings


def rows_of(make, n=30, seed=5):
    draw = random.Random(f"{make.__name__}/{seed}")
    return [make(draw) for _ in range(n)]


def cents(draw, low, high):
    return round(draw.uniform(low, high), 2)


# --- shares of a whole -----------------------------------------------------------------------------------------


def parted(draw, n, digits):
    parts = [draw.randint(5, 60) for _ in range(n)]
    return [round(100 * p / sum(parts), digits or None) for p in parts]


def tenths(draw):
    return {
        "year": draw.randint(2000, 2009),
        "shares": [{"of": "x", "percentage": p} for p in parted(draw, 6, 1)],
    }


def whole_numbers(draw):
    return {"shares": [{"of": "x", "percentage": p} for p in parted(draw, 6, 0)]}


def fractions(draw):
    return {"portfolio": [{"fund": "x", "weight": round(p / 100, 3)} for p in parted(draw, 4, 1)]}


@pytest.mark.parametrize("make", [tenths, whole_numbers, fractions])
def test_shares_that_were_rounded_one_by_one_make_a_whole_and_others_do_not(make):
    values = rows_of(make)
    assert findings(values) == ()
    key, list_ = next((k, v) for k, v in values[0].items() if isinstance(v, list))
    field = list(list_[0])[1]
    for row in values[:3]:
        row[key][0][field] += 12 if field == "percentage" else 0.12
    found = findings(values)
    assert {(f.example_id, f.severity) for f in found} == {(f"e{i}", "error") for i in range(3)}
    # The relation allows the same when it is pasted beside the schema.
    rule = found[0].evidence["rule"]
    declared = findings(values, {"x-relations": [rule]})
    assert {f.example_id for f in declared} == {"e0", "e1", "e2"}
