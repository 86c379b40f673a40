"""DocRED and Re-DocRED JSON: tokenised sentences, entities as clusters of mentions, relations between clusters.

[{"title": "T", "sents": [["Ada", "left", "Rome", "."]], "vertexSet": [
    [{"name": "Ada", "sent_id": 0, "pos": [0, 1], "type": "PER"}], [{"name": "Rome", "sent_id": 0, "pos": [2, 3], "type": "LOC"}]],
  "labels": [{"h": 0, "t": 1, "r": "P1", "evidence": [0]}]}]
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io import Source, content_id, json_type, write_json
from finetooth.registry import Reader
from finetooth.tasks import rows
from finetooth.tasks.documents import DocEntity, RelationInput, RelationTarget, Triple
from finetooth.tasks.mentions import join, sentences_of, word_spans
from finetooth.tasks.relation import as_ner, as_relation, squashed
from finetooth.types import Example, Span


def sniff(source: Source) -> bool:
    if not source.is_text or source.starts_with not in ("{", "["):
        return False
    row = source.first_row
    return row is not None and isinstance(row.get("vertexSet"), list) and isinstance(row.get("sents"), list)


def read(source: Source) -> Iterator[Example]:
    """Words joined with blanks, sentence after sentence. A mention outside its sentence is a finding."""
    for where, row in source.rows():
        sentences = [
            _words(s, f"{where}.sents[{i}]")
            for i, s in enumerate(rows.listed(row, "sents", where, optional=False))
        ]
        text, tokens = join([w for s in sentences for w in s])
        firsts = [0]
        for s in sentences:
            firsts.append(firsts[-1] + len(s))
        bounds = tuple(
            (tokens[a].start, tokens[b - 1].end) if a < b else (tokens[a - 1].end,) * 2 if a else (0, 0)
            for a, b in pairwise(firsts)
        )
        entities = tuple(
            _entity(cluster, text, tokens, firsts, f"{where}.vertexSet[{i}]")
            for i, cluster in enumerate(rows.listed(row, "vertexSet", where))
        )
        triples = tuple(
            Triple(
                rows.integer(rows.mapping(x, at), "h", at),
                rows.text(x, "r", at),
                rows.integer(x, "t", at),
                evidence=rows.integers(x, "evidence", at),
            )
            for x, at in (
                (x, f"{where}.labels[{i}]") for i, x in enumerate(rows.listed(row, "labels", where))
            )
        )
        title = row.get("title") if isinstance(row.get("title"), str) else ""
        meta = ({"title": title} if title else {}) | rows.unlabelled(row, "labels")
        inputs = RelationInput(text, entities, tokens, bounds)
        name = row.get("id") or title or content_id(text)
        yield Example(str(name), inputs, RelationTarget(triples), {**meta, "where": where})


def _words(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(w, str) for w in value):
        raise DataError("expected a list of words", where=where)
    return value


def _entity(cluster: Any, text: str, tokens: Sequence[Span], firsts: Sequence[int], where: str) -> DocEntity:
    if not isinstance(cluster, list):
        raise DataError(f"expected a list of mentions, found {json_type(cluster)}", where=where)
    spans, names, kinds = [], [], []
    for i, value in enumerate(cluster):
        at = f"{where}[{i}]"
        mention = rows.mapping(value, at)
        name, sentence = rows.text(mention, "name", at), rows.integer(mention, "sent_id", at)
        place = mention.get("pos")
        if not isinstance(place, list) or len(place) != 2 or not all(type(p) is int for p in place):
            raise DataError("pos: expected [first, last + 1]", where=at)
        names.append(name)
        kinds.append(rows.text(mention, "type", at))
        spans.append(Span(-1, -1, name))
        if 0 <= sentence < len(firsts) - 1:
            first, last = firsts[sentence] + place[0], firsts[sentence] + place[1]
            if firsts[sentence] <= first < last <= firsts[sentence + 1]:
                start, end = tokens[first].start, tokens[last - 1].end
                same = squashed(text[start:end]) == squashed(name)
                spans[-1] = Span(start, end, text[start:end] if same else name)
    kind = kinds[0] if kinds else ""
    return DocEntity(
        tuple(spans),
        kind,
        names[0] if names else "",
        tuple(names),
        tuple(kinds) if len(set(kinds)) > 1 else (),
    )


def write(examples: Sequence[Example], path: Path) -> None:
    """DocRED JSON. Text that is not tokenised is cut into words, also where mentions begin and end."""
    write_json(path, [_row(e) for e in examples])


def _row(example: Example) -> dict[str, Any]:
    source = example.inputs
    edges = [at for e in source.entities for m in e.mentions for at in (m.start, m.end)]
    tokens = source.tokens if source.tokens is not None else tuple(word_spans(source.text, edges))
    whole = [(m.start, m.end) for e in source.entities for m in e.mentions]
    bounds = source.sentences if source.sentences is not None else sentences_of(source.text, whole)
    starts = [start for start, _ in bounds]
    sentences: list[list[Span]] = [[] for _ in bounds]
    for token in tokens:
        sentences[max(bisect_right(starts, token.start) - 1, 0)].append(token)
    row: dict[str, Any] = {"title": example.meta.get("title", example.id)}
    if example.id != row["title"]:
        row["id"] = example.id
    row["sents"] = [[t.text for t in s] for s in sentences]
    row["vertexSet"] = [
        [_mention(m, i, entity, sentences) for i, m in enumerate(entity.mentions)]
        for entity in source.entities
    ]
    row["labels"] = [
        {"h": t.head, "t": t.tail, "r": t.relation, "evidence": list(t.evidence)}
        for t in example.target.triples
    ]
    return row


def _mention(m: Span, i: int, entity: DocEntity, sentences: Sequence[Sequence[Span]]) -> dict[str, Any]:
    # The source's spelling, where its names stand one by one for the mentions.
    named = i < len(entity.aliases) and squashed(entity.aliases[i]) == squashed(m.text)
    row: dict[str, Any] = {
        "name": entity.aliases[i] if named else m.text,
        "type": entity.types[i] if entity.types else entity.type,
        "sent_id": -1,
        "pos": [-1, -1],
    }
    for number, tokens in enumerate(sentences):
        inside = [k for k, t in enumerate(tokens) if m.start <= t.start and t.end <= m.end]
        if inside and m.start < m.end:
            return row | {"sent_id": number, "pos": [inside[0], inside[-1] + 1]}
    return row


def read_ner(source: Source) -> Iterator[Example]:
    """The mentions alone, as spans of the text."""
    return map(as_ner, read(source))


def write_ner(examples: Sequence[Example], path: Path) -> None:
    """DocRED JSON of spans: those of one ``entity``, else of one string and type, are one cluster."""
    write([as_relation(e) for e in examples], path)


READER = Reader(
    "docred-relation",
    "relation",
    "DocRED and Re-DocRED JSON: clusters and labels",
    sniff,
    read,
    write,
    priority=12,
)
NER_READER = Reader(
    "docred-ner", "ner", "the mentions of DocRED JSON, as spans", sniff, read_ner, write_ner, priority=11
)
