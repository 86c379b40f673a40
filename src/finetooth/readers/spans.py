"""Text with spans of characters, a document a row: our own rows, spaCy's, Prodigy's, doccano's.

{"id": "d1", "text": "Ada left.", "entities": [{"start": 0, "end": 3, "type": "PER"}]}
{"text": "Ada left.", "spans": [{"start": 0, "end": 3, "label": "PER"}]}      Prodigy
{"text": "Ada left.", "entities": [[0, 3, "PER"]]}, ["Ada left.", {"entities": [[0, 3, "PER"]]}]   spaCy
{"id": 1, "text": "Ada left.", "label": [[0, 3, "PER"]]}                      doccano
{"tokens": ["Ada", "left", "."], "ner_tags": ["B-PER", "O", "O"]}             the hub
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io import Source, parse_json, write_jsonl
from finetooth.metrics.ner_tags import scheme_of
from finetooth.registry import Reader
from finetooth.tasks import relation, rows
from finetooth.tasks.mentions import edges
from finetooth.tasks.ner import from_row, show, tagged, tags_in, to_row, words_of
from finetooth.text import many
from finetooth.types import Drop, Example

SPAN_KEYS = ("spans", "entities", "ents", "labels", "label")


FIRST = 200  # rows that are looked at: the first ones may have no span


def span_key(row: Mapping[str, Any]) -> str | None:
    """Where the row keeps its spans: lists of [start, end, label] or of objects with start and end."""
    for key in SPAN_KEYS:
        value = row.get(key)
        if not isinstance(value, list):
            continue
        first = value[0] if value else None
        if first is None and key in ("spans", "entities", "ents"):
            return key
        if isinstance(first, Mapping) and None not in edges(first):
            return key
        if isinstance(first, list) and len(first) == 3 and all(type(x) is int for x in first[:2]):
            return key
    return None


def _unlike(row: Mapping[str, Any]) -> str | None:
    """A list under a key of spans that holds something else than spans or names: reading it says what is wrong."""
    for key in SPAN_KEYS:
        value = row.get(key)
        if isinstance(value, list) and value and not all(isinstance(v, str) for v in value):
            return key
    return None


def _is_ours(row: Mapping[str, Any]) -> bool:
    if isinstance(row.get("text"), str) and isinstance(row.get("entities"), list):
        first: Any = next(iter(row["entities"]), {})
        return isinstance(first, Mapping) and (not first or "type" in first) and "mentions" not in first
    return words_of(row) is not None and tags_in(row) is not None


def sniff_rows(source: Source) -> bool:
    row = source.first_row
    return row is not None and "triples" not in row and _is_ours(row)


def read_rows(source: Source) -> Iterator[Example]:
    """Rows in order. The scheme of tags, where rows do not name it, is that of the whole file."""
    made: list[tuple[Example, Mapping[str, Any]]] = []
    untold: list[int] = []
    beside = 0
    for where, row in source.rows():
        beside += _relations(row)
        example = from_row(row, where)
        if example.target.tags is not None and not isinstance(row.get("scheme"), str):
            untold.append(len(made))
        made.append((example, {"id": row.get("id")}))
    scheme = scheme_of([made[i][0].target.tags for i in untold]) if untold else "iob2"
    if scheme != "iob2":
        for i in untold:
            example, named = made[i]
            told, tags = example.inputs, list(example.target.tags)
            target = tagged(told.text, told.tokens, tags, scheme, str(source))
            target = replace(target, unplaced=example.target.unplaced)
            made[i] = replace(example, target=target), named
    _note_relations(source, beside)
    return numbered(made)


def numbered(made: Iterable[tuple[Example, Mapping[str, Any]]]) -> Iterator[Example]:
    """Examples of rows without ids are named by their text; one that says the same again gets a number."""
    times: Counter[str] = Counter()
    for example, row in made:
        if not row.get("id"):
            times[example.id] += 1
            if times[example.id] > 1:
                example = replace(example, id=f"{example.id}#{times[example.id]}")
        yield example


def write_rows(examples: Sequence[Example], path: Path) -> None:
    write_jsonl(path, map(to_row, examples))


def span_rows(source: Source) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows; of spaCy's own training lists, [text, annotations], one a line or in one list, as rows."""
    if _pair_a_line(source):
        listed = [
            (where, parse_json(line, where))
            for where, line in ((f"{source}:{i}", line) for i, line in enumerate(source.text.split("\n"), 1))
            if line.strip()
        ]
    else:
        document = source.document if source.starts_with == "[" else None
        if not (isinstance(document, list) and document and isinstance(document[0], list)):
            yield from source.rows()
            return
        listed = [(f"{source}[{i}]", pair) for i, pair in enumerate(document)]
    for where, pair in listed:
        if not (isinstance(pair, list) and len(pair) == 2):
            raise DataError(
                "expected a text and its annotations", where=where, cure='["text", {"entities": []}]'
            )
        yield where, {"text": pair[0], **rows.mapping(pair[1], where)}


def _pair_a_line(source: Source) -> bool:
    if source.starts_with != "[" or source.head.lstrip()[1:].lstrip()[:1] != b'"':
        return False
    try:
        pair = parse_json(source.text.lstrip().partition("\n")[0], str(source))
    except DataError:
        return False
    return _is_pair(pair)


def _is_pair(value: Any) -> bool:
    """Whether this is ["Ada left.", {"entities": [...]}]."""
    pair = isinstance(value, list) and len(value) == 2 and isinstance(value[1], Mapping)
    return pair and isinstance(value[1].get("entities"), list)


