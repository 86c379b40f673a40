"""The text itself: tags that a rewriter left, text lost against its source, the same document twice."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from finetooth.checks._documents import entity_names, flat, is_ner, mentions
from finetooth.checks._similar import near, shingles
from finetooth.registry import CheckContext, check, flag
from finetooth.text import many, shorten, squeeze, words
from finetooth.types import Example, Finding

_NAME = r"(?:E|ENT|ENTITY|X|PH|PLACEHOLDER|MENTION)[_ -]?\d+"
# Placeholders of entities: no text speaks of them.
_PLACEHOLDER = re.compile(
    rf"\[\[?/?{_NAME}\]?\]?|</?{_NAME}>|<<{_NAME}>>|\[/?E\d+\b|\{{\{{{_NAME}\}}\}}|\{{(?:ENT|ENTITY)[_ -]?\d+\}}"
    rf"|__{_NAME}__|⟦[^⟧]{{0,20}}⟧|@@[A-Z]+\d+@@",
    re.IGNORECASE,
)
# Mask tokens and specials of tokenizers: a text about tokenizers may.
_SPECIAL = re.compile(
    r"\[(?:MASK|CLS|SEP|PAD|UNK)\]|<(?:mask|pad|unk|s|/s|\|endoftext\||\|im_start\||\|im_end\|)>|\[unused\d+\]",
    re.IGNORECASE,
)
_FINISHED = re.compile(r"[.!?…:;\"'”’)\]。！？]\s*$")
ORIGINAL = ("orig", "original", "source", "none", "")
NEAR = 0.8  # of the runs of three words are shared
FEW_RUNS = 5  # "Good luck with your exam!" is said by many


@check("ner", "relation", severity="error")
def leftover_tag(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A placeholder, mask or special token stands in the text or in a name where words should: a rewriter's.

    Bad: {"doc": "[[E12]] left Rome."}
    Fix: {"doc": "Ada left Rome."}
    """
    for example in examples:
        names = " \n".join(_names(example))
        found = Counter(m.group() for m in _PLACEHOLDER.finditer(example.inputs.text))
        for tag in {m.group() for m in _PLACEHOLDER.finditer(names)} - set(found):
            found[tag] = 1
        # A mention that is such a token is spoken of: a text about tokenizers may hold [MASK].
        specials = (m.group() for m in _SPECIAL.finditer(example.inputs.text))
        found.update(tag for tag in specials if tag not in names)
        if found:
            yield flag(
                example,
                f"{many(found.total(), 'leftover tag')}: {', '.join(list(found)[:6])}",
                fix={"drop": True},
                tags=dict(found),
            )


def _names(example: Example) -> Iterator[str]:
    """Mentions, names without a place, and the ends of triples as they are written."""
    yield from (m.text for m in mentions(example))
    if is_ner(example):
        yield from (u.text for u in example.target.unplaced)
        return
    yield from (name for _, name in entity_names(example))
    yield from (name for t in example.target.triples for name in (t.head_text, t.tail_text))


