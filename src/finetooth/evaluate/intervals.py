"""Bootstrap intervals over groups of examples that are not independent of one another.

One set of draws serves every metric and every slice of a report, so that 100,000 examples take seconds
and figures of one report belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Value = Callable[[np.ndarray], np.ndarray]
Interval = tuple[float | None, float | None]
_CELLS = 4_000_000  # of a block of draws: 32 MB


@dataclass(frozen=True)
class Figure:
    """``value`` of the summed ``counts`` (m, k) of the examples ``at`` (m,), None for all of them in order."""

    counts: np.ndarray
    value: Value
    at: np.ndarray | None = None


def group_numbers(groups: Sequence[str]) -> tuple[np.ndarray, int]:
    """(n,) the number of each example's group, in order of first sight, and how many groups there are."""
    index: dict[str, int] = {}
    numbers = np.fromiter(
        (index.setdefault(g, len(index)) for g in groups), dtype=np.int64, count=len(groups)
    )
    return numbers, len(index)


def group_sums(counts: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """Rows of ``counts`` (n, k) summed by group: (g, k), groups in order of first sight."""
    numbers, n = group_numbers(groups)
    return sums_of(counts, numbers, n)


def sums_of(counts: np.ndarray, numbers: np.ndarray, n: int) -> np.ndarray:
    """Rows of ``counts`` (m, k) summed by their group number: (n, k)."""
    return np.stack([np.bincount(numbers, column, n) for column in counts.T], axis=1)


def draws(n: int, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """How often each of ``n`` groups was drawn, with replacement, in blocks of (some, n).

    The cluster bootstrap of Field and Welsh (2007): groups are drawn, never examples, so questions
    of one paragraph do not pass for independent evidence.
    """
    step = max(1, _CELLS // max(n, 1))
    for at in range(0, resamples, step):
        size = min(step, resamples - at)
        picks = rng.integers(0, n, size=(size, n))
        picks += np.arange(size)[:, None] * n
        yield np.bincount(picks.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def resample(
    sums: np.ndarray, value: Value, *, rng: np.random.Generator, resamples: int = 1000
) -> np.ndarray:
    """``value`` of ``resamples`` draws of whole groups; ``sums`` is (groups, k), the result (resamples,)."""
    return value(np.concatenate([times @ sums for times in draws(len(sums), resamples, rng)]))


def intervals(
    figures: Sequence[Figure],
    groups: Sequence[str],
    *,
    seed: int = 0,
    resamples: int = 1000,
    level: float = 0.95,
) -> list[Interval]:
    """The percentile bootstrap interval of each figure; (None, None) for what lies in fewer than two groups.

    All come from the same draws of the whole set. A draw that holds nothing of a slice says nothing of it.
    """
    numbers, n = group_numbers(groups)
    parts: list[tuple[Figure, np.ndarray, np.ndarray] | None] = []
    for figure in figures:
        of = numbers if figure.at is None else numbers[figure.at]
        there, own = np.unique(of, return_inverse=True)
        parts.append((figure, there, sums_of(figure.counts, own, len(there))) if len(there) > 1 else None)
    found: list[list[np.ndarray]] = [[] for _ in figures]
    if any(parts):
        for times in draws(n, resamples, np.random.default_rng(seed)):
            for part, values in zip(parts, found, strict=True):
                if part is not None:
                    figure, there, sums = part
                    mine = times if len(there) == n else times[:, there]
                    some = mine if len(there) == n else mine[mine.any(axis=1)]
                    values.append(figure.value(some @ sums))
    tail = 50 * (1 - level)
    return [_ends(np.concatenate(values) if values else np.empty(0), tail) for values in found]


def _ends(values: np.ndarray, tail: float) -> Interval:
    values = values[~np.isnan(values)]
    if not len(values):
        return None, None
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def interval(
    counts: np.ndarray,
    groups: Sequence[str],
    value: Value,
    *,
    seed: int = 0,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """The interval of one figure of all examples, see ``intervals``."""
    return intervals([Figure(counts, value)], groups, seed=seed, resamples=resamples, level=level)[0]
