"""Training dynamics as one table, from a run or from files in the reference format of Dataset Cartography.

A run's dynamics.parquet:                   example_id, epoch, gold_prob, margin, correct, loss, least_prob
A folder of dynamics_epoch_0.jsonl, ...:    {"guid": 17, "logits_epoch_0": [0.3, -1.2, 0.9], "gold": 2}
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.diagnose.dynamics_findings import about, named
from finetooth.diagnose.softmax32 import softmax32
from finetooth.errors import DataError, UsageError
from finetooth.io import Source, json_type
from finetooth.io.parse import JsonProblem, problem_error
from finetooth.registry import flag
from finetooth.runs import Run
from finetooth.text import many
from finetooth.types import Finding

VALUES = ("gold_prob", "margin", "correct", "loss")
LEAST = "least_prob"  # runs of before have none
FILE = re.compile(r"dynamics_epoch_(\d+)\.jsonl")
# What polars makes of a guid that is no string and no integer; a string may look so too.
NOT_A_GUID = r"^(?:[\[{]|true$|false$|-?\d+(?:\.|[eE]))"
AN_INTEGER = r"^(?:0|-?[1-9]\d*)$"
QUOTED_GUID = re.compile(rb'"guid"\s*:\s*"')
MAX_RATIO = 200  # decoded bytes by bytes on disk, as for other tables


@dataclass(frozen=True)
class DynamicsTable:
    """One row an example, one column an epoch; NaN where the example was not seen in that epoch.

    ``gold_prob``, ``margin``, ``correct`` (0 or 1) and ``loss`` are (examples, epochs). ``logits``
    (examples, epochs, classes) and ``gold`` (examples,) where the source has them. ``findings`` say
    what is odd about the source. ``integer_ids``: every id was an integer there, not a string of digits.
    ``least_prob`` (examples, epochs): the probability of that part of the gold (a tag, a token of an answer) that
    was least sure; None where it was not recorded or an example has one part.
    """

    ids: tuple[str, ...]
    epochs: tuple[int, ...]
    gold_prob: np.ndarray
    margin: np.ndarray
    correct: np.ndarray
    loss: np.ndarray
    logits: np.ndarray | None = None
    gold: np.ndarray | None = None
    findings: tuple[Finding, ...] = field(default_factory=tuple)
    integer_ids: bool = False
    least_prob: np.ndarray | None = None

    @property
    def seen(self) -> np.ndarray:
        """(examples, epochs), true where there is a value."""
        return ~np.isnan(self.gold_prob)

    @property
    def label_prob(self) -> np.ndarray:
        """(examples,) how probable the label was, mean over the epochs; NaN where the example was never seen.

        Of a label of many parts its least sure one, in the later half of the epochs: one wrong tag among forty right
        ones hardly moves their mean, and a head that has just begun says of the least sure one only that it is rare.
        """
        late = slice(len(self.epochs) // 2, None)
        parts = _means(self.least_prob[:, late]) if self.least_prob is not None else None
        whole = _means(self.gold_prob)
        return whole if parts is None else np.where(np.isnan(parts), whole, parts)

    def after(self, epochs: int) -> DynamicsTable:
        """Without that many first epochs, as if they had not been recorded; ``findings`` stay those of the source."""
        if not 0 <= epochs < len(self.epochs):
            raise UsageError(
                f"of {len(self.epochs)} epochs none is left (burn-in {epochs})", cure="leave out fewer"
            )
        cut = {name: getattr(self, name)[:, epochs:] for name in VALUES}
        for name in ("logits", LEAST):
            values = getattr(self, name)
            cut[name] = None if values is None else values[:, epochs:]
        return replace(self, epochs=self.epochs[epochs:], **cut)

    def parts(
        self, columns: Collection[int], names: Sequence[str]
    ) -> Iterator[tuple[int, np.ndarray, dict[str, np.ndarray]]]:
        """(column, numbers of the examples that were seen, their values by name) of these epochs, one after another."""
        for column in sorted(columns):
            rows = np.flatnonzero(~np.isnan(self.gold_prob[:, column]))
            yield column, rows, {name: getattr(self, name)[rows, column] for name in names}


def _means(values: np.ndarray) -> np.ndarray:
    """(examples,) over the columns that are not NaN."""
    known = ~np.isnan(values)
    n = known.sum(axis=1)
    return np.where(n > 0, np.where(known, values, 0).sum(axis=1) / np.maximum(n, 1), np.nan)


def read(source: str | Path, *, split: str = "train") -> DynamicsTable:
    """Of a run folder, of a parquet file as a run has it, or of a folder of dynamics_epoch_N.jsonl.

    Raises UsageError where there are none and DataError, with file and line, for what cannot be read.
    """
    path = Path(source)
    if (path / "run.json").is_file():
        found = Run.open(path).dynamics_path(split)
        if not found.is_file():
            cure = "train first" if split == "train" else "train.watch_dev_dynamics=true records them"
            raise UsageError(f"no dynamics of the split {split!r} were recorded", where=str(path), cure=cure)
        return of_parquet(found)
    if split != "train":
        raise UsageError(
            f"only a run has dynamics of a split {split!r}", where=str(path), cure="give the run, or its file"
        )
    if path.is_dir():
        nested = path / "training_dynamics"
        return of_folder(nested if nested.is_dir() and not _epoch_files(path) else path)
    return of_parquet(Source(path).path)


def of_parquet(path: Path) -> DynamicsTable:
    """The table of a run's dynamics.parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = ["example_id", "epoch", *VALUES]
    try:
        check_columns(path)
        names = [*columns, *({LEAST} & set(pq.read_schema(path).names))]
        table = pq.read_table(path, columns=names, read_dictionary=["example_id"])
        ids = table["example_id"].combine_chunks()
        ids = ids if pa.types.is_dictionary(ids.type) else ids.dictionary_encode()
        if ids.null_count or any(table[c].null_count for c in columns[1:]):
            raise DataError("a value is missing (null)", where=str(path))
        names_of = [str(name) for name in ids.dictionary.to_pylist()]
        epoch = table["epoch"].to_numpy().astype(np.int64)
        values = {name: table[name].to_numpy().astype(np.float64) for name in names[2:]}
    except (pa.ArrowException, OSError, ValueError, TypeError, NotImplementedError) as e:
        raise unreadable(path, e) from None
    if not len(epoch):
        raise DataError("no dynamics in it", where=str(path), cure="let an epoch end")
    return _pivot(names_of, ids.indices.to_numpy(), epoch, values, str(path))


