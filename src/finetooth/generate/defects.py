"""Defects planted on purpose, with the truth kept: what a check, a map or a curation finds can be counted.

A kind of defect is one function: a unit of a row (a question, a pair, a mention, a triple) in, the row
spoilt, what stood there before out. A unit is spoilt once; a row of ``truth`` tells each.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from finetooth.errors import UsageError
from finetooth.generate.prose import Document
from finetooth.registry import pick
from finetooth.types import Finding

Row = dict[str, Any]


@dataclass(frozen=True)
class Planted:
    """One defect: the row, its kind, what stood there before, and the unit (0 where a row is one).

    ``now`` is what stands there instead; ``source`` the id of the row that a copy was made of.
    """

    id: str
    defect: str
    was: Any = None
    now: Any = None
    unit: int = 0
    source: str | None = None


@dataclass(frozen=True)
class Spoil:
    """What a defect may look at: the row (a copy of its own), its document, all clean rows, the other split."""

    row: Row
    unit: int
    at: int
    document: Document
    rows: Sequence[Row]
    other: Sequence[Row]
    rng: np.random.Generator


# What a kind returns: (was, now, source), None where this unit cannot be spoilt so.
Change = tuple[Any, Any, str | None] | None


@dataclass(frozen=True)
class Defect:
    """A kind. ``tells`` are the checks that should find it; ``unit`` is the key of the row's list of
    units, "" where the row is one."""

    name: str
    task: str
    summary: str
    spoil: Callable[[Spoil], Change]
    tells: tuple[str, ...]
    unit: str = ""
    needs_other: bool = False
    copies: bool = False  # another row of the same set, which is then left as it is


_KINDS: list[Defect] = []


def defect(
    task: str,
    summary: str,
    *,
    tells: Sequence[str],
    unit: str = "",
    needs_other: bool = False,
    copies: bool = False,
) -> Callable[[Callable[[Spoil], Change]], Callable[[Spoil], Change]]:
    """Registers a function as a kind of defect, named as it is, with hyphens."""

    def wrap(spoil: Callable[[Spoil], Change]) -> Callable[[Spoil], Change]:
        name = spoil.__name__.removeprefix(f"{task}_").replace("_", "-")
        _KINDS.append(Defect(name, task, summary, spoil, tuple(tells), unit, needs_other, copies))
        return spoil

    return wrap


def kinds(task: str) -> dict[str, Defect]:
    """The kinds of a task, by name, in the order of this package."""
    from finetooth.generate import defects_documents, defects_nli, defects_qa  # noqa: F401  (they register themselves)

    return {d.name: d for d in _KINDS if d.task == task}


def spread(task: str, noise: float) -> dict[str, float]:
    """``noise`` in equal parts over the kinds of a task that need no other split."""
    names = [d.name for d in kinds(task).values() if not d.needs_other]
    return dict.fromkeys(names, noise / len(names))


def plant(
    task: str,
    rows: Sequence[Row],
    documents: Sequence[Document],
    rates: Mapping[str, float],
    *,
    seed: int,
    other: Sequence[Row] = (),
) -> tuple[list[Row], list[Planted]]:
    """Rows with defects, and what was planted. A rate is a share of the units of that kind in the rows.

    The number planted is the rate times the units, rounded; less where not enough units can be spoilt
    so. Raises UsageError for an unknown kind, a rate that is none, and a leak without ``other``.
    """
    known = kinds(task)
    for name in rates:
        pick(name, known, f"defect of {task}")
    # In the order of the kinds, whatever the order of the rates: copies come first, from clean rows.
    wanted = {kind: rates[name] for name, kind in known.items() if name in rates}
    for kind, rate in wanted.items():
        if not 0 <= rate <= 1:
            raise UsageError(f"{kind.name}={rate}: expected a share from 0 to 1")
        if kind.needs_other and rate and not other:
            raise UsageError(f"{kind.name} needs another split to copy from", cure="name it with --leak-from")
    if sum(wanted.values()) > 1:
        raise UsageError(f"the rates make {sum(wanted.values()):g}, expected 1 at most")
    spoilt = copy.deepcopy(list(rows))
    rng = np.random.default_rng([seed, 4])
    planted: list[Planted] = []
    at = {row["id"]: i for i, row in enumerate(rows)}
    taken: set[tuple[int, str, int]] = set()
    whole: set[int] = set()
    for kind, rate in wanted.items():
        units = [(i, u) for i, row in enumerate(rows) for u in range(_units(row, kind.unit))]
        left = round(rate * len(units))
        for k in rng.permutation(len(units)):
            if left == 0:
                break
            i, unit = units[k]
            if (i, kind.unit, unit) in taken or i in whole or _gone(spoilt[i], kind.unit, unit):
                continue
            change = kind.spoil(Spoil(spoilt[i], unit, i, documents[i], rows, other, rng))
            if change is None:
                continue
            taken.add((i, kind.unit, unit))
            if not kind.unit:
                whole.add(i)
            was, now, source = change
            if kind.copies and source is not None:
                whole.add(at[source])
            planted.append(Planted(spoilt[i]["id"], kind.name, was, now, unit, source))
            left -= 1
    for i in {at[p.id] for p in planted}:
        _drop_marked(spoilt[i])
    return spoilt, sorted(planted, key=lambda p: (at[p.id], p.unit))


GONE = "gone"  # the mark of a unit that is left out once all are done, so that places stay


def _units(row: Row, key: str) -> int:
    return len(row[key]) if key else 1


def _gone(row: Row, key: str, unit: int) -> bool:
    return bool(key) and bool(row[key][unit].get(GONE))


def _drop_marked(row: Row) -> None:
    """Leaves out the marked units; triples point at their entities' new places."""
    if "triples" in row:
        left = [k for k, e in enumerate(row["entities"]) if not e.get(GONE)]
        new = {k: i for i, k in enumerate(left)}
        row["triples"] = [t for t in row["triples"] if not t.get(GONE)]
        for triple in row["triples"]:
            triple["head"], triple["tail"] = new[triple["head"]], new[triple["tail"]]
    if "entities" in row:
        row["entities"] = [e for e in row["entities"] if not e.get(GONE)]


