"""How a prediction differs from its gold, for every task: what it adds, what it lacks, where it says another thing.

A model that never saw an example and says surely what its gold does not is evidence against the gold. Both are
taken apart into units: a place and what stands there.

    ner        (start, end) -> type            relation   (head, tail) -> relations by name
    nli        "" -> label                     json       path of a leaf -> its value
    qa         "" -> answer, normalised as the metric does
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from finetooth.registry import Task
from finetooth.text import normalize_answer
from finetooth.types import Example, Prediction

RULES = ("prediction_adds", "prediction_lacks", "prediction_contradicts")
Units = Mapping[Hashable, Hashable]


@dataclass(frozen=True)
class Differences:
    """``flags`` (n, 3) in the order of RULES; ``score`` (n,) the main metric of each example alone, in 0..1.

    Where there is no prediction all flags are off and the score is NaN. An example may have several golds: it
    differs only from those of them that all others differ from too.
    """

    flags: np.ndarray
    score: np.ndarray


def differences(
    task: Task, examples: Sequence[Example], predictions: Sequence[Prediction | None]
) -> Differences:
    """What each prediction says that its gold does not. Generated text without an answer lacks everything."""
    flags = np.zeros((len(examples), len(RULES)), bool)
    for i, (example, prediction) in enumerate(zip(examples, predictions, strict=True)):
        if prediction is None:
            continue
        found = units(task.name, prediction.target)
        golds = [units(task.name, gold) for gold in _golds(task, example)]
        each = [_compare(gold, found) for gold in golds]
        flags[i] = min(each, key=sum)
    return Differences(flags, scores(task, examples, predictions))


def scores(task: Task, examples: Sequence[Example], predictions: Sequence[Prediction | None]) -> np.ndarray:
    """(n,) the task's main metric of each example alone, from 0 to 1; NaN without a prediction."""
    metric = next(m for m in task.metrics if m.name == task.main_metric)
    counts = metric.counts(examples, list(predictions))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.asarray(metric.value(counts), float) / 100.0
    # A text without entities of which none are predicted is right, though 0 of 0 is no figure.
    same = [p is not None and _same(task, e, p) for e, p in zip(examples, predictions, strict=True)]
    value = np.where(np.isnan(value) | (value == 0), np.array(same, float), value)
    if not metric.higher_is_better:
        value = 1 - value
    return np.where([p is None for p in predictions], np.nan, np.clip(value, 0.0, 1.0))


def _same(task: Task, example: Example, prediction: Prediction) -> bool:
    found = units(task.name, prediction.target)
    return any(found == units(task.name, gold) for gold in _golds(task, example))


def _golds(task: Task, example: Example) -> list[Any]:
    answers = getattr(example.target, "answers", None)
    if answers:
        return [a.text for a in answers]
    return [task.gold(example).target]


def _compare(gold: Units, found: Units) -> tuple[bool, bool, bool]:
    """(adds, lacks, contradicts). An overlap that is no match contradicts, it neither adds nor lacks."""
    other = {place for place in gold.keys() & found.keys() if gold[place] != found[place]}
    extra, lost = found.keys() - gold.keys(), gold.keys() - found.keys()
    touching = {(a, b) for a in extra for b in lost if _overlap(a, b)}
    extra, lost = extra - {a for a, _ in touching}, lost - {b for _, b in touching}
    return bool(extra), bool(lost), bool(other or touching)


def _overlap(a: Hashable, b: Hashable) -> bool:
    """Whether two spans share a character; other places do not overlap."""
    if not (isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b) == 2):
        return False
    if not all(isinstance(x, int) for x in (*a, *b)):
        return False
    return a[0] < b[1] and b[0] < a[1]


def units(task: str, target: Any) -> Units:
    """A target as places and what stands there, see the module."""
    if target is None:
        return {}
    if task == "ner":
        return {(s.start, s.end): s.type for s in target.entities}
    if task == "relation":
        made: dict[Hashable, set[str]] = {}
        for t in target.triples:
            ends = (t.head if t.head >= 0 else t.head_text, t.tail if t.tail >= 0 else t.tail_text)
            made.setdefault(("triple", *ends), set()).add(t.relation)
        return {place: frozenset(names) for place, names in made.items()}
    if task == "nli":
        return {"": target.label}
    if task == "json":
        return dict(_leaves(target.value, ()))
    return {"": normalize_answer(target)} if isinstance(target, str) else {"": repr(target)}


def _leaves(value: Any, path: tuple[Hashable, ...]) -> list[tuple[Hashable, Hashable]]:
    if isinstance(value, Mapping) and value:
        return [leaf for k, v in value.items() for leaf in _leaves(v, (*path, str(k)))]
    if isinstance(value, list) and value:
        return [leaf for i, v in enumerate(value) for leaf in _leaves(v, (*path, f"[{i}]"))]
    # A one and a true are equal in Python and not in JSON.
    return [(("leaf", *path), (type(value).__name__, repr(value)))]
