"""Where to cut probabilities in two: what is above counts as found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def best_threshold(prob: np.ndarray, right: np.ndarray, wanted: int) -> float:
    """The cut with the best F1 where ``wanted`` are to be found; halfway between the two scores it parts."""
    order = np.argsort(-prob, kind="stable")
    prob, hits = prob[order], np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(prob) + 1) + wanted)
    # Two equal scores cannot be parted.
    f1[:-1][prob[1:] == prob[:-1]] = -1
    k = int(np.argmax(f1))
    return float((prob[k] + (prob[k + 1] if k + 1 < len(prob) else 0.0)) / 2)


def expected_best(probabilities: Sequence[np.ndarray]) -> float:
    """The cut with the best expected F1 if the probabilities are right: no labels needed (Lipton et al. 2014)."""
    if not probabilities:
        return 0.5
    prob = np.sort(np.concatenate([p.ravel() for p in probabilities]).astype(np.float64))[::-1]
    f1 = 2 * np.cumsum(prob) / (np.arange(1, len(prob) + 1) + prob.sum())
    f1[:-1][prob[1:] == prob[:-1]] = -1
    k = int(np.argmax(f1))
    return float((prob[k] + (prob[k + 1] if k + 1 < len(prob) else 0.0)) / 2)
