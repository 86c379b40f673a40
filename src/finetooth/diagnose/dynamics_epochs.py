"""One epoch of training dynamics in the reference format of Dataset Cartography: dynamics_epoch_3.jsonl, or packed.

{"guid": 17, "logits_epoch_3": [0.3, -1.2, 0.9], "gold": 2}
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.errors import DataError, UsageError
from finetooth.io import Source, json_type
from finetooth.io.packed import ENDINGS
from finetooth.io.parse import JsonProblem, problem_error

FILE = re.compile(rf"dynamics_epoch_(\d+)\.jsonl(?:{'|'.join(map(re.escape, ENDINGS))})?")
# What polars makes of a guid that is no string and no integer; a string may look so too.
NOT_A_GUID = r"^(?:[\[{]|true$|false$|-?\d+(?:\.|[eE]))"
AN_INTEGER = r"^(?:0|-?[1-9]\d*)$"
QUOTED_GUID = re.compile(rb'"guid"\s*:\s*"')
ESCAPED = re.compile(rb"\\u00(?:[46][1-9a-fA-F]|[57][0-9a-fA-F]|3[0-9])")  # a letter of a key, _ or a digit


@dataclass(frozen=True)
class Epoch:
    """``ids`` (n), ``logits`` (n, classes), -inf where a row has fewer, ``gold`` (n,).

    ``lost``: guids of rows left out, whose logits are not all finite. ``integers``: whether every guid is an
    integer. ``mixed``: guids that stand there both as an integer and as a string of its digits.
    """

    ids: list[str]
    logits: np.ndarray
    gold: np.ndarray
    lost: tuple[str, ...] = ()
    integers: bool = False
    mixed: tuple[str, ...] = ()


def files(folder: Path) -> dict[int, Path]:
    """The file of each epoch. Raises UsageError where the folder cannot be read, or holds two files of one epoch."""
    found: dict[int, Path] = {}
    try:
        for path in sorted(folder.iterdir()):
            match = FILE.fullmatch(path.name)
            if match and found.setdefault(int(match[1]), path) != path:
                raise UsageError(
                    f"two files of epoch {int(match[1])}: {found[int(match[1])].name} and {path.name}",
                    where=str(folder),
                    cure="move one away",
                )
    except OSError as e:
        raise UsageError(f"cannot be read: {e.strerror}", where=str(folder)) from None
    return found


def read(path: Path, epoch: int) -> Epoch:
    """The rows of one file. Raises DataError, with file and line, for what cannot be read."""
    import polars as pl

    key = f"logits_epoch_{epoch}"
    schema: Any = {"guid": pl.String, key: pl.List(pl.Float64), "gold": pl.Int64}
    source = Source(path)  # what is no file, or empty, is said as everywhere
    try:
        # Ten times as fast as row by row. Whatever it is not sure of is read again, by rows, to be named.
        with source.open() as file:
            data = file.read()
        frame = pl.read_ndjson(data, schema=schema)
        odd = frame["guid"].str.contains(NOT_A_GUID).any() or _keys_twice(data, tuple(schema), len(frame))
        quoted = sum(1 for _ in QUOTED_GUID.finditer(data))
        odd = odd or 0 < quoted < len(frame)
        if not odd and frame.null_count().sum_horizontal()[0] == 0 and frame[key].list.len().n_unique() == 1:
            logits = frame[key].list.to_array(frame[key].list.len()[0]).to_numpy()
            gold = frame["gold"].to_numpy()
            if np.isfinite(single(logits)).all() and (gold >= 0).all() and (gold < logits.shape[1]).all():
                whole = not quoted and bool(frame["guid"].str.contains(AN_INTEGER).all())
                return Epoch(frame["guid"].to_list(), logits, gold, integers=whole)
    except (pl.exceptions.PolarsError, ValueError, OSError):
        pass
    return _by_rows(source, key)


def _keys_twice(data: bytes, keys: tuple[str, ...], rows: int) -> bool:
    """Whether a row may hold a key twice, of which polars would take one without a word."""
    return any(data.count(f'"{key}"'.encode()) != rows for key in keys) or bool(ESCAPED.search(data))


def single(values: Any) -> np.ndarray:
    """As the reference's softmax takes them; what float32 cannot hold becomes infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float32)


def narrow_row(path: Path, epoch: int, name: str, gold: int) -> tuple[str, int]:
    """(path:line, its number of classes) of the row of ``name`` that has no class ``gold``."""
    for where, row in Source(path).rows(problems=lambda *_: None):
        if str(row["guid"]) == name and len(row[f"logits_epoch_{epoch}"]) <= gold:
            return where, len(row[f"logits_epoch_{epoch}"])
    return str(path), gold  # the file changed while it was read


def _refuse(where: str, problem: JsonProblem) -> None:
    """NaN is what a training that diverged writes, and is told of later; the rest is an error here as elsewhere."""
    if problem.kind not in ("not-a-number", "huge-integer"):
        raise problem_error(problem, where)


def _by_rows(source: Source, key: str) -> Epoch:
    ids: list[str] = []
    rows: list[list[float]] = []
    gold: list[int] = []
    lost: list[str] = []
    kinds: dict[type, set[str]] = {int: set(), str: set()}
    for where, row in source.rows(problems=_refuse):
        missing = next((k for k in ("guid", key, "gold") if row.get(k) is None), None)
        if missing is not None:
            found = f"{missing}: null" if missing in row else ", ".join(row) or "nothing"
            raise DataError(f"expected {missing}, found {found}", where=where)
        guid, logits, label = row["guid"], row[key], row["gold"]
        if isinstance(guid, bool) or not isinstance(guid, (str, int)):
            raise DataError(f"guid: expected a string or an integer, found {json_type(guid)}", where=where)
        kinds[type(guid)].add(str(guid))
        if not isinstance(logits, list) or not logits or not all(x is None or _is_number(x) for x in logits):
            raise DataError(f"{key}: expected a list of numbers", where=where)
        if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < len(logits):
            raise DataError(
                f"gold: expected the number of a class from 0 to {len(logits) - 1}, found {label!r}",
                where=where,
            )
        # A whole number of 400 digits is one that no float holds.
        finite = all(x is not None and abs(x) < 1e300 for x in logits) and np.isfinite(single(logits)).all()
        if not finite:
            lost.append(str(guid))
            continue
        ids.append(str(guid))
        rows.append([float(x) for x in logits])
        gold.append(label)
    if not ids and not lost:
        raise DataError("no rows in it", where=str(source))
    wide = np.full((len(rows), max(map(len, rows), default=0)), -np.inf)
    for i, one in enumerate(rows):
        wide[i, : len(one)] = one
    mixed = tuple(sorted(kinds[int] & kinds[str]))
    return Epoch(ids, wide, np.array(gold, np.int64), tuple(lost), not kinds[str], mixed)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
