"""What curation says of each example: its weight, its label smoothing, how difficult it is.

Row: {"example_id": "q17", "weight": 0.4, "smoothing": 0.1, "difficulty": 0.7}
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finetooth.errors import DataError
from finetooth.io import Source

if TYPE_CHECKING:
    from finetooth.models.head import Window

BOUNDS = {"weight": (0.0, 1e6), "smoothing": (0.0, 1.0), "difficulty": (-math.inf, math.inf)}


@dataclass(frozen=True)
class Weights:
    """By example id; what a row does not say is weight 1, no smoothing of its own, difficulty unknown."""

    rows: dict[str, dict[str, float]]
    source: str

    def of(self, example_id: str, what: str, otherwise: float) -> float:
        return self.rows.get(example_id, {}).get(what, otherwise)


def read(path: str) -> Weights:
    """JSONL or Parquet. Raises DataError for a missing id, an id twice, a value out of range."""
    rows: dict[str, dict[str, float]] = {}
    for where, row in Source(path).rows():
        name = row.get("example_id", row.get("id"))
        if not isinstance(name, str) or not name:
            raise DataError("expected an example_id", where=where, cure="as in the ids of the training set")
        if name in rows:
            raise DataError(f"two rows for {name!r}", where=where)
        rows[name] = {what: _number(row[what], what, where) for what in BOUNDS if row.get(what) is not None}
    return Weights(rows, path)


def _number(value: Any, what: str, where: str) -> float:
    low, high = BOUNDS[what]
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not low <= value <= high:
        raise DataError(f"{what}: expected a number from {low:g} to {high:g}, found {value!r}", where=where)
    return float(value)


def apply(
    windows: Sequence[Window], ids: Sequence[str], weights: Weights | None, smoothing: float
) -> list[Window]:
    """Sets weight and smoothing of every window; those of weight 0 are left out.

    ``ids[i]`` is the id of the example ``i`` that windows point to; ``smoothing`` is for all that no
    row speaks of. Raises DataError where the file speaks of no example at all.
    """
    if weights is not None and not any(name in weights.rows for name in ids):
        raise DataError(
            "none of its ids is in the training set", where=weights.source, cure="use the ids of that set"
        )
    for window in windows:
        name = ids[window.example]
        window.smoothing = smoothing
        if weights is not None:
            window.weight = weights.of(name, "weight", 1.0)
            window.smoothing = weights.of(name, "smoothing", smoothing)
    return [w for w in windows if w.weight > 0]


def difficulties(windows: Sequence[Window], ids: Sequence[str], weights: Weights) -> list[float]:
    """One a window, for a curriculum. Raises DataError where the file has none; unknown is in the middle."""
    known = sorted(row["difficulty"] for row in weights.rows.values() if "difficulty" in row)
    if not known:
        raise DataError("no difficulty in it, which curriculum needs", where=weights.source)
    middle = known[len(known) // 2]
    return [weights.of(ids[w.example], "difficulty", middle) for w in windows]
