"""A document as tokens with typed markers around every mention, and its pairs of entities.

"Ada left Rome." becomes "* per * Ada * left * loc * Rome * ." (Zhou and Chen 2021, typed entity markers in
words that the model already knows); one reading serves every pair of the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from finetooth.models.sequences import Tokens, encode, slide
from finetooth.models.units import align, cut_at_edges
from finetooth.tasks.documents import RelationInput
from finetooth.types import Span

MARKERS = ("typed", "plain", "none")


@dataclass(frozen=True, slots=True)
class Marked:
    """``ids`` (tokens,) with markers; of each mention its ``entity`` and the tokens it begins and ends with.

    With markers those are the markers, without the mention's own first and last token.
    """

    ids: np.ndarray
    entity: np.ndarray
    start: np.ndarray
    end: np.ndarray


@dataclass(frozen=True, slots=True)
class Candidates:
    """Ordered pairs of two entities that both stand in the text: ``ends`` (pairs, 2), entity numbers.

    ``mentions`` (pairs, 2): those two of their mentions, as numbers in Marked, that are closest.
    """

    ends: np.ndarray
    mentions: np.ndarray

    def __len__(self) -> int:
        return len(self.ends)

    def some(self, keep: np.ndarray) -> Candidates:
        return Candidates(self.ends[keep], self.mentions[keep])


def mark(tokenizer: Any, inputs: Sequence[RelationInput], markers: str = "typed") -> list[Marked]:
    """Documents with their mentions marked. Mentions outside the text, or of no token, are left out."""
    mentions = [[m for m in _mentions(x) if 0 <= m[1].start < m[1].end <= len(x.text)] for x in inputs]
    every = encode(tokenizer, [x.text for x in inputs])
    every = cut_at_edges(tokenizer, [x.text for x in inputs], every, [[m[1] for m in ms] for ms in mentions])
    begin = {"typed": " * {} *", "plain": " *", "none": ""}[markers]
    end = "" if markers == "none" else " *"
    names = sorted({kind for ms in mentions for _, _, kind in ms})
    texts = [begin.format(name.lower().replace("_", " ")) for name in names]
    found = encode(tokenizer, [*texts, end])
    opening = {name: t.ids for name, t in zip(names, found, strict=False)}
    return [_marked(tokens, ms, opening, found[-1].ids) for tokens, ms in zip(every, mentions, strict=True)]


def _mentions(inputs: RelationInput) -> list[tuple[int, Span, str]]:
    return [
        (number, m, kind)
        for number, entity in enumerate(inputs.entities)
        for m, kind in zip(
            entity.mentions, entity.types or (entity.type,) * len(entity.mentions), strict=True
        )
    ]


def _marked(
    tokens: Tokens, mentions: list[tuple[int, Span, str]], opening: dict[str, np.ndarray], closing: np.ndarray
) -> Marked:
    spans = [m for _, m, _ in mentions]
    first, last = align(tokens, spans, "first"), align(tokens, spans, "last")
    there = np.flatnonzero((first >= 0) & (last >= first))
    # (where, an end before a begin, nested: the inner ends first and begins last, ids, mention)
    events = []
    for m in there.tolist():
        a, b = int(first[m]), int(last[m]) + 1
        events.append((a, 1, a - b, m, opening[mentions[m][2]]))
        events.append((b, 0, b - a, -m, closing))
    events.sort(key=lambda e: e[:4])
    pieces, at, size = [], 0, 0
    start, end = np.zeros(len(mentions), np.int64), np.zeros(len(mentions), np.int64)
    for where, begins, _, m, ids in events:
        pieces += [tokens.ids[at:where], ids]
        size += where - at
        if begins:
            start[m] = size
        else:
            end[-m] = size + len(ids) - 1
        at, size = where, size + len(ids)
    pieces.append(tokens.ids[at:])
    entity = np.array([mentions[m][0] for m in there], np.int64)
    return Marked(np.concatenate(pieces), entity, start[there], end[there])


def candidates(marked: Marked, *, with_itself: bool = False) -> Candidates:
    """All ordered pairs of two different entities with a mention each, by head, then tail.

    With ``with_itself`` also each entity and itself, at two of its mentions if it has two.
    """
    m = len(marked.entity)
    one, two = (x.ravel() for x in np.meshgrid(np.arange(m), np.arange(m), indexing="ij"))
    head, tail = marked.entity[one], marked.entity[two]
    apart = (head != tail) | with_itself
    one, two, head, tail = one[apart], two[apart], head[apart], tail[apart]
    gap = np.maximum(marked.start[one], marked.start[two]) - np.minimum(marked.end[one], marked.end[two])
    gap[one == two] = np.iinfo(gap.dtype).max
    order = np.lexsort((two, one, gap, tail, head))
    ends = np.stack([head, tail], axis=1)[order]
    new = np.ones(len(ends), bool)
    new[1:] = (ends[1:] != ends[:-1]).any(1)
    return Candidates(ends[new], np.stack([one, two], axis=1)[order][new])


def chunks(size: int, room: int, stride: int, *, causal: bool) -> tuple[list[tuple[int, int]], np.ndarray]:
    """(windows over ``size`` tokens, which window each token is read from).

    A token is read where it has most context on its poorer side; where ``causal``, before it.
    """
    windows = even(size, room, stride)
    at = np.arange(size)
    best, chosen = np.full(size, -1), np.zeros(size, np.int64)
    for number, (begin, end) in enumerate(windows):
        inside = slice(begin, end)
        left, right = at[inside] - begin, end - 1 - at[inside]
        context = left if causal else np.minimum(left, right)
        better = context > best[inside]
        best[inside] = np.where(better, context, best[inside])
        chosen[inside] = np.where(better, number, chosen[inside])
    return windows, chosen


def even(size: int, room: int, stride: int) -> list[tuple[int, int]]:
    """As many windows as ``slide`` makes, over ``size`` tokens, but all of one length: less padding, more context."""
    n = sum(1 for _ in slide(size, room, stride))
    if n == 1:
        return [(0, size)]
    length = min(room, -(-(size + (n - 1) * stride) // n))
    begins = [round(i * (size - length) / (n - 1)) for i in range(n)]
    return [(a, a + length) for a in begins]
