"""Pairs of sentences with a label, as CSV, TSV, JSONL, JSON or Parquet; SNLI, MNLI and SICK as they come.

premise,hypothesis,label
"Ada left at noon.","Ada left.",entailment
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io import Source, write_jsonl
from finetooth.registry import Reader
from finetooth.tasks.nli import BLANK, from_row, label_name, to_row
from finetooth.types import Drop, Example

# SNLI and MNLI say sentence1 and gold_label, SICK sentence_A and entailment_judgment.
# ANLI says context.
PREMISE = ("premise", "sentence1", "sentence_a", "text_a", "sentence_1", "context")
HYPOTHESIS = ("hypothesis", "sentence2", "sentence_b", "text_b", "sentence_2")
LABEL = ("gold_label", "label", "entailment_judgment", "entailment_label", "true_label")
REASON = (
    "reason", "thought_process", "explanation", "explanation_1", "reasoning", "rationale", "thought", "chain_of_thought",
)  # fmt: skip
ID = ("id", "pairid", "pair_id", "guid", "uid")
# SNLI's "-"; the hub's SNLI and MNLI say -1; "?" is our own blank, which predict and score know.
NO_GOLD = ("-", "-1", "-1.0", "")
LETTERS = {"e": "entailment", "n": "neutral", "c": "contradiction"}  # as in ANLI


def columns(keys: Any) -> dict[str, str] | None:
    """Our names -> the file's own; None unless premise, hypothesis and label are all there."""
    found = _named(keys)
    return found if {"premise", "hypothesis", "label"} <= set(found) else None


def _named(keys: Any) -> dict[str, str]:
    lower = {str(k).strip().lower(): k for k in keys}
    found = {}
    wanted = {"premise": PREMISE, "hypothesis": HYPOTHESIS, "label": LABEL, "reason": REASON, "id": ID}
    for name, names in wanted.items():
        key = next((lower[n] for n in names if n in lower), None)
        if key is not None:
            found[name] = key
    return found


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


def without_label(source: Source) -> DataError | None:
    """What is wrong with a table that names a premise and a hypothesis and no label; None for anything else."""
    if not source.is_text or source.starts_with in ("{", "["):
        return None
    line = source.head.decode("utf-8-sig", "ignore").lstrip().split("\n")[0].rstrip("\r")
    for delimiter in ("\t", ",", ";"):
        try:
            header = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return None
        found = _named(header)
        if {"premise", "hypothesis"} <= set(found) and "label" not in found:
            others = [name for name in header if name not in found.values()]
            which = f"{others[0]!r}" if len(others) == 1 else "the column of labels"
            cure = f"call {which} label; {', '.join(n for n in LABEL if n != 'label')} are known too"
            said = ", ".join(header)
            return DataError(f"no column of labels: it has {said[:160]}", where=str(source), cure=cure)
    return None


def sniff(source: Source) -> bool:
    if _delimiter(source):
        return True
    row = source.first_row if source.starts_with in ("{", "[") or source.is_parquet else None
    return row is not None and columns(row) is not None


def read(source: Source) -> Iterator[Example]:
    """Rows without a gold label ("-" in SNLI: the annotators disagreed; null; -1) are dropped by name.

    ``source.options["labels"]`` maps labels as they stand in the file to others. Raises DataError for a label
    that it has no word for.
    """
    delimiter = _delimiter(source)
    if delimiter is None and (lacking_label := without_label(source)):
        raise lacking_label
    mapping: Mapping[str, str] = source.options.get("labels") or {}
    dropped: list[Drop] = source.options.setdefault("dropped", [])
    # Rows of JSON need not have the same keys: one may lack an id or a reason that the next one has.
    known: dict[tuple[str, ...], dict[str, str]] = {}
    lettered: bool | None = None
    for where, row in _rows(source, delimiter):
        keys = tuple(row)
        names = known.get(keys)
        if names is None:
            names = known[keys] = _named(keys)
            if lacking := {"premise", "hypothesis"} - set(names):
                raise DataError(
                    "expected the columns premise, hypothesis and label",
                    where=where,
                    cure=f"it has no {' and no '.join(sorted(lacking))}",
                )
        plain = {ours: row[theirs] for ours, theirs in names.items()}
        said = plain.get("label")
        # A mapping may say itself what -1 is.
        if _has_no_gold(said) and str(said) not in mapping:
            if (
                source.options.get("asked") and str(said).strip() != "-"
            ):  # a test set whose labels are kept back
                yield from_row({**plain, **BLANK}, where)
                continue
            dropped.append(Drop(str(plain.get("id") or where), "read", "no gold label"))
            continue
        if mapping:
            plain["label"] = mapped(said, mapping, where)
        elif (letter := _letter(said)) is not None:
            lettered = _lettered(source, delimiter) if lettered is None else lettered
            plain["label"] = LETTERS[letter] if lettered else said
        yield from_row(plain, where)


