"""Answers as JSON: one bad row in, the finding that names it out."""

import json
import random

import pytest

from finetooth import checks
from finetooth.checks.json_arithmetic import relations_found
from finetooth.errors import DataError
from finetooth.io import JsonProblem
from finetooth.tasks.json import JsonInput, JsonTarget
from finetooth.types import Dataset, Example

ORDER = {
    "type": "object",
    "properties": {
        "item": {"type": "string"},
        "pieces": {"type": "integer", "minimum": 1},
        "size": {"enum": ["small", "large"]},
        "sent": {"type": "string", "format": "date-time"},
        "email": {"type": "string", "format": "email"},
    },
    "required": ["item"],
}


def example(value, *, prompt="", schema_id="order", schema=None, id="e1", **meta):
    return Example(id, JsonInput(prompt or json.dumps(value), schema_id, schema), JsonTarget(value), meta)


def many(values, **kwargs):
    return [example(v, id=f"e{i}", **kwargs) for i, v in enumerate(values)]


def findings(examples, *only, **options):
    data = Dataset("json", examples, "here", "memory", "")
    return checks.run(data, only=only, **options).findings


def one(examples, check, **options):
    found = findings(examples, check, **options)
    assert len(found) == 1, found
    return found[0]


# --- the schema -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "path", "said", "fix"),
    [
        ({"item": "pen", "pieces": "3"}, "$.pieces", '"3" is no integer', {"path": "$.pieces", "value": 3}),
        ({"pieces": 3}, "$", "required key 'item'", None),
        ({"item": "pen", "size": "Large"}, "$.size", "", {"path": "$.size", "value": "large"}),
        ({"item": "pen", "size": "huge"}, "$.size", "", None),
        ({"item": "pen", "pieces": 0}, "$.pieces", "minimum", None),
    ],
)
def test_an_answer_that_breaks_its_schema(value, path, said, fix):
    f = one([example(value, schema=ORDER)], "schema-invalid")
    assert (f.severity, f.evidence["path"], f.fix) == ("error", path, fix)
    assert said in f.message


def test_an_unknown_key_where_the_schema_is_closed_and_where_it_is_open():
    value = {"item": "pen", "peices": 3}
    f = one([example(value, schema=ORDER | {"additionalProperties": False})], "schema-invalid")
    assert f.fix == {"remove": ["$.peices"]}
    f = one([example(value, schema=ORDER)], "undeclared-key")
    assert (f.evidence["path"], f.evidence["near"]) == ("$.peices", "pieces")


def test_a_date_time_without_zone_is_a_class_of_its_own():
    rows = [
        example({"item": "pen", "sent": "2024-05-01T10:00:00"}, schema=ORDER),
        example({"item": "pen", "sent": "yesterday", "email": "ada at example"}, schema=ORDER, id="e2"),
        example({"item": "pen", "sent": "2024-05-01T10:00:00Z"}, schema=ORDER, id="e3"),
    ]
    f = one(rows, "date-time-without-zone")
    assert (f.example_id, f.severity, f.fix["value"]) == ("e1", "warning", "2024-05-01T10:00:00Z")
    assert [(f.example_id, f.evidence["format"]) for f in findings(rows, "bad-format")] == [
        ("e2", "date-time"),
        ("e2", "email"),
    ]


def test_a_row_without_schema_and_one_whose_schema_is_none():
    assert "no schema for 'order'" in one([example({"a": 1})], "no-schema").message
    f = one([example({"a": 1}, schema={"type": "thing"})], "no-schema")
    assert f.severity == "error"
    remote = {"$ref": "https://example.org/other.json"}
    assert "example.org" in one([example({"a": 1}, schema=remote)], "no-schema").message


def test_json_that_readers_read_differently():
    row = example({"a": 2}, json_problems=(JsonProblem("duplicate-key", "a stands twice"),))
    f = one([row], "json-text")
    assert f.severity == "error"
    assert "a stands twice" in f.message


# --- sums -----------------------------------------------------------------------------------------------------


