"""Rows that stand twice, to the letter or nearly, within a data set and across splits; values that two splits share.

{"prompt": "Order A-1234 for Ada", ...} in train.jsonl and, with another date, in test.jsonl -> leaked-row
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from finetooth.checks._similar import jaccard, shingles
from finetooth.checks.json_discover import by_schema
from finetooth.checks.json_fields import nodes
from finetooth.checks.json_prompt import as_text
from finetooth.checks.json_values import Pattern, placed_leaves
from finetooth.metrics.json import canonical
from finetooth.metrics.json_unreadable import unreadable
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten, squeeze
from finetooth.types import Example, Finding

SAME = 0.8  # share of the leaves of the larger answer that makes a copy
ALIKE = 0.5  # Jaccard similarity of the prompts' runs of three words, within one data set
RARE = 20  # rows with a value, beyond which it tells nothing
MOST_COMPARED = 20
LONG = 4  # letters of a text, digits of a number, that may tell one record from another
MOST_SHOWN = 5

_CODE = re.compile(r"\d.*\d.*\d|@|://")

Leaf = tuple[Pattern, tuple[bool, Any]]


class _Rows:
    """Examples of one schema as sets of leaves, and the rows that a telling leaf stands in."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.examples = examples
        self.sets = [
            frozenset([(place, (v.__class__ is bool, v)) for _, place, v in placed_leaves(e.target.value)])
            for e in examples
        ]
        choices = {place for place, node in nodes(examples[0].inputs.schema).items() if "enum" in node}
        self.index: dict[Leaf, list[int]] = {}
        self.telling = [0] * len(examples)
        for i, row in enumerate(self.sets):
            for leaf in row:
                if _telling(leaf[1][1]) and leaf[0] not in choices:
                    self.index.setdefault(leaf, []).append(i)
                    self.telling[i] += 1

    def within(self) -> Iterator[tuple[int, int, float]]:
        """(row, the most alike of the rows before it, share of equal leaves) of the rows that are copies."""
        common: dict[int, Counter[int]] = defaultdict(Counter)
        for at in self.index.values():
            if 1 < len(at) <= RARE:
                for i, j in itertools.combinations(at, 2):
                    common[j][i] += 1
        for j in sorted(common):
            found = self._nearest(self.sets[j], self.telling[j], common[j])
            if found is not None:
                yield j, *found

    def across(self, other: _Rows) -> Iterator[tuple[int, int, float]]:
        """(row, the most alike of another's, share of equal leaves) of the rows that are copies."""
        common: dict[int, Counter[int]] = defaultdict(Counter)
        for leaf, at in self.index.items():
            there = other.index.get(leaf, ())
            if there and len(there) <= RARE:
                for j in at:
                    common[j].update(there)
        for j in sorted(common):
            found = other._nearest(self.sets[j], self.telling[j], common[j])
            if found is not None:
                yield j, *found

    def _nearest(self, row: frozenset[Leaf], telling: int, common: Counter[int]) -> tuple[int, float] | None:
        best: tuple[int, float] | None = None
        for i, n in common.most_common(MOST_COMPARED):
            # One rare value in common is an accident, half of them is none.
            if n * 2 < telling:
                break
            share = len(row & self.sets[i]) / max(len(row), len(self.sets[i]))
            if share >= SAME and (best is None or share > best[1]):
                best = i, share
        return best


def _telling(value: Any) -> bool:
    """Whether a value may tell one record from another: a name, a code, an amount; not a flag or a small number."""
    if value.__class__ is str:
        return len(value) >= LONG
    return value.__class__ in (int, float) and len(as_text(value).lstrip("-")) >= LONG


def _rows(examples: Sequence[Example]) -> dict[str, _Rows]:
    return {key: _Rows(group) for key, group in by_schema(examples).items()}


def _plain(e: Example) -> str:
    line = squeeze(e.inputs.prompt)
    return line.rstrip(" .!?;:,") or line


