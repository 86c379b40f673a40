"""Which classes a curation takes out of a data set: labels, entity types, relations, questions without an answer.

{"kind": "label", "name": "contradiction", "before": 22, "after": 0}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from finetooth.text import shorten
from finetooth.types import Example

FEW = 0.1  # of a class, below which it is told to have shrunk
SHOWN = 5


@dataclass(frozen=True)
class Thinned:
    """A class of which a curation left nothing, or less than a tenth. ``before``, ``after``: examples that have it."""

    kind: str
    name: str
    before: int
    after: int


def count(examples: Sequence[Example]) -> Counter[tuple[str, str]]:
    """(kind, name) of a class -> how many of the examples have it. Objects of JSON have no classes."""
    return Counter(each for example in examples for each in _classes(example))


def thinned(before: Sequence[Example], after: Sequence[Example]) -> tuple[Thinned, ...]:
    """Classes that are gone, then those left with less than a tenth, and with less than half of what the whole
    set kept: a policy that keeps a twentieth of everything singles nothing out."""
    was, now = count(before), count(after)
    overall = len(after) / max(len(before), 1)
    few = min(FEW, overall / 2)
    found = [Thinned(kind, name, n, now[kind, name]) for (kind, name), n in was.items()]
    hit = [t for t in found if not t.after or t.after < few * t.before]
    return tuple(sorted(hit, key=lambda t: (t.after > 0, t.kind, t.name)))


def told(found: Sequence[Thinned]) -> str:
    """One line of it, "" where there is nothing to tell."""
    gone = [t for t in found if not t.after]
    less = [t for t in found if t.after]
    parts = []
    if gone:
        named = ", ".join(f"{t.kind} {shorten(t.name, 40)!r} ({t.before:,} before)" for t in gone[:SHOWN])
        parts.append(f"nothing is left of {named}{_more(gone)}")
    if less:
        named = ", ".join(
            f"{t.kind} {shorten(t.name, 40)!r} ({t.after:,} of {t.before:,})" for t in less[:SHOWN]
        )
        parts.append(f"less than a tenth of {named}{_more(less)}")
    return "; ".join(parts)


def only_label(examples: Sequence[Example]) -> str | None:
    """The one label of examples that classify, where it is the only one: nothing can be learnt of them."""
    labels = {name for kind, name in count(examples) if kind == "label"}
    return labels.pop() if len(labels) == 1 else None


def _more(found: Sequence[Thinned]) -> str:
    return f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""


def _classes(example: Example) -> set[tuple[str, str]]:
    target = example.target
    if (label := getattr(target, "label", None)) is not None:
        return {("label", str(label))}
    if (entities := getattr(target, "entities", None)) is not None:
        return {("entity type", str(s.type)) for s in entities}
    if (triples := getattr(target, "triples", None)) is not None:
        return {("relation", str(t.relation)) for t in triples}
    if (answers := getattr(target, "answers", None)) is not None:
        return {("question", "with an answer" if answers else "without an answer")}
    return set()
