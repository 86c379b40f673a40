"""The dataclasses that everything else passes around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of a text, half-open: ``text == source[start:end]`` always holds in clean data."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled row. ``inputs`` and ``target`` are the typed dataclasses of its task.

    ``id`` is stable across splits and runs; ``meta`` holds what a reader knew besides
    (title, document, where in the file the row stands).
    """

    id: str
    inputs: Any
    target: Any
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found on one example (``example_id`` is "" for the data set as a whole).

    ``evidence`` holds JSON values: the numbers and strings that prove it. ``fix`` is what would
    mend it, as JSON a program can apply or a sentence, None where only a person can tell.
    """

    example_id: str
    check: str
    severity: Severity
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    fix: Any = None


@dataclass(frozen=True, slots=True)
class Drop:
    """An example that went no further, by name: which one, at which stage, why."""

    example_id: str
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said of one example. ``target`` has the type of the task's targets' answers.

    ``confidence`` is in 0..1 (None: unknown); ``raw`` is what the head produced before parsing.
    """

    example_id: str
    target: Any
    confidence: float | None = None
    raw: Any = None


@dataclass(frozen=True, slots=True)
class Counts:
    """True positives, false positives, false negatives of one example. Sum first, divide last."""

    tp: float = 0.0
    fp: float = 0.0
    fn: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)


@dataclass(frozen=True, slots=True)
class Score:
    """A figure that can be believed: its interval (95 %), its number of examples, its chance floor.

    ``floor`` is the best of ``floors`` (name -> value); None where no floor applies.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    n: int
    floor: float | None = None
    floors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dynamics:
    """What the training pass itself showed of one example in one epoch (epochs count from 0).

    ``margin`` is the gold probability less the best other one; ``correct`` is whether gold won. ``least_prob`` is
    the probability of the part of the gold (a tag, a token of an answer) that was least sure; None in older runs.
    """

    example_id: str
    epoch: int
    gold_prob: float
    margin: float
    correct: bool
    loss: float
    least_prob: float | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples of one task, where they came from, and what reading them dropped.

    ``notes`` are sentences on parts of rows that the task has no place for (relations read as entities).
    """

    task: str
    examples: Sequence[Example]
    source: str
    format: str
    fingerprint: str
    dropped: Sequence[Drop] = ()
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.examples)
