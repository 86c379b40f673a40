"""The likeliest valid sequence of BIO tags: an ``I-`` only after ``B-`` or ``I-`` of its own type. numpy only.

Labels are numbered O, B-a, I-a, B-b, I-b, ...: outside is 0, type k begins at 1 + 2 k and goes on at 2 + 2 k.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CELLS = 8_000_000  # of padded scores that are decoded together: 64 MB


def bio(kinds: Sequence[str]) -> tuple[str, ...]:
    """The labels of these types, in the order that is used here."""
    return ("O", *(f"{prefix}-{kind}" for kind in kinds for prefix in "BI"))


def decode(scores: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The tags (units,) of each sequence of log-probabilities (units, labels) that sum to most and are valid.

    Viterbi (1967) with a transition of 0 where BIO allows it and of -inf where it does not; an ``I-``
    can only come from two labels, so a step costs labels, not labels squared. Where all scores of a
    unit are alike, it is outside unless it stands within an entity.
    """
    order = sorted(range(len(scores)), key=lambda i: -len(scores[i]))
    made: list[np.ndarray] = [np.zeros(0, np.int64)] * len(scores)
    at = 0
    while at < len(order):
        longest, labels = scores[order[at]].shape
        if not longest:
            break
        some = order[at : at + max(1, CELLS // (longest * labels))]
        at += len(some)
        for i, path in zip(some, _together([scores[i] for i in some]), strict=True):
            made[i] = path
    return made


def _together(scores: list[np.ndarray]) -> list[np.ndarray]:
    """``decode`` for sequences that are padded to the first one, the longest first."""
    sizes = np.array([len(s) for s in scores])
    n, longest, labels = len(scores), int(sizes[0]), scores[0].shape[1]
    padded = np.zeros((n, longest, labels))
    for row, s in enumerate(scores):
        padded[row, : len(s)] = s
    # 16 bits: a label set of more than 16,000 types does not occur.
    back = np.zeros((n, longest, labels), np.int16)
    best = padded[:, 0].copy()
    best[:, 2::2] = -np.inf
    rows = np.arange(n)
    begins, inside = np.arange(1, labels, 2), np.arange(2, labels, 2)
    last = np.zeros(n, np.int64)
    for t in range(1, longest + 1):
        ended = sizes == t
        last[ended] = best[ended].argmax(1)
        # The longest first: those that go on stand in front.
        going = int((sizes > t).sum())
        if not going:
            break
        before = best[:going]
        anyone = before.argmax(1)
        top = before[rows[:going], anyone]
        moved = np.empty_like(before)
        moved[:, 0] = top
        moved[:, 1::2] = top[:, None]
        back[:going, t] = anyone[:, None]
        goes_on = before[:, inside] >= before[:, begins]
        moved[:, 2::2] = np.where(goes_on, before[:, inside], before[:, begins])
        back[:going, t, 2::2] = np.where(goes_on, inside, begins)
        best[:going] = moved + padded[:going, t]
    paths = np.zeros((n, longest), np.int64)
    paths[rows, sizes - 1] = last
    for t in range(longest - 1, 0, -1):
        going = int((sizes > t).sum())
        paths[:going, t - 1] = back[rows[:going], t, paths[:going, t]]
    return [paths[row, :size] for row, size in enumerate(sizes)]


def chunks(path: np.ndarray) -> list[tuple[int, int, int]]:
    """(first unit, unit after the last, type) of the entities of valid tags."""
    first = np.flatnonzero(path % 2 == 1)
    # An entity ends before what does not go on with it.
    stops = np.append(np.flatnonzero((path == 0) | (path % 2 == 1)), len(path))
    after = stops[np.searchsorted(stops, first, side="right")]
    return [(int(a), int(b), int(k)) for a, b, k in zip(first, after, (path[first] - 1) // 2, strict=True)]


def confidences(log: np.ndarray, path: np.ndarray, found: Sequence[tuple[int, int, int]]) -> list[float]:
    """How sure each entity of ``chunks(path)`` is, 0..1: the least sure of its units, and of its ending there."""
    if not found:
        return []
    chosen = np.exp(log[np.arange(len(path)), path])
    made = []
    for first, after, kind in found:
        ends = 1 - np.exp(log[after, 2 + 2 * kind]) if after < len(path) else 1.0
        made.append(float(np.clip(min(chosen[first:after].min(), ends), 0.0, 1.0)))
    return made
