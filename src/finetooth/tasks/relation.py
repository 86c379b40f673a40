"""Relations between the entities of a document.

Row: {"id": "d1", "text": "Ada left Rome.", "entities": [
         {"type": "PER", "name": "Ada", "mentions": [{"start": 0, "end": 3, "text": "Ada"}]},
         {"type": "LOC", "name": "Rome", "mentions": [{"start": 9, "end": 13, "text": "Rome"}]}],
      "triples": [{"head": 0, "relation": "Left", "tail": 1}]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from finetooth.errors import DataError
from finetooth.io import to_json
from finetooth.metrics.relation import METRICS, parts
from finetooth.registry import Ablation, Task
from finetooth.tasks import listed, rows
from finetooth.tasks.documents import (
    NO_NAME,
    NOT_AT_PLACE,
    DocEntity,
    LabelledSpan,
    NerInput,
    NerTarget,
    RelationInput,
    RelationTarget,
    Triple,
    Unplaced,
)
from finetooth.tasks.mentions import gave_way, longest_first, name_key, place_names
from finetooth.tasks.ner import tokens_of
from finetooth.tasks.relation_floors import FLOORS
from finetooth.tasks.relation_outputs import parse, predictions, resolve, triple
from finetooth.types import Example, Prediction, Span

__all__ = [
    "TASK",
    "DocEntity",
    "RelationInput",
    "RelationTarget",
    "Triple",
    "as_ner",
    "as_relation",
    "from_row",
    "from_spans",
    "rebase",
    "to_row",
]


def from_row(row: Mapping[str, Any], where: str) -> Example:
    """Our own row (see the module). Mentions may also be names: those are placed wherever they stand.

    Heads and tails are places in ``entities`` or names. Raises DataError.
    """
    source = rows.text(row, "text", where)
    entities = tuple(
        _entity(rows.mapping(e, f"{where}: entities[{i}]"), source, f"{where}: entities[{i}]")
        for i, e in enumerate(rows.listed(row, "entities", where))
    )
    triples = tuple(
        triple(t, entities, f"{where}: triples[{i}]")
        for i, t in enumerate(rows.listed(row, "triples", where))
    )
    sentences = None
    if row.get("sentences") is not None:
        sentences = tuple(
            _pair(s, f"{where}: sentences[{i}]") for i, s in enumerate(rows.listed(row, "sentences", where))
        )
    inputs = RelationInput(
        source,
        entities,
        None if row.get("tokens") is None else tuple(tokens_of(row, source, where)),
        sentences,
        rows.strings(row, "label_set", where),
        rows.strings(row, "entity_label_set", where),
    )
    meta = rows.meta(row, where)
    if triples:
        meta.pop("unlabelled", None)  # somebody has labelled it since
    meta |= rows.unlabelled(row, "triples")
    return Example(rows.name(row, where, source), inputs, RelationTarget(triples), meta)


def _pair(value: Any, where: str) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or not all(type(v) is int for v in value):
        raise DataError("expected [start, end]", where=where)
    return value[0], value[1]


def _entity(row: Mapping[str, Any], source: str, where: str) -> DocEntity:
    mentions = rows.listed(row, "mentions", where)
    kind = rows.text(row, "type", where)
    aliases = rows.strings(row, "aliases", where)
    if mentions and all(isinstance(m, str) for m in mentions):
        aliases = aliases or tuple(mentions)
        spans = tuple(place_names(mentions, source))
    else:
        spans = tuple(
            _mention(rows.mapping(m, f"{where}.mentions[{i}]"), source, f"{where}.mentions[{i}]")
            for i, m in enumerate(mentions)
        )
    first = aliases[0] if aliases else spans[0].text if spans else ""
    return DocEntity(
        spans, kind, rows.text(row, "name", where, default=first), aliases, rows.strings(row, "types", where)
    )


def _mention(row: Mapping[str, Any], source: str, where: str) -> Span:
    start, end = rows.integer(row, "start", where), rows.integer(row, "end", where)
    return Span(start, end, rows.text(row, "text", where, default=source[max(start, 0) : max(end, 0)]))


def to_row(example: Example) -> dict[str, Any]:
    source = example.inputs
    row: dict[str, Any] = {"id": example.id, "text": source.text}
    row["entities"] = [
        {
            "type": e.type,
            "name": e.name,
            "mentions": [{"start": m.start, "end": m.end, "text": m.text} for m in e.mentions],
        }
        | ({"aliases": list(e.aliases)} if e.aliases else {})
        | ({"types": list(e.types)} if e.types else {})
        for e in source.entities
    ]
    row["triples"] = show(example.target)
    if source.tokens is not None:
        row["tokens"] = [[t.start, t.end] for t in source.tokens]
    if source.sentences is not None:
        row["sentences"] = [list(s) for s in source.sentences]
    for key in ("label_set", "entity_label_set"):
        if getattr(source, key):
            row[key] = list(getattr(source, key))
    return row | rows.meta_row(example.meta)


def show(target: RelationTarget | None) -> list[dict[str, Any]]:
    """Places for heads and tails, the names as written beside them, evidence where there is some."""
    return (
        []
        if target is None
        else [
            {"head": t.head, "relation": t.relation, "tail": t.tail}
            | ({"head_text": t.head_text} if t.head_text else {})
            | ({"tail_text": t.tail_text} if t.tail_text else {})
            | ({"evidence": list(t.evidence)} if t.evidence else {})
            for t in target.triples
        ]
    )


def gold(example: Example) -> Prediction:
    return Prediction(example.id, example.target, 1.0)


def end_name(inputs: RelationInput, place: int, told: str) -> str:
    """The name of a triple's end: as written, else the entity's."""
    return told or (inputs.entities[place].name if 0 <= place < len(inputs.entities) else "")


def prompt(example: Example) -> str:
    source = example.inputs
    entities = "; ".join(f"{e.name} ({e.type})" for e in source.entities)
    kinds = ", ".join(source.label_set) or "any"
    return (
        f"Text: {source.text}\nEntities: {entities}\nRelations: {kinds}\n"
        'List the relations as JSON: [{"head": ..., "relation": ..., "tail": ...}].'
    )


def answer(example: Example) -> str:
    """Distinct triples by name, in the order of the source."""
    names = [
        (
            end_name(example.inputs, t.head, t.head_text),
            t.relation,
            end_name(example.inputs, t.tail, t.tail_text),
        )
        for t in example.target.triples
    ]
    return to_json([{"head": h, "relation": r, "tail": t} for h, r, t in dict.fromkeys(names)])


def labels(examples: Sequence[Example]) -> tuple[str, ...]:
    """Relations, those that occur and those that the source allows."""
    found = {t.relation for e in examples for t in e.target.triples}
    return tuple(sorted(found.union(*(e.inputs.label_set for e in examples))))


def as_ner(example: Example) -> Example:
    """The entities of a document as flat spans: where mentions overlap the longest stays.

    What gives way is told in ``unplaced``, as are names that stand nowhere in the text.
    """
    source = example.inputs
    spans: list[LabelledSpan] = []
    unplaced: list[Unplaced] = []
    # Names of tokenised sources differ from the text in their blanks.
    spelled = squashed if source.tokens is not None else str
    for number, entity in enumerate(source.entities):
        kinds = entity.types or (entity.type,) * len(entity.mentions)
        spans += [
            LabelledSpan(m.start, m.end, m.text, k, number)
            for m, k in zip(entity.mentions, kinds, strict=True)
        ]
        if nameless(entity):
            unplaced.append(Unplaced("", entity.type, NO_NAME, number))
        told = {spelled(m.text) for m in entity.mentions}
        for name in dict.fromkeys(entity.aliases):
            if spelled(name.strip()) not in told and name.strip():
                why = "inside a longer name" if name in source.text else "not in text"
                unplaced.append(Unplaced(name, entity.type, why, number))
    kept = set(longest_first((s.start, s.end) for s in spans))
    taken = {(spans[i].start, spans[i].end): spans[i].type for i in kept}
    edges = sorted(taken)
    for i, s in enumerate(spans):
        if i not in kept:
            unplaced.append(Unplaced(s.text, s.type, gave_way(s, taken, edges), s.entity, s.start, s.end))
    flat = sorted((spans[i] for i in kept), key=lambda s: (s.start, s.end))
    # What a span cannot say is kept beside, so that the document can be written whole again.
    beside = {
        "triples": show(example.target),
        "label_set": list(source.label_set),
        "sentences": [list(pair) for pair in source.sentences or ()],
    }
    beside = {k: v for k, v in beside.items() if v}
    return replace(
        example,
        inputs=NerInput(source.text, source.tokens, source.entity_label_set),
        target=NerTarget(tuple(flat), unplaced=tuple(sorted(unplaced, key=_order))),
        meta={**example.meta, **({"relation": beside} if beside else {})},
    )


def _order(value: Unplaced) -> tuple[Any, ...]:
    return value.entity, value.start, value.text


def nameless(entity: DocEntity) -> bool:
    """Whether an entity has neither a mention nor a name to look for."""
    return not entity.mentions and not any(name.strip() for name in entity.aliases)


def squashed(text: str) -> str:
    return "".join(text.split())


def as_relation(example: Example) -> Example:
    """The inverse of ``as_ner``: spans as the mentions of entities, by their ``entity`` or string and type.

    Triples that the file had besides come back as they were.
    """
    source, target = example.inputs, example.target
    number: dict[Any, int] = {}
    mentions: dict[int, list[Any]] = {}
    aliases: dict[int, list[str]] = {}
    taken = {s.entity for s in (*target.entities, *target.unplaced) if s.entity is not None}
    free = (i for i in range(len(taken) + len(target.entities)) if i not in taken)
    for s in (*target.entities, *target.unplaced):
        place = s.entity
        if place is None:
            key = (s.text, s.type)
            place = number[key] if key in number else number.setdefault(key, next(free))
        aliases.setdefault(place, []).extend([s.text] if s.text else [])
        if s.start >= 0 or getattr(s, "why", "") == NOT_AT_PLACE:
            mentions.setdefault(place, []).append((s.start, s.end, s.text, s.type))
        else:
            mentions.setdefault(place, [])
    entities = []
    for place in range(max(mentions, default=-1) + 1):
        found = sorted(mentions.get(place, []))
        names = tuple(dict.fromkeys(aliases.get(place, [])))
        kinds = [s.type for s in (*target.entities, *target.unplaced) if s.entity == place]
        kind = found[0][3] if found else kinds[0] if kinds else ""
        types = tuple(f[3] for f in found)
        entities.append(
            DocEntity(
                tuple(Span(*f[:3]) for f in found),
                kind,
                names[0] if names else "",
                names,
                types if set(types) - {kind} else (),
            )
        )
    beside = example.meta.get("relation") or {}
    triples = tuple(
        triple(t, entities, f"{example.id}: triples[{i}]") for i, t in enumerate(beside.get("triples") or ())
    )
    return replace(
        example,
        inputs=RelationInput(
            source.text,
            tuple(entities),
            source.tokens,
            tuple((a, b) for a, b in beside["sentences"]) if beside.get("sentences") else None,
            tuple(beside.get("label_set") or ()),
            source.label_set,
        ),
        target=RelationTarget(triples),
        meta={k: v for k, v in example.meta.items() if k != "relation"},
    )


def from_spans(example: Example, spans: Sequence[LabelledSpan]) -> Example:
    """The document with (predicted) spans for entities: those of one name and type are one entity.

    It has no triples; ``rebase`` turns triples over these entities into triples over the example's own.
    """
    clusters: dict[tuple[str, str], list[LabelledSpan]] = {}
    for s in sorted(spans, key=lambda s: (s.start, s.end)):
        clusters.setdefault((name_key(s.text), s.type), []).append(s)
    entities = tuple(
        DocEntity(
            tuple(Span(s.start, s.end, s.text) for s in group),
            kind,
            max((s.text for s in group), key=len),
            tuple(dict.fromkeys(s.text for s in group)),
        )
        for (_, kind), group in clusters.items()
    )
    return replace(example, inputs=replace(example.inputs, entities=entities), target=RelationTarget())


def rebase(target: RelationTarget, inputs: RelationInput, example: Example) -> RelationTarget:
    """Triples over the entities of ``inputs`` as triples over those of ``example``: the pipeline's score.

    An entity is the example's that shares most mentions with it, else the one that has its name, else none.
    """
    at: dict[tuple[int, int], int] = {}
    for number, entity in enumerate(example.inputs.entities):
        for m in entity.mentions:
            at.setdefault((m.start, m.end), number)

    def place(number: int) -> int:
        entity = inputs.entities[number]
        votes = [at[m.start, m.end] for m in entity.mentions if (m.start, m.end) in at]
        if votes:
            return max(dict.fromkeys(votes), key=votes.count)
        return next(
            (p for n in (entity.name, *entity.aliases) if (p := resolve(n, example.inputs.entities)) >= 0), -1
        )

    return RelationTarget(
        tuple(
            replace(
                t,
                head=place(t.head),
                tail=place(t.tail),
                head_text=end_name(inputs, t.head, t.head_text),
                tail_text=end_name(inputs, t.tail, t.tail_text),
            )
            for t in target.triples
        ),
        target.extra,
    )


def _group(example: Example) -> str:
    return str(example.meta.get("title") or example.id)


def _without_names(example: Example) -> Example:
    """Every character of a mention is an x: what is left are the types and the words around."""
    chars = list(example.inputs.text)
    for entity in example.inputs.entities:
        for m in entity.mentions:
            for i in range(max(m.start, 0), min(m.end, len(chars))):
                chars[i] = chars[i] if chars[i].isspace() else "x"
    return replace(example, inputs=replace(example.inputs, text="".join(chars)))


TASK = Task(
    name="relation",
    summary="Relations between the entities of a document, several a pair.",
    from_row=from_row,
    to_row=to_row,
    gold=gold,
    parse=parse,
    show=show,
    metrics=METRICS,
    main_metric="triple_f1",
    heads=("pair", "causal"),
    group=_group,
    floors=FLOORS,
    ablations=(Ablation("no names", _without_names),),
    predictions=predictions,
    parts=parts,
    labels=labels,
    prompt=prompt,
    answer=answer,
    unread=lambda examples, predictions, train: listed.unread(examples, predictions),
    unread_names=listed.FAILURES,
    partly_read=frozenset({listed.CUT}),
    unlabelled=lambda e: "no gold triples" if e.meta.get("unlabelled") else "",
)
