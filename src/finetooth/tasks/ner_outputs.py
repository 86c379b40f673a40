"""Predicted entities as they stand in files and in generated text.

{"d1": [{"start": 0, "end": 3, "type": "PER"}]}, or by name {"d1": [{"text": "Ada", "type": "PER"}]}, or columns of tags.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from finetooth.errors import DataError
from finetooth.io import json_type
from finetooth.metrics.ner_tags import chunks_of, scheme_of
from finetooth.tasks import listed
from finetooth.tasks.document_files import at_line, named_rows, of_rows, read_as_data
from finetooth.tasks.documents import LabelledSpan, NerTarget
from finetooth.tasks.mentions import Claimed, edges, longest_first, place_names, places
from finetooth.tasks.ner_tokens import refuse_others, same
from finetooth.types import Example, Prediction

if TYPE_CHECKING:
    from finetooth.io import Source

SPAN_KEYS = ("prediction", "predictions", "entities", "spans", "ents", "label", "labels")
TYPE_KEYS = ("type", "label", "entity_type", "tag", "entity_group")
NAME_KEYS = ("text", "mention", "name", "word", "entity")


def parse(value: Any, example: Example) -> NerTarget | None:
    """Spans, names, tags (one a token), or generated text that holds such JSON; None for what holds none.

    A name that is listed once stands wherever it occurs, one listed n times at its first n places; what lies in a
    longer name that is listed too is no place of the shorter one.
    Raises DataError for a list of something else.
    """
    if isinstance(value, str):
        return _generated(listed.read(value).value, example)
    if value is None:
        return None
    if isinstance(value, Mapping):
        key = next((k for k in SPAN_KEYS if isinstance(value.get(k), list)), None)
        key = key or next((k for k in SPAN_KEYS if k in value and _null_or_object(value[k])), None)
        if key is not None:
            return parse(value[key], example)
        if all(isinstance(v, list) and all(isinstance(n, str) for n in v) for v in value.values()):
            return _placed([(n, str(kind)) for kind, names in value.items() for n in names], example)
        raise DataError(
            f"expected a list of entities, found the keys {sorted(map(str, value))[:8]}", where=example.id
        )
    if not isinstance(value, list):
        raise DataError(f"expected a list of entities, found {json_type(value)}", where=example.id)
    tokens = example.inputs.tokens
    if value and all(isinstance(v, str) for v in value):
        if tokens is None or len(tokens) != len(value):
            expected = "spans" if tokens is None else f"{len(tokens)} tags, one a token"
            raise DataError(f"expected {expected}, found {len(value)} strings", where=example.id)
        return of_tags(example, value, _scheme([value], example))
    spans: list[LabelledSpan] = []
    names: list[tuple[str, str]] = []
    # Entities of documents are placed as their readers place them: all mentions, of those that overlap the longest.
    clusters = sum(_read(item, example, spans, names) for item in value)
    if not names and not clusters:
        return NerTarget(tuple(sorted(spans, key=lambda s: (s.start, s.end))))
    return _placed(names, example, spans)


def _generated(found: Any, example: Example) -> NerTarget | None:
    """What a model wrote, items that are no entities left out: it may write anything; a file of spans should not."""
    try:
        return parse(found, example)
    except DataError:
        if isinstance(found, Mapping):
            found = next((found[k] for k in SPAN_KEYS if isinstance(found.get(k), list)), [found])
    kept = listed.usable(found, lambda item: parse([item], example)) if isinstance(found, list) else []
    return parse(kept, example) if kept else None


def _null_or_object(value: Any) -> bool:
    return value is None or isinstance(value, Mapping)


def _read(item: Any, example: Example, spans: list[LabelledSpan], names: list[tuple[str, str]]) -> bool:
    """Adds what one item says; True where it is an entity with a list of mentions."""
    where = example.id
    if isinstance(item, (list, tuple)):
        keys = ("start", "end", "type") if len(item) == 3 else ("text", "type") if len(item) == 2 else ()
        item = dict(zip(keys, item, strict=True)) if keys else item
    if not isinstance(item, Mapping):
        raise DataError(f"expected an entity, found {item!r}", where=where)
    kind = next((item[k] for k in TYPE_KEYS if isinstance(item.get(k), str)), None)
    if kind is None:
        raise DataError(f"an entity without a type: {dict(item)!r}", where=where)
    start, end = edges(item)
    if _whole(start) and _whole(end):
        spans.append(_span(start, end, kind, example))
        return False
    mentions = item.get("mentions")
    if isinstance(mentions, list):
        spans.extend(_cluster(mentions, item.get("spans"), kind, example))
        return True
    name = next((item[k] for k in NAME_KEYS if isinstance(item.get(k), str)), None)
    if name is None:
        raise DataError(f"expected start and end, or a text, found {dict(item)!r}", where=where)
    names.append((name, kind))
    return False


def _span(start: int, end: int, kind: str, example: Example) -> LabelledSpan:
    text = example.inputs.text
    if not 0 <= start < end <= len(text):
        raise DataError(f"{start}..{end} is outside a text of {len(text)} characters", where=example.id)
    return LabelledSpan(start, end, text[start:end], kind)


def _cluster(mentions: Sequence[Any], given: Any, kind: str, example: Example) -> list[LabelledSpan]:
    """The mentions of one entity: names wherever they stand (or at the places ``given``), or spans."""
    if all(isinstance(n, str) for n in mentions):
        if isinstance(given, list) and all(
            isinstance(s, list) and [*map(type, s)] == [int, int] for s in given
        ):
            return [_span(start, end, kind, example) for start, end in given]
        return [
            LabelledSpan(m.start, m.end, m.text, kind) for m in place_names(mentions, example.inputs.text)
        ]
    made = []
    for mention in mentions:
        at = edges(mention) if isinstance(mention, Mapping) else ()
        if not at or not all(map(_whole, at)):
            raise DataError(f"expected names, or start and end, found {mention!r}", where=example.id)
        made.append(_span(at[0], at[1], kind, example))
    return made


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _placed(
    names: Sequence[tuple[str, str]], example: Example, spans: Sequence[LabelledSpan] = ()
) -> NerTarget:
    text = example.inputs.text
    found: list[LabelledSpan] = []
    claimed = Claimed()
    things: list[LabelledSpan | tuple[str, str]] = [*spans, *dict.fromkeys(names)]
    times = Counter(names)
    for thing in sorted(things, key=lambda t: t.start - t.end if isinstance(t, LabelledSpan) else -len(t[0])):
        if isinstance(thing, LabelledSpan):
            found.append(thing)
            claimed.claim(thing.start, thing.end)
            continue
        name, kind = thing
        for start in claim_places(name, times[thing], text, claimed):
            found.append(LabelledSpan(start, start + len(name), name, kind))
    kept = longest_first((s.start, s.end) for s in found)
    return NerTarget(tuple(sorted((found[i] for i in kept), key=lambda s: (s.start, s.end))))


def claim_places(name: str, times: int, text: str, claimed: Claimed) -> list[int]:
    """Where a name that is listed so often stands: what is free for it is claimed. Longer names come first."""
    at = [start for start in places(name, text) if claimed.free(start, start + len(name))]
    at = at if times == 1 else at[:times]
    for start in at:
        claimed.claim(start, start + len(name))
    return at


def _scheme(found: Sequence[Sequence[str]], example: Example) -> str:
    """How predicted tags are read: as the gold's are, and with E- and S- where there are some.

    An ``I-`` after ``O`` never makes predictions IOB1: a sloppy tagger would be repaired before it is scored.
    """
    gold = example.target
    of_gold = gold is not None and gold.tags is not None and gold.scheme == "bioes"
    if scheme_of(found) == "bioes" or (of_gold and any(tag[:2] in ("E-", "S-") for s in found for tag in s)):
        return "bioes"
    return "iob1" if gold is not None and gold.tags is not None and gold.scheme == "iob1" else "iob2"


def of_tags(example: Example, tags: Sequence[str], scheme: str) -> NerTarget:
    from finetooth.tasks.ner import reading, spans_of

    chunks = chunks_of([tags], reading=reading(scheme))[0]
    return NerTarget(spans_of(example.inputs.text, example.inputs.tokens or (), chunks), tuple(tags), scheme)


def predictions(source: Source, examples: Sequence[Example]) -> dict[str, Prediction] | None:
    """Columns of tags, aligned by place; or documents in any format that data comes in. None for {id: value}."""
    from finetooth.readers.conll import columns, looks_like_columns

    if looks_like_columns(source, predictions=True):
        return aligned(source, columns(source, predictions=True), examples)
    # The labels of DocRED are relations.
    of_docred = "vertexSet" in (source.first_row or {})
    keys = () if of_docred else ("entities", "spans", "ents", "label", "labels")
    rows = named_rows(source, examples, keys)
    if rows is not None:
        return of_rows(rows, SPAN_KEYS, parse)
    documents = read_as_data(source, examples, "ner")
    if documents is None:
        return None
    tags = [d.target.tags for _, d, _ in documents if d.target.tags is not None]
    return {key: Prediction(key, _retold(d, tags, e)) for key, d, e in documents}


def _retold(document: Example, every: Sequence[Sequence[str]], example: Example | None) -> NerTarget | None:
    """What a reader of data made of predictions; tags in the scheme that the gold's say, not their own.

    Raises DataError for a span outside the example's text.
    """
    if example is None:
        return None
    target: NerTarget = document.target
    if target.tags is None or len(target.tags) != len(example.inputs.tokens or ()):
        with at_line(str(document.meta.get("where", ""))):
            for s in target.entities:
                _span(s.start, s.end, s.type, example)
        return target
    for i, (a, b) in enumerate(zip(document.inputs.tokens, example.inputs.tokens, strict=True)):
        if a.text and b.text and not same(a.text, b.text):
            raise DataError(
                f"{example.id}: token {i + 1} is {a.text!r}, the data has {b.text!r}",
                where=str(document.meta.get("where", "")),
                cure="predict for these rows; if the tokens were changed on purpose, give {id: tags}",
            )
    return of_tags(example, target.tags, _scheme(every, example))


def aligned(
    source: Source, sentences: Sequence[Sequence[str]], examples: Sequence[Example]
) -> dict[str, Prediction]:
    """Tags matched with the examples' tokens by place; tokens that stand beside them must be the examples'.

    Sentence breaks may differ as long as the tokens are as many. Raises DataError where they are not,
    naming the first sentence that is longer or shorter, or the first token that is another.
    """
    from finetooth.tasks.ner import reading, spans_of

    sizes = [len(e.inputs.tokens or ()) for e in examples]
    if any(e.inputs.tokens is None for e in examples):
        raise DataError(
            "columns of tags for examples that are not tokenised", where=str(source), cure="give spans"
        )
    flat = [tag for sentence in sentences for tag in sentence]
    if len(flat) != sum(sizes):
        lengths = [len(s) for s in sentences]
        odd = next(
            (i for i, (a, b) in enumerate(zip(sizes, lengths, strict=False)) if a != b),
            min(len(sizes), len(lengths)),
        )
        raise DataError(
            f"{len(flat):,} tagged tokens in {len(lengths):,} sentences, the data has {sum(sizes):,} in {len(sizes):,}; "
            f"sentence {odd + 1} is the first that differs",
            where=str(source),
            cure="predict a tag for every token, in order",
        )
    refuse_others(source, examples)
    cut = list(_cut(flat, sizes))
    scheme = next((_scheme(sentences, e) for e in examples), "iob2")  # one file, one scheme
    return {
        e.id: Prediction(
            e.id, NerTarget(spans_of(e.inputs.text, e.inputs.tokens or (), chunks), tuple(tags), scheme)
        )
        for e, tags, chunks in zip(examples, cut, chunks_of(cut, reading=reading(scheme)), strict=True)
    }


def _cut(flat: Sequence[str], sizes: Sequence[int]) -> Iterator[Sequence[str]]:
    at = 0
    for size in sizes:
        yield flat[at : at + size]
        at += size
