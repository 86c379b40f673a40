"""The filters by name: each is one function that says which examples are to go, and why.

FILTERS["confidence"].run([{"example_id": "q1", "confidence": 0.1}], low=0.2) yields ("q1", "confidence 0.100 is ...")
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetooth import registry
from finetooth.curate.table import Row
from finetooth.diagnose.evidence import named_other
from finetooth.errors import ConfigError
from finetooth.registry import did_you_mean
from finetooth.text import shorten

Dropping = Iterator[tuple[str, str]]
NUMBERS = ("variability", "confidence", "cluster", "membership", "rule_score", "rank")
DUPLICATES = {
    "document-near-duplicate", "document-twice", "duplicate-pair", "duplicate-prompt", "duplicate-question",
    "near-duplicate-pair", "near-duplicate-question", "near-duplicate-row",
}  # fmt: skip
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

    def idle(self, settings: Mapping[str, Any]) -> str:
        """Why no example can be dropped under these settings, with what would; "" where some can."""
        given = {k: p.default for k, p in self.settings.items()} | dict(settings)
        return IDLE[self.name](given) if self.name in IDLE else ""

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
    member = {row["example_id"]: row.get("membership") for row in rows}
    if min_membership and rows and all(m is None for m in member.values()):
        raise ConfigError("cluster: min_membership: the table has no column 'membership'")
    here = {row["cluster"] for row in rows}
    if rows and (gone := sorted(excluded - here - {-1})):
        raise ConfigError(f"cluster: exclude: there is no cluster {gone[0]}", cure=f"there are {_few(here)}")
    for row in rows:
        if row["cluster"] in excluded:
            yield row["example_id"], f"cluster {row['cluster']}"
        elif (m := member[row["example_id"]]) is not None and m < min_membership:
            yield row["example_id"], f"membership {m:.2f} is below {min_membership}"


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


def _idle_label_error(given: Mapping[str, Any]) -> str:
    if given["at_least"] is not None or given["top"]:
        return ""
    if given["top"] is None:
        return "neither top nor at_least is given, it would drop nothing (top=0.05)"
    return "top is 0, it would drop nothing (top=0.05)"


def _idle_cluster(given: Mapping[str, Any]) -> str:
    if _names(given["exclude"]) or given["min_membership"] > 0:
        return ""
    return "neither exclude nor min_membership is given, it would drop nothing (exclude=-1)"


IDLE: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "ambiguous": lambda g: "" if g["top"] < 1 else "top is 1, it would drop nothing (top=0.33)",
    "category": lambda g: (
        ""
        if _names(g["keep"]) or _names(g["drop"])
        else "neither keep nor drop is given, it would drop nothing (drop=hard)"
    ),
    "cluster": _idle_cluster,
    "confidence": lambda g: (
        ""
        if g["low"] > 0 or g["high"] < 1
        else f"{g['low']:g} to {g['high']:g} holds every probability, it would drop nothing (low=0.2)"
    ),
    "label-error": _idle_label_error,
}
FILTERS: dict[str, Filter] = {f.name: f for f in list(globals().values()) if isinstance(f, Filter)}


def usable(chosen: Filter, rows: Sequence[Row]) -> list[Row]:
    """The rows of which the filter's columns are known: null and NaN tell nothing, and nothing is held against them.

    Raises ConfigError for a column that is not there, is empty for all, or holds what the filter cannot read.
    """
    known = set().union(*(row.keys() for row in rows))
    for column in chosen.needs:
        if column not in known:
            raise ConfigError(
                f"{chosen.name}: the table has no column {column!r}",
                cure=f"it has {', '.join(sorted(known))}",
            )
        if all(_unknown(row.get(column)) for row in rows):
            raise ConfigError(
                f"{chosen.name}: column {column!r} is empty for every example of the data",
                cure=f"make the table with {column}, or leave the filter out",
            )
    told = [r for r in rows if chosen.comes_last or not any(_unknown(r.get(c)) for c in chosen.needs)]
    if "cluster" in chosen.needs:
        told = [{**r, "membership": None} if _unknown(r.get("membership")) else r for r in told]
    for column in (*chosen.needs, *(("membership",) if "cluster" in chosen.needs else ())):
        fits, kind = KINDS.get(column, (_is_word, "word"))
        odd = next((r for r in told if not _unknown(r.get(column)) and not fits(r[column])), None)
        if odd is not None:
            found = shorten(repr(odd[column]), 80)
            raise ConfigError(f"{chosen.name}: {column} of {odd['example_id']!r} is no {kind}: {found}")
    return told


def _unknown(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_word(value: Any) -> bool:
    return isinstance(value, str)


def _is_findings(value: Any) -> bool:
    """A list of {"check", "severity", ...}, as checks and a diagnosis write it."""
    return isinstance(value, Sequence) and all(
        isinstance(f, Mapping)
        and isinstance(f.get("check"), str)
        and isinstance(f.get("severity"), str)
        and isinstance(f.get("evidence") or {}, Mapping)
        for f in value
    )


KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(NUMBERS, (_is_number, "number")),
    "findings": (_is_findings, "list of findings (check, severity, message)"),
}


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
    if isinstance(value, Iterable):
        return {str(v) for v in value}
    return {str(value)}  # a date, as YAML reads 2020-01-01


def _share(value: float, what: str) -> None:
    if not 0 <= value <= 1:
        raise ConfigError(f"{what}: expected a share from 0 to 1, found {value!r}")
