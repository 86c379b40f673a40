"""Relations drawn from the world: the things of a document, their mentions, and what the text states of them.

Row: {"id": "rel-1-00000", "text": "Ada left Rome.", "entities": [
         {"type": "PERSON", "name": "Ada", "mentions": [{"start": 0, "end": 3, "text": "Ada"}]}, ...],
      "triples": [{"head": 0, "relation": "left", "tail": 1}]}

A triple is there if the text states it, not if the record alone knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from finetooth.generate.kinds import relation_names
from finetooth.generate.prose import MOST_RECORDS, Document, documents
from finetooth.generate.view_ner import mentions
from finetooth.generate.world import ENTITY_KINDS
from finetooth.machines import Spread


def pairs(
    n: int, seed: int, *, records: int = MOST_RECORDS, spread: Spread | None = None
) -> Iterator[tuple[dict[str, Any], Document]]:
    """``n`` rows of the task relation, one a document. The first rows of a longer list are the same."""
    for document in islice(documents(seed, records=records, spread=spread), n):
        yield row(document), document


def row(document: Document) -> dict[str, Any]:
    entities: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    for p, number in mentions(document):
        if number == len(entities):
            entities.append({"type": p.value.kind, "name": "", "mentions": []})
            numbers[p.value.key] = number
        entities[number]["mentions"].append({"start": p.start, "end": p.end, "text": p.text(document)})
    for entity in entities:
        entity["name"] = max((m["text"] for m in entity["mentions"]), key=len)
    return {
        "id": f"rel-{document.id}",
        "text": document.text,
        "entities": entities,
        "triples": [
            {"head": numbers[head], "relation": relation, "tail": numbers[tail]}
            for head, relation, tail in dict.fromkeys(stated(document))
        ],
        "label_set": list(relation_names()),
        "entity_label_set": list(ENTITY_KINDS),
        "meta": {"style": document.style},
    }


def stated(document: Document) -> Iterator[tuple[str, str, str]]:
    """(head key, relation, tail key) of all that the facts told state."""
    for record, told in zip(document.records, document.told, strict=True):
        for fact in told:
            for head, relation, tail in fact.relations:
                yield record.values[head].key, relation, record.values[tail].key
