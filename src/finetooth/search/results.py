"""What a search ends with: its trials, the best of them, and what that one scored again on fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Trial:
    """One trial as it ended: ``value`` None and ``failure`` said where it did."""

    number: int
    params: Mapping[str, Any]
    state: str
    value: float | None
    failure: str | None
    seconds: float
    folder: str


@dataclass(frozen=True)
class SearchResult:
    """All trials, the best of them, and what it scored again on fresh seeds."""

    metric: str
    trials: tuple[Trial, ...]
    best: Trial | None
    rerun: tuple[float, ...]
    finished: bool
    higher_is_better: bool = True

    @property
    def luck(self) -> float | None:
        """How much of the winner's score its fresh seeds did not repeat; above zero: it was flattered."""
        if self.best is None or self.best.value is None or not self.rerun:
            return None
        lost = self.best.value - sum(self.rerun) / len(self.rerun)
        return lost if self.higher_is_better else -lost

    @property
    def lead(self) -> float | None:
        """By how much the winner was ahead of the second, on the score it was chosen by."""
        scored = sorted((t.value for t in self.trials if t.value is not None), reverse=self.higher_is_better)
        return abs(scored[0] - scored[1]) if len(scored) > 1 else None

    def to_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "trials": list(self.trials),
            "best": self.best,
            "rerun": list(self.rerun),
            "lead": self.lead,
            "luck": self.luck,
            "finished": self.finished,
        }
