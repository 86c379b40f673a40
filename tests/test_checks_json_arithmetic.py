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


@pytest.mark.filterwarnings("error")
def test_shares_of_which_no_list_is_filled_say_nothing():
    values = [{"shares": [{"percentage": 40.0}, {"percentage": None}]}]
    values += [{"shares": [{"percentage": None}, {"of": "x"}]} for _ in range(5)]
    assert not [f for f in findings(values) if "percentage" in str(f.evidence)]


# --- totals by any name ----------------------------------------------------------------------------------------


def lines(draw, quantity="quantity", price="price"):
    return [{quantity: draw.randint(1, 5), price: cents(draw, 2, 80)} for _ in range(draw.randint(1, 4))]


NAMES = """total order_total invoiceTotal cart_total checkout_total merchandise_total total_order_value order_amount
invoice_amount final_amount basket_total total_due""".split()


@pytest.mark.parametrize("name", NAMES)
def test_a_total_by_any_name_that_is_drawn_on_its_own_is_unrelated(name):
    draw = random.Random(name)
    values = [{"items": lines(draw), name: cents(draw, 5, 500)} for _ in range(20)]
    found = findings(values)
    assert [(f.severity, f.evidence["field"]) for f in found if f.check == "unrelated-field"] == [
        ("error", name)
    ]
    assert {f.example_id for f in found} >= {f"e{i}" for i in range(20)}
    for row in values:
        row[name] = round(sum(i["quantity"] * i["price"] for i in row["items"]), 2)
    assert findings(values) == ()


def unrelated_rules(values):
    return {f.evidence["rule"] for f in findings(values) if f.check == "unrelated-field"}


def test_the_relation_that_is_named_makes_sense():
    draw = random.Random(3)
    order = [
        {"lines": lines(draw, "qty", "unitCost"), "merchandiseTotal": cents(draw, 5, 900), "salesTax": cents(draw, 1, 50),
         "freight": cents(draw, 1, 50), "orderTotal": cents(draw, 5, 900), "lineCount": draw.randint(5, 9)}
        for _ in range(20)
    ]  # fmt: skip
    assert unrelated_rules(order) == {
        "merchandiseTotal == sum(lines.map(i, i.qty * i.unitCost))",
        "orderTotal == sum(lines.map(i, i.qty * i.unitCost)) + opt(salesTax) + opt(freight)",
        "lineCount == count(lines)",
    }
    bill = [
        {"subtotal": cents(draw, 10, 900), "tax_rate": draw.choice([5, 7, 19]), "tax": cents(draw, 1, 50),
         "total": cents(draw, 10, 900)} for _ in range(20)
    ]  # fmt: skip
    assert "total == subtotal + opt(tax)" in unrelated_rules(bill)
    clinic = [
        {"weights": [cents(draw, 50, 99) for _ in range(4)], "number_of_weights": draw.randint(1, 9)}
        for _ in range(20)
    ]
    assert unrelated_rules(clinic) == {"number_of_weights == count(weights)"}
    hotel = [
        {"nights": draw.randint(1, 9), "room_rate": cents(draw, 60, 300), "city_tax": cents(draw, 2, 20),
         "vat": cents(draw, 5, 90), "grand_total": cents(draw, 60, 900)} for _ in range(20)
    ]  # fmt: skip
    assert unrelated_rules(hotel) == {"grand_total == nights * room_rate + opt(city_tax) + opt(vat)"}


# --- what is right though it looks wrong -------------------------------------------------------------------------


