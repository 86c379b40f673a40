"""Relations that the names of fields ask for: what could be the sum, the product, the mean, the count of what.

    {"lines": [{"qty": 2, "unit_price": 4.5, "line_total": 9}], "tax": 1, "total": 10}
    -> lines[]: line_total == qty * unit_price;  total == sum(lines[].line_total) + opt(tax);  and others less likely

All that is thinkable is listed; ``json_discover`` looks which of it the data bear out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from finetooth.checks import json_names as names
from finetooth.checks.json_amounts import home
from finetooth.checks.json_roles import (
    counts_list,
    goes_with,
    has,
    is_code,
    is_money_total,
    is_price,
    is_quantity,
    is_share,
    own_words,
)
from finetooth.checks.json_tables import Table
from finetooth.checks.json_terms import (
    Expr,
    column,
    each,
    less_share,
    minus,
    opt,
    plus,
    scaled,
    times,
    total,
)
from finetooth.checks.json_values import Path

SURE, LIKELY, MAYBE = 3, 2, 1  # what the names alone are worth


@dataclass(frozen=True, eq=False)
class Candidate:
    """``left OP right`` at the places of a table. ``strength``: SURE (no other meaning), LIKELY, MAYBE (needs data).

    ``rounding``: how far apart the sides may be for the rounding of what is added, one a place or one for all.
    """

    table: Table
    left: Expr
    op: str
    right: Expr
    kind: str
    strength: int
    rounding: np.ndarray | float = 0.0


class View:
    """The number columns of a table, by name and by the object that they stand in."""

    def __init__(self, table: Table, root: Table) -> None:
        self.table, self.root = table, root
        self._samples: dict[Path, bool] = {}
        self.columns = {path: column(table, path) for path in table.numbers if path}
        self.groups: dict[Path, list[Path]] = {}
        for path in self.columns:
            self.groups.setdefault(home(path), []).append(path)

    def near(self, prefix: Path) -> list[Path]:
        """The columns of the object at ``prefix``."""
        return self.groups.get(prefix, [])

    def lists(self, prefix: Path) -> list[Path]:
        """Lists of objects or numbers that a field at ``prefix`` may speak of, the nearest first."""

        def distance(path: Path) -> int:
            common = sum(
                1 for _ in itertools.takewhile(lambda ab: ab[0] == ab[1], zip(prefix, path, strict=False))
            )
            return len(prefix) + len(path) - 2 * common

        return sorted(self.table.lists, key=distance)

    def is_sample(self, path: Path) -> bool:
        """Whether a list shows some of the things that a field beside it counts: review_count 1280, and 3 reviews.

        Twice as many in most places, and fewer in none. Not a list of quantities and prices: those are told in full.
        """
        if path not in self._samples:
            label, sizes = names.words_of(path[-1]), self.table.sizes[path]
            self._samples[path] = not any(products(self, (), self.child(path))) and any(
                _exceeds(c.values, sizes, SAMPLE_FROM)
                for c in self.columns.values()
                if counts_list(c.words, label)
            )
        return self._samples[path]

    def child(self, path: Path) -> dict[Path, Expr]:
        """The number columns of a list's elements, as terms of ``i``."""
        below = self.table.lists[path]
        return {p: column(below, p, "i") for p in below.numbers}


SAMPLE_FROM = 2.0  # times as many as are shown


def _exceeds(whole: np.ndarray, shown: np.ndarray, times_as_much: float) -> bool:
    """Whether a whole is never less than what is shown of it, and mostly so many times as much."""
    at = np.isfinite(whole) & np.isfinite(shown) & (shown > 0)
    if not at.any() or np.any(whole[at] < shown[at]):
        return False
    return bool(np.median(whole[at] / shown[at]) >= times_as_much)


# --- products -------------------------------------------------------------------------------------------------


