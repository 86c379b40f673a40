"""Scores with a part of the input taken away: what survives was not learned from that part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finetooth.evaluate.consistency import counted
from finetooth.evaluate.intervals import Figure, intervals
from finetooth.registry import Ablation, Task
from finetooth.types import Example, Prediction


@dataclass(frozen=True)
class AblationScore:
    """One metric of one ablation. ``lost`` is what the full input scored more, with its paired interval."""

    ablation: str
    name: str
    value: float
    low: float | None
    high: float | None
    n: int
    full: float
    lost: float
    lost_low: float | None
    lost_high: float | None

    @property
    def sentence(self) -> str:
        """What this figure means, said plainly."""
        if self.full and self.lost_low is not None and self.lost_low <= 0:
            return f"{self.ablation}: {self.name} is no worse without the rest of the input"
        share = 100 * self.value / self.full if self.full else 0.0
        return f"{self.ablation}: {share:.0f} % of {self.name} is left"


def score_ablation(
    task: Task,
    ablation: Ablation,
    examples: Sequence[Example],
    changed: Sequence[Example],
    full: Sequence[Prediction | None],
    without: Sequence[Prediction | None],
    *,
    seed: int = 0,
    resamples: int = 1000,
) -> list[AblationScore]:
    """Every metric on predictions of the ``changed`` examples, beside those of the ``full`` ones.

    Both are drawn together in the bootstrap, so that the interval of the difference is a paired one.
    Metrics that are better when lower (calibration) are left out: they do not say what was used.
    """
    groups = [task.group(e) for e in examples]
    found = []
    for metric in (m for m in task.metrics if m.higher_is_better):
        whole, part = counted(metric, examples, full), counted(metric, changed, without)
        if whole.shape != part.shape:
            continue
        k = whole.shape[1]

        def lost(sums: np.ndarray, k: int = k, value=metric.value) -> np.ndarray:
            return value(sums[..., :k]) - value(sums[..., k:])

        ends = intervals(
            [Figure(part, metric.value), Figure(np.concatenate([whole, part], axis=1), lost)],
            groups,
            seed=seed,
            resamples=resamples,
        )
        value, top = float(metric.value(part.sum(axis=0))), float(metric.value(whole.sum(axis=0)))
        found.append(
            AblationScore(
                ablation.name, metric.name, value, *ends[0], len(examples), top, top - value, *ends[1]
            )
        )
    return found