def _rows(source: Source, delimiter: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return _table(source, delimiter) if delimiter else source.rows()


def _has_no_gold(label: Any) -> bool:
    if isinstance(label, float) and label != label:  # a table's empty cell
        return True
    return label is None or (isinstance(label, (str, int, float)) and str(label).strip() in NO_GOLD)


def _letter(label: Any) -> str | None:
    """The key of LETTERS that a label is; None for any other."""
    letter = label.strip().lower() if isinstance(label, str) else None
    return letter if letter in LETTERS else None


def _lettered(source: Source, delimiter: str | None) -> bool:
    """Whether the labels of the whole file are the letters of LETTERS: "n" beside "y", or alone, may be "no"."""
    seen: set[str] = set()
    known: dict[tuple[str, ...], str | None] = {}
    for _, row in _rows(source, delimiter):
        keys = tuple(row)
        if keys not in known:
            known[keys] = _named(keys).get("label")
        label = row.get(known[keys] or "")
        if _has_no_gold(label) or label == BLANK["label"]:
            continue
        letter = _letter(label)
        if letter is None:
            return False
        seen.add(letter)
    return not seen <= {"n"}


def mapped(label: Any, mapping: Mapping[str, str], where: str) -> str:
    """As the mapping says it, whether the file writes 1, 1.0, "1" or "1.0", and in upper or lower case."""
    for key in (str(label), str(label).strip(), label_name(label)):
        if key is not None and key in mapping:
            return mapping[key]
    lower = {label_name(k): v for k, v in mapping.items()}
    if (name := label_name(label)) in lower:
        return lower[name]
    if label_name(label) in map(label_name, mapping.values()) or label == BLANK["label"]:
        return str(label)  # it is called so already
    raise DataError(
        f"label {str(label)!r} is not in the mapping", where=where, cure=f"it has {sorted(mapping)}"
    )


def _table(source: Source, delimiter: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    csv.field_size_limit(1 << 25)
    lines = io.StringIO(source.text, newline="")
    reader = (
        csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        if delimiter == "\t" and not _quoted(source.text)
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


# A cell in quotes as CSV writers make it: it begins and ends with one, and those within are doubled.
_CELL = re.compile(r'"([^"]*+(?:""[^"]*+)*+)"(?=[\t\r\n]|\Z)')
_OPENS = re.compile(r'(?:^|(?<=\t))"', re.M)


def _quoted(text: str) -> bool:
    """Whether a TSV is quoted as CSV is (pandas does so), rather than full of bare quotes as SICK, MNLI and GLUE are.

    So it is where every cell that begins with a quote is a whole quoted cell, no other cell holds one, and one of them
    had to be quoted (it holds a quote, a tab or a line break) or the header is: "Go!" may be what somebody says.
    """
    needed = text.startswith('"')
    at = 0
    while opens := _OPENS.search(text, at):
        cell = _CELL.match(text, opens.start())
        if cell is None or '"' in text[at : opens.start()]:
            return False
        needed = needed or any(c in cell[1] for c in '"\t\n')
        at = cell.end()
    return needed and '"' not in text[at:]


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
