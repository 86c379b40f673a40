"""Offsets that were counted in another unit than characters, or in the text before it was changed.

A file made in JavaScript counts UTF-16 units, one made in Go or Rust counts bytes, one made before line ends were
converted counts those otherwise. Then the nearest place of an answer may be the wrong one, and the counted one is right.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from finetooth.checks._qa import Answer, distinct, places, stands
from finetooth.types import Example

MOST_PLACES = 50
_BLANKS = re.compile(r"\s+")


def _form(name: str) -> Callable[[str], int]:
    return lambda head: len(unicodedata.normalize(name, head))  # type: ignore[arg-type]


# What the offset of a place would be if the text before it were counted so.
UNITS: dict[str, Callable[[str], int]] = {
    "bytes of UTF-8": lambda head: len(head.encode("utf-8", "surrogatepass")),
    "units of UTF-16": lambda head: len(head.encode("utf-16-le", "surrogatepass")) // 2,
    "a line end as one character": lambda head: len(head.replace("\r\n", "\n")),
    "a line end as two characters": lambda head: len(head.replace("\r\n", "\n").replace("\n", "\r\n")),
    "letters with their accents as one (NFC)": _form("NFC"),
    "accents as characters of their own (NFD)": _form("NFD"),
    "HTML entities as the characters they stand for": lambda head: len(html.unescape(head)),
    "characters as HTML entities": lambda head: len(html.escape(head)),
    "runs of blanks as one": lambda head: len(_BLANKS.sub(" ", head.lstrip())),
    "from one": lambda head: len(head) + 1,
}
WEAK = {"from one"}  # a shift of one may be any slip: believed only where most offsets of the set have it


def counted(text: str, offset: int, context: str) -> dict[str, int]:
    """Unit -> the place of ``text`` in ``context`` whose offset in that unit is ``offset``."""
    found: dict[str, int] = {}
    for at in places(text, context)[:MOST_PLACES]:
        if at == offset:
            continue
        for unit, count in UNITS.items():
            if unit not in found and count(context[:at]) == offset:
                found[unit] = at
    return found


class Counts:
    """How the misplaced answers of a set were counted: ``unit`` is the one that explains most of them, or ""."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.rows: dict[tuple[str, int], dict[str, int]] = {}
        for example in examples:
            for answer in misplaced(example):
                span = answer.span
                self.rows[example.id, answer.golds[0]] = counted(
                    span.text, span.start, example.inputs.context
                )
        votes = Counter(unit for units in self.rows.values() for unit in units)
        self.unit, self.times = max(votes.items(), key=lambda v: v[1], default=("", 0))
        if self.times < max(3, len(self.rows) / 2):
            self.unit = ""

    def place(self, example: Example, answer: Answer) -> tuple[int | None, str]:
        """(the place that is meant, the unit that tells it or ""): the nearest where no unit does."""
        span, source = answer.span, example.inputs.context
        units = self.rows.get((example.id, answer.golds[0]), {})
        unit = self.unit if self.unit in units else next((u for u in units if u not in WEAK), "")
        if unit:
            return units[unit], unit
        return min(places(span.text, source), key=lambda at: abs(at - span.start), default=None), ""


def misplaced(example: Example) -> list[Answer]:
    """The answers that do not stand at their offset though their context holds them."""
    source = example.inputs.context
    return [
        a
        for a in distinct(example)
        if a.span.text.strip() and not stands(a.span, source) and a.span.text in source
    ]
