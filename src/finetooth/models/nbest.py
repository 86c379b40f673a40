"""The best spans of many windows at once, and the spans of one example's windows as one answer. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finetooth.models.sequences import Cut


@dataclass(frozen=True, slots=True)
class Found:
    """A span of the text: characters [start, end), and its log-probability in its window."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the windows of one example say together.

    ``text`` with its characters; ``score`` is the log-probability of its span in its window, ``null``
    that of "not here" in the window that is the least sure of it; ``sure`` and ``sure_null`` are in 0..1.
    """

    text: str
    start: int
    end: int
    score: float
    null: float
    sure: float
    sure_null: float

    @property
    def gap(self) -> float:
        """How much likelier "no answer" is than the best answer, as a difference of logarithms."""
        return self.null - self.score


def best_spans(
    start: np.ndarray, end: np.ndarray, *, n: int, most_tokens: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(first token, last token, score), each (windows, n), the best first.

    ``start`` and ``end`` (windows, length) are log-probabilities, -inf where no answer can begin or
    end. Every pair of at most ``most_tokens`` tokens is looked at, not only pairs of the likeliest
    ends, so the best one is the best one. Where a window has fewer pairs, the score is -inf.
    """
    rows, length = start.shape
    widths = min(most_tokens, length)
    scores = np.full((rows, widths, length), -np.inf, np.float32)
    for width in range(widths):
        # A span of width + 1 tokens: its start here, its end that much further.
        scores[:, width, : length - width] = start[:, : length - width] + end[:, width:]
    flat = scores.reshape(rows, -1)
    n = min(n, flat.shape[1])
    top = np.argpartition(-flat, n - 1, axis=1)[:, :n]
    values = np.take_along_axis(flat, top, axis=1)
    # The same score twice: the span that comes first in the text, on every machine.
    order = np.lexsort((top % length, -values), axis=1)
    top, values = np.take_along_axis(top, order, axis=1), np.take_along_axis(values, order, axis=1)
    first = top % length
    return first, first + top // length, values


def characters(cut: Cut, first: int, last: int) -> tuple[int, int]:
    """The characters from a window's token ``first`` to its token ``last``, half-open."""
    return int(cut.offsets[first - cut.first, 0]), int(cut.offsets[last - cut.first, 1])


def together(text: str, spans: Sequence[Found], nulls: Sequence[float]) -> Answer:
    """One answer from the best spans of all windows (``nulls``: one a window) over ``text``.

    Each window has its own distribution in which "not here" takes part, so their probabilities can be
    compared. Overlapping windows see the same span: its better value counts. The confidence sums
    over places where the same words stand; where windows claim more than 1 in all, they share it.
    """
    null = min(nulls, default=0.0)
    if not spans:
        return Answer("", 0, 0, -np.inf, null, 0.0, 1.0)
    best: dict[tuple[int, int], float] = {}
    for found in spans:
        key = (found.start, found.end)
        best[key] = max(best.get(key, -np.inf), found.score)
    (start, end), score = max(best.items(), key=lambda item: (item[1], -item[0][0], -item[0][1]))
    answer = text[start:end]
    claimed = sum(float(np.exp(s)) for s in best.values())
    same = sum(float(np.exp(s)) for (a, b), s in best.items() if text[a:b] == answer)
    # Not anywhere: not in any of the windows.
    nowhere = float(np.exp(sum(nulls)))
    return Answer(answer, start, end, score, null, min(1.0, same / max(1.0, claimed)), min(1.0, nowhere))
