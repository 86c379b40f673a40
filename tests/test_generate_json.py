"""The JSON generator: what it makes passes every check, is the same every time, and leaks nothing."""

import pytest

from finetooth import checks
from finetooth.generate.json_rows import generate_json, schemas
from finetooth.tasks.json import from_row
from finetooth.types import Dataset

N = 2000


def examples_of(rows):
    known = schemas()
    return [from_row({**r, "schema": known.get(r["schema_id"])}, r["id"]) for r in rows]


def findings(rows, **options):
    data = Dataset("json", examples_of(rows), "generated", "memory", "")
    return checks.run(data, **options).findings


@pytest.fixture(scope="module")
def rows():
    return generate_json(N, 7)


def test_what_is_generated_passes_every_check(rows):
    assert len(rows) == N
    assert [f.message for f in findings(rows)] == []


def test_the_same_seed_makes_the_same_rows_and_another_seed_others(rows):
    assert generate_json(N, 7) == rows
    other = generate_json(N, 8)
    assert not {r["prompt"] for r in other} & {r["prompt"] for r in rows}
