"""Amounts that stand in JSON as text, in the notations of other countries, add up or do not."""

import pytest

from finetooth import checks
from finetooth.checks.json_amounts import as_grouped, number
from finetooth.tasks.json import JsonInput, JsonTarget
from finetooth.types import Dataset, Example

STYLES = {
    "commas": lambda x: f"{x:,}",
    "digits": str,
    "points": lambda x: f"{x:,}".replace(",", "."),
    "rupiah": lambda x: "Rp " + f"{x:,}".replace(",", "."),
    "blanks": lambda x: f"{x:,}".replace(",", " "),
    "narrow blanks": lambda x: f"{x:,} kr".replace(",", "\u202f"),
    "francs": lambda x: "CHF " + f"{x:,}.00".replace(",", "'"),
}


def findings(values, *only):
    rows = [Example(f"e{i}", JsonInput("p", "receipt", None), JsonTarget(v)) for i, v in enumerate(values)]
    return checks.run(Dataset("json", rows, "here", "memory", ""), only=only).findings


def receipts(style, wrong=None):
    for i in range(12):
        menu = [(2 + k, (7 * i + 3 * k + 11) * 500) for k in range(1 + i % 3)]
        total = sum(q * p for q, p in menu) + (5000 if i == wrong else 0)
        lines = [{"quantity": str(q), "unit_price": style(p), "line_total": style(q * p)} for q, p in menu]
        yield {"menu": lines, "total_price": style(total)}


@pytest.mark.parametrize("name", STYLES)
def test_a_wrong_total_is_found_in_every_style(name):
    assert findings(receipts(STYLES[name]), "arithmetic", "unrelated-field") == ()
    (f,) = findings(receipts(STYLES[name], wrong=4), "arithmetic")
    assert (f.example_id, f.evidence["path"]) == ("e4", "$.total_price")
    assert f.evidence["found"] - f.evidence["expected"] == 5000


@pytest.mark.parametrize(
    ("text", "value"),
    [("75,000", 75000), ("1.234.567", 1234567), ("Rp 60.000", 60000), ("CHF 1'234.00", 1234), ("1 234 567", 1234567),
     ("1.234,50 kr", 1234.5), ("0.750", None), ("0123", None), ("12-34", None), ("1,234,50", None)],
)  # fmt: skip
def test_what_is_read_as_an_amount_in_groups(text, value):
    found = as_grouped(text)
    assert (found and found[0]) == value
    if value is not None:
        assert number(text) == value


def test_prices_of_three_decimals_are_no_thousands():
    litres = [1.459, 1.523, 1.611, 1.387, 1.499, 1.702]
    values = [
        {"quantity": 10 + i, "unit_price": f"{x:.3f}", "total": round((10 + i) * x, 2)}
        for i, x in enumerate(litres)
    ]
    (f,) = findings(values, "arithmetic", "unrelated-field")
    assert (f.example_id, f.severity, f.evidence["places"]) == ("", "info", ["unit_price"])


def test_an_item_count_may_be_the_sum_of_the_quantities():
    def receipt(i, more=0):
        lines = [{"name": "tea", "quantity": 2 + (i + k) % 5} for k in range(1 + i % 3)]
        return {"menu": lines, "total": {"item_count": sum(x["quantity"] for x in lines) + more}}

    assert findings([receipt(i) for i in range(20)], "arithmetic") == ()
    (f,) = findings([receipt(i, more=i == 7) for i in range(20)], "arithmetic")
    assert (f.example_id, f.evidence["path"]) == ("e7", "$.total.item_count")
