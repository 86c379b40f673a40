"""Relations that the numbers themselves show, whatever the fields are called.

    {"a": 3, "b": 2.5, "c": 7.5}, {"a": 2, "b": 9.9, "c": 19.8}, ... -> c == a * b

All sums, differences, products and ratios of two or three fields of an object (and of what its lists add up to) are
compared with every other field at once. What is believed must hold nearly always, on values that vary, and far more
often than it would if the rows were shuffled.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from finetooth.checks import json_names as names
from finetooth.checks.json_candidates import MAYBE, Candidate, View, products
from finetooth.checks.json_roles import has, is_code, is_share
from finetooth.checks.json_terms import (
    Expr,
    count,
    each,
    less_share,
    minus,
    over,
    plus,
    rounded_by,
    scaled,
    times,
)
from finetooth.checks.json_values import Path

MOST_TERMS = 12
SAMPLE = 256  # rows that a pattern is tried on first
ENOUGH = 8  # rows that a pattern must hold in,
FEW = 5  # or as many where the field has digits after the point: they do not agree by accident

Make = Callable[[], Expr]


def pool(view: View, prefix: Path) -> list[Expr]:
    """The terms that may make up a field of the object at ``prefix``: its fields, its lists' sums and counts."""
    terms = [view.columns[p] for p in view.near(prefix) if not is_code(view.columns[p].words)]
    for path in view.lists(prefix)[:3]:
        if path[: len(prefix)] != prefix:
            continue
        columns = view.child(path)
        terms.append(count(view.table, path))
        terms += [each(view.table, path, e) for e, _, _ in list(products(view, (), columns))[:2]]
        terms += [each(view.table, path, c) for p, c in columns.items() if not is_code(c.words)][:3]
        terms += [
            each(view.table, path, times(a, b))
            for a, b in itertools.combinations(list(columns.values())[:4], 2)
        ]
    kept, seen = [], set()
    for term in terms:
        if term.text not in seen and (_varies(term.values, 2) or _is_fixed_charge(term)):
            seen.add(term.text)
            kept.append(term)
    return kept[:MOST_TERMS]


def _is_fixed_charge(term: Expr) -> bool:
    """A fee that is the same in all rows is still added to the total."""
    fee = has(term.words, names.PLUS | names.MINUS | {"charge", "cost"}) and not is_share(term.words)
    return fee and _varies(term.values, 1) and bool(np.nanmax(np.abs(term.values)) > 0)


def _varies(values: np.ndarray, least: int = 5) -> bool:
    known = values[np.isfinite(values)]
    return len(known) >= FEW and len(np.unique(known[:SAMPLE])) >= least


def patterns(view: View, taken: set[frozenset]) -> Iterator[Candidate]:
    """Candidates that hold in nearly all of a sample; ``taken`` are sets of columns already explained."""
    for prefix, paths in view.groups.items():
        terms = pool(view, prefix)
        if len(terms) < 2:
            continue
        rows = _sample(view)
        made = list(_combinations(terms, rows))
        if not made:
            continue
        values = np.stack([m[0] for m in made])
        divided = np.array([m[2] in ("ratio", "percentage") for m in made])[:, None]
        for path in paths:
            target = view.columns[path]
            if not _varies(target.values):
                continue
            mine = target.values[rows]
            with np.errstate(invalid="ignore"):
                room = np.maximum(0.02, 1e-9 * np.abs(mine))
                # What is divided is shown with few digits; without any only where the name says percent.
                shown = rounded_by(target) if not target.whole or is_share(target.words) else 0.0
                room = np.maximum(room, np.where(divided, shown * (1 + 1e-9), 0.0))
                right = np.abs(values - mine) <= room
            speaks = np.isfinite(values) & np.isfinite(mine)
            holds, of = right.sum(1), speaks.sum(1)
            for k in np.flatnonzero((holds >= FEW) & (holds >= 0.7 * of)):
                expr = made[k][1]()
                if not expr.uses & target.uses and (expr.uses | target.uses) not in taken:
                    yield Candidate(view.table, target, "==", expr, made[k][2], MAYBE)


