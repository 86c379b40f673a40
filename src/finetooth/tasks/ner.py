"""Named entities, in documents or sentences, tokenised or not.

Row: {"id": "d1", "text": "Ada left Rome.", "entities": [{"start": 0, "end": 3, "type": "PER"}, {"start": 9, "end": 13, "type": "LOC"}]}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from finetooth.errors import DataError
from finetooth.io import json_type, plain, to_json
from finetooth.metrics.ner import METRICS, parts
from finetooth.metrics.ner_tags import chunks_of
from finetooth.registry import Ablation, Task
from finetooth.tasks import listed, rows
from finetooth.tasks.documents import LabelledSpan, NerInput, NerTarget, Unplaced
from finetooth.tasks.mentions import Claimed, edges, join, places
from finetooth.tasks.ner_floors import FLOORS
from finetooth.tasks.ner_outputs import claim_places, parse, predictions
from finetooth.tasks.ner_stretches import join as join_stretches
from finetooth.tasks.ner_stretches import split
from finetooth.types import Example, Prediction, Span

SCHEMES = ("iob2", "iob1", "bioes")
__all__ = ["TASK", "LabelledSpan", "NerInput", "NerTarget", "Unplaced", "from_row", "to_row"]
# In meta, of a row without tags and entities: [] is a target, nothing is none. Not the name that relations use for
# triples: a document may have entities and no triples.
UNLABELLED = "unlabelled_entities"
TAG_KEYS = ("tags", "ner_tags", "ner", "labels")


def from_row(row: Mapping[str, Any], where: str) -> Example:
    """Our own row (see the module), or the hub's: {"tokens": ["Ada", "left"], "tags": ["B-PER", "O"]}.

    Spans stay as given: a wrong offset is a finding, not a reading error. A row without entities and tags, or with null
    there, is unlabelled; one with [] has none. Raises DataError.
    """
    words = words_of(row)
    tokens: tuple[Span, ...] | None
    if "text" not in row and words is not None:
        source, tokens = join(words)
    else:
        source = rows.text(row, "text", where)
        tokens = None if row.get("tokens") is None else tuple(tokens_of(row, source, where))
    unplaced = tuple(
        _unplaced(rows.mapping(u, f"{where}: unplaced[{i}]"), f"{where}: unplaced[{i}]")
        for i, u in enumerate(rows.listed(row, "unplaced", where))
    )
    tags = tags_in(row)
    if tags is not None:
        target = tagged(source, tokens, tags, rows.text(row, "scheme", where, default="iob2"), where)
    else:
        found = rows.listed(row, "entities", where)
        target = NerTarget(
            tuple(span(s, source, f"{where}: entities[{i}]") for i, s in enumerate(found)), unplaced=unplaced
        )
    labels = rows.strings(row, "label_set", where)
    meta = rows.meta(row, where)
    if tags is not None or target.entities:
        meta.pop(UNLABELLED, None)  # somebody has labelled it since
    elif row.get("entities") is None:
        meta[UNLABELLED] = True
    return Example(rows.name(row, where, source), NerInput(source, tokens, labels), target, meta)


def words_of(row: Mapping[str, Any]) -> list[str] | None:
    """The words of a row that is tokenised, under either name; None where it is not."""
    words = row.get("tokens", row.get("words"))
    return words if isinstance(words, list) and all(isinstance(w, str) for w in words) else None


def tags_in(row: Mapping[str, Any]) -> Any:
    """What the row has for tags; None where nothing is. "labels" are tags where they are no spans."""
    for key in TAG_KEYS:
        value = row.get(key)
        if value is None:
            continue
        if key != "labels" or (
            isinstance(value, list) and not any(isinstance(v, (list, dict)) for v in value)
        ):
            return value
    return None


def tokens_of(row: Mapping[str, Any], source: str, where: str) -> Iterator[Span]:
    """Tokens as [start, end], as {"start", "end"} (spaCy, Prodigy), or as words found one after the other."""
    at = 0
    for i, token in enumerate(rows.listed(row, "tokens", where)):
        here = f"{where}: tokens[{i}]"
        if isinstance(token, str):
            start = source.find(token, at)
            if start < 0:
                raise DataError(f"the text has no {token!r} after character {at}", where=here)
            end = start + len(token)
        else:
            if isinstance(token, list) and len(token) == 2:
                token = {"start": token[0], "end": token[1]}
            token = rows.mapping(token, here)
            start, end = rows.integer(token, "start", here), rows.integer(token, "end", here)
            if not 0 <= start <= end <= len(source):
                raise DataError(f"{start}..{end} is outside a text of {len(source)} characters", where=here)
        at = end
        yield Span(start, end, source[start:end])


def span(value: Any, source: str, where: str) -> LabelledSpan:
    """{"start", "end", "type" or "label"} or [start, end, type]; ``text`` is believed where it is given."""
    if isinstance(value, (list, tuple)) and len(value) == 3:
        value = dict(zip(("start", "end", "type"), value, strict=True))
    value = rows.mapping(value, where)
    begin, stop = edges(value)
    start = rows.integer({"start": begin} if begin is not None else {}, "start", where)
    end = rows.integer({"end": stop} if stop is not None else {}, "end", where)
    kind = value.get("type", value.get("label"))
    if not isinstance(kind, str):
        raise DataError(f"type: expected a string, found {json_type(kind)}", where=where)
    entity = value.get("entity")
    if entity is not None and (isinstance(entity, bool) or not isinstance(entity, int)):
        raise DataError(f"entity: expected an integer, found {json_type(entity)}", where=where)
    mention = rows.text(value, "text", where, default=source[max(start, 0) : max(end, 0)])
    return LabelledSpan(start, end, mention, kind, entity)


def _unplaced(value: Mapping[str, Any], where: str) -> Unplaced:
    entity = value.get("entity")
    start, end = (v if isinstance(v, int) else -1 for v in (value.get("start"), value.get("end")))
    return Unplaced(
        rows.text(value, "text", where),
        rows.text(value, "type", where),
        rows.text(value, "why", where),
        entity if isinstance(entity, int) else None,
        start,
        end,
    )


def tagged(source: str, tokens: Sequence[Span] | None, tags: Any, scheme: str, where: str) -> NerTarget:
    """The target that tags, one a token, stand for. Raises DataError."""
    if tokens is None:
        raise DataError("tags without tokens", where=where)
    if not isinstance(tags, (list, tuple)) or len(tags) != len(tokens):
        found = len(tags) if isinstance(tags, (list, tuple)) else json_type(tags)
        raise DataError(f"expected {len(tokens)} tags, one a token, found {found}", where=where)
    odd = next((t for t in tags if not isinstance(t, str)), "")
    if odd != "":
        cure = "write their names" if isinstance(odd, (int, float)) else "a tag for every token"
        raise DataError(f"expected tags such as B-PER, found {json_type(odd)}", where=where, cure=cure)
    if scheme not in SCHEMES:
        raise DataError(f"scheme: expected one of {', '.join(SCHEMES)}, found {scheme!r}", where=where)
    return NerTarget(
        spans_of(source, tokens, chunks_of([tags], reading=reading(scheme))[0]), tuple(tags), scheme
    )


def reading(scheme: str) -> str:
    """How chunks are read from tags of a scheme: as conlleval does, and E and S where the file has them."""
    return "seqeval" if scheme == "bioes" else "conlleval"


def spans_of(
    source: str, tokens: Sequence[Span], chunks: Iterable[tuple[int, int, str]]
) -> tuple[LabelledSpan, ...]:
    """Chunks of tokens as spans of characters. Those of empty tokens, and those without a type, are left out."""
    made = []
    for first, last, kind in chunks:
        start, end = tokens[first].start, tokens[last - 1].end
        if start < end and kind:
            made.append(LabelledSpan(start, end, source[start:end], kind))
    return tuple(made)


def to_row(example: Example) -> dict[str, Any]:
    source, target = example.inputs, example.target
    row: dict[str, Any] = {"id": example.id, "text": source.text}
    if source.tokens is not None:
        row["tokens"] = [[t.start, t.end] for t in source.tokens]
    if target.tags is not None:
        row |= {"tags": list(target.tags), "scheme": target.scheme}
    row["entities"] = show(target)
    if source.label_set:
        row["label_set"] = list(source.label_set)
    if target.unplaced:
        row["unplaced"] = [_told(u) for u in target.unplaced]
    return row | rows.meta_row(example.meta)


def _told(value: Any) -> dict[str, Any]:
    """A dataclass as a row, without what is not known."""
    return {
        k: v for k, v in plain(value).items() if v is not None and not (k in ("start", "end") and v == -1)
    }


def show(target: NerTarget | None) -> list[dict[str, Any]]:
    return (
        []
        if target is None
        else [
            {"start": s.start, "end": s.end, "type": s.type, "text": s.text}
            | ({} if s.entity is None else {"entity": s.entity})
            for s in target.entities
        ]
    )


def gold(example: Example) -> Prediction:
    return Prediction(example.id, example.target, 1.0)


def prompt(example: Example) -> str:
    kinds = ", ".join(example.inputs.label_set) or "any"
    return (
        f"Text: {example.inputs.text}\nTypes: {kinds}\n"
        'List the named entities as JSON: [{"text": ..., "type": ...}].'
    )


def answer(example: Example) -> str:
    """The mentions in reading order; one that is labelled wherever it stands is listed once."""
    return to_json([{"text": name, "type": kind} for name, kind in listing(example)])


def listing(example: Example) -> list[tuple[str, str]]:
    """(string, type) of the target as a generative head writes them; ``parse`` places them again."""
    entities = sorted(example.target.entities, key=lambda s: (s.start, s.end))
    stand: dict[tuple[str, str], list[int]] = {}
    for s in entities:
        stand.setdefault((s.text, s.type), []).append(s.start)
    # Placed as ``parse`` will: one listing where that says all of it.
    claimed = Claimed()
    once = set()
    for key in sorted(stand, key=lambda k: -len(k[0])):
        free = [p for p in places(key[0], example.inputs.text) if claimed.free(p, p + len(key[0]))]
        if stand[key] == free:
            once.add(key)
        claim_places(key[0], 1 if key in once else len(stand[key]), example.inputs.text, claimed)
    made: list[tuple[str, str]] = []
    for key in ((s.text, s.type) for s in entities):
        if key in once and stand[key]:
            stand[key] = []  # told
        elif key in once:
            continue
        made.append(key)
    return made


def labels(examples: Sequence[Example]) -> tuple[str, ...]:
    """Entity types, those that occur and those that the source allows."""
    found = {s.type for e in examples for s in e.target.entities}
    return tuple(sorted(found.union(*(e.inputs.label_set for e in examples))))


def _group(example: Example) -> str:
    return str(example.meta.get("document") or example.meta.get("title") or example.id)


def _lower(example: Example) -> Example:
    # Some capitals have no lower case of one character; offsets must stay.
    changed = "".join(c.lower() if len(c.lower()) == 1 else c for c in example.inputs.text)
    tokens = example.inputs.tokens
    if tokens is not None:
        tokens = tuple(Span(t.start, t.end, changed[t.start : t.end]) for t in tokens)
    return replace(example, inputs=replace(example.inputs, text=changed, tokens=tokens))


TASK = Task(
    name="ner",
    summary="Named entities: spans of a text, each with a type.",
    from_row=from_row,
    to_row=to_row,
    gold=gold,
    parse=parse,
    show=show,
    metrics=METRICS,
    main_metric="entity_f1",
    heads=("token", "causal"),
    group=_group,
    floors=FLOORS,
    ablations=(Ablation("no capitals", _lower),),
    predictions=predictions,
    parts=parts,
    labels=labels,
    prompt=prompt,
    answer=answer,
    unread=lambda examples, predictions, train: listed.unread(examples, predictions),
    unread_names=listed.FAILURES,
    partly_read=frozenset({listed.CUT}),
    unlabelled=lambda e: "no gold entities" if e.meta.get(UNLABELLED) else "",
    split=split,
    join=join_stretches,
)
