"""Mentions between strings and characters: placing names in a text, nesting, words, tags.

Of ["Rome", "Rome Tiber Club"] in "Rome Tiber Club left Rome." the long one stands at 0..15, the short one at 21..25.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from finetooth.metrics.ner_tags import from_chunks
from finetooth.tasks.documents import NOT_AT_PLACE, LabelledSpan
from finetooth.text import in_word, is_unspaced, splits_word, squeeze, with_marks
from finetooth.types import Span

_WORDS = re.compile(r"\w+|[^\w\s]")
_DETERMINER = re.compile(r"^(?:the|a|an|its|their|his|her|this|these)\s+")


def edges(value: Mapping[str, Any]) -> tuple[Any, Any]:
    """What stands for start and end of a span, under the names that tools give them; None where nothing does."""
    return (
        next((value[k] for k in ("start", "start_offset", "start_char") if k in value), None),
        next((value[k] for k in ("end", "end_offset", "end_char") if k in value), None),
    )


def is_word(char: str) -> bool:
    """Whether it holds a word together: a letter or digit or a mark on one, but none of a script that sets no blanks."""
    return (in_word(char) or char == "_") and not is_unspaced(char)


def cuts_word(text: str, start: int, end: int) -> bool:
    """Whether a span begins or ends in the middle of a word. Where a script sets no blanks, nobody can say."""
    return _cuts(text, start) or _cuts(text, end)


def _cuts(text: str, at: int) -> bool:
    return splits_word(text, at, "_") and not is_unspaced(text[at - 1]) and not is_unspaced(text[at])


def places(name: str, text: str) -> list[int]:
    """Where ``name`` stands in ``text`` as whole words; inside words only where it never stands whole.

    Starts of occurrences that do not overlap one another, in order; [] for a name without characters.
    """
    if not name.strip():
        return []
    whole: list[int] = []
    within: list[int] = []
    at = text.find(name)
    while at >= 0:
        found = within if cuts_word(text, at, at + len(name)) else whole
        if not found or found[-1] + len(name) <= at:
            found.append(at)
        at = text.find(name, at + 1)
    return whole or within


def name_key(name: str) -> str:
    """What two names of one thing share: case, spacing, edge punctuation and a determiner do not count.

    A plus or a number sign at the end of a word does: C, C++ and C# are three things.
    """
    key = _bare(squeeze(name))
    return _bare(_DETERMINER.sub("", key)) or key


def _bare(name: str) -> str:
    """Without the punctuation at its edges, but for what hangs on its last word and makes it another name."""
    start, end = 0, len(name)
    while start < end and not name[start].isalnum():
        start += 1
    while end > start and not in_word(name[end - 1]):
        end -= 1
    while start < end < len(name) and name[end] in "+#":
        end += 1
    return name[start:end]


def longest_first(spans: Iterable[tuple[int, int]]) -> list[int]:
    """Places (in the order given) of the spans that stay when the longest claims its characters first.

    Of equals the one that comes first in the text, then in the list. Spans without characters, and those
    that begin before the text does, never stay.
    """
    listed = list(spans)
    order = sorted(range(len(listed)), key=lambda i: (listed[i][0] - listed[i][1], listed[i][0], i))
    claimed = Claimed()
    return sorted(i for i in order if claimed.claim(*listed[i]))


class Claimed:
    """Characters that are taken, as places that do not overlap: starts and ends of both lists are in order.

    No array of characters, since an end may be any number that a file holds.
    """

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def free(self, start: int, end: int) -> bool:
        """Whether there are such characters, and none of them is taken."""
        at = bisect_left(self.starts, start)
        before = at == 0 or self.ends[at - 1] <= start
        return 0 <= start < end and before and (at == len(self.starts) or end <= self.starts[at])

    def claim(self, start: int, end: int) -> bool:
        """Takes them if they are free; whether they were."""
        if not self.free(start, end):
            return False
        at = bisect_left(self.starts, start)
        self.starts.insert(at, start)
        self.ends.insert(at, end)
        return True


def gave_way(s: LabelledSpan, taken: Mapping[tuple[int, int], str], edges: Sequence[tuple[int, int]]) -> str:
    """Why this mention is none of those ``taken`` (place -> type; ``edges`` are the places in order): see Unplaced."""
    if not 0 <= s.start < s.end:
        return NOT_AT_PLACE
    same = taken.get((s.start, s.end))
    if same is not None:
        return "another entity here" if same == s.type else "another type here"
    at = bisect_right(edges, (s.start, s.start)) - 1
    around = [edges[k] for k in (at, at + 1) if 0 <= k < len(edges)]
    within = any(start <= s.start and s.end <= end for start, end in around)
    return "inside a longer mention" if within else "across another mention"


def place_names(names: Sequence[str], text: str) -> list[Span]:
    """All mentions of one entity: every occurrence of every name, the longest first, in text order."""
    spans = [Span(at, at + len(name), name) for name in dict.fromkeys(names) for at in places(name, text)]
    kept = longest_first((s.start, s.end) for s in spans)
    return sorted((spans[i] for i in kept), key=lambda s: (s.start, s.end))


def word_spans(text: str, breaks: Iterable[int] = ()) -> list[Span]:
    """Words and single punctuation marks, cut also at ``breaks`` (characters) so that a span fits its words."""
    cuts = sorted({b for b in breaks if 0 < b < len(text)})
    made: list[Span] = []
    c = 0
    for m in (_WORDS if text.isascii() else with_marks(_WORDS.pattern)).finditer(text):
        start, end = m.span()
        while c < len(cuts) and cuts[c] <= start:
            c += 1
        while c < len(cuts) and cuts[c] < end:
            made.append(Span(start, cuts[c], text[start : cuts[c]]))
            start = cuts[c]
            c += 1
        made.append(Span(start, end, text[start:end]))
    return made


def tags_of(
    tokens: Sequence[Span], spans: Iterable[tuple[int, int, str]]
) -> tuple[list[str], list[tuple[int, int, str]]]:
    """IOB2 tags of tokens, and the spans that the tags cannot say: off a token's edge, or overlapping.

    Of spans that overlap the longest is told.
    """
    wide = [i for i, t in enumerate(tokens) if t.end > t.start]
    starts = [tokens[i].start for i in wide]
    ends = [tokens[i].end for i in wide]
    listed = list(dict.fromkeys(spans))
    kept = set(longest_first((start, end) for start, end, _ in listed))
    chunks, lost = [], []
    for i, (start, end, kind) in enumerate(listed):
        # The tokens inside; the span's edges may lie in the blanks between them, but cut no token.
        first, last = bisect_left(starts, start), bisect_right(ends, end)
        cut = (first > 0 and ends[first - 1] > start) or (last < len(wide) and starts[last] < end)
        if i in kept and first < last and not cut:
            chunks.append((wide[first], wide[last - 1] + 1, kind))
        else:
            lost.append((start, end, kind))
    return from_chunks(chunks, len(tokens)), lost


def join(words: Sequence[str], *, start: int = 0, between: str = " ") -> tuple[str, tuple[Span, ...]]:
    """Words as one text with a blank between, and where each stands (from ``start`` on)."""
    spans, at = [], start
    for word in words:
        spans.append(Span(at, at + len(word), word))
        at += len(word) + len(between)
    return between.join(words), tuple(spans)


def overlapping(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Pairs of places of spans that share a character; n log n plus the pairs."""
    order = sorted(range(len(spans)), key=lambda i: spans[i])
    open_: list[int] = []
    for i in order:
        open_ = [j for j in open_ if spans[j][1] > spans[i][0]]
        for j in open_:
            if spans[i][0] < spans[i][1]:
                yield j, i
        open_.append(i)


