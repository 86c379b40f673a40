"""What goes wrong with mentions and triples: types, boundaries, what was missed, arguments that swap places."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from finetooth.generate.defects import GONE, Change, Row, Spoil, defect
from finetooth.generate.world import ENTITY_KINDS, pick

_WORD = re.compile(r"\w+")


def _other(value: str, values: list[str] | tuple[str, ...], spoil: Spoil) -> str:
    return pick([v for v in values if v != value], spoil.rng)


def _moved(start: int, end: int, text: str, spoil: Spoil) -> tuple[int, int] | None:
    """The span a word longer or shorter at one edge; None where that is no span, or a blank line away."""
    words = [m.span() for m in _WORD.finditer(text)]
    inside = [w for w in words if start <= w[0] and w[1] <= end]
    before = [w for w in words if w[1] <= start and "\n" not in text[w[0] : start]][-1:]
    after = [w for w in words if w[0] >= end and "\n" not in text[end : w[1]]][:1]
    ways = [(w[0], end) for w in before] + [(start, w[1]) for w in after]
    if len(inside) > 1:
        ways += [(inside[1][0], end), (start, inside[-2][1])]
    return pick(ways, spoil.rng) if ways else None


def _free(row: Row, start: int, end: int, own: dict[str, Any], every: list[dict[str, Any]]) -> bool:
    """Whether no other mention shares these characters."""
    return all(m is own or m["end"] <= start or end <= m["start"] for m in every if not m.get(GONE))


def _shift(spoil: Spoil, mention: dict[str, Any], every: list[dict[str, Any]]) -> Change:
    text = spoil.row["text"]
    was = {k: mention[k] for k in ("start", "end", "text")}
    moved = _moved(mention["start"], mention["end"], text, spoil)
    if moved is None or not _free(spoil.row, *moved, mention, every):
        return None
    mention.update(start=moved[0], end=moved[1], text=text[slice(*moved)])
    return was, {k: mention[k] for k in was}, None


# ---- named entities: the unit is a mention


@defect("ner", "the mention has another type", tells=("type-against-majority", "two-types"), unit="entities")
def wrong_type(spoil: Spoil) -> Change:
    mention = spoil.row["entities"][spoil.unit]
    was = {k: mention[k] for k in ("start", "type")}
    mention["type"] = _other(was["type"], ENTITY_KINDS, spoil)
    return was, {k: mention[k] for k in was}, None


@defect(
    "ner",
    "the mention is a word too long or too short",
    tells=("boundary-against-corpus", "boundary-off-word"),
    unit="entities",
)
def shifted_boundary(spoil: Spoil) -> Change:
    return _shift(spoil, spoil.row["entities"][spoil.unit], spoil.row["entities"])


@defect("ner", "the mention is not labelled", tells=("missed-mention",), unit="entities")
def missed_entity(spoil: Spoil) -> Change:
    mention = spoil.row["entities"][spoil.unit]
    was = dict(mention)
    mention[GONE] = True
    return was, None, None


# ---- relations: the unit is an entity or a triple. What takes things away comes first


def _relation(name: str) -> Callable[[Callable[[Spoil], Change]], Callable[[Spoil], Change]]:
    """Gives a function the name that its kind of defect has; two tasks share some."""

    def wrap(spoil: Callable[[Spoil], Change]) -> Callable[[Spoil], Change]:
        spoil.__name__ = f"relation_{name}"
        return spoil

    return wrap


@defect(
    "relation",
    "the entity is missing, and its triples with it",
    tells=("missed-mention",),
    unit="entities",
)
@_relation("missed_entity")
def entity_missed(spoil: Spoil) -> Change:
    entity = spoil.row["entities"][spoil.unit]
    triples = [t for t in spoil.row["triples"] if spoil.unit in (t["head"], t["tail"]) and not t.get(GONE)]
    was = {
        "start": [m["start"] for m in entity["mentions"]],
        "entity": dict(entity),
        "triples": list(map(dict, triples)),
    }
    for unit in (entity, *triples):
        unit[GONE] = True
    return was, None, None


@defect(
    "relation",
    "the entity has another type",
    tells=("type-against-majority", "two-types", "unusual-argument-types"),
    unit="entities",
)
@_relation("wrong_type")
def entity_type(spoil: Spoil) -> Change:
    entity = spoil.row["entities"][spoil.unit]
    was = {"start": [m["start"] for m in entity["mentions"]], "type": entity["type"]}
    entity["type"] = _other(entity["type"], ENTITY_KINDS, spoil)
    return was, was | {"type": entity["type"]}, None


@defect(
    "relation",
    "a mention of the entity is a word too long or too short",
    tells=("boundary-against-corpus", "boundary-off-word"),
    unit="entities",
)
@_relation("shifted_boundary")
def entity_boundary(spoil: Spoil) -> Change:
    entity = spoil.row["entities"][spoil.unit]
    every = [m for e in spoil.row["entities"] for m in e["mentions"]]
    return _shift(spoil, pick(entity["mentions"], spoil.rng), every)


@defect("relation", "a triple that the text states is missing", tells=(), unit="triples")
@_relation("missed_triple")
def triple_missed(spoil: Spoil) -> Change:
    triple = spoil.row["triples"][spoil.unit]
    was = dict(triple)
    triple[GONE] = True
    return was, None, None


@defect(
    "relation",
    "another relation stands between head and tail",
    tells=("unusual-argument-types", "triple-twice"),
    unit="triples",
)
@_relation("wrong_relation")
def triple_relation(spoil: Spoil) -> Change:
    triple = spoil.row["triples"][spoil.unit]
    was = triple["relation"]
    triple["relation"] = _other(was, spoil.row["label_set"], spoil)
    return was, triple["relation"], None


@defect("relation", "head and tail have swapped places", tells=("unusual-argument-types",), unit="triples")
@_relation("swapped_arguments")
def triple_swapped(spoil: Spoil) -> Change:
    triple = spoil.row["triples"][spoil.unit]
    was = {k: triple[k] for k in ("head", "tail")}
    triple.update(head=was["tail"], tail=was["head"])
    return was, {k: triple[k] for k in was}, None
