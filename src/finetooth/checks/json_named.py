"""More relations that names ask for: counts, means, ratios, shares, differences, rates, balances.

{"reviews": [{"stars": 4}, {"stars": 5}], "review_count": 2, "average_stars": 4.5, "revenue": 90, "cost": 60, "profit": 30}
-> review_count == count(reviews);  average_stars == mean(reviews[].stars);  profit == revenue - cost
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from finetooth.checks import json_candidates as sums
from finetooth.checks import json_flows as flows
from finetooth.checks import json_names as names
from finetooth.checks import json_parts as parts
from finetooth.checks.json_amounts import name_of
from finetooth.checks.json_candidates import LIKELY, MAYBE, SURE, Candidate, View
from finetooth.checks.json_roles import has, is_code, is_money_total, is_share, own_words
from finetooth.checks.json_terms import (
    Expr,
    column,
    constant,
    count,
    count_where,
    each,
    extreme,
    from_root,
    minus,
    opt,
    over,
    scaled,
    times,
)
from finetooth.checks.json_values import Path

_W = names._words

# A ratio by its short name: what is divided by what, times what.
RATIOS = (
    ("roas", "revenue sale", "spend cost", 1),
    ("roi", "profit", "cost investment spend", 100),
    ("ctr", "click", "impression view", 100),
    ("cpc", "spend cost", "click", 1),
    ("cpm", "spend cost", "impression", 1000),
    ("cpa", "spend cost", "conversion acquisition", 1),
    ("aov", "revenue sale", "order", 1),
    ("arpu", "revenue", "user customer subscriber", 1),
    ("mpg", "mile", "gallon", 1),
    ("speed", "distance km mile", "hour duration time", 1),
    ("pace", "minute duration time", "distance km mile", 1),
    ("density", "mass population weight", "volume area", 1),
)  # fmt: skip
# The rate of something is that something by what it happened to.
BASES = _W(
    "visit visitor click impression view session lead total user request sent attempt order customer test trial"
)
# A difference by its name: result, what it is taken from, what is taken off.
DIFFERENCES = (
    ("profit", "revenue sale income price", "cost expense spend"),
    ("saving", "income salary budget", "expense spend spent"),
    ("margin", "revenue sale price", "cost"),
    ("balance outstanding remaining due owed", "total invoiced budget principal limit", "paid payment spent used"),
    ("remaining left available", "total budget capacity limit quota allocated", "used spent consumed sold taken"),
    ("available", "hand stock total quantity", "reserved allocated committed"),
    ("change", "tendered received given cash paid", "total due price"),
    ("range spread", "max maximum high highest", "min minimum low lowest"),
    ("variance difference", "actual", "budget budgeted planned expected forecast"),
)  # fmt: skip
PRODUCTS = (
    ("area", "width", "length height depth"),
    ("volume", "area", "height depth"),
    ("energy", "power", "hour time duration"),
    ("distance", "speed", "hour time duration"),
)
DEDUCTIONS = (
    names.TAX | names.MINUS | _W("pension insurance contribution social retirement union garnishment ira")
)


def named(view: View) -> Iterator[Candidate]:
    """All relations of numbers that the names ask for."""
    for enumerate_ in (sums.line_products, sums.totals, parts.sibling_sums, parts.breakdowns, parts.shares):
        yield from enumerate_(view)
    for enumerate_ in (counts, means, extremes, ratios, shares, rates, differences, rated, nets, bodies):
        yield from enumerate_(view)
    fields = list(targets(view))
    for between in (flows.readings, flows.balances, flows.by_kind):
        yield from between(view, fields)


def targets(view: View) -> Iterator[tuple[Path, Path, Expr, list[Path]]]:
    """(object, path, term, the other columns of the object) of every field that is no code."""
    for prefix, paths in view.groups.items():
        for path in paths:
            if not is_code(view.columns[path].words):
                yield prefix, path, view.columns[path], [p for p in paths if p != path]


def counts(view: View) -> Iterator[Candidate]:
    """total_items == count(items); devices_online == count of the devices whose status is online."""
    for prefix, path, target, _ in targets(view):
        if path not in view.table.whole:
            continue
        for at in view.lists(prefix):
            label = names.words_of(at[-1])
            if not label or label[-1] not in target.words:
                continue
            rest = set(target.words) - set(label)
            if rest <= names.COUNT | names.WHOLE | {"of", "the"}:
                if rest:
                    strength = MAYBE if view.is_sample(at) else LIKELY
                    yield Candidate(view.table, target, "==", count(view.table, at), "count", strength)
                    for p, c in view.child(at).items():
                        if p and has(c.words, names.PLAIN_QUANTITY):
                            each_one = each(view.table, at, c)
                            yield Candidate(view.table, target, "==", each_one, "count", strength)
                continue
            for field, value in _values(view, at):
                if set(names.words_of(value)) == rest - names.COUNT - names.WHOLE:
                    right = count_where(view.table, at, field, value)
                    yield Candidate(view.table, target, "==", right, "count", LIKELY)


def _values(view: View, at: Path) -> Iterator[tuple[Path, str]]:
    """The values of the fields of a list's elements that have few of them: states, kinds."""
    for field, texts in view.table.lists[at].texts.items():
        values = {t for t in texts if t}
        if field and len(values) <= 20:
            yield from ((field, v) for v in sorted(values))


