"""Telling records in prose: a document is a few records in one style, and where each value of them stands.

Styles: ``report`` and ``email`` in whole sentences, ``notes`` in fragments, ``log`` in stamped lines,
``talk`` in turns of two speakers. All that is told is true of the record; what is not told is known too.
"""

from __future__ import annotations

import copyreg
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np

from finetooth.generate.kinds import SLOT, STYLES, Fact, Kind, kinds
from finetooth.generate.world import Record, Taken, Value, World, pick
from finetooth.machines import Spread

FRAME = -1  # the record of what is not told of a record: who writes, who speaks
HOW_MANY_RECORDS = (0.5, 0.4, 0.1)  # one, two, three
AT_ONCE = 32  # documents that a worker writes before it hands them over
MOST_RECORDS = len(HOW_MANY_RECORDS)

REPORT_OPENINGS = (
    "",
    "",
    "This is the weekly report on {topic}.",
    "The following was recorded under {topic}.",
    "A short report from the {topic} desk.",
    "Summary for the file on {topic}.",
)
REPORT_LINKS = ("", "", "A second matter.", "Another entry belongs here.", "There is more to report.")
REPORT_CLOSINGS = (
    "",
    "",
    "",
    "Nothing else happened.",
    "No further steps are needed.",
    "The file stays open.",
)
EMAIL_SUBJECTS = ("{topic}", "Update on {topic}", "News: {topic}", "{topic}, for your information")
EMAIL_GREETINGS = (
    "Hi {reader.first},",
    "Dear {reader.first},",
    "Hello {reader.first},",
    "Good morning {reader.first},",
)
EMAIL_OPENINGS = (
    "",
    "I hope you are well.",
    "A quick update.",
    "As promised, here is the latest.",
    "Thanks for your call.",
)
EMAIL_LINKS = (
    "One more thing.",
    "And there is something else.",
    "Also worth knowing:",
    "On another subject:",
)
EMAIL_CLOSINGS = (
    "Best wishes!",
    "Talk soon!",
    "Thank you!",
    "Let me know if you have questions.",
    "More next week.",
)
NOTES_TITLES = (
    "Notes on {topic}:",
    "Meeting notes, {topic}:",
    "To remember ({topic}):",
    "Jottings, {topic}:",
)
LOG_TITLES = (
    "Log of the {topic} system:",
    "Event log, {topic}:",
    "System journal ({topic}):",
    "Audit trail for {topic}:",
)
TALK_TITLES = (
    "Phone call between {a} and {b}.",
    "{a} and {b} talk in the corridor.",
    "Chat of {a} with {b}.",
    "{a} asks, {b} answers.",
)
TALK_LINKS = (
    "And the other matter?|Right.",
    "Anything else?|Yes, one thing.",
    "What else is new?|Let me see.",
)


@dataclass(frozen=True)
class Placed:
    """A value where it stands: characters of the text, half-open. ``record`` is a place in ``records``,
    or FRAME; ``fact`` the fact that told it; ``form`` how it is written."""

    start: int
    end: int
    record: int
    slot: str
    fact: str
    form: str
    value: Value

    def text(self, document: Document) -> str:
        return document.text[self.start : self.end]


@dataclass(frozen=True)
class Document:
    """A text and all that is known of it. ``told[i]`` are the facts of ``records[i]`` that it states."""

    id: str
    style: str
    text: str
    records: tuple[Record, ...]
    told: tuple[tuple[Fact, ...], ...]
    placed: tuple[Placed, ...]
    frame: Record
    sentences: tuple[tuple[int, int, int, str], ...]  # start, end, record, fact

    @cached_property
    def whole(self) -> tuple[Kind, ...]:
        return tuple(kinds()[r.kind] for r in self.records)

    def record(self, place: int) -> Record:
        return self.frame if place == FRAME else self.records[place]

    def at(self, record: int, fact: str, slot: str) -> Placed | None:
        """Where a fact's own words name the slot first."""
        return next((p for p in self.placed if (p.record, p.fact, p.slot) == (record, fact, slot)), None)


