"""What an example's target should be instead, where the evidence has something in its place, and who says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetooth.diagnose.differences import units
from finetooth.diagnose.evidence import about_target
from finetooth.registry import Task
from finetooth.types import Finding, Prediction

SURE = 0.5  # a prediction less sure than that proposes nothing
ALONE = 1.0  # log odds against the label from which one opinion will do: it is wrong in three cases of four


@dataclass(frozen=True)
class Fix:
    """``target`` as JSON, or what checks would change of the one that is there: the fix of the one finding, a list of
    those of several (each may also be a sentence). ``source`` says where it is from."""

    target: Any
    source: str


def propose(
    task: Task,
    findings: Sequence[Finding],
    held_out: tuple[Prediction | None, float],
    own: tuple[Prediction | None, float],
    against: float,
    beside: float = 0.0,
) -> Fix | None:
    """The best founded proposal, or None.

    ``held_out`` and ``own`` are a prediction and its score against the gold (NaN: none), ``against`` the log
    odds that the label is wrong, ``beside`` those that speak of parts of it that the checks do not mean (0 for a target
    of one part). In this order: the fixes that came with the errors of the checks; what both models say, those that
    never saw the example and the one that was taught otherwise; the fixes that came with the warnings; what one says.

    A target is not mended by half: fixes of checks are proposed where every error has one, those of warnings
    where there is no error, every warning has one, and ``beside`` does not hold the label likelier wrong than right.

    A weak model differs from most labels, right ones too. So a prediction is proposed only where the label is held
    likelier wrong than right, and where both opinions are there they must be the same; one alone is
    enough from log odds of 1 on, whether the other differs or is not there, but for one that finds nothing at all.
    """
    said = [f for f in findings if about_target(f)]
    errors = [f for f in said if f.severity == "error"]
    warnings = [f for f in said if f.severity == "warning"]
    if found := _of_findings(errors):
        return found
    both, one = _predicted(task, held_out, own, against)
    return both or (_of_findings(warnings) if not errors and beside <= 0 else None) or one


def _predicted(
    task: Task,
    held_out: tuple[Prediction | None, float],
    own: tuple[Prediction | None, float],
    against: float,
) -> tuple[Fix | None, Fix | None]:
    """(what both opinions say, what one says against whatever the other does)."""
    if against <= 0:
        return None, None
    opinions = [
        (prediction, score, source)
        for (prediction, score), source in (
            (held_out, "models that never saw it"),
            (own, "the model, against what it was taught"),
        )
        if prediction is not None
    ]
    differ = [(p, source) for p, score, source in opinions if p.target is not None and score < 1]
    if len(differ) == 2 and task.show(differ[0][0].target) == task.show(differ[1][0].target):
        source = "models that never saw it, and the one that was taught otherwise"
        return Fix(task.show(differ[0][0].target), source), None
    for prediction, source in differ if against >= ALONE else ():
        sure = prediction.confidence
        # That a model finds nothing in a text is how weak models fail, not what should stand there.
        if units(task.name, prediction.target) and (sure is None or sure >= SURE):
            told = source + ("" if sure is None else f" ({sure:.2f})")
            return None, Fix(task.show(prediction.target), told)
    return None, None


def _of_findings(findings: Sequence[Finding]) -> Fix | None:
    # A sentence is advice to a person ("look its offsets up again"), no target.
    if not findings or any(not isinstance(f.fix, (Mapping, list)) for f in findings):
        return None
    names = list(dict.fromkeys(f.check for f in findings))
    target = findings[0].fix if len(findings) == 1 else [f.fix for f in findings]
    return Fix(target, f"check{'s' * (len(names) > 1)} {', '.join(names)}")
