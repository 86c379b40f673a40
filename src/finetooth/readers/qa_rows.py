"""Flat question-answering rows, as JSONL, a JSON list (also under "data"), Parquet or from the hub.

{"id": "q1", "context": "Ada left.", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [0]}}

The emrQA flavour has no id and an ``answer_end`` that counts with or without its last character:

{"context": "Ada left.", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [0], "answer_end": [2]}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io import Source, json_type, write_jsonl
from finetooth.readers._answers import half_open
from finetooth.registry import Reader
from finetooth.tasks.qa import from_row, to_row
from finetooth.types import Example


def sniff(source: Source) -> bool:
    if _is_table(source):
        return True
    row = _wrapped(source)[:1] or [source.first_row]
    return isinstance(row[0], Mapping) and {"question", "context"} <= set(row[0])


def _is_table(source: Source) -> bool:
    """Whether it is CSV or TSV of questions: such files are refused, but by their name."""
    if not source.is_text or source.starts_with in ("{", "["):
        return False
    line = source.head.decode("utf-8-sig", "ignore").lstrip().partition("\n")[0]
    return any({"question", "context"} <= {c.strip().strip('"') for c in line.split(d)} for d in ",\t;")


def _wrapped(source: Source) -> list[Any]:
    """The rows of {"data": [row, ...]}; [] for any other file."""
    if source.starts_with != "{" or source.first_line_is_json:
        return []
    row = source.first_row
    rows = row.get("data") if row is not None else None
    return rows if isinstance(rows, list) else []


def read(source: Source) -> Iterator[Example]:
    if _is_table(source):
        raise DataError(
            "questions as CSV are not read: a table has no lists of answers, only text that stands for them",
            where=str(source),
            cure="write Parquet, or JSON Lines: to_json of datasets, that of pandas with orient='records', lines=True",
        )
    shared: dict[str, str] = {}
    for where, row in _rows(source):
        plain = _plain(row, where)
        example = half_open(from_row(plain, where), shared)
        if "impossible_with" in plain:
            example = replace(example, meta={**example.meta, "impossible_with": plain["impossible_with"]})
        yield example


def _rows(source: Source) -> Iterator[tuple[str, Mapping[str, Any]]]:
    rows = _wrapped(source)
    if not rows:
        yield from source.rows()
        return
    for i, row in enumerate(source.document["data"]):
        where = f"{source}: data[{i}]"
        if not isinstance(row, dict):
            raise DataError(f"expected an object, found {json_type(row)}", where=where, cure="leave it out")
        yield where, row


def _plain(row: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """Answers as lists: one answer may stand alone, several may stand as a list of objects."""
    answers, impossible = row.get("answers"), row.get("is_impossible")
    if impossible is not None and not isinstance(impossible, bool):
        raise DataError(
            f"is_impossible: expected true or false, found {json_type(impossible)}",
            where=where,
            cure="no quotes",
        )
    if impossible:
        none = {**row, "answers": {"text": [], "answer_start": []}, "v2": True}
        texts = answers.get("text") if isinstance(answers, Mapping) else answers
        return {**none, "impossible_with": texts} if texts else none
    if isinstance(answers, list):
        if not all(isinstance(a, Mapping) and {"text", "answer_start"} <= set(a) for a in answers):
            raise DataError(
                "answers: expected text and answer_start in each, found an answer without",
                where=where,
                cure="leave that answer out",
            )
        made = {k: [a[k] for a in answers] for k in ("text", "answer_start")}
        if answers and all("answer_end" in a for a in answers):
            made["answer_end"] = [a["answer_end"] for a in answers]
        return {**row, "answers": made}
    if isinstance(answers, Mapping) and isinstance(answers.get("text"), str):
        return {**row, "answers": {k: v if isinstance(v, list) else [v] for k, v in answers.items()}}
    return row


def write(examples: Sequence[Example], path: Path) -> None:
    write_jsonl(path, map(to_row, examples))


READER = Reader("qa-rows", "qa", "flat rows with question, context, answers", sniff, read, write)