class _Writer:
    """A text that grows, and remembers where its values went."""

    def __init__(self) -> None:
        self.text = ""
        self.placed: list[Placed] = []
        self.sentences: list[tuple[int, int, int, str]] = []

    def add(self, template: str, record: Record, place: int, fact: str = "") -> None:
        began, at = len(self.text), 0
        for m in SLOT.finditer(template):
            self.text += template[at : m.start()]
            slot, form = m[1], m[2] or ""
            value = record.values[slot]
            start = len(self.text)
            self.text += value.form(form)
            self.placed.append(Placed(start, len(self.text), place, slot, fact, form, value))
            at = m.end()
        self.text += template[at:]
        if fact:
            self.sentences.append((began, len(self.text), place, fact))

    def join(self, mark: str) -> None:
        if self.text and not self.text.endswith("\n"):
            self.text += mark


def documents(
    seed: int, *, records: int = MOST_RECORDS, alike: bool = False, spread: Spread | None = None
) -> Iterator[Document]:
    """The documents of a world, one after the other, without end, of at most so many records each.

    ``alike``: just so many, and all of one kind. ``spread`` writes them in several processes or on a cluster; each
    depends on its number alone.
    """
    if spread is not None and not spread.alone:
        for some in spread(_some, (seed, records, alike), itertools.count(0, AT_ONCE)):
            yield from some
    world = World(seed)
    for n in itertools.count():
        yield document(world, n, records=records, alike=alike)


# Documents hold read-only mappings, which pickle does not take by itself.
def _read_only(values: dict[str, str]) -> MappingProxyType[str, str]:
    return MappingProxyType(values)


copyreg.pickle(MappingProxyType, lambda m: (_read_only, (dict(m),)))


def _some(shared: tuple[int, int, bool], first: int) -> list[Document]:
    seed, records, alike = shared
    world = World(seed)
    return [document(world, n, records=records, alike=alike) for n in range(first, first + AT_ONCE)]


def document(world: World, n: int, *, records: int = MOST_RECORDS, alike: bool = False) -> Document:
    """Document ``n`` of a world. Drawn again where a string of it would mean two things."""
    for attempt in range(100):
        made = _document(world, n, records, alike, np.random.default_rng([world.seed, 2, n, attempt]))
        if made is not None and not stray(made):
            return made
    raise RuntimeError(f"document {n} of world {world.seed}: no clear wording in 100 attempts")


def _document(world: World, n: int, most: int, alike: bool, rng: np.random.Generator) -> Document | None:
    known = list(kinds().values())
    first = pick(known, rng)
    size = most if alike else min(most, 1 + int(rng.choice(MOST_RECORDS, p=HOW_MANY_RECORDS)))
    # Two of one kind are the hard case: only the key tells them apart.
    which = [first] + [first if alike or rng.random() < 0.5 else pick(known, rng) for _ in range(size - 1)]
    writer, reader = world.two_people(world.company(rng), rng)
    names = {"writer": writer.value, "reader": reader.value, "a": writer.value, "b": reader.value}
    frame = Record("frame", names)
    style = pick(STYLES, rng)
    taken = Taken()
    if style in ("email", "talk"):
        taken.add(frame)
    records = []
    for i, kind in enumerate(which):
        for _ in range(20):
            record = kind.draw(world, (4271 + 5381 * world.seed + 7919 * (3 * n + i)) % 100_000, rng)
            if not taken.clashes(record) and not muddled(record):
                break
        else:
            return None
        taken.add(record)
        records.append(record)
    told = tuple(_told(kind, len(which), rng) for kind in which)
    sheet = _Writer()
    _write(sheet, style, which, records, told, frame, rng)
    return Document(
        f"{world.seed}-{n:05}",
        style,
        sheet.text,
        tuple(records),
        told,
        tuple(sheet.placed),
        frame,
        tuple(sheet.sentences),
    )


def muddled(record: Record) -> bool:
    """Whether one string of the record could mean two of its values."""
    seen: dict[str, str] = {}
    return any(
        seen.setdefault(text, v.key) != v.key for v in record.values.values() for text in v.forms.values()
    )


