"""One file a theme, one function a check. ``run`` goes over a data set and gathers the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from finetooth import readers, registry
from finetooth.checks._fit import by_origin
from finetooth.machines import Spread
from finetooth.types import SEVERITIES, Drop, Example, Finding


@dataclass(frozen=True)
class CheckReport:
    """What the checks found, the worst first; which checks were skipped, and why; what is fit, by origin;
    the rows that the reader ``dropped``, which no check saw, and its ``notes`` on parts of rows."""

    examples: int
    findings: tuple[Finding, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    origins: tuple[dict[str, Any], ...] = ()
    dropped: tuple[Drop, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        by = Counter(f.severity for f in self.findings)
        return {severity: by[severity] for severity in SEVERITIES}

    def to_json(self) -> dict[str, Any]:
        made = {"examples": self.examples, "counts": self.counts, "findings": list(self.findings)}
        made |= {"dropped": list(self.dropped)} if self.dropped else {}
        made |= {"notes": list(self.notes)} if self.notes else {}
        return made | ({"origins": list(self.origins)} if self.origins else {})


def run(
    data: Any,
    *,
    against: Any = None,
    task: str | None = None,
    only: Iterable[str] | str = (),
    skip: Iterable[str] | str = (),
    spread: Spread | None = None,
    **options: Any,
) -> CheckReport:
    """All checks of the data's task; ``only`` and ``skip`` name checks. ``options`` reach every check.

    What is no Dataset yet is read as ``finetooth.load`` reads it, as ``task`` where that is said. ``spread`` does the checks in several processes or on a cluster, each check whole.
    """
    data = readers.as_dataset(data, task=task)
    against = None if against is None else readers.as_dataset(against, task=data.task)
    known = {c.name: c for c in registry.checks(data.task)}
    chosen = [registry.pick(name, known, "check") for name in _names(only)] or list(known.values())
    skipping = {registry.pick(name, known, "check").name for name in _names(skip)}
    context = registry.CheckContext(
        against=against.examples if against else (),
        against_name=against.source if against else "",
        schemas=options.pop("schemas", None) or {},
        options=options,
    )
    running: list[str] = []
    skipped: list[tuple[str, str]] = []
    for each in chosen:
        if each.name in skipping:
            skipped.append((each.name, "asked to"))
        elif each.needs == "against" and against is None:
            skipped.append((each.name, "needs --against"))
        elif each.needs and each.needs != "against" and not options.get(each.needs):
            skipped.append((each.name, f"needs --{each.needs}"))
        elif len(data) < each.least:
            skipped.append((each.name, f"needs {each.least} rows, there are {len(data)}"))
        else:
            running.append(each.name)
    shared = (data.task, data.examples, context)
    found = (spread or Spread())(_one, shared, running)
    findings = [finding for of_one in found for finding in of_one]
    order = {e.id: i for i, e in enumerate(data.examples)}
    findings.sort(key=lambda f: (SEVERITIES.index(f.severity), order.get(f.example_id, -1)))
    origins = by_origin(data.examples, findings)
    return CheckReport(
        len(data), tuple(findings), tuple(skipped), origins, tuple(data.dropped), tuple(data.notes)
    )


def _names(given: Iterable[str] | str) -> Iterable[str]:
    return (given,) if isinstance(given, str) else given


def _one(shared: tuple[str, Sequence[Example], registry.CheckContext], name: str) -> list[Finding]:
    task, examples, context = shared
    known = {c.name: c for c in registry.checks(task)}
    return list(known[name](examples, context))