@check("json", severity="warning")
def duplicate_prompt(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The same prompt stands twice, but for case, blanks and the signs at its end. It is an error where the answers differ.

    Bad: two rows "Order A-1234 for Ada", one with {"order": "A-1234"}, one with {"order": "1234"}
    Fix: one of the two
    """
    first: dict[tuple[str, str], Example] = {}
    for e in examples:
        if unreadable(e):
            continue
        earlier = first.setdefault((e.inputs.schema_id, _plain(e)), e)
        if earlier is e:
            continue
        alike = canonical(earlier.target.value) == canonical(e.target.value)
        yield flag(
            e,
            f"the prompt stands in {earlier.id} too, with {'the same' if alike else 'another'} answer",
            severity="warning" if alike else "error",
            fix="leave one out" if alike else None,
            other=earlier.id, same_answer=alike,
        )  # fmt: skip


@check("json", severity="warning")
def near_duplicate_row(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Nearly the same row stands earlier: four in five values are equal, among them most that tell a record from others.

    It counts twice in training. The same record told in other words is none: the prompts must be alike, too.

    Bad: "Order A-1234 for Ada, 3 pens, 12 Mill Lane" and "Order A-1234 for Ada, 4 pens, 12 Mill Lane"
    Fix: one of the two
    """
    for rows in _rows(examples).values():
        for i, j, share in rows.within():
            e, other = rows.examples[i], rows.examples[j]
            if _plain(e) == _plain(other):
                continue  # duplicate-prompt says so
            alike = jaccard(shingles(e.inputs.prompt), shingles(other.inputs.prompt))
            if alike >= ALIKE:
                yield flag(
                    e,
                    f"{share:.0%} of the values are those of {other.id}",
                    fix="leave one out",
                    other=other.id, share=round(share, 3), prompts_alike=round(alike, 3),
                )  # fmt: skip


@check("json", severity="error", needs="against")
def leaked_row(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A row of the other split stands here: the same prompt, or the same record in whatever words.

    The score then measures memory. It is a warning where some of the values differ.

    Bad: "Order A-1234 for Ada" in train.jsonl and in test.jsonl
    Fix: leave it out of one of the two; make splits before rewording or repairing rows
    """
    there = {squeeze(e.inputs.prompt): e for e in reversed(context.against)}
    others = _rows(context.against)
    for key, rows in _rows(examples).items():
        copies = {i: (j, share) for i, j, share in rows.across(others[key])} if key in others else {}
        for i, e in enumerate(rows.examples):
            twin = there.get(squeeze(e.inputs.prompt))
            share = 1.0
            how = "the same prompt as"
            if twin is None and i in copies:
                twin, share = others[key].examples[copies[i][0]], copies[i][1]
                how = "the same values as" if share == 1 else f"{share:.0%} of the values of"
            if twin is None:
                continue
            yield flag(
                e,
                f"{how} {twin.id} of {context.against_name or 'the other split'}",
                severity="error" if share == 1 else "warning",
                fix="leave it out of one of the two",
                other=twin.id, share=round(share, 3),
            )  # fmt: skip


@check("json", severity="warning", needs="against")
def reused_value(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Values of a field stand in both splits that hardly repeat within one: names, ids, addresses drawn from one list.

    A model may then answer from memory what it should read. Choices of an enum, and fields whose values repeat across
    no more than they do within the other split, are no reuse; a code or an address that stands in both always is.

    Bad: the customers of test.jsonl are those of train.jsonl
    Fix: draw values for the splits from separate lists; finetooth generate json does
    """
    there = _texts(context.against)
    for (key, place), ours in _texts(examples).items():
        theirs = there.get((key, place))
        if theirs is None:
            continue
        known = Counter(theirs)
        both = [v for v in ours if v in known]
        if not both:
            continue
        distinct = sorted(set(both))
        # How often two values agree within the other split tells how often they would across by chance.
        n = len(theirs)
        twins = sum(k * (k - 1) / 2 for k in known.values())
        chance = len(ours) * n * (twins + 1) / max(n * (n - 1) / 2, 1)
        pairs = sum(known[v] for v in both)
        codes = [v for v in distinct if _CODE.search(v) and known[v] == 1]
        if pairs <= chance + 3 * chance**0.5 and (twins or not codes):
            continue
        field = "$." + ".".join(place).replace(".[]", "[]")
        yield flag(
            "",
            f"{key or 'no schema'}: {field} has {len(distinct)} values that also stand in "
            f"{context.against_name or 'the other split'}: {', '.join(repr(shorten(v, 30)) for v in distinct[:3])}",
            schema_id=key, field=field, values=len(distinct), examples=len(both), of=len(ours),
            by_chance=round(chance, 1), first=distinct[:MOST_SHOWN],
        )  # fmt: skip


def _texts(examples: Sequence[Example]) -> dict[tuple[str, Pattern], list[str]]:
    """The telling texts of every field that is no enum, each counted once a row."""
    made: dict[tuple[str, Pattern], list[str]] = defaultdict(list)
    for key, group in by_schema(examples).items():
        choices = {place for place, node in nodes(group[0].inputs.schema).items() if "enum" in node}
        for e in group:
            seen = {
                (at, v) for _, at, v in placed_leaves(e.target.value) if isinstance(v, str) and _telling(v)
            }
            for place, v in seen:
                if place not in choices:
                    made[key, place].append(v)
    return made
