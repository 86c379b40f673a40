"""Mentions: does the text hold them, where they say, whole words, one type?"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from finetooth.checks._documents import is_ner, mentions, unplaced, variant
from finetooth.checks._recount import Recounts
from finetooth.registry import CheckContext, check, flag
from finetooth.tasks.documents import NO_NAME, NOT_AT_PLACE, LabelledSpan
from finetooth.tasks.mentions import cuts_word, overlapping, places
from finetooth.tasks.relation import nameless
from finetooth.text import is_hangul, many
from finetooth.types import Example, Finding


@check("ner", "relation", severity="error")
def mention_not_in_text(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The labels name a mention that the text does not hold. An augmentation that rewrites text does this.

    No token can be labelled for it; a loader that skips it trains the model to miss what is there
    under another name.

    Bad: {"doc": "She left Rome.", "entities": [{"mentions": ["Ada"], "type": "PERSON"}]}
    Fix: {"doc": "Ada left Rome.", "entities": [{"mentions": ["Ada"], "type": "PERSON"}]}
    """
    for example in examples:
        for lost in unplaced(example):
            if lost.why != "not in text":
                continue
            found = variant(lost.text, example.inputs.text)
            fix: Any = {"entity": lost.entity, "mention": lost.text}
            fix |= {"text": found} if found else {"drop": True}
            if found and found.islower() and not lost.text.islower() and len(found.split()) == 1:
                fix = f"did you mean {found!r}?"  # US may be another word than us, and May than may
            yield flag(
                example,
                f"the text does not hold the mention {lost.text!r} ({lost.type})"
                + (f"; it writes {found!r}" if found else ""),
                fix=fix,
                mention=lost.text,
                type=lost.type,
                entity=lost.entity,
            )