def means(view: View) -> Iterator[Candidate]:
    """average_rating == mean(reviews[].rating)."""
    for prefix, _, target, _ in targets(view):
        topic = names.stem(target.words, names.MEAN - {"per"})
        if not has(target.words, names.MEAN - {"per"}) or not topic:
            continue
        for at in view.lists(prefix):
            label = set(names.words_of(at[-1]))
            for p, c in view.child(at).items():
                if topic == set(c.words) or (p and topic == set(c.words) | label):
                    mean = each(view.table, at, c, "mean")
                    strength = SURE if topic == set(c.words) else LIKELY
                    strength = MAYBE if view.is_sample(at) else strength
                    yield Candidate(view.table, target, "==", mean, "mean", strength)


def extremes(view: View) -> Iterator[Candidate]:
    """max_weight == greatest(weights); lowest_score == least(tests[].score)."""
    for prefix, _, target, _ in targets(view):
        for role, call in ((names.MAX, "greatest"), (names.MIN, "least")):
            topic = names.stem(target.words, role)
            if not has(target.words, role) or not topic:
                continue
            for at in view.lists(prefix):
                label = set(names.words_of(at[-1]))
                for p, c in view.child(at).items():
                    if topic == set(c.words) or (p and topic == set(c.words) | label):
                        right = extreme(view.table, at, c, call)
                        yield Candidate(view.table, target, "==", right, "sum", MAYBE)


def ratios(view: View) -> Iterator[Candidate]:
    """average_order_value == total_revenue / total_orders; cost_per_click == spend / clicks; roas, ctr, ..."""
    for prefix, _, target, others in targets(view):
        columns = [view.columns[p] for p in others]
        for short, top, bottom, factor in RATIOS:
            if short in target.words:
                tops = [c for c in columns if has(c.words, _W(top))]
                bottoms = [c for c in columns if has(c.words, _W(bottom)) and not has(c.words, _W(top))]
                for a, b in itertools.product(tops[:2], bottoms[:2]):
                    made = over(a, b)
                    yield Candidate(
                        view.table, target, "==", scaled(made, factor) if factor > 1 else made, "ratio", MAYBE
                    )
        if has(target.words, names.MEAN):
            yield from _mean_of_two(view, prefix, target, columns)


