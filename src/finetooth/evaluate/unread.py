"""Generated text in which no answer could be read: how often, by the name of what is wrong with it.

Each such text counts as wrong in every score, but for what its task can read of a part; these rates stand beside
the scores and say why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from finetooth.evaluate.intervals import Figure, intervals
from finetooth.metrics.qa import percent
from finetooth.registry import Task
from finetooth.types import Example, Prediction

SHOWN = 20  # ids of a kind; the count is of all
ANY = "any"


def failures(
    task: Task,
    examples: Sequence[Example],
    predictions: Sequence[Prediction | None],
    groups: Sequence[str],
    *,
    train: Sequence[Example] = (),
    seed: int = 0,
    resamples: int = 1000,
) -> tuple[dict[str, Any], ...]:
    """A row for all failures together (``any``) and one for each kind, the most frequent first.

    Kinds of which a part could be read (``Task.partly_read``) are told, and not in ``any``. ``rate`` is in percent of the examples, with its interval over ``groups``. () where nothing was generated, or
    the task does not tell; where every text was read, the one row ``any`` with a rate of 0.
    """
    found = None if task.unread is None else task.unread(examples, predictions, train)
    if found is None:
        return ()
    counts = Counter(name for name in found if name)
    order = [ANY, *(name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])))]
    at = {name: [i for i, f in enumerate(found) if f == name] for name in order[1:]}
    at[ANY] = [i for i, f in enumerate(found) if f and f not in task.partly_read]
    figures = []
    for name in order:
        rows = np.zeros((len(examples), 2))
        rows[at[name], 0], rows[:, 1] = 1.0, 1.0
        figures.append(Figure(rows, percent))
    ends = intervals(figures, groups, seed=seed, resamples=resamples)
    return tuple(
        {
            "failure": name,
            "what": "no answer could be read: counts as wrong"
            if name == ANY
            else task.unread_names.get(name, name),
            "n": len(at[name]),
            "of": len(examples),
            "rate": 100.0 * len(at[name]) / len(examples),
            "low": low,
            "high": high,
            "ids": [examples[i].id for i in at[name][:SHOWN]],
        }
        for name, (low, high) in zip(order, ends, strict=True)
    )
