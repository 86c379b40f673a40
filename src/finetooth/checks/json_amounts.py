"""Amounts and dates that stand in JSON as text, in the notations that people use.

as_amount("$1,234.50") -> 1234.5, marked as money;  as_day("03/04/2024", "mdy") -> the days from 1970 to 4 March 2024
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from finetooth.checks.json_values import Path, as_moment

_CURRENCY = r"(?:US\$|[$€£¥₹]|[A-Z]{3})"
_AMOUNT = re.compile(
    rf"\s*(?P<minus>-)?\s*(?P<before>{_CURRENCY})?\s*(?P<inner>-)?"
    rf"(?:(?P<plain>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)|(?P<comma>\d{{1,3}}(?:\.\d{{3}})+,\d{{2}}|\d+,\d{{2}}))"
    rf"\s*(?P<after>{_CURRENCY}|%)?\s*$",
    re.ASCII,
)
_NUMERIC_DAY = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})$", re.ASCII)
_MONTHS = {m: i for i, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})$", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.? ([A-Za-z]{3,9})\.?,? (\d{4})$", re.ASCII)
LOOK_AT = 8  # cells that tell what kind of text a column holds
NEARLY_ALL = 0.9


class Inner(str):
    """The last step of a path that only holds the number of its parent: ``amount`` in {"amount": 9.5, "currency": "EUR"}."""

    __slots__ = ()


def home(path: Path) -> Path:
    """The object that a field belongs to: that of ``total`` for ``total.amount``."""
    return path[:-2] if isinstance(path[-1], Inner) else path[:-1]


def name_of(path: Path) -> str:
    """What a field is called: ``total`` for ``total.amount``."""
    return path[-2] if isinstance(path[-1], Inner) else path[-1]


def inner_step(value: dict) -> str | None:
    """The key that holds the number of an object that is nothing but a number and its unit; None for other objects."""
    if not 2 <= len(value) <= 3 or not (
        {"currency", "currency_code", "currencyCode", "unit", "units"} & set(value)
    ):
        return None
    found = [k for k, v in value.items() if isinstance(v, (int, float)) and not isinstance(v, bool)]
    return found[0] if len(found) == 1 and found[0] in ("amount", "value") else None


@lru_cache(maxsize=1 << 14)
def as_amount(text: str) -> tuple[float, bool] | None:
    """(number, whether a currency or % marks it) of a text that is an amount and nothing else; None for other text.

    A comma before two last digits is read as a decimal point only where there is a currency.
    """
    m = _AMOUNT.match(text)
    if m is None or (m["minus"] and m["inner"]):
        return None
    marked = bool(m["before"] or m["after"])
    if m["comma"]:
        if not marked:
            return None
        number = float(m["comma"].replace(".", "").replace(",", "."))
    else:
        digits = m["plain"]
        if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
            return None  # a code: 0123
        number = float(digits.replace(",", ""))
    return (-number if m["minus"] or m["inner"] else number), marked


def amounts(cells: Sequence[str], *, counts: bool) -> list[float] | None:
    """A column of texts as numbers (nan where one is none), where they are amounts of money; ``counts``: or whole numbers."""
    first = [as_amount(c) for c in cells[:LOOK_AT]]
    if not all(first) or any(map(_DOT_GROUP.match, cells[:LOOK_AT])):
        return None
    known = [as_amount(c) for c in cells]
    # Two digits after the point, or a currency: versions, ratings and codes have neither.
    good = [
        a is not None
        and (a[1] or bool(re.search(r"\.\d\d$", c.strip())) or (counts and c.isdigit() and len(c) < 7))
        for a, c in zip(known, cells, strict=True)
    ]
    if sum(good) < NEARLY_ALL * len(cells):
        return None
    return [a[0] if a is not None else float("nan") for a in known]


# Money as it is written without a word of English: Rp 60.000, CHF 1'234.00, 1 234,50 kr.
_SIGN = r"(?:US\$|[A-Z]{3}|[$€£¥₹₩₫฿₺₽₱₦]|Rp\.?|R\$|S\$|RM|SFr\.?|Fr\.?|kr\.?|Kč|zł|Ft)"
_GROUPED = re.compile(
    rf"\s*(?P<minus>[-−])?\s*(?P<before>{_SIGN})?\s*(?P<inner>[-−])?"
    r"(?:(?P<groups>\d{1,3}(?:(?P<by>[.,'’ \u00a0\u202f])\d{3})(?:(?P=by)\d{3})*)|(?P<plain>\d+))"
    rf"(?:(?P<point>[.,])(?P<rest>\d{{1,2}}|-))?\s*(?P<after>{_SIGN}|,-)?\s*$"
)
_DOT_GROUP = re.compile(r"[^$£\d]*\d{1,3}\.\d{3}[^$£\d]*$")  # $3.459 is a price of a gallon
_MONEY_NAME = re.compile(
    r"price|total|amount|cost|tax|fee|sum|paid|pay|cash|change|due|balance|charge|discount|tip|salary|revenue|budget|value"
)
_COUNT_NAME = re.compile(r"qty|quantity|cnt|count|pieces|pcs")


def as_grouped(text: str) -> tuple[float, bool] | None:
    """(number, whether its groups leave no doubt) of an amount whose separator sets groups of thousands; None for other text.

    "75,000", "1 234 567" and "1'234.00" leave none. "60.000" may be sixty: it does where there is a currency, another
    group, or hundreds at its end.
    """
    m = _GROUPED.match(text)
    if m is None or (m["minus"] and m["inner"]) or (m["by"] and m["by"] == m["point"]):
        return None
    digits = m["groups"] or m["plain"]
    if len(digits) > 1 and digits[0] == "0":
        return None  # 0.750 kg, the code 0123
    number = float(re.sub(r"\D", "", digits))
    if m["rest"] and m["rest"] != "-":
        number += int(m["rest"]) / 10 ** len(m["rest"])
    marked = bool(m["before"] or m["after"] or m["rest"])
    sure = m["by"] != "." or marked or digits.count(".") > 1 or digits.endswith("00")
    return (-number if m["minus"] or m["inner"] else number), sure


def grouped(cells: Sequence[str], name: str) -> list[float] | None:
    """A column of texts as numbers where its name is one of money or of counts and its separators set groups; else None."""
    low = name.lower()
    if not _MONEY_NAME.search(low) and not _COUNT_NAME.search(low):
        return None
    known = [as_grouped(c) for c in cells[:LOOK_AT]]
    if not any(known):
        return None
    known = [as_grouped(c) for c in cells]
    if sum(a is not None for a in known) < NEARLY_ALL * len(cells) or not _settled(known):
        return None
    return [a[0] if a is not None else float("nan") for a in known]


def _settled(known: Sequence[tuple[float, bool] | None]) -> bool:
    """Whether of the amounts that may be meant otherwise at most half are in doubt."""
    read = [a for a in known if a is not None]
    return sum(not sure for _, sure in read) <= 0.5 * len(read)


def undecided(cells: Sequence[str], name: str) -> bool:
    """Whether a column of money is written so that 1.234 may be a thousand or one: nobody can add it up."""
    if not _MONEY_NAME.search(name.lower()):
        return False
    known = [as_grouped(c) for c in cells]
    return sum(a is not None for a in known) >= NEARLY_ALL * len(cells) and not _settled(known)


@lru_cache(maxsize=1 << 14)
def as_day(text: str, order: str = "") -> float | None:
    """Days from 1970 of a date written out ("March 4, 2024"), or in numbers where ``order`` is "dmy" or "mdy"."""
    if m := _NUMERIC_DAY.match(text.strip()):
        if order not in ("dmy", "mdy"):
            return None
        one, two, year = int(m[1]), int(m[3]), int(m[4])
        day, month = (one, two) if order == "dmy" else (two, one)
    elif m := _MONTH_FIRST.match(text.strip()):
        month, day, year = _MONTHS.get(m[1][:3].lower(), 0), int(m[2]), int(m[3])
    elif m := _DAY_FIRST.match(text.strip()):
        day, month, year = int(m[1]), _MONTHS.get(m[2][:3].lower(), 0), int(m[3])
    else:
        return None
    try:
        return float((date(year, month, day) - date(1970, 1, 1)).days)
    except ValueError:
        return None


def day_order(cells: Sequence[str]) -> str | None:
    """How the dates of a column are written: "days" written out, "dmy", "mdy", "?" for numbers that may be either."""
    if not cells or any(_NUMERIC_DAY.match(c.strip()) is None and as_day(c) is None for c in cells[:LOOK_AT]):
        return None
    numeric = [m for c in cells if (m := _NUMERIC_DAY.match(c.strip()))]
    if not numeric:
        return "days"
    day_first = any(int(m[1]) > 12 for m in numeric) or all(m[2] == "." for m in numeric)
    month_first = any(int(m[3]) > 12 for m in numeric)
    if day_first and month_first:
        return None
    return "dmy" if day_first else "mdy" if month_first else "?"


def number(value: object) -> float:
    """What ``number(...)`` is in a rule: the amount in a text, a number as it is; nan for anything else."""
    if isinstance(value, str):
        found, grouping = as_amount(value), as_grouped(value)
        if grouping is not None and grouping[1] and (found is None or _DOT_GROUP.match(value)):
            found = grouping
        return found[0] if found is not None else float("nan")
    return float(value) if isinstance(value, (int, float)) else float("nan")


def days(text: str, order: str = "") -> float:
    """What ``days(...)``, ``dmy(...)`` and ``mdy(...)`` are in a rule; nan for what is no date."""
    moment = as_moment(text) if not order else None
    found = moment.days if moment is not None else as_day(text, order)
    return float("nan") if found is None else found
