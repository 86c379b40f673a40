"""Run folders side by side: is one better than another, by how much, where, and on which examples.

Read are the predictions that the runs keep, not their scores: both arms are scored on the same examples by the
same code. Runs that differ in nothing but their seed are one arm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from finetooth import registry
from finetooth.errors import UsageError
from finetooth.evaluate import predictions as files
from finetooth.evaluate.consistency import counted
from finetooth.evaluate.intervals import group_sums
from finetooth.evaluate.metric_code import metric_fingerprint
from finetooth.registry import Metric, Task
from finetooth.runs import Run
from finetooth.search.arms import (
    Arm,
    arms_of,
    distinct,
    load_examples,
    notes_on_runs,
    refuse_unless_same,
    scores_of,
)
from finetooth.search.paired import Paired, holm, paired
from finetooth.types import Example, Prediction

Verdict = Literal["better", "worse", "not shown", "same"]
_REFUSALS = (
    (
        "data_fingerprint",
        "were scored on different data",
        "finetooth evaluate RUN DATA scores each on the same file",
    ),
    (
        "metric_fingerprint",
        "were scored by different metric code",
        "finetooth evaluate RUN scores each by this version",
    ),
)


@dataclass(frozen=True)
class Slice:
    """One part of the data; ``corrected``: its p among all slices of all comparisons (Holm)."""

    by: str
    slice: str
    n: int
    paired: Paired
    corrected: float | None
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        head = {"by": self.by, "slice": self.slice, "n": self.n, "verdict": self.verdict}
        return {**head, **_figures(self.paired, self.corrected)}


@dataclass(frozen=True)
class Flip:
    """An example that one arm gets right and the other does not; ``change`` is "won" or "lost" by the arm.

    ``baseline``, ``arm``: what this example alone scores, in percent of what its gold would, the mean over the
    arm's runs. ``..._predictions``: one a run, in the order of the arm's runs.
    """

    example_id: str
    change: Literal["won", "lost"]
    baseline: float
    arm: float
    gold: Any
    baseline_predictions: tuple[Any, ...]
    arm_predictions: tuple[Any, ...]


@dataclass(frozen=True)
class Comparison:
    """An arm against the baseline."""

    arm: str
    baseline: str
    paired: Paired
    corrected: float | None
    verdict: Verdict
    sentence: str
    slices: tuple[Slice, ...]
    flipped: tuple[Flip, ...]

    def count(self, change: str) -> int:
        return sum(f.change == change for f in self.flipped)

    def to_json(self) -> dict[str, Any]:
        return {
            "arm": self.arm,
            "baseline": self.baseline,
            **_figures(self.paired, self.corrected),
            "verdict": self.verdict,
            "sentence": self.sentence,
            "won": self.count("won"),
            "lost": self.count("lost"),
            "slices": [s.to_json() for s in self.slices],
            "flipped": list(self.flipped),
        }


@dataclass(frozen=True)
class Compared:
    """Everything that ``finetooth compare`` says. ``values``: arm -> the metric of each of its runs."""

    task: str
    split: str
    metric: str
    higher_is_better: bool
    level: float
    data_fingerprint: str
    metric_fingerprint: str
    examples: int
    arms: tuple[Arm, ...]
    values: Mapping[str, tuple[float, ...]]
    comparisons: tuple[Comparison, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        keep = ("task", "split", "metric", "higher_is_better", "level", "data_fingerprint")
        return {
            **{name: getattr(self, name) for name in (*keep, "metric_fingerprint", "examples")},
            "arms": [
                {
                    "name": a.name,
                    "value": float(np.mean(self.values[a.name])),
                    "runs": [
                        {"run": str(r.folder), "seed": s, "value": v}
                        for r, s, v in zip(a.runs, a.seeds, self.values[a.name], strict=True)
                    ],
                }
                for a in self.arms
            ],
            "baseline": self.arms[0].name,
            "comparisons": [c.to_json() for c in self.comparisons],
            "notes": list(self.notes),
        }


def compare(
    folders: Sequence[str | Path],
    *,
    baseline: str | Path | None = None,
    split: str = "dev",
    metric: str | None = None,
    data: str | None = None,
    each: bool = False,
    level: float = 0.95,
    seed: int = 0,
    resamples: int = 5000,
) -> Compared:
    """Every arm among ``folders`` against the baseline: the arm of that run, or of the first.

    ``data`` names the examples of a split that is not the runs' own dev set. With ``each``, every run is an arm
    of its own. Raises UsageError for runs of different tasks, data or metric code (both fingerprints are named),
    without predictions, or that are all one arm.
    """
    first = [baseline] if baseline is not None else []
    runs = [Run.open(f) for f in distinct([*first, *folders])]
    scores = [scores_of(r, split) for r in runs]
    refuse_unless_same(
        runs, [r.config.task for r in runs], "are of different tasks", "only runs of one task are compared"
    )
    for key, said, cure in _REFUSALS:
        refuse_unless_same(runs, [s[key] for s in scores], said, cure)
    task = registry.task(runs[0].config.task)
    chosen: Metric = registry.pick(metric or task.main_metric, {m.name: m for m in task.metrics}, "metric")
    arms = arms_of(runs, each=each)
    if len(arms) < 2:
        raise UsageError(
            f"all {len(runs)} runs are one arm, {arms[0].name}: they differ in nothing but the seed",
            cure="add a run of another configuration; --each compares them run by run",
        )
    held, train = load_examples(runs[0], split, data, str(scores[0]["data_fingerprint"]))
    examples = list(held.examples)
    matched = {r.folder: files.read(r.predictions_path(split), task, examples) for r in runs}
    found = {folder: m.predictions for folder, m in matched.items()}
    field = _Field(task, chosen, examples, train, arms, found, level, seed, resamples)
    counts = field.counts(chosen)
    pairs = [field.paired(counts, arms[0], arm) for arm in arms[1:]]
    corrected = holm([p.p for p in pairs])
    sliced = field.slices()
    comparisons = []
    for arm, pair, p, slices in zip(arms[1:], pairs, corrected, sliced, strict=True):
        identical = _identical(counts, arms[0], arm)
        verdict = _verdict(pair, p, level, chosen.higher_is_better, identical)
        said = _sentence(arm, arms[0], pair, p, verdict, chosen, split, level, len(pairs))
        comparisons.append(
            Comparison(arm.name, arms[0].name, pair, p, verdict, said, slices, field.flips(arms[0], arm))
        )
    values = {a.name: tuple(float(chosen.value(counts[r.folder].sum(axis=0))) for r in a.runs) for a in arms}
    now = metric_fingerprint(task)
    notes = [
        *notes_on_runs(runs, scores, matched, chosen.name, counts, chosen, now),
        *_notes_on_seeds(arms, pairs),
    ]
    return Compared(
        task.name,
        split,
        chosen.name,
        chosen.higher_is_better,
        level,
        held.fingerprint,
        now,
        len(examples),
        arms,
        values,
        tuple(comparisons),
        tuple(notes),
    )


@dataclass(frozen=True)
class _Field:
    """What every comparison of one call shares."""

    task: Task
    metric: Metric
    examples: list[Example]
    train: Sequence[Example]
    arms: tuple[Arm, ...]
    found: Mapping[Path, Sequence[Prediction | None]]
    level: float
    seed: int
    resamples: int

    def counts(self, metric: Metric) -> dict[Path, np.ndarray]:
        """Run -> counts (n, k)."""
        return {folder: counted(metric, self.examples, p) for folder, p in self.found.items()}

    def paired(
        self, counts: Mapping[Path, np.ndarray], a: Arm, b: Arm, *, value: Any = None, at: Any = None
    ) -> Paired:
        """``a`` and ``b`` by the sums of their groups, of the examples ``at`` (None: of all)."""
        groups = [self.task.group(e) for e in self.examples]
        groups = groups if at is None else [groups[i] for i in at]
        rows = slice(None) if at is None else at
        return paired(
            [group_sums(counts[r.folder][rows], groups) for r in a.runs],
            [group_sums(counts[r.folder][rows], groups) for r in b.runs],
            value or self.metric.value,
            seed=self.seed,
            resamples=self.resamples,
            level=self.level,
        )

    def slices(self) -> list[tuple[Slice, ...]]:
        """For each arm but the first, its slices against the first, corrected together."""
        context: dict[str, Any] = {"train": self.train, "examples": self.examples}
        made: list[tuple[str, str, int, list[tuple[Paired, bool]]]] = []
        counts = self.counts(self.metric)
        for kind, of in self.task.slices.items():
            names = np.array([of(e, context) for e in self.examples])
            values = sorted(set(names.tolist()))
            # A slice that holds everything says the same as the whole, and would cost the others their power.
            for value in values if len(values) > 1 else ():
                at = np.flatnonzero(names == value)
                made.append((kind, value, len(at), self._pairs(counts, self.metric, at)))
        parts = self.task.parts(self.examples, self.train) if self.task.parts else ()
        parts = [p for p in parts if p.by and p.n != 0 and p.metric.name == self.metric.name]
        kinds = Counter(p.by for p in parts)
        for part in parts:
            if kinds[part.by] > 1:
                n = len(self.examples) if part.n is None else part.n
                pairs = self._pairs(self.counts(part.metric), part.metric, None)
                made.append((part.by, part.slice, n, pairs))
        corrected = iter(holm([pair.p for *_, pairs in made for pair, _ in pairs]))
        found: list[list[Slice]] = [[] for _ in self.arms[1:]]
        for by, name, n, pairs in made:
            for into, (pair, identical) in zip(found, pairs, strict=True):
                p = next(corrected)
                verdict = _verdict(pair, p, self.level, self.metric.higher_is_better, identical)
                into.append(Slice(by, name, n, pair, p, verdict))
        return [tuple(s) for s in found]

    def _pairs(
        self, counts: Mapping[Path, np.ndarray], metric: Metric, at: np.ndarray | None
    ) -> list[tuple[Paired, bool]]:
        first = self.arms[0]
        return [
            (self.paired(counts, first, arm, value=metric.value, at=at), _identical(counts, first, arm, at))
            for arm in self.arms[1:]
        ]

    def flips(self, a: Arm, b: Arm) -> tuple[Flip, ...]:
        """Examples that cross half of what the gold itself scores, between the two arms; the surest first."""
        metric = self.metric
        if not metric.higher_is_better:
            metric = next(m for m in self.task.metrics if m.name == self.task.main_metric)
        golds = [self.task.gold(e) for e in self.examples]
        gold = counted(metric, self.examples, golds)
        counts = self.counts(metric)
        before, after = (
            np.mean([_right(metric, counts[r.folder], gold) for r in arm.runs], axis=0) for arm in (a, b)
        )
        flipped = np.flatnonzero((before - 0.5) * (after - 0.5) < 0)
        flipped = flipped[np.argsort(-np.abs(after - before)[flipped], kind="stable")]
        show = self.task.show

        def said(arm: Arm, i: int) -> tuple[Any, ...]:
            of = [self.found[r.folder][i] for r in arm.runs]
            return tuple(None if p is None else show(p.target) for p in of)

        return tuple(
            Flip(
                self.examples[i].id,
                "won" if after[i] > before[i] else "lost",
                100 * float(before[i]),
                100 * float(after[i]),
                show(golds[i].target),
                said(a, i),
                said(b, i),
            )
            for i in flipped.tolist()
        )


def _right(metric: Metric, counts: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """(n,) from 0 to 1: an example's own value as a share of its gold's; all or nothing where the gold has none."""
    own, best = metric.value(counts), metric.value(gold)
    alone = np.all(counts == gold, axis=1).astype(float)
    return np.where(best > 0, own / np.where(best > 0, best, 1.0), alone)


def _identical(counts: Mapping[Path, np.ndarray], a: Arm, b: Arm, at: np.ndarray | None = None) -> bool:
    rows = [counts[r.folder] if at is None else counts[r.folder][at] for r in (*a.runs, *b.runs)]
    return all(np.array_equal(rows[0], other) for other in rows[1:])


def _verdict(pair: Paired, p: float | None, level: float, higher: bool, identical: bool) -> Verdict:
    if identical:
        return "same"
    if p is None or not pair.shown(1 - level + 1e-12, p):
        return "not shown"
    return "better" if (pair.difference > 0) == higher else "worse"


def _figures(pair: Paired, corrected: float | None) -> dict[str, Any]:
    names = ("difference", "low", "high", "p", "groups", "se_examples", "se_seeds", "borrowed")
    values = {"baseline_value": pair.a, "value": pair.b, **{name: getattr(pair, name) for name in names}}
    # A slice may hold nothing that can be counted: its value is no number, which JSON does not know.
    plain = {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in values.items()}
    return {**plain, "p_corrected": corrected}


def _sentence(
    arm: Arm,
    base: Arm,
    pair: Paired,
    p: float | None,
    verdict: Verdict,
    metric: Metric,
    split: str,
    level: float,
    comparisons: int,
) -> str:
    if verdict == "same":
        return f"{arm.name} and {base.name} score the same in {metric.name} on every example of {split}."
    if pair.low is None or pair.high is None or p is None:
        return (
            f"Nothing can be said of {arm.name} and {base.name}: {split} has too few independent examples "
            f"({pair.groups} group{'s' if pair.groups != 1 else ''})."
        )
    family = f" after correction for {comparisons} comparisons" if comparisons > 1 else ""
    found = f"{100 * level:g} % interval {pair.low:+.2f} to {pair.high:+.2f}, p {p:.2g}{family}"
    if verdict != "not shown":
        return f"{arm.name} is {verdict} than {base.name} on {split}: {pair.difference:+.2f} {metric.name} ({found})."
    return (
        f"{arm.name} is not shown to be better or worse than {base.name} on {split}: "
        f"{pair.difference:+.2f} {metric.name} ({found})."
    )


def _notes_on_seeds(arms: Sequence[Arm], pairs: Sequence[Paired]) -> list[str]:
    notes, base = [], arms[0]
    for arm, pair in zip(arms[1:], pairs, strict=True):
        single = [a.name for a in (base, arm) if len(a.runs) == 1]
        if len(single) == 2:
            notes.append(
                f"{arm.name} and {base.name} are one run each: this is about these two models; another seed may "
                "turn it round, which only several seeds can tell"
            )
        elif pair.borrowed:
            other = arm.name if single == [base.name] else base.name
            notes.append(f"{single[0]} is one run: its seed noise is taken to be that of {other}")
    return notes
