"""The units that a tagger labels (words, or sub-word pieces) and which token stands for each of them.

"U.S., 1999": the words U . S . , 1999, each with a token of its own even where the tokenizer has one for ".,".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from finetooth.models.sequences import Tokens, encode
from finetooth.tasks.documents import NerInput
from finetooth.tasks.mentions import word_spans
from finetooth.types import Span

PIECES = ("first", "last")


@dataclass(frozen=True, slots=True)
class Units:
    """A text's units and tokens. ``at`` (units,) is the token that stands for each unit, -1 for none.

    A unit has no token where the tokenizer leaves its characters out (control characters, for one).
    """

    spans: tuple[Span, ...]
    tokens: Tokens
    at: np.ndarray

    def __len__(self) -> int:
        return len(self.spans)


def units_of(
    tokenizer: Any, inputs: Sequence[NerInput], *, pieces_are_units: bool = False, piece: str = "first"
) -> list[Units]:
    """Units of texts: the source's own tokens, else words and punctuation marks, else (if asked) the pieces.

    ``piece``: whether the first or the last piece of a unit stands for it.
    """
    every = encode(tokenizer, [x.text for x in inputs])
    if pieces_are_units:
        return [_pieces(x.text, tokens) for x, tokens in zip(inputs, every, strict=True)]
    words = [
        # Some sources have tokens of blanks alone, which no tokenizer sees.
        tuple(t for t in x.tokens if t.text.strip()) if x.tokens is not None else tuple(word_spans(x.text))
        for x in inputs
    ]
    cut = cut_at_edges(tokenizer, [x.text for x in inputs], every, words)
    return [Units(w, tokens, align(tokens, w, piece)) for w, tokens in zip(words, cut, strict=True)]


def _pieces(text: str, tokens: Tokens) -> Units:
    """Each token that has characters of its own is a unit (several tokens of one character are one)."""
    offsets = tokens.offsets
    if not len(offsets):
        return Units((), tokens, np.zeros(0, np.int64))
    ends = np.maximum.accumulate(offsets[:, 1])
    new = (offsets[:, 0] < offsets[:, 1]) & np.append(True, offsets[1:, 0] >= ends[:-1])
    at = np.flatnonzero(new)
    return Units(tuple(Span(a, b, text[a:b]) for a, b in offsets[at].tolist()), tokens, at)


def align(tokens: Tokens, units: Sequence[Span], piece: str = "first") -> np.ndarray:
    """(units,) the first (or last) token with a character of the unit, -1 where there is none."""
    starts = np.array([u.start for u in units], np.int64)
    ends = np.array([u.end for u in units], np.int64)
    offsets = tokens.offsets
    if not len(offsets) or not len(starts):
        return np.full(len(starts), -1, np.int64)
    first = np.searchsorted(offsets[:, 1], starts, side="right")
    last = np.searchsorted(offsets[:, 0], ends, side="left") - 1
    inside = np.minimum(first, len(offsets) - 1)
    there = (first <= last) & (offsets[inside, 0] < ends)
    return np.where(there, first if piece == "first" else last, -1)


def cut_at_edges(
    tokenizer: Any, texts: Sequence[str], every: Sequence[Tokens], units: Sequence[Sequence[Span]]
) -> list[Tokens]:
    """Tokens of which none belongs to two units: one that does is cut at the edge, its parts are tokenised alone.

    Byte-level tokenizers have tokens such as ".," or ")."; left whole, an entity could not end between.
    """
    jobs: list[tuple[int, int, int, list[tuple[int, str]]]] = []
    for i, (text, tokens, spans) in enumerate(zip(texts, every, units, strict=True)):
        jobs += [(i, *job) for job in _crossing(text, tokens.offsets, spans)]
    if not jobs:
        return list(every)
    parts = encode(tokenizer, [part for *_, listed in jobs for _, part in listed])
    made = list(every)
    pieces: dict[int, list[tuple[int, int, list[Tokens]]]] = {}
    at = 0
    for i, first, last, listed in jobs:
        of = [
            Tokens(found.ids, found.offsets + start)
            for (start, _), found in zip(listed, parts[at : at + len(listed)], strict=True)
        ]
        at += len(listed)
        pieces.setdefault(i, []).append((first, last, of))
    for i, replaced in pieces.items():
        made[i] = _replace(every[i], replaced)
    return made


def _crossing(
    text: str, offsets: np.ndarray, units: Sequence[Span]
) -> Iterable[tuple[int, int, list[tuple[int, str]]]]:
    """(first token, token after the last, [(where a part begins, the part)]) for tokens that hold an edge."""
    edges = np.unique(np.array([e for u in units for e in (u.start, u.end)], np.int64))
    if not len(edges) or not len(offsets):
        return
    # The first edge behind a token's begin lies before its end.
    following = np.append(edges, np.iinfo(np.int64).max)[np.searchsorted(edges, offsets[:, 0], side="right")]
    done = 0
    for token in np.flatnonzero(following < offsets[:, 1]).tolist():
        if token < done:
            continue
        start, end = (int(x) for x in offsets[token])
        # The bytes of a few rare characters are tokens that all have the same characters.
        done = token + 1
        while done < len(offsets) and offsets[done, 0] < end:
            done += 1
        end = int(offsets[token:done, 1].max())
        # A blank that the token had in front belongs to its first part.
        begins = start
        if start and text[start - 1] == " " and not _blank_before(offsets, token):
            begins = start - 1
        cuts = [begins, *edges[(edges > start) & (edges < end)].tolist(), end]
        yield token, done, [(a, text[a:b]) for a, b in pairwise(cuts)]


def _blank_before(offsets: np.ndarray, token: int) -> bool:
    """Whether the token before this one holds the blank between."""
    return token > 0 and bool(
        offsets[token - 1, 1] <= offsets[token - 1, 0] or offsets[token - 1, 1] >= offsets[token, 0]
    )


def _replace(tokens: Tokens, replaced: Sequence[tuple[int, int, list[Tokens]]]) -> Tokens:
    ids: list[np.ndarray] = []
    offsets: list[np.ndarray] = []
    at = 0
    for first, last, parts in replaced:
        ids += [tokens.ids[at:first], *(p.ids for p in parts)]
        offsets += [tokens.offsets[at:first], *(p.offsets for p in parts)]
        at = last
    ids.append(tokens.ids[at:])
    offsets.append(tokens.offsets[at:])
    return Tokens(np.concatenate(ids), np.concatenate(offsets))
