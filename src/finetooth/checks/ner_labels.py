"""Labels of entities by themselves: rows that have none at all, types that are none, or nearly another one.

{"text": "Ada left.", "entities": [{"start": 0, "end": 3, "type": "B-PER"}]}
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import takewhile

from finetooth.registry import CheckContext, check, flag
from finetooth.tasks.ner import UNLABELLED
from finetooth.text import many
from finetooth.types import Example, Finding


@check("ner", severity="warning")
def unlabelled_rows(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Rows have no entities at all, not even an empty list, where others have: are they unlabelled, or without any?

    They stand in no score, and training reads them as texts without entities. One finding for all of them.

    Bad: {"text": "Ada left."} among rows with "entities"
    Fix: "entities": [] where there is none; label the others, or take them out
    """
    without = [e.id for e in examples if e.meta.get(UNLABELLED)]
    if without and len(without) < len(examples):
        yield flag(
            "",
            f"{many(len(without), 'row has', 'rows have')} no list of entities, "
            f"{len(examples) - len(without):,} have; for one {without[0]}",
            fix="[] where a text has no entities; label the others, or take them out",
            rows=len(without),
            ids=without[:20],
        )


@check("ner", severity="error")
def entity_without_type(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """An entity's type is empty or blank: a tagger would learn a label without a name, and columns cannot say it.

    Bad: {"start": 0, "end": 3, "type": ""}
    Fix: {"start": 0, "end": 3, "type": "PER"}
    """
    for example in examples:
        for i, m in enumerate(example.target.entities):
            if not m.type.strip():
                yield flag(
                    example, f"{m.text!r} has the type {m.type!r}", entity=i, start=m.start, type=m.type
                )


_PREFIX = re.compile(r"([BIESLUWM])-(\S.*)")
MOST = 0.1  # of the mentions: then it is how the set is written, and is said once


@check("ner", severity="warning")
def tag_in_type(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A type has kept the letter of a tag, B-PER beside PER or I-PER: the model has to learn one thing twice.

    Told where the rest is a type of the set too, stands behind another letter as well, or where all types have a
    letter: E-mail and B-cell are types. One finding for the set where most mentions are so.

    Bad: {"start": 0, "end": 3, "type": "B-PER"} beside {"start": 9, "end": 12, "type": "PER"}
    Fix: {"start": 0, "end": 3, "type": "PER"}
    """
    count = Counter(m.type for e in examples for m in e.target.entities)
    parts = {kind: found.groups() for kind in count if (found := _PREFIX.fullmatch(kind))}
    letters = Counter(rest for _, rest in parts.values())
    every = len(parts) == sum(bool(kind.strip()) for kind in count) and all(
        letter in "BI" for letter, _ in parts.values()
    )
    meant = {k: rest for k, (_, rest) in parts.items() if rest in count or letters[rest] > 1 or every}
    times = sum(count[k] for k in meant)
    if times > max(20, MOST * count.total()):
        yield flag(
            "",
            f"the types have kept the letters of tags: {', '.join(sorted(meant)[:6])} ({times:,} mentions)",
            fix=meant,
            counts={k: count[k] for k in meant},
        )
        return
    for example in examples if meant else ():
        for i, m in enumerate(example.target.entities):
            if m.type in meant:
                yield flag(
                    example,
                    f"{m.text!r} has the type {m.type!r}, which is {meant[m.type]!r} with the letter of a tag",
                    fix={"entity": i, "type": meant[m.type]},
                    entity=i,
                    start=m.start,
                    type=m.type,
                )


RARE = 3  # mentions at most
TIMES = 20  # as many has the type that is meant; of names of three letters FEW_LETTERS as many
FEW_LETTERS = 100


@check("ner", severity="warning")
def type_misspelled(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A type of one to three mentions is one letter off a frequent one: PRE beside many PER.

    One letter too many, missing, another, or two that changed places. Types that a row's label set names are right.

    Bad: {"start": 0, "end": 3, "type": "PRE"} beside hundreds of PER
    Fix: {"start": 0, "end": 3, "type": "PER"}
    """
    count = Counter(m.type for e in examples for m in e.target.entities)
    known = {kind for e in examples for kind in e.inputs.label_set}
    meant: dict[str, str] = {}
    for kind in (k for k, n in count.items() if n <= RARE and k not in known):
        near = [
            other
            for other in count
            if _slip(kind, other) and count[other] >= count[kind] * _least(kind, other)
        ]
        if near:
            meant[kind] = max(near, key=lambda other: count[other])
    for example in examples if meant else ():
        for i, m in enumerate(example.target.entities):
            if m.type in meant:
                best = meant[m.type]
                yield flag(
                    example,
                    f"{m.text!r} has the type {m.type!r} ({count[m.type]}x); {best!r} stands {count[best]:,} times",
                    fix=f"did you mean {best!r}?",
                    entity=i,
                    start=m.start,
                    type=m.type,
                    near=best,
                    counts={k: count[k] for k in (m.type, best)},
                )


def _least(one: str, other: str) -> int:
    """Letters that changed places are a slip of the hand; of three letters another one may be another word."""
    return FEW_LETTERS if min(len(one), len(other)) < 4 and sorted(one) != sorted(other) else TIMES


def _slip(one: str, other: str) -> bool:
    """Whether two names differ in one letter, or in two that changed places. Case alone is told by label-spelling."""
    if one.casefold() == other.casefold() or min(len(one), len(other)) < 3 or abs(len(one) - len(other)) > 1:
        return False
    head = _shared(one, other)
    a, b = one[head:], other[head:]
    tail = _shared(a[::-1], b[::-1])
    a, b = a[: len(a) - tail], b[: len(b) - tail]
    letters = all(map(str.isalpha, a + b))  # type1 and type2 are two
    return letters and (max(len(a), len(b)) == 1 or (len(a) == 2 and a == b[::-1]))


def _shared(one: str, other: str) -> int:
    """How many letters two names begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
