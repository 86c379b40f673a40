"""What must hold of every score, looked at while it is made: a scorer that contradicts itself is stopped.

Gold against gold is perfect, slices sum to the whole, no prediction is nearer to the gold than the gold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from finetooth.errors import FinetoothError
from finetooth.evaluate.intervals import Figure
from finetooth.registry import Metric, Targets
from finetooth.types import Example, Prediction

_CURE = "this is a mistake in the metric, not in your data: please report it"


def counted(metric: Metric, examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """The metric's counts (n, k). Raises FinetoothError where they are no such thing."""
    counts = np.asarray(metric.counts(examples, predictions), dtype=np.float64)
    if counts.ndim != 2 or len(counts) != len(examples) or not np.isfinite(counts).all():
        raise FinetoothError(
            f"expected finite counts of shape ({len(examples)}, k), found {counts.shape}",
            where=f"metric {metric.name}",
            cure=_CURE,
        )
    return counts


def whole(metric: Metric, counts: np.ndarray, slices: Sequence[tuple[dict[str, Any], Figure]]) -> None:
    """Raises FinetoothError if the slices of a kind do not sum to the whole, in examples and in counts."""
    total = counts.sum(axis=0)
    kinds: dict[str, list[Figure]] = {}
    for row, figure in slices:
        kinds.setdefault(row["by"], []).append(figure)
    for kind, figures in kinds.items():
        n = sum(len(f.counts) for f in figures)
        sums = np.sum([f.counts.sum(axis=0) for f in figures], axis=0)
        if n != len(counts) or not np.allclose(sums, total, rtol=1e-9, atol=1e-6):
            raise FinetoothError(
                f"its slices by {kind} hold {n} of {len(counts)} examples and sum to {sums}, not {total}",
                where=f"metric {metric.name}",
                cure=_CURE,
            )


def ceilings(
    metric: Metric, examples: Sequence[Example], gold: Sequence[Prediction], value: float, main: bool
) -> tuple[dict[str, float], list[str]]:
    """What the gold itself scores, where that is not perfect, and a note that names the examples.

    A rule of the reference can be the cause (SQuAD's v1.1 script gives F1 0 to an answer that is only an
    article), or gold that breaks the rules it is scored by. Raises FinetoothError if predictions score
    better than the gold by the main metric, which measures how near they are to it.
    """
    counts = counted(metric, examples, gold)
    reach = float(metric.value(counts.sum(axis=0)))
    perfect = 100.0 if metric.higher_is_better else 0.0
    # A thousandth of a percent: DocRED's Ign F1 has 1e-5 in a denominator and never quite gets there.
    if np.isnan(reach) or abs(reach - perfect) < 1e-3:
        return {}, []
    if main and (value - reach if metric.higher_is_better else reach - value) > 1e-9:
        raise FinetoothError(
            f"predictions score {value:.4f}, the gold itself only {reach:.4f}",
            where=f"metric {metric.name}",
            cure=_CURE,
        )
    single = metric.value(counts)
    short = [e.id for e, v in zip(examples, single, strict=True) if abs(v - perfect) > 1e-9]
    named = f" (of {len(short)} examples, {', '.join(short[:3])} first)" if short else ""
    return {metric.name: reach}, [f"the gold itself reaches {reach:.2f} in {metric.name}{named}"]
