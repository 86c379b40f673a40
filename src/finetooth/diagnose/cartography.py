"""Data maps: where each example lies between easy, ambiguous and hard (Swayamdipta et al. 2020).

{"example_id": "q17", "epochs": 3, "confidence": 0.61, "variability": 0.22, "correctness": 2, "forgetfulness": 1,
 "threshold_closeness": 0.24, "margin": 0.31, "loss": 0.58, "category": "ambiguous"}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from finetooth.diagnose.categories import Choice, choose
from finetooth.diagnose.dynamics_files import DynamicsTable
from finetooth.errors import UsageError
from finetooth.registry import flag
from finetooth.types import Finding

if TYPE_CHECKING:
    import polars as pl

NEVER_LEARNT = 1000  # the reference's mark in forgetfulness: it was never right
LITTLE = 0.5  # of the examples were never right: then hard means the model, not the example
COLUMNS = (
    "example_id",
    "epochs",
    "confidence",
    "variability",
    "correctness",
    "forgetfulness",
    "threshold_closeness",
    "margin",
    "loss",
    "category",
)


@dataclass(frozen=True)
class DataMap:
    """A row an example (``columns`` by the names of COLUMNS, all of one length) and what it says as a whole.

    confidence: mean probability of the gold. variability: its standard deviation over epochs,
    population form. correctness: in how many of ``epochs`` gold won. forgetfulness: how often it was
    right and then wrong, 1000 if never right. threshold_closeness: c(1 - c) of the confidence. margin:
    the mean of gold's probability less the best other one, as Pleiss et al. (2020) take it of logits.
    loss: its mean.
    """

    columns: dict[str, Any]
    choice: Choice
    summary: dict[str, Any]
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.columns["example_id"])

    def frame(self) -> pl.DataFrame:
        import polars as pl

        return pl.DataFrame(self.columns)

    def rows(self) -> list[dict[str, Any]]:
        lists = [v.tolist() if hasattr(v, "tolist") else list(v) for v in self.columns.values()]
        return [dict(zip(self.columns, values, strict=True)) for values in zip(*lists, strict=True)]


def cartography(
    table: DynamicsTable,
    *,
    burn_in: int = 0,
    burn_out: int | None = None,
    include_ci: bool = False,
    method: Literal["auto", "share", "median", "given"] = "auto",
    share: float = 1 / 3,
    ambiguous_from: float | None = None,
    hard_below: float | None = None,
) -> DataMap:
    """The map of training dynamics.

    ``burn_in`` leaves out that many first epochs, ``burn_out`` keeps only that many of the rest (the
    reference's option of that name). ``include_ci`` widens variability as Chang et al. (2017) do, by
    the variance of the variance. How categories are chosen: see ``categories``. Raises UsageError if
    no epoch is left.
    """
    keep = slice(burn_in, None if burn_out is None else burn_in + burn_out)
    epochs = table.epochs[keep]
    if burn_in < 0 or (burn_out is not None and burn_out < 1) or not epochs:
        raise UsageError(
            f"of {len(table.epochs)} epochs none is left (burn-in {burn_in}, burn-out {burn_out})",
            cure="leave out fewer",
        )
    prob, correct = table.gold_prob[:, keep], table.correct[:, keep]
    seen = ~np.isnan(prob)
    there = seen.any(axis=1)
    if not there.any():
        raise UsageError("no example was seen in the epochs that are left", cure="leave out fewer")
    prob, correct, seen = prob[there], correct[there], seen[there]
    n = seen.sum(axis=1)
    confidence = _mean(prob, n)
    variance = _mean((prob - confidence[:, None]) ** 2, n)
    if include_ci:
        variance = variance + np.where(n > 1, variance**2 / np.maximum(n - 1, 1), 0.0)
    columns: dict[str, Any] = {
        "example_id": [i for i, here in zip(table.ids, there, strict=True) if here],
        "epochs": n,
        "confidence": confidence,
        "variability": np.sqrt(variance),
        "correctness": np.nansum(correct, axis=1).astype(np.int64),
        "forgetfulness": forgetfulness(correct),
        "threshold_closeness": confidence * (1 - confidence),
        "margin": _mean(table.margin[there][:, keep], n),
        "loss": _mean(table.loss[there][:, keep], n),
    }
    choice = choose(
        columns,
        method=method,
        share=share,
        ambiguous_from=ambiguous_from,
        hard_below=hard_below,
    )
    columns["category"] = choice.names
    assert tuple(columns) == COLUMNS
    summary = _summary(table, columns, choice, epochs, keep, len(there) - int(there.sum()), include_ci)
    return DataMap(columns, choice, summary, (*table.findings, *_about(summary)))


def _about(summary: dict[str, Any]) -> list[Finding]:
    """What a reader must know before reading anything into the map."""
    never, n = summary["never_learnt"], summary["examples"]
    if never <= n * LITTLE:
        return []
    message = (
        f"gold never won on {never:,} of {n:,} examples: the model learnt little, and the map says little"
    )
    finding = flag("", message, severity="warning", fix="train longer, or with a higher learning rate")
    return [replace(finding, check="dynamics-little-learnt")]


def _mean(values: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Mean over epochs of what was seen. Unlike nanmean it sums in the order numpy's mean does."""
    return np.where(np.isnan(values), 0.0, values).sum(axis=1) / n


def forgetfulness(correct: np.ndarray) -> np.ndarray:
    """(examples,) steps from right to wrong in (examples, epochs); 1000 where it was never right.

    After Toneva et al. (2019). NaN is an epoch in which the example was not seen: it is passed over.
    """
    learnt = np.zeros(len(correct), bool)
    times = np.zeros(len(correct), np.int64)
    for column in np.asarray(correct, np.float64).T:
        times += learnt & (column == 0)
        learnt = np.where(np.isnan(column), learnt, column == 1)
    return np.where(np.nansum(correct, axis=1) > 0, times, NEVER_LEARNT)


def _summary(
    table: DynamicsTable,
    columns: dict[str, Any],
    choice: Choice,
    epochs: Sequence[int],
    keep: slice,
    unseen: int,
    include_ci: bool,
) -> dict[str, Any]:
    n = len(columns["example_id"])
    names, counts = np.unique(choice.names, return_counts=True)
    by = dict.fromkeys(("easy", "ambiguous", "hard"), 0) | dict(
        zip(names.tolist(), counts.tolist(), strict=True)
    )
    correct, loss = table.correct[:, keep], table.loss[:, keep]
    forgotten = columns["forgetfulness"]
    return {
        "examples": n,
        "not_seen": unseen,
        "epochs": list(epochs),
        "categories": by,
        "shares": {name: count / n for name, count in by.items()},
        "thresholds": choice.stated,
        "chosen": choice.sentence,
        "variability": "population standard deviation" + (", with its own uncertainty" if include_ci else ""),
        "means": {
            name: float(np.mean(columns[name]))
            for name in ("confidence", "variability", "threshold_closeness", "margin", "loss")
        },
        "never_learnt": int((forgotten == NEVER_LEARNT).sum()),
        "forgotten": int(((forgotten > 0) & (forgotten < NEVER_LEARNT)).sum()),
        "by_epoch": [
            {
                "epoch": epoch,
                "examples": int((~np.isnan(correct[:, i])).sum()),
                "accuracy": float(np.nanmean(correct[:, i])),
                "loss": float(np.nanmean(loss[:, i])),
            }
            for i, epoch in enumerate(epochs)
        ],
    }
