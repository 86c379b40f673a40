"""Training dynamics of a run's parquet file in pieces, for maps of more rows than memory holds.

In memory are the ids of the examples and a byte an example and epoch (whether it was seen); a table as
``dynamics_files`` reads it takes some 80. Only a file as training writes it can be read so: by epoch, and each
example once in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.diagnose import dynamics_files
from finetooth.diagnose.dynamics_files import DynamicsTable
from finetooth.diagnose.dynamics_findings import about
from finetooth.errors import DataError
from finetooth.runs import Run
from finetooth.types import Finding

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 65_536  # rows that are looked at together
BUFFER = 1 << 20  # bytes of a column that are read at once

# (the epoch's column, numbers of examples, values by name), each of one epoch
Part = tuple[int, np.ndarray, dict[str, np.ndarray]]


@dataclass(frozen=True)
class DynamicsStream:
    """What a map needs of a file without its values: ``seen`` is (examples, epochs), ``findings`` say what is odd."""

    path: Path
    names: pa.Array
    epochs: tuple[int, ...]
    seen: np.ndarray
    findings: tuple[Finding, ...]

    @property
    def ids(self) -> list[str]:
        return self.names.to_pylist()

    def parts(self, columns: Collection[int], names: Sequence[str]) -> Iterator[Part]:
        """The values of these epochs, in order; several parts an epoch. Raises DataError for one that is not finite."""
        import pyarrow as pa

        places = _Places(self.names)
        at = {self.epochs[c]: c for c in columns}
        try:
            for ids, epoch, batch in _batches(self.path, names):
                codes = places(ids)
                for number, rows in _runs_of(epoch):
                    if number in at:
                        values = {n: batch[n].to_numpy(zero_copy_only=False)[rows] for n in names}
                        values = {n: v.astype(np.float64) for n, v in values.items()}
                        self._refuse_infinite(ids[rows], values)
                        yield at[number], codes[rows], values
        except (pa.ArrowException, OSError, ValueError, TypeError, NotImplementedError) as e:
            raise dynamics_files.unreadable(self.path, e) from None

    def _refuse_infinite(self, ids: pa.Array, values: dict[str, np.ndarray]) -> None:
        for name, value in values.items():
            if not np.isfinite(value).all():
                bad = ids[int(np.flatnonzero(~np.isfinite(value))[0])].as_py()
                raise dynamics_files.not_finite(name, bad, str(self.path))


def find(source: str | Path, *, split: str = "train") -> DynamicsStream | DynamicsTable:
    """As ``dynamics_files.read``, without the values where the file can be read in pieces."""
    path = Path(source)
    if (path / "run.json").is_file():
        path = Run.open(path).dynamics_path(split)
    elif split != "train":
        return dynamics_files.read(source, split=split)
    return (scan(path) if path.is_file() else None) or dynamics_files.read(source, split=split)


def scan(path: Path) -> DynamicsStream | None:
    """One pass over ids and epochs; None where the file is not in the order that a stream needs, or not to be read."""
    import pyarrow as pa

    places, epochs, marks = _Places(), list[int](), list[np.ndarray]()
    try:
        dynamics_files.check_columns(path)
        for ids, epoch, _ in _batches(path, ()):
            codes = places(ids, new=True)
            for number, rows in _runs_of(epoch):
                if not epochs or number > epochs[-1]:
                    epochs.append(number)
                    marks.append(np.zeros(len(places.ids), bool))
                elif number < epochs[-1]:
                    return None
                mark = marks[-1] = _longer(marks[-1], len(places.ids))
                here = codes[rows]
                if mark[here].any() or len(np.unique(here)) < len(here):
                    return None  # the last row of several counts: that takes a table
                mark[here] = True
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, NotImplementedError):
        return None  # reading it as a table says what is wrong
    if not epochs:
        return None
    seen = np.stack([_longer(m, len(places.ids)) for m in marks], axis=1)
    findings = about(_Names(places.ids), epochs, seen)
    return DynamicsStream(path, places.ids, tuple(epochs), seen, tuple(findings))


def _batches(path: Path, names: Sequence[str]) -> Iterator[tuple[pa.Array, np.ndarray, Any]]:
    """(ids, epochs, the rest by name) of some rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = ["example_id", "epoch", *names]
    with pq.ParquetFile(path, buffer_size=BUFFER) as file:
        # One row group after another: asked for all at once, they are kept until the last is read.
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(BATCH, row_groups=[group], columns=columns, use_threads=False):
                if any(column.null_count for column in batch.columns):
                    raise DataError("a value is missing (null)", where=str(path))
                ids = batch["example_id"]
                if pa.types.is_dictionary(ids.type):
                    ids = ids.dictionary_decode()
                yield ids.cast(pa.large_string()), batch["epoch"].to_numpy().astype(np.int64), batch


class _Names(Sequence[str]):
    """Ids as strings, made when they are asked for: only those that a finding names are."""

    def __init__(self, ids: pa.Array) -> None:
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, i: Any) -> Any:
        return self._ids[int(i)].as_py()


class _Places:
    """The numbers of examples by their ids, in the order in which they first came."""

    def __init__(self, ids: pa.Array | None = None) -> None:
        import pyarrow as pa

        self.ids = pa.array([], pa.large_string()) if ids is None else ids
        self._next = 0

    def __call__(self, ids: pa.Array, *, new: bool = False) -> np.ndarray:
        import pyarrow as pa
        import pyarrow.compute as pc

        start = self._next
        self._next += len(ids)
        # Most often an epoch lists the examples as the one before did.
        if self.ids.slice(start, len(ids)).equals(ids):
            return np.arange(start, self._next)
        found = pc.index_in(ids, value_set=self.ids)
        if new and found.null_count:
            more = pc.unique(ids.filter(found.is_null()))
            self.ids = pa.concat_arrays([self.ids, more])
            found = pc.index_in(ids, value_set=self.ids)
        codes = found.to_numpy(zero_copy_only=False).astype(np.int64)
        self._next = int(codes[-1]) + 1
        return codes


def _runs_of(epoch: np.ndarray) -> Iterator[tuple[int, slice]]:
    """(epoch, its rows) of rows that stand together."""
    ends = [*(np.flatnonzero(np.diff(epoch)) + 1).tolist(), len(epoch)]
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        if end > start:
            yield int(epoch[start]), slice(start, end)


def _longer(mark: np.ndarray, n: int) -> np.ndarray:
    return np.pad(mark, (0, n - len(mark))) if len(mark) < n else mark