def _mean_of_two(view: View, prefix: Path, target: Expr, columns: list[Expr]) -> Iterator[Candidate]:
    words = target.words
    if "per" in words[1:-1]:
        at = words.index("per")
        above, below = frozenset(words[:at]) - names.MEAN, frozenset(words[at + 1 :])
    else:
        above, below = frozenset(), names.stem(words, names.MEAN) - names.SUM_OF_MONEY
    if not below:
        return
    of_money = has(words, names.SUM_OF_MONEY | _W("spend order basket ticket"))
    tops: list[Expr] = []
    bottoms: list[Expr] = []
    for e in columns:
        if is_share(e.words) or has(e.words, names.MEAN):
            continue
        mine = own_words(e.words)
        if mine == below and (has(e.words, names.WHOLE) or above):
            bottoms.append(e)
        elif (
            above and (mine == above or (above == {"cost"} and has(e.words, _W("cost spend expense"))))
        ) or (not above and of_money and has(e.words, _W("revenue sale")) and is_money_total(e.words)):
            tops.append(e)
    for at_list in view.lists(prefix):
        label = set(names.words_of(at_list[-1]))
        if label == below:
            bottoms.append(count(view.table, at_list))
        if above and label == above:
            tops.append(count(view.table, at_list))
    for a, b in itertools.product(tops[:3], bottoms[:3]):
        if a.uses != b.uses:
            yield Candidate(view.table, target, "==", over(a, b), "mean", LIKELY)


def shares(view: View) -> Iterator[Candidate]:
    """percentage_of_total == revenue / root.total_revenue * 100; profit_margin == profit / revenue * 100."""
    table, root = view.table, view.root
    wholes = {p: column(root, p) for p in root.numbers if p and "total" in names.words_of(name_of(p))}
    for _, _, target, paths in targets(view):
        if not is_share(target.words):
            continue
        others = [view.columns[p] for p in paths if not is_share(view.columns[p].words)]
        if table is not root:
            for a in others:
                for p, w in wholes.items():
                    same = own_words(w.words) == set(a.words) and "total" in target.words
                    made = scaled(over(a, from_root(table, root, p)), 100)
                    yield Candidate(table, target, "==", made, "percentage", LIKELY if same else MAYBE)
        if "margin" in target.words:
            profits = [e for e in others if "profit" in e.words]
            revenues = [e for e in others if has(e.words, _W("revenue sale"))]
            for a, b in itertools.product(profits[:2], revenues[:2]):
                for made in (scaled(over(a, b), 100), over(a, b)):
                    yield Candidate(table, target, "==", made, "percentage", LIKELY)


def rates(view: View) -> Iterator[Candidate]:
    """conversion_rate == conversions / visits * 100; yes_percentage == responses.yes / total_responses * 100."""
    for prefix, _, target, _ in targets(view):
        topic = names.stem(target.words, names.PERCENT | {"of", "total"})
        if not is_share(target.words) or not topic or has(target.words, names.TAX | names.DISCOUNT):
            continue
        inside = [
            p for p in view.columns if p[: len(prefix)] == prefix and not is_share(view.columns[p].words)
        ]
        tops = [view.columns[p] for p in inside if set(view.columns[p].words) - names.WHOLE == topic]
        bottoms = [view.columns[p] for p in inside if has(view.columns[p].words, BASES)]
        for a, b in itertools.product(tops[:3], bottoms[:4]):
            if a.uses != b.uses:
                for made in (scaled(over(a, b), 100), over(a, b)):
                    yield Candidate(view.table, target, "==", made, "percentage", MAYBE)


def differences(view: View) -> Iterator[Candidate]:
    """profit == revenue - cost; balance_due == total - amount_paid."""
    for _, _, target, others in targets(view):
        if is_share(target.words):
            continue
        columns = [view.columns[p] for p in others if not is_share(view.columns[p].words)]
        for result, top, bottom in DIFFERENCES:
            if not has(target.words, _W(result)):
                continue
            tops = [c for c in columns if has(c.words, _W(top)) and not has(c.words, _W(bottom))]
            bottoms = [c for c in columns if has(c.words, _W(bottom)) and not is_code(c.words)]
            plain = len(tops) == len(bottoms) == 1
            for a, b in itertools.product(tops[:3], bottoms[:3]):
                if a.uses != b.uses:
                    yield Candidate(view.table, target, "==", minus(a, b), "sum", LIKELY if plain else MAYBE)


