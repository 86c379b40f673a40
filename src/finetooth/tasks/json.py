"""Schema-bound JSON: a prompt, and the object that answers it.

Row: {"id": "o1", "prompt": "Item: pen, 3 pieces", "schema_id": "order", "schema": {"type": "object"},
      "expected_output": {"item": "pen", "pieces": 3}, "complexity": "simple"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetooth.errors import DataError
from finetooth.io import json_type, to_json
from finetooth.metrics import edgejson
from finetooth.metrics import json as figures
from finetooth.metrics.extract import extract
from finetooth.metrics.json_mistakes import KINDS, mistakes
from finetooth.metrics.json_unreadable import KEY as UNREADABLE
from finetooth.metrics.json_unreadable import answer_of, unreadable
from finetooth.registry import Task
from finetooth.tasks import rows
from finetooth.tasks.json_floors import FLOORS
from finetooth.types import Example, Prediction

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class JsonInput:
    """``schema`` is the JSON Schema itself, None where only its name is known."""

    prompt: str
    schema_id: str = ""
    schema: Mapping[str, Any] | bool | None = None


@dataclass(frozen=True, slots=True)
class JsonTarget:
    """``value`` is the parsed answer: an object in gold, anything JSON in a prediction."""

    value: Any


def from_row(row: Mapping[str, Any], where: str) -> Example:
    """A row whose answer is missing, broken or no object is kept, with ``UNREADABLE`` in meta and {} as its target.

    The check unreadable-answer names it, and it is scored as one without gold: one such row in ten thousand is the
    commonest defect of generated JSON, and no reason to refuse the file. Raises DataError for a prompt or schema
    that is none.
    """
    prompt = rows.text(row, "prompt", where)
    given = row.get("expected_output")
    value, why = answer_of(given)
    schema = row.get("schema")
    if schema is None:
        schema = _asked_for(row.get("response_format"))
    if schema is None and row.get("schema_id") is None:
        schema = _told(prompt)
    if isinstance(schema, str) and schema.lstrip()[:1] == "{":
        try:
            schema = json.loads(schema)
        except (ValueError, RecursionError):
            raise DataError("schema: expected a JSON Schema, found broken JSON", where=where) from None
    if schema is not None and not isinstance(schema, (Mapping, bool)):
        raise DataError(f"schema: expected a JSON Schema, found {json_type(schema)}", where=where)
    name = row.get("schema_id")
    if name is not None and not isinstance(name, (str, int)):
        raise DataError(f"schema_id: expected a string, found {json_type(name)}", where=where)
    schema_id = str(name) if name is not None else _title(schema)
    meta = rows.meta(row, where)
    for key in ("complexity", "style", "split", "source_text"):
        if isinstance(row.get(key), str):
            meta[key] = row[key]
    target = JsonTarget(value)
    if why:
        meta[UNREADABLE] = {"why": why, "text": given}
    return Example(
        rows.name(row, where, prompt, to_json(given if why else value)),
        JsonInput(prompt, schema_id, schema),
        target,
        meta,
    )


def _asked_for(response_format: Any) -> Any:
    """The schema of a chat row's ``response_format``: {"type": "json_schema", "json_schema": {"schema": {...}}}."""
    found = response_format
    for key in ("json_schema", "schema"):
        found = found.get(key, found) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) and found is not response_format else None


def _told(prompt: str) -> Any:
    """The JSON Schema of an object that stands in the prompt itself, as system messages have it; None for none."""
    if '"properties"' not in prompt:
        return None
    found = extract(prompt).value
    told = found is not None and found.get("type") == "object" and isinstance(found.get("properties"), dict)
    return found if told else None


def _title(schema: Any) -> str:
    if isinstance(schema, Mapping):
        name = schema.get("$id") or schema.get("title")
        return name if isinstance(name, str) else ""
    return ""


def to_row(example: Example) -> dict[str, Any]:
    """A schema that came from a folder of schemas is named, not repeated in each row."""
    given, meta = example.inputs, dict(example.meta)
    row: dict[str, Any] = {"id": example.id, "prompt": given.prompt, "schema_id": given.schema_id}
    if given.schema is not None and not meta.pop("schema_file", None):
        row["schema"] = given.schema
    broken = meta.pop(UNREADABLE, None)
    row["expected_output"] = broken["text"] if broken else example.target.value
    for key in ("complexity", "style", "split", "source_text"):
        if key in meta:
            row[key] = meta.pop(key)
    meta.pop("json_problems", None)
    return {**row, **rows.meta_row(meta)}


def parse(value: Any, example: Example) -> JsonTarget | None:
    """Generated text, or the parsed value itself. None where the text holds no object; ``extract`` says why."""
    if isinstance(value, str):
        found = extract(value)
        return None if found.value is None else JsonTarget(found.value)
    return None if value is None else JsonTarget(value)


def answer(example: Example) -> str:
    """The text to learn. What is kept though it cannot be read (``data.on_error=keep``) is learned as it stands."""
    if broken := example.meta.get(UNREADABLE):
        return (
            broken["text"]
            if isinstance(broken["text"], str)
            else json.dumps(broken["text"], ensure_ascii=False)
        )
    return json.dumps(example.target.value, ensure_ascii=False)


TASK = Task(
    name="json",
    summary="Schema-bound JSON: a prompt in, an object out that obeys its schema and adds up.",
    from_row=from_row,
    to_row=to_row,
    gold=lambda e: Prediction(e.id, e.target, 1.0),
    parse=parse,
    show=lambda target: None if target is None else target.value,
    metrics=(*figures.METRICS, *edgejson.METRICS),
    main_metric="exact_match",
    heads=("causal",),
    # Rows of one schema fail together: a model that misses its date format misses it everywhere.
    group=lambda e: e.id,
    floors=FLOORS,
    slices={
        "schema": lambda e, context: e.inputs.schema_id or UNKNOWN,
        "complexity": lambda e, context: str(e.meta.get("complexity") or UNKNOWN),
        "style": lambda e, context: str(e.meta.get("style") or ""),
    },
    labels=None,
    prompt=lambda e: e.inputs.prompt,
    answer=answer,
    blank={"expected_output": {}},
    mistakes=mistakes,
    mistake_names=KINDS,
    unlabelled=lambda e: f"no gold object: {why}" if (why := unreadable(e)) else "",
)