def _sample(view: View) -> np.ndarray:
    size = len(view.table)
    return np.arange(size) if size <= SAMPLE else np.linspace(0, size - 1, SAMPLE).astype(int)


def _combinations(terms: list[Expr], rows: np.ndarray) -> Iterator[tuple[np.ndarray, Make, str]]:
    """(values on the sample, how to make the whole expression, kind)."""
    v = [t.values[rows] for t in terms]
    ids = range(len(terms))

    def late(f: Callable[..., Expr], *args: Expr) -> Make:
        return lambda: f(*args)

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for i in ids:
            if not terms[i].text.isidentifier():
                yield v[i], late(lambda a: a, terms[i]), "sum"
        for i, j in itertools.combinations(ids, 2):
            a, b = terms[i], terms[j]
            yield v[i] + v[j], late(plus, a, b), "sum"
            yield v[i] * v[j], late(times, a, b), "product"
            for p, q, x, y in ((i, j, a, b), (j, i, b, a)):
                yield v[p] - v[q], late(minus, x, y), "sum"
                yield v[p] / v[q], late(over, x, y), "ratio"
                for factor, kind in ((100, "percentage"), (60, "ratio"), (1000, "ratio")):
                    yield v[p] / v[q] * factor, late(lambda s, t, f=factor: scaled(over(s, t), f), x, y), kind
        for i, j, k in itertools.combinations(ids, 3):
            a, b, c = terms[i], terms[j], terms[k]
            yield v[i] + v[j] + v[k], late(lambda s, t, u: plus(plus(s, t), u), a, b, c), "sum"
            yield v[i] * v[j] * v[k], late(lambda s, t, u: times(times(s, t), u), a, b, c), "product"
            yield (
                v[i] * v[j] * v[k] / 100,
                late(lambda s, t, u: scaled(times(times(s, t), u), 0.01), a, b, c),
                "product",
            )
            for p, q, r in ((i, j, k), (i, k, j), (j, k, i)):
                x, y, z = terms[p], terms[q], terms[r]
                yield v[p] + v[q] - v[r], late(lambda s, t, u: minus(plus(s, t), u), x, y, z), "sum"
                yield v[r] - v[p] - v[q], late(lambda s, t, u: minus(minus(u, s), t), x, y, z), "sum"
                yield v[p] * v[q] + v[r], late(lambda s, t, u: plus(times(s, t), u), x, y, z), "product"
                yield v[p] * v[q] - v[r], late(lambda s, t, u: minus(times(s, t), u), x, y, z), "product"
                for percent in (True, False):
                    part = v[r] / 100 if percent else v[r]
                    for sign, factor in (("-", 1 - part), ("+", 1 + part)):
                        yield (
                            v[p] * v[q] * factor,
                            late(
                                lambda s, t, u, pc=percent, sg=sign: less_share(
                                    times(s, t), u, percent=pc, sign=sg
                                ),
                                x,
                                y,
                                z,
                            ),
                            "product",
                        )
        for (i, j), (k, m) in itertools.combinations(
            list(itertools.combinations(range(min(len(ids), 8)), 2)), 2
        ):
            if len({i, j, k, m}) == 4:
                four = (terms[i], terms[j], terms[k], terms[m])
                yield (
                    v[i] * v[j] + v[k] * v[m],
                    late(lambda s, t, u, w: plus(times(s, t), times(u, w)), *four),
                    "product",
                )
        for i, r in itertools.permutations(ids, 2):
            for percent in (True, False):
                part = v[r] / 100 if percent else v[r]
                yield (
                    v[i] * part,
                    late(lambda s, u, pc=percent: _share_of(s, u, pc), terms[i], terms[r]),
                    "percentage",
                )
                for sign, factor in (("-", 1 - part), ("+", 1 + part)):
                    yield (
                        v[i] * factor,
                        late(
                            lambda s, u, pc=percent, sg=sign: less_share(s, u, percent=pc, sign=sg),
                            terms[i],
                            terms[r],
                        ),
                        "percentage",
                    )


def _share_of(a: Expr, share: Expr, percent: bool) -> Expr:
    made = times(a, share)
    return scaled(made, 0.01) if percent else made
