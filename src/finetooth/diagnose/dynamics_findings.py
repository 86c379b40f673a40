"""What is odd about the epochs of training dynamics, as findings of a whole file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from finetooth.registry import flag
from finetooth.types import Finding


def about(ids: Sequence[str], epochs: Sequence[int], times: np.ndarray) -> list[Finding]:
    """What a reader of the map must know of the epochs it is made of."""
    seen = times > 0
    n, e = seen.shape
    findings: list[Finding] = []

    def found(check: str, message: str, **evidence: Any) -> None:
        findings.extend(named([flag("", message, severity="warning", **evidence)], check))

    if e == 1:
        found(
            "dynamics-one-epoch",
            "only one epoch: variability is 0 and nothing can be forgotten",
            epoch=epochs[0],
        )
    elif not (seen.sum(axis=1) > 1).any():
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
    skipped = sorted(set(range(epochs[0], epochs[-1] + 1)) - set(epochs))
    if skipped:
        found("dynamics-epochs-skipped", f"there is nothing of the epochs {skipped}", epochs=skipped)
    twice = np.flatnonzero((times > 1).any(axis=1))
    if len(twice):
        found(
            "dynamics-seen-twice",
            f"{len(twice):,} examples stand twice in an epoch; the last row counts",
            examples=[ids[i] for i in twice[:10]],
        )
    return findings


def named(findings: Sequence[Finding], check: str) -> tuple[Finding, ...]:
    return tuple(f if f.check else replace(f, check=check) for f in findings)
