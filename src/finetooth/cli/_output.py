"""Where a command's words go: results to standard output, messages and progress to standard error."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from finetooth.io import to_json
from finetooth.text import by_reason, many
from finetooth.types import Dataset, Drop, Example

NAMED = 5  # rows, where there are many

Json = Annotated[
    bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")
]


def say(*words: object) -> None:
    """A line for the person, on standard error."""
    print(*words, file=sys.stderr, flush=True)


def told_dropped(drops: Iterable[Drop]) -> None:
    """A line a reason for the rows that the reader left out; nothing where it left out none."""
    for reason, n in Counter(drop.reason for drop in drops).items():
        say(f"left out by the reader: {many(n, 'row')}: {reason}")


def told_reading(data: Dataset) -> None:
    """What reading left out: rows by their reason, and the notes on parts of rows."""
    told_dropped(data.dropped)
    told_notes(data)


def told_notes(data: Dataset) -> None:
    """What the reader has to say of parts of rows; of many files the first ones' notes."""
    for note in data.notes[:NAMED]:
        say(note)
    if len(data.notes) > NAMED:
        say(f"{len(data.notes) - NAMED:,} more of such notes, on other files")


def told_reasons(reasons: Mapping[str, str], examples: Sequence[Example]) -> None:
    """A line a kind of reason why a head (``reasons``, by id) could not take these examples as they are."""
    for line in by_reason(reasons, (e.id for e in examples), named=NAMED):
        say(printable(line))


def printable(text: str) -> str:
    """On one line, and nothing in it that a terminal would obey: ids and texts come from the data."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def emit(value: Any) -> None:
    """The one JSON document of --json."""
    print(to_json(value, indent=2))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Plain aligned columns: numbers right, words left; good in a terminal, a file and an e-mail."""
    cells = [[_cell(c) for c in row] for row in rows]
    widths = [max(len(r[i]) for r in [list(header), *cells]) for i in range(len(header))]
    right = [all(isinstance(r[i], (int, float)) or r[i] is None for r in rows) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        return "  ".join(
            c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)
        ).rstrip()

    return "\n".join([line(list(header)), line(["-" * w for w in widths]), *map(line, cells)])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else " ".join(str(value).split())
