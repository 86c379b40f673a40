"""Predictions of a file, matched with the examples they are for.

{"q1": "Ada", "q2": ""}
{"id": "q1", "prediction": "Ada", "confidence": 0.9}                              a line each
{"id": "p1", "thought_process": "...", "predicted_label": 1}                      an answer laid out
[{"id": "q1", "prediction_text": "Ada", "no_answer_probability": 0.0}]
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetooth.errors import DataError, UsageError
from finetooth.io import Source, json_type
from finetooth.registry import Task
from finetooth.tasks.document_files import is_verdict
from finetooth.text import many
from finetooth.types import Example, Prediction

# A row may hold its prompt as "text" beside what was generated: that stands first.
KEYS = (
    "prediction", "predicted", "output", "answer", "prediction_text", "generated_text", "generated", "generation",
    "response", "completion", "text", "target",
)  # fmt: skip
# An answer laid out in the row itself, as the causal head of inference gives it, or a label alone.
LAID_OUT = ("predicted_label", "label")
BESIDE = frozenset(("confidence", "probabilities", "thought_process", "reason", "reasoning", "score"))
IDS = ("id", "example_id")
# Rows of these tasks hold their document as "text": it is never what was predicted for it.
WITH_TEXT = ("ner", "relation")

Row = tuple[str, str, Any, float | None]  # where, id, value, confidence


@dataclass(frozen=True)
class Matched:
    """One prediction an example, None where there is none; ids of neither side are dropped silently."""

    predictions: tuple[Prediction | None, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


def read(path: str | Path, task: Task, examples: Sequence[Example]) -> Matched:
    """Reads a file of predictions for these examples. Raises DataError naming the id or line."""
    source = Source(path)
    source.refuse_unreadable()
    found = task.predictions(source, examples) if task.predictions else None
    if found is None:
        by_id = {e.id: e for e in examples}
        found = {}
        for where, name, value, confidence in _rows(source, by_id, keys_of(task)):
            if name in found:
                raise DataError(f"two predictions for the id {name!r}", where=where, cure="keep one of them")
            found[name] = Prediction(name, _target(task, value, by_id.get(name), where), confidence, value)
        _read_for_each(found, task, examples, f"{source}: ")
    return match(found, examples)


def rows(path: str | Path, task: Task, examples: Sequence[Example]) -> list[dict[str, Any]] | None:
    """Every row of a file as a run keeps it, those for other examples too, values as they stand; None where the file
    is no list of ids and values (columns of tags, documents). Raises DataError as ``read`` does."""
    source = Source(path)
    if task.predictions and task.predictions(source, examples) is not None:
        return None
    by_id = {e.id: e for e in examples}
    return [
        {"id": name, "prediction": value, "confidence": confidence}
        for _, name, value, confidence in _rows(source, by_id, keys_of(task))
    ]


def _read_for_each(
    found: dict[str, Prediction], task: Task, examples: Sequence[Example], source: str = ""
) -> None:
    """Adds what is said of an id for each other row under it: the answer is the same, its place in another text may not be."""
    for e in examples:
        given = found.get(e.meta.get("given_id", ""))
        if given is not None and e.id not in found:
            target = _target(task, given.raw, e, f"{source}{given.example_id}")
            found[e.id] = Prediction(e.id, target, given.confidence, given.raw)


def keys_of(task: Task) -> tuple[str, ...]:
    """What a prediction may be called in a row."""
    return tuple(k for k in KEYS if k != "text" or task.name not in WITH_TEXT)


def match(found: Mapping[str, Prediction], examples: Sequence[Example]) -> Matched:
    """A row whose id stands before it (read as q1#2) goes by its own prediction, or else by that of the id."""
    known = {e.id for e in examples}
    matched = tuple(_of(found, e) for e in examples)
    return Matched(
        matched,
        tuple(e.id for e, p in zip(examples, matched, strict=True) if p is None),
        tuple(name for name in found if name not in known),
    )


def given(
    predictions: Iterable[Any] | Mapping[str, Any] | str | Path, task: Task, examples: Sequence[Example]
) -> Matched:
    """What a caller has: a file, {id: prediction}, or one for each example in order, each a Prediction or a plain
    value (None: missing). Raises UsageError where there are more or fewer than examples."""
    if isinstance(predictions, (str, Path)):
        return read(predictions, task, examples)
    if isinstance(predictions, Mapping):
        by_id = {e.id: e for e in examples}
        found: dict[str, Prediction] = {}
        plain: dict[str, Prediction] = {}
        for key, value in predictions.items():
            name = str(key)
            made = _as_prediction(value, task, by_id.get(name), name)
            if made is not None:
                (found if made is value else plain)[name] = made
        others = [e for e in examples if e.id not in found]
        _read_for_each(plain, task, others)  # a Prediction is read already
        return match({**found, **plain}, examples)
    predictions = list(predictions)
    if len(predictions) != len(examples):
        raise UsageError(
            f"expected a prediction for each of {many(len(examples), 'example')}, found {len(predictions):,}",
            cure="None where there is none, or {id: prediction}",
        )
    row = [_as_prediction(p, task, e, e.id) for e, p in zip(examples, predictions, strict=True)]
    missing = tuple(e.id for e, p in zip(examples, row, strict=True) if p is None)
    return Matched(tuple(row), missing, ())


def _as_prediction(value: Any, task: Task, example: Example | None, name: str) -> Prediction | None:
    if value is None or isinstance(value, Prediction):
        return value
    return Prediction(name, _target(task, value, example, name), None, value)


def _of(found: Mapping[str, Prediction], example: Example) -> Prediction | None:
    own = found.get(example.id)
    if own is not None or "given_id" not in example.meta:
        return own
    given = found.get(example.meta["given_id"])
    return None if given is None else replace(given, example_id=example.id)


def _target(task: Task, value: Any, example: Example | None, where: str) -> Any:
    if example is None:
        return None
    try:
        return task.parse(value, example)
    except DataError as e:
        raise DataError(e.what, where=where, cure=e.cure) from None


def _rows(source: Source, known: Mapping[str, Example], keys: Sequence[str]) -> Iterator[Row]:
    if source.is_text and source.starts_with not in ("{", "["):
        yield from _csv_rows(source, keys)
        return
    document = source.document
    if isinstance(document, Mapping):
        wrapped = document.get("predictions")
        if isinstance(wrapped, (Mapping, list)) and "predictions" not in known:
            document = wrapped
    if isinstance(document, Mapping) and not set(IDS) & set(document):
        if not known.keys() & document.keys() and any(
            isinstance(v, (list, Mapping)) for v in document.values()
        ):
            raise DataError(
                f"none of its keys is the id of an example: {', '.join(list(document)[:3])}",
                where=str(source),
                cure="expected {id: prediction}; is this a file of predictions, and are these the data it is for?",
            )
        for name, value in document.items():
            yield f"{source}: {name}", name, value, None
    elif isinstance(document, list):
        for i, row in enumerate(document):
            yield _row(row, f"{source}[{i}]", keys)
    else:
        for where, row in source.rows():
            yield _row(row, where, keys)


def _csv_rows(source: Source, keys: Sequence[str]) -> Iterator[Row]:
    """A table with a header, separated by commas or tabs."""
    if source.is_folder or source.is_parquet:
        for where, row in source.rows():
            yield _row(row, where, keys)
        return
    head = source.text.partition("\n")[0]
    delimiter = "\t" if "\t" in head else ","
    names = next(csv.reader([head], delimiter=delimiter), [])
    if not set(IDS) & set(names) or not (set(keys) & set(names) or _laid_out(names)):
        raise DataError(
            "expected predictions: {id: prediction}, rows of id and prediction, or a table with these columns",
            where=str(source),
        )
    reader = csv.DictReader(io.StringIO(source.text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            where = f"{source}:{reader.line_num}"
            confidence = row.pop("confidence", None)
            plain: dict[str, Any] = dict(row)
            if confidence:
                try:
                    plain["confidence"] = float(confidence)
                except ValueError:
                    plain["confidence"] = confidence
            yield _row(plain, where, keys)
    except csv.Error as e:
        raise DataError(f"not CSV: {e}", where=f"{source}:{reader.line_num}") from None


def _laid_out(names: Collection[str]) -> bool:
    """Whether the row itself is the answer. A "label" beside a premise is not: it is the gold."""
    return "predicted_label" in names or ("label" in names and set(names) <= {*IDS, *LAID_OUT, *BESIDE})


def _row(row: Any, where: str, keys: Sequence[str] = KEYS) -> Row:
    if not isinstance(row, Mapping):
        raise DataError(
            f"expected an object with an id and a prediction, found {json_type(row)}", where=where
        )
    name = next((row[k] for k in IDS if row.get(k) is not None), None)
    # An annotator's "accept" beside a document is no prediction; to a question it may be the answer.
    documents = "text" not in keys
    key = next((k for k in keys if k in row and not (documents and is_verdict(k, row[k]))), None)
    if key is None and _laid_out(row):
        value = {k: v for k, v in row.items() if k in LAID_OUT or k in BESIDE - {"confidence"}}
        key = keys[0]
        row = {**row, key: value if len(value) > 1 else next(iter(value.values()))}
    if name is None or key is None:
        raise DataError(
            "expected an id and a prediction", where=where, cure=f"name the value one of {', '.join(keys)}"
        )
    if isinstance(name, bool) or not isinstance(name, (str, int)):
        raise DataError(f"id: expected a string, found {json_type(name)}", where=where)
    return where, str(name), row[key], _confidence(row, row[key], where)


def _confidence(row: Mapping[str, Any], value: Any, where: str) -> float | None:
    """As given, or from SQuAD's probability that there is no answer; None: unknown."""
    key = "confidence" if row.get("confidence") is not None else "no_answer_probability"
    sure = row.get(key)
    if sure is None:
        return None
    if isinstance(sure, bool) or not isinstance(sure, (int, float)):
        raise DataError(f"{key}: expected a number from 0 to 1, found {json_type(sure)}", where=where)
    if not 0 <= sure <= 1 + 1e-6:  # a sum of floats may end a hair above 1
        raise DataError(f"{key}: expected a number from 0 to 1, found {sure}", where=where)
    sure = min(float(sure), 1.0)
    return sure if key == "confidence" or value in ("", None) else 1.0 - sure
