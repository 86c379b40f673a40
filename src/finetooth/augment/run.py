"""Augmentation from end to end: clean, make copies, hold each against the checks, count what came of it.

made = augment(dataset, {"swap": each(swap), ...}, times=4, seed=1); made.examples, made.dropped, made.report
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import fmean
from typing import Any

from finetooth import checks
from finetooth.augment.distance import edit_share
from finetooth.augment.edit import Skip
from finetooth.checks._similar import near, shingles
from finetooth.curate.mend import Change, mend
from finetooth.errors import FinetoothError, UsageError
from finetooth.io import chunks
from finetooth.machines import Spread
from finetooth.text import shorten, squeeze
from finetooth.types import Dataset, Drop, Example, Finding

TASKS = ("ner", "relation")
AT_ONCE = 64  # copies that a worker makes before it hands them over
TRIES = 3  # draws for one copy before it is given up
NEAR = 0.9  # of the runs of three words are shared: a near-duplicate


@dataclass(frozen=True)
class Job:
    """One copy to be made: of which document, the how-manieth of this method, with which randomness."""

    source: Example
    method: str
    number: int
    seed: int
    draw: int = 0

    @property
    def id(self) -> str:
        return f"{self.source.id}#{self.method}{self.number}"

    @property
    def rng(self) -> random.Random:
        """Depends on seed, document, method and number alone, not on the other documents."""
        return random.Random(f"{self.seed}|{self.id}|{self.draw}")


# What a method makes of jobs: a changed example, or the reason why not, for each; and notes on parts of them.
Made = Example | str
Method = Callable[[Sequence[Job], Callable[[str, str], None]], Sequence[Made]]
One = Callable[[Example, random.Random, int], Example]


def each(one: One, spread: Spread | None = None) -> Method:
    """A method of single documents; whatever goes wrong in one is a reason, and the others go on.

    ``spread`` makes the copies in several processes or on a cluster: each depends on its own job alone.
    """

    def method(jobs: Sequence[Job], note: Callable[[str, str], None]) -> list[Made]:
        made = (spread or Spread())(_some, one, chunks(jobs, AT_ONCE))
        return [result for some in made for result in some]

    return method


def _some(one: One, jobs: Sequence[Job]) -> list[Made]:
    return [guarded(partial(one, job.source, job.rng, job.number)) for job in jobs]


def guarded(make: Callable[[], Example]) -> Made:
    """What is made of one document, or the reason why nothing is: one failure is one document's."""
    try:
        return make()
    except Skip as e:
        return str(e)
    except FinetoothError:
        raise  # a model or a teacher that is not there concerns every document
    except Exception as e:
        return f"failed: {type(e).__name__}: {shorten(str(e), 120)}"


@dataclass(frozen=True)
class Augmented:
    """``examples``: the clean sources, then the copies that were kept; ``dropped`` with reasons; figures."""

    examples: tuple[Example, ...]
    copies: tuple[Example, ...]
    dropped: tuple[Drop, ...]
    report: dict[str, Any]


@dataclass
class _Tally:
    made: set[str] = field(default_factory=set)
    valid: set[str] = field(default_factory=set)
    why: dict[str, tuple[str, str]] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)


def _check_for_documents(data: Dataset, only: Sequence[str] | str = ()) -> checks.CheckReport:
    """The findings; where one is of a single wrong triple and has no fix that a program can make, it goes."""
    report = checks.run(data, only=only)
    found = [
        replace(f, fix={"triple": f.evidence["triple"], "drop": True})
        if f.severity == "error" and "triple" in f.evidence and not isinstance(f.fix, Mapping)
        else f
        for f in report.findings
    ]
    return replace(report, findings=tuple(found))


def clean(data: Dataset) -> tuple[list[Example], list[Drop], list[Change]]:
    """Documents without a finding of severity error, those that keep one, by name, and what was mended before.

    A triple that is wrong and that nobody but a person can mend need not cost a document: it is taken out, which
    the changes name. Copies that an earlier augmentation
    made are left out too: a copy of a copy only adds its errors.
    """
    wrong: dict[str, list[str]] = {}
    first: dict[str, Finding] = {}
    mended = mend(data, run=_check_for_documents)
    for finding in mended.left:
        if finding.example_id:
            named = wrong.setdefault(finding.example_id, [])
            if finding.check not in named:
                named.append(finding.check)
            first.setdefault(finding.example_id, finding)
    kept, dropped = [], []
    for example in mended.examples:
        if example.id in wrong:
            told = ", ".join(wrong[example.id])
            message = shorten(first[example.id].message, 160)
            dropped.append(Drop(example.id, "clean", f"{told}: {message}"))
        elif example.meta.get("aug_method"):
            dropped.append(Drop(example.id, "clean", "is itself an augmented copy"))
        else:
            kept.append(example)
    return kept, dropped, list(mended.changes)


