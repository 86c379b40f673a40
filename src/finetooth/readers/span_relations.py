"""Relations between spans as annotation tools write them: doccano, Prodigy's rel.manual, plain places in the list.

{"text": "Ada left Rome.", "entities": [{"id": 7, "label": "PER", "start_offset": 0, "end_offset": 3}, ...],
 "relations": [{"id": 1, "from_id": 7, "to_id": 9, "type": "left"}]}                           doccano
{"text": "Ada left Rome.", "spans": [{"start": 0, "end": 3, "label": "PER"}, ...], "relations": [
    {"head": 0, "child": 2, "label": "left", "head_span": {"start": 0, "end": 3}, "child_span": {...}}]}   Prodigy
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from finetooth.errors import DataError
from finetooth.io import Source
from finetooth.readers.spans import FIRST, accepted, numbered, row_id, span_key, span_rows
from finetooth.registry import Reader
from finetooth.tasks import relation, rows
from finetooth.tasks.documents import LabelledSpan
from finetooth.tasks.mentions import edges
from finetooth.tasks.ner import span
from finetooth.tasks.relation_outputs import RELATION_KEYS
from finetooth.text import many
from finetooth.types import Example

# What one end of a relation is called: an entity's id, a span of its own, a place among tokens or entities.
ENDS = (
    (("from_id", "from", "head_id"), "head_span", ("head",)),
    (("to_id", "to", "tail_id"), "child_span", ("child", "tail")),
)
NAMED = 3


def sniff(source: Source) -> bool:
    """Whether one of the first rows holds spans and relations between them; an empty list of them says nothing."""
    row = source.first_row
    if row is None or not isinstance(row.get("text"), str):
        return False
    try:
        first = (row for _, row in islice(source.rows(problems=lambda *_: None), FIRST))
        return any(
            isinstance(row.get("relations"), list) and row["relations"] and span_key(row) is not None
            for row in first
        )
    except DataError:
        return bool(row.get("relations")) and span_key(row) is not None


def read(source: Source) -> Iterator[Example]:
    """Rows in order, each span an entity of its own. A relation that ends at no span is left out with a note."""
    lost: list[str] = []

    def each() -> Iterator[tuple[Example, Mapping[str, Any]]]:
        for where, row in accepted(source, span_rows(source)):
            given = rows.listed(row, span_key(row) or "spans", where)
            found = [span(s, row.get("text") or "", f"{where}: spans[{i}]") for i, s in enumerate(given)]
            plain = {k: row[k] for k in ("text", "tokens", "meta", "label_set") if k in row}
            plain |= {"id": row_id(row), "entities": [_entity(s) for s in found]}
            if row.get("relations") is not None:
                plain["triples"] = []
                for i, told in enumerate(rows.listed(row, "relations", where)):
                    here = f"{where}: relations[{i}]"
                    one = _triple(rows.mapping(told, here), given, found, here)
                    if one is None:
                        lost.append(here)
                    else:
                        plain["triples"].append(one)
            yield relation.from_row(plain, where), {"id": row_id(row)}

    yield from numbered(each())
    if lost:
        which = ", ".join(lost[:NAMED]) + (", ..." if len(lost) > NAMED else "")
        source.options.setdefault("notes", []).append(
            f"{source}: {many(len(lost), 'relation')} left out, an end of which is no labelled span: {which}"
        )


def _entity(s: LabelledSpan) -> dict[str, Any]:
    return {"type": s.type, "name": s.text, "mentions": [{"start": s.start, "end": s.end, "text": s.text}]}


def _triple(
    told: Mapping[str, Any], given: Sequence[Any], found: Sequence[LabelledSpan], where: str
) -> dict[str, Any] | None:
    """Places of both ends among the spans, and the relation; None where an end is none of the spans."""
    name = next((told[k] for k in RELATION_KEYS if isinstance(told.get(k), str)), None)
    if name is None:
        raise DataError("expected the name of a relation under label or type", where=where)
    # Prodigy counts tokens; who counts spans has no child.
    by_token = "child" in told
    ends = [_end(told, keys, given, found, by_token, where) for keys in ENDS]
    return None if None in ends else {"head": ends[0], "relation": name, "tail": ends[1]}


def _end(
    told: Mapping[str, Any],
    keys: tuple[Sequence[str], str, Sequence[str]],
    given: Sequence[Any],
    found: Sequence[LabelledSpan],
    by_token: bool,
    where: str,
) -> int | None:
    ids, own, places = keys
    key = next((k for k in ids if told.get(k) is not None), None)
    if key is not None:
        same = (i for i, s in enumerate(given) if isinstance(s, Mapping) and s.get("id") == told[key])
        return next(same, None)
    if isinstance(told.get(own), Mapping):
        at = edges(told[own])
        return next((i for i, s in enumerate(found) if (s.start, s.end) == at), None)
    place = next((told[k] for k in places if k in told), None)
    if type(place) is not int:
        raise DataError(
            f"expected the ends of a relation, found the keys {', '.join(map(str, told))}",
            where=where,
            cure="from_id and to_id (doccano), or head and child with their spans (Prodigy), or head and tail as places among the spans",
        )
    if not by_token:
        return place if 0 <= place < len(found) else None
    for i, s in enumerate(given):
        first, last = (s.get("token_start"), s.get("token_end")) if isinstance(s, Mapping) else (None, None)
        if isinstance(first, int) and isinstance(last, int) and first <= place <= last:
            return i
    return None


READER = Reader(
    "span-relations",
    "relation",
    "spans and relations between them: doccano, Prodigy",
    sniff,
    read,
    priority=4,
)
