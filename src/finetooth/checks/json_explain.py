"""The relations of a data set as text that can be pasted beside its schemas: what ``finetooth check --explain`` prints.

# invoice.relations.yaml: beside invoice.json, or its lines under "x-relations" in it
- "lines[]: total == quantity * unit_price"  # found: holds in 36 of 36 places
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from finetooth.checks.json_arithmetic import relations_found
from finetooth.checks.json_relations import Relation
from finetooth.errors import UsageError
from finetooth.types import Dataset

ENOUGH = 3  # places that must bear a relation out
NEARLY_ALL = 0.8


def explain(data: Dataset) -> dict[str, list[Relation]]:
    """By schema id, the relations declared and found with their support. Raises UsageError for other tasks than json."""
    if data.task != "json":
        raise UsageError(
            f"--explain shows relations between the fields of JSON answers; this is {data.task}",
            cure="leave --explain out",
        )
    return relations_found(data.examples)


def pasteable(r: Relation) -> bool:
    """Whether the data bear the relation out well enough to declare it."""
    return r.kind == "declared" or (
        not r.unrelated and r.support >= ENOUGH and r.support >= NEARLY_ALL * r.of
    )


def as_yaml(relations: Mapping[str, Sequence[Relation]]) -> Iterator[str]:
    """The lines, one YAML document a schema; what the data do not bear out stands in comments."""
    said = 0
    for name, rules in relations.items():
        if not rules:
            continue
        said += 1
        if said > 1:
            yield "---"
        label = name if name and len(name) < 80 else "schema"
        yield f'# {label}.relations.yaml: beside {label}.json, or its lines as a list under "x-relations" in it'
        good = [r for r in rules if pasteable(r)]
        for r in good:
            if not r.of:
                yield f"- {json.dumps(r.rule, ensure_ascii=False)}  # declared, but speaks of no place: mistyped?"
                continue
            how = "declared" if r.kind == "declared" else f"{r.kind}, found"
            yield f"- {json.dumps(r.rule, ensure_ascii=False)}  # {how}: holds in {r.support} of {r.of} places"
        if not good:
            yield "[]"
        for r in rules:
            if r in good:
                continue
            why = "asked for by the names" if r.unrelated else "in doubt"
            yield f"# not borne out, {why}: {r.rule} holds in {r.support} of {r.of} places"
    if not said:
        yield "# no relations found: no numbers or dates that go together"
