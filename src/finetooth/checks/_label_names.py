"""Labels of single-label data that are one label in two spellings, two notations mixed, or next to never used.

{"label": "nuetral"} once beside 100 times "neutral"; "entail" beside "entailment"; 2 among names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from finetooth.registry import flag
from finetooth.tasks.nli_outputs import kind, number_of
from finetooth.text import many
from finetooth.types import Example, Finding

RARE = 0.05  # of the rows of the label that is meant: more is a habit and said once
FEW = 2  # rows of a label that cannot be learnt ...
AMONG = 100  # ... where there are so many
SLIP = 20  # times as many rows has the label of which another is a slip of the pen


class Meant(NamedTuple):
    """What a label seems to be: ``name`` of the set ("" unknown), why, and whether a program may change it."""

    name: str
    why: str
    sure: bool


def odd_labels(examples: Sequence[Example]) -> Iterator[Finding]:
    """A finding a row where such a label is rare, one for the set where it is a habit."""
    counts = Counter(e.target.label for e in examples)
    counts.pop("?", None)
    held: dict[str, list[Example]] = {}
    for e in examples:
        held.setdefault(e.target.label, []).append(e)
    for label, n in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        meant = _meant(label, counts)
        if meant is None:
            continue
        evidence: dict[str, Any] = {"label": label, "counts": dict(counts)}
        said = f"the label {label!r} ({n}x) {meant.why}"
        if n <= max(FEW, RARE * max(counts.values())):
            fix: Any = {"label": meant.name} if meant.sure else None
            if meant.name and not meant.sure:
                fix = f"did you mean {meant.name!r}?"
            severity = "error" if meant.sure or label.isdigit() != _numbered(counts) else ""
            for e in held[label]:
                yield flag(e, said, severity=severity, fix=fix, **evidence)
        else:
            yield flag("", said, fix={label: meant.name} if meant.sure else None, **evidence)


def _numbered(counts: Counter[str]) -> bool:
    """Whether the labels of most rows are numbers."""
    return 2 * sum(n for name, n in counts.items() if name.isdigit()) > counts.total()


def _meant(label: str, counts: Counter[str]) -> Meant | None:
    """None for a label like the others. Of two spellings the rarer is odd; of equals the later in the alphabet."""
    n = counts[label]
    others = [x for x in counts if x != label and (counts[x], label) > (n, x)]
    same = [x for x in others if _bare(x) == _bare(label) != ""]
    if not same and (said := kind(label)) is not None:
        same = [x for x in others if kind(x) == said]
    if len(same) == 1:
        return Meant(same[0], f"is {same[0]!r} ({counts[same[0]]}x) in another spelling", True)
    if label.isdigit() != _numbered(counts) and (mixed := _other_notation(label, others)):
        return mixed
    often = [x for x in others if counts[x] >= SLIP * n]
    slips = [x for x in often if _slip(label, x)]
    if len(slips) == 1:
        sure = len(label) >= 6 and _edits(label, slips[0]) == 1
        return Meant(slips[0], f"is nearly {slips[0]!r} ({counts[slips[0]]}x)", sure)
    begun = [x for x in often if len(label) >= 3 and x.startswith(label)]
    if len(begun) == 1 and label.isalpha():
        known = kind(begun[0]) is not None
        return Meant(begun[0], f"is the beginning of {begun[0]!r} ({counts[begun[0]]}x)", known)
    if n <= FEW and counts.total() >= AMONG:
        return Meant(
            "", f"stands in {many(n, 'row')} of {counts.total():,}: no model learns it of so few", False
        )
    return None


def _other_notation(label: str, others: Sequence[str]) -> Meant | None:
    """A number among names, or a name among numbers; of 0 and 1 alone a word tells which it is."""
    alike = [x for x in others if x.isdigit() != label.isdigit()]
    if not alike:
        return None
    number = number_of(label, of_two=True)
    if set(alike) == {"0", "1"} and number in alike:
        return Meant(number, f"is a word where the others are numbers: {number!r}", True)
    what, which = ("number", "names") if label.isdigit() else ("name", "numbers")
    return Meant(
        "", f"is a {what}, the others are {which} ({', '.join(map(repr, sorted(alike)[:4]))})", False
    )


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name)


def _slip(label: str, other: str) -> bool:
    """Whether one may be a slip of the pen for the other. A prefix more makes another word: likely, unlikely."""
    if min(len(label), len(other)) < 5 or re.findall(r"\d", label) != re.findall(r"\d", other):
        return False
    if label.endswith(other) or other.endswith(label):
        return False
    return _edits(label, other) <= (1 if len(other) < 8 else 2)


def _edits(a: str, b: str) -> int:
    """Letters put in, left out, changed, or swapped with the next one (optimal string alignment distance)."""
    if abs(len(a) - len(b)) > 2:
        return abs(len(a) - len(b))
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        row = [i]
        for j, y in enumerate(b, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
