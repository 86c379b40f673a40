"""The runs that are compared: which of them are one arm, what they predicted, and whether it is of the same data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetooth import readers
from finetooth.config import Config, build, differences
from finetooth.errors import FinetoothError, UsageError
from finetooth.evaluate import predictions as files
from finetooth.registry import Metric
from finetooth.runs import OUTSIDE, Run
from finetooth.types import Dataset, Example


@dataclass(frozen=True)
class Arm:
    """One recipe: its runs, in the order given, and the seed of each."""

    name: str
    runs: tuple[Run, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(r.config.seed for r in self.runs)


def arms_of(runs: Sequence[Run], *, each: bool = False) -> tuple[Arm, ...]:
    """Runs grouped by configuration but for the seed and where they are kept, in the order of first sight.

    Training data count by their fingerprint, not their path: a file that was changed between two runs makes two
    arms. Raises UsageError for a run that repeats another, which would pass for a second seed.
    """
    groups: list[list[Run]] = []
    for run in runs:
        group = None if each else next((g for g in groups if _one_arm(g[0], run)), None)
        if group is None:
            groups.append([run])
            continue
        twin = next((r for r in group if r.config.seed == run.config.seed), None)
        if twin is not None:
            raise UsageError(
                f"{twin.folder} and {run.folder} have the same configuration and the same seed {run.config.seed}",
                cure="leave one out; --each compares them run by run",
            )
        group.append(run)
    names = [_name(g) for g in groups]
    if len(set(names)) < len(names):
        names = [", ".join(str(r.folder) for r in g) for g in groups]
    return tuple(Arm(name, tuple(g)) for name, g in zip(names, groups, strict=True))


def _one_arm(a: Run, b: Run) -> bool:
    known, other = _trained_on(a), _trained_on(b)
    but = [*OUTSIDE, "seed", "train.threads"]
    if known and other:
        but += ["data.train", "data.dev"]  # what was read says more than where it lay
    pairs = ((x, y) for x in _configs(a) for y in _configs(b))
    return known == other and any(not differences(x, y, but=but) for x, y in pairs)


def _configs(run: Run) -> list[Config]:
    """As it was asked for, and with what "auto" came to: a run that was made from another's folder has the latter."""
    resolved = run.info.get("resolved")
    return [run.config, *([build(resolved)] if resolved else [])]


def _trained_on(run: Run) -> str:
    return str(((run.info.get("data") or {}).get("train") or {}).get("fingerprint") or "")


def _name(runs: Sequence[Run]) -> str:
    names = [r.folder.resolve().name for r in runs]
    if len(names) == 1:
        return names[0]
    start = _shared(*names)
    return f"{start}*" if start else f"{names[0]} and {len(names) - 1} more"


def _shared(first: str, *others: str) -> str:
    """What all names begin with."""
    alike = [c for i, c in enumerate(first) if all(o[: i + 1] == first[: i + 1] for o in others)]
    return "".join(alike)


def distinct(folders: Sequence[str | Path]) -> list[Path]:
    """The folders in their order, each once, however it is spelled."""
    return list({Path(f).resolve(): Path(f) for f in folders}.values())


def scores_of(run: Run, split: str) -> Mapping[str, Any]:
    """The scores of one split, with both fingerprints. Raises UsageError where they or the predictions are missing."""
    scores = run.scores()
    if split not in scores:
        there = f"there are: {', '.join(scores)}; " if scores else ""
        raise UsageError(
            f"no scores for the split {split!r}",
            where=str(run.folder),
            cure=f"{there}finetooth evaluate {run.folder} makes them",
        )
    if not run.predictions_path(split).is_file():
        raise UsageError(
            f"the split {split!r} has scores, but its predictions are gone",
            where=str(run.predictions_path(split)),
            cure=f"finetooth evaluate {run.folder} makes them again",
        )
    for key in ("data_fingerprint", "metric_fingerprint"):
        if not scores[split].get(key):
            raise UsageError(
                f"the scores of {split!r} have no {key}: they may be of anything",
                where=str(run.folder),
                cure=f"finetooth evaluate {run.folder} makes them anew",
            )
    return scores[split]


def refuse_unless_same(runs: Sequence[Run], values: Sequence[str], what: str, cure: str) -> None:
    """Raises UsageError that names the first two runs whose values differ, and both values."""
    for run, value in zip(runs, values, strict=True):
        if value != values[0]:
            raise UsageError(f"{runs[0].folder} and {run.folder} {what}: {values[0]} and {value}", cure=cure)


def load_examples(
    run: Run, split: str, data: str | None, fingerprint: str
) -> tuple[Dataset, Sequence[Example]]:
    """What was predicted, proved by its fingerprint, and the training set for slices, () where it is gone.

    Raises UsageError for data of another fingerprint (both are named) or a split whose data nothing names.
    """
    from finetooth.train.data import load, sample

    config = run.config
    of = config.data
    options = of.reading
    train: Sequence[Example] = ()
    held: Dataset | None = None
    why = "no data are named for it"
    try:
        splits = load(config)
        train, held = splits.train.examples, {"train": splits.train, "dev": splits.dev}.get(split)
    except FinetoothError as e:
        why = str(e)
    if held is None and data is None and split == "dev" and of.dev is not None:
        # The training set may be gone; what was predicted is enough.
        with suppress(FinetoothError):
            held = readers.load(of.dev, task=config.task, format=of.format, **options)
            held, _ = sample(held, of.max_dev_examples, seed=of.sample_seed)
    if data is not None:
        held = readers.load(data, task=config.task, **options)
    if held is None:
        raise UsageError(
            f"cannot tell the examples of the split {split!r}: {why}",
            where=str(run.folder),
            cure="--data FILE names them",
        )
    if held.fingerprint != fingerprint:
        raise UsageError(
            f"these are not the data the runs were scored on: {held.fingerprint} here, {fingerprint} there",
            where=held.source,
            cure="--data FILE names those, or finetooth evaluate scores the runs on these",
        )
    return held, train


def notes_on_runs(
    runs: Sequence[Run],
    scores: Sequence[Mapping[str, Any]],
    matched: Mapping[Path, files.Matched],
    name: str,
    counts: Mapping[Path, np.ndarray],
    metric: Metric,
    now: str,
) -> list[str]:
    """What a reader must know of single runs. ``now``: the fingerprint of this version's metric code."""
    notes = []
    for run, kept in zip(runs, scores, strict=True):
        found = matched[run.folder]
        if run.status not in ("finished", "untrained"):
            notes.append(f"{run.folder} is {run.status}: its figures are not final")
        if found.missing:
            notes.append(
                f"{run.folder}: {len(found.missing):,} examples have no prediction and count as wrong"
            )
        if found.unknown:
            notes.append(
                f"{run.folder}: {len(found.unknown):,} predictions are for ids that are not in the data"
            )
        said = next((s["value"] for s in kept.get("scores", ()) if s.get("name") == name), None)
        value = float(metric.value(counts[run.folder].sum(axis=0)))
        if kept["metric_fingerprint"] == now and said is not None and abs(said - value) > 1e-6:
            notes.append(
                f"{run.folder}: its predictions score {value:.4f} {name}, scores.json says {said:.4f}: one of the "
                "two was changed"
            )
    if scores[0]["metric_fingerprint"] != now:
        notes.append(
            f"the runs were scored by metric code {scores[0]['metric_fingerprint']}, this version has {now}: "
            "both arms are scored anew by it"
        )
    return notes