@check("ner", "relation", severity="error")
def entity_without_mention(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """An entity lists no mention, or only empty ones: nothing in the text can be labelled for it.

    Bad: {"doc": "Ada left.", "entities": [{"mentions": [], "type": "PERSON"}]}
    Fix: {"doc": "Ada left.", "entities": [{"mentions": ["Ada"], "type": "PERSON"}]}
    """
    for example in examples:
        if is_ner(example):
            listed = [(u.entity, u.type) for u in unplaced(example) if u.why == NO_NAME]
        else:
            listed = [(i, e.type) for i, e in enumerate(example.inputs.entities) if nameless(e)]
        for number, kind in listed:
            yield flag(
                example,
                f"entity {number} ({kind or 'without a type'}) has no mention",
                fix={"entity": number, "drop": True},
                entity=number,
                type=kind,
            )


def inside(m: LabelledSpan, text: str) -> bool:
    """Whether its characters are characters of the text: a slice does not say, it stops at the end."""
    return 0 <= m.start <= m.end <= len(text)


@check("ner", "relation", severity="error")
def offset_not_on_mention(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The offsets of a mention point at other characters than its text, or outside the document's.

    The fix is the place that the offsets mean if they count bytes, UTF-16 units or accents otherwise, else the
    nearest place of the mention's text. Where a row gives no text and no such count fits, there is none: an end
    beyond the text says nothing of where the mention ends.

    Bad: {"text": "Ada left.", "entities": [{"start": 4, "end": 7, "text": "Ada", "type": "PER"}]}
    Fix: {"text": "Ada left.", "entities": [{"start": 0, "end": 3, "text": "Ada", "type": "PER"}]}
    """
    off = [
        (example, i, m)
        for example in examples
        for i, m in enumerate([*mentions(example), *_misplaced(example)])
        if not (inside(m, example.inputs.text) and m.start < m.end and _slice(m, example) == m.text)
    ]
    stated = {(e.id, i): "" if _slice(m, e) == m.text else m.text for e, i, m in off}
    counts = Recounts(((e.id, i), e.inputs.text, m, stated[e.id, i]) for e, i, m in off)
    yield from _counted(counts)
    for example, i, m in off:
        text = example.inputs.text
        within = inside(m, text)
        found = text[m.start : m.end] if within else ""
        if (m.start, m.end) == (-1, -1):
            why = f"the place given for {m.text!r} is outside its sentence, or holds no words"
        elif not within:
            why = f"{m.start}..{m.end} is outside a text of {len(text)} characters"
        elif m.text:
            why = f"{m.start}..{m.end} holds {found!r}, the mention is {m.text!r}"
        else:
            why = f"{m.start}..{m.end} is an empty mention"
        at, unit = counts.place((example.id, i))
        if at is None and stated[example.id, i]:
            start = min(places(m.text, text), key=lambda p: abs(p - m.start), default=None)
            at = None if start is None else (start, start + len(m.text))
        if unit and at:
            why += f"; {text[at[0] : at[1]]!r} stands there if one counts {unit}"
        # One that is not among the flat spans of NER has no number there.
        listed = i < len(mentions(example))
        which: dict[str, Any] = {"mention": i} if listed else {"text": m.text, "type": m.type}
        yield flag(
            example,
            why,
            fix=None if at is None else which | {"start": at[0], "end": at[1]},
            **which,
            start=m.start,
            end=m.end,
            expected=m.text,
            found=found,
            counted=unit,
        )


def _slice(m: LabelledSpan, example: Example) -> str:
    """What the offsets hold, cut to the text: what a mention that states no text is read with."""
    return example.inputs.text[max(m.start, 0) : max(m.end, 0)]


def _counted(counts: Recounts) -> Iterator[Finding]:
    if counts.unit:
        yield flag(
            "",
            f"{counts.times:,} of {len(counts.rows):,} spans that are off stand right if one counts {counts.unit}",
            severity="info",
            fix="count characters (code points) of the text as it stands",
            counted=counts.unit,
            explained=counts.times,
            off=len(counts.rows),
        )


def _misplaced(example: Example) -> list[LabelledSpan]:
    """Mentions of a document read as NER that its flat spans could not take: their offsets hold nothing."""
    if not is_ner(example):
        return []  # those of a relation file are all among its mentions
    return [
        LabelledSpan(u.start, u.end, u.text, u.type, u.entity)
        for u in unplaced(example)
        if u.why == NOT_AT_PLACE
    ]


@check("ner", "relation", severity="warning")
def boundary_off_word(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A mention begins or ends inside a word, or with a blank or comma: its boundary is off by a little.

    The fix is the whole word, or where offsets that count bytes, UTF-16 units or accents otherwise give whole
    words, those. One that is cut at both ends, or holds less than half of a word, is left to a reader.

    Bad: {"text": "Ada left.", "entities": [{"start": 0, "end": 2, "type": "PER"}]}
    Fix: {"text": "Ada left.", "entities": [{"start": 0, "end": 3, "type": "PER"}]}
    """
    off = {}
    for example in examples:
        for i, m in enumerate(mentions(example)):
            wrong = _off_word(example, m)
            if wrong is not None:
                off[example.id, i] = wrong
    counts = Recounts(
        ((e.id, i), e.inputs.text, m, "")
        for e in examples
        for i, m in enumerate(mentions(e))
        if (e.id, i) in off and e.inputs.tokens is None
    )
    yield from _counted(counts)
    for example in examples:
        text = example.inputs.text
        for number, entity in enumerate(() if is_ner(example) else example.inputs.entities):
            for name in entity.aliases:
                if name != name.strip():
                    yield flag(
                        example,
                        f"the name {name!r} begins or ends with a blank",
                        fix={"entity": number, "name": name.strip()},
                        entity=number,
                        name=name,
                    )
        for i, m in enumerate(mentions(example)):
            if (example.id, i) not in off:
                continue
            start, end, why = off[example.id, i]
            at, unit = counts.place((example.id, i))
            fix: dict[str, Any] | None = {"mention": i, "start": start, "end": end}
            if not text[start:end].strip():
                fix = {"mention": i, "drop": True}
            elif at is not None:
                fix = {"mention": i, "start": at[0], "end": at[1]}
                why += f"; {text[at[0] : at[1]]!r} stands there if one counts {unit}"
            elif not _grown(text, m, start, end):
                fix = None
            yield flag(
                example,
                f"the mention {m.text!r} {why}",
                fix=fix,
                mention=i,
                start=m.start,
                end=m.end,
                counted=unit,
            )


# Names may end in a full stop, and an HTML entity ends in a semicolon.
_LOOSE = re.compile(
    r"^[,;，；、،؛\s]+|(?<![,:;，；：、،؛\s])(?<!&\w{2})(?<!&\w{3})(?<!&\w{4})(?<!&#\d{2})[,:;，；：、،؛\s]+$"
)


def _off_word(example: Example, m: LabelledSpan) -> tuple[int, int, str] | None:
    """(start, end, what is wrong) of a mention without blanks at its edges and widened to whole words."""
    text = example.inputs.text
    if not inside(m, text) or text[m.start : m.end] != m.text or not m.text:
        return None  # offset-not-on-mention says so
    start = m.start + len(m.text) - len(m.text.lstrip())
    end = max(start, m.end - len(m.text) + len(m.text.rstrip()))
    core = _LOOSE.sub("", text[start:end])
    loose = core != text[start:end] and any(map(str.isalnum, core))
    if loose:
        at = text.index(core, start)
        held = {x for t in example.inputs.tokens or () for x in (t.start, t.end)}
        loose = not held or {at, at + len(core)} <= held  # "Rome," may be one token, and cannot be cut
        start, end = (at, at + len(core)) if loose else (start, end)
    cut = example.inputs.tokens is None and start < end and cuts_word(text, start, end)
    while cut and start > 0 and cuts_word(text, start, start):
        start -= 1
    while cut and end < len(text) and cuts_word(text, end, end):
        end += 1
    if m.text != m.text.strip():
        return start, end, "begins or ends with a blank"
    if loose:
        return start, end, "begins or ends with a comma, colon or semicolon"
    return (start, end, f"is part of the word {text[start:end]!r}") if cut else None


def _grown(text: str, m: LabelledSpan, start: int, end: int) -> bool:
    """Whether the mention lacks a few letters of what it was widened to, so that this is what is meant.

    One that is cut at both ends may as well have been moved, and one that holds little of a word have too much.
    """
    before, after = max(0, m.start - start), max(0, end - m.end)
    if not before and not after:
        return True  # only blanks were too much
    words = m.text.split()
    if (before and after) or before + after >= len(words[0 if before else -1]):
        return False
    if after and is_hangul(text[m.end - 1]):
        return False  # a particle of Korean is no part of the name: only a reader can tell it from one
    if len(words) == 1:
        return True
    if before:
        return cuts_word(text, m.start - before, m.end - before)  # "nks a" is "Hanks", moved by two
    return (
        not words[-1].islower() or words[0].islower()
    )  # "Rome wa" has too much, not too little, of "Rome was"


@check("ner", "relation", severity="warning")
def overlapping_mentions(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Two mentions share characters. A tagger gives a token one label, so one of the two cannot be learned.

    Mentions that cross are an error where spans are given: neither lies in the other. One inside another
    is a warning there. Those of a document's entities (DocIE, DocRED) nest as a matter of course: the
    longest is kept, the rest are counted in one finding a document; those that cross are a warning.

    Bad: {"text": "Rome Opera House", "entities": [{"start": 0, "end": 10, "type": "ORG"}, {"start": 5, "end": 16, "type": "LOC"}]}
    Fix: keep the one that is right: {"start": 0, "end": 16, "type": "LOC"}
    """
    for example in examples:
        if is_ner(example):
            listed = list(example.target.entities)
            pairs = list(overlapping([(m.start, m.end) for m in listed]))
            for i, j in pairs:
                a, b = listed[i], listed[j]
                if (a.start, a.end) == (b.start, b.end):
                    yield _same_place(example, a, b, i, j)
                    continue
                crossing = not (b.end <= a.end or (a.start == b.start and a.end <= b.end))
                yield flag(
                    example,
                    f"{a.text!r} ({a.type}) and {b.text!r} ({b.type}) "
                    + ("cross" if crossing else "overlap, one inside the other"),
                    severity="error" if crossing else "warning",
                    mentions=[i, j],
                    spans=[[a.start, a.end], [b.start, b.end]],
                )
        twice = _listed_twice(example)
        if twice:
            yield flag(
                example,
                f"{many(len(twice), 'mention is', 'mentions are')} listed twice at one place of one entity: "
                + ", ".join(repr(example.inputs.text[a:b]) for a, b, _ in twice[:5]),
                severity="info",
                spans=[[a, b] for a, b, _ in twice],
            )
        given_way = [u for u in unplaced(example) if u.why == "inside a longer mention" and u.start >= 0]
        if given_way:
            yield flag(
                example,
                f"{many(len(given_way), 'mention lies in a longer one', 'mentions lie in longer ones')}, which a tagger learns instead: "
                + ", ".join(repr(u.text) for u in given_way[:5]),
                severity="info",
                mentions=[{"text": u.text, "type": u.type, "start": u.start} for u in given_way],
            )
        crossed = [u for u in unplaced(example) if u.why == "across another mention"]
        if crossed:
            yield flag(
                example,
                f"{many(len(crossed), 'mention crosses another', 'mentions cross others')}, and neither lies in the other: "
                + ", ".join(repr(u.text) for u in crossed[:5]),
                mentions=[{"text": u.text, "type": u.type, "start": u.start} for u in crossed],
            )


def _listed_twice(example: Example) -> list[tuple[int, int, int | None]]:
    """(start, end, entity) of what an entity of a document lists more than once."""
    if is_ner(example):
        first = {(m.start, m.end, m.entity) for m in mentions(example) if m.entity is not None}
        return [p for u in unplaced(example) if (p := (u.start, u.end, u.entity)) in first]
    count = Counter((m.start, m.end, m.entity) for m in mentions(example) if m.start >= 0)
    return [p for p, n in count.items() if n > 1]


def _same_place(example: Example, a, b, i: int, j: int) -> Finding:
    if a.type == b.type:
        return flag(
            example,
            f"{a.text!r} is labelled {a.type} twice",
            fix={"mention": j, "drop": True},
            mentions=[i, j],
        )
    return flag(
        example,
        f"{a.text!r} at {a.start} is both {a.type} and {b.type}",
        severity="error",
        mentions=[i, j],
        types=[a.type, b.type],
    )


@check("ner", "relation", severity="warning")
def two_types(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """One document gives the same string two types. It may be right (Washington), mostly it is a slip.

    Bad: {"text": "Ada ... Ada", "entities": [{"start": 0, "end": 3, "type": "PER"}, {"start": 8, "end": 11, "type": "ORG"}]}
    Fix: {"text": "Ada ... Ada", "entities": [{"start": 0, "end": 3, "type": "PER"}, {"start": 8, "end": 11, "type": "PER"}]}
    """
    corpus: dict[str, Counter[str]] = defaultdict(Counter)
    found = []
    for example in examples:
        here: dict[str, Counter[str]] = defaultdict(Counter)
        for m in mentions(example):
            here[m.text][m.type] += 1
        for u in unplaced(example):
            if u.why in ("another type here", "inside a longer name") and is_ner(example):
                here[u.text][u.type] += 1
        for text, types in here.items():
            corpus[text].update(types)
        found.append(here)
    for example, here in zip(examples, found, strict=True):
        for text, types in here.items():
            if len(types) > 1:
                (best, n), (_, next_n) = corpus[text].most_common(2)
                yield flag(
                    example,
                    f"{text!r} is " + " and ".join(f"{t} ({n}x)" for t, n in types.most_common()),
                    fix={"text": text, "type": best} if n > next_n else None,
                    text=text,
                    types=dict(types),
                )
