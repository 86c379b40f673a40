"""Whether a confidence of 0.8 is right four times in five, and whether sure answers are righter than unsure ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from finetooth.evaluate.consistency import counted
from finetooth.registry import Task
from finetooth.types import Example, Prediction

BINS = 15


def right(task: Task, examples: Sequence[Example], predictions: Sequence[Prediction | None]) -> np.ndarray:
    """(n,) whether a prediction counts exactly like the gold in the task's first metric."""
    metric = task.metrics[0]
    gold = counted(metric, examples, [task.gold(e) for e in examples])
    return np.isclose(counted(metric, examples, predictions), gold).all(axis=1)


def calibration(
    task: Task, examples: Sequence[Example], predictions: Sequence[Prediction | None], *, bins: int = BINS
) -> dict[str, Any] | None:
    """Expected calibration error in percent, its bins, and the area under the ROC curve of the confidence.

    ECE: the mean over examples of the distance between confidence and share right, in bins of equal
    width (Naeini et al. 2015). AUROC: how often a right prediction is surer than a wrong one, in 0..1,
    0.5 is luck. None where no prediction has a confidence.
    """
    known = [i for i, p in enumerate(predictions) if p is not None and p.confidence is not None]
    if not known:
        return None
    is_right = right(task, examples, predictions)[known]
    sure = np.array([float(predictions[i].confidence) for i in known]).clip(0.0, 1.0)  # type: ignore[union-attr,arg-type]
    at = np.minimum((sure * bins).astype(int), bins - 1)
    n = np.bincount(at, minlength=bins)
    mean_sure = np.bincount(at, sure, bins) / np.maximum(n, 1)
    share = np.bincount(at, is_right, bins) / np.maximum(n, 1)
    return {
        "right_is": f"{task.metrics[0].name} as the gold",
        "n": len(known),
        "ece": float(100 * (n * np.abs(mean_sure - share)).sum() / n.sum()),
        "mean_confidence": float(100 * sure.mean()),
        "right": float(100 * is_right.mean()),
        "auroc": _auroc(sure, is_right),
        "bins": [
            {
                "from": i / bins,
                "to": (i + 1) / bins,
                "n": int(n[i]),
                "confidence": float(100 * mean_sure[i]),
                "right": float(100 * share[i]),
            }
            for i in range(bins)
            if n[i]
        ],
    }


def _auroc(sure: np.ndarray, is_right: np.ndarray) -> float | None:
    """Mann-Whitney's U as a share, ties half; None where all are right or all are wrong."""
    good, bad = int(is_right.sum()), int((~is_right).sum())
    if not good or not bad:
        return None
    _, place, times = np.unique(sure, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(times) - (times - 1) / 2)[place]
    return float((ranks[is_right].sum() - good * (good + 1) / 2) / (good * bad))
