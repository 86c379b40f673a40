"""The part that a field plays, by the words of its name: a price, a quantity, a share, a code, a total of money.

("unit", "price") is a price; ("order", "total") a total of money; ("total", "tax", "rate") a share
"""

from __future__ import annotations

from finetooth.checks import json_names as names


def has(words: tuple[str, ...], role: frozenset[str]) -> bool:
    return not role.isdisjoint(words)


def is_price(words: tuple[str, ...]) -> bool:
    if has(words, names.TOTAL | names.TAX | names.DISCOUNT | names.PERCENT - {"rate"} | names.MEAN - {"per"}):
        return False
    if "rate" in words:
        return not has(
            words, frozenset({"conversion", "growth", "interest", "churn", "heart", "success", "error"})
        )
    return has(words, names.PRICE - {"fee", "cost"}) or (
        has(words, frozenset({"cost", "fee"})) and not has(words, names.PLUS - {"fee"})
    )


def is_quantity(words: tuple[str, ...]) -> bool:
    return (
        has(words, names.QUANTITY)
        and not is_price(words)
        and not has(
            words,
            names.PERCENT
            | names.TAX
            | names.DISCOUNT
            | names.SUM_OF_MONEY
            | names.MEAN
            | names.CODE - {"number"},
        )
    )


def is_share(words: tuple[str, ...]) -> bool:
    return has(words, names.PERCENT)


def is_code(words: tuple[str, ...]) -> bool:
    return bool(words) and words[-1] in names.CODE and not has(words, names.TOTAL)


def is_money_total(words: tuple[str, ...]) -> bool:
    """Whether a field may be a total of money: not a rate, a mean, a tax, a unit price, a number of things."""
    if has(words, names.PERCENT | names.MEAN | names.MIN | names.MAX) or "unit" in words or is_code(words):
        return False
    if has(words, names.NUMBERING):
        return False
    if has(words, (names.PLUS | names.MINUS) - {"paid"}) and not has(words, frozenset({"total"})):
        return False
    return has(words, names.TOTAL | names.PARTIAL) or (
        bool(words) and words[-1] in names.SUM_OF_MONEY - {"price"}
    )


def own_words(words: tuple[str, ...]) -> frozenset[str]:
    """What a total is the total of: ("total", "shipping", "weight") -> {shipping, weight}; ("order", "total") -> {}."""
    money = [i for i, w in enumerate(words) if w in names.TOTAL | names.SUM_OF_MONEY]
    last = money[-1] if money else 0
    return frozenset(
        w
        for i, w in enumerate(words)
        if w not in names.WHOLE | names.PARTIAL and not (w in names.CONTAINER and i < last)
    )


def counts_list(words: tuple[str, ...], label: tuple[str, ...]) -> bool:
    """Whether a field's name says that it counts the elements of a list: total_items, review_count, number_of_tracks."""
    rest = set(words) - set(label)
    return bool(label and rest) and label[-1] in words and rest <= names.COUNT | names.WHOLE | {"of", "the"}


_UNITS = {"hr": "hour", "hourly": "hour", "daily": "day", "night": "day", "nightly": "day", "min": "minute", "sec": "second",
          "weekly": "week", "monthly": "month", "yearly": "year", "years": "year", "annual": "year"}  # fmt: skip
_TIMES = frozenset("second minute hour day week month year".split())


def goes_with(price: tuple[str, ...], quantity: tuple[str, ...]) -> bool:
    """Whether a price may be that of one of the quantity: no price of an hour times minutes, no baggage_fee times people."""
    of = {_UNITS.get(w, w) for w in price} & _TIMES
    by = {_UNITS.get(w, w) for w in quantity} & _TIMES
    if of and by and not of & by:
        return False
    single = has(price, frozenset({"price", "rate", "unit", "per", "each", "tariff", "wage"})) or bool(of)
    return single or len(price) == 1 or not has(price, frozenset({"fee"}))
