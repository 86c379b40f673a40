"""The figures of JSON: equal as JSON, leaf by leaf, and EdgeJSON's own definitions beside ours."""

import json
from pathlib import Path

import numpy as np
import pytest

from finetooth import registry
from finetooth.evaluate.score import score
from finetooth.metrics import edgejson
from finetooth.metrics.json import canonical, leaves
from finetooth.readers import load
from finetooth.tasks.json import TASK, JsonInput, JsonTarget
from finetooth.types import Example, Prediction

DATA = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the real data is not here")
SCHEMA = {
    "type": "object",
    "properties": {"net": {"type": "number"}, "tax": {"type": "number"}, "total": {"type": "number"}},
    "required": ["net", "tax", "total"],
    "x-relations": ["total == net + tax"],
}


def example(value, **row):
    made = {
        "id": "e",
        "prompt": "net 1, tax 2",
        "schema_id": "bill",
        "schema": SCHEMA,
        "expected_output": value,
    }
    return TASK.from_row({**made, **row}, "here")


def values(examples, outputs):
    found = [
        None if o is None else Prediction(e.id, TASK.parse(o, e), None, o)
        for e, o in zip(examples, outputs, strict=True)
    ]
    return {s.name: s.value for s in score(TASK, examples, found, floors=False).scores}


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 0}, {"a": False}, False),
        ({"a": 1}, {"a": "1"}, False),
        ([1, 2], [2, 1], False),
        ({"a": None}, {}, False),
        (2**60, 2**60 + 1, False),
        ({"a": []}, {"a": {}}, False),
    ],
)
def test_equal_as_json(a, b, same):
    assert (canonical(a) == canonical(b)) is same


def test_leaves_have_paths_and_empty_containers_are_leaves():
    assert [path for path, _ in leaves({"a": {"b": 1}, "c": [2, {"d": 3}], "e": []})] == [
        ("a", "b"), ("c", 0), ("c", 1, "d"), ("e",),
    ]  # fmt: skip


def test_one_wrong_leaf_of_three():
    got = values([example({"net": 1, "tax": 2, "total": 3})], ['{"net": 1, "tax": 2, "total": 4}'])
    assert got["exact_match"] == 0
    assert got["field_f1"] == pytest.approx(200 / 3)
    assert got["schema_compliance"] == 100
    assert got["arithmetic_consistency"] == 0


def test_missing_unparsed_and_list_outputs_count_as_wrong():
    gold = [example({"net": 1, "tax": 2, "total": 3}, id=str(i)) for i in range(4)]
    got = values(gold, [None, "no object", '[{"net": 1}]', json.dumps({"net": 1, "tax": 2, "total": 3})])
    assert (got["exact_match"], got["parse_rate"], got["schema_compliance"]) == (25, 25, 25)


def test_a_consistent_output_may_be_wrong_and_still_add_up():
    got = values([example({"net": 1, "tax": 2, "total": 3})], ['{"net": 5, "tax": 5, "total": 10}'])
    assert (got["exact_match"], got["arithmetic_consistency"]) == (0, 100)


def test_fenced_gold_is_perfect_by_ours_and_not_by_edgejsons():
    deep = example({"a": {"b": {"c": 1}}}, schema=None)
    got = values([deep], [f"```json\n{TASK.answer(deep)}\n```"])
    assert got["exact_match"] == 100
    assert got["edgejson_exact_match"] == 0


@needs_data
def test_edgejsons_own_scorer_on_awkward_outputs():
    cases = json.loads((DATA / "vectors/edgejson_eval_cases.json").read_text())["cases"]
    assert len(cases) > 20
    for case in cases:
        value = edgejson.parsed(case["text"])
        if case["parsed"] != "<dict with float NaN>":
            assert value == case["parsed"], case
        assert edgejson.exact(case["expected"], value) is case["exact"], case
        assert edgejson.field_f1(case["expected"], value) == pytest.approx(case["f1"]), case
        assert edgejson.compliant(case["expected"], value) is case["compliance"], case


@needs_data
def test_published_rows_gold_against_gold_is_perfect():
    data = load(DATA / "edgejson/train_v3.jsonl", schemas=DATA / "edgejson/schemas")
    assert (data.task, len(data)) == ("json", 629)
    assert all(e.inputs.schema for e in data.examples)
    gold = [Prediction(e.id, TASK.parse(f"```json\n{TASK.answer(e)}\n```", e), 1.0) for e in data.examples]
    report = score(TASK, data.examples, gold, floors=True)
    for name in ("exact_match", "field_f1", "parse_rate", "arithmetic_consistency", "edgejson_exact_match"):
        assert report.score(name).value == 100, name
    # A third of the published rows is answered by copying the labelled values in order.
    assert 30 < report.score("exact_match").floor < 35


def test_what_json_leaves_open_becomes_a_finding(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"prompt": "p", "schema_id": "s", "expected_output": {"a": 1, "a": 2, "b": 12345678901234567890}}\n'
    )
    data = load(path)
    check = next(c for c in registry.checks("json") if c.name == "json-text")
    found = list(check(data.examples, registry.CheckContext()))
    assert {f.evidence["kind"] for f in found} == {"duplicate-key", "huge-integer"}
    assert data.examples[0].target.value["b"] == 12345678901234567890


@pytest.mark.parametrize("fence", ["", "```json\n"])
def test_so_does_what_an_object_written_as_text_leaves_open(tmp_path, fence):
    text = fence + '{"a": 1, "a": 2, "b": NaN, "c": 12345678901234567890}' + ("\n```" if fence else "")
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"prompt": "p", "schema_id": "s", "expected_output": text}) + "\n")
    (row,) = load(path).examples
    assert row.target.value == {"a": 2, "b": None, "c": 12345678901234567890}
    assert {p.kind for p in row.meta["json_problems"]} == {"duplicate-key", "not-a-number", "huge-integer"}


def test_rows_with_a_schema_of_their_own_are_held_to_their_sums():
    schema = {"type": "object", "properties": {k: {"type": "number"} for k in ("net", "tax", "total")}}
    rows = [
        Example(f"e{i}", JsonInput("p", "", schema), JsonTarget({"net": i, "tax": 2 * i, "total": 3 * i}))
        for i in range(1, 13)
    ]
    right = [json.dumps(e.target.value) for e in rows]
    right[0] = '{"net": 1, "tax": 2, "total": 4}'
    assert values(rows, right)["arithmetic_consistency"] == pytest.approx(100 * 11 / 12)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"prompt": 3, "expected_output": {}}, "prompt"),
        ({"prompt": "p", "expected_output": {}, "schema": 3}, "schema"),
    ],
)
def test_a_bad_row_is_named(row, word):
    from finetooth.errors import DataError

    with pytest.raises(DataError, match=word):
        TASK.from_row(row, "file:1")


def test_counts_are_sums():
    gold = [example({"net": i, "tax": 1, "total": i + 1}, id=str(i)) for i in range(5)]
    for metric in TASK.metrics:
        counts = metric.counts(gold, [TASK.gold(e) for e in gold])
        assert counts.shape[0] == 5
        assert metric.value(np.sum(counts, axis=0)) == 100, metric.name
