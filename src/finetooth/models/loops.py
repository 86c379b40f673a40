"""Answers that go round in circles: the same few tokens again and again, to the last token allowed.

What a small model does where it does not know how to go on. With the likeliest token always taken it does not leave
the circle, so that whatever else it says is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PERIOD = 64  # tokens, of the longest circle that is looked for
LEAST = 128  # tokens that a circle must have gone on for
ROUNDS = 5  # and how often it must have gone round
MARGIN = 2  # times what training answers do themselves: a list of a hundred zeros may be right


class Loops:
    """For rows of tokens that grow one by one: how long each has been repeating itself, by period."""

    def __init__(self, rows: int, limit: int) -> None:
        self.limit = limit
        self.ids = np.full((rows, PERIOD), -1, np.int64)  # the last tokens, the newest first
        self.run = np.zeros((rows, PERIOD), np.int64)  # how many in a row were what stood ``period`` before
        self.need = np.maximum(limit, (ROUNDS - 1) * np.arange(1, PERIOD + 1))

    def take(self, tokens: Sequence[int]) -> np.ndarray:
        """(rows,) whether each goes round in circles, its next token being this one."""
        new = np.asarray(tokens)[:, None]
        self.run = np.where(self.ids == new, self.run + 1, 0)
        self.ids = np.concatenate([new, self.ids[:, :-1]], axis=1)
        found: np.ndarray = np.any(self.run >= self.need, axis=1)
        return found

    def keep(self, rows: Sequence[int]) -> None:
        self.ids, self.run = self.ids[rows], self.run[rows]


def longest(answers: Sequence[Sequence[int]]) -> int:
    """How many tokens in a row of any of these answers repeat what stood one period before, at most.

    Of what went round more than once: a word said twice is no circle.
    """
    if not answers:
        return 0
    ids = np.concatenate([np.asarray(a, np.int64) for a in answers])
    owner = np.repeat(np.arange(len(answers)), [len(a) for a in answers])
    most = 0
    for period in range(1, min(PERIOD, len(ids) - 1) + 1):
        differ = (ids[period:] != ids[:-period]) | (owner[period:] != owner[:-period])
        ends = np.flatnonzero(np.append(differ, True))
        run = int(np.diff(ends, prepend=-1).max()) - 1
        if run > max(most, period):
            most = run
    return most


def limit(seen: int) -> int:
    """How long an answer may repeat itself where the training answers did for ``seen`` tokens at most."""
    return max(LEAST, MARGIN * seen)
