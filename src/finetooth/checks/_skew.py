"""Whether two splits differ more than chance lets groups of examples differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Skew:
    """``effect`` is Cliff's delta: how much oftener a value of the first is larger than one of the second
    than smaller, -1 to 1 (0.147 is small, 0.33 medium, 0.474 large: Romano et al. 2006)."""

    effect: float
    p: float
    median: float
    other_median: float


def skew(
    values: Sequence[float],
    groups: Sequence[str],
    other: Sequence[float],
    other_groups: Sequence[str],
    *,
    permutations: int = 2000,
    rng: np.random.Generator,
) -> Skew:
    """Cliff's delta and its two-sided p by permuting whole groups between the splits.

    Questions of one context are no independent draws, so contexts are permuted, not questions.
    """
    everything = np.concatenate([np.asarray(values, float), np.asarray(other, float)])
    ranks = _ranks(everything)
    names: dict[tuple[int, str], int] = {}
    split = [(0, g) for g in groups] + [(1, g) for g in other_groups]
    group = np.array([names.setdefault(key, len(names)) for key in split])
    sums = np.bincount(group, ranks)
    sizes = np.bincount(group).astype(float)
    first = np.array([key[0] == 0 for key in names])

    def delta(mask: np.ndarray) -> np.ndarray:
        # Mann-Whitney: U = rank sum - n(n+1)/2; delta = 2U/(nm) - 1.
        n = mask @ sizes
        m = sizes.sum() - n
        u = mask @ sums - n * (n + 1) / 2
        return 2 * u / np.maximum(n * m, 1) - 1

    observed = float(delta(first.astype(float)))
    shuffled = rng.permuted(np.tile(first.astype(float), (permutations, 1)), axis=1)
    p = (1 + int((np.abs(delta(shuffled)) >= abs(observed) - 1e-12).sum())) / (permutations + 1)
    return Skew(observed, p, float(np.median(values)), float(np.median(other)))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, ties share their mean."""
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[at]
