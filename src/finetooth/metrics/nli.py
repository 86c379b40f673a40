"""Accuracy, macro F1 and calibration of single labels; ``evaluate.classes`` has precision and recall of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finetooth.metrics.qa import percent
from finetooth.registry import Metric, Targets
from finetooth.types import Example

BINS = 15  # as in Guo et al. 2017
NO_LABEL = "(no label)"


def _labels(examples: Sequence[Example], predictions: Targets) -> tuple[list[str], list[str]]:
    gold = [e.target.label for e in examples]
    predicted = [NO_LABEL if p is None or p.target is None else p.target.label for p in predictions]
    return gold, predicted


def _accuracy(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    gold, predicted = _labels(examples, predictions)
    right = np.array([g == p for g, p in zip(gold, predicted, strict=True)], dtype=float)
    return np.stack([right, np.ones(len(gold))], axis=1)


def _per_class(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """(n, 3 * labels): true positives, false positives, false negatives of each gold label."""
    gold, predicted = _labels(examples, predictions)
    # Labels that only a prediction knows cost precision of none and recall of the gold one.
    names = sorted(set(gold))
    rows = np.zeros((len(gold), len(names), 3))
    for c, name in enumerate(names):
        is_gold = np.array([g == name for g in gold])
        is_predicted = np.array([p == name for p in predicted])
        rows[:, c, 0] = is_gold & is_predicted
        rows[:, c, 1] = ~is_gold & is_predicted
        rows[:, c, 2] = is_gold & ~is_predicted
    return rows.reshape(len(gold), -1)


def _macro_f1(sums: np.ndarray) -> np.ndarray:
    """The mean over the gold labels of 2tp / (2tp + fp + fn).

    As scikit-learn's f1_score(average="macro", labels=sorted(set(gold))); without ``labels`` it would average over
    labels that were only predicted, too. A slice has the gold labels that stand in it: those of one label have one.
    """
    tp, fp, fn = (sums[..., i::3] for i in range(3))
    there = tp + fn > 0
    each = 2 * tp / np.maximum(2 * tp + fp + fn, 1e-12)
    return 100.0 * np.sum(each * there, axis=-1) / np.maximum(there.sum(axis=-1), 1)


def _calibration(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """(n, 3 * bins): how many, how sure, how right, in the bin of the confidence."""
    rows = np.zeros((len(examples), BINS, 3))
    for i, (example, p) in enumerate(zip(examples, predictions, strict=True)):
        if p is None or p.confidence is None or p.target is None:
            continue
        sure = min(max(float(p.confidence), 0.0), 1.0)
        rows[i, min(int(sure * BINS), BINS - 1)] = (1.0, sure, p.target.label == example.target.label)
    return rows.reshape(len(examples), -1)


def _ece(sums: np.ndarray) -> np.ndarray:
    """Expected calibration error in percent (Naeini et al. 2015); NaN where no confidence is known."""
    n, sure, right = (sums[..., i::3] for i in range(3))
    total = n.sum(axis=-1)
    return np.where(total > 0, 100.0 * np.abs(sure - right).sum(axis=-1) / np.maximum(total, 1.0), np.nan)


ACCURACY = Metric("accuracy", _accuracy, percent, "share of equal labels")
MACRO_F1 = Metric(
    "macro_f1", _per_class, _macro_f1, "scikit-learn f1_score(average='macro', labels=sorted(set(gold)))"
)
ECE = Metric("ece", _calibration, _ece, "Naeini et al. 2015, 15 bins", higher_is_better=False)
