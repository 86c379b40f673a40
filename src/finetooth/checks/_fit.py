"""How many examples are fit for training, by where they came from: those without a finding of severity error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from finetooth.types import Example, Finding

# What a reader or a stage may have written of an example's origin.
ORIGINS = ("aug_method", "aug_type", "method")


def by_origin(examples: Sequence[Example], findings: Iterable[Finding]) -> tuple[dict[str, Any], ...]:
    """One row an origin: {"by", "slice", "examples", "fit", "share", "errors": {check: examples}}.

    () where no example says how it was made. Findings on the data set as a whole count for none.
    """
    key = next((k for k in ORIGINS if any(e.meta.get(k) for e in examples)), None)
    if key is None:
        return ()
    wrong: dict[str, set[str]] = {}
    for finding in findings:
        if finding.severity == "error" and finding.example_id:
            wrong.setdefault(finding.example_id, set()).add(finding.check)
    origin = {e.id: str(e.meta.get(key) or "none") for e in examples}
    total = Counter(origin.values())
    errors: dict[str, Counter[str]] = {name: Counter() for name in total}
    unfit: Counter[str] = Counter()
    for name, checks in wrong.items():
        if name in origin:
            unfit[origin[name]] += 1
            errors[origin[name]].update(checks)
    return tuple(
        {
            "by": key,
            "slice": name,
            "examples": n,
            "fit": n - unfit[name],
            "share": round((n - unfit[name]) / n, 4),
            "errors": dict(errors[name].most_common()),
        }
        for name, n in sorted(total.items())
    )
