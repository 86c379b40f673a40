"""Relations of before and after, of not more than, and of how long: dates, clock times and bounds by their names.

{"start_date": "2024-03-01", "end_date": "2024-03-04", "nights": 3}
-> start_date <= end_date;  nights == days(end_date) - days(start_date)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from finetooth.checks import json_names as names
from finetooth.checks.json_candidates import LIKELY, MAYBE, SURE, Candidate, View
from finetooth.checks.json_roles import is_money_total, is_price, is_share
from finetooth.checks.json_tables import Table
from finetooth.checks.json_terms import Expr, constant, minus, plus, reference, scaled
from finetooth.checks.json_values import Path

# A day counted in the unit that a field's name holds.
UNITS = {"day": 1.0, "night": 1.0, "hour": 24.0, "hr": 24.0, "minute": 1440.0, "min": 1440.0, "second": 86400.0,
         "sec": 86400.0, "week": 1 / 7}  # fmt: skip
_LONG = frozenset({"duration", "length", "elapsed", "period", "term", "stay"})


def moment(table: Table, path: Path, *, as_days: bool = False) -> Expr:
    """A date or time; as a number of days where it is asked for or not written in a way that compares."""
    call = table.written.get(path) or ("days" if as_days and table.kinds[path] != "epoch" else "")
    text = f"{call}({reference(path)})" if call else reference(path)
    return Expr(text, table.moments[path], frozenset({(table.place, path)}), words=names.words_of(path[-1]))


def _pair(
    a: tuple[str, ...], b: tuple[str, ...], pairs: tuple[tuple[frozenset[str], frozenset[str]], ...]
) -> tuple[bool, bool] | None:
    """(whether a comes first, whether the words left over are the same) if the names are such a pair."""
    for early, late in pairs:
        for first, second, ahead in ((a, b, True), (b, a, False)):
            if not early.isdisjoint(first) and not late.isdisjoint(second):
                rest_first = names.stem(first, names.DATE | early)
                rest_second = names.stem(second, names.DATE | late)
                if not late.isdisjoint(first) and not early.isdisjoint(second):
                    continue  # "start_end_a" says nothing
                return ahead, rest_first == rest_second
    return None


def orders(view: View) -> Iterator[Candidate]:
    """start <= end, for moments in one object, and in the objects of one place where no other stands between."""
    table = view.table
    moments = [p for p in table.moments if p]
    for i, p in enumerate(moments):
        for q in moments[i + 1 :]:
            kinds = {table.kinds[p], table.kinds[q]}
            if len(kinds) == 2 and kinds & {"clock", "epoch"}:
                continue
            if p[:-1] != q[:-1]:
                continue
            one, two = names.words_of(p[-1]), names.words_of(q[-1])
            hit = _pair(one, two, names.ORDER)
            strength = SURE if hit and hit[1] else LIKELY
            hit = hit or _pair(one, two, names.LOOSE_ORDER)
            if hit is None or not (hit[1] or _kin(one, two)):
                continue
            left, right = _as_days(table, *((p, q) if hit[0] else (q, p)))
            yield Candidate(table, left, "<=", right, "order", strength)
    yield from _birth(view)


def _kin(one: tuple[str, ...], two: tuple[str, ...]) -> bool:
    """Whether one of the names has no words of its own: order_date and delivery_time, not project_start, phase_end."""
    every = frozenset().union(*(a | b for a, b in names.ORDER + names.LOOSE_ORDER)) | names.DATE
    return not (names.stem(one, every) and names.stem(two, every))


def _as_days(table: Table, first: Path, second: Path) -> tuple[Expr, Expr]:
    """Both columns in days; whole days where one of them has no clock."""
    plain = table.written.get(first) == table.written.get(second) is None
    left, right = moment(table, first, as_days=not plain), moment(table, second, as_days=not plain)
    if table.kinds[first] != table.kinds[second]:
        left = Expr(left.text, np.floor(left.values), left.uses, words=left.words)
        right = Expr(right.text, np.floor(right.values), right.uses, words=right.words)
    return left, right


def _birth(view: View) -> Iterator[Candidate]:
    """Nobody does anything before being born: the date of birth of the one person and the dates of the answer."""
    table = view.table
    born = [
        p for p in table.moments if p and set(names.words_of(p[-1])) & {"birth", "dob", "born", "birthdate"}
    ]
    if len(born) != 1:
        return
    for q in table.moments:
        if q and q != born[0] and table.kinds[q] != "clock" and "birth" not in names.words_of(q[-1]):
            left, right = _as_days(table, born[0], q)
            yield Candidate(table, left, "<=", right, "order", LIKELY)


def bounds(view: View) -> Iterator[Candidate]:
    """min <= average <= max, clicks <= impressions, diastolic <= systolic."""
    for paths in view.groups.values():
        for i, p in enumerate(paths):
            for q in paths[i + 1 :]:
                a, b = view.columns[p], view.columns[q]
                hit = _pair(a.words, b.words, names.FUNNEL)
                if hit is None or not hit[1]:
                    continue
                left, right = (a, b) if hit[0] else (b, a)
                yield Candidate(view.table, left, "<=", right, "bound", SURE)


def durations(view: View) -> Iterator[Candidate]:
    """nights == days(check_out) - days(check_in), in the unit of the name."""
    table = view.table
    for prefix, paths in view.groups.items():
        dates = [p for p in table.moments if p and p[:-1] == prefix and table.kinds[p] != "epoch"]
        pairs = []
        for i, p in enumerate(dates):
            for q in dates[i + 1 :]:
                hit = _pair(names.words_of(p[-1]), names.words_of(q[-1]), names.ORDER)
                if hit is not None and table.kinds[p] == table.kinds[q]:
                    pairs.append((p, q) if hit[0] else (q, p))
        for path in paths:
            target = view.columns[path]
            if is_price(target.words) or is_money_total(target.words) or is_share(target.words):
                continue  # rate_per_night, cost_per_day
            units = [u for u in UNITS if u in target.words]
            if not units and not _LONG & set(target.words):
                continue
            for first, second in pairs:
                clock = table.kinds[first] == "clock"
                gap = minus(_days(table, second), _days(table, first))
                gap = _round_the_clock(gap) if clock else gap
                for unit in units or ["day", "hour", "minute", "second", "week"]:
                    made = gap if UNITS[unit] == 1 else scaled(gap, UNITS[unit])
                    sure = (
                        LIKELY
                        if units and len(pairs) == 1 and not clock and _LONG | {"night"} & set(target.words)
                        else MAYBE
                    )
                    yield Candidate(table, target, "==", made, "span", sure)
                    if unit in ("day", "week") and not clock:
                        # Both ends counted: from the 1st to the 1st is one day.
                        yield Candidate(
                            table, target, "==", plus(made, constant(view.table, 1)), "span", MAYBE
                        )


def _round_the_clock(gap: Expr) -> Expr:
    """From 22:00 to 06:00 there are eight hours: an end before its start is on the next day."""
    late, early = gap.text.split(" - ")
    text = f"{gap.text} + ({late} < {early} ? 1 : 0)"
    return replace(gap, text=text, values=np.where(gap.values < 0, gap.values + 1, gap.values))


def _days(table: Table, path: Path) -> Expr:
    return moment(table, path, as_days=True)
