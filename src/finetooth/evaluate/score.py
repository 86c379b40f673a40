"""Scores: value, interval, floors, slices; missing predictions count as wrong and are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from finetooth import readers, registry
from finetooth.errors import FinetoothError, UsageError
from finetooth.evaluate.classes import classes
from finetooth.evaluate.consistency import ceilings, counted, whole
from finetooth.evaluate.intervals import Figure, Interval, group_numbers, intervals
from finetooth.evaluate.metric_code import metric_fingerprint
from finetooth.evaluate.mistakes import tally
from finetooth.evaluate.predictions import given
from finetooth.evaluate.unread import failures
from finetooth.io import fingerprint
from finetooth.registry import Metric, Task
from finetooth.types import Dataset, Drop, Example, Prediction, Score

__all__ = ["ScoreReport", "labelled", "metric_fingerprint", "score", "settled"]


@dataclass(frozen=True)
class ScoreReport:
    """All scores of one set of predictions, with the fingerprints of the data and of the metric code.

    ``groups``: how many groups of dependent examples the intervals are drawn from. ``ceilings``: what
    the gold itself scores, by name, where that is not perfect. ``mistakes``: see ``evaluate.mistakes``;
    ``failures``: see ``evaluate.unread``. ``left_out``: rows that no score counts, with the reason.
    ``classes``: see ``evaluate.classes``. ``notes``: what a reader must know.
    """

    scores: tuple[Score, ...]
    slices: tuple[dict[str, Any], ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    data_fingerprint: str
    metric_fingerprint: str
    notes: tuple[str, ...] = ()
    groups: int = 0
    ceilings: dict[str, float] = field(default_factory=dict)
    mistakes: tuple[dict[str, Any], ...] = ()
    failures: tuple[dict[str, Any], ...] = ()
    left_out: tuple[Drop, ...] = ()
    classes: tuple[dict[str, Any], ...] = ()

    def score(self, name: str) -> Score:
        return next(s for s in self.scores if s.name == name)

    @property
    def on_the_floor(self) -> tuple[Score, ...]:
        """Scores that mean nothing yet: their interval reaches down to what needs no model."""
        return tuple(s for s in self.scores if not above_floor(s))

    def to_json(self) -> dict[str, Any]:
        return {
            "scores": list(self.scores),
            "slices": list(self.slices),
            "classes": list(self.classes),
            "missing": list(self.missing),
            "unknown": list(self.unknown),
            "data_fingerprint": self.data_fingerprint,
            "metric_fingerprint": self.metric_fingerprint,
            "groups": self.groups,
            "ceilings": self.ceilings,
            "mistakes": list(self.mistakes),
            "failures": list(self.failures),
            "left_out": list(self.left_out),
            "notes": list(self.notes),
        }


def above_floor(score: Score) -> bool:
    """Whether the whole interval lies on the good side of the best floor; true where there is no floor."""
    if score.floor is None or np.isnan(score.floor):
        return True
    if score.floor == max(score.floors.values(), default=score.floor):
        return (score.value if score.low is None else score.low) > score.floor
    return (score.value if score.high is None else score.high) < score.floor


def labelled(task: Task, examples: Sequence[Example]) -> tuple[list[int], tuple[Drop, ...]]:
    """Places of the examples that have a target to score against, and the others with the reason."""
    why = [task.unlabelled(e) if task.unlabelled else "" for e in examples]
    left = tuple(Drop(e.id, "score", reason) for e, reason in zip(examples, why, strict=True) if reason)
    return [i for i, reason in enumerate(why) if not reason], left


def settled(
    task: Task,
    examples: Sequence[Example],
    predictions: Sequence[Prediction | None],
    train: Sequence[Example] = (),
) -> list[Prediction | None]:
    """The predictions as the set spells its labels, where the task says how ("entailed" is 1 of 0 and 1)."""
    return list(task.settled(examples, predictions, train) if task.settled else predictions)


def score(
    task: Task | str,
    examples: Sequence[Example] | Dataset | str | Path,
    predictions: Iterable[Any] | Mapping[str, Any] | str | Path,
    *,
    train: Sequence[Example] | Dataset | str | Path = (),
    unknown: Sequence[str] = (),
    dropped: Sequence[Drop] = (),
    floors: bool = True,
    seed: int = 0,
    resamples: int = 1000,
) -> ScoreReport:
    """Scores ``predictions`` (one an example, None where missing) with every metric of the task.

    ``train`` gives floors and slices what they may know of the training set (majorities, seen answers).
    Data may be a data set or a path, predictions a file of them, {id: prediction}, or plain values in order.
    Examples without a target, and what the reader ``dropped``, are left out by name: against nothing every
    prediction would be wrong. Raises FinetoothError where a metric contradicts itself, see ``consistency``, and
    UsageError for predictions that are not one an example.
    """
    task = registry.task(task) if isinstance(task, str) else task
    examples, read_dropped = _rows(examples, task)
    train, _ = _rows(train, task)
    dropped = dropped or read_dropped
    matched = given(predictions, task, examples)
    predictions, unknown = matched.predictions, unknown or matched.unknown
    if not examples:
        raise FinetoothError("there is nothing to score: no examples")
    known, blank = labelled(task, examples)
    if not known:
        raise FinetoothError(
            f"there is nothing to score against: {blank[0].reason} in all {len(examples):,} rows",
            where=str(examples[0].meta.get("where", "")),
            cure="name the file that holds the gold targets",
        )
    examples, predictions = [examples[i] for i in known], [predictions[i] for i in known]
    predictions = settled(task, examples, predictions, train)
    left_out = (*dropped, *blank)
    gone = {d.example_id for d in left_out}
    groups = [task.group(e) for e in examples]
    guesses = {}
    if floors:
        for i, floor in enumerate(task.floors):
            guesses[floor.name] = floor.predict(examples, train, np.random.default_rng([seed, i]))
    answers = {e.id: p for e, p in zip(examples, predictions, strict=True)}
    context: dict[str, Any] = {"train": train, "examples": examples, "predictions": answers}
    # The slice names are the same for every metric; a kind that says "" of every example does not apply.
    names = {name: [of(e, context) for e in examples] for name, of in task.slices.items()}
    names = {kind: values for kind, values in names.items() if any(values)}
    parts = task.parts(examples, train) if task.parts else ()
    gold = [task.gold(e) for e in examples]

    heads: list[tuple[Metric, dict[str, float]]] = []
    rows: list[dict[str, Any]] = []
    figures: list[Figure] = []
    tails: list[tuple[dict[str, Any], Figure]] = []
    reached: dict[str, float] = {}
    notes: list[str] = []
    for metric in (*task.metrics, *(p.metric for p in parts if not p.by)):
        counts = counted(metric, examples, predictions)
        floor_values = {name: _value(metric, counted(metric, examples, g)) for name, g in guesses.items()}
        heads.append((metric, floor_values))
        figures.append(Figure(counts, metric.value))
        reach, note = ceilings(
            metric, examples, gold, _value(metric, counts), metric.name == task.main_metric
        )
        reached |= reach
        notes += note
        sliced = list(_slices(metric, counts, names))
        whole(metric, counts, sliced)
        tails += sliced
    for part in (p for p in parts if p.by):
        counts = counted(part.metric, examples, predictions)
        row = {
            "by": part.by,
            "slice": part.slice,
            "name": part.metric.name,
            "value": _value(part.metric, counts),
        }
        row["n"] = len(examples) if part.n is None else part.n
        tails.append((row, Figure(counts, part.metric.value)))
    ends = intervals(figures, groups, seed=seed, resamples=resamples)
    scores = [
        _score(metric, figure, end, floor_values, len(examples))
        for (metric, floor_values), figure, end in zip(heads, figures, ends, strict=True)
    ]
    # Slices are many, and nobody compares their third digit.
    ends = intervals([f for _, f in tails], groups, seed=seed, resamples=min(resamples, 300))
    for (row, _), (low, high) in zip(tails, ends, strict=True):
        n = row.pop("n")
        rows.append({**row, "low": low, "high": high, "n": n})
    return ScoreReport(
        tuple(scores),
        tuple(rows),
        tuple(e.id for e, p in zip(examples, predictions, strict=True) if p is None),
        tuple(name for name in unknown if name not in gone),
        fingerprint(map(task.to_row, examples)),
        metric_fingerprint(task),
        (*notes, *_notes(scores), *(task.notes(examples) if task.notes else ())),
        group_numbers(groups)[1],
        reached,
        tally(task, examples, predictions, names),
        failures(task, examples, predictions, groups, train=train, seed=seed, resamples=resamples),
        left_out,
        classes(task, examples, predictions, groups, seed=seed, resamples=min(resamples, 300)),
    )


def _rows(data: Any, task: Task) -> tuple[Sequence[Example], Sequence[Drop]]:
    """The examples of what a caller gave, and what reading them dropped."""
    if isinstance(data, (str, Path)):
        data = readers.load(data, task=task.name)
    if isinstance(data, Dataset):
        if data.task != task.name:
            raise UsageError(f"expected data of {task.name}, found {data.task}", where=data.source)
        return data.examples, data.dropped
    return data, ()


def _value(metric: Metric, counts: np.ndarray) -> float:
    return float(metric.value(counts.sum(axis=0)))


def _score(metric: Metric, figure: Figure, end: Interval, floors: dict[str, float], n: int) -> Score:
    best = (max if metric.higher_is_better else min)(floors.values(), default=None)
    return Score(metric.name, _value(metric, figure.counts), *end, n, best, floors)


def _slices(metric: Metric, counts: np.ndarray, names: dict[str, list[str]]):
    """(row without its interval, figure) of each slice; those of one kind hold every example once."""
    for kind, values in names.items():
        of = np.array(values)
        for value in sorted(set(values)):
            at = np.flatnonzero(of == value)
            part = counts[at]
            row = {
                "by": kind,
                "slice": value,
                "name": metric.name,
                "value": _value(metric, part),
                "n": len(at),
            }
            yield row, Figure(part, metric.value, at)


def _notes(scores: Sequence[Score]) -> tuple[str, ...]:
    """What a reader must know: that precision, recall, F1 and accuracy of one value are one figure."""
    by = {s.name: s.value for s in scores}
    notes = []
    for name, value in by.items():
        stem = name.removesuffix("precision")
        family = [name, f"{stem}recall", f"{stem}f1"]
        if stem == name or not 0 < value < 100 or any(abs(by.get(n, -1) - value) > 1e-9 for n in family):
            continue
        family += [n for n, v in by.items() if n.endswith("accuracy") and abs(v - value) < 1e-9]
        notes.append(
            f"{', '.join(family)} are all {value:.2f}: as much was found as there is to find. Where each "
            "question has one answer, micro-averaging is accuracy; look at the macro average and the parts"
        )
    return tuple(notes)
