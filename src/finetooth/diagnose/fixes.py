"""What an example's target should be instead, where the evidence has something in its place, and who says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetooth.registry import Task
from finetooth.types import Finding, Prediction

SURE = 0.5  # a prediction less sure than that proposes nothing


@dataclass(frozen=True)
class Fix:
    """``target`` as JSON (what a check proposes may also be a sentence); ``source`` says where it is from."""

    target: Any
    source: str


def propose(
    task: Task,
    findings: Sequence[Finding],
    held_out: tuple[Prediction | None, float],
    own: tuple[Prediction | None, float],
) -> Fix | None:
    """The best founded proposal, or None.

    ``held_out`` and ``own`` are a prediction and its score against the gold (NaN: none). In this order: a fix
    that came with an error of the checks; what models say that never saw the example; what the trained model
    says although it was taught otherwise; a fix that came with a warning.
    """
    from_error = _of_findings(findings, "error")
    if from_error is not None:
        return from_error
    for (prediction, score), source in (
        (held_out, "models that never saw it"),
        (own, "the model, against what it was taught"),
    ):
        if prediction is None or prediction.target is None or not score < 1:
            continue
        sure = prediction.confidence
        if sure is None or sure >= SURE:
            return Fix(task.show(prediction.target), source + ("" if sure is None else f" ({sure:.2f})"))
    return _of_findings(findings, "warning")


def _of_findings(findings: Sequence[Finding], severity: str) -> Fix | None:
    for f in findings:
        if f.severity == severity and f.fix is not None:
            return Fix(f.fix, f"check {f.check}")
    return None
