"""Makes the fixes that findings propose, one example at a time, and believes none that the checks do not accept.

mended = mend(dataset, severity="error"); mended.examples, mended.changes, mended.dropped, mended.left
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetooth import checks, readers
from finetooth.checks import _qa
from finetooth.curate import _documents
from finetooth.curate._documents import CannotApply
from finetooth.errors import UsageError
from finetooth.metrics.json_unreadable import KEY as UNREADABLE
from finetooth.types import SEVERITIES, Dataset, Drop, Example, Finding

ROUNDS = 4  # one fix can bare another fault: an answer that is moved may turn out to be cut


@dataclass(frozen=True)
class Change:
    """A finding whose fix was made: afterwards the checks found it no more, and nothing worse."""

    finding: Finding

    def to_json(self) -> dict[str, Any]:
        f = self.finding
        return {"example_id": f.example_id, "check": f.check, "message": f.message, "fix": f.fix}


@dataclass(frozen=True)
class Mended:
    """``left``: findings of the asked severity that still stand in ``examples``. Every example is in one place."""

    examples: tuple[Example, ...]
    changes: tuple[Change, ...]
    dropped: tuple[Drop, ...]
    left: tuple[Finding, ...]


def mend(
    dataset: Dataset | str | Path,
    *,
    severity: str = "error",
    only: Sequence[str] | str = (),
    drop: bool = False,
    run: Callable[..., checks.CheckReport] = checks.run,
) -> Mended:
    """Applies the fixes of findings of ``severity`` and worse, checks again, and so on while something is mended.

    A fix that leaves an example with more findings of that severity than before is taken back. A fix that
    drops a row is made only with ``drop``, as are drops of rows that stay wrong; each is named. Findings
    about the set as a whole are left. A path is read as ``finetooth.load`` reads it. Raises UsageError for a
    name in ``only`` that is no check, and for a severity that is none.
    """
    if severity not in SEVERITIES:
        raise UsageError(f"there is no severity {severity!r}", cure=f"there are: {', '.join(SEVERITIES)}")
    given = readers.as_dataset(dataset)
    wanted = SEVERITIES[: SEVERITIES.index(severity) + 1]

    def look(examples: Sequence[Example]) -> dict[str, list[Finding]]:
        by_id: dict[str, list[Finding]] = {}
        for f in run(replace(given, examples=tuple(examples)), only=only).findings:
            if f.severity in wanted:
                by_id.setdefault(f.example_id, []).append(f)
        return by_id

    now = {e.id: e for e in given.examples}
    found = look(list(now.values()))
    changes: list[Change] = []
    refused: set[str] = set()
    for _ in range(ROUNDS):
        tried: dict[str, tuple[Example, list[Finding]]] = {}
        for example_id, findings in found.items():
            if example_id in now and example_id not in refused:
                better, made = applied(now[example_id], findings)
                if made:
                    tried[example_id] = (now[example_id], made)
                    now[example_id] = better
        if not tried:
            break
        after = look(list(now.values()))
        for example_id, (before, made) in tried.items():
            if _weight(after.get(example_id, ())) < _weight(found[example_id]):
                changes += map(Change, made)
            else:
                now[example_id] = before
                refused.add(example_id)
                after[example_id] = found[example_id]
        found = after
    dropped: list[Drop] = []
    if drop:
        for example_id, findings in found.items():
            if example_id in now:
                del now[example_id]
                dropped.append(Drop(example_id, "mend", f"{findings[0].check}: {findings[0].message}"))
        found = look(list(now.values()))
    left = [f for findings in found.values() for f in findings]
    return Mended(tuple(now.values()), tuple(changes), tuple(dropped), tuple(left))


def _weight(findings: Sequence[Finding]) -> tuple[int, ...]:
    """Findings by severity, the worst first: fewer errors are better, whatever the warnings."""
    return tuple(sum(f.severity == s for f in findings) for s in SEVERITIES)


def applied(example: Example, findings: Sequence[Finding]) -> tuple[Example, list[Finding]]:
    """The example with every fix made that a program can make, and the findings whose fix that was.

    Fixes name places by number; so what moves comes first, and what takes away last, from the end. Of two
    fixes for one place the first is made.
    """
    made: list[Finding] = []
    places: set[str] = set()
    for finding in sorted(findings, key=_removal):
        place = _place(finding.fix)
        if place is None or place in places:
            continue
        try:
            example = _apply(example, finding.fix)
        except (CannotApply, LookupError, ValueError, TypeError, AttributeError):
            continue  # it stays among what is left, by name
        places.add(place)
        made.append(finding)
    return _documents.in_order(example) if made else example, made


def _removal(finding: Finding) -> tuple[bool, int]:
    fix = finding.fix if isinstance(finding.fix, Mapping) else {}
    named = (fix.get(k) for k in ("answer", "mention", "triple", "entity"))
    number = next((n for n in named if isinstance(n, int)), 0)
    return bool(fix.get("drop") or fix.get("remove")), -number


def _place(fix: Any) -> str | None:
    """What a fix is about, as a key: the second fix for it is not made; None for one that is a sentence."""
    if not isinstance(fix, Mapping):
        return None
    for key in ("answer", "mention", "triple", "path", "remove", "token", "entity", "label"):
        if key in fix:
            part = next(
                (k for k in ("head", "tail", "type", "name") if k in fix and key in ("triple", "entity")), ""
            )
            # A name stands in several entities.
            return f"{key} {fix[key]} {part or (fix.get('entity', '') if key == 'mention' else '')}"
    return None


def _apply(example: Example, fix: Mapping[str, Any]) -> Example:
    if "answer" in fix:
        return _qa.apply(example, fix)
    for key, make in _documents.FIXES.items():
        if key in fix:
            return make(example, fix)
    if "path" in fix or isinstance(fix.get("remove"), list):
        return _value(example, fix)
    if set(fix) == {"label"} and hasattr(example.target, "label"):
        return replace(example, target=replace(example.target, label=fix["label"]))
    raise CannotApply


_STEP = re.compile(r'\.([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


def _value(example: Example, fix: Mapping[str, Any]) -> Example:
    """JSON: the value at a path set, or the keys at paths removed; at the path "$" the whole answer."""
    if fix.get("path") == "$":
        meta = {k: v for k, v in example.meta.items() if k != UNREADABLE}
        return replace(example, target=replace(example.target, value=fix["value"]), meta=meta)
    value = copy.deepcopy(example.target.value)
    for shown in [fix["path"]] if "path" in fix else fix["remove"]:
        *way, last = _steps(shown)
        holder = value
        for step in way:
            holder = holder[step]
        if "path" in fix:
            _ = holder[last]  # LookupError: a fix changes what is there, it adds nothing
            holder[last] = fix["value"]
        else:
            del holder[last]
    # What was read of the text (keys that stand twice, say) is no more said of the new value.
    return replace(example, target=replace(example.target, value=value))


def _steps(shown: str) -> list[str | int]:
    """``$.items[0].price`` as ["items", 0, "price"]."""
    steps: list[str | int] = []
    at = 1
    while at < len(shown):
        found = _STEP.match(shown, at)
        if found is None:
            raise CannotApply
        name, number, quoted = found.groups()
        steps.append(int(number) if number else name or re.sub(r"\\(.)", r"\1", quoted))
        at = found.end()
    if not steps:
        raise CannotApply
    return steps
