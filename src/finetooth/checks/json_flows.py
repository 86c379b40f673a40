"""Relations of stocks and flows: two readings and what lies between them, a balance and what came and went.

{"odometer_start": 40, "odometer_end": 95, "distance_km": 55, "opening_stock": 9, "received": 4, "sold": 6, "closing_stock": 7}
-> distance_km == odometer_end - odometer_start;  closing_stock == opening_stock + opt(received) - opt(sold)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from finetooth.checks import json_candidates as sums
from finetooth.checks import json_names as names
from finetooth.checks.json_candidates import LIKELY, MAYBE, Candidate, View
from finetooth.checks.json_roles import has, is_money_total, is_share
from finetooth.checks.json_terms import Expr, constant, minus, opt, plus, signed, sum_where
from finetooth.checks.json_values import Path

Field = tuple[Path, Path, Expr, list[Path]]  # its object, its path, its term, the other columns of the object
_W = names._words

# What lies between two readings of one thing: distance == odometer_end - odometer_start.
READINGS = (("end final closing current last after new", "start initial opening previous first before old"),)
BETWEEN = _W(
    "distance difference change consumed consumption used usage elapsed gain growth delta mileage total"
)
BALANCES = (("closing ending final", "opening starting beginning initial"),)


def readings(view: View, fields: Sequence[Field]) -> Iterator[Candidate]:
    """distance_km == odometer_end - odometer_start; consumed == current - previous."""
    for _, _, target, others in fields:
        if is_share(target.words) or not has(target.words, BETWEEN):
            continue
        columns = [view.columns[p] for p in others]
        for late, early in READINGS:
            for a, b in itertools.permutations(columns[:12], 2):
                if not has(a.words, _W(late)) or not has(b.words, _W(early)):
                    continue
                if names.stem(a.words, _W(late)) == names.stem(b.words, _W(early)):
                    yield Candidate(view.table, target, "==", minus(a, b), "sum", MAYBE)


def balances(view: View, fields: Sequence[Field]) -> Iterator[Candidate]:
    """closing_balance == opening_balance + sum(transactions[].amount), or + credits - debits."""
    for prefix, _, target, others in fields:
        for late, early in BALANCES:
            if not has(target.words, _W(late)):
                continue
            topic = names.stem(target.words, _W(late))
            for p in others:
                first = view.columns[p]
                if not has(first.words, _W(early)) or names.stem(first.words, _W(early)) != topic:
                    continue
                by_kind = list(_signed(view))
                for base in by_kind:
                    yield Candidate(view.table, target, "==", plus(first, base), "sum", LIKELY)
                for base, _ in sums.list_sums(view, prefix, constant(view.table, 0)):
                    strength = MAYBE if by_kind else LIKELY
                    yield Candidate(view.table, target, "==", plus(first, base), "sum", strength)
                ins = [
                    view.columns[q]
                    for q in others
                    if has(view.columns[q].words, _W("credit deposit received in added"))
                ]
                outs = [
                    view.columns[q]
                    for q in others
                    if has(view.columns[q].words, _W("debit withdrawal spent out sold removed"))
                ]
                for a, b in itertools.product(ins[:2], outs[:2]):
                    yield Candidate(
                        view.table, target, "==", minus(plus(first, opt(a)), opt(b)), "sum", LIKELY
                    )


# The words of entries that raise a balance, and of those that lower it.
_IN = _W("credit deposit in income incoming inflow received receipt refund interest salary added topup")
_OUT = _W("debit withdrawal out expense outgoing outflow spent payment fee charge sent sold removed")


def _signed(view: View) -> Iterator[Expr]:
    """What the entries of a list add up to where one of their texts says which way they go: type credit or debit."""
    for at, below in view.table.lists.items():
        for field, texts in below.texts.items():
            values = sorted({t for t in texts if t})
            ways = [_way(t) for t in values]
            if not field or not 1 < len(values) <= 12 or not all(ways) or len(set(ways)) < 2:
                continue
            ins = [t for t, way in zip(values, ways, strict=True) if way > 0]
            for p, c in view.child(at).items():
                if p and p != field and is_money_total(c.words):
                    yield signed(view.table, at, c, field, ins)


def _way(text: str) -> int:
    words = names.words_of(text)
    return has(words, _IN) - has(words, _OUT)


def by_kind(view: View, fields: Sequence[Field]) -> Iterator[Candidate]:
    """total_credits == the sum of the transactions whose type is credit."""
    for _, _, target, _ in fields:
        topic = names.stem(target.words, names.WHOLE | names.SUM_OF_MONEY)
        if not topic or not has(target.words, names.TOTAL) or has(target.words, names.NUMBERING):
            continue
        for at, below in view.table.lists.items():
            for field, texts in below.texts.items():
                values = {t for t in texts if t}
                if not field or len(values) > 20 or "currency" in names.words_of(field[-1]):
                    continue
                for value in sorted(v for v in values if set(names.words_of(v)) == topic):
                    for p, c in view.child(at).items():
                        if p and is_money_total(c.words):
                            right = sum_where(view.table, at, c, field, value)
                            yield Candidate(view.table, target, "==", right, "sum", LIKELY)
