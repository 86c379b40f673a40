"""steps.jsonl: a line a step, written as it happens.

Row: {"step": 17, "epoch": 0, "loss": 2.31, "learning_rate": 0.0002, "grad_norm": 4.1, "windows": 23,
      "tokens": 3950, "padded": 4012, "seconds": 0.41, "tokens_per_second": 9634.1, "memory_mb": 812.4}
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from finetooth import io
from finetooth.errors import FinetoothError
from finetooth.runs import Run
from finetooth.train.machine import memory_mb


class StepLog:
    """Appends to the run's steps.jsonl. On an accelerator values are fetched every ``hold`` steps,
    since each fetch waits for the device; the rows are the same."""

    def __init__(self, run: Run, *, upto: int, hold: int = 1) -> None:
        run.keep_steps(upto)
        self.run, self._hold = run, hold
        self._rows: list[dict[str, Any]] = []
        self._file = open(run.folder / "steps.jsonl", "a", encoding="utf-8", newline="\n")  # noqa: SIM115

    def add(self, **row: Any) -> None:
        """One step. Raises FinetoothError where the loss is not a number any more."""
        self._rows.append(row)
        if len(self._rows) >= self._hold:
            self.flush()

    def evaluation(self, *, step: int, epoch: int, scores: Mapping[str, float]) -> None:
        """A row of dev scores: {"step": 120, "epoch": 0, "dev_f1": 61.2}."""
        self.flush()
        row = {"step": step, "epoch": epoch} | {f"dev_{k}": v for k, v in scores.items()}
        self._file.write(io.to_json(row) + "\n")
        self._file.flush()

    def flush(self, *, sync: bool = False) -> None:
        for row in self._rows:
            for name in ("loss", "grad_norm"):
                row[name] = float(row[name])
            row["tokens_per_second"] = round(row["tokens"] / max(row["seconds"], 1e-9), 1)
            row["seconds"] = round(row["seconds"], 4)
            row["memory_mb"] = round(memory_mb(), 1)
            self._file.write(io.to_json(row) + "\n")
        self._file.flush()
        if sync:
            os.fsync(self._file.fileno())
        bad = next((r for r in self._rows if not math.isfinite(r["loss"])), None)
        self._rows.clear()
        if bad is not None:
            raise FinetoothError(
                f"the loss is {bad['loss']} at step {bad['step']}",
                where=str(self.run.folder),
                cure="a lower train.learning_rate, a longer train.warmup_steps, or train.precision=fp32",
            )

    def close(self) -> None:
        self._file.close()
