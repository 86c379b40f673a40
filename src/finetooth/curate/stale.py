"""Whether a table still speaks of the data: figures of what an example was say nothing of what it is now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from finetooth import registry
from finetooth.curate.table import Table
from finetooth.diagnose.clustering import said
from finetooth.diagnose.tables import text_of
from finetooth.io import fingerprint, plain
from finetooth.types import Dataset


def changed(dataset: Dataset, table: Table) -> tuple[str, ...] | None:
    """Ids of examples whose input or target is not that of their row; None where no row holds both, as in a map."""
    task = registry.task(dataset.task)
    rows = [(e, table[e.id]) for e in dataset.examples if e.id in table]
    told = [(e, r) for e, r in rows if isinstance(r.get("input"), str) and isinstance(r.get("target"), str)]
    if not told:
        return None
    return tuple(
        e.id
        for e, r in told
        if said(e) != r["input"] or text_of(plain(task.show(task.gold(e).target))) != r["target"]
    )


def is_of(dataset: Dataset, table: Table, known: Iterable[Any]) -> bool:
    """Whether one of the fingerprints ``known`` is of the data, or of those of them that the table speaks of: a file
    that grew since is no other."""
    fingerprints = set(known) - {None, ""}
    task = registry.task(dataset.task)
    there = [task.to_row(e) for e in dataset.examples if e.id in table]
    return dataset.fingerprint in fingerprints or fingerprint(there) in fingerprints


def differing(dataset: Dataset, other: Dataset) -> tuple[str, ...]:
    """Ids that stand in both and whose rows differ."""
    task = registry.task(dataset.task)
    before: Mapping[str, Any] = {e.id: replace(e, meta={}) for e in other.examples}
    return tuple(
        e.id
        for e in dataset.examples
        if e.id in before and task.to_row(replace(e, meta={})) != task.to_row(before[e.id])
    )
