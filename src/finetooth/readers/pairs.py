"""Pairs of sentences with a label, as CSV, TSV, JSONL, JSON or Parquet; SNLI, MNLI and SICK as they come.

premise,hypothesis,label
"Ada left at noon.","Ada left.",entailment
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io import Source, write_jsonl
from finetooth.registry import Reader
from finetooth.tasks.nli import from_row, to_row
from finetooth.types import Drop, Example

# SNLI and MNLI say sentence1 and gold_label, SICK sentence_A and entailment_judgment.
PREMISE = ("premise", "sentence1", "sentence_a", "text_a", "sentence_1")
HYPOTHESIS = ("hypothesis", "sentence2", "sentence_b", "text_b", "sentence_2")
LABEL = ("gold_label", "label", "entailment_judgment", "entailment_label", "true_label")
REASON = ("reason", "thought_process", "explanation", "explanation_1")
ID = ("id", "pairid", "pair_id", "guid")
NO_GOLD = ("-", "-1", "")


def columns(keys: Any) -> dict[str, str] | None:
    """Our names -> the file's own; None unless premise, hypothesis and label are all there."""
    lower = {str(k).strip().lower(): k for k in keys}
    found = {}
    wanted = {"premise": PREMISE, "hypothesis": HYPOTHESIS, "label": LABEL, "reason": REASON, "id": ID}
    for name, names in wanted.items():
        key = next((lower[n] for n in names if n in lower), None)
        if key is not None:
            found[name] = key
    return found if {"premise", "hypothesis", "label"} <= set(found) else None


def _delimiter(source: Source) -> str | None:
    """The delimiter under which the first line names our columns; None for a file that is no table."""
    if not source.is_text or source.starts_with in ("{", "["):
        return None
    line = source.head.decode("utf-8-sig", "ignore").lstrip().split("\n")[0].rstrip("\r")
    for delimiter in ("\t", ",", ";"):
        try:
            if columns(next(csv.reader([line], delimiter=delimiter), [])):
                return delimiter
        except csv.Error:
            return None
    return None


def sniff(source: Source) -> bool:
    if _delimiter(source):
        return True
    row = source.first_row if source.starts_with in ("{", "[") or source.is_parquet else None
    return row is not None and columns(row) is not None


def read(source: Source) -> Iterator[Example]:
    """Rows without a gold label ("-" in SNLI: the annotators disagreed) are dropped by name."""
    delimiter = _delimiter(source)
    mapping = source.options.get("labels") or {}
    dropped: list[Drop] = source.options.setdefault("dropped", [])
    names: dict[str, str] | None = None
    for where, row in _table(source, delimiter) if delimiter else source.rows():
        names = names or columns(row)
        if names is None:
            raise DataError("expected the columns premise, hypothesis and label", where=where)
        plain = {ours: row.get(theirs) for ours, theirs in names.items()}
        if isinstance(plain["label"], str) and plain["label"].strip() in NO_GOLD:
            dropped.append(Drop(str(plain.get("id") or where), "read", "no gold label"))
            continue
        key = str(plain["label"])
        plain["label"] = mapping.get(key, plain["label"])
        if mapping and key not in mapping:
            raise DataError(
                f"label {key!r} is not in the mapping", where=where, cure=f"it has {sorted(mapping)}"
            )
        yield from_row(plain, where)


def _table(source: Source, delimiter: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    csv.field_size_limit(1 << 25)
    # SICK and GLUE's TSV files hold bare quotes; CSV files quote fields that hold commas.
    lines = io.StringIO(source.text, newline="")
    reader = (
        csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        if delimiter == "\t"
        else csv.reader(lines, delimiter=delimiter)
    )
    try:
        header = next(reader)
        for row in reader:
            where = f"{source}:{reader.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise DataError(f"expected {len(header)} columns, found {len(row)}", where=where)
            yield where, dict(zip(header, row, strict=True))
    except csv.Error as e:
        raise DataError(f"not {'TSV' if delimiter == chr(9) else 'CSV'}: {e}", where=str(source)) from None


def write(examples: Sequence[Example], path: Path) -> None:
    write_jsonl(path, map(to_row, examples))


READER = Reader(
    "pairs",
    "nli",
    "premise, hypothesis, label as CSV, TSV, JSONL or Parquet; SNLI, MNLI, SICK",
    sniff,
    read,
    write,
)
