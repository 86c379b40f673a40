"""Triples: do head and tail exist, is it said once, do the types fit the relation?"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from finetooth.checks._documents import entity_names, stands
from finetooth.registry import CheckContext, check, flag
from finetooth.tasks.mentions import name_key
from finetooth.text import squeeze
from finetooth.types import Example, Finding

_POSSESSIVE = re.compile(r"(?<![0-9])(?:['’]s|(?<=s)['’])$")
_ARTICLE = re.compile(r"^(?:the|an?)\s+")
_MARKS = ' .,;:!?"“”„()[]'
# A number with its sign and points, a word, a symbol that tells things apart (C#, AT&T); other marks are none.
_WORD = re.compile(r"(?<!\S)[-+−]?\d+(?:[.,:/–-]\d+)*(?!\w)|\d+(?:[.,:/–-]\d+)+(?!\w)|\w+|[+#&@%$€£¥°<>=]")
_NAME = re.compile(r"[^\W\d_]+(?:[-.'’][^\W\d_]+)*\.?")
_PARTICLES = frozenset("al bin da de del den der di dos du el la le ten ter van von y".split())
SAME = "the same"
USUAL = 20  # triples of a relation before its types say anything


@check("relation", severity="error")
def triple_end_is_no_mention(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The head or tail of a triple is no mention of any entity, so no pair of entities can be learned for it.

    Where only case, an article, punctuation or a possessive differ, the entity is found under another name and
    the fix says which; a part of a person's name ("Ada") is that of the one person with it. A name that is
    only near is asked about, and left as it is: another date, or another university, is no other name.
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
    near, why = _nearest(told, example)
    surely = why != ""
    message = f"the {side} {told!r} of {example.target.triples[i].relation!r} is no mention of any entity"
    if held:
        message += ", though the text holds it"
    if near is not None:
        message += f"; {near!r} is {why or 'nearest'}"
    fix: Any
    if near is not None and surely:
        fix = {"triple": i, side: near}
    elif near is not None:  # another date or another university is no other name of this one
        fix = f"did you mean {near!r}? If not, " + ("add the entity" if held else "drop the triple")
    else:
        fix = {"add_entity": told} if held else {"triple": i, "drop": True}
    return flag(
        example,
        message,
        severity="warning" if held or why == SAME else "error",
        fix=fix,
        triple=i,
        side=side,
        name=told,
        in_text=held,
        nearest=near,
    )


def _words(name: str) -> tuple[str, ...]:
    """The words of a name in their order; case, an article, a possessive and punctuation aside.

    A number is one word with the points in it, and a symbol is one: C++ is not C, nor 3.5 the same as 3-5.
    """
    return tuple(_WORD.findall(_ARTICLE.sub("", _POSSESSIVE.sub("", squeeze(name).strip(_MARKS)))))


def _nearest(told: str, example: Example) -> tuple[str | None, str]:
    """(the name that is meant, why it surely is, "" where it is but nearest).

    Surely: a name of the same words, if one entity alone has it; else the one person of whose name it is a
    part. The nearest shares more than half of the words of both together, or half and no fewer than two.
    Of things a part is another thing: Rome is not the Rome Opera.
    """
    wanted = _words(told)
    likeness: tuple[float, str] = 0.0, ""
    same: dict[int, str] = {}
    persons: dict[int, str] = {}
    for number, name in entity_names(example):
        words = _words(name)
        if words == wanted != ():
            same.setdefault(number, name)
        if example.inputs.entities[number].type.upper().startswith("PER") and _called(told, name):
            persons.setdefault(number, name)
        both = len({*wanted} & {*words})
        share = both / max(len({*wanted, *words}), 1)
        if share > likeness[0] and (share > 0.5 or (share == 0.5 and both > 1)):
            likeness = share, name
    if len(same) == 1:
        return next(iter(same.values())), SAME
    if not same and len(persons) == 1:
        return next(iter(persons.values())), "the one person so called"
    return likeness[1] or None, ""


def _called(told: str, name: str) -> bool:
    """Whether a part of a person's name stands for it: its end, or the first word of two or three.

    Nothing but names and what stands between them counts: "Varsity" is not Varsity's former vice president,
    nor "Spanish" the Spanish Jesuit Baltasar Gracián.
    """
    part, whole = told.split(), name.split()
    words = [w for w in whole if w.casefold() not in _PARTICLES]
    if not 0 < len(part) < len(whole) or any(w[0].islower() or not _NAME.fullmatch(w) for w in words):
        return False
    if not any(w in words for w in part):
        return False
    return whole[-len(part) :] == part or (part == whole[:1] and len(words) <= 3)


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
