"""A teacher's reasons: pairs with a chain of thought, as JSONL, JSON, or JSON objects one after another.

{"premise": "Ada left.", "hypothesis": "Ada stayed.", "thought_process": "step 1: ...", "predicted_label": 0, "true_label": 0}
{"text": "[INST] Premise: Ada left.\nHypothesis: Ada stayed. [/INST] {\"thought_process\": \"...\", \"predicted_label\": 0}"}

Each reason is kept with the label that stands beside it, in ``meta["reasons"]``: the check
reason-contradicts-label holds the one against the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from finetooth.errors import DataError
from finetooth.io import Source, content_id, json_type, parse_json
from finetooth.registry import Reader
from finetooth.tasks.nli import NliInput, NliTarget, label_name
from finetooth.types import Drop, Example

_PAIR = re.compile(
    r"premise:\s*(?P<premise>.*?)\s*\n\s*hypothesis:\s*(?P<hypothesis>.*?)\s*(?:\n|$)", re.I | re.S
)


def _rows(source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    """Objects one after another, on one line each or on many, or in a list."""
    text = source.text
    if source.starts_with == "[":
        yield from source.rows()
        return
    decoder, at, last, line = json.JSONDecoder(), 0, 0, 1
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text):
            return
        line += text.count("\n", last, at)
        last = at
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = len(text)  # parse_json tells what is wrong with it
        value = parse_json(text[at:end], f"{source}:{line}")
        if not isinstance(value, dict):
            raise DataError(f"expected an object, found {json_type(value)}", where=f"{source}:{line}")
        yield f"{source}:{line}", value
        at = end


def _is_reason(row: Mapping[str, Any]) -> bool:
    if {"premise", "hypothesis", "thought_process"} <= set(row):
        return True
    text = row.get("text")
    return isinstance(text, str) and bool(_PAIR.search(text)) and "thought_process" in text


def sniff(source: Source) -> bool:
    if source.starts_with not in ("{", "["):
        return False
    if source.first_line_is_json:  # the file may be larger than memory, and its first row is enough
        row = source.first_row
        return row is not None and _is_reason(row)
    try:
        return _is_reason(next(_rows(source))[1])
    except (StopIteration, DataError):
        return False


def read(source: Source) -> Iterator[Example]:
    """A row of the teacher's that cannot be used (no thought, an object cut off) is dropped by name.

    Raises DataError for a row that is of another kind altogether, and for what is no JSON.
    """
    mapping = source.options.get("labels") or {}
    dropped: list[Drop] = source.options.setdefault("dropped", [])
    for where, row in _rows(source):
        if not (isinstance(row.get("text"), str) or {"premise", "hypothesis"} <= set(row)):
            raise DataError(
                "expected premise, hypothesis and thought_process, or a text that holds them", where=where
            )
        try:
            made = _from_fields if {"premise", "hypothesis"} <= set(row) else _from_text
            example = made(row, where)
        except DataError as e:
            dropped.append(Drop(where if row.get("id") is None else str(row["id"]), "read", e.what))
            continue
        yield _renamed(example, mapping, where) if mapping else example


def _renamed(example: Example, mapping: Mapping[str, str], where: str) -> Example:
    from finetooth.readers.pairs import mapped

    def name(label: str | None) -> str | None:
        return None if label is None else mapped(label, mapping, where)

    reasons = tuple((part, said, name(label)) for part, said, label in example.meta["reasons"])
    target = replace(example.target, label=mapped(example.target.label, mapping, where))
    return replace(example, target=target, meta={**example.meta, "reasons": reasons})


def _from_fields(row: Mapping[str, Any], where: str) -> Example:
    given = label_name(row.get("predicted_label", row.get("label")))
    true = label_name(row.get("true_label", row.get("label")))
    label = true if true is not None else given
    if label is None:
        raise DataError("expected a true_label or a predicted_label", where=where)
    thought = _string(row, "thought_process", where)
    reasons = [("thought_process", thought, given)]
    best = thought
    if isinstance(row.get("improved_thought_process"), str):
        # A reflection is written to lead to the true label.
        best = row["improved_thought_process"]
        reasons.append(("improved_thought_process", best, true))
    return _example(
        row, _string(row, "premise", where), _string(row, "hypothesis", where), label, best, reasons, where
    )


def _from_text(row: Mapping[str, Any], where: str) -> Example:
    from finetooth.metrics.extract import first_object

    text = row["text"]
    pair = _PAIR.search(text)
    answer = first_object(text[text.rfind("[/INST]") + 1 :]) or {}
    label = label_name(answer.get("predicted_label"))
    thought = answer.get("thought_process")
    if pair is None or label is None or not isinstance(thought, str):
        raise DataError("the text holds no object with thought_process and predicted_label", where=where)
    reasons = [("thought_process", thought, label)]
    return _example(row, pair["premise"], pair["hypothesis"], label, thought, reasons, where)


def _string(row: Mapping[str, Any], key: str, where: str) -> str:
    if not isinstance(row.get(key), str):
        raise DataError(f"{key}: expected a string, found {json_type(row.get(key))}", where=where)
    return row[key]


def _example(row, premise, hypothesis, label, reason, reasons, where) -> Example:
    name = row.get("id")
    if name is None:
        name = content_id(premise, hypothesis, label)
    meta = {"where": where, "reasons": tuple(reasons)}
    return Example(str(name), NliInput(premise, hypothesis), NliTarget(label, reason), meta)


READER = Reader("thoughts", "nli", "pairs with a teacher's chain of thought", sniff, read, priority=5)