def invoice(seed, wrong=None, random_total=False):
    draw = random.Random(seed)
    lines = []
    for _ in range(draw.randint(1, 4)):
        quantity, price = draw.randint(1, 20), round(draw.uniform(1, 90), 2)
        lines.append({"quantity": quantity, "unit_price": price, "total": round(quantity * price, 2)})
    subtotal = round(sum(line["total"] for line in lines), 2)
    tax = round(draw.uniform(0, 9), 2)
    made = {"lines": lines, "subtotal": subtotal, "tax": tax, "total": round(subtotal + tax, 2)}
    if wrong:
        made[wrong] = round(made[wrong] + 5, 2)
    if random_total:
        made["total"] = round(draw.uniform(100, 9000), 2)
    return made


def test_invoices_that_add_up_have_no_findings_and_show_their_relations():
    rows = many(invoice(i) for i in range(12))
    assert findings(rows, "arithmetic", "unrelated-field", "part-exceeds-whole") == ()
    rules = {r.rule: (r.support, r.of) for r in relations_found(rows)["order"]}
    assert rules["total == subtotal + opt(tax)"] == (12, 12)
    assert "lines[]: total == quantity * unit_price" in rules


def test_the_one_invoice_that_does_not_add_up_is_named_with_its_numbers():
    values = [invoice(i) for i in range(12)]
    values[7] = invoice(7, wrong="total")
    f = one(many(values), "arithmetic")
    right = invoice(7)["total"]
    assert (f.example_id, f.severity, f.evidence["path"]) == ("e7", "error", "$.total")
    assert (f.evidence["found"], f.evidence["expected"]) == (values[7]["total"], right)
    assert (f.evidence["holds"], f.evidence["of"]) == (11, 12)
    assert f.fix == {"path": "$.total", "value": right}


def test_a_total_that_no_row_bears_out_is_an_unrelated_field():
    f = one(many(invoice(i, random_total=True) for i in range(12)), "unrelated-field")
    assert (f.example_id, f.severity, f.evidence["field"]) == ("", "error", "total")
    assert (f.evidence["holds"], f.evidence["examples"]) == (0, 12)


def test_rounding_is_no_error_and_two_cents_more_are():
    values = [invoice(i) for i in range(12)]
    values[3]["total"] = round(values[3]["total"] + 0.02, 2)
    assert findings(many(values), "arithmetic") == ()
    values[3]["total"] = round(values[3]["total"] + 0.03, 2)
    assert one(many(values), "arithmetic").example_id == "e3"


def test_a_relation_is_found_whatever_the_fields_are_called():
    draw = random.Random(5)
    values = [{"blip": draw.randint(2, 99), "blop": round(draw.uniform(2, 9), 2)} for _ in range(20)]
    for v in values:
        v["blup"] = round(v["blip"] * v["blop"], 2)
    values[11]["blup"] += 7
    f = one(many(values), "arithmetic")
    assert f.example_id == "e11"
    assert f.evidence["rule"] in ("blup == blip * blop", "blup == blop * blip")


@pytest.mark.parametrize(
    ("make", "break_", "rule"),
    [
        (
            lambda d: {"reviews": [{"stars": d.randint(1, 5)} for _ in range(d.randint(2, 5))]},
            lambda v: v | {"review_count": len(v["reviews"]) + 1},
            "review_count == count(reviews)",
        ),
        (
            lambda d: {"revenue": d.randint(500, 900), "cost": d.randint(100, 400)},
            lambda v: v | {"profit": v["revenue"]},
            "profit == revenue - cost",
        ),
        (
            lambda d: {"total_revenue": d.randint(500, 900) * 10, "total_orders": d.randint(10, 40)},
            lambda v: v | {"average_order_value": v["total_orders"]},
            "average_order_value == total_revenue / total_orders",
        ),
    ],
)
def test_counts_differences_and_means_by_their_names(make, break_, rule):
    draw = random.Random(1)
    f = findings(many(break_(make(draw)) for _ in range(5)), "arithmetic")
    assert {x.evidence["rule"] for x in f} == {rule}
    assert len(f) == 5


