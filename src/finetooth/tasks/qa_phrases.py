"""The phrases of a passage: what an answer may be, found without a model.

"Ada Lovelace left for London in 1843." -> Ada Lovelace | left | London | 1843
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from finetooth.text import word_offsets, words

STOP = frozenset(
    words(
        "a an the of in on at to for from by with and or nor but is are was were be been being do does did has have had "
        "it its this that these those what who whom whose when where which why how as than then there their his her he "
        "she they we you i not no can could will would should may might must into onto over under about after before "
        "between during through also only such so if while because many much"
    )
)
LONGEST = 8  # words of a phrase
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])|\n+")
_BREAK = re.compile(r"[,;:()\[\]\"]|[.!?]\s")

Offsets = Sequence[tuple[int, int]]


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where sentences start and end, in characters, half-open; blank ones left out."""
    at = 0
    for end in _SENTENCE_END.finditer(text):
        if text[at : end.start()].strip():
            yield at, end.start()
        at = end.end()
    if text[at:].strip():
        yield at, len(text)


def phrases(
    text: str, offsets: Offsets, stop: Sequence[bool], first: int = 0, last: int | None = None
) -> Iterator[tuple[int, int]]:
    """Runs of words (first, last, half-open, as numbers of words) without a stop word or punctuation inside.

    ``offsets`` are those of ``word_offsets(text)``, ``stop`` says which of these words no phrase holds.
    """
    last = len(offsets) if last is None else last
    at = first
    while at < last:
        if stop[at]:
            at += 1
            continue
        end = at + 1
        while (
            end < last
            and end - at < LONGEST
            and not stop[end]
            and not _BREAK.search(text[offsets[end - 1][1] : offsets[end][0]])
        ):
            end += 1
        yield at, end
        at = end


def pieces(text: str, keep: Sequence[tuple[int, int]] = ()) -> list[tuple[int, int]]:
    """All phrases of ``text`` in characters; the spans to ``keep`` stay whole, overlapping ones as one."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(keep):
        if kept and start < kept[-1][1]:
            kept[-1] = (kept[-1][0], max(kept[-1][1], end))
        else:
            kept.append((start, end))
    offsets = word_offsets(text)
    stop = [
        text[a:b].lower() in STOP or any(a < end and start < b for start, end in kept) for a, b in offsets
    ]
    found = [(offsets[i][0], offsets[j - 1][1]) for i, j in phrases(text, offsets, stop)]
    return sorted([*found, *kept])
