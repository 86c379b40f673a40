"""Named entities drawn from the world: every name, date, sum, number and product where it stands.

Row: {"id": "ner-1-00000", "text": "Ada left Rome.", "entities": [{"start": 0, "end": 3, "type": "PERSON", "text": "Ada", "entity": 0}]}
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from finetooth.generate.prose import MOST_RECORDS, Document, Placed, documents
from finetooth.generate.world import ENTITY_KINDS
from finetooth.machines import Spread


def pairs(
    n: int, seed: int, *, records: int = MOST_RECORDS, spread: Spread | None = None
) -> Iterator[tuple[dict[str, Any], Document]]:
    """``n`` rows of the task ner, one a document. The first rows of a longer list are the same."""
    for document in islice(documents(seed, records=records, spread=spread), n):
        yield row(document), document


def mentions(document: Document) -> list[tuple[Placed, int]]:
    """What is named, in reading order, each with the number of its thing (from 0, by first mention)."""
    numbers: dict[str, int] = {}
    named = sorted((p for p in document.placed if p.value.kind in ENTITY_KINDS), key=lambda p: p.start)
    return [(p, numbers.setdefault(p.value.key, len(numbers))) for p in named]


def row(document: Document) -> dict[str, Any]:
    return {
        "id": f"ner-{document.id}",
        "text": document.text,
        "entities": [
            {"start": p.start, "end": p.end, "type": p.value.kind, "text": p.text(document), "entity": entity}
            for p, entity in mentions(document)
        ],
        "label_set": list(ENTITY_KINDS),
        "meta": {"style": document.style},
    }