def sniff_spans(source: Source) -> bool:
    if source.is_text and source.starts_with == "[":
        second = source.head.lstrip()[1:].lstrip()[:1]
        if second in (b"[", b'"'):
            return _is_pair(source.document[0]) if second == b"[" else _pair_a_line(source)
    row = source.first_row
    if row is None or not isinstance(row.get("text"), str):
        return False
    if not any(row.get(k) == [] for k in SPAN_KEYS):
        return span_key(row) is not None
    # Nothing in the first row: one further on says under which key spans stand.
    try:
        return any(
            span_key(row) is not None for _, row in islice(source.rows(problems=lambda *_: None), FIRST)
        )
    except DataError:
        return span_key(row) is not None


def read_spans(source: Source) -> Iterator[Example]:
    """Rows in order. What an annotator rejected or left open (Prodigy's ``answer``) is dropped by name."""
    beside = 0

    def each() -> Iterator[tuple[Example, Mapping[str, Any]]]:
        nonlocal beside
        key = None
        for where, row in accepted(source, span_rows(source)):
            beside += _relations(row)
            key = span_key(row) or _unlike(row) or key or "spans"
            plain = {k: row[k] for k in ("text", "tokens", "meta", "label_set", "unplaced") if k in row}
            yield (
                from_row(plain | {"id": row_id(row), "entities": row.get(key) or []}, where),
                {"id": row_id(row)},
            )

    yield from numbered(each())
    _note_relations(source, beside)


def accepted(
    source: Source, listed: Iterable[tuple[str, Mapping[str, Any]]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows that an annotator did not reject or leave open (Prodigy's ``answer``); the others drop by name."""
    dropped: list[Drop] = source.options.setdefault("dropped", [])
    for where, row in listed:
        answer = row.get("answer")
        if answer in ("reject", "ignore"):
            reason = f"the annotator's answer is {answer!r}; only 'accept' is gold"
            dropped.append(Drop(str(row_id(row) or where), "read", reason))
            continue
        yield where, row


def _relations(row: Mapping[str, Any]) -> int:
    """How many relations stand beside the spans of a row, which entities alone cannot say."""
    value = row.get("relations")
    return len(value) if isinstance(value, list) else 0


def _note_relations(source: Source, n: int) -> None:
    if n:
        said = many(n, "relation")
        source.options.setdefault("notes", []).append(
            f"{source}: {said} beside the spans not read, since the task is ner; --format span-relations reads them"
        )


def row_id(row: Mapping[str, Any]) -> Any:
    # Prodigy asks several questions about one input: it is the task that is asked once.
    keys = ("id", "_id", "_task_hash", "_input_hash")
    return next((row[k] for k in keys if isinstance(row.get(k), (str, int))), None)


def write_spans(examples: Sequence[Example], path: Path) -> None:
    """Prodigy's rows, which spaCy's converters read: spans with labels, tokens where there are some."""
    write_jsonl(path, map(_prodigy, examples))


def _prodigy(example: Example) -> dict[str, Any]:
    row = to_row(example)
    made: dict[str, Any] = {"id": row["id"], "text": row["text"]}
    tokens = example.inputs.tokens
    if tokens is not None:
        made["tokens"] = [
            {"text": t.text, "start": t.start, "end": t.end, "id": i} for i, t in enumerate(tokens)
        ]
    first = {t.start: i for i, t in reversed(list(enumerate(tokens or ())))}
    last = {t.end: i for i, t in enumerate(tokens or ())}
    made["spans"] = []
    for s in show(example.target):
        span = {"start": s["start"], "end": s["end"], "label": s["type"]}
        if s["text"] != row["text"][max(s["start"], 0) : max(s["end"], 0)]:
            span["text"] = s["text"]
        if "entity" in s:
            span["entity"] = s["entity"]
        if s["start"] in first and s["end"] in last:
            span |= {"token_start": first[s["start"]], "token_end": last[s["end"]]}
        made["spans"].append(span)
    return made | {k: row[k] for k in ("meta", "label_set", "unplaced") if k in row}


def sniff_relations(source: Source) -> bool:
    row = source.first_row
    if row is None or not isinstance(row.get("text"), str) or not isinstance(row.get("entities"), list):
        return False
    first: Any = next(iter(row["entities"]), {})
    return isinstance(first, Mapping) and ("mentions" in first or isinstance(row.get("triples"), list))


def read_relations(source: Source) -> Iterator[Example]:
    return numbered((relation.from_row(row, where), row) for where, row in source.rows())


def read_entities(source: Source) -> Iterator[Example]:
    """The entities alone, as flat spans; of those that overlap the longest."""
    return map(relation.as_ner, read_relations(source))


def write_relations(examples: Sequence[Example], path: Path) -> None:
    write_jsonl(path, map(relation.to_row, examples))


ROWS = Reader(
    "ner-rows",
    "ner",
    "our own rows of text and entities; tokens and tags of the hub",
    sniff_rows,
    read_rows,
    write_rows,
    priority=2,
)
SPANS = Reader(
    "spans",
    "ner",
    "spaCy, Prodigy, doccano: text and spans of characters",
    sniff_spans,
    read_spans,
    write_spans,
    priority=1,
)
RELATIONS = Reader(
    "relation-rows",
    "relation",
    "our own rows of text, entities and triples",
    sniff_relations,
    read_relations,
    write_relations,
    priority=3,
)
ENTITIES = Reader(
    "relation-rows-ner",
    "ner",
    "the entities of our own rows of text, entities and triples",
    sniff_relations,
    read_entities,
    priority=0,
)