def paging(draw):
    results, size = draw.randint(30, 500), draw.choice([10, 20, 50])
    shown = [{"title": "x"} for _ in range(draw.randint(2, 9))]
    return {"page_size": size, "total_results": results, "total_pages": -(-results // size), "results": shown}


def night_shift(draw):
    start, hours = draw.randint(15, 23), draw.randint(4, 9)
    return {"start_time": f"{start:02}:00", "end_time": f"{(start + hours) % 24:02}:00", "hours": hours}


def flight(draw):
    return {"departure_time": f"{draw.randint(0, 23):02}:15", "arrival_time": f"{draw.randint(0, 23):02}:40"}


def sample(draw):
    reviews = [{"rating": draw.randint(1, 5)} for _ in range(3)]
    return {"average_rating": cents(draw, 2, 5), "review_count": draw.randint(20, 3000), "reviews": reviews}


def repository(draw):
    people = [{"login": "x", "commits": draw.randint(1, 99)} for _ in range(3)]
    return {"total_commits": draw.randint(600, 9999), "contributors": people}


def company(draw):
    people = [{"name": "x", "salary": draw.randint(30, 99) * 1000} for _ in range(3)]
    return {
        "total_employees": draw.randint(50, 900),
        "employees": people,
        "average_salary": draw.randint(40, 90) * 1000,
    }


def statement(draw):
    entries = [{"type": draw.choice(["credit", "debit"]), "amount": draw.randint(1, 500)} for _ in range(5)]
    change = sum(e["amount"] if e["type"] == "credit" else -e["amount"] for e in entries)
    opening = draw.randint(100, 5000)
    return {"opening_balance": opening, "transactions": entries, "closing_balance": opening + change}


def allocations(draw):
    given = [{"dept": "x", "amount": draw.randint(1, 60)} for _ in range(3)]
    return {"budget": sum(g["amount"] for g in given) + draw.randint(0, 50), "allocations": given}


def in_cents(draw):
    quantity, price = draw.randint(1, 9), draw.randint(100, 9999)
    return {"quantity": quantity, "unit_price_cents": price, "total": quantity * price / 100}


@pytest.mark.parametrize("n", [3, 30])
@pytest.mark.parametrize(
    "make", [paging, night_shift, flight, sample, repository, company, statement, allocations, in_cents]
)
def test_what_is_right_though_it_looks_wrong_stays_unsaid(make, n):
    assert findings(rows_of(make, n)) == ()


@pytest.mark.parametrize(
    ("make", "field", "more"),
    [(night_shift, "hours", 2), (statement, "closing_balance", 50), (allocations, "budget", -60), (in_cents, "total", 3)],
)  # fmt: skip
def test_and_in_the_same_records_what_is_wrong_is_found(make, field, more):
    values = rows_of(make)
    for row in values[:3]:
        row[field] += more
    assert {f.example_id for f in findings(values)} == {"e0", "e1", "e2"}


def test_a_total_that_follows_another_rule_is_no_error():
    def gift(draw):
        items = [{**i, "gift_wrap": draw.random() < 0.5} for i in lines(draw)]
        return {
            "items": items,
            "total": sum(i["quantity"] * i["price"] + 3.5 * i["gift_wrap"] for i in items),
        }

    def delivery(draw):
        items = lines(draw)
        return {"items": items, "total": sum(i["quantity"] * i["price"] for i in items) + draw.choice([5, 7])}

    for make in (gift, delivery):
        found = findings(rows_of(make))
        assert {f.severity for f in found} == {"warning"}
    assert "follows another rule than" in next(f.message for f in found if not f.example_id)


# --- declared rules that never apply -----------------------------------------------------------------------------


def test_a_declared_rule_that_never_applies_is_named_with_the_name_that_nothing_has():
    values = [{"a": i, "c": i, "rows": [{"n": i}]} for i in range(5)]
    rules = ["c == a", "c == a + zz", "nope[]: c == a", "c == sum(rows.map(row, row.m))", "c >= opt(extra)"]
    found = {f.evidence["rule"]: f for f in findings(values, {"x-relations": rules})}
    assert {rule: f.evidence["missing"] for rule, f in found.items()} == {
        "c == a + zz": ["zz"],
        "nope[]: c == a": ["nope"],
        "c == sum(rows.map(row, row.m))": ["m"],
    }
    assert "speaks of no place in 5 answers: no answer has zz" in found["c == a + zz"].message
    assert {f.severity for f in found.values()} == {"warning"}
    # A closed look at opt(...) only where the schema says which fields there are.
    schema = {
        "properties": {"a": {}, "c": {}, "extra": {}},
        "x-relations": ["c >= opt(extra)", "c >= opt(extar)"],
    }
    assert [f.evidence["missing"] for f in findings(values, schema)] == [["extar"]]


# --- what the numbers show --------------------------------------------------------------------------------------


def turnout(draw):
    cast, more = draw.randint(100, 9000), draw.randint(100, 9000)
    return {
        "registered_voters": cast + more,
        "votes_cast": cast,
        "turnout_percent": round(100 * cast / (cast + more), 1),
    }


def course_tasks(draw):
    of = draw.randint(20, 200)
    done = draw.randint(5, of)
    return {"total_tasks": of, "completed_tasks": done, "completion_percentage": round(100 * done / of)}


def power(draw):
    used, rate = draw.randint(50, 900), 0.1834
    charge, tax = round(used * rate, 2), cents(draw, 1, 9)
    return {"consumption_kwh": used, "rate_per_kwh": rate, "energy_charge": charge, "fixed_charge": 12.5, "tax": tax,
            "amount_due": round(charge + 12.5 + tax, 2)}  # fmt: skip


def stay_with_extras(draw):
    nights, rate = draw.randint(1, 7), draw.randint(60, 300)
    extras, tax = draw.choice([0, cents(draw, 3, 90)]), cents(draw, 5, 90)
    return {"nights": nights, "rate_per_night": rate, "room_charges": nights * rate, "extras_total": extras, "tax": tax,
            "total": round(nights * rate + extras + tax, 2)}  # fmt: skip


def tickets(draw):
    sold = lines(draw)
    total = sum(i["price"] * i["quantity"] + 2.5 * i["quantity"] for i in sold)
    return {"tickets": sold, "fee_per_ticket": 2.5, "total": round(total, 2)}


@pytest.mark.parametrize("make", [turnout, course_tasks, power, stay_with_extras, tickets])
def test_what_the_numbers_show_is_held_against_the_rows_that_break_it(make):
    assert findings(rows_of(make, 4)) == ()
    values = rows_of(make)
    assert findings(values) == ()
    for row in values[:3]:
        row[list(row)[-1]] += 11
    assert {f.example_id for f in findings(values)} == {"e0", "e1", "e2"}


# --- clean records of other trades --------------------------------------------------------------------------------


def flight_booking(draw):
    people, fare, bags = draw.randint(1, 4), draw.randint(80, 400), draw.randint(0, 3) * 30
    return {
        "passenger_count": people,
        "base_fare": fare,
        "baggage_fee": bags,
        "total_price": people * fare + bags,
    }


def parking(draw):
    minutes = draw.randint(10, 900)
    return {"duration_minutes": minutes, "rate_per_hour": 3, "amount": -(-minutes // 60) * 3}


def film(draw):
    return {
        "revenue": draw.randint(1, 900) * 10**6,
        "vote_count": draw.randint(10, 999),
        "vote_average": cents(draw, 3, 9),
    }


def depot(draw):
    worth, cash = [cents(draw, 5, 900) for _ in range(4)], cents(draw, 50, 900)
    whole = round(sum(worth) + cash, 2)
    holdings = [{"value": v, "weight_percent": round(100 * v / whole, 2)} for v in worth]
    return {"holdings": holdings, "cash": cash, "total_value": whole}


def payslip(draw):
    gross = draw.randint(2000, 6000)
    taken = {"income_tax": round(gross * 0.18, 2), "social_security": round(gross * 0.062, 2)}
    whole = round(sum(taken.values()), 2)
    return {
        "gross_pay": gross,
        "deductions": taken,
        "total_deductions": whole,
        "net_pay": round(gross - whole, 2),
    }


def laboratory(draw):
    parts = {"hdl": draw.randint(30, 90), "ldl": draw.randint(60, 180), "vldl": draw.randint(5, 40)}
    readings = [draw.randint(70, 160) for _ in range(4)]
    return {
        "readings": readings,
        "highest_reading": max(readings),
        "cholesterol": {**parts, "total": sum(parts.values())},
    }


@pytest.mark.parametrize("make", [flight_booking, parking, film, depot, payslip, laboratory])
def test_clean_records_of_other_trades_have_no_findings(make):
    assert findings(rows_of(make, 40)) == ()


def test_and_what_is_wrong_in_them_is_found():
    slips, labs = rows_of(payslip), rows_of(laboratory)
    slips[4]["net_pay"] += 40
    labs[2]["cholesterol"]["total"] += 60
    labs[7]["highest_reading"] -= 9
    assert {f.example_id for f in findings(slips)} == {"e4"}
    assert {f.example_id for f in findings(labs)} == {"e2", "e7"}
