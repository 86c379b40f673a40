"""Triples: do head and tail exist, is it said once, do the types fit the relation?"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from finetooth.checks._documents import entity_names, stands
from finetooth.registry import CheckContext, check, flag
from finetooth.tasks.mentions import name_key, word_spans
from finetooth.types import Example, Finding

_POSSESSIVE = re.compile(r"(?:['’]s|(?<=s)['’])$")
USUAL = 20  # triples of a relation before its types say anything


@check("relation", severity="error")
def triple_end_is_no_mention(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The head or tail of a triple is no mention of any entity, so no pair of entities can be learned for it.

    Where only case, a determiner, edge marks or a possessive differ, the entity is found under another name
    and the fix says which; a part of a person's name ("Ada") is that of the one person with all of its words.
    Where the text holds the name, but no entity has it, an entity is missing: these are warnings. An error is
    a name that neither the entities nor the text know.

    Bad: {"doc": "Ada left Rome.", "entities": [{"mentions": ["Ada"]}, {"mentions": ["Rome"]}], "triples": [{"head": "Ada", "relation": "Left", "tail": "Paris"}]}
    Fix: {"triples": [{"head": "Ada", "relation": "Left", "tail": "Rome"}]}
    """
    for example in examples:
        entities = example.inputs.entities
        names: set[str] | None = None
        for i, t in enumerate(example.target.triples):
            for side, place, told in (("head", t.head, t.head_text), ("tail", t.tail, t.tail_text)):
                if 0 <= place < len(entities):
                    names = {n for _, n in entity_names(example)} if names is None else names
                    if told and told not in names:
                        fix = {"triple": i, side: entities[place].name}
                        yield flag(
                            example,
                            f"the {side} {told!r} is no mention; {entities[place].name!r} is",
                            severity="warning",
                            fix=fix,
                            triple=i,
                            side=side,
                            name=told,
                            alias_of=place,
                        )
                elif not told:
                    yield flag(
                        example,
                        f"the {side} of triple {i} is entity {place}, there are {len(entities)}",
                        triple=i,
                        side=side,
                        entity=place,
                    )
                else:
                    yield _lost(example, i, side, told)


def _lost(example: Example, i: int, side: str, told: str) -> Finding:
    held = stands(told, example.inputs.text)
    near, surely = _nearest(told, example)
    message = f"the {side} {told!r} of {example.target.triples[i].relation!r} is no mention of any entity"
    if held:
        message += ", though the text holds it"
    if near is not None:
        message += f"; {near!r} is {'the same' if surely else 'nearest'}"
    fix = (
        {"triple": i, side: near}
        if near is not None
        else {"triple": i, "drop": True}
        if not held
        else {"add_entity": told}
    )
    return flag(
        example,
        message,
        severity="warning" if held or surely else "error",
        fix=fix,
        triple=i,
        side=side,
        name=told,
        in_text=held,
    )


def _words(name: str) -> frozenset[str]:
    """The words of a name, case, a determiner, edge marks and a possessive aside."""
    return frozenset(w.text.casefold() for w in word_spans(_POSSESSIVE.sub("", name_key(name))))


def _nearest(told: str, example: Example) -> tuple[str | None, bool]:
    """(the name that is meant, whether surely). Surely: a name of the same words.

    Else the name that shares the most words with this one, more than half of both together; else the one
    person who has all of its words. Of things a part is another thing: Rome is not the Rome Opera.
    """
    wanted = _words(told)
    likeness: dict[int, tuple[float, str]] = {}  # of each entity its nearest name
    persons: dict[int, str] = {}
    for number, name in entity_names(example):
        words = _words(name)
        if words == wanted != frozenset():
            return name, True
        if example.inputs.entities[number].type.upper().startswith("PER") and frozenset() < wanted < words:
            persons.setdefault(number, name)
        share = len(wanted & words) / max(len(wanted | words), 1)
        if share > likeness.get(number, (0.0, ""))[0]:
            likeness[number] = share, name
    best = max(likeness.values(), default=(0.0, ""), key=lambda x: x[0])
    if best[0] > 0.5:
        return best[1], False
    return (next(iter(persons.values())) if len(persons) == 1 else None), False


@check("relation", severity="error")
def triple_to_itself(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Head and tail are the same entity. No pair head can predict it, and hardly a relation holds so.

    Where both are written differently, the entity may be two that were merged: a warning.

    Bad: {"triples": [{"head": "Ada", "relation": "Left", "tail": "Ada"}]}
    Fix: drop the triple, or name the right tail
    """
    for example in examples:
        for i, t in enumerate(example.target.triples):
            same = t.head == t.tail and (t.head >= 0 or name_key(t.head_text) == name_key(t.tail_text) != "")
            if same:
                two = bool(t.head_text) and name_key(t.head_text) != name_key(t.tail_text)
                name = t.head_text or (
                    example.inputs.entities[t.head].name
                    if 0 <= t.head < len(example.inputs.entities)
                    else "?"
                )
                yield flag(
                    example,
                    f"{name!r} {t.relation} {t.tail_text or name!r}: both ends are one entity",
                    severity="warning" if two else "error",
                    fix={"triple": i, "drop": True},
                    triple=i,
                    entity=t.head,
                )


@check("relation", severity="warning")
def triple_twice(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A document states the same triple more than once, perhaps under two names of an entity.

    Bad: {"triples": [["Ada", "Left", "Rome"], ["Ada", "Left", "Rome"]]}
    Fix: keep one
    """
    for example in examples:
        seen: dict[object, int] = {}
        for i, t in enumerate(example.target.triples):
            ends = (
                t.head if t.head >= 0 else name_key(t.head_text),
                t.tail if t.tail >= 0 else name_key(t.tail_text),
            )
            first = seen.setdefault((ends[0], t.relation, ends[1]), i)
            if first != i:
                yield flag(
                    example,
                    f"triple {i} says {t.relation} of the same entities as triple {first}",
                    fix={"triple": i, "drop": True},
                    triple=i,
                    first=first,
                )


@check("relation", severity="warning")
def unusual_argument_types(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A relation holds between types that it hardly ever holds between; often its arguments are swapped.

    Told for relations with at least 20 triples where at most 2 % have these types. The fix swaps the
    arguments where the swapped types are at least a quarter of the relation's.

    Bad: 99 triples PER BornIn LOC, and one LOC BornIn PER
    Fix: swap head and tail
    """
    usual: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    listed = []
    for example in examples:
        entities = example.inputs.entities
        for i, t in enumerate(example.target.triples):
            if 0 <= t.head < len(entities) and 0 <= t.tail < len(entities):
                types = entities[t.head].type, entities[t.tail].type
                usual[t.relation][types] += 1
                listed.append((example, i, t, types))
    for example, i, t, types in listed:
        counts = usual[t.relation]
        n = counts.total()
        if n < USUAL or counts[types] > 0.02 * n:
            continue
        swapped = types[0] != types[1] and counts[types[1], types[0]] >= 0.25 * n
        if not swapped and counts[types] > 1:
            continue
        (head, tail), often = counts.most_common(1)[0]
        yield flag(
            example,
            f"{t.relation} between {types[0]} and {types[1]} ({counts[types]} of {n}); "
            + ("the other way round is usual" if swapped else f"usual is {head} and {tail} ({often} of {n})"),
            fix={"triple": i, "head": t.tail, "tail": t.head} if swapped else None,
            triple=i,
            relation=t.relation,
            types=list(types),
            times=counts[types],
            of=n,
        )
