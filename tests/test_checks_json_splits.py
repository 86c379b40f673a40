"""Many rows and two splits: coverage of the schemas, complexity, copies, values that come again."""

import random

import pytest

from finetooth import checks
from finetooth.tasks.json import JsonInput, JsonTarget
from finetooth.types import Dataset, Example


def row(i, schema_id="order", value=None, *, prompt=None, schema=None, split="a", **meta):
    value = value if value is not None else {"order": f"{split}-{i:04}", "customer": f"{split} nobody {i}"}
    prompt = (
        prompt if prompt is not None else f"{schema_id}: " + ", ".join(f"{k} {v}" for k, v in value.items())
    )
    return Example(f"{split}{i}", JsonInput(prompt, schema_id, schema), JsonTarget(value), meta)


def findings(rows, *only, against=None):
    def data(x, name):
        return Dataset("json", x, name, "memory", "")

    other = data(against, "train.jsonl") if against is not None else None
    return checks.run(data(rows, "test.jsonl"), against=other, only=only).findings


# --- coverage -------------------------------------------------------------------------------------------------


def test_schemas_that_only_one_split_has():
    test = [row(i, "order") for i in range(3)] + [row(9, "visit")]
    train = [row(i, name, split="b") for i in range(3) for name in ("order", "invoice")]
    found = findings(test, "schema-missing", against=train)
    assert [(f.evidence["schema_id"], f.evidence["here"], f.evidence["there"]) for f in found] == [
        ("invoice", 0, 3),
        ("visit", 1, 0),
    ]
    assert all(f.severity == "error" for f in found)


def test_a_schema_with_few_examples_and_many_of_them():
    rows = [row(i, "order") for i in range(20)] + [row(50 + i, "visit") for i in range(9)]
    assert [(f.evidence["schema_id"], f.evidence["examples"]) for f in findings(rows, "thin-schema")] == [
        ("visit", 9)
    ]
    assert findings(rows[:9], "thin-schema") == ()
    many = [row(i, f"schema{i % 30}") for i in range(60)]
    (f,) = findings(many, "thin-schema")
    assert (f.evidence["thin"], f.evidence["schemas"]) == (30, 30)


@pytest.mark.parametrize(("orders", "severity"), [(50, "warning"), (20, ""), (1, "info")])
def test_shares_of_two_splits_that_are_more_than_twice_apart(orders, severity):
    size = 60 if orders > 1 else 10
    test = [row(i, "order" if i < orders else "visit") for i in range(size)]
    train = [row(i, "order" if i < 150 else "visit", split="b") for i in range(600)]
    found = {f.evidence["schema_id"]: f.severity for f in findings(test, "schema-share", against=train)}
    assert found.get("order", "") == severity


def test_complexity_that_does_not_fit_depth_and_fields():
    flat = {"a": 1, "b": 2, "c": 3}
    nested = {"a": {"b": 1, "c": 2}, "d": 3, "e": 4, "f": 5, "g": 6}
    deep = {"a": [{"b": {"c": i}, "d": 1, "e": 2} for i in range(4)]}
    rows = [
        row(100 * k + i, name, value, complexity=label)
        for k, (name, value, label) in enumerate(
            (("s", flat, "simple"), ("m", nested, "medium"), ("c", deep, "complex"))
        )
        for i in range(6)
    ]
    assert findings(rows, "complexity-label") == ()
    rows[0] = row(0, "t", deep, complexity="simple")
    rows[17] = row(205, "u", flat, complexity="complex")
    found = findings(rows, "complexity-label")
    assert [(f.example_id, f.evidence["complexity"], f.evidence["fits"]) for f in found] == [
        ("a0", "simple", "medium"),
        ("a205", "complex", "medium"),
    ]


def test_complexity_is_judged_by_itself_where_there_is_no_other_to_compare_with():
    rows = [row(i, value={"a": 1, "b": 2}, complexity="complex") for i in range(6)]
    assert len(findings(rows, "complexity-label")) == 6


def test_one_schema_with_two_complexities_and_rows_without_any():
    rows = [row(i, complexity="simple") for i in range(6)] + [row(7, complexity="medium"), row(8)]
    found = {f.severity: f for f in findings(rows, "complexity-label") if not f.example_id}
    assert found["warning"].evidence["labels"] == {"simple": 6, "medium": 1}
    assert found["info"].evidence["first"] == ["a8"]


