"""Applies a policy of filters to a data set: what to drop, by name and with a reason.

kept, dropped = apply_filters(dataset, {"with": "runs/first", "filters": [{"name": "ambiguous", "top": 0.33}]})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetooth import registry
from finetooth.curate import classes
from finetooth.curate.classes import Thinned
from finetooth.curate.correct import Fixed, corrected
from finetooth.curate.dropping import DUPLICATES, FILTERS, usable
from finetooth.curate.policy import checked, read_policy
from finetooth.curate.table import Row, of
from finetooth.errors import ConfigError, UsageError
from finetooth.io import fingerprint, plain
from finetooth.types import Dataset, Drop, Example

__all__ = ["DUPLICATES", "FILTERS", "Curated", "apply_filters", "checked"]


@dataclass(frozen=True)
class Curated:
    """The kept examples as a Dataset, each drop with its reason, each new target, the classes that all but vanished.
    Unpacks as (kept, dropped)."""

    kept: Dataset
    dropped: tuple[Drop, ...]
    per_filter: Mapping[str, int]
    fixed: tuple[Fixed, ...] = ()
    thinned: tuple[Thinned, ...] = ()

    def __iter__(self):
        return iter((self.kept, self.dropped))


def apply_filters(
    dataset: Dataset, config: Mapping[str, Any] | str | Path, table: Any = None, *, may_be_empty: bool = False
) -> Curated:
    """Applies a policy {"combine": "or" | "and", "filters": [{"name": ..., settings}]}, or a YAML file of one, to a data set.

    ``table`` is what is known of the examples, in any form that ``table.of`` reads: a run folder, a table's path, a DataMap or
    Diagnosis, rows, a frame. Without it the policy names a path under "with".

    "or" drops what any filter drops, "and" only what all drop. Of near-duplicates one stays that no other filter drops,
    where there is one: "or" looks for them in what the other filters leave. With "fix": true an example that would be dropped
    is kept with the target that the table proposes for it, where it proposes one. An example without a row in the
    table is kept, since nothing is known against it. "out_of_sample" is for who makes the table. Raises ConfigError
    for unknown filters or settings, for a column that the table lacks, and for a policy that keeps nothing, unless it
    ``may_be_empty``.
    """
    if isinstance(config, (str, Path)):
        config = read_policy(config)
    combine, filters, fix = checked(config)
    known = config.get("with") if table is None else table
    if known is None:
        raise ConfigError(
            "nothing is known of the examples", cure="name a run under with: in the policy, or give a table"
        )
    table = of(known)
    ids = {e.id for e in dataset.examples}
    rows = [table.get(e.id) or {"example_id": e.id} for e in dataset.examples]
    if ids.isdisjoint(table):
        raise UsageError(
            "no example of the data is in the table",
            where=dataset.source,
            cure="give the table of this data set",
        )
    if fix and not any("fix" in row for row in rows):
        raise ConfigError(
            "fix: the table proposes no targets",
            cure="give what finetooth diagnose RUN wrote, or leave fix out",
        )
    task = registry.task(dataset.task)
    fixed: list[Fixed] = []
    labels = set(task.labels(dataset.examples)) if fix and task.labels is not None else None

    def proposed(example: Example) -> tuple[Example, str] | None:
        better = corrected(task, example, table[example.id]) if fix and example.id in table else None
        # A proposal that spells labels in another way would make a set of two kinds.
        if better is not None and task.labels is not None and labels is not None:
            better = better if labels.issuperset(task.labels([better[0]])) else None
        return better

    names = [str(s["name"]) for s in filters]
    reasons: list[dict[str, str]] = [{} for _ in filters]
    for last in (False, True):
        gone: set[str] = set()
        if last and combine == "or":
            told = set().union(*reasons)
            gone = {e.id for e in dataset.examples if e.id in told and proposed(e) is None}
        for i, settings in enumerate(filters):
            if FILTERS[names[i]].comes_last is last:
                reasons[i] = _run(dict(settings), rows, {"gone": gone} if last else {})
    dropped = []
    kept: list[Example] = []
    for example in dataset.examples:
        against = [(n, r[example.id]) for n, r in zip(names, reasons, strict=True) if example.id in r]
        if against and (combine == "or" or len(against) == len(names)):
            reason = "; ".join(f"{n}: {why}" for n, why in against)
            better = proposed(example)
            if better is None:
                dropped.append(Drop(example.id, "curate", reason))
                continue
            kept.append(better[0])
            before, after = (plain(task.show(task.gold(e).target)) for e in (example, better[0]))
            if before == after:  # an answer of the same words at another place
                before, after = (plain(e.target) for e in (example, better[0]))
            fixed.append(Fixed(example.id, reason, before, after, better[1]))
        else:
            kept.append(example)
    if not kept and not may_be_empty:
        raise ConfigError("the policy keeps no example", cure="loosen it; --dry-run shows what it would drop")
    return Curated(
        _subset(dataset, kept, dropped),
        tuple(dropped),
        _tally(names, reasons),
        tuple(fixed),
        classes.thinned(dataset.examples, kept),
    )


def _tally(names: Sequence[str], reasons: Sequence[Mapping[str, str]]) -> dict[str, int]:
    tally: dict[str, int] = {}
    for name, found in zip(names, reasons, strict=True):
        tally[name] = tally.get(name, 0) + len(found)
    return tally


def _subset(dataset: Dataset, kept: Sequence[Example], dropped: Sequence[Drop]) -> Dataset:
    mark = fingerprint(map(registry.task(dataset.task).to_row, kept))
    return Dataset(
        dataset.task, tuple(kept), dataset.source, dataset.format, mark, (*dataset.dropped, *dropped)
    )


def _run(settings: dict[str, Any], rows: Sequence[Row], more: Mapping[str, Any]) -> dict[str, str]:
    chosen = FILTERS[str(settings.pop("name"))]
    return dict(chosen.run(usable(chosen, rows), **settings, **more))
