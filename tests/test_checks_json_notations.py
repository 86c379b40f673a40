"""Numbers and dates in the notations of people: amounts as text or with their currency, dates that are not ISO 8601."""

import datetime
import random

import pytest
from test_checks_json_arithmetic import findings, rows_of

from finetooth.checks.json_amounts import as_amount, as_day, day_order
from finetooth.checks.json_arithmetic import relations_found
from finetooth.checks.json_relations import applies
from finetooth.tasks.json import JsonInput, JsonTarget
from finetooth.types import Example


def two_days(draw):
    first = datetime.date(2024, 1, 1) + datetime.timedelta(draw.randint(0, 300))
    return first, first + datetime.timedelta(draw.randint(1, 30))


def as_text(draw):
    quantity, price = draw.randint(1, 9), round(draw.uniform(1, 90), 2)
    return {"quantity": quantity, "unit_price": f"{price:.2f}", "total": f"{quantity * price:.2f}"}


def dollars(draw):
    items = [(draw.randint(1, 9), round(draw.uniform(1, 900), 2)) for _ in range(3)]
    return {
        "items": [{"qty": n, "price": f"${p:,.2f}"} for n, p in items],
        "total": f"${sum(n * p for n, p in items):,.2f}",
    }


def money(draw):
    items = [
        {
            "quantity": draw.randint(1, 9),
            "unit_price": {"amount": round(draw.uniform(1, 90), 2), "currency": "EUR"},
        }
        for _ in range(3)
    ]
    whole = round(sum(i["quantity"] * i["unit_price"]["amount"] for i in items), 2)
    return {"items": items, "total": {"amount": whole, "currency": "EUR"}}


def month_first(draw):
    return dict(zip(("start_date", "end_date"), (f"{d:%m/%d/%Y}" for d in two_days(draw)), strict=True))


def day_first(draw):
    return dict(zip(("check_in", "check_out"), (f"{d:%d.%m.%Y}" for d in two_days(draw)), strict=True))


def written_out(draw):
    return dict(
        zip(("issue_date", "due_date"), (f"{d:%B} {d.day}, {d.year}" for d in two_days(draw)), strict=True)
    )


def seconds(draw):
    start = 1_700_000_000 + draw.randint(0, 10**7)
    return {"start_ts": start, "end_ts": start + draw.randint(60, 9000)}


def plan(draw):
    return dict(zip(("kickoff", "deadline"), map(str, two_days(draw)), strict=True))


def more(row):
    total = row["total"]
    if isinstance(total, dict):
        total["amount"] += 5
    else:
        row["total"] = f"{'$' if '$' in total else ''}{float(total.strip('$').replace(',', '')) + 5:,.2f}"


def swapped(row):
    first, second = row
    row[first], row[second] = row[second], row[first]


@pytest.mark.parametrize(
    ("make", "spoil", "rule"),
    [
        (as_text, more, "number(total) == quantity * number(unit_price)"),
        (dollars, more, "number(total) == sum(items.map(i, i.qty * number(i.price)))"),
        (money, more, "total.amount == sum(items.map(i, i.quantity * i.unit_price.amount))"),
        (month_first, swapped, "mdy(start_date) <= mdy(end_date)"),
        (day_first, swapped, "dmy(check_in) <= dmy(check_out)"),
        (written_out, swapped, "days(issue_date) <= days(due_date)"),
        (seconds, swapped, "start_ts <= end_ts"),
        (plan, swapped, "kickoff <= deadline"),
    ],
)
def test_a_wrong_value_is_found_in_whatever_notation(make, spoil, rule):
    values = rows_of(make, 20)
    assert findings(values) == ()
    for row in values[:2]:
        spoil(row)
    found = findings(values)
    assert {(f.example_id, f.evidence["rule"]) for f in found} == {("e0", rule), ("e1", rule)}
    # What is found can be declared, and says the same then.
    rows = [Example(f"e{i}", JsonInput("", "s", None), JsonTarget(v), {}) for i, v in enumerate(values)]
    relation = next(r for r in relations_found(rows)["s"] if r.rule == rule)
    counts = [applies(v, rule) for v in values]
    assert (
        (sum(a for a, _ in counts), sum(b for _, b in counts)) == (relation.support, relation.of) == (18, 20)
    )


def test_texts_that_only_look_like_amounts_or_dates_are_left_alone():
    draw = random.Random(1)
    odd = [
        {"order_id": str(10_000 + i), "zip": f"0{draw.randint(1000, 9999)}", "version": f"1.{i}", "phone": f"555-01{i:02}",
         "start": f"0{draw.randint(1, 9)}/0{draw.randint(1, 9)}/2024", "end": f"0{draw.randint(1, 9)}/0{draw.randint(1, 9)}/2024"}
        for i in range(20)
    ]  # fmt: skip
    assert findings(odd) == ()


def test_amounts_and_days():
    told = {"$1,234.50": 1234.5, "12.50 EUR": 12.5, "-€3": -3.0, "1.234,50 €": 1234.5, "19%": 19.0, "7": 7.0}
    assert {text: as_amount(text)[0] for text in told} == told
    assert [as_amount(x) for x in ("0123", "1,5", "12.5.1", "", "EUR", "--3", "1,23,456", "٣")] == [None] * 8
    assert (
        as_day("March 4, 2024")
        == as_day("4 Mar 2024")
        == as_day("03/04/2024", "mdy")
        == as_day("4.3.2024", "dmy")
    )
    assert [as_day(x) for x in ("03/04/2024", "March 40, 2024", "Marchish 4", "soon")] == [None] * 4
    assert [day_order([x]) for x in ("03/04/2024", "03/14/2024", "14-03-2024", "1.2.2024", "soon")] == [
        "?", "mdy", "dmy", "dmy", None]  # fmt: skip
