"""Relations in records that the checks were not built for, and answers that nobody should write."""

import datetime
import json
import random

import pytest
import yaml

from finetooth import checks
from finetooth.checks.json_explain import as_yaml, explain
from finetooth.checks.json_relations import parse
from finetooth.tasks.json import JsonInput, JsonTarget
from finetooth.types import Dataset, Example

NUMBERS = ("arithmetic", "unrelated-field", "date-order")


def cents(draw, low, high):
    return round(draw.uniform(low, high), 2)


def consulting(draw):
    lines = [{"hours": draw.randint(1, 9), "rate": cents(draw, 20, 99)} for _ in range(draw.randint(1, 5))]
    for line in lines:
        line["amount"] = round(line["hours"] * line["rate"], 2)
    net, discount = round(sum(line["amount"] for line in lines), 2), cents(draw, 0, 20)
    vat = round((net - discount) * 0.19, 2)
    due = round(net - discount + vat, 2)
    return {"services": lines, "net_amount": net, "discount": discount, "vat": vat, "amount_due": due}


def account(draw):
    entries = [{"kind": draw.choice("ab"), "amount": cents(draw, -99, 99)} for _ in range(draw.randint(1, 6))]
    opening = cents(draw, 100, 900)
    closing = round(opening + sum(e["amount"] for e in entries), 2)
    return {"opening_balance": opening, "transactions": entries, "closing_balance": closing}


def poll(draw):
    votes = {name: draw.randint(10, 400) for name in ("yes", "no", "abstain")}
    return {"votes": votes, "total_votes": sum(votes.values())}


def course(draw):
    grades = [{"student": f"s{i}", "grade": draw.randint(40, 100)} for i in range(draw.randint(2, 6))]
    return {"grades": grades, "average_grade": round(sum(g["grade"] for g in grades) / len(grades), 1)}


def drive(draw):
    start, way, fuel = draw.randint(0, 4000), draw.randint(5, 900), cents(draw, 4, 60)
    return {"odometer_start": start, "odometer_end": start + way, "fuel_litres": fuel, "distance_km": way}


def wages(draw):
    gross, tax, pension = cents(draw, 2000, 9000), cents(draw, 100, 900), cents(draw, 50, 300)
    return {
        "gross_pay": gross,
        "income_tax": tax,
        "pension": pension,
        "net_pay": round(gross - tax - pension, 2),
    }


def loan(draw):
    sum_, rate, years = draw.randint(1, 90) * 1000, cents(draw, 1, 9), draw.randint(1, 9)
    return {
        "principal": sum_,
        "annual_rate_percent": rate,
        "years": years,
        "interest": round(sum_ * rate / 100 * years, 2),
    }


def stay(draw):
    first, nights = datetime.date(2024, 1, 1) + datetime.timedelta(draw.randint(0, 300)), draw.randint(1, 14)
    return {"check_in": str(first), "check_out": str(first + datetime.timedelta(nights)), "nights": nights}


def visits(draw):
    of, n = draw.randint(500, 9000), draw.randint(5, 400)
    return {
        "visits": of,
        "conversions": n,
        "bounce_rate": cents(draw, 20, 80),
        "conversion_rate": round(100 * n / of, 2),
    }


def weather(draw):
    return {
        "temperature": cents(draw, -9, 40), "humidity": cents(draw, 10, 99), "battery_level": draw.randint(0, 100),
        "total_points": draw.randint(0, 99), "level": draw.randint(1, 9), "rating": round(draw.uniform(1, 5), 1),
        "count": draw.randint(0, 9), "items": [{"weight": cents(draw, 1, 9)} for _ in range(draw.randint(1, 4))],
    }  # fmt: skip


def findings(values, only=NUMBERS):
    rows = [Example(f"e{i}", JsonInput("", "s", None), JsonTarget(v), {}) for i, v in enumerate(values)]
    return checks.run(Dataset("json", rows, "here", "memory", ""), only=only).findings


@pytest.mark.parametrize("size", [8, 60])
@pytest.mark.parametrize(
    "make", [consulting, account, poll, course, drive, wages, loan, stay, visits, weather]
)
def test_what_adds_up_has_no_findings_and_each_row_that_does_not_is_named(make, size):
    draw = random.Random(f"{make.__name__}/{size}")
    values = [make(draw) for _ in range(size)]
    assert findings(values) == ()
    if make is weather:
        return  # nothing in it follows from anything
    last = list(values[0])[-1]
    wrong = set(range(0, size, 10))
    for i in wrong:
        values[i] = {**values[i], last: values[i][last] + 7}
    assert {f.example_id for f in findings(values)} == {f"e{i}" for i in wrong}


# --- what nobody should write -----------------------------------------------------------------------------------

NAMES = ["total", "items", "price", "quantity", "start_date", "end_date", "a b", "ü-x", "", "18_24", "in", "self", "root",
         "average_rating", 'x"y', "tax_rate", "[]", "true", "items[]"]  # fmt: skip
ODD = [None, True, 0, -1, 1.5, 1e308, -1e308, float("nan"), float("inf"), 10**400, 2**63, "", "a", "2024-01-01", "24:61",
       "2024-13-45", "12:30", "\ud800", "x" * 500, "٣", "½", "1,5", "$5", "9999-12-31T23:59:59+14:00", "1e5", "-", "."]  # fmt: skip
PROMPTS = ["", "Total: 5\nItems:\n  a\n: x\n=\nA:B:C\nTime: 99:99", "31/31/2024, 2024-99-99 1.2.3.4 99:99pm ٣٤ ½ ²",
           "a=b c=\"d\" e='f' total=5 total=6 x=", "\x00\n\r\t: \u2028 :", "Total: " + "9" * 400]  # fmt: skip
SCHEMAS = [None, {}, True, False, {"$ref": "#"}, {"allOf": [{"$ref": "#/x"}], "x": {"$ref": "#"}}, {"allOf": 5},
           {"properties": {"a": 5, "items": {"items": {"properties": {"price": {}}}}}}, {"enum": 5, "default": {}},
           {"items": [{}], "properties": []}, {"x-relations": ["total == price * quantity"]}]  # fmt: skip


def odd(draw, depth=0):
    if depth < 4 and draw.random() < 0.35:
        if draw.random() < 0.5:
            return {draw.choice(NAMES): odd(draw, depth + 1) for _ in range(draw.randint(0, 5))}
        return [odd(draw, depth + 1) for _ in range(draw.randint(0, 4))]
    return draw.choice(ODD)


@pytest.mark.parametrize("seed", range(60))
def test_odd_answers_prompts_and_schemas_make_findings_and_no_errors(seed):
    draw = random.Random(seed)
    schema = draw.choice(SCHEMAS)
    rows = []
    for i in range(draw.randint(1, 10)):
        value = {draw.choice(NAMES): odd(draw) for _ in range(draw.randint(0, 6))}
        meta = {"complexity": draw.choice(["simple", "hard", ""])} if draw.random() < 0.5 else {}
        rows.append(Example(f"e{i}", JsonInput(draw.choice(PROMPTS), "s", schema), JsonTarget(value), meta))
    data = Dataset("json", rows, "here", "memory", "")
    for f in checks.run(data, against=data).findings:
        assert json.dumps([f.message, f.evidence, f.fix])
    text = "\n".join(as_yaml(explain(data)))
    for rules in yaml.safe_load_all(text):
        assert all(parse(rule) for rule in rules or ())