def products(
    view: View, prefix: Path, columns: dict[Path, Expr] | None = None
) -> Iterator[tuple[Expr, int, frozenset[Path]]]:
    """(quantity times price, less discount where there is one; how sure; the columns) of the fields of an object."""
    columns = columns if columns is not None else {p: view.columns[p] for p in view.near(prefix)}
    here = [p for p in columns if (home(p) if p else p[:-1]) == prefix]
    quantities = [p for p in here if is_quantity(columns[p].words)]
    prices = [p for p in here if is_price(columns[p].words)]
    discounts = [p for p in here if has(columns[p].words, names.DISCOUNT)]
    for q, p in itertools.product(quantities[:4], prices[:4]):
        quantity, price = columns[q], columns[p]
        plain = has(quantity.words, names.PLAIN_QUANTITY) or len(quantities) == len(prices) == 1
        sure = SURE if plain and has(price.words, frozenset({"price", "rate", "unit", "per"})) else LIKELY
        if not goes_with(price.words, quantity.words):
            sure = MAYBE
        base = times(quantity, price)
        if has(price.words, frozenset({"cent", "penny", "pence"})):
            yield scaled(base, 0.01), sure, frozenset({q, p})
        for d in discounts[:2]:
            discount = opt(columns[d])
            yield less_share(base, discount, percent=True), sure, frozenset({q, p, d})
            yield less_share(base, discount, percent=False), sure - 1, frozenset({q, p, d})
            yield minus(base, discount), sure - 1, frozenset({q, p, d})
            yield times(quantity, minus(price, discount)), sure - 1, frozenset({q, p, d})
        yield base, sure, frozenset({q, p})
    # regular_hours * hourly_rate + overtime_hours * overtime_rate
    if len(quantities) > 1 and len(prices) > 1:
        for (q, p), (u, r) in itertools.combinations(itertools.product(quantities[:3], prices[:3]), 2):
            if q != u and p != r:
                both = plus(times(columns[q], columns[p]), times(columns[u], columns[r]))
                yield both, LIKELY, frozenset({q, p, u, r})


def line_products(view: View) -> Iterator[Candidate]:
    """total == quantity * price, within one object."""
    for prefix in view.groups:
        for made, sure, used in products(view, prefix):
            for path in view.near(prefix):
                target = view.columns[path]
                if path in used or not is_money_total(target.words) or is_price(target.words):
                    continue
                strict = has(target.words, names.TOTAL | names.PARTIAL | frozenset({"line"}))
                strength = sure if strict else min(sure, LIKELY)
                if any(addends(view, prefix, path)[:2]):
                    strength = min(
                        strength, LIKELY
                    )  # nights * room_rate is not all where there is a city tax
                if "net" in target.words or own_words(target.words) - names.GENERIC - {"line", "item"}:
                    strength = (
                        MAYBE  # what is left after deductions, or a total of something else: total_points
                    )
                yield Candidate(view.table, target, "==", made, "product", strength)
                for other in view.near(prefix):
                    role = view.columns[other]
                    if other in used or other == path or not has(role.words, names.TAX):
                        continue
                    if is_share(role.words):
                        taxed = less_share(made, opt(role), percent=True, sign="+")
                    else:
                        taxed = plus(made, opt(role))
                    yield Candidate(view.table, target, "==", taxed, "product", strength)


# --- sums -----------------------------------------------------------------------------------------------------


_PARTIAL_LIST = frozenset(
    {"top", "recent", "best", "sample", "payment", "transaction", "history", "previous"}
)


_THINGS = frozenset("item piece unit product article good thing".split())
# Lists of money beside the items that do not hold items: what is added, what is taken off, how it was paid.
_OF_THE_SAME = (
    _PARTIAL_LIST | names.PLUS | names.MINUS | names.PERCENT | frozenset({"method", "status", "tender"})
)


def _tells_money(columns: dict[Path, Expr]) -> bool:
    return any(is_price(c.words) or is_money_total(c.words) for c in columns.values())


