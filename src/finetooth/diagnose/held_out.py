"""What models that never saw an example say of it: out_of_sample.parquet of a run.

{"example_id": "q17", "fold": 3, "gold_prob": 0.02, "margin": -0.9, "correct": false, "loss": 3.9,
 "gold_prob_mean": 0.05, "margin_mean": -0.8, "label_prob": 0.05, "least_prob": null, "prediction": "\\"Oslo\\"", "confidence": 0.93,
 "probabilities": "{\\"yes\\": 0.9, \\"no\\": 0.1}"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.errors import DataError
from finetooth.io import atomic, to_json
from finetooth.registry import Task
from finetooth.types import Example, Prediction

FILE = "out_of_sample.parquet"
FIGURES = ("gold_prob", "margin", "loss", "gold_prob_mean", "margin_mean", "label_prob", "least_prob")


@dataclass(frozen=True)
class HeldOut:
    """``figures`` by name, each (n,), NaN where the head could not encode the gold; ``predictions`` by id.

    gold_prob, margin and loss are after the last epoch, the means over the epochs; label_prob is as
    ``DynamicsTable.label_prob`` has it, least_prob that of the least sure part after the last epoch, NaN where a label
    has one part. Files of before have neither. ``probabilities`` by id
    holds a probability for each label where the task has one label an example.
    """

    ids: tuple[str, ...]
    fold: np.ndarray
    figures: Mapping[str, np.ndarray]
    shown: Mapping[str, tuple[Any, float | None]]
    probabilities: Mapping[str, Mapping[str, float]]

    def aligned(self, name: str, ids: Sequence[str]) -> np.ndarray:
        """A figure for these ids, NaN for those it does not have."""
        values = self.figures.get(name)
        if values is None:
            values = self.figures["gold_prob_mean" if name == "label_prob" else "gold_prob"]
        at = dict(zip(self.ids, values.tolist(), strict=True))
        return np.array([at.get(i, np.nan) for i in ids], float)

    def predictions(self, task: Task, examples: Sequence[Example]) -> list[Prediction | None]:
        """Parsed for these examples, None where there is none."""
        made: list[Prediction | None] = []
        for e in examples:
            if e.id not in self.shown:
                made.append(None)
                continue
            value, confidence = self.shown[e.id]
            target = None if value is None else task.parse(value, e)
            made.append(Prediction(e.id, target, confidence, value))
        return made

    def matrix(self, ids: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]] | None:
        """(probabilities (n, labels), labels) of these ids, NaN rows where unknown; None without labels."""
        labels = tuple(sorted({k for row in self.probabilities.values() for k in row}))
        if not labels:
            return None
        made = np.full((len(ids), len(labels)), np.nan)
        for i, name in enumerate(ids):
            if name in self.probabilities:
                made[i] = [self.probabilities[name].get(k, 0.0) for k in labels]
        return made, labels


def write(held: HeldOut, path: str | Path) -> None:
    import polars as pl

    columns: dict[str, Any] = {"example_id": held.ids, "fold": held.fold, **held.figures}
    columns["correct"] = [None if np.isnan(m) else bool(m > 0) for m in held.figures["margin"]]
    columns["prediction"] = [to_json(held.shown[i][0]) if i in held.shown else None for i in held.ids]
    columns["confidence"] = [held.shown[i][1] if i in held.shown else None for i in held.ids]
    columns["probabilities"] = [
        to_json(held.probabilities[i]) if i in held.probabilities else None for i in held.ids
    ]
    schema: Any = {"correct": pl.Boolean, "prediction": pl.String, "confidence": pl.Float64}
    schema["probabilities"] = pl.String
    with atomic(path, "wb") as f:
        pl.DataFrame(columns, schema_overrides=schema, nan_to_null=True).write_parquet(f)


def read(path: str | Path) -> HeldOut | None:
    """Of a file or a run folder; None where no such predictions were made. Raises DataError for another file."""
    import polars as pl

    path = Path(path)
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        return None
    try:
        frame = pl.read_parquet(path)
        ids = tuple(frame["example_id"].to_list())
        # Files of before have no least_prob.
        names = [k for k in FIGURES if k in frame.columns or k not in FIGURES[-2:]]
        figures = {k: frame[k].cast(pl.Float64).fill_null(float("nan")).to_numpy() for k in names}
        rows = zip(ids, frame["prediction"], frame["confidence"], frame["probabilities"], strict=True)
        shown: dict[str, tuple[Any, float | None]] = {}
        probabilities: dict[str, dict[str, float]] = {}
        for name, prediction, confidence, probs in rows:
            if prediction is not None:
                shown[name] = (json.loads(prediction), confidence)
            if probs is not None:
                probabilities[name] = json.loads(probs)
        return HeldOut(ids, frame["fold"].to_numpy(), figures, shown, probabilities)
    except (pl.exceptions.PolarsError, OSError, ValueError, TypeError) as e:
        raise DataError(
            f"not out-of-sample predictions: {' '.join(str(e).split())[:120]}",
            where=str(path),
            cure="remove it, or make it anew with --out-of-sample",
        ) from None
