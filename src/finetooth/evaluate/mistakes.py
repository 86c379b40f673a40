"""The wrong answers of a model counted by what is wrong with them and where: what to mend first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from finetooth.registry import Task
from finetooth.types import Example, Prediction

SHOWN = 20  # ids of a kind; the count is of all


def tally(
    task: Task,
    examples: Sequence[Example],
    predictions: Sequence[Prediction | None],
    slices: Mapping[str, Sequence[str]],
) -> tuple[dict[str, Any], ...]:
    """A row a kind of mistake, the most frequent first; () for a task that names no mistakes.

    ``slices`` are names of each example's slice, by kind. ``size`` is the middle length, in characters, of
    the gold answers that went wrong so, ``size_right`` of those that are right (None where there are none).
    """
    if task.mistakes is None:
        return ()
    kinds = task.mistakes(examples, predictions)
    sizes = [len(task.answer(e)) if task.answer else 0 for e in examples]
    right = _middle([s for s, kind in zip(sizes, kinds, strict=True) if not kind])
    rows = []
    for kind, n in sorted(Counter(k for k in kinds if k).items(), key=lambda item: (-item[1], item[0])):
        at = [i for i, k in enumerate(kinds) if k == kind]
        rows.append(
            {
                "mistake": kind,
                "what": task.mistake_names.get(kind, kind),
                "n": n,
                "of": sum(map(bool, kinds)),
                "size": _middle([sizes[i] for i in at]),
                "size_right": right,
                "slices": {
                    by: dict(Counter(names[i] for i in at if names[i]).most_common())
                    for by, names in slices.items()
                    if any(names[i] for i in at)
                },
                "ids": [examples[i].id for i in at[:SHOWN]],
            }
        )
    return tuple(rows)


def _middle(sizes: Sequence[int]) -> int | None:
    return sorted(sizes)[len(sizes) // 2] if sizes else None