def check_columns(path: Path) -> None:
    """Raises DataError where it is another table, or one that unpacks to far more than it seems."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        names, size = file.schema_arrow.names, path.stat().st_size
        groups = [file.metadata.row_group(g) for g in range(file.metadata.num_row_groups)]
        unpacked = sum(g.column(c).total_uncompressed_size for g in groups for c in range(g.num_columns))
    missing = [c for c in ("example_id", "epoch", *VALUES) if c not in names]
    if missing:
        raise DataError(
            f"no training dynamics: it has no column {', '.join(missing)}",
            where=str(path),
            cure="give a run folder, its dynamics.parquet or a folder of dynamics_epoch_N.jsonl",
        )
    if unpacked > max(256 << 20, MAX_RATIO * size):
        raise DataError(
            f"unpacks to {unpacked >> 20:,} MB, far more than its size lets expect", where=str(path)
        )


def unreadable(path: Path, e: Exception) -> DataError:
    return DataError(f"not a readable table of dynamics: {' '.join(str(e).split())[:150]}", where=str(path))


def not_finite(name: str, example_id: str, where: str) -> DataError:
    return DataError(
        f"{name} of {example_id!r} is not a finite number", where=where, cure="look at the loss of that run"
    )


def of_folder(folder: Path) -> DynamicsTable:
    """The table of a folder of dynamics_epoch_N.jsonl, as the reference implementation reads it.

    Softmax in float32, right where the largest logit (the first of equals) is the gold one. Rows whose logits are
    not all finite in float32 (NaN, null, Infinity, 1e300: training diverged) are left out of their epoch, and told.
    """
    files = _epoch_files(folder)
    if not files:
        raise UsageError(
            "no training dynamics here (no run.json, no dynamics_epoch_N.jsonl)",
            where=str(folder),
            cure="give a run folder or a folder of dynamics_epoch_N.jsonl",
        )
    codes: dict[str, int] = {}
    golds: dict[int, int] = {}
    changed: list[str] = []
    lost: list[str] = []
    parts: list[tuple[np.ndarray, int, np.ndarray, np.ndarray]] = []
    integers = True
    for epoch, path in sorted(files.items()):
        ids, logits, gold, without, whole = _epoch(path, epoch)
        integers = integers and whole
        lost += [f"{name} in epoch {epoch}" for name in without]
        if not ids:
            continue
        code = np.fromiter((codes.setdefault(i, len(codes)) for i in ids), np.int64, len(ids))
        changed += [
            ids[i] for i, (c, g) in enumerate(zip(code, gold, strict=True)) if golds.setdefault(c, g) != g
        ]
        parts.append((code, epoch, logits, gold))
    if not parts:
        raise DataError("no row has finite logits: training diverged from the start", where=str(folder))
    # As the reference does, the gold of the first epoch is believed.
    first = np.array([golds[i] for i in range(len(codes))])
    width = max(logits.shape[1] for _, _, logits, _ in parts)
    wide = np.full((sum(len(p[0]) for p in parts), width), -np.inf)
    at = 0
    for code, _, logits, _ in parts:
        wide[at : at + len(code), : logits.shape[1]] = logits
        at += len(code)
    code = np.concatenate([p[0] for p in parts])
    epoch_of = np.concatenate([np.full(len(p[0]), p[1]) for p in parts])
    table = _pivot(list(codes), code, epoch_of, _values(wide, first[code]), str(folder))
    cells = np.full((len(codes), len(table.epochs), width), np.nan)
    cells[code, np.searchsorted(table.epochs, epoch_of)] = wide
    findings = list(table.findings)
    if lost:
        said = f"rows whose logits are not finite numbers, left out: {len(lost):,}; training diverged there"
        more = [flag("", said, severity="warning", rows=lost[:10], fix="a lower learning rate")]
        findings += named(more, "dynamics-not-finite")
    if changed:
        more = [
            flag(
                "",
                f"{many(len(changed), 'example changes its', 'examples change their')} gold label between epochs; the first is used",
                severity="warning",
                examples=changed[:10],
            )
        ]
        findings += named(more, "dynamics-gold-changed")
    return DynamicsTable(
        table.ids,
        table.epochs,
        table.gold_prob,
        table.margin,
        table.correct,
        table.loss,
        cells,
        first,
        tuple(findings),
        integers,
    )


def _epoch_files(folder: Path) -> dict[int, Path]:
    try:
        return {int(m[1]): p for p in folder.iterdir() if (m := FILE.fullmatch(p.name))}
    except OSError as e:
        raise UsageError(f"cannot be read: {e.strerror}", where=str(folder)) from None


Rows = tuple[list[str], np.ndarray, np.ndarray, list[str], bool]


def _epoch(path: Path, epoch: int) -> Rows:
    """(guids, logits (n, classes), gold (n,), guids of rows that are left out, whether all are integers) of one file."""
    import polars as pl

    key = f"logits_epoch_{epoch}"
    schema: Any = {"guid": pl.String, key: pl.List(pl.Float64), "gold": pl.Int64}
    Source(path)  # what is no file, or empty, is said as everywhere
    try:
        # Ten times as fast as row by row. Whatever it is not sure of is read again, by rows, to be named.
        frame = pl.read_ndjson(path, schema=schema)
        odd = frame["guid"].str.contains(NOT_A_GUID).any()
        if not odd and frame.null_count().sum_horizontal()[0] == 0 and frame[key].list.len().n_unique() == 1:
            logits = frame[key].list.to_array(frame[key].list.len()[0]).to_numpy()
            gold = frame["gold"].to_numpy()
            if np.isfinite(_single(logits)).all() and (gold >= 0).all() and (gold < logits.shape[1]).all():
                digits = bool(frame["guid"].str.contains(AN_INTEGER).all())
                whole = digits and not QUOTED_GUID.search(path.read_bytes())
                return frame["guid"].to_list(), logits, gold, [], whole
    except (pl.exceptions.PolarsError, ValueError, OSError):
        pass
    return _epoch_by_rows(path, key)


def _single(values: Any) -> np.ndarray:
    """As the reference's softmax takes them; what float32 cannot hold becomes infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float32)


