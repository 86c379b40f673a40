"""What is odd about the epochs of training dynamics, as findings of a whole file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

import numpy as np

from finetooth.registry import flag
from finetooth.text import many
from finetooth.types import Finding

SHOWN = 10  # of what a finding lists


def about(ids: Sequence[str], epochs: Sequence[int], times: np.ndarray) -> list[Finding]:
    """What a reader of the map must know of the epochs it is made of, but that it is only one (``cartography``).

    Epochs may be numbers of steps: nothing here grows with the range they span.
    """
    seen = times > 0
    n, e = seen.shape
    findings: list[Finding] = []

    def found(check: str, message: str, **evidence: Any) -> None:
        findings.extend(named([flag("", message, severity="warning", **evidence)], check))

    if e > 1 and not (seen.sum(axis=1) > 1).any():
        found(
            "dynamics-epochs-disjoint",
            f"no example was seen in more than one of {e} epochs: each figure is of a single epoch, variability "
            "is 0 and forgetting cannot be told",
            examples_by_epoch={str(k): int(v) for k, v in zip(epochs, seen.sum(axis=0), strict=True)},
        )
    elif not seen.all():
        gaps = np.flatnonzero(~seen.all(axis=1))
        found(
            "dynamics-epochs-missing",
            f"{len(gaps):,} of {n:,} examples were not seen in every epoch; their figures are of those they were seen in",
            examples=[ids[i] for i in gaps[:10]],
            examples_by_epoch={str(k): int(v) for k, v in zip(epochs, seen.sum(axis=0), strict=True)},
        )
    skipped = epochs[-1] - epochs[0] + 1 - e
    if skipped:
        few = list(islice((k for a, b in pairwise(epochs) for k in range(a + 1, b)), SHOWN))
        listed = ", ".join(map(str, few)) + ("" if skipped == len(few) else ", ...")
        found(
            "dynamics-epochs-skipped",
            f"there is nothing of {many(skipped, 'epoch')} between {epochs[0]} and {epochs[-1]}: {listed}",
            skipped=skipped,
            epochs=few,
        )
    twice = np.flatnonzero((times > 1).any(axis=1))
    if len(twice):
        found(
            "dynamics-seen-twice",
            f"{many(len(twice), 'example stands', 'examples stand')} twice in an epoch; the last row counts",
            examples=[ids[i] for i in twice[:10]],
        )
    return findings


def named(findings: Sequence[Finding], check: str) -> tuple[Finding, ...]:
    return tuple(f if f.check else replace(f, check=check) for f in findings)
