"""Writes what other tools of Dataset Cartography read: its files of training dynamics, its file of metrics.

training_dynamics/dynamics_epoch_0.jsonl    {"guid": "q17", "logits_epoch_0": [-0.1, -2.4, -5.0], "gold": 0}
td_metrics.jsonl                            {"guid": "q17", "index": 0, "threshold_closeness": 0.09,
                                             "confidence": 0.9, "variability": 0.1, "correctness": 3,
                                             "forgetfulness": 0}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.diagnose.cartography import DataMap
from finetooth.diagnose.dynamics_files import DynamicsTable
from finetooth.io import write_jsonl
from finetooth.registry import flag
from finetooth.types import Finding

METRICS = ("threshold_closeness", "confidence", "variability", "correctness", "forgetfulness")
TINY = 1e-30  # a probability of 0 has no logit
NEARLY = 1e-4  # what tells the winner from the best other one where the record has both the same
MOST_OTHERS = 1000  # classes that what is left of the probability is spread over


def write(table: DynamicsTable, made: DataMap, folder: str | Path) -> tuple[Finding, ...]:
    """Both into ``folder``; what could not be said in their terms is returned as findings.

    Ids that were integers are integers again: the reference looks them up in its data by equality.
    """
    folder = Path(folder)
    guid = int if table.integer_ids else str
    write_jsonl(folder / "td_metrics.jsonl", ({**row, "guid": guid(row["guid"])} for row in metrics(made)))
    logits, gold, findings = as_logits(table)
    for column, epoch in enumerate(table.epochs):
        here = np.flatnonzero(~np.isnan(table.gold_prob[:, column]))
        rows = (
            {
                "guid": guid(table.ids[i]),
                f"logits_epoch_{epoch}": [x for x in logits[i, column].tolist() if np.isfinite(x)],
                "gold": int(gold[i]),
            }
            for i in here
        )
        write_jsonl(folder / "training_dynamics" / f"dynamics_epoch_{epoch}.jsonl", rows)
    return findings


def metrics(made: DataMap) -> Iterator[dict[str, Any]]:
    """Rows of the reference's file of metrics, in the order of the map."""
    columns = [made.columns["example_id"], *(made.columns[name].tolist() for name in METRICS)]
    for index, (guid, *values) in enumerate(zip(*columns, strict=True)):
        yield {"guid": guid, "index": index, **dict(zip(METRICS, values, strict=True))}


def as_logits(table: DynamicsTable) -> tuple[np.ndarray, np.ndarray, tuple[Finding, ...]]:
    """(logits (examples, epochs, classes), gold (examples,), findings).

    A run keeps probabilities, not logits. Class 0 is made the gold, class 1 the best other one, and what is
    left is spread over so many classes that none of them wins; the logits are logarithms. The softmax of them
    is the gold probability again, and its winner is gold where gold won. Both cannot be had at once where
    gold won by more windows than not but is the less probable on average, or lost with more than half of the
    probability: there the probability is kept, and a finding says how often.
    """
    if table.logits is not None and table.gold is not None:
        return table.logits, table.gold, ()
    seen = table.seen
    p = np.clip(np.where(seen, table.gold_prob, 0.5), TINY, 1.0)
    won = np.where(seen, table.correct, 1.0) > 0.5
    other = np.clip(p - np.where(seen, table.margin, 0.0), TINY, 1.0)
    other = np.where(won, np.minimum(other, p * (1 - NEARLY)), np.maximum(other, p * (1 + NEARLY)))
    other = np.maximum(np.minimum(other, 1.0 - p), TINY)
    left = np.maximum(1.0 - p - other, 0.0)
    needed = np.where(won, left / (p * (1 - NEARLY)), 1.0)
    others = int(np.clip(np.ceil(needed.max(initial=1.0)), 1, MOST_OTHERS))
    parts = [p, other, *[np.maximum(left / others, TINY)] * others]
    logits = np.log(np.stack(parts, axis=-1))
    differs = int((seen & ((logits.argmax(axis=-1) == 0) != won)).sum())
    findings: list[Finding] = []
    if differs:
        finding = flag(
            "",
            f"in {differs:,} of {int(seen.sum()):,} cells the winner that the logits have is not the one that was "
            "recorded: it did not follow from the probabilities",
            severity="warning",
            cells=differs,
        )
        findings.append(replace(finding, check="dynamics-winner-unsayable"))
    return logits, np.zeros(len(table.ids), np.int64), tuple(findings)
