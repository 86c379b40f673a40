"""Rows of any task: ids that stand twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from finetooth.registry import CheckContext, check, flag
from finetooth.types import Example, Finding


def made_id(name: str) -> bool:
    """Whether it is an id as ``io.content_id`` makes them for rows that have none."""
    return re.fullmatch(r"row-[0-9a-f]{16}", name) is not None


@check(severity="warning")
def duplicate_id(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """An id stands twice in the file. The later row was read under a name of its own.

    Predictions and scores go by id: of two rows with one id, one is scored with the other's prediction.
    It is an error where the two rows differ. Rows that were given no id and come back are told by the
    task's own check: duplicate-question, duplicate-pair, duplicate-prompt, document-twice.

    Bad: {"id": "q1", "question": "Who left?"} and {"id": "q1", "question": "Who came?"}
    Fix: {"id": "q1", "question": "Who left?"} and {"id": "q2", "question": "Who came?"}
    """
    by_id = {e.id: e for e in examples}
    for example in examples:
        given = example.meta.get("given_id")
        if given is None:
            continue
        first = by_id.get(given)
        if first is not None and first.inputs == example.inputs and made_id(given):
            continue  # nobody gave it an id; each task has a check for what is said twice
        same = first is not None and (first.inputs, first.target) == (example.inputs, example.target)
        yield flag(
            example,
            f"the id {given!r} stands twice, {'with the same row' if same else 'with two different rows'}",
            fix="leave one out" if same else {"id": example.id},
            severity="" if same else "error",
            given_id=given,
            same_row=same,
        )
