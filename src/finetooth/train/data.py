"""What is trained on and what is held out: loading, sampling, holding out by group, the gate of checks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth import checks, readers, registry
from finetooth.config import Config
from finetooth.errors import PreflightError, UsageError
from finetooth.io import fingerprint, versions
from finetooth.text import by_reason, many, shorten
from finetooth.types import SEVERITIES, Dataset, Drop, Example, Finding

if TYPE_CHECKING:
    from finetooth.models.head import Window

Given = Dataset | Sequence[Example] | None


@dataclass(frozen=True)
class Splits:
    """The examples of a run. ``notes`` say aloud what was done to get them; ``drops`` names what is gone.

    ``warnings``: data that were declared deprecated, or are not what their manifest was written for.
    """

    train: Dataset
    dev: Dataset | None
    notes: tuple[str, ...] = ()
    drops: tuple[Drop, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gate:
    """What the checks say before training. ``checks`` counts findings by severity and check."""

    counts: dict[str, int]
    checks: dict[str, dict[str, int]]
    dev_counts: dict[str, int] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    dropped: int = 0


def load(config: Config, train: Given = None, dev: Given = None) -> Splits:
    """The splits a configuration names, or those given. Without dev, a share is held out by group.

    Raises DataError and UsageError as ``readers.load`` does.
    """
    options = config.data.reading
    notes: list[str] = []

    def get(given: Given, path: str | None) -> Dataset | None:
        if isinstance(given, Dataset):
            return given
        if given is not None:
            return subset(Dataset(config.task, (), "memory", "memory", ""), list(given))
        if path is None:
            return None
        return readers.load(path, task=config.task, format=config.data.format, **options)

    whole = get(train, config.data.train)
    assert whole is not None
    if not len(whole):
        raise UsageError("no examples to train on", where=whole.source)
    other = get(dev, config.data.dev)
    for each in (whole, other):
        if each is not None and each.task != config.task:
            raise UsageError(f"holds {each.task}, not {config.task}", where=each.source)
    # Of the whole files: what is drawn from them below has another fingerprint.
    notes += [note for each in (whole, other) if each is not None for note in each.notes[:5]]
    warnings = tuple(filter(None, (versions.warning(each) for each in (whole, other) if each is not None)))
    if other is None:
        whole, other, note = hold_out(whole, config.data.dev_share, seed=config.data.sample_seed)
        notes.append(note)
    whole, note = sample(whole, config.data.max_train_examples, seed=config.data.sample_seed)
    notes += [note] if note else []
    if other is not None:
        other, note = sample(other, config.data.max_dev_examples, seed=config.data.sample_seed)
        notes += [note] if note else []
    return Splits(whole, other, tuple(notes), tuple(whole.dropped), warnings)


def subset(data: Dataset, examples: Sequence[Example]) -> Dataset:
    to_row = registry.task(data.task).to_row
    return replace(data, examples=examples, fingerprint=fingerprint(map(to_row, examples)))


def sample(data: Dataset, size: int | None, *, seed: int) -> tuple[Dataset, str]:
    """At most ``size`` examples, drawn by a generator of that seed, in their own order."""
    if size is None or size >= len(data):
        return data, ""
    keep = sorted(np.random.default_rng(seed).permutation(len(data))[:size])
    return subset(data, [data.examples[i] for i in keep]), (
        f"drew {size:,} of the {len(data):,} examples of {data.source} (data.sample_seed {seed})"
    )


def hold_out(data: Dataset, share: float, *, seed: int) -> tuple[Dataset, Dataset | None, str]:
    """(train, dev, what was done). Whole groups move, so that no context stands on both sides."""
    group = registry.task(data.task).group
    groups: dict[str, list[int]] = {}
    for i, example in enumerate(data.examples):
        groups.setdefault(group(example), []).append(i)
    if len(groups) < 2:
        return (
            data,
            None,
            "no dev set, and all examples are of one group: nothing is held out, nothing is scored",
        )
    names = list(groups)
    wanted, out = max(1, round(share * len(data))), set()
    for i in np.random.default_rng(seed).permutation(len(names))[:-1]:
        out.update(groups[names[i]])
        if len(out) >= wanted:
            break
    train = [e for i, e in enumerate(data.examples) if i not in out]
    dev = [data.examples[i] for i in sorted(out)]
    note = f"no dev set: held out {len(dev):,} of {len(data):,} examples, by group (data.sample_seed {seed})"
    held = replace(subset(data, dev), source=f"{data.source} (held out)", dropped=())
    return subset(data, train), held, note


def pass_gate(splits: Splits, config: Config) -> tuple[Splits, Gate, tuple[Finding, ...]]:
    """(what is left, what was found in figures, the findings on train, the worst first).

    Runs the checks on train, alone and against dev; errors stop, are dropped or kept as configured.

    Raises PreflightError that names the first of them and the ways out.
    """
    options: dict[str, Any] = {"schemas": config.data.schemas} if config.data.schemas else {}
    train, dev = splits.train, splits.dev
    report = checks.run(train, against=dev, **options)
    dev_counts = checks.run(dev, **options).counts if dev is not None else {}
    by: dict[str, Counter[str]] = {severity: Counter() for severity in SEVERITIES}
    for finding in report.findings:
        by[finding.severity][finding.check] += 1
    errors = [f for f in report.findings if f.severity == "error"]
    drops: list[Drop] = []
    if errors and config.data.on_error == "stop":
        shown = "; ".join(f"{f.example_id} {f.check}: {shorten(f.message, 80)}" for f in errors[:3])
        more = f"; and {len(errors) - 3} more" if len(errors) > 3 else ""
        raise PreflightError(
            f"{many(len(errors), 'error')} in the training data: {shown}{more}",
            where=train.source,
            cure="data.on_error=drop (or --on-error drop) trains without them, keep trains with them; "
            "finetooth check lists them",
        )
    if errors and config.data.on_error == "drop":
        for finding in errors:
            if not finding.example_id:
                raise PreflightError(
                    f"{finding.check}: {finding.message}",
                    where=train.source,
                    cure="this is of the set as a whole and cannot be dropped; mend it, or data.on_error=keep",
                )
        reasons: dict[str, str] = {}
        for finding in errors:
            reasons.setdefault(finding.example_id, f"{finding.check}: {finding.message}")
        known = {e.id for e in train.examples}
        # A finding about two splits may name an example of the other: that one is not ours to drop.
        drops = [Drop(name, "gate", why) for name, why in reasons.items() if name in known]
        gone = {d.example_id for d in drops}
        kept = [e for e in train.examples if e.id not in gone]
        if not kept:
            raise PreflightError("every example has errors", where=train.source, cure="finetooth check")
        train = subset(train, kept)
    gate = Gate(
        report.counts,
        {severity: dict(counts) for severity, counts in by.items() if counts},
        dev_counts,
        tuple(f"{name}: {why}" for name, why in report.skipped),
        len(drops),
    )
    train, blank = _labelled(train)
    lines = by_reason({d.example_id: d.reason for d in blank}, [d.example_id for d in blank])
    told = [f"not trained on: {line}" for line in lines]
    left = replace(splits, train=train, drops=(*splits.drops, *drops, *blank), notes=(*splits.notes, *told))
    return left, gate, report.findings


def _labelled(train: Dataset) -> tuple[Dataset, list[Drop]]:
    """(what has a target, the rest by name): a text that nobody labelled is not one without entities.

    Where nothing has one all stay: the head says what it misses.
    """
    why = registry.task(train.task).unlabelled
    reasons = {e.id: reason for e in train.examples if why and (reason := why(e))}
    if not reasons or len(reasons) == len(train):
        return train, []
    drops = [Drop(name, "train", reason) for name, reason in reasons.items()]
    return subset(train, [e for e in train.examples if e.id not in reasons]), drops


def identity(windows: Sequence[Window], ids: Sequence[str]) -> str:
    """A hash of what is trained on, token by token: a resumed run must find the same."""
    digest = hashlib.sha256()
    for window in windows:
        digest.update(f"{ids[window.example]}\0{window.weight!r}\0{window.smoothing!r}\0".encode())
        digest.update(np.asarray(window.input_ids, np.int64).tobytes())
    return digest.hexdigest()
