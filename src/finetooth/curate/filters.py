"""What to drop, by name and with a reason. A filter is one function; ``apply_filters`` combines them.

kept, dropped = apply_filters(dataset, {"filters": [{"name": "ambiguous", "top": 0.33}]}, table)
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetooth import registry
from finetooth.curate.correct import Fixed, corrected
from finetooth.curate.table import Row, Table
from finetooth.diagnose.evidence import named_other
from finetooth.errors import ConfigError, UsageError
from finetooth.io import fingerprint, plain
from finetooth.registry import did_you_mean, pick
from finetooth.types import Dataset, Drop, Example

Dropping = Iterator[tuple[str, str]]
NUMBERS = {"variability", "confidence", "cluster", "rule_score", "rank"}  # columns of numbers
DUPLICATES = {
    "document-near-duplicate", "document-twice", "duplicate-pair", "duplicate-prompt", "duplicate-question",
    "near-duplicate-pair", "near-duplicate-question", "near-duplicate-row",
}  # fmt: skip
KEYS = ("combine", "filters", "fix", "out_of_sample")  # of a policy
SEVERITIES = ("error", "warning", "info", "any")


@dataclass(frozen=True)
class Filter:
    """``run(rows, **settings)`` yields (example_id, reason) of what is to go; ``needs`` are its columns."""

    name: str
    needs: tuple[str, ...]
    run: Callable[..., Dropping]

    @property
    def settings(self) -> dict[str, inspect.Parameter]:
        asked = list(inspect.signature(self.run).parameters.items())[1:]
        return {name: parameter for name, parameter in asked if name != "gone"}

    @property
    def comes_last(self) -> bool:
        """Whether it looks at what the other filters leave: it takes ``gone``, the ids that they drop."""
        return "gone" in inspect.signature(self.run).parameters


def filter_(*needs: str) -> Callable[[Callable[..., Dropping]], Filter]:
    def wrap(run: Callable[..., Dropping]) -> Filter:
        return Filter(run.__name__.rstrip("_").replace("_", "-"), needs, run)

    return wrap


@filter_("variability")
def ambiguous(rows: Sequence[Row], *, top: float = 0.33) -> Dropping:
    """Keeps the share ``top`` with the highest variability (Swayamdipta et al. 2020 keep 0.33)."""
    _share(top, "ambiguous: top")
    if len(rows) > 1 and len({r["variability"] for r in rows}) == 1:
        raise ConfigError(
            "ambiguous: every example has the same variability, none is more ambiguous than another",
            cure="train for two epochs or more, and map again",
        )
    order = sorted(rows, key=lambda r: (-r["variability"], r["example_id"]))
    for row in order[max(1, round(top * len(rows))) :]:
        yield row["example_id"], f"variability {row['variability']:.3f} is not in the top {top:.0%}"


@filter_("category")
def category(rows: Sequence[Row], *, keep: Any = (), drop: Any = ()) -> Dropping:
    """Keeps, or drops, the categories named: easy, hard, ambiguous."""
    keeping, dropping = _names(keep), _names(drop)
    if not keeping and not dropping:
        raise ConfigError("category: neither keep nor drop is given, it would drop nothing", cure="drop=hard")
    known = {"easy", "ambiguous", "hard"} | {str(r["category"]) for r in rows}
    for name in sorted(keeping | dropping):
        if name not in known:
            raise ConfigError(f"category: there is no {name!r}", cure=did_you_mean(name, known))
    for row in rows:
        if (keeping and row["category"] not in keeping) or row["category"] in dropping:
            yield row["example_id"], f"category {row['category']}"


@filter_("confidence")
def confidence(rows: Sequence[Row], *, low: float = 0.0, high: float = 1.0) -> Dropping:
    """Keeps mean gold probabilities from ``low`` to ``high``, both included."""
    if low > high:
        raise ConfigError(f"confidence: low {low} is above high {high}")
    for row in rows:
        if not low <= row["confidence"] <= high:
            yield row["example_id"], f"confidence {row['confidence']:.3f} is outside {low} to {high}"


@filter_("cluster")
def cluster(rows: Sequence[Row], *, exclude: Any = (), min_membership: float = 0.0) -> Dropping:
    """Drops the clusters named (-1 is noise) and members below ``min_membership``."""
    try:
        excluded = {int(name) for name in _names(exclude)}
    except ValueError:
        raise ConfigError(f"cluster: exclude: expected numbers as 3+7 or -1, found {exclude!r}") from None
    if not excluded and not min_membership:
        raise ConfigError(
            "cluster: neither exclude nor min_membership is given, it would drop nothing", cure="exclude=-1"
        )
    here = {row["cluster"] for row in rows}
    if rows and (gone := sorted(excluded - here - {-1})):
        raise ConfigError(f"cluster: exclude: there is no cluster {gone[0]}", cure=f"there are {_few(here)}")
    for row in rows:
        if row["cluster"] in excluded:
            yield row["example_id"], f"cluster {row['cluster']}"
        elif (row.get("membership") or 0.0) < min_membership:
            yield (
                row["example_id"],
                f"membership {row.get('membership') or 0.0:.2f} is below {min_membership}",
            )


@filter_("findings")
def findings(rows: Sequence[Row], *, severity: str = "error", checks: Any = ()) -> Dropping:
    """Drops what has findings of this severity (``any``: all), or of the checks named."""
    named = _names(checks)
    if severity not in SEVERITIES:
        raise ConfigError(f"findings: severity: expected {', '.join(SEVERITIES)}; found {severity!r}")
    there = {f["check"] for row in rows for f in row.get("findings") or ()}
    known = there | {c.name for c in registry.checks()}
    for name in sorted(named - known):
        raise ConfigError(f"findings: there is no check {name!r}", cure=did_you_mean(name, known))
    for row in rows:
        for finding in row.get("findings") or ():
            wanted = finding["check"] in named if named else severity in ("any", finding["severity"])
            if wanted:
                yield row["example_id"], f"{finding['check']}: {finding.get('message', '')}"
                break


@filter_("rule_score")
def rule_score(rows: Sequence[Row], *, at_least: int = 3) -> Dropping:
    """Drops what so many of the error rules fire on."""
    for row in rows:
        if row["rule_score"] >= at_least:
            yield row["example_id"], f"{row['rule_score']} error rules fire"


@filter_("rank")
def label_error(rows: Sequence[Row], *, top: float | None = None, at_least: float | None = None) -> Dropping:
    """Drops the share ``top`` likeliest to be mislabelled, or all with a score of ``at_least``."""
    if top is None and at_least is None:
        raise ConfigError(
            "label-error: neither top nor at_least is given, it would drop nothing", cure="top=0.05"
        )
    top = top or 0.0
    _share(top, "label-error: top")
    order = sorted(rows, key=lambda r: (-r["rank"], r["example_id"]))
    for row in order[: round(top * len(rows))]:
        yield row["example_id"], f"label-error score {row['rank']:.3f} is in the top {top:.0%}"
    if at_least is not None:
        for row in order[round(top * len(rows)) :]:
            if row["rank"] >= at_least:
                yield row["example_id"], f"label-error score {row['rank']:.3f} is at least {at_least}"


@filter_("findings")
def near_duplicate(rows: Sequence[Row], *, gone: Collection[str] = frozenset()) -> Dropping:
    """Drops all but the first of exact and near duplicates, as the checks found them.

    The first is the first that is not ``gone`` already; where all of a group are, it says nothing more of them.
    """
    parents: dict[str, str] = {}
    said: dict[str, tuple[str, str, str]] = {}  # check, message, the example that it names

    def root(name: str) -> str:
        while (parent := parents.get(name, name)) != name:
            parents[name] = name = parents.get(parent, parent)
        return name

    for row in rows:
        found = [f for f in row.get("findings") or () if f["check"] in DUPLICATES]
        for finding in found:
            other = named_other(finding.get("evidence") or finding)
            if row["example_id"] not in said or (other and not said[row["example_id"]][2]):
                said[row["example_id"]] = (finding["check"], finding.get("message", ""), other)
            if other:
                parents[root(row["example_id"])] = root(other)
    stays: dict[str, str] = {}
    for row in rows:
        if row["example_id"] not in gone:
            stays.setdefault(root(row["example_id"]), row["example_id"])
    after: set[str] = set()
    for row in rows:
        name = row["example_id"]
        first = stays.get(root(name))
        check, message, other = said.get(name, ("near-duplicate", "", ""))
        if name in said and not other:  # it does not say of what: the table is older, or of another tool
            yield name, f"{check}: {message}"
        elif first == name:
            after.add(name)
        elif first in after:
            told = message if other == first else f"in one group with {first}, which is kept"
            yield name, f"{check}: {told}"


FILTERS: dict[str, Filter] = {f.name: f for f in list(globals().values()) if isinstance(f, Filter)}


@dataclass(frozen=True)
class Curated:
    """The kept examples as a Dataset, each drop with its reason, each new target. Unpacks as (kept, dropped)."""

    kept: Dataset
    dropped: tuple[Drop, ...]
    per_filter: Mapping[str, int]
    fixed: tuple[Fixed, ...] = ()

    def __iter__(self):
        return iter((self.kept, self.dropped))


def checked(config: Mapping[str, Any]) -> tuple[str, Sequence[Mapping[str, Any]], bool]:
    """(combine, filters, fix) of a policy. Raises ConfigError for what can be told of it without a table: unknown keys,
    filters and settings, values of another kind."""
    combine, fix = config.get("combine", "or"), config.get("fix", False)
    if combine not in ("or", "and"):
        raise ConfigError(f"combine: expected or, and; found {combine!r}")
    if unknown := set(map(str, config)) - set(KEYS):
        name = sorted(unknown)[0]
        raise ConfigError(f"unknown key {name!r} in the policy", cure=did_you_mean(name, KEYS))
    if not isinstance(fix, bool):
        raise ConfigError(f"fix: expected true or false, found {fix!r}")
    folds = config.get("out_of_sample")
    if folds is not None and (isinstance(folds, bool) or not isinstance(folds, int) or folds < 2):
        raise ConfigError(f"out_of_sample: expected a number of folds, 2 or more, found {folds!r}")
    filters = config.get("filters")
    if not filters:
        raise ConfigError("the policy names no filter", cure=f"there are: {', '.join(FILTERS)}")
    if not isinstance(filters, Sequence) or not all(isinstance(f, Mapping) for f in filters):
        raise ConfigError(
            f"filters: expected a list of filters, found {str(filters)[:80]}",
            cure="filters: [{name: category, drop: hard}]",
        )
    for settings in filters:
        name = settings.get("name")
        if name is None:
            raise ConfigError("a filter without a name", cure=f"there are: {', '.join(FILTERS)}")
        chosen: Filter = pick(str(name), FILTERS, "filter")
        for key in sorted(set(map(str, settings)) - {"name"}):
            if key not in chosen.settings:
                raise ConfigError(
                    f"{name}: unknown setting {key!r}", cure=did_you_mean(key, chosen.settings or ["(none)"])
                )
            _fits(f"{name}: {key}", settings[key], str(chosen.settings[key].annotation))
        # Without rows it says what is wrong with its settings, and drops nothing.
        list(chosen.run([], **{key: value for key, value in settings.items() if key != "name"}))
    return combine, filters, fix


def apply_filters(
    dataset: Dataset, config: Mapping[str, Any], table: Table, *, may_be_empty: bool = False
) -> Curated:
    """Applies a policy {"combine": "or" | "and", "filters": [{"name": ..., settings}]} to a data set.

    "or" drops what any filter drops, "and" only what all drop. Of near-duplicates one stays that no other filter drops,
    where there is one: "or" looks for them in what the other filters leave. With "fix": true an example that would be dropped
    is kept with the target that the table proposes for it, where it proposes one. An example without a row in the
    table is kept, since nothing is known against it. "out_of_sample" is for who makes the table. Raises ConfigError
    for unknown filters or settings, for a column that the table lacks, and for a policy that keeps nothing, unless it
    ``may_be_empty``.
    """
    combine, filters, fix = checked(config)
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
    return Curated(_subset(dataset, kept, dropped), tuple(dropped), _tally(names, reasons), tuple(fixed))


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
    name = str(settings.pop("name"))
    chosen = FILTERS[name]
    known = set().union(*(row.keys() for row in rows))
    for column in chosen.needs:
        if column not in known:
            raise ConfigError(
                f"{name}: the table has no column {column!r}", cure=f"it has {', '.join(sorted(known))}"
            )
        if all(row.get(column) is None for row in rows):
            raise ConfigError(
                f"{name}: column {column!r} is empty for every example of the data",
                cure=f"make the table with {column}, or leave the filter out",
            )
    # An example of which the column is not known is kept: nothing is held against it.
    usable = [row for row in rows if chosen.comes_last or all(row.get(c) is not None for c in chosen.needs)]
    for column in NUMBERS & set(chosen.needs):
        odd = next((r for r in usable if not isinstance(r[column], (int, float))), None)
        if odd is not None:
            raise ConfigError(f"{name}: {column} of {odd['example_id']!r} is no number: {odd[column]!r}")
    return dict(chosen.run(usable, **settings, **more))


def _fits(what: str, value: Any, annotation: str) -> None:
    """Raises ConfigError for a setting of another kind than the filter's own annotation says."""
    if value is None and "None" in annotation:
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if "float" in annotation and not (number and math.isfinite(value)):
        raise ConfigError(f"{what}: expected a number, found {value!r}")
    if annotation == "int" and not (number and isinstance(value, int)):
        raise ConfigError(f"{what}: expected a whole number, found {value!r}")
    if annotation == "str" and not isinstance(value, str):
        raise ConfigError(f"{what}: expected a word, found {value!r}")


def _few(values: Any, most: int = 10) -> str:
    shown = [str(v) for v in sorted(values)]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")


def _names(value: Any) -> set[str]:
    if value is None:
        return set()
    if isinstance(value, str):
        return {v.strip() for v in value.split("+") if v.strip()}
    if isinstance(value, (int, float)):
        return {str(value)}
    return {str(v) for v in value}


def _share(value: float, what: str) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"{what}: expected a share from 0 to 1, found {value!r}")
