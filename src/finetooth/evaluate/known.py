"""Labels that a run can give at all, beside those of the data: a label it never learnt is always missed.

Learnt entailment, neutral, contradiction; asked for 0, 1, 2: an accuracy of 0.00 that says nothing of the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from finetooth.errors import UsageError
from finetooth.registry import Task
from finetooth.text import many
from finetooth.types import Example, Prediction

SHOWN = 8


def known_labels(
    head: Any, task: Task, examples: Sequence[Example], train: Sequence[Example] = (), *, source: str = ""
) -> str:
    """A sentence on labels of ``examples`` that the run cannot give, with their counts; "" where it knows all.

    Spellings that the scorer takes for one label are one here. Raises UsageError where the run knows none of them:
    every example would count as wrong. A head that writes relations or types freely is only spoken of.
    """
    learnt = tuple(getattr(head, "labels", None) or ())
    if task.labels is None or not learnt or not examples:
        return ""
    given = _given(learnt, task, examples, train)
    rows = Counter(label for e in examples for label in task.labels([e]))
    lacking = Counter({label: n for label, n in rows.items() if label not in given})
    if not lacking:
        return ""
    if len(lacking) == len(rows) and (task.label_of is not None or getattr(head, "name", "") != "causal"):
        raise UsageError(
            f"none of its labels is one that the run knows: it holds {_listed(lacking)}, "
            f"the run learnt {_names(learnt)}",
            where=source,
            cure=_cure(task, sorted(rows), learnt),
        )
    return (
        f"{many(len(lacking), 'label', 'labels')} of these data the run has never learnt, so it cannot be right there: "
        f"{_listed(lacking)}; it learnt {_names(learnt)}"
    )


def _given(
    learnt: Sequence[str], task: Task, examples: Sequence[Example], train: Sequence[Example]
) -> set[str]:
    """What the labels that a run learnt are in the spelling of the set they are scored against."""
    given = set(learnt)
    if task.settled is not None:
        # One prediction of each label, as the scorer would see it.
        said = [Prediction(examples[0].id, task.parse(label, examples[0])) for label in learnt]
        settled = task.settled(examples, said, train)
        given |= {p.target.label for p in settled if p is not None and p.target is not None}
    return given


def _listed(counts: Counter[str]) -> str:
    rest = f" and {len(counts) - SHOWN} more" if len(counts) > SHOWN else ""
    return ", ".join(f"{name!r} ({many(n, 'row')})" for name, n in counts.most_common(SHOWN)) + rest


def _names(labels: Collection[str]) -> str:
    names = sorted(labels)
    return ", ".join(map(repr, names[:SHOWN])) + (
        f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    )


def _cure(task: Task, here: Sequence[str], learnt: Sequence[str]) -> str:
    if task.name == "nli":
        # Which number is which word only a person knows.
        return f"say what they mean: --labels {','.join(f'{name}=...' for name in here[:3])}, with names of the run's"
    return "rename them in the data as the run's are, or name the data that the run is for"