def list_sums(view: View, prefix: Path, target: Expr) -> Iterator[tuple[Expr, int]]:
    """What the elements of a list add up to, where it may be what the target totals; how sure."""
    mine = own_words(target.words)
    special = mine - names.GENERIC
    for path in view.lists(prefix):
        columns = view.child(path)
        label = names.words_of(path[-1])
        partial = has(label, _PARTIAL_LIST) or view.is_sample(path)
        numbering = has(target.words, names.NUMBERING)
        # total_items: how many there are, not what they cost.
        numbered = numbering or (has(target.words, special) and target.words[-1] in label)
        made = [] if numbered else list(products(view, (), columns))
        rivals = not numbered and _tells_money(columns) and any(
            other != path and _tells_money(view.child(other)) and not has(names.words_of(other[-1]), _OF_THE_SAME)
            for other in view.lists(prefix)
        )  # fmt: skip
        for expr, sure, used in made:
            if not special or special & set(label):
                listed = each(view.table, path, expr)
                yield listed, MAYBE if partial else min(sure, LIKELY) if rivals else sure
                # A fee for each piece: tickets, and 2.5 on every one.
                pieces = next((columns[p] for p in used if is_quantity(columns[p].words)), None)
                for fee in [view.columns[p] for p in view.near(prefix)] if pieces is not None else ():
                    if "fee" in fee.words and pieces is not None:
                        yield plus(listed, times(opt(fee), each(view.table, path, pieces))), MAYBE
        for p, c in columns.items():
            if is_share(c.words) or has(c.words, names.MEAN) or is_code(c.words):
                continue
            if numbering and not (c.whole and p):
                continue  # number_of_weights is no sum of the weights
            if numbering and not special:
                if is_quantity(c.words):
                    yield each(view.table, path, c), LIKELY
                continue
            if numbering and special <= _THINGS and is_quantity(c.words):
                yield each(view.table, path, c), MAYBE  # item_count: lines, or pieces
            theirs = own_words(c.words)
            same = theirs == mine or (not special and not (theirs - names.GENERIC - set(label)))
            whole = [x for q, x in columns.items() if q != p and x.whole and not is_code(x.words)]
            money = is_money_total(c.words) or (not made and is_price(c.words) and not whole)
            if special and theirs >= special and not (theirs - special - names.GENERIC - set(label)):
                quantity = next(
                    (q for q in columns.values() if is_quantity(q.words) and q.uses != c.uses), None
                )
                if quantity is not None and not is_quantity(c.words) and not has(c.words, names.TOTAL):
                    yield each(view.table, path, times(quantity, c)), LIKELY if not partial else MAYBE
                near = SURE if path[:-1] == prefix else LIKELY
                yield each(view.table, path, c), near if not partial and quantity is None else MAYBE
            elif not special and money and same and not is_unit_price(c.words, bool(made)):
                amounts = [x for x in columns.values() if is_money_total(x.words)]
                only = len(columns) == 1 or (not made and len(amounts) == 1)
                alone = only and path[:-1] == prefix
                yield (
                    each(view.table, path, c),
                    MAYBE if partial else SURE if alone or has(c.words, names.TOTAL) else LIKELY,
                )
            elif not special and is_money_total(c.words):
                yield each(view.table, path, c), MAYBE  # market_value, book_value
            elif special and not p and special & set(label):
                yield each(view.table, path, c), LIKELY


def is_unit_price(words: tuple[str, ...], has_products: bool) -> bool:
    return has_products and is_price(words)


def addends(view: View, prefix: Path, target: Path) -> tuple[list[Expr], list[Expr], list[Expr], list[Expr]]:
    """The fields beside a total that are added, taken off, taken off as a share, added as a share."""
    more, less, less_part, more_part = [], [], [], []
    for path in view.near(prefix):
        words = view.columns[path].words
        if (
            path == target
            or has(words, names.TOTAL | names.MEAN | names.COUNT - {"number"})
            or is_code(words)
        ):
            continue
        expr = opt(view.columns[path])
        if is_share(words):
            if has(words, names.DISCOUNT):
                less_part.append(expr)
            elif has(words, names.TAX | frozenset({"service", "tip", "gratuity", "commission"})):
                more_part.append(expr)
        elif has(words, names.MINUS):
            less.append(expr)
        elif has(words, names.PLUS):
            more.append(expr)
    return more[:6], less[:3], less_part[:1], more_part[:1]