def refuse_other_tasks(task: str) -> None:
    """UsageError for a task that no method is for."""
    if task not in TASKS:
        raise UsageError(f"{task} cannot be augmented", cure=f"there are methods for {' and '.join(TASKS)}")


def augment(
    data: Dataset,
    methods: Mapping[str, Method],
    *,
    times: int = 4,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Augmented:
    """``times`` copies of each clean document, the methods in turn, each kept only if it passes every check
    that its source passes. Raises UsageError for another task or nothing to do.
    """
    refuse_other_tasks(data.task)
    if times < 1:
        raise UsageError(f"times: expected at least 1, found {times}")
    sources, dropped, changes = clean(data)
    jobs = _jobs(sources, tuple(methods), times, seed)
    tally = _Tally()
    kept: dict[str, Example] = {}
    notes: list[Drop] = []
    pending = jobs
    for draw in range(TRIES):
        pending = [replace(job, draw=draw) for job in pending]
        made = _make(pending, methods, tally, notes)
        good = _passing(data, sources, kept, made, tally)
        kept |= {job.id: example for job, example in good}
        pending = [job for job in pending if job.id not in kept]
        if progress:
            progress(len(jobs) - len(pending), len(jobs))
        if not pending:
            break
    copies = [kept[job.id] for job in jobs if job.id in kept]
    copies = _surely_clean(data, sources, copies, tally)
    left = {e.id for e in copies}
    for job in jobs:
        if job.id not in left:
            stage, reason = tally.why[job.id]
            dropped.append(Drop(job.id, stage, reason))
    dropped += [n for n in notes if n.example_id in left]
    return Augmented(
        (*sources, *copies),
        tuple(copies),
        tuple(dropped),
        _report(data, sources, jobs, copies, dropped, tally, times, seed)
        | {"mended": [change.to_json() for change in changes]},
    )


def _jobs(sources: Sequence[Example], methods: Sequence[str], times: int, seed: int) -> list[Job]:
    """The methods in turn, so that copy 1 of a document is the same however many are asked for."""
    jobs = []
    for source in sources:
        for k in range(times):
            jobs.append(Job(source, methods[k % len(methods)], k // len(methods) + 1, seed))
    return jobs


def _make(
    pending: Sequence[Job], methods: Mapping[str, Method], tally: _Tally, notes: list[Drop]
) -> list[tuple[Job, Example]]:
    made = []
    for name, method in methods.items():
        mine = [job for job in pending if job.method == name]
        if not mine:
            continue
        here: dict[str, list[str]] = {}
        results = method(mine, _noting(here))
        notes += [Drop(job, f"{name} part", what) for job, listed in here.items() for what in listed]
        for job, result in zip(mine, results, strict=True):
            tally.attempts[job.id] += 1
            if isinstance(result, str):
                tally.why.setdefault(job.id, (name, result))
                continue
            meta = {**result.meta, "aug_method": name, "source": job.source.id}
            for key in ("where", "given_id", "aug_type"):
                meta.pop(key, None)
            tally.made.add(job.id)
            made.append((job, replace(result, id=job.id, meta=meta)))
    return made


def _noting(here: dict[str, list[str]]) -> Callable[[str, str], None]:
    def note(job: str, what: str) -> None:
        here.setdefault(job, []).append(what)

    return note


def _findings(data: Dataset, examples: Sequence[Example]) -> dict[str, list[Finding]]:
    """Errors and warnings of the examples, by id."""
    found: dict[str, list[Finding]] = {}
    for finding in checks.run(replace(data, examples=tuple(examples))).findings:
        if finding.severity != "info" and finding.example_id:
            found.setdefault(finding.example_id, []).append(finding)
    return found


def _passing(
    data: Dataset,
    sources: Sequence[Example],
    kept: Mapping[str, Example],
    made: Sequence[tuple[Job, Example]],
    tally: _Tally,
) -> list[tuple[Job, Example]]:
    """Those without an error, without a finding of a check that their source passes, and with a text of their own."""
    if not made:
        return []
    beside = {job.source.id: job.source for job, _ in made}
    found = _findings(data, [*beside.values(), *(e for _, e in made)])
    texts = {squeeze(e.inputs.text): e.id for e in (*kept.values(), *reversed(sources))}
    good = []
    for job, example in made:
        known = {f.check for f in found.get(job.source.id, ())}
        bad = next(
            (f for f in found.get(job.id, ()) if f.severity == "error" or f.check not in known),
            None,
        )
        key = squeeze(example.inputs.text)
        if key in texts:
            tally.why[job.id] = "duplicate", f"the same text stands already: {texts[key]}"
            continue
        if bad is not None:
            tally.why[job.id] = "check", f"{bad.check}: {shorten(bad.message, 160)}"
            continue
        texts[key] = job.id
        tally.valid.add(job.id)
        good.append((job, example))
    return good


def _surely_clean(
    data: Dataset, sources: Sequence[Example], copies: list[Example], tally: _Tally
) -> list[Example]:
    """The copies without an error when all that is kept stands together."""
    while True:
        found = _findings(data, [*sources, *copies])
        bad = {
            name: next(f for f in listed if f.severity == "error")
            for name, listed in found.items()
            if any(f.severity == "error" for f in listed)
        }
        left = [e for e in copies if e.id not in bad]
        if len(left) == len(copies):
            return copies
        for example in copies:
            if example.id in bad:
                finding = bad[example.id]
                tally.why[example.id] = "check", f"{finding.check}: {shorten(finding.message, 160)}"
        copies = left


def _report(data, sources, jobs, copies, dropped, tally: _Tally, times: int, seed: int) -> dict[str, Any]:
    by_id = {e.id: e for e in sources}
    texts = [shingles(e.inputs.text) for e in (*sources, *copies)]
    doubles = {i: (j, likeness) for i, j, likeness in near(texts, threshold=NEAR)}
    copy_ids = [e.id for e in copies]
    near_ids = {copy_ids[i - len(sources)] for i in doubles if i >= len(sources)}
    distance = {e.id: edit_share(by_id[str(e.meta["source"])].inputs.text, e.inputs.text) for e in copies}
    rows = [
        _row(name, [j for j in jobs if j.method == name], copy_ids, distance, near_ids, tally)
        for name in dict.fromkeys(j.method for j in jobs)
    ]
    return {
        "task": data.task,
        "documents": len(data),
        "clean": len(sources),
        "times": times,
        "seed": seed,
        **{k: v for k, v in _row("all", jobs, copy_ids, distance, near_ids, tally).items() if k != "method"},
        **_open_ends(sources, copies),
        "methods": rows,
        "reasons": _reasons(dropped),
    }


def _open_ends(sources: Sequence[Example], copies: Sequence[Example]) -> dict[str, int]:
    """Of relations: ends of triples in all, and those whose name no entity has, in the sources and in the copies.

    Copies inherit them. They are warnings, so they hinder nothing, and no pair of entities can be learned for them.
    """

    def count(examples: Sequence[Example]) -> tuple[int, int]:
        ends = [
            0 <= end < len(e.inputs.entities)
            for e in examples
            for t in getattr(e.target, "triples", ())
            for end in (t.head, t.tail)
        ]
        return len(ends), len(ends) - sum(ends)

    (n, of_sources), (m, of_copies) = count(sources), count(copies)
    if not n:
        return {}
    return {
        "triple_ends": n + m,
        "triple_ends_without_entity": of_sources + of_copies,
        "triple_ends_without_entity_in_sources": of_sources,
    }


def _row(
    name: str,
    jobs: Sequence[Job],
    kept: Iterable[str],
    distance: Mapping[str, float],
    doubles: set[str],
    tally: _Tally,
) -> dict[str, Any]:
    """Figures of one method. yield: a copy could be made; validity: of those, it passed; kept: of those asked."""
    ids = [j.id for j in jobs]
    left = set(kept) & set(ids)
    made, valid = (sum(i in group for i in ids) for group in (tally.made, tally.valid))
    far = [distance[i] for i in ids if i in left]
    return {
        "method": name,
        "asked": len(ids),
        "made": made,
        "valid": valid,
        "kept": len(left),
        "yield": _share(made, len(ids)),
        "validity": _share(valid, made),
        "kept_share": _share(len(left), len(ids)),
        "attempts": sum(tally.attempts[i] for i in ids),
        "edit_share": round(fmean(far), 4) if far else None,
        "edit_share_min": round(min(far), 4) if far else None,
        "near_duplicates": sum(i in doubles for i in left),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _reasons(dropped: Sequence[Drop]) -> list[dict[str, Any]]:
    """How often each reason, names and numbers aside, led to a drop."""
    count = Counter((d.stage, d.reason.split(":")[0]) for d in dropped)
    return [{"stage": s, "reason": r, "count": n} for (s, r), n in count.most_common()]