def rated(view: View) -> Iterator[Candidate]:
    """tax_amount == (subtotal - discount) * tax_rate / 100, and the same for discounts, tips, interest."""
    for role in (
        names.TAX,
        names.DISCOUNT,
        _W("tip gratuity"),
        _W("commission"),
        _W("interest"),
        _W("service"),
    ):
        for prefix, _, target, others in targets(view):
            if not has(target.words, role) or is_share(target.words) or has(target.words, names.TOTAL):
                continue
            columns = {p: view.columns[p] for p in others}
            shares_ = [c for c in columns.values() if is_share(c.words) and has(c.words, role | {"rate"})]
            bases: list[Expr] = [
                c for c in columns.values()
                if has(c.words, names.PARTIAL | _W("amount principal base price taxable bill")) and not is_share(c.words)
                and not has(c.words, names.PLUS | names.MINUS)
            ][:3]  # fmt: skip
            taken = [c for c in columns.values() if has(c.words, names.DISCOUNT) and not is_share(c.words)]
            bases += [minus(b, opt(d)) for b in bases for d in taken[:1] if d.uses != b.uses]
            bases += [
                made for made, _ in itertools.islice(sums.list_sums(view, prefix, _plain_total(view)), 2)
            ]
            for share, base in itertools.product(shares_[:2], bases):
                if base.uses & (share.uses | target.uses):
                    continue
                percent = _median(share) > 1
                plain = role is names.TAX and len(shares_) == 1 and has(share.words, names.TAX)
                for made, fits in (
                    (scaled(times(base, share), 0.01), percent),
                    (times(base, share), not percent),
                ):
                    sure = LIKELY if plain and fits and has(base.words, names.PARTIAL) else MAYBE
                    yield Candidate(view.table, target, "==", made, "percentage", sure)


def _plain_total(view: View) -> Expr:
    return constant(view.table, 0)


def nets(view: View) -> Iterator[Candidate]:
    """net_pay == gross_pay - income_tax - pension."""
    for _, _, target, others in targets(view):
        if "net" not in target.words or is_share(target.words):
            continue
        columns = [view.columns[p] for p in others if not is_share(view.columns[p].words)]
        gross = [c for c in columns if has(c.words, _W("gross"))]
        taken = [c for c in columns if has(c.words, DEDUCTIONS) and not has(c.words, names.TOTAL)]
        whole = [c for c in columns if "total" in c.words and has(c.words, _W("deduction tax"))]
        for g in gross[:2]:
            if taken:
                made = g
                for t in taken[:8]:
                    made = minus(made, opt(t))
                yield Candidate(view.table, target, "==", made, "sum", LIKELY)
            for w in whole:
                yield Candidate(view.table, target, "==", minus(g, w), "sum", LIKELY)


def bodies(view: View) -> Iterator[Candidate]:
    """bmi == weight_kg / (height / 100) ** 2, and products by name: area == width * length."""
    for _, _, target, others in targets(view):
        columns = [view.columns[p] for p in others]
        if "bmi" in target.words:
            weights = [c for c in columns if "weight" in c.words and not has(c.words, _W("lb pound"))]
            heights = [c for c in columns if "height" in c.words and not has(c.words, _W("in inch ft"))]
            for w, h in itertools.product(weights[:1], heights[:1]):
                metres = scaled(h, 0.01) if _median(h) > 3 else h
                yield Candidate(view.table, target, "==", over(w, times(metres, metres)), "ratio", LIKELY)
        for result, one, two in PRODUCTS:
            if result in target.words:
                firsts = [c for c in columns if has(c.words, _W(one))]
                seconds = [c for c in columns if has(c.words, _W(two))]
                for a, b in itertools.product(firsts[:1], seconds[:1]):
                    if a.uses != b.uses:
                        yield Candidate(view.table, target, "==", times(a, b), "product", MAYBE)


def _median(e: Expr) -> float:
    import numpy as np

    known = e.values[np.isfinite(e.values)]
    return float(np.median(known)) if len(known) else 0.0
