"""Gives an example the target that a diagnosis proposes for it, in place of leaving the example out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from finetooth.curate.mend import applied
from finetooth.curate.table import Row
from finetooth.errors import DataError
from finetooth.io import parse_json
from finetooth.registry import Task
from finetooth.types import Example, Finding

OF_CHECKS = ("check ", "checks ")  # how the source of a fix begins that checks proposed


@dataclass(frozen=True)
class Fixed:
    """An example that got another target: what spoke against the old one, both as JSON, and whose proposal it was."""

    example_id: str
    reason: str
    before: Any
    after: Any
    source: str


def corrected(task: Task, example: Example, row: Row) -> tuple[Example, str] | None:
    """(the example with the proposed target, who proposed it), or None.

    None where nothing is proposed, where the proposal is a sentence for a person, cannot be made a target of this
    example (an answer that stands in its context several times), or leaves what is taught as it is (the answer of
    another annotator moved).
    """
    proposed, source = row.get("fix"), str(row.get("fix_source") or "")
    if not isinstance(proposed, str) or not proposed:
        return None
    try:
        value = parse_json(proposed, f"{example.id}: fix")
        if source.startswith(OF_CHECKS):
            fixes = value if isinstance(value, list) else [value]
            said = [Finding(example.id, source, "error", "", fix=fix) for fix in fixes]
            better, made = applied(example, said)
            # All or nothing: half mended it would be kept with a fault that is known.
            whole = len(made) == len(said) and _taught(better) != _taught(example)
            return (better, source) if whole else None
        target = task.parse(value, example)
    except DataError:
        return None
    if target is not None and task.taught is not None:
        target = task.taught(target, example)
    if target is None or target == example.target:
        return None
    return replace(example, target=target), source


def _taught(example: Example) -> Any:
    """What a model learns of the target: of several answers the first."""
    answers = getattr(example.target, "answers", None)
    return answers[:1] if answers is not None else example.target