def _refuse(where: str, problem: JsonProblem) -> None:
    """NaN is what a training that diverged writes, and is told of later; the rest is an error here as elsewhere."""
    if problem.kind not in ("not-a-number", "huge-integer"):
        raise problem_error(problem, where)


def _epoch_by_rows(path: Path, key: str) -> Rows:
    ids: list[str] = []
    rows: list[list[float]] = []
    gold: list[int] = []
    lost: list[str] = []
    whole = True
    for where, row in Source(path).rows(problems=_refuse):
        missing = next((k for k in ("guid", key, "gold") if row.get(k) is None), None)
        if missing is not None:
            found = ", ".join(row) or "nothing"
            raise DataError(f"expected {missing}, found {found}", where=where)
        guid, logits, label = row["guid"], row[key], row["gold"]
        if isinstance(guid, bool) or not isinstance(guid, (str, int)):
            raise DataError(f"guid: expected a string or an integer, found {json_type(guid)}", where=where)
        whole = whole and isinstance(guid, int)
        if not isinstance(logits, list) or not logits or not all(x is None or _is_number(x) for x in logits):
            raise DataError(f"{key}: expected a list of numbers", where=where)
        if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < len(logits):
            raise DataError(
                f"gold: expected the number of a class from 0 to {len(logits) - 1}, found {label!r}",
                where=where,
            )
        # A whole number of 400 digits is one that no float holds.
        finite = all(x is not None and abs(x) < 1e300 for x in logits) and np.isfinite(_single(logits)).all()
        if not finite:
            lost.append(str(guid))
            continue
        ids.append(str(guid))
        rows.append([float(x) for x in logits])
        gold.append(label)
    if not ids and not lost:
        raise DataError("no rows in it", where=str(path))
    wide = np.full((len(rows), max(map(len, rows), default=0)), -np.inf)
    for i, one in enumerate(rows):
        wide[i, : len(one)] = one
    return ids, wide, np.array(gold, np.int64), lost, whole


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _values(logits: np.ndarray, gold: np.ndarray) -> dict[str, np.ndarray]:
    rows = np.arange(len(logits))
    probs = softmax32(logits).astype(np.float64)
    mine = probs[rows, gold]
    others = probs.copy()
    others[rows, gold] = -np.inf
    best = others.max(axis=1)
    shifted = logits - logits.max(axis=1, keepdims=True)
    return {
        "gold_prob": mine,
        "margin": mine - np.where(np.isinf(best), 0.0, best),
        "correct": (logits.argmax(axis=1) == gold).astype(np.float64),
        "loss": np.log(np.exp(shifted).sum(axis=1)) - shifted[rows, gold],
    }


def _pivot(
    ids: Sequence[str], code: np.ndarray, epoch: np.ndarray, values: dict[str, np.ndarray], where: str
) -> DynamicsTable:
    """Rows of (example, epoch) as a table; the last of several rows of one cell counts."""
    epochs, column = np.unique(epoch, return_inverse=True)
    shape = (len(ids), len(epochs))
    times = np.bincount(code * len(epochs) + column, minlength=shape[0] * shape[1]).reshape(shape)
    cells = {}
    for name, value in values.items():
        if name != LEAST and not np.isfinite(value).all():
            bad = ids[int(code[np.flatnonzero(~np.isfinite(value))[0]])]
            raise not_finite(name, bad, where)
        cells[name] = np.full(shape, np.nan)
        cells[name][code, column] = value
    findings = about(ids, [int(e) for e in epochs], times)
    return DynamicsTable(
        tuple(ids),
        tuple(int(e) for e in epochs),
        cells["gold_prob"],
        cells["margin"],
        cells["correct"],
        cells["loss"],
        findings=tuple(findings),
        least_prob=None if LEAST not in cells or np.isnan(cells[LEAST]).all() else cells[LEAST],
    )
