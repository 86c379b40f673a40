"""A kind of record: how one is drawn, and the facts of it with all that can be said and asked of each.

A file of ``records`` binds ``KIND = Kind(...)``; its facts are read from a block of lines:

    == delivery: destination due
    report: The goods go to {destination} by {due}.
    ask destination: Where do the goods of order {number} go?
    relation: number delivered_to destination
    claim destination: The goods of order {number} go to {destination}.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from finetooth.generate.world import Record, World

STYLES = ("report", "email", "notes", "log", "talk")
SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")


@dataclass(frozen=True)
class Fact:
    """What a record says in one breath: the slots that it tells, and words for it.

    ``told[style]`` are sentences, each with all ``slots`` of the fact; ``asks[slot]`` are questions whose
    answer is the slot; ``relations`` are (head slot, relation, tail slot) that every wording states;
    ``claims`` are (slot, sentence): the sentence is true, and false with another value in the slot.
    """

    name: str
    slots: tuple[str, ...]
    told: Mapping[str, tuple[str, ...]]
    asks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    relations: tuple[tuple[str, str, str], ...] = ()
    claims: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Kind:
    """``facts[0]`` is told first and always; ``key`` is the slot by which a record is known in a document."""

    name: str
    key: str
    draw: Callable[[World, int, np.random.Generator], Record]
    facts: Sequence[Fact]
    titles: tuple[str, ...] = ()


def facts(block: str) -> tuple[Fact, ...]:
    """The facts of a block of lines (see the module). Raises ValueError for a line that is none."""
    made: list[Fact] = []
    told: dict[str, list[str]] = {}
    asks: dict[str, list[str]] = {}
    relations: list[tuple[str, str, str]] = []
    claims: list[tuple[str, str]] = []
    name, slots = "", ()

    def close() -> None:
        if name:
            made.append(
                Fact(
                    name,
                    tuple(slots),
                    {k: tuple(v) for k, v in told.items()},
                    {k: tuple(v) for k, v in asks.items()},
                    tuple(relations),
                    tuple(claims),
                )
            )

    for line in filter(None, map(str.strip, block.splitlines())):
        head, colon, text = line.partition(": ")
        word, _, rest = head.partition(" ")
        if not colon:
            raise ValueError(f"no line of a fact: {line!r}")
        if word == "==":
            close()
            name, slots = rest, tuple(text.split())  # type: ignore[assignment]
            told, asks, relations, claims = {}, {}, [], []
        elif word in STYLES and not rest:
            told.setdefault(word, []).append(text)
        elif word == "prose" and not rest:  # as good in a report as in an e-mail
            for style in ("report", "email"):
                told.setdefault(style, []).append(text)
        elif word == "ask":
            asks.setdefault(rest, []).append(text)
        elif word == "relation":
            a, relation, b = text.split()
            relations.append((a, relation, b))
        elif word == "claim":
            claims.append((rest, text))
        else:
            raise ValueError(f"no line of a fact: {line!r}")
    close()
    return tuple(made)


@cache
def kinds() -> dict[str, Kind]:
    """The kinds of record, by name: one a file of ``records``."""
    from finetooth.generate import records

    modules = sorted(m.name for m in pkgutil.iter_modules(records.__path__) if not m.name.startswith("_"))
    found = [importlib.import_module(f"{records.__name__}.{name}").KIND for name in modules]
    return {kind.name: kind for kind in found}


def relation_names() -> tuple[str, ...]:
    return tuple(
        sorted({r for kind in kinds().values() for fact in kind.facts for _, r, _ in fact.relations})
    )
