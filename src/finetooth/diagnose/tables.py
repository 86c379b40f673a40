"""Tables of diagnosis as Parquet for programs and CSV for people, who open it in a spreadsheet.

A cell of text that starts like a formula (=HYPERLINK(...), @SUM, +1, -1) is run by spreadsheets when the file is
opened. Training data is untrusted text, so such cells get an apostrophe in front, and only in the CSV.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetooth.io import atomic, to_json

if TYPE_CHECKING:
    import polars as pl

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def guarded(cell: str) -> str:
    """``cell`` with an apostrophe in front where a spreadsheet would take it for a formula.

    White space before the sign does not hide it: some programs trim what they import.
    """
    return f"'{cell}" if cell.startswith(FORMULA) or cell.lstrip().startswith(FORMULA) else cell


def write(frame: pl.DataFrame, stem: str | Path) -> tuple[Path, Path]:
    """``stem``.parquet and ``stem``.csv, each whole or not there; lists and structures are JSON in the CSV.

    Raises UsageError where the folder cannot be written.
    """
    parquet, csv = Path(f"{stem}.parquet"), Path(f"{stem}.csv")
    with atomic(parquet, "wb") as f:
        frame.write_parquet(f)
    with atomic(csv, "wb") as f:
        flat(frame).write_csv(f)
    return parquet, csv


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with only columns that CSV can hold, text guarded; half of a UTF-16 pair cannot come this far."""
    import polars as pl

    columns = []
    for column in frame.iter_columns():
        if column.dtype.is_nested():
            texts = [None if v is None else to_json(v) for v in column.to_list()]
            column = pl.Series(column.name, texts, dtype=pl.String)
        if column.dtype == pl.String:
            column = column.map_elements(guarded, return_dtype=pl.String)
        columns.append(column)
    return pl.DataFrame(columns)


def text_of(value: Any) -> str:
    """A target or an input as one cell: a string as it is, the rest as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