@dataclass(frozen=True)
class Found:
    """How well the checks find one kind: ``found`` of ``planted`` units are named by one of ``checks``;
    of the ``named`` places, ``right`` hold this kind and ``any_right`` a defect of any kind.
    """

    defect: str
    planted: int
    found: int
    named: int
    right: int
    any_right: int
    checks: tuple[str, ...]

    @property
    def recall(self) -> float | None:
        return self.found / self.planted if self.planted else None

    @property
    def precision(self) -> float | None:
        return self.right / self.named if self.named else None

    @property
    def any_precision(self) -> float | None:
        return self.any_right / self.named if self.named else None


def found(task: str, planted: Sequence[Planted], findings: Iterable[Finding]) -> list[Found]:
    """The checks against the truth, one a kind that was planted, in the order of the kinds.

    A finding that tells where in its row it is must tell the right place; one that does not counts
    for the row.
    """
    by_check: dict[str, set[tuple[str, int | None]]] = {}
    for finding in findings:
        if finding.example_id:
            place = finding.evidence.get("start")
            by_check.setdefault(finding.check, set()).add((finding.example_id, place))
    spoilt = {place for p in planted for place in _places(p)}
    made = []
    for kind in kinds(task).values():
        mine = [p for p in planted if p.defect == kind.name]
        if mine:
            named = set().union(*(by_check.get(c, set()) for c in kind.tells))
            own = {place for p in mine for place in _places(p)}
            made.append(
                Found(
                    kind.name,
                    len(mine),
                    sum(bool(_places(p) & named) for p in mine),
                    len(named),
                    len(named & own),
                    len(named & spoilt),
                    kind.tells,
                )
            )
    return made


def _places(planted: Planted) -> set[tuple[str, int | None]]:
    """Where a finding may point to mean this defect: its row, or the characters where a mention begins."""
    told = [v["start"] for v in (planted.was, planted.now) if isinstance(v, Mapping) and "start" in v]
    starts = [s for v in told for s in (v if isinstance(v, list) else [v])]
    return {(planted.id, None), *((planted.id, s) for s in starts)}


def tally(planted: Iterable[Planted]) -> dict[str, int]:
    return dict(Counter(p.defect for p in planted))
