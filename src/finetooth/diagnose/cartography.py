"""Data maps: where each example lies between easy, ambiguous and hard (Swayamdipta et al. 2020).

{"example_id": "q17", "epochs": 3, "confidence": 0.61, "variability": 0.22, "correctness": 2, "forgetfulness": 1,
 "threshold_closeness": 0.24, "margin": 0.31, "loss": 0.58, "category": "ambiguous"}
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from finetooth.diagnose.categories import Choice, choose
from finetooth.diagnose.dynamics_files import VALUES, DynamicsTable
from finetooth.diagnose.dynamics_stream import DynamicsStream
from finetooth.errors import UsageError
from finetooth.registry import flag
from finetooth.text import many
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
    table: DynamicsTable | DynamicsStream,
    *,
    burn_in: int = 0,
    burn_out: int | None = None,
    include_ci: bool = False,
    method: Literal["auto", "share", "median", "given"] = "auto",
    share: float = 1 / 3,
    ambiguous_from: float | None = None,
    hard_below: float | None = None,
) -> DataMap:
    """The map of training dynamics, in memory or read in pieces.

    ``burn_in`` leaves out that many first epochs, ``burn_out`` keeps only that many of the rest (the
    reference's option of that name). ``include_ci`` widens variability as Chang et al. (2017) do, by
    the variance of the variance. How categories are chosen: see ``categories``. Raises UsageError if
    no epoch is left.
    """
    keep = range(len(table.epochs))[burn_in : None if burn_out is None else burn_in + burn_out]
    if burn_in < 0 or (burn_out is not None and burn_out < 1) or not keep:
        raise UsageError(
            f"of {len(table.epochs)} epochs none is left (burn-in {burn_in}"
            + (")" if burn_out is None else f", burn-out {burn_out})"),
            cure="leave out fewer",
        )
    n = table.seen[:, keep.start : keep.stop].sum(axis=1)
    there = n > 0
    if not there.any():
        raise UsageError("no example was seen in the epochs that are left", cure="leave out fewer")
    # Sums by example, epoch after epoch: the values need not be in memory together.
    sums = {name: np.zeros(len(n)) for name in VALUES}
    forgetting = _Forgetting(len(n))
    by_epoch = {column: np.zeros(3) for column in keep}  # examples, right, loss
    for column, rows, values in table.parts(keep, VALUES):
        for name, value in values.items():
            sums[name][rows] += value
        forgetting.add(rows, values["correct"])
        by_epoch[column] += len(rows), values["correct"].sum(), values["loss"].sum()
    with np.errstate(invalid="ignore"):
        confidence = sums["gold_prob"] / n
        squares = np.zeros(len(n))
        for _, rows, values in table.parts(keep, ("gold_prob",)):
            squares[rows] += (values["gold_prob"] - confidence[rows]) ** 2
        variance = squares / n
        if include_ci:
            variance = variance + np.where(n > 1, variance**2 / np.maximum(n - 1, 1), 0.0)
        columns: dict[str, Any] = {
            "example_id": [i for i, here in zip(table.ids, there, strict=True) if here],
            "epochs": n,
            "confidence": confidence,
            "variability": np.sqrt(variance),
            "correctness": sums["correct"].astype(np.int64),
            "forgetfulness": forgetting.times(),
            "threshold_closeness": confidence * (1 - confidence),
            "margin": sums["margin"] / n,
            "loss": sums["loss"] / n,
        }
    columns = {k: v[there] if isinstance(v, np.ndarray) else v for k, v in columns.items()}
    choice = choose(
        columns,
        method=method,
        share=share,
        ambiguous_from=ambiguous_from,
        hard_below=hard_below,
    )
    columns["category"] = choice.names
    assert tuple(columns) == COLUMNS
    epochs = [
        {
            "epoch": table.epochs[column],
            "examples": int(count),
            "accuracy": float(right / count) if count else float("nan"),
            "loss": float(loss / count) if count else float("nan"),
        }
        for column, (count, right, loss) in by_epoch.items()
    ]
    summary = _summary(columns, choice, epochs, len(there) - int(there.sum()), include_ci)
    return DataMap(columns, choice, summary, (*table.findings, *_about(summary)))


def _about(summary: dict[str, Any]) -> list[Finding]:
    """What a reader must know before reading anything into the map."""
    made = []
    if len(summary["epochs"]) == 1:
        message = "one epoch: no probability can vary and none be forgotten, so no example is ambiguous"
        made.append(
            ("dynamics-one-epoch", flag("", message, severity="warning", fix="train for two or more"))
        )
    never, n = summary["never_learnt"], summary["examples"]
    if never > n * LITTLE:
        message = (
            f"gold never won on {never:,} of {many(n, 'example')}: the model learnt little, or a target has so many "
            "parts that all are never right at once; categories say little"
        )
        finding = flag("", message, severity="warning", fix="train longer, or with a higher learning rate")
        made.append(("dynamics-little-learnt", finding))
    return [replace(finding, check=name) for name, finding in made]


def forgetfulness(correct: np.ndarray) -> np.ndarray:
    """(examples,) steps from right to wrong in (examples, epochs); 1000 where it was never right.

    After Toneva et al. (2019). NaN is an epoch in which the example was not seen: it is passed over.
    """
    forgetting = _Forgetting(len(correct))
    for column in np.asarray(correct, np.float64).T:
        rows = np.flatnonzero(~np.isnan(column))
        forgetting.add(rows, column[rows])
    return forgetting.times()


class _Forgetting:
    """Counts, epoch after epoch, how often each of ``n`` examples was right and then wrong."""

    def __init__(self, n: int) -> None:
        self._right, self._ever = np.zeros(n, bool), np.zeros(n, bool)
        self._times = np.zeros(n, np.int64)

    def add(self, rows: np.ndarray, correct: np.ndarray) -> None:
        now = correct == 1
        self._times[rows] += self._right[rows] & ~now
        self._right[rows] = now
        self._ever[rows] |= now

    def times(self) -> np.ndarray:
        return np.where(self._ever, self._times, NEVER_LEARNT)


def _summary(
    columns: dict[str, Any],
    choice: Choice,
    by_epoch: list[dict[str, Any]],
    unseen: int,
    include_ci: bool,
) -> dict[str, Any]:
    n = len(columns["example_id"])
    names, counts = np.unique(choice.names, return_counts=True)
    by = dict.fromkeys(("easy", "ambiguous", "hard"), 0) | dict(
        zip(names.tolist(), counts.tolist(), strict=True)
    )
    forgotten = columns["forgetfulness"]
    return {
        "examples": n,
        "not_seen": unseen,
        "epochs": [row["epoch"] for row in by_epoch],
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
        "by_epoch": by_epoch,
    }