def test_a_field_of_its_own_is_not_called_a_sum():
    draw = random.Random(2)
    values = [
        {
            "street_number": draw.randint(1, 99),
            "age": draw.randint(18, 80),
            "total_floors": draw.randint(1, 40),
        }
        for _ in range(30)
    ]
    assert findings(many(values), "arithmetic", "unrelated-field", "part-exceeds-whole") == ()


# --- order and parts ------------------------------------------------------------------------------------------


def test_an_end_before_its_start():
    values = [{"start_date": f"2024-03-{d:02}", "end_date": f"2024-04-{d:02}"} for d in range(1, 12)]
    values[4]["end_date"] = "2024-02-01"
    f = one(many(values), "date-order")
    assert (f.example_id, f.severity) == ("e4", "error")
    assert (f.evidence["first"], f.evidence["second"]) == ("2024-03-05", "2024-02-01")


def test_a_rate_per_night_is_no_number_of_nights():
    def stay(day, nights, rate):
        value = {
            "check_in": f"2024-03-{day:02}",
            "check_out": f"2024-03-{day + nights:02}",
            "rate_per_night": rate,
        }
        return value | {"nights": nights, "room_total": round(nights * rate, 2)}

    values = [stay(3, 2, 99.5), stay(7, 4, 120.25), stay(11, 1, 80.1)]
    assert findings(many(values), "arithmetic", "unrelated-field") == ()
    values[1]["nights"] = 5
    assert {f.example_id for f in findings(many(values), "arithmetic")} == {"e1"}


def test_time_zones_are_taken_into_account():
    early = {"start_time": "2024-05-01T10:00:00+02:00", "end_time": "2024-05-01T09:00:00Z"}
    late = {"start_time": "2024-05-01T10:00:00-02:00", "end_time": "2024-05-01T09:00:00Z"}
    assert findings(many([early]), "date-order") == ()
    assert len(findings(many([late]), "date-order")) == 1


def test_parts_that_are_more_than_their_whole():
    values = [
        {"total_customers": 50 + i, "new_customers": 30, "returning_customers": 20 + i} for i in range(9)
    ]
    values[2]["new_customers"] = 543
    f = one(many(values), "arithmetic")
    assert f.example_id == "e2"
    lone = many({"total_customers": 46, "new_customers": n} for n in (10, 543))
    f = one(lone, "part-exceeds-whole")
    assert (f.example_id, f.evidence["sum"], f.evidence["whole"]) == ("e1", 543, 46)


# --- declared -------------------------------------------------------------------------------------------------


def test_a_declared_relation_is_kept_to_and_not_looked_for_again():
    schema = {"type": "object", "x-relations": ["total == subtotal + tax"]}
    rows = many(
        [{"subtotal": 10, "tax": 2, "total": 12}, {"subtotal": 10, "tax": 2, "total": 11}], schema=schema
    )
    f = one(rows, "declared-relation")
    assert (f.example_id, f.evidence["found"], f.evidence["expected"]) == ("e1", 11, 12)
    assert findings(rows, "arithmetic", "unrelated-field") == ()


def test_a_rule_that_cannot_be_read_is_one_clear_error():
    schema = {"type": "object", "x-relations": ["total = subtotal"]}
    with pytest.raises(DataError, match="no comparison"):
        findings([example({"total": 1}, schema=schema)], "declared-relation")
    with pytest.raises(DataError, match="no function 'open'"):
        findings([example({"total": 1}, schema={"x-relations": ["total == open(1)"]})], "declared-relation")


def test_a_rule_says_nothing_of_what_it_cannot_compute_and_is_quiet_about_it(capfd):
    schema = {
        "x-relations": ["nights == days(end) - days(start)", "top == greatest(marks)", "mid == mean(marks)"]
    }
    value = {"nights": 3, "start": "soon", "end": None, "top": 4, "mid": 2, "marks": []}
    assert findings([example(value, schema=schema)], "declared-relation") == ()
    assert capfd.readouterr().err == ""