@check("ner", "relation", severity="error")
def document_without_text(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A document has no word in it.

    Bad: {"text": " ", "entities": []}
    Fix: drop the row
    """
    for example in examples:
        if not words(example.inputs.text) and not example.inputs.text.strip():
            yield flag(example, "no text", fix={"drop": True})


def sources(examples: Sequence[Example], context: CheckContext) -> dict[str, Example]:
    """Id of an augmented example -> the example it was made of, here or in the other split.

    Known by ``meta["source"]`` (its id), or by a shared title where ``aug_type`` names a method.
    """
    every = [*examples, *context.against]
    by_id = {e.id: e for e in reversed(every)}
    originals = {
        e.meta["title"]: e
        for e in reversed(every)
        if e.meta.get("title") and str(e.meta.get("aug_type", "")).lower() in ORIGINAL
    }
    found = {}
    for e in examples:
        source = by_id.get(str(e.meta["source"])) if e.meta.get("source") else None
        if source is None and str(e.meta.get("aug_type", "")).lower() not in ORIGINAL:
            source = originals.get(e.meta.get("title", ""))
        if source is not None and source.id != e.id:
            found[e.id] = source
    return found


@check("ner", "relation", severity="warning")
def text_shorter_than_source(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """An augmented document lost much of the text of the one that it was made of, or stops in mid-sentence.

    Summaries and outputs cut at a token limit lose the evidence for labels that stay. Cut off is an
    error; less than 80 % of the words a warning.

    Bad: source "Ada left Rome in May. She took the train to Milan.", augmented "Ada left Rome in"
    Fix: generate sentence by sentence, with room for the longest; drop what is cut
    """
    made_of = sources(examples, context)
    for example in (e for e in examples if e.id in made_of):
        source = made_of[example.id]
        text, original = example.inputs.text, source.inputs.text
        n, whole = len(text.split()), len(original.split())
        share = n / max(whole, 1)
        cut = bool(_FINISHED.search(original)) and not _FINISHED.search(text) and n > 0
        if cut or share < 0.8:
            yield flag(
                example,
                f"{n} words of the source's {whole} ({share:.0%})"
                + (f", and it stops in mid-sentence: {text[-40:]!r}" if cut else ""),
                severity="error" if cut else "warning",
                source=source.id,
                words=n,
                source_words=whole,
                cut=cut,
            )


def _labels(example: Example) -> Any:
    spans = frozenset((m.start, m.end, m.type) for m in flat(example))
    if is_ner(example):
        return spans
    return spans, frozenset((t.head, t.relation, t.tail) for t in example.target.triples)


@check("ner", "relation", severity="warning")
def document_twice(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The same text stands more than once. With the same labels it counts double, with others one is wrong.

    Bad: two rows {"text": "Ada left.", ...}, one with Ada as PER, one without
    Fix: keep one
    """
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        key = squeeze(example.inputs.text)
        if len(key.split()) > 1:
            groups[key].append(example)
    for group in groups.values():
        first = group[0]
        for example in group[1:]:
            same = _labels(example) == _labels(first)
            yield flag(
                example,
                f"the same text as {first.id}, {'with the same labels' if same else 'with other labels'}: "
                f"{shorten(example.inputs.text, 60)!r}",
                fix={"drop": True} if same else None,
                first=first.id,
                same_labels=same,
            )


@check("ner", "relation", severity="warning")
def document_near_duplicate(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A document shares four fifths of its runs of three words with an earlier one: it counts nearly twice.

    Told of texts of seven words or more that are not the same to the letter (document-twice tells
    those). An augmented document is like its source on purpose, and is not told beside it.

    Bad: two reports of one event that differ in a sentence
    Fix: keep one; where their labels differ, look which are right
    """
    made_of = sources(examples, context)
    sets = [shingles(e.inputs.text) for e in examples]
    for i, j, likeness in near([s if len(s) >= FEW_RUNS else frozenset() for s in sets], threshold=NEAR):
        example, other = examples[i], examples[j]
        if squeeze(example.inputs.text) == squeeze(other.inputs.text):
            continue
        one, two = (made_of.get(e.id, e).id for e in (example, other))
        if one == two:
            continue
        same = _named(example) == _named(other)
        yield flag(
            example,
            f"{likeness:.0%} like {other.id}, {'with the same labels' if same else 'with other labels'}: "
            f"{shorten(example.inputs.text, 60)!r}",
            fix={"drop": True} if same else None,
            other=other.id,
            similarity=round(likeness, 4),
            same_labels=same,
        )


def _named(example: Example) -> Any:
    """What the labels say, whatever the places: the mentions' strings and types, the triples' names."""
    said = Counter((squeeze(m.text), m.type) for m in mentions(example))
    if is_ner(example):
        return said
    names = [squeeze(e.name) for e in example.inputs.entities]

    def end(place: int, told: str) -> str:
        return names[place] if 0 <= place < len(names) else squeeze(told)

    return said, {
        (end(t.head, t.head_text), t.relation, end(t.tail, t.tail_text)) for t in example.target.triples
    }
