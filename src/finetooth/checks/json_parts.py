"""Relations of parts and their whole: total_fees and its fees, a total and its breakdown.

{"total_customers": 9, "new_customers": 4, "returning_customers": 5, "total_revenue": 7, "revenue_by_channel": {"web": 7}}
-> total_customers == new_customers + returning_customers;  total_revenue == revenue_by_channel.web;  the same with <=
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from finetooth.checks import json_names as names
from finetooth.checks.json_amounts import home, name_of
from finetooth.checks.json_candidates import LIKELY, MAYBE, SURE, Candidate, View
from finetooth.checks.json_roles import has, is_code, is_price, is_quantity, is_share, own_words
from finetooth.checks.json_terms import Expr, column, constant, each, opt, rounded_by, total

_words = names._words


# What is told of a thing, and is no share of its number: page_size is no part of total_pages.
_NO_PART = _words(
    "unit per value lifetime previous next last size length limit capacity target goal quota score rating index current "
    "offset count width height weight duration age growth change cost price fee"
)


def sibling_sums(view: View) -> Iterator[Candidate]:
    """total_fees == processing_fee + platform_fee; and no part of a whole is more than the whole."""
    for paths in view.groups.values():
        for path in paths:
            target = view.columns[path]
            mine = own_words(target.words)
            if "total" not in target.words or is_share(target.words) or has(target.words, names.MEAN):
                continue
            if not mine or mine <= names.PARTIAL | frozenset({"price", "amount", "value", "due"}):
                continue
            parts = [
                p for p in paths
                if p != path and mine <= set(view.columns[p].words) and len(view.columns[p].words) > len(mine)
                and not has(view.columns[p].words, names.TOTAL | names.MEAN | names.PERCENT | names.MAX | names.MIN)
                and not has(view.columns[p].words, _NO_PART - mine)
                and not is_code(view.columns[p].words)
            ]  # fmt: skip
            yield from _whole_and_parts(view, target, [view.columns[p] for p in parts], LIKELY)


def _whole_and_parts(view: View, whole: Expr, parts: list[Expr], strength: int) -> Iterator[Candidate]:
    if not parts:
        return
    if len(parts) > 1:
        yield Candidate(view.table, whole, "==", total(parts), "parts", strength)
        yield Candidate(view.table, whole, "==", total(map(opt, parts)), "parts", MAYBE)
    yield Candidate(view.table, total([opt(p) for p in parts]), "<=", whole, "whole", SURE)


def _makes_a_whole(view: View, parts: list[Expr], strength: int) -> Candidate:
    made = total(map(opt, parts))
    whole = 1 if abs(float(np.nanmedian(made.values)) - 1) < 0.5 else 100
    slack = sum(rounded_by(p) for p in parts)
    return Candidate(view.table, made, "==", constant(view.table, whole), "percentage", strength, slack)


def breakdowns(view: View) -> Iterator[Candidate]:
    """{"total_revenue": ..., "revenue_by_channel": {...}}: the parts make the whole, or the shares make 100."""
    by = frozenset({"by", "breakdown", "distribution", "split", "allocation", "composition"})
    for prefix, paths in view.groups.items():
        if not prefix or len(paths) < 1:
            continue
        label = names.words_of(prefix[-1])
        parts = [view.columns[p] for p in paths if not has(view.columns[p].words, names.TOTAL)]
        if not parts:
            continue
        plain = not has(label, by)
        at = min((label.index(w) for w in by if w in label), default=0)
        topic = frozenset(label[:at]) or names.stem(label, by)
        if plain:
            if len(parts) > 1 and is_share(label) and not has(label, names.TAX | names.DISCOUNT):
                yield _makes_a_whole(view, parts, MAYBE)
            # {"responses": {"yes": 3, "no": 1}, "total_responses": 4}: parts only if all are things to count or pay.
            if len(parts) < 2 or any(
                is_share(p.words) or has(p.words, names.MEAN) or is_code(p.words) for p in parts
            ):
                continue
            if any(is_price(p.words) or is_quantity(p.words) for p in parts):
                continue
        elif is_share(label) and len(parts) > 1:
            yield _makes_a_whole(view, parts, LIKELY)
            continue
        for path, whole in view.columns.items():
            if home(path) == prefix or is_share(whole.words) or has(whole.words, names.MEAN):
                continue
            mine = own_words(whole.words)
            if plain and not mine and "total" in whole.words and home(path) == prefix[:-1]:
                yield Candidate(view.table, whole, "==", total(parts), "parts", MAYBE)
            if (
                home(path) == prefix[:-1]
                and mine == topic
                and ("total" in whole.words or len(whole.words) == len(topic))
            ):
                yield from _whole_and_parts(view, whole, parts, LIKELY)


# What speaks of one whole in parts, and what a share of it is called.
_SPLIT = _words(
    "share breakdown distribution split allocation composition segment portion mix portfolio holding slice"
)
_PORTION = _words("percent percentage pct of total whole share weight allocation portion fraction proportion")


def shares(view: View) -> Iterator[Candidate]:
    """sum(shares[].percentage) == 100, as exactly as shares that were rounded one by one can add up; or == 1."""
    for at, below in view.table.lists.items():
        for p in below.numbers:
            words = names.words_of(name_of(p) if p else at[-1])
            if not words or not set(words) <= _PORTION or not has(words, _PORTION - _words("of total whole")):
                continue
            addend = column(below, p, "i")
            made = each(view.table, at, addend)
            if np.isnan(made.values).all():
                continue  # no list of them is filled
            whole = 1 if abs(float(np.nanmedian(made.values)) - 1) < 0.5 else 100
            if whole == 100 and not has(words, names.PERCENT):
                continue  # weights of things
            told = has(words, _words("percent percentage pct")) and has(names.words_of(at[-1]), _SPLIT)
            strength = LIKELY if told or {"total", "whole"} & set(words) else MAYBE
            slack = view.table.sizes[at] * rounded_by(addend)
            rest = not {"total", "whole"} & set(words)
            if rest and np.nanmax(made.values - slack, initial=-np.inf) <= whole:
                strength = (
                    MAYBE  # never more than the whole: the rest of it may be elsewhere, as cash beside shares
                )
            yield Candidate(
                view.table, made, "==", constant(view.table, whole), "percentage", strength, slack
            )