def stray(document: Document) -> bool:
    """Whether a value's string stands, as whole words, where the value was not placed."""
    covered: dict[str, list[tuple[int, int]]] = {}
    for p in document.placed:
        covered.setdefault(p.value.key, []).append((p.start, p.end))
    text = document.text
    for surface, key in {(text[p.start : p.end], p.value.key) for p in document.placed}:
        at = text.find(surface)
        while at >= 0:
            end = at + len(surface)
            edges = text[max(0, at - 1) : at] + text[end : end + 1]
            if not any(c.isalnum() for c in edges) and not any(a <= at and end <= b for a, b in covered[key]):
                return True
            at = text.find(surface, at + 1)
    return False


def _told(kind: Kind, of: int, rng: np.random.Generator) -> tuple[Fact, ...]:
    """The first fact, and some of the others: fewer where there are more records, mostly in the order
    in which things happen."""
    others = list(kind.facts[1:])
    n = min(len(others), int(rng.integers(3, 6)) if of == 1 else int(rng.integers(2, 4)))
    chosen = rng.permutation(len(others))[:n]
    if rng.random() < 0.7:
        chosen.sort()
    return (kind.facts[0], *(others[i] for i in chosen))


def _write(
    sheet: _Writer,
    style: str,
    which: Sequence[Kind],
    records: Sequence[Record],
    told: Sequence[Sequence[Fact]],
    frame: Record,
    rng: np.random.Generator,
) -> None:
    """The whole text, into ``sheet``."""
    topic = pick(which[0].titles, rng)

    def framed(templates: Sequence[str], mark: str = "") -> None:
        template = pick(templates, rng).replace("{topic}", topic)
        if template:
            sheet.join(mark)
            sheet.add(template[0].upper() + template[1:], frame, FRAME)

    def said(i: int) -> Iterator[tuple[str, Record, str]]:
        for fact in told[i]:
            yield pick(fact.told[style], rng), records[i], fact.name

    if style == "report":
        framed(REPORT_OPENINGS)
        for i in range(len(records)):
            if i:
                framed(REPORT_LINKS, " ")
            for template, record, fact in said(i):
                sheet.join(" ")
                sheet.add(template, record, i, fact)
        framed(REPORT_CLOSINGS, " ")
    elif style == "email":
        sheet.add("From: {writer}\nTo: {reader}\nSubject: ", frame, FRAME)
        framed(EMAIL_SUBJECTS)
        sheet.text += "\n\n"
        framed(EMAIL_GREETINGS)
        sheet.text += "\n"
        framed(EMAIL_OPENINGS)
        for i in range(len(records)):
            if i:
                framed(EMAIL_LINKS, " ")
            for template, record, fact in said(i):
                sheet.join(" ")
                sheet.add(template, record, i, fact)
        framed(EMAIL_CLOSINGS, "\n")
    elif style == "notes":
        framed(NOTES_TITLES)
        for i in range(len(records)):
            for template, record, fact in said(i):
                sheet.text += "\n- "
                sheet.add(template, record, i, fact)
    elif style == "log":
        framed(LOG_TITLES)
        minute = int(rng.integers(7 * 60, 9 * 60))
        for i in range(len(records)):
            for template, record, fact in said(i):
                minute += int(rng.integers(2, 31))
                sheet.text += f"\n{minute // 60:02}:{minute % 60:02} "
                sheet.add(template, record, i, fact)
    else:
        framed(TALK_TITLES)
        for i in range(len(records)):
            if i:
                _turns(sheet, pick(TALK_LINKS, rng), frame, frame, FRAME, "")
            for template, record, fact in said(i):
                _turns(sheet, template, record, frame, i, fact)


def _turns(sheet: _Writer, template: str, record: Record, frame: Record, place: int, fact: str) -> None:
    for turn, words in enumerate(template.split("|")):
        sheet.text += "\n"
        sheet.add("{a.first}: " if turn % 2 == 0 else "{b.first}: ", frame, FRAME)
        sheet.add(words, record, place, fact)