def _same_role(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if has(one, names.TAX | names.DISCOUNT):
        return has(other, names.TAX if has(one, names.TAX) else names.DISCOUNT)
    return not (set(one) & set(other)).isdisjoint(("service", "tip", "gratuity", "commission"))


def with_addends(base: Expr, view: View, prefix: Path, target: Path) -> Iterator[tuple[Expr, bool]]:
    """A base with all the addends beside it first, then with fewer of them; and whether that is only thinkable.

    A tax rate stands for the tax itself only where the data say so: nothing is added twice.
    """
    used = base.uses
    more, less, less_part, more_part = (
        [e for e in role if not e.uses & used] for role in addends(view, prefix, target)
    )
    signed = [(e, plus) for e in more] + [(e, minus) for e in less]
    starts = [(base, signed, False)]
    for share, sign in [(e, "-") for e in less_part] + [(e, "+") for e in more_part]:
        grown = []
        for start, beside, doubtful in starts:
            rest = [x for x in beside if not _same_role(share.words, x[0].words)]
            made = less_share(start, share, percent=True, sign=sign)
            grown.append((made, rest, doubtful or len(rest) < len(beside)))
        starts = grown + starts
    for start, beside, doubtful in sorted(starts, key=lambda x: x[2]):
        for size in range(len(beside), -1, -1):
            for chosen in itertools.combinations(beside, size):
                made = start
                for e, join in chosen:
                    made = join(made, e)
                yield made, doubtful
    # The rate of a tax is taken of what is left after the discount.
    for share in more_part:
        for e in less:
            made = less_share(minus(base, e), share, percent=True, sign="+")
            yield made, any(_same_role(share.words, x.words) for x in more)


def totals(view: View) -> Iterator[Candidate]:
    """subtotal == sum of the lines; total == that, or the subtotal, + what is added - what is taken off."""
    for prefix, paths in view.groups.items():
        for path in paths:
            target = view.columns[path]
            if is_code(target.words) or is_share(target.words) or has(target.words, names.MEAN):
                continue
            money = is_money_total(target.words)
            special = own_words(target.words) - names.GENERIC
            if not money and not has(target.words, names.TOTAL | names.COUNT):
                continue
            bases: list[tuple[Expr, int]] = list(list_sums(view, prefix, target))
            if money and not special:
                bases += [(e, s) for e, s, used in products(view, prefix) if path not in used and s > MAYBE]
                partial = has(target.words, names.PARTIAL)
                for other in paths:
                    words = view.columns[other].words
                    if other == path or not is_money_total(words) or is_price(words):
                        continue
                    if own_words(words) - names.GENERIC or has(words, names.PLUS | names.MINUS):
                        continue
                    if has(words, names.PARTIAL) and not partial:
                        bases.append((view.columns[other], SURE))
                    elif has(target.words, names.TOTAL) and not has(words, names.TOTAL):
                        bases.append((view.columns[other], MAYBE))
            if money and not special and not has(target.words, names.PARTIAL):
                bases += [(e, MAYBE) for e in _all_charges(view, paths, path)]
            bases = [(e, _beside_sample(target, e, s)) for e, s in bases]
            if "budget" in target.words:
                # What is not given out is still in the budget; what is spent may be more.
                for base in (e for e, _ in bases if _given_out(e)):
                    yield Candidate(view.table, base, "<=", target, "whole", LIKELY)
                bases = [(e, s if "budget" in e.words else MAYBE) for e, s in bases]
            for base, strength in bases:
                grown = money and not special
                full = grown and not has(target.words, names.PARTIAL)
                for made, doubtful in with_addends(base, view, prefix, path) if grown else [(base, False)]:
                    if made.uses & target.uses:
                        continue
                    # total == subtotal alone says nothing unless the data do; a subtotal has seldom a tax in it.
                    alone = made.rank == 3 and made.terms == 1
                    doubtful = doubtful or alone or (grown and not full and made is not base)
                    yield Candidate(view.table, target, "==", made, "sum", MAYBE if doubtful else strength)


def _all_charges(view: View, paths: list[Path], target: Path) -> Iterator[Expr]:
    """room_charges + extras_total: the totals of something that stand beside the total of all."""
    charges = [
        view.columns[p] for p in paths
        if p != target and is_money_total(view.columns[p].words) and not is_price(view.columns[p].words)
        and own_words(view.columns[p].words) - names.GENERIC
        and not has(view.columns[p].words, names.PARTIAL | names.MINUS | names.PLUS | {"due", "budget"})
    ]  # fmt: skip
    if 1 < len(charges) <= 5:
        yield total(map(opt, charges))


def _given_out(e: Expr) -> bool:
    words = {w for place, path in e.uses for step in (*place, *path) for w in names.words_of(step)}
    return not words.isdisjoint(("allocation", "allocated", "allocate", "allotment"))


def _beside_sample(target: Expr, shown: Expr, strength: int) -> int:
    """A total that is never less than what a list adds up to, and half as much again, may count what is not in the list."""
    plain = "sum(" in shown.text and "*" not in shown.text
    return min(strength, MAYBE) if plain and _exceeds(target.values, shown.values, 1.5) else strength
