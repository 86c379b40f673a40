"""Precision and recall of each class with their intervals, and what each class was taken for.

{"class": "1", "n": 40, "found": 38, "precision": {"value": 90.1, "low": ..., "high": ...}, "recall": {...}, "f1": {...},
 "predicted_as": {"0": 5, "1": 35}}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from finetooth.evaluate.intervals import Figure, intervals
from finetooth.registry import Task
from finetooth.types import Example, Prediction

NO_LABEL = "(no label)"


def classes(
    task: Task,
    examples: Sequence[Example],
    predictions: Sequence[Prediction | None],
    groups: Sequence[str],
    *,
    seed: int = 0,
    resamples: int = 1000,
) -> tuple[dict[str, Any], ...]:
    """A row a gold class, in percent with bootstrap intervals over ``groups``; () for tasks without classes.

    Precision is None where the class was never predicted. A prediction of no label stands as ``NO_LABEL`` in
    ``predicted_as``, whose counts sum to ``n``.
    """
    if task.label_of is None:
        return ()
    of = task.label_of
    gold = np.array([of(e.target) for e in examples], dtype=object)
    said = [NO_LABEL if p is None or p.target is None else of(p.target) for p in predictions]
    predicted = np.array(said, dtype=object)
    names = sorted(set(gold))
    figures = []
    for name in names:
        hit, there, found = (gold == name) & (predicted == name), gold == name, predicted == name
        for top, bottom in ((hit, found), (hit, there), (2 * hit, 1 * there + found)):
            figures.append(Figure(np.stack([top, bottom], axis=1).astype(float), _percent))
    ends = intervals(figures, groups, seed=seed, resamples=resamples)
    cells = Counter(zip(gold, said, strict=True))
    rows = []
    for i, name in enumerate(names):
        row: dict[str, Any] = {"class": name, "n": int((gold == name).sum()), "found": said.count(name)}
        for j, metric in enumerate(("precision", "recall", "f1")):
            value = float(_percent(figures[3 * i + j].counts.sum(axis=0)))
            low, high = ends[3 * i + j]
            known = not np.isnan(value)
            row[metric] = {"value": value if known else None, "low": low, "high": high}
        row["predicted_as"] = {p: n for (g, p), n in sorted(cells.items()) if g == name}
        rows.append(row)
    return tuple(rows)


def _percent(sums: np.ndarray) -> np.ndarray:
    """100 * top / bottom; NaN of nothing."""
    top, bottom = sums[..., 0], sums[..., 1]
    return np.where(bottom > 0, 100.0 * top / np.maximum(bottom, 1e-12), np.nan)
