"""The table that curation goes by: one row an example, from diagnosis, cartography or findings.

{"example_id": "q1", "confidence": 0.81, "variability": 0.12, "category": "easy", "cluster": 3, "rank": 0.07}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from finetooth.diagnose.tables import guarded
from finetooth.errors import DataError, UsageError
from finetooth.io import Source, parse_json
from finetooth.readers import memory
from finetooth.types import Dataset

Row = Mapping[str, Any]
Table = Mapping[str, Row]


def read(path: str | Path) -> dict[str, dict[str, Any]]:
    """example_id -> row, of a Parquet, CSV, JSON or JSONL file, or a run folder that was mapped.

    What ``check --json`` and ``check --out`` write is a table too: its findings are gathered by example
    under ``findings``. Raises DataError for a file without example ids.
    """
    path = Path(path)
    if path.is_dir():
        found = [path / n for n in ("diagnosis.parquet", "cartography.parquet") if (path / n).exists()]
        if not found:
            raise UsageError(
                "no diagnosis.parquet or cartography.parquet in it",
                where=str(path),
                cure=f"run finetooth map {path} first",
            )
        path = found[0]
    table = gather(_rows(path), str(path))
    if not table and path.suffix != ".json":
        # A document of findings may say that there are none; a table without rows says nothing.
        raise DataError("a table without rows", where=str(path))
    return table


def of(known: Any) -> Table:
    """The table of whatever tells of examples: a path (see ``read``) or a Run, a DataMap or Diagnosis, rows or a frame
    (lists of dicts, datasets, pandas, polars, pyarrow), or a table as it is (id -> row).

    Raises UsageError for anything else, and DataError for rows without ids.
    """
    if isinstance(known, (str, Path)):
        return read(known)
    if isinstance(known, Mapping):
        if all(isinstance(row, Mapping) for row in known.values()):
            return known
        raise UsageError("expected a table (example id -> row), found one row", cure="give a list of rows")
    if isinstance(folder := getattr(known, "folder", None), Path):
        return read(folder)
    if type(known).__module__.startswith("finetooth.") and callable(getattr(known, "rows", None)):
        return gather(known.rows())
    if isinstance(known, Dataset) or not memory.is_rows(known):
        raise UsageError(
            f"expected what is known of the examples, found {type(known).__name__}",
            cure="give a run folder, a table of it, or rows with example_id",
        )
    return gather((row for _, row in memory.RowsSource(known).rows()), "memory")


def gather(rows: Iterable[Row], where: str = "") -> dict[str, dict[str, Any]]:
    """Rows by example id; rows that are findings (several an example) are gathered under ``findings``."""
    table: dict[str, dict[str, Any]] = {}
    for i, row in enumerate(rows):
        name = row.get("example_id", row.get("id", row.get("guid")))
        if name is None:
            raise DataError("expected a column example_id", where=f"{where}[{i}]")
        if {"check", "severity"} <= set(row):
            if name != "":
                table.setdefault(str(name), {"example_id": str(name), "findings": []})["findings"].append(row)
        elif str(name) in table:
            raise DataError(f"two rows for the example {name!r}", where=f"{where}[{i}]")
        else:
            table[str(name)] = {**row, "example_id": str(name)}
    return table


TEXTS = (
    "example_id", "id", "guid", "input", "target", "prediction", "held_out_prediction", "category", "cluster_name",
    "rank_reason", "fix", "fix_source",
)  # fmt: skip
NESTED = ("findings", "rules")  # columns that a CSV holds as JSON


def _unfold(row: dict[str, Any], where: str) -> dict[str, Any]:
    """A row of a CSV as it was before: lists out of their JSON, text without the apostrophe of the guard."""
    for name in NESTED:
        if isinstance(row.get(name), str):
            row[name] = parse_json(row[name], f"{where}: {name}")
    for name in TEXTS:
        if isinstance(row.get(name), str) and row[name][:1] == "'" and guarded(row[name][1:]) == row[name]:
            row[name] = row[name][1:]
    return row


def _rows(path: Path) -> Iterable[Row]:
    if path.suffix == ".csv":
        import polars as pl

        try:
            # Of these columns 0017 is no number 17, and a label 1 no number 1.
            names = dict.fromkeys(TEXTS, pl.String)
            file = Source(path).path
            there = pl.read_csv(file, n_rows=0).columns
            rows = pl.read_csv(
                file,
                infer_schema_length=None,
                schema_overrides={k: v for k, v in names.items() if k in there},
            ).to_dicts()
            return [_unfold(row, f"{path}[{i}]") for i, row in enumerate(rows)]
        except pl.exceptions.PolarsError as e:
            raise DataError(f"not CSV: {str(e).splitlines()[0]}", where=str(path)) from None
    source = Source(path)
    document = source.document
    if isinstance(document, Mapping):
        for key in ("examples", "findings"):
            if isinstance(document.get(key), list):
                return document[key]
    return (row for _, row in source.rows())
