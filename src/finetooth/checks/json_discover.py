"""Finds the relations that hold between the fields of many answers to one schema, without being told.

    26 invoices -> items[]: total == quantity * price          holds in 61 of 61 places
                   total_amount == sum(...) + opt(tax)         holds in 0 of 26: unrelated

Candidates come from names (``json_candidates``, ``json_orders``) and from the numbers alone (``json_patterns``). Of the
candidates for one field that one is believed that holds in most places, if it holds far more often than it would with
the rows shuffled. Where the names leave no doubt and none holds, the field is *unrelated*: it was filled without regard
to what it is called.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from finetooth.checks import json_named, json_orders, json_patterns
from finetooth.checks.json_candidates import LIKELY, SURE, Candidate, View
from finetooth.checks.json_declared import declared, ignored
from finetooth.checks.json_relations import TOLERANCE, Relation
from finetooth.checks.json_roles import is_money_total
from finetooth.checks.json_tables import Table, build
from finetooth.checks.json_terms import Column
from finetooth.checks.json_values import Path
from finetooth.checks.json_verdict import Verdict, akin, beyond_accident, chance_of, excess, judge, plain_hits
from finetooth.metrics.json_unreadable import KEY as UNREADABLE
from finetooth.types import Example


@dataclass(frozen=True, eq=False)
class Found:
    """A relation with its verdicts: ``breaks`` are the places (indices into the table) that disobey.

    ``certain``: to break it is an error, not a suspicion. ``akin``: unrelated as it is, the sides rise and fall together.
    """

    relation: Relation
    candidate: Candidate
    breaks: np.ndarray
    certain: bool
    akin: bool = False

    def places(self) -> Iterable[tuple[int, Path, float, float]]:
        """(example, path of the place, left, right) of each break."""
        c = self.candidate
        for i in self.breaks:
            yield (
                int(c.table.example[i]),
                c.table.path(int(i)),
                float(c.left.values[i]),
                float(c.right.values[i]),
            )

    def holds_at(self, example: int, place: Path) -> bool:
        """Whether it speaks of this place of this example, and is obeyed there."""
        c = self.candidate
        if example not in self._places:
            # Only those of the last example are kept: they are asked for one example after the other.
            self._places.clear()
            at = np.flatnonzero(c.table.example == example)
            self._places[example] = {c.table.path(int(i)): int(i) for i in at}
        i = self._places[example].get(place)
        speaks = i is not None and np.isfinite(c.left.values[i]) and np.isfinite(c.right.values[i])
        return bool(speaks) and i not in self._broken

    @cached_property
    def _places(self) -> dict[int, dict[Path, int]]:
        return {}

    @cached_property
    def _broken(self) -> frozenset[int]:
        return frozenset(self.breaks.tolist())


ACCUSES = 7  # rows that show a relation of which the names say nothing, before it is held against another
WEAK = 0.7  # of the places that it speaks of


def rule_text(candidate: Candidate) -> str:
    """The candidate as a rule that can be pasted."""
    place = ""
    for step in candidate.table.place:
        place += "[]" if step == "[]" else f".{step}" if place else step
    body = f"{candidate.left.text} {candidate.op} {candidate.right.text}"
    return f"{place}: {body}" if place else body


def discover(values: Sequence[Any], *, tolerance: float = TOLERANCE) -> list[Found]:
    """The relations of answers to one schema, the believed first. Works on one answer as on a million."""
    with np.errstate(all="ignore"):  # numbers that nobody should write overflow, and then say nothing
        return _discover(build(values), tolerance)


def _discover(root: Table, tolerance: float) -> list[Found]:
    believed: list[Found] = []
    unrelated: list[Found] = []
    known: dict[Column, frozenset[Column]] = {}
    # The innermost lists first: what a total follows from is then known.
    for table in reversed(list(root.walk())):
        if not (table.numbers or table.moments or table.lists) or not _speakable(table):
            continue
        view = View(table, root)
        here, lost = _equalities(view, tolerance)
        # What holds in few places must yield to what the numbers show for the same field.
        weak = [f for f in here if f.relation.support < WEAK * f.relation.of]
        strong = [f for f in here if f not in weak]
        _remember(strong, known)
        shown = _patterns(view, strong, known, tolerance)
        better = frozenset().union(*(f.candidate.left.uses | f.candidate.right.uses for f in shown))
        here = strong + [f for f in weak if not f.candidate.left.uses <= better] + shown
        _remember(here, known)
        believed += here
        # A field whose value some other relation explains is not unrelated, only differently related.
        explained = frozenset().union(*(f.candidate.left.uses | f.candidate.right.uses for f in here))
        unrelated += [f for f in lost if not f.candidate.left.uses <= explained]
    for table in root.walk():
        if not _speakable(table):
            continue
        view = View(table, root)
        good, bad = _inequalities(view, believed, tolerance)
        believed += good
        unrelated += bad
    return believed + unrelated


def _speakable(table: Table) -> bool:
    return all(step == "[]" or step.replace("-", "_").isidentifier() for step in table.place)


def _equalities(view: View, tolerance: float) -> tuple[list[Found], list[Found]]:
    by_target: dict[frozenset, list[Verdict]] = {}
    seen: set[str] = set()
    for c in [*json_named.named(view), *json_orders.durations(view)]:
        text = f"{c.left.text}{c.op}{c.right.text}"
        if c.op != "==" or text in seen:
            continue
        seen.add(text)
        v = judge(c, tolerance)
        if v.of:
            by_target.setdefault(c.left.uses, []).append(v)
    good: list[Found] = []
    bad: list[Found] = []
    for verdicts in by_target.values():
        # Cheap first: only what holds somewhere is compared with chance.
        ranked = sorted(verdicts, key=_rank)
        # What holds in fewer places than another, and seldom where it speaks, only looks better for speaking of few.
        most = max((v.support for v in verdicts if v.candidate.strength >= LIKELY), default=0)
        plausible = [v for v in ranked[:12] if v.support >= most or 2 * v.support >= v.of]
        chosen = next((v for v in plausible if _believable(v)), None)
        if chosen is not None:
            good.append(_found(chosen, certain=_certain(chosen)))
            continue
        sure = [v for v in verdicts if v.candidate.strength >= LIKELY]
        # Another reading that holds wherever it speaks: too few rows to believe it, enough to hold one's tongue.
        if any(v.support >= max(0.8 * v.of, 1) and plain_hits(v) and chance_of(v) < 0.1 for v in verdicts):
            continue
        if sure:
            # The names' own choice: the surest, then that which speaks of most rows; the longest came first.
            best = max(sure, key=lambda v: (v.candidate.strength, v.of))
            if best.support < best.of:
                near = akin(best)
                sure_of_it = best.candidate.strength == SURE and not near
                bad.append(replace(_found(best, certain=sure_of_it, unrelated=True), akin=near))
    return good, bad


def _rank(v: Verdict) -> tuple:
    """The best first: what holds most often; of equals what the names say, what holds mostly, what speaks of more."""
    mostly = 2 * v.support >= v.of
    return -v.support, -v.candidate.strength, not mostly, 0 if mostly else -v.of, v.candidate.right.terms


def _believable(v: Verdict) -> bool:
    strength = v.candidate.strength
    if v.support == v.of and strength >= LIKELY:
        return True
    beyond = excess(v)
    if strength >= LIKELY:
        return beyond >= 0.2 and plain_hits(v) >= min(2, v.of)
    return beyond >= 0.6 and plain_hits(v) >= json_patterns.FEW


def _certain(v: Verdict) -> bool:
    if v.candidate.strength == SURE:
        return 2 * v.support >= v.of or not akin(v)
    return v.of >= 10 and v.support >= 0.8 * v.of


def _found(v: Verdict, *, certain: bool, unrelated: bool = False) -> Found:
    c = v.candidate
    relation = Relation(rule_text(c), c.kind, v.support, v.of, unrelated)
    return Found(relation, c, np.flatnonzero(v.speaks & ~v.holds), certain)


def _remember(found: list[Found], known: dict[Column, frozenset[Column]]) -> None:
    """Notes which columns a field follows from."""
    for f in found:
        if len(f.candidate.left.uses) == 1:
            known[next(iter(f.candidate.left.uses))] = f.candidate.right.uses


def _patterns(
    view: View, named: list[Found], known: dict[Column, frozenset[Column]], tolerance: float
) -> list[Found]:
    taken = {f.candidate.left.uses | f.candidate.right.uses for f in named}
    targets = {f.candidate.left.uses for f in named}
    best: dict[frozenset, Verdict] = {}
    for c in json_patterns.patterns(view, taken):
        if c.left.uses in targets or _follows(c.left.uses | c.right.uses, known):
            continue
        v = judge(c, tolerance)
        if not _proven(v):
            continue
        key = c.left.uses | c.right.uses
        old = best.get(key)
        # Of a == b + c, b == a - c and c == a - b one is said: without a minus or a division, the total on the left.
        if old is None or _liking(v) > _liking(old):
            best[key] = v
    # A relation whose columns hold those of a shorter one says nothing new.
    keys = sorted(best, key=len)
    kept = [k for i, k in enumerate(keys) if not any(o < k for o in keys[:i])]
    shown: dict[frozenset, Verdict] = {}
    for k in kept:
        v = best[k]
        old = shown.get(v.candidate.left.uses)
        if old is None or _liking(v) > _liking(old):
            shown[v.candidate.left.uses] = v
    return [_found(v, certain=v.of >= 20 and v.support >= 0.95 * v.of) for v in shown.values()]


def _follows(columns: frozenset[Column], known: dict[Column, frozenset[Column]]) -> bool:
    """Whether a relation of these columns follows from those that are known: tax == total - subtotal does."""
    derived = [c for c in columns if c in known]
    reach, todo = set(derived), list(derived)
    while todo:
        new = known.get(todo.pop(), frozenset()) - reach
        reach |= new
        todo += new
    return bool(derived) and all(c in known or c in reach for c in columns)


def _liking(v: Verdict) -> tuple:
    text = v.candidate.right.text
    total = is_money_total(v.candidate.left.words) or "total" in v.candidate.left.words
    return (
        v.support,
        " - " not in text,
        "/" not in text,
        total,
        -v.candidate.right.terms,
        v.candidate.left.text,
    )


def _proven(v: Verdict) -> bool:
    """Holds nearly always, on values that vary; where chance cannot explain it, in three places of four."""
    least = 0.95 if v.candidate.right.terms == 1 else 0.75
    enough = json_patterns.ENOUGH if v.candidate.left.whole else json_patterns.FEW
    if v.of < enough or v.support < least * v.of or (v.support < v.of and v.support < ACCUSES):
        return False
    left = v.candidate.left.values[v.holds]
    if len(np.unique(left)) < 5 or plain_hits(v) < enough:
        return False
    chance = chance_of(v)
    if chance < 0.02:
        return True
    # Small integers often agree by accident: then nearly all must hold, or more than any accident explains.
    share = 0.85 if beyond_accident(v, chance) else 0.95
    return v.support >= share * v.of and chance < 0.5


def _inequalities(view: View, believed: list[Found], tolerance: float) -> tuple[list[Found], list[Found]]:
    """Order and part-of-whole: what breaks them is wrong however many do; believed where most obey."""
    equal = {f.candidate.left.uses | f.candidate.right.uses for f in believed if f.candidate.op == "=="}
    spans = [f.candidate.right.uses for f in believed if f.relation.kind == "span"]
    good: list[Found] = []
    bad: list[Found] = []
    seen: set[str] = set()
    for c in [*json_named.named(view), *json_orders.orders(view), *json_orders.bounds(view)]:
        if c.op == "==" or (c.left.uses | c.right.uses) in equal:
            continue
        text = rule_text(c)
        if text in seen:
            continue
        seen.add(text)
        v = judge(c, tolerance)
        if not v.of:
            continue
        obeyed = v.support >= 0.8 * v.of
        if _by_the_clock(c):
            # The night has an end too, on the next day: said only where the other rows keep to their day, as a warning.
            if obeyed and not any(c.left.uses | c.right.uses <= uses for uses in spans):
                good.append(_found(v, certain=False))
            continue
        unrelated = v.of >= 8 and v.support <= 0.75 * v.of
        if obeyed or not unrelated:
            good.append(_found(v, certain=c.strength == SURE or (obeyed and v.of >= 10)))
        else:
            bad.append(_found(v, certain=c.strength == SURE, unrelated=True))
    return good, bad


def _by_the_clock(c: Candidate) -> bool:
    return c.kind == "order" and any(c.table.kinds.get(path) == "clock" for _, path in c.left.uses)


# --- by schema ------------------------------------------------------------------------------------------------


def schema_key(example: Example) -> str:
    """The schema of an example: its id, or the schema itself where it has none."""
    name = getattr(example.inputs, "schema_id", None)
    if name:
        return str(name)
    schema = getattr(example.inputs, "schema", None)
    return json.dumps(schema, sort_keys=True) if schema is not None else ""


def by_schema(examples: Iterable[Example]) -> dict[str, list[Example]]:
    """Without the rows whose answer cannot be read: unreadable-answer names them, and there is nothing to hold."""
    groups: dict[str, list[Example]] = {}
    for e in examples:
        if UNREADABLE not in e.meta:
            groups.setdefault(schema_key(e), []).append(e)
    return groups


def relations_for(examples: Sequence[Example], *, tolerance: float = TOLERANCE) -> dict[str, list[Relation]]:
    """The relations to hold an answer against, by schema id: those declared, and those that the data bear out.

    Relations found in the data are left out where the schema declares some for the same field, where it asks not to
    look for them, and where fewer than three rows show them.
    """
    made: dict[str, list[Relation]] = {}
    for key, group in by_schema(examples).items():
        schema = getattr(group[0].inputs, "schema", None)
        own = declared(schema, key) if schema is not None else []
        found = [
            f.relation
            for f in discover([e.target.value for e in group], tolerance=tolerance)
            if not f.relation.unrelated
            and f.relation.support >= 3
            and f.relation.support >= 0.8 * f.relation.of
        ]
        rules = {r.rule for r in own}
        made[key] = own + [r for r in found if r.rule not in rules and not ignored(schema, r.rule)]
    return made


def where(place: Path, candidate: Candidate) -> Path:
    """The path of the field that a finding is about: the left side's, where it is one field."""
    uses = list(candidate.left.uses)
    if len(uses) == 1 and uses[0][0] == candidate.table.place:
        return (*place, *uses[0][1])
    return place
