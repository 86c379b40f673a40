"""Rows of Parquet and Arrow files, in bounded memory: a small file can hold gigabytes of repeats.

Strings come as dictionaries (each value once), rows in slices whose decoded size is known before
they are made, and long strings of one column are shared between rows (one context, many questions). Class numbers come as their names
where the file tells them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io import classes
from finetooth.io.packed import Budget

BATCH_ROWS = 1024
SLICE_BYTES = 64 << 20  # decoded at once
ROW_BYTES = 1000  # what a row costs as Python objects, whatever it holds
MAX_SHARED = 50_000  # long strings that are looked for in later rows
MAX_GROUP_BYTES = 2 << 30
MAX_GROUP_VALUES = 50_000_000


def _budget(path: Path, size: int) -> Budget:
    return Budget(path, size, cure="if it is what it should be, write it as JSON Lines")


def parquet_rows(path: Path, asked: Collection[str] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """(path[i], row); ``asked``: classes that keep their number, see ``classes``. Raises DataError for what is no Parquet, and for a file that would fill the memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        size = path.stat().st_size
        with pq.ParquetFile(path) as file:
            strings = _check_groups(path, size, file.metadata)
        with pq.ParquetFile(path, read_dictionary=strings) as file:
            # One group at a time: pyarrow cannot join the dictionaries of nested columns over two.
            groups = range(file.metadata.num_row_groups)
            batches = (b for g in groups for b in file.iter_batches(batch_size=BATCH_ROWS, row_groups=[g]))
            names = classes.of_schema(file.schema_arrow, asked)
            yield from _rows(path, batches, _budget(path, size), names)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as e:
        raise _unreadable(path, "Parquet", e) from None


def saved_rows(folder: Path, asked: Collection[str] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file[i], row) of the Arrow streams of a folder that ``datasets`` wrote with ``save_to_disk``."""
    import pyarrow as pa

    for path in _saved_files(folder):
        try:
            with pa.memory_map(str(path)) as mapped, pa.ipc.open_stream(mapped) as stream:
                names = classes.of_schema(stream.schema, asked)
                yield from _rows(path, stream, _budget(path, path.stat().st_size), names)
        except (pa.ArrowException, OSError, ValueError) as e:
            raise _unreadable(path, "Arrow", e) from None


def _saved_files(folder: Path) -> list[Path]:
    from finetooth.io.parse import parse_json

    where = folder / "state.json"
    try:
        state = parse_json(where.read_text("utf-8"), str(where))
    except (OSError, UnicodeDecodeError) as e:
        raise DataError(f"cannot be read: {e}", where=str(where)) from None
    try:
        names = [str(each["filename"]) for each in state["_data_files"]]
    except (KeyError, TypeError):
        raise DataError("expected _data_files, each with a filename", where=str(where)) from None
    # A name with a slash would lead out of the folder.
    if any(Path(name).name != name for name in names):
        raise DataError("its files must stand in the folder itself", where=str(where))
    if state.get("_indices_data_files"):
        raise DataError(
            "rows were selected or shuffled and not yet written",
            where=str(folder),
            cure="save_to_disk after flatten_indices(), or export to Parquet",
        )
    return [folder / name for name in names]


def _unreadable(path: Path, kind: str, e: Exception) -> DataError:
    reason = " ".join(str(e).split())[:200]
    return DataError(f"not a readable {kind} file: {reason}", where=str(path), cure="write it again")


def _check_groups(path: Path, size: int, metadata: Any) -> list[str]:
    """The paths of the string columns; DataError if the metadata tells of a bomb."""
    strings: dict[str, None] = {}
    total = 0
    for g in range(metadata.num_row_groups):
        group = metadata.row_group(g)
        columns = [group.column(c) for c in range(group.num_columns)]
        unpacked = sum(c.total_uncompressed_size for c in columns)
        total += unpacked
        values = max((c.num_values for c in columns), default=0)
        if unpacked > MAX_GROUP_BYTES or values > MAX_GROUP_VALUES:
            raise DataError(
                f"row group {g} unpacks to {unpacked >> 20:,} MB and {values:,} values; at most "
                f"{MAX_GROUP_BYTES >> 20:,} MB and {MAX_GROUP_VALUES:,}",
                where=str(path),
                cure="write it with smaller row groups",
            )
        strings.update(dict.fromkeys(c.path_in_schema for c in columns if c.physical_type == "BYTE_ARRAY"))
    _budget(path, size).spend(total)
    _budget(path, size).spend(ROW_BYTES * metadata.num_rows)
    return list(strings)


def _rows(
    path: Path, batches: Any, budget: Budget, names: classes.Change | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    row, shared = 0, dict[str, str]()
    for batch in batches:
        estimate = sum(map(_decoded, batch.columns))
        step = max(1, min(batch.num_rows, batch.num_rows * SLICE_BYTES // max(estimate, 1)))
        for at in range(0, batch.num_rows, step):
            part = batch.slice(at, step)
            if estimate > SLICE_BYTES and sum(map(_decoded, part.columns)) > budget.limit:
                budget.spend(budget.limit + 1)
            for value in part.to_pylist():
                budget.spend(ROW_BYTES + _fresh(value, shared))
                yield f"{path}[{row}]", value if names is None else names(value)
                row += 1


def _decoded(array: Any) -> int:
    """At most how many bytes of text the array's values are, once each is a string of its own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        words = array.dictionary
        if not (pa.types.is_string(words.type) or pa.types.is_binary(words.type)):
            return array.nbytes
        return len(array) * (pc.max(pc.binary_length(words)).as_py() or 0)
    if pa.types.is_struct(kind):
        return sum(map(_decoded, array.flatten()))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        return 8 * len(array) + _decoded(array.flatten())
    return array.nbytes


def _fresh(row: dict[str, Any], shared: dict[str, str]) -> int:
    """Shares the row's long strings with earlier rows; the bytes that are new."""
    size = 0
    for key, value in row.items():
        if isinstance(value, str):
            if len(value) < 100:
                size += len(value)
                continue
            if len(shared) > MAX_SHARED:  # a file may hold more texts than memory does
                shared.clear()
            known = shared.setdefault(value, value)
            if known is value:
                size += len(value)
            else:
                row[key] = known
        elif isinstance(value, (list, dict)):
            size += _size(value)
    return size


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return 8 * len(value) + sum(map(_size, value))
    if isinstance(value, dict):
        return 100 + sum(map(_size, value.values()))
    return 0
