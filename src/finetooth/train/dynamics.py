"""Training dynamics from the training pass itself: what each example looked like when it was learnt.

A head tells, for every window it has just computed the loss of, the gold's probability, its margin
over the best other choice, whether gold won, and the loss. Here they are kept, a row a window, and
made one value an example when the epoch is over:

    {"example_id": "q17", "epoch": 0, "gold_prob": 0.41, "margin": 0.12, "correct": true, "loss": 0.89,
     "least_prob": 0.3}

**From windows to an example.** A long example has several windows, and most of them do not hold its
gold: there the model learns to say "not here", which is easy and would hide a hard example. So the
values are means over the windows that hold the gold (``fields["holds_gold"]``, true where a head does
not say); where none does (an unanswerable question: "not here" *is* the gold), over all of them.
``correct`` is whether gold won in most of those windows, ``least_prob`` the least of them: one wrong tag
among forty right ones hardly moves a mean. It is NaN where an example has one part.

The values are of the weights at the time of the step, with dropout as trained: that is what
Swayamdipta et al. (2020) record too, though from an extra pass after each epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth import io

if TYPE_CHECKING:
    import pyarrow as pa

    from finetooth.models.head import Step, Window

VALUES = ("gold_prob", "margin", "correct", "loss", "least_prob")
LEAST = VALUES.index("least_prob")


class Recorder:
    """Gathers window values of the epoch in progress and keeps the table of the epochs that are over.

    Costs a copy of five numbers a window and step; on an accelerator they are fetched every
    ``hold`` batches, since each fetch waits for the device.
    """

    def __init__(self, ids: Sequence[str], windows: Sequence[Window], *, hold: int = 16) -> None:
        self.ids = list(ids)
        self.example = np.array([w.example for w in windows], np.int64)
        gold = np.array([bool(w.fields.get("holds_gold", True)) for w in windows], bool)
        # Windows without gold count only where no window of the example has it.
        any_gold = np.bincount(self.example, gold, len(self.ids)) > 0
        self.counts = gold | ~any_gold[self.example]
        self.now = np.full((len(VALUES), len(windows)), np.nan, np.float32)
        self.done: list[np.ndarray] = []  # an epoch: (values, examples)
        self._held: list[tuple[np.ndarray, Any]] = []
        self._hold = hold

    def add(self, windows: np.ndarray, step: Step) -> None:
        """What one batch showed; ``windows`` are the numbers of its windows, in order."""
        import torch

        nothing = torch.full_like(step.gold_prob, float("nan"))
        parts = nothing if step.least_prob is None else step.least_prob
        some = (step.gold_prob, step.margin, step.correct, step.loss, parts)
        values = torch.stack([v.detach().float() for v in some])
        self._held.append((windows, values))
        if len(self._held) >= self._hold or values.device.type == "cpu":
            self.flush()

    def flush(self) -> None:
        for windows, values in self._held:
            self.now[:, windows] = values.cpu().numpy()
        self._held.clear()

    def merge(self, merged: Callable[[np.ndarray], np.ndarray]) -> None:
        """Takes in what other processes of a team have seen of this epoch (``Team.merged``)."""
        self.flush()
        self.now[:] = merged(self.now)

    def end_epoch(self) -> None:
        """Makes the window values of the epoch one value an example; examples not seen stay NaN."""
        self.flush()
        seen = self.counts & ~np.isnan(self.now[0])
        at, values = self.example[seen], self.now[:, seen].astype(np.float64)
        n = np.bincount(at, minlength=len(self.ids))
        least = np.full(len(self.ids), np.inf)
        with np.errstate(invalid="ignore"):
            made = np.stack([np.bincount(at, v, len(self.ids)) / n for v in values])
            np.minimum.at(least, at, values[LEAST])
        made[LEAST] = np.where(n > 0, least, np.nan)
        self.done.append(made)
        self.now[:] = np.nan

    # ---- in and out

    def state(self) -> dict[str, np.ndarray]:
        """Arrays that ``restore`` takes back, for a checkpoint."""
        self.flush()
        done = np.stack(self.done) if self.done else np.zeros((0, len(VALUES), len(self.ids)))
        return {"now": self.now.copy(), "done": done}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        # A checkpoint of before has no least_prob; what its epochs saw stays without.
        known = len(state["now"])
        self.now[:known] = state["now"]
        self.now[known:] = np.nan
        missing = np.full((len(VALUES) - known, len(self.ids)), np.nan)
        self.done = [np.concatenate([epoch, missing]) for epoch in state["done"]]
        self._held.clear()

    def table(self) -> pa.Table:
        """One row an example and finished epoch, by epoch, then example; unseen examples left out."""
        import pyarrow as pa

        columns: dict[str, list[Any]] = {name: [] for name in ("example_id", "epoch", *VALUES)}
        ids = np.array(self.ids, object)
        for epoch, values in enumerate(self.done):
            seen = ~np.isnan(values[0])
            columns["example_id"].append(ids[seen])
            columns["epoch"].append(np.full(int(seen.sum()), epoch, np.int32))
            for name, row in zip(VALUES, values[:, seen], strict=True):
                columns[name].append(row > 0.5 if name == "correct" else row)
        kinds = [pa.string(), pa.int32(), pa.float64(), pa.float64(), pa.bool_(), pa.float64(), pa.float64()]
        arrays = [
            pa.array(np.concatenate(parts) if parts else [], kind)
            for parts, kind in zip(columns.values(), kinds, strict=True)
        ]
        return pa.table(arrays, names=list(columns))

    def write(self, path: Path) -> None:
        import pyarrow.parquet as pq

        with io.atomic(path, "wb") as f:
            pq.write_table(self.table(), f)
