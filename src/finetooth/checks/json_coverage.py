"""Which schemas a data set covers, how thinly, in which share of each split, and whether complexity is what it says.

train: 40 invoices, 60 orders; test: 20 orders     -> schema-missing: invoice is in train and not here
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from finetooth.checks.json_discover import by_schema
from finetooth.metrics.json_unreadable import unreadable
from finetooth.registry import CheckContext, check, flag
from finetooth.text import many
from finetooth.types import Example, Finding

LEAST = 10  # examples of a schema
MOST_APART = 2.0  # between a schema's shares of two splits
ENOUGH = 5  # rows of a complexity before its middle is measured
PLAINLY = 0.75  # of the leaves in the middle of a class: fewer than that is plainly smaller
SUMMED_UP = 20  # thin schemas that are named one by one
# (leaves, depth) in the middle of a class, where the data have no rows of it to measure.
USUAL = {"simple": (4.0, 1.0), "medium": (8.0, 2.0), "complex": (20.0, 3.0)}


def _named(groups: dict[str, list[Example]]) -> dict[str, int]:
    return {key: len(group) for key, group in groups.items() if key and len(key) <= 200}


@check("json", severity="error", needs="against")
def schema_missing(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A schema stands in the other split and not in this one, so that nothing is known of it (or nothing learned).

    Bad: invoices in train.jsonl, and none in test.jsonl
    Fix: move some of them, or generate more: finetooth generate json --boost
    """
    here, there = _named(by_schema(examples)), _named(by_schema(context.against))
    for name in sorted(there.keys() - here.keys()):
        yield flag(
            "",
            f"{name}: {there[name]} examples in {_other(context)}, none here",
            schema_id=name, here=0, there=there[name],
        )  # fmt: skip
    for name in sorted(here.keys() - there.keys()):
        yield flag(
            "",
            f"{name}: {here[name]} examples here, none in {_other(context)}",
            schema_id=name, here=here[name], there=0,
        )  # fmt: skip


def _other(context: CheckContext) -> str:
    return context.against_name or "the other split"


@check("json", severity="warning")
def thin_schema(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A schema has fewer than ten examples: too few to learn from, and too few for a score that means something.

    With ten test rows and eight right, the 95 % interval is 44 to 97 %. Data sets of fewer than ten rows are not told so.

    Bad: 2 rows of nested_organization among 629
    Fix: generate or collect more of them: finetooth generate json --boost
    """
    least = int(context.options.get("min_examples", LEAST))
    sizes = _named(by_schema(examples))
    thin = {name: n for name, n in sorted(sizes.items(), key=lambda kv: (kv[1], kv[0])) if n < least}
    if len(examples) < least:
        return
    if len(thin) > SUMMED_UP:
        yield flag(
            "",
            f"{len(thin):,} of {len(sizes):,} schemas have fewer than {least} examples",
            thin=len(thin), schemas=len(sizes), least=least, first=list(thin)[:5],
        )  # fmt: skip
        return
    for name, n in thin.items():
        yield flag(
            "",
            f"{name}: {many(n, 'example')}, at least {least} are wanted",
            schema_id=name,
            examples=n,
            least=least,
        )


@check("json", severity="warning", needs="against")
def schema_share(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A schema's share of this split is more than twice, or less than half, its share of the other.

    The score then speaks of another mixture than the model was trained for. It is information where so few rows may
    differ by chance.

    Bad: 30 % of the training rows are invoices, and 5 % of the test rows
    Fix: split by schema
    """
    here, there = _named(by_schema(examples)), _named(by_schema(context.against))
    n, m = len(examples), len(context.against)
    for name in sorted(here.keys() & there.keys()):
        one, other = here[name] / n, there[name] / m
        apart = max(one / other, other / one)
        if apart <= MOST_APART:
            continue
        # Two proportions, pooled: z beyond 1.96 is rarer than one in twenty.
        pooled = (here[name] + there[name]) / (n + m)
        z = abs(one - other) / max((pooled * (1 - pooled) * (1 / n + 1 / m)) ** 0.5, 1e-12)
        yield flag(
            "",
            f"{name}: {one:.1%} of the examples here ({here[name]}), {other:.1%} in {_other(context)} ({there[name]})",
            severity="warning" if z > 1.96 else "info",
            schema_id=name, here=here[name], there=there[name], apart=round(apart, 2), z=round(z, 2),
        )  # fmt: skip


def shape(value: Any) -> tuple[int, int]:
    """(leaves, depth) of an answer: depth 1 is flat; an empty object or list is one leaf."""
    if isinstance(value, (dict, list)):
        inner = [shape(x) for x in (value.values() if isinstance(value, dict) else value)]
        return sum(n for n, _ in inner) or 1, 1 + max((d for _, d in inner), default=0)
    return 1, 0


@check("json", severity="warning")
def complexity_label(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The label of complexity does not fit the depth and the number of fields of the answer.

    A row is named where it is plainly smaller (by a quarter) than the middle of a class that is meant to be simpler and
    no deeper, or larger than the middle of one that is meant to be more complex and no flatter. Scores by complexity
    mean nothing otherwise.

    Bad: {"expected_output": {"name": "Ada", "age": 41}, "complexity": "complex"}
    Fix: {"expected_output": {"name": "Ada", "age": 41}, "complexity": "simple"}
    """
    read = [e for e in examples if not unreadable(e)]
    rows = [(e, str(label), shape(e.target.value)) for e in read if (label := e.meta.get("complexity"))]
    if not rows:
        return
    yield from _labels_of_schemas(examples)
    by: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for _, label, size in rows:
        by[label].append(size)
    middle = {label: USUAL[label] for label in USUAL}
    for label, sizes in by.items():
        if len(sizes) >= ENOUGH:
            middle[label] = median(n for n, _ in sizes), median(d for _, d in sizes)
    order = sorted(
        middle, key=lambda label: (list(USUAL).index(label) if label in USUAL else 1, middle[label])
    )
    for e, label, (n, depth) in rows:
        if label not in middle:
            continue
        at = order.index(label)
        simpler = next((x for x in order[:at] if n < PLAINLY * middle[x][0] and depth <= middle[x][1]), None)
        harder = next(
            (x for x in order[:at:-1] if n > middle[x][0] / PLAINLY and depth >= middle[x][1]), None
        )
        fits = simpler or harder
        if fits is not None:
            yield flag(
                e,
                f"called {label}, with {n} leaves and depth {depth}; the middle of {fits} is "
                f"{middle[fits][0]:g} leaves and depth {middle[fits][1]:g}",
                complexity=label, leaves=n, depth=depth, fits=fits,
            )  # fmt: skip


def _labels_of_schemas(examples: Sequence[Example]) -> Iterator[Finding]:
    for key, group in by_schema(examples).items():
        labels = Counter(str(e.meta["complexity"]) for e in group if e.meta.get("complexity"))
        if len(labels) > 1:
            said = ", ".join(f"{label} {n}" for label, n in labels.most_common())
            yield flag(
                "", f"{key}: one schema with several complexities: {said}", schema_id=key, labels=dict(labels)
            )
    lacking = [e.id for e in examples if not e.meta.get("complexity")]
    if lacking:
        yield flag(
            "", f"{len(lacking):,} of {len(examples):,} examples have no complexity", severity="info",
            examples=len(lacking), first=lacking[:5],
        )  # fmt: skip