# A full stop, question or exclamation mark, its closing quotes and brackets, then blanks and a new beginning.
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]*[^\W_a-z])|[.!?]+[\"'”’)\]]+(?=\s)|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Gen|Col|Lt|Sgt|Rep|Sen|Gov|Jr|Sr|vs|etc|No|Vol|Fig|Inc|Ltd|Co|Corp|Bros|ca|cf|al|e\.g|i\.e)|\b[A-Z]|\b(?:[A-Za-z]\.)+[A-Za-z])\.$"
)


def sentences_of(text: str, whole: Iterable[tuple[int, int]] = ()) -> tuple[tuple[int, int], ...]:
    """(start, end) of sentences by punctuation and line ends; none is cut inside one of the spans ``whole``.

    Together they hold every character that is not blank. Good enough to move sentences about; not a parser.
    """
    inside = sorted({s for s in whole if s[1] > s[0]})
    cuts = []
    for m in _SENTENCE_END.finditer(text):
        cut = m.end()
        if any(start < cut < end for start, end in inside):
            continue
        if text[m.start()] != "\n" and _ABBREVIATION.search(text[max(0, cut - 12) : cut]):
            continue
        cuts.append(cut)
    made = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        piece = text[start:end]
        if piece.strip():
            left = start + len(piece) - len(piece.lstrip())
            made.append((left, left + len(piece.strip())))
    return tuple(made)
