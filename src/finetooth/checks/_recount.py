"""Spans whose offsets count something else than characters: bytes, UTF-16 units, letters composed or not.

In "Café Ünal in Zürich", 15..22 are the bytes of "Zürich", which stands at 13..19.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Hashable, Iterable
from functools import lru_cache

from finetooth.checks._counted import UNITS, WEAK
from finetooth.tasks.documents import LabelledSpan
from finetooth.tasks.mentions import cuts_word, is_word

Place = tuple[int, int]
# Believed of one span alone. The other units are believed where they explain most spans of the set.
STRONG = frozenset(
    name
    for name in UNITS
    if name not in WEAK and any(unit in name for unit in ("UTF-8", "UTF-16", "NFC", "NFD"))
)


@lru_cache(maxsize=64)
def _telling(text: str) -> tuple[str, ...]:
    """The units in which the text has another length than in characters; the others say nothing of it."""
    return tuple(unit for unit, count in UNITS.items() if count(text) != len(text))


def recounted(text: str, start: int, end: int, stated: str = "") -> dict[str, Place]:
    """Unit -> the place that start..end are in it, where that is ``stated``, or without it one or more whole words."""
    found = {}
    for unit in _telling(text) if 0 <= start < end else ():
        count = UNITS[unit]

        def size(at: int, count=count) -> int:
            return count(text[:at])

        places = range(len(text) + 1)
        a = bisect_right(places, start, key=size) - 1
        b = bisect_left(places, end, key=size)
        if a < 0 or b > len(text) or size(a) != start or size(b) != end:
            continue
        while b < len(text) and size(b + 1) == end and not text[b].isspace():
            b += 1  # an accent that is counted with its letter
        if a < b and (a, b) != (start, end) and _fits(text, a, b, stated):
            found[unit] = (a, b)
    return found


def _fits(text: str, start: int, end: int, stated: str) -> bool:
    if stated:
        return text[start:end] == stated
    return is_word(text[start]) and is_word(text[end - 1]) and not cuts_word(text, start, end)


class Recounts:
    """What the offsets of a set's spans were counted in: ``unit`` explains most of those that are off, or is ""."""

    def __init__(self, spans: Iterable[tuple[Hashable, str, LabelledSpan, str]]) -> None:
        """``spans``: (key, the text, the span, its stated string or "") of each that is off."""
        self.rows = {key: recounted(text, m.start, m.end, stated) for key, text, m, stated in spans}
        votes = Counter(unit for units in self.rows.values() for unit in units)
        self.unit, self.times = max(votes.items(), key=lambda v: v[1], default=("", 0))
        if self.times < max(3, len(self.rows) / 2):
            self.unit = ""

    def place(self, key: Hashable) -> tuple[Place | None, str]:
        """(the place that is meant, the unit that tells it); None and "" where none does, or two disagree."""
        units = self.rows.get(key, {})
        if self.unit in units:
            return units[self.unit], self.unit
        strong = {unit: at for unit, at in units.items() if unit in STRONG}
        if len(set(strong.values())) != 1:
            return None, ""
        unit, at = next(iter(strong.items()))
        return at, unit