# --- copies ---------------------------------------------------------------------------------------------------


def test_a_prompt_that_stands_twice_with_one_answer_and_with_two():
    rows = [
        row(1),
        row(2, value=row(1).target.value),
        row(3, value={"order": "x"}, prompt=row(1).inputs.prompt + " "),
    ]
    found = findings(rows, "duplicate-prompt")
    assert [(f.example_id, f.severity, f.evidence["other"]) for f in found] == [
        ("a3", "error", "a1"),
        ("a2", "warning", "a1"),
    ]


def address(i, **other):
    return {
        "name": f"Nobody {i}",
        "street": f"{i} Mill Lane",
        "city": f"Place{i}",
        "code": f"P-{i:05}",
        "count": i,
    } | other


def test_nearly_the_same_row_is_named_and_merely_alike_ones_are_not():
    rows = [row(i, value=address(i)) for i in range(9)]
    assert findings(rows, "near-duplicate-row", "duplicate-prompt") == ()
    rows.append(row(9, value=address(4, count=77)))
    (f,) = findings(rows, "near-duplicate-row", "duplicate-prompt")
    assert (f.example_id, f.evidence["other"], f.evidence["share"]) == ("a9", "a4", 0.8)


def test_the_same_record_in_other_words_is_no_duplicate_but_a_leak():
    told = "Nobody 4 has moved to 4 Mill Lane in Place4. The file is P-00004; they are 4 people."
    rows = [row(1, value=address(4))]
    again = [row(1, value=address(4), prompt=told, split="b")]
    assert findings(rows + again, "near-duplicate-row", "duplicate-prompt") == ()
    (f,) = findings(rows, "leaked-row", against=again)
    assert (f.severity, f.evidence["other"]) == ("error", "b1")


def test_leaks_to_the_letter_and_with_a_change():
    train = [row(i, value=address(i), split="b") for i in range(6)]
    test = [row(1, value=address(3)), row(2, value=address(5, count=99)), row(3, value=address(77))]
    found = findings(test, "leaked-row", against=train)
    assert [(f.example_id, f.severity, f.evidence["other"]) for f in found] == [
        ("a1", "error", "b3"),
        ("a2", "warning", "b5"),
    ]


def test_choices_in_common_make_no_copy():
    schema = {"properties": {"theme": {"enum": ["light", "dark"]}, "language": {"type": "string"}}}
    draw = random.Random(1)
    rows = [
        row(
            i,
            value={
                "theme": draw.choice(["light", "dark"]),
                "on": draw.random() < 0.5,
                "language": f"word{i}",
            },
            schema=schema,
        )
        for i in range(60)
    ]
    assert findings(rows, "near-duplicate-row") == ()
    assert findings(rows[:30], "leaked-row", "reused-value", against=rows[30:]) == ()


def test_names_drawn_from_one_list_for_both_splits():
    names = [f"Nobody {i}" for i in range(60)]
    train = [row(i, value={"name": n, "total": i}, split="b") for i, n in enumerate(names)]
    test = [row(i, value={"name": n, "total": 100 + i}) for i, n in enumerate(names[:25])]
    (f,) = findings(test, "reused-value", against=train)
    assert (f.severity, f.evidence["field"], f.evidence["values"]) == ("warning", "$.name", 25)


def test_words_that_repeat_within_a_split_as_they_do_across_are_a_vocabulary():
    draw = random.Random(3)
    words = [f"word{chr(97 + i)}{chr(97 + j)}" for i in range(12) for j in range(3)]

    def rows(split, n):
        return [row(i, value={"topic": draw.choice(words), "total": i}, split=split) for i in range(n)]

    assert findings(rows("a", 40), "reused-value", against=rows("b", 200)) == ()


def test_an_id_that_stands_in_both_splits():
    train = [row(i, value={"id": f"R-{i:06}", "total": i}, split="b") for i in range(300)]
    test = [row(i, value={"id": f"T-{i:06}", "total": i}) for i in range(30)]
    assert findings(test, "reused-value", against=train) == ()
    test[7] = row(7, value={"id": "R-000123", "total": 7})
    (f,) = findings(test, "reused-value", against=train)
    assert f.evidence["first"] == ["R-000123"]
