"""DocIE JSON: documents with entities as lists of names, without offsets, and triples of names.

[{"title": "T", "doc": "Ada left Rome.", "entities": [{"id": 0, "mentions": ["Ada"], "type": "PERSON"},
    {"id": 1, "mentions": ["Rome"], "type": "GPE"}], "triples": [{"head": "Ada", "relation": "Left", "tail": "Rome"}]}]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io import Source, content_id, write_json
from finetooth.registry import Reader
from finetooth.tasks import rows
from finetooth.tasks.documents import DocEntity, RelationInput, RelationTarget, Triple
from finetooth.tasks.mentions import place_names
from finetooth.tasks.relation import as_ner, end_name, triple
from finetooth.tasks.relation_outputs import resolve
from finetooth.types import Example, Span

# Kept with the example and written back: what a document says of itself.
META = ("title", "domain", "aug_type")


def sniff(source: Source) -> bool:
    if not source.is_text or source.starts_with not in ("{", "["):
        return False
    row = source.first_row
    return row is not None and isinstance(row.get("doc"), str) and isinstance(row.get("entities"), list)


def read(source: Source) -> Iterator[Example]:
    """Relations: each name of an entity is a mention wherever it stands, the entity's longest names first."""
    for where, row in source.rows():
        text = rows.text(row, "doc", where)
        entities = tuple(
            _entity(rows.mapping(e, f"{where}.entities[{i}]"), text, f"{where}.entities[{i}]")
            for i, e in enumerate(rows.listed(row, "entities", where, optional=False))
        )
        triples = tuple(
            triple(t, entities, f"{where}.triples[{i}]")
            for i, t in enumerate(rows.listed(row, "triples", where))
        )
        meta = {k: row[k] for k in META if isinstance(row.get(k), str)} | rows.unlabelled(row, "triples")
        inputs = RelationInput(
            text,
            entities,
            label_set=rows.strings(row, "label_set", where),
            entity_label_set=rows.strings(row, "entity_label_set", where),
        )
        name = rows.name(row, where, text) if row.get("id") else _name(meta, text)
        yield Example(name, inputs, RelationTarget(triples), {**meta, "where": where})


def _name(meta: dict[str, Any], text: str) -> str:
    if not meta.get("title"):
        return content_id(text)
    return "/".join(meta[k] for k in ("title", "aug_type") if meta.get(k))


def _entity(row: Any, text: str, where: str) -> DocEntity:
    names = rows.strings(row, "mentions", where)
    kind = rows.text(row, "type", where)
    if row.get("spans") is None:
        spans = place_names(names, text)
    else:  # our own addition, for mentions that the names alone would not give
        spans = [
            _span(s, text, f"{where}.spans[{i}]") for i, s in enumerate(rows.listed(row, "spans", where))
        ]
    return DocEntity(tuple(spans), kind, names[0] if names else "", names)


def _span(value: Any, text: str, where: str) -> Span:
    if not isinstance(value, list) or [*map(type, value)] != [int, int]:
        raise DataError(f"expected [start, end], found {value!r}", where=where)
    start, end = value
    return Span(start, end, text[max(start, 0) : max(end, 0)])


def read_ner(source: Source) -> Iterator[Example]:
    """The entities alone, as flat spans; of those that overlap the longest."""
    return map(as_ner, read(source))


def write(examples: Sequence[Example], path: Path) -> None:
    """DocIE JSON. Mentions that placing the names again would not give are written as ``spans`` besides."""
    write_json(path, [_row(e) for e in examples])


def _row(example: Example) -> dict[str, Any]:
    source, target = example.inputs, example.target
    row: dict[str, Any] = {k: example.meta[k] for k in META if k in example.meta}
    if example.id != _name(row, source.text):
        row["id"] = example.id
    row["doc"] = source.text
    row["entities"] = [_entity_row(i, e, source.text) for i, e in enumerate(source.entities)]
    # As they are read back: an entity's name is the first of those listed.
    written = [
        replace(e, name=names[0] if (names := _names(e)) else "", aliases=names) for e in source.entities
    ]
    row["triples"] = [_triple_row(source, written, t) for t in target.triples]
    row["label_set"] = list(source.label_set)
    row["entity_label_set"] = list(source.entity_label_set)
    return row


def _triple_row(source: RelationInput, written: Sequence[DocEntity], t: Triple) -> dict[str, Any]:
    """Names; and which entity is meant, where the name alone would give another."""
    head, tail = end_name(source, t.head, t.head_text), end_name(source, t.tail, t.tail_text)
    row: dict[str, Any] = {"head": head, "relation": t.relation, "tail": tail}
    for key, place, name in (("head_id", t.head, head), ("tail_id", t.tail, tail)):
        if place >= 0 and resolve(name, written) != place:
            row[key] = place
    return row


def _names(entity: DocEntity) -> tuple[str, ...]:
    return tuple(entity.aliases or dict.fromkeys(m.text for m in entity.mentions))


def _entity_row(number: int, entity: DocEntity, text: str) -> dict[str, Any]:
    names = _names(entity)
    row: dict[str, Any] = {"id": number, "mentions": list(names), "type": entity.type}
    if tuple(place_names(names, text)) != entity.mentions:
        row["spans"] = [[m.start, m.end] for m in entity.mentions]
    return row


def write_ner(examples: Sequence[Example], path: Path) -> None:
    """DocIE JSON of spans: those of one ``entity``, else of one string and type, are one entity."""
    from finetooth.tasks.relation import as_relation

    write_json(path, [_row(as_relation(e)) for e in examples])


READER = Reader(
    "docie-relation",
    "relation",
    "DocIE JSON: entities as names, triples of names",
    sniff,
    read,
    write,
    priority=12,
)
NER_READER = Reader(
    "docie-ner", "ner", "the entities of DocIE JSON, as spans", sniff, read_ner, write_ner, priority=11
)
