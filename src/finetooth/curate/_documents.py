"""Fixes of documents: of triples, of mentions, of the tags of columns, of entities and their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from finetooth.tasks.documents import NO_NAME, DocEntity, LabelledSpan, NerTarget, RelationTarget
from finetooth.tasks.mentions import Claimed, places
from finetooth.tasks.ner import tagged
from finetooth.types import Example, Span


class CannotApply(Exception):
    """A fix that is a sentence, or of a kind that only a person can make."""


def in_order(example: Example) -> Example:
    """Spans by start, then end. Only when all fixes are made: they name spans by their number."""
    if not isinstance(example.target, NerTarget):
        return example
    spans = tuple(sorted(example.target.entities, key=lambda s: (s.start, s.end)))
    return replace(example, target=replace(example.target, entities=spans))


def _triple(example: Example, fix: Mapping[str, Any]) -> Example:
    triples = list(example.target.triples)
    i = fix["triple"]
    if fix.get("drop"):
        del triples[i]
    else:
        triple = triples[i]
        for side in ("head", "tail"):
            if side in fix:
                place = _entity(example, fix[side], before=getattr(triple, side))
                name = example.inputs.entities[place].name
                triple = replace(triple, **{side: place, f"{side}_text": name})
        if "relation" in fix:
            triple = replace(triple, relation=fix["relation"])
        triples[i] = triple
    return replace(example, target=replace(example.target, triples=tuple(triples)))


def _entity(example: Example, name: Any, *, before: int) -> int:
    """The number of the entity that is named by its number or a name; of several of a name the one before."""
    entities = example.inputs.entities
    if isinstance(name, int):
        if not 0 <= name < len(entities):
            raise CannotApply
        return name
    called = [
        number
        for number, entity in enumerate(entities)
        if name == entity.name or name in entity.aliases or any(name == m.text for m in entity.mentions)
    ]
    if before in called:
        return before
    if len(called) != 1:
        raise CannotApply  # which of them is meant nobody said
    return called[0]


def _mention(example: Example, fix: Mapping[str, Any]) -> Example:
    if not isinstance(fix["mention"], int):
        return _name(example, fix)
    target = example.target
    if not isinstance(target, NerTarget) or target.tags is not None:
        raise CannotApply  # the mentions of relations hang on their entities, those of columns on their tags
    spans = list(target.entities)
    if fix.get("drop"):
        del spans[fix["mention"]]
    else:
        start, end = fix["start"], fix["end"]
        text = example.inputs.text[start:end]
        spans[fix["mention"]] = replace(spans[fix["mention"]], start=start, end=end, text=text)
    return replace(example, target=replace(target, entities=tuple(spans)))


def _name(example: Example, fix: Mapping[str, Any]) -> Example:
    """A name that the text does not hold: taken out, or put as the text writes it (``text``)."""
    lost, number, found = fix["mention"], fix.get("entity"), fix.get("text")
    if not found and not fix.get("drop"):
        raise CannotApply
    text = example.inputs.text
    if isinstance(example.target, RelationTarget):
        if not isinstance(number, int) or example.inputs.tokens is not None:
            raise CannotApply
        return _renamed(example, number, {lost: found})
    target = example.target
    told = [u for u in target.unplaced if (u.text, u.entity, u.why) == (lost, number, "not in text")]
    if not told or target.tags is not None:
        raise CannotApply
    spans = list(target.entities)
    if found:
        claimed = Claimed()
        for s in spans:
            claimed.claim(s.start, s.end)
        at = places(found, text)
        more = [a for a in at if claimed.free(a, a + len(found))]
        spans += [LabelledSpan(a, a + len(found), found, told[0].type, number) for a in more]
        if not more and not any(s.entity == number and s.start <= a < s.end for s in spans for a in at):
            raise CannotApply  # all of it is part of other mentions
    left = tuple(u for u in target.unplaced if u not in told)
    return replace(example, target=replace(target, entities=tuple(spans), unplaced=left))


def _renamed(example: Example, number: int, names: Mapping[str, str | None]) -> Example:
    """An entity of relations by other names (None: without this one), placed where they stand in the text.

    Triples that use a name follow. CannotApply for an entity that would be left without a mention.
    """
    entities, text = list(example.inputs.entities), example.inputs.text
    entity: DocEntity = entities[number]
    if entity.types or not any(name in (entity.name, *entity.aliases) for name in names):
        raise CannotApply
    aliases = tuple(dict.fromkeys(n for n in (names.get(a, a) for a in entity.aliases) if n))
    mentions, claimed = list(entity.mentions), Claimed()
    for m in mentions:
        claimed.claim(m.start, m.end)
    for name in filter(None, names.values()):
        mentions += [
            Span(a, a + len(name), name) for a in places(name, text) if claimed.claim(a, a + len(name))
        ]
    if not mentions:
        raise CannotApply
    mentions.sort(key=lambda m: (m.start, m.end))
    name = names.get(entity.name, entity.name) or (aliases[0] if aliases else mentions[0].text)
    entities[number] = replace(entity, mentions=tuple(mentions), aliases=aliases, name=name)

    def follow(place: int, told: str) -> str:
        return (names[told] or name) if place == number and told in names else told

    triples = tuple(
        replace(t, head_text=follow(t.head, t.head_text), tail_text=follow(t.tail, t.tail_text))
        for t in example.target.triples
    )
    return replace(
        example,
        inputs=replace(example.inputs, entities=tuple(entities)),
        target=replace(example.target, triples=triples),
    )


def _tag(example: Example, fix: Mapping[str, Any]) -> Example:
    """The tag of a token set, and the spans read anew from all tags, as the reader does."""
    target = example.target
    if "tag" not in fix or not isinstance(target, NerTarget) or target.tags is None:
        raise CannotApply
    tags = list(target.tags)
    tags[fix["token"]] = fix["tag"]
    made = tagged(example.inputs.text, example.inputs.tokens, tags, target.scheme, example.id)
    return replace(example, target=replace(made, unplaced=target.unplaced))


def _of_entity(example: Example, fix: Mapping[str, Any]) -> Example:
    """The type or name of an entity set, or the entity taken out; of NER an entity is a span."""
    number, target = fix["entity"], example.target
    if isinstance(target, NerTarget):
        if "type" in fix and target.tags is None:
            spans = list(target.entities)
            spans[number] = replace(spans[number], type=fix["type"])
            return replace(example, target=replace(target, entities=tuple(spans)))
        left = tuple(u for u in target.unplaced if (u.why, u.entity) != (NO_NAME, number))
        if not fix.get("drop") or len(left) == len(target.unplaced):
            raise CannotApply
        return replace(example, target=replace(target, unplaced=left))
    entities = list(example.inputs.entities)
    entity = entities[number]
    if "name" in fix:
        old = {n: fix["name"] for n in (entity.name, *entity.aliases) if n.strip() == fix["name"] != n}
        return _renamed(example, number, old)
    if "type" in fix:
        types = tuple(fix["type"] if t == entity.type else t for t in entity.types)
        entities[number] = replace(entity, type=fix["type"], types=types)
        return replace(example, inputs=replace(example.inputs, entities=tuple(entities)))
    if not fix.get("drop") or any(number in (t.head, t.tail) for t in target.triples):
        raise CannotApply  # a triple speaks of it: what is to become of that nobody said
    del entities[number]
    triples = tuple(
        replace(t, head=t.head - (t.head > number), tail=t.tail - (t.tail > number)) for t in target.triples
    )
    return replace(
        example,
        inputs=replace(example.inputs, entities=tuple(entities)),
        target=replace(target, triples=triples),
    )


# By the key that says what a fix is about, in the order in which they are looked for.
FIXES = {"triple": _triple, "mention": _mention, "token": _tag, "entity": _of_entity}
