"""A changed text as pieces of the old one, and the labels carried over: every offset is computed, none is searched.

"Ada left Rome." with 0..3 replaced by "Grace" and the rest copied is [Piece(0, 3, "Grace"), Piece(3, 14)].
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from finetooth.tasks.documents import (
    DocEntity,
    LabelledSpan,
    NerInput,
    NerTarget,
    RelationInput,
    RelationTarget,
    Triple,
    Unplaced,
)
from finetooth.tasks.mentions import tags_of, word_spans
from finetooth.tasks.relation import squashed
from finetooth.types import Example, Span

Names = Mapping[tuple[int, str], str]  # (entity, its old name) -> its new name


class Skip(Exception):
    """This document cannot be augmented in this way; the message is the reason that is reported."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters start..end of the old text: copied, or replaced where ``text`` is given (start == end: put in)."""

    start: int
    end: int
    text: str | None = None


@dataclass(frozen=True)
class Edited:
    """The new text, and where spans of the old one stand in it. No character may be copied twice."""

    old: str
    pieces: tuple[Piece, ...]

    @cached_property
    def parts(self) -> list[str]:
        return [self.old[p.start : p.end] if p.text is None else p.text for p in self.pieces]

    @cached_property
    def text(self) -> str:
        return "".join(self.parts)

    @cached_property
    def starts(self) -> list[int]:
        """Where each piece starts in the new text."""
        made, at = [], 0
        for part in self.parts:
            made.append(at)
            at += len(part)
        return made

    @cached_property
    def _order(self) -> list[int]:
        """Pieces that stand for characters of the old text, in its order."""
        found = [i for i, p in enumerate(self.pieces) if p.end > p.start]
        return sorted(found, key=lambda i: self.pieces[i].start)

    @cached_property
    def _firsts(self) -> list[int]:
        return [self.pieces[i].start for i in self._order]

    def _holding(self, char: int) -> int | None:
        at = bisect_right(self._firsts, char) - 1
        if at < 0:
            return None
        i = self._order[at]
        return i if self.pieces[i].start <= char < self.pieces[i].end else None

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Where start..end stands now; None if it was dropped, torn apart, or partly replaced."""
        if start >= end:
            return None
        first, last = self._holding(start), self._holding(end - 1)
        if first is None or last is None or last < first:
            return None
        a, b = self.pieces[first], self.pieces[last]
        if (a.text is not None and start != a.start) or (b.text is not None and end != b.end):
            return None
        run = self.pieces[first : last + 1]
        if any(one.end != other.start for one, other in pairwise(run)):
            return None
        new_start = self.starts[first] + (start - a.start if a.text is None else 0)
        new_end = self.starts[last] + (end - b.start if b.text is None else len(b.text))
        return (new_start, new_end) if new_start < new_end else None

    def moved(self, start: int, end: int) -> Span | None:
        found = self.span(start, end)
        return None if found is None else Span(*found, self.text[found[0] : found[1]])

    def tokens(self, old: Sequence[Span]) -> tuple[Span, ...]:
        """Old tokens of what was copied, the words of what was put in, in the order of the new text."""
        made = []
        at = 0
        order = sorted((t for t in old if t.end > t.start), key=lambda t: t.start)
        copied: dict[int, list[Span]] = {}
        for t in order:
            found = self._holding(t.start)
            if found is not None and self.pieces[found].text is None:
                copied.setdefault(found, []).append(t)
        for i, piece in enumerate(self.pieces):
            at = self.starts[i]
            if piece.text is None:
                for t in copied.get(i, ()):
                    # A token that runs over the end of a copied piece was cut there.
                    end = min(t.end, piece.end)
                    made.append((at + t.start - piece.start, at + end - piece.start))
            elif piece.end > piece.start:  # a name for a name: its words as they are
                made += [(at + m.start(), at + m.end()) for m in re.finditer(r"\S+", piece.text)]
            else:
                made += [(at + w.start, at + w.end) for w in word_spans(piece.text)]
        return tuple(Span(a, b, self.text[a:b]) for a, b in made)


def replaced(text: str, changes: Mapping[tuple[int, int], str]) -> tuple[Piece, ...]:
    """Pieces of the whole text with some spans (which do not overlap) replaced."""
    made, at = [], 0
    for (start, end), new in sorted(changes.items()):
        if start > at:
            made.append(Piece(at, start))
        made.append(Piece(start, end, new))
        at = end
    if at < len(text):
        made.append(Piece(at, len(text)))
    return tuple(made)


def apply(
    example: Example,
    pieces: Sequence[Piece],
    names: Names | None = None,
    sentences: Mapping[tuple[int, int], tuple[int, int]] | None = None,
) -> Example:
    """The example with the new text and its labels where they now stand. The id and meta stay.

    ``sentences``: old sentence -> new one, of those that were written anew.

    Entities of a relation document that no longer stand in it are left out and triples renumbered.
    Raises Skip where a triple would lose an end.
    """
    edited = Edited(example.inputs.text, tuple(pieces))
    if isinstance(example.target, NerTarget):
        return _ner(example, edited)
    return _relation(example, edited, names or {}, sentences or {})


def _ner(example: Example, edited: Edited) -> Example:
    source, target = example.inputs, example.target
    spans = []
    for s in target.entities:
        found = edited.moved(s.start, s.end)
        if found is not None:
            spans.append(LabelledSpan(found.start, found.end, found.text, s.type, s.entity))
    spans.sort(key=lambda s: (s.start, s.end))
    tokens = None if source.tokens is None else edited.tokens(source.tokens)
    tags = None
    if target.tags is not None and tokens is not None:
        made, lost = tags_of(tokens, [(s.start, s.end, s.type) for s in spans])
        if lost:
            raise Skip(f"the tags cannot say {lost[0][2]} at {lost[0][0]}..{lost[0][1]}")
        tags = tuple(made)
    left = tuple(u for u in (_unplaced(u, edited) for u in target.unplaced) if u is not None)
    # What stood beside the entities (triples, sentences) is about the old text.
    meta = {k: v for k, v in example.meta.items() if k != "relation"}
    return replace(
        example,
        inputs=NerInput(edited.text, tokens, source.label_set),
        target=NerTarget(tuple(spans), tags, "iob2", left),
        meta=meta,
    )


def _unplaced(value: Unplaced, edited: Edited) -> Unplaced | None:
    if value.start < 0:
        return value if value.text in edited.text else None
    found = edited.moved(value.start, value.end)
    if found is None or found.text != value.text:
        return None
    return replace(value, start=found.start, end=found.end)


def _relation(
    example: Example, edited: Edited, names: Names, anew: Mapping[tuple[int, int], tuple[int, int]]
) -> Example:
    source = example.inputs
    number: dict[int, int] = {}
    entities: list[DocEntity] = []
    spelled = squashed if source.tokens is not None else str
    held = spelled(edited.text)
    for i, entity in enumerate(source.entities):
        kinds = entity.types or (entity.type,) * len(entity.mentions)
        moved = [
            (m, k)
            for m, k in (
                (edited.moved(m.start, m.end), k) for m, k in zip(entity.mentions, kinds, strict=True)
            )
            if m is not None
        ]
        moved.sort(key=lambda pair: (pair[0].start, pair[0].end))
        if not moved:
            continue
        number[i] = len(entities)
        entities.append(
            _entity(i, entity, [m for m, _ in moved], [k for _, k in moved], names, held, spelled)
        )
    sentences, places = _sentences(source, edited, anew)
    triples = []
    for t in example.target.triples:
        if (t.head >= 0 and t.head not in number) or (t.tail >= 0 and t.tail not in number):
            raise Skip(f"a triple of {t.relation} would lose an end")
        evidence = tuple(places[e] for e in t.evidence if e in places)
        if len(evidence) < len([e for e in t.evidence if source.sentences and e < len(source.sentences)]):
            raise Skip(f"a triple of {t.relation} would lose its evidence")
        head, tail = number.get(t.head, -1), number.get(t.tail, -1)
        triples.append(
            Triple(
                head,
                t.relation,
                tail,
                _end(source, t.head, t.head_text, entities, head, names),
                _end(source, t.tail, t.tail_text, entities, tail, names),
                evidence,
            )
        )
    tokens = None if source.tokens is None else edited.tokens(source.tokens)
    return replace(
        example,
        inputs=RelationInput(
            edited.text, tuple(entities), tokens, sentences, source.label_set, source.entity_label_set
        ),
        target=RelationTarget(tuple(triples), example.target.extra),
    )


def _entity(number, entity, mentions, kinds, names, held, spelled) -> DocEntity:
    """The entity with the names that still stand in the text, under its new names where it was renamed."""
    told = [names.get((number, a), a) for a in entity.aliases]
    aliases = tuple(dict.fromkeys(a for a in told if spelled(a.strip()) and spelled(a.strip()) in held))
    name = names.get((number, entity.name), entity.name)
    known = {*aliases, *(m.text for m in mentions)}
    if name not in known:
        name = max((m.text for m in mentions), key=len)
    if entity.aliases and not aliases:
        aliases = tuple(dict.fromkeys(m.text for m in mentions))
    kind = entity.type if not entity.types or entity.type in kinds else kinds[0]
    return DocEntity(tuple(mentions), kind, name, aliases, tuple(kinds) if set(kinds) - {kind} else ())


def _end(
    source: RelationInput, old: int, told: str, entities: Sequence[DocEntity], new: int, names: Names
) -> str:
    """The name that a triple gives its end: the new one, "" (the entity's own) where it no longer stands."""
    if new < 0 or not told:
        return told
    before, entity = source.entities[old], entities[new]
    renamed = any(number == old for number, _ in names)
    if not renamed and told not in {before.name, *before.aliases, *(m.text for m in before.mentions)}:
        return told  # a spelling of its own, as it was
    told = names.get((old, told), told)
    return told if told in {entity.name, *entity.aliases, *(m.text for m in entity.mentions)} else ""


def _sentences(
    source: RelationInput, edited: Edited, anew: Mapping[tuple[int, int], tuple[int, int]]
) -> tuple[tuple[tuple[int, int], ...] | None, dict[int, int]]:
    """Sentences in the order of the new text, and old number -> new number."""
    if source.sentences is None:
        return None, {}
    found = []
    for i, (start, end) in enumerate(source.sentences):
        place = anew.get((start, end)) or edited.span(start, end)
        if place is not None:
            found.append((place, i))
    found.sort()
    return tuple(p for p, _ in found), {old: new for new, (_, old) in enumerate(found)}


def first_word(text: str) -> str:
    found = word_spans(text)
    return found[0].text if found else ""
