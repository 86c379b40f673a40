"""Predicted triples as they stand in files and in generated text.

{"d1": [{"head": "Ada", "relation": "Left", "tail": "Rome"}]}, or DocRED's result file
[{"title": "d1", "h_idx": 0, "t_idx": 1, "r": "P27", "evidence": [0]}].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from finetooth.errors import DataError
from finetooth.io import json_type
from finetooth.tasks import listed, rows
from finetooth.tasks.document_files import by_name, named_rows, of_rows, read_as_data
from finetooth.tasks.documents import DocEntity, RelationTarget, Triple
from finetooth.tasks.mentions import name_key
from finetooth.types import Example, Prediction

if TYPE_CHECKING:
    from finetooth.io import Source

HEAD_KEYS = ("head", "h", "h_idx", "subject", "subj")
TAIL_KEYS = ("tail", "t", "t_idx", "object", "obj")
RELATION_KEYS = ("relation", "r", "predicate", "type", "label")
LIST_KEYS = ("triples", "relations", "labels", "prediction", "predictions")


def resolve(name: str, entities: Sequence[DocEntity]) -> int:
    """The first entity that has this name exactly, else but for case, a determiner and edge marks; -1 if none."""
    for i, entity in enumerate(entities):
        if name == entity.name or name in entity.aliases or any(m.text == name for m in entity.mentions):
            return i
    key = name_key(name)
    for i, entity in enumerate(entities):
        if key in {
            name_key(n) for n in (entity.name, *entity.aliases, *(m.text for m in entity.mentions)) if n
        }:
            return i
    return -1


def triple(value: Any, entities: Sequence[DocEntity], where: str) -> Triple:
    """A triple of places or names, under the keys that the field uses, or as [head, relation, tail]."""
    if isinstance(value, (list, tuple)) and len(value) == 3:
        value = dict(zip(("head", "relation", "tail"), value, strict=True))
    value = rows.mapping(value, where)
    ends = []
    for keys in (HEAD_KEYS, TAIL_KEYS):
        end = next((value[k] for k in keys if k in value), None)
        told = value.get(f"{keys[0]}_text", "")
        given = value.get(f"{keys[0]}_id")
        if isinstance(end, str):
            known = isinstance(given, int) and 0 <= given < len(entities)
            ends.append((given if known else resolve(end, entities), end))
        elif isinstance(end, int) and not isinstance(end, bool):
            ends.append((end, told if isinstance(told, str) else ""))
        else:
            found = "nothing" if end is None else json_type(end)
            raise DataError(f"{keys[0]}: expected an entity's number or name, found {found}", where=where)
    relation = next((value[k] for k in RELATION_KEYS if isinstance(value.get(k), str)), None)
    if relation is None:
        raise DataError("relation: expected a string", where=where)
    evidence = rows.integers(value, "evidence", where)
    (head, head_text), (tail, tail_text) = ends
    return Triple(head, relation, tail, head_text, tail_text, evidence)


def parse(value: Any, example: Example) -> RelationTarget | None:
    """A list of triples, an object that holds one, or generated text that holds such JSON; else None.

    Of generated text, items that are no triples are left out. Raises DataError for a list of something else.
    """
    if isinstance(value, str):
        return _generated(listed.read(value).value, example)
    if value is None:
        return None
    if isinstance(value, Mapping):
        key = next((k for k in LIST_KEYS if isinstance(value.get(k), list)), None)
        if key is None:
            raise DataError(
                f"expected a list of triples, found the keys {sorted(map(str, value))[:8]}", where=example.id
            )
        return parse(value[key], example)
    if not isinstance(value, list):
        raise DataError(f"expected a list of triples, found {json_type(value)}", where=example.id)
    return RelationTarget(
        tuple(triple(v, example.inputs.entities, f"{example.id}[{i}]") for i, v in enumerate(value))
    )


def _generated(found: Any, example: Example) -> RelationTarget | None:
    if isinstance(found, Mapping):
        found = next((found[k] for k in LIST_KEYS if isinstance(found.get(k), list)), [found])
    if not isinstance(found, list):
        return None
    kept = listed.usable(found, lambda item: triple(item, example.inputs.entities, example.id))
    return parse(kept, example) if kept or not found else None


def predictions(source: Source, examples: Sequence[Example]) -> dict[str, Prediction] | None:
    """DocRED's result file, or documents with a title or id and triples. None for {id: value}."""
    row = source.first_row
    if row is None:
        return None
    if {"title", "h_idx", "t_idx", "r"} <= set(row):
        return _docred(source, examples)
    found = named_rows(source, examples, ("triples", "relations", "labels"))
    if found is not None:
        return of_rows(found, LIST_KEYS, parse)
    documents = read_as_data(source, examples, "relation")
    if documents is None:
        return None
    return {key: Prediction(key, _retold(d, e)) for key, d, e in documents}


def _retold(document: Example, example: Example | None) -> RelationTarget | None:
    """Triples over the document's own entities as triples over the example's."""
    from finetooth.tasks.relation import rebase

    if example is None:
        return None
    if document.inputs.entities == example.inputs.entities:
        target: RelationTarget = document.target
        return target
    return rebase(document.target, document.inputs, example)


def _docred(source: Source, examples: Sequence[Example]) -> dict[str, Prediction]:
    """One row a triple. Documents without a row have no relations; rows for other titles count as wrong."""
    known = by_name(examples)
    triples: dict[str, list[Triple]] = {e.id: [] for e in examples}
    strays: dict[str, set[Triple]] = {}
    for where, row in source.rows():
        one = Triple(
            rows.integer(row, "h_idx", where), rows.text(row, "r", where), rows.integer(row, "t_idx", where)
        )
        evidence = rows.integers(row, "evidence", where)
        title = rows.text(row, "title", where)
        if title in known:
            triples[known[title].id].append(replace(one, evidence=evidence))
        else:
            strays.setdefault(title, set()).add(one)
    found = {name: Prediction(name, RelationTarget(tuple(listed))) for name, listed in triples.items()}
    if strays and examples:
        first = examples[0].id
        extra = sum(map(len, strays.values()))
        found[first] = replace(found[first], target=replace(found[first].target, extra=extra))
    return found | {title: Prediction(title, None) for title in strays}
