"""Rows that are in memory: a list of dicts, a Dataset of ``datasets``, a table of pandas, polars or pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from finetooth.errors import DataError, UsageError
from finetooth.io import Source, classes
from finetooth.io.source import Problems

KINDS = "a list of dicts, a Dataset of the package datasets, or a table of pandas, polars or pyarrow"


def is_rows(data: Any) -> bool:
    """Whether it is of a kind that holds rows; what is in them is not looked at."""
    if isinstance(data, (str, bytes, Path)):
        return False
    return isinstance(data, Iterable) or hasattr(data, "to_pylist")


class RowsSource(Source):
    """Rows as a source. It has no bytes: formats know it by its first row."""

    def __init__(self, data: Any, options: Mapping[str, Any] | None = None) -> None:
        # Not Source's own: there is no file to look at.
        self.data = data
        self.path = Path(str(self))
        self.options = dict(options or {})
        self._folder = False

    def __str__(self) -> str:
        return "memory"

    @cached_property
    def head(self) -> bytes:
        return b""

    @cached_property
    def is_parquet(self) -> bool:
        return True

    def refuse_unreadable(self) -> None:
        """Looks at all rows, so that the first to ask gets the error, not each format in turn."""
        _ = self._rows

    @cached_property
    def text(self) -> str:
        raise DataError("rows in memory have no text", where=str(self), cure="leave out the format")

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        rows = list(_rows_of(self.data, self.options.get("labels") or ()))
        if not rows:
            raise DataError("there are no rows", where=str(self), cure="check how they were made")
        for i, row in enumerate(rows):
            if not isinstance(row, Mapping) or not all(isinstance(key, str) for key in row):
                raise DataError(
                    f"expected a row as a dict with names of columns, found {type(row).__name__}",
                    where=f"{self}[{i}]",
                    cure=f"give {KINDS}",
                )
        return [dict(row) for row in rows]

    def rows(self, *, problems: Problems | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        for i, row in enumerate(self._rows):
            yield f"{self}[{i}]", row


def _rows_of(data: Any, labels: Iterable[str]) -> Iterable[Any]:
    """Rows as dicts; a missing value of a table is None, a class number its name where the table tells of names."""
    package = type(data).__module__.split(".")[0]
    if package == "datasets" and isinstance(data, Mapping):
        raise UsageError(
            f"it has the splits {', '.join(map(str, data))}",
            cure=f"give one: data[{next(iter(data), 'train')!r}]",
        )
    if package == "datasets" and getattr(data, "features", None):
        names = classes.of_features(data.features.to_dict(), set(labels))
        return data if names is None else map(names, data)
    if package == "pandas":
        import pyarrow as pa

        try:
            return pa.Table.from_pandas(data, preserve_index=False).to_pylist()
        except (pa.ArrowException, TypeError, ValueError) as e:
            why = " ".join(str(e).split())[:150]
            raise DataError(f"a table whose columns hold several types: {why}", where="memory") from None
    if package == "polars" and hasattr(data, "to_dicts"):
        return data.to_dicts()
    if package == "pyarrow" and hasattr(data, "to_pylist"):
        return data.to_pylist()
    if isinstance(data, Mapping):
        raise UsageError("expected rows, found one dict", cure=f"give {KINDS}")
    return data
