"""Training dynamics as one table, from a run or from files in the reference format of Dataset Cartography.

A run's dynamics.parquet:                   example_id, epoch, gold_prob, margin, correct, loss, least_prob
A folder of dynamics_epoch_0.jsonl, ...:    {"guid": 17, "logits_epoch_0": [0.3, -1.2, 0.9], "gold": 2}
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from finetooth.diagnose import dynamics_epochs
from finetooth.diagnose.dynamics_findings import about, named
from finetooth.diagnose.softmax32 import softmax32
from finetooth.errors import DataError, UsageError
from finetooth.io import Source
from finetooth.registry import flag
from finetooth.runs import Run
from finetooth.text import many
from finetooth.types import Finding

VALUES = ("gold_prob", "margin", "correct", "loss")
LEAST = "least_prob"  # runs of before have none
GIVE = "give a run folder, its dynamics.parquet or a folder of dynamics_epoch_N.jsonl"
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
        return of_folder(nested if nested.is_dir() and not dynamics_epochs.files(path) else path)
    file = Source(path)
    if dynamics_epochs.FILE.fullmatch(path.name):
        cure = f"give the folder: {path.parent}"
        raise UsageError("one epoch of training dynamics; all of them make a map", where=str(path), cure=cure)
    if not file.is_parquet:
        raise DataError("no training dynamics: not a Parquet file", where=str(path), cure=GIVE)
    return of_parquet(path)


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
            cure=GIVE,
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
    """The table of a folder of dynamics_epoch_N.jsonl (or .jsonl.gz ...), as the reference implementation reads it.

    Softmax in float32, right where the largest logit (the first of equals) is the gold one. Rows whose logits are
    not all finite in float32 (NaN, null, Infinity, 1e300: training diverged) are left out of their epoch, and told.
    """
    files = dynamics_epochs.files(folder)
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
    mixed: dict[str, None] = {}
    parts: list[tuple[np.ndarray, int, np.ndarray, np.ndarray]] = []
    integers = True
    for epoch, path in sorted(files.items()):
        read_of = dynamics_epochs.read(path, epoch)
        ids, logits, gold = read_of.ids, read_of.logits, read_of.gold
        integers = integers and read_of.integers
        mixed |= dict.fromkeys(read_of.mixed)
        lost += [f"{name} in epoch {epoch}" for name in read_of.lost]
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
    none = np.flatnonzero(np.isneginf(wide[np.arange(len(wide)), first[code]]))
    if len(none):
        name, epoch = list(codes)[code[none[0]]], int(epoch_of[none[0]])
        where, classes = dynamics_epochs.narrow_row(files[epoch], epoch, name, golds[code[none[0]]])
        what = f"the gold of {name!r} changes: it was {golds[code[none[0]]]}, epoch {epoch} has {classes} classes"
        raise DataError(what, where=where, cure="write the same classes in every epoch")
    table = _pivot(list(codes), code, epoch_of, _values(wide, first[code]), str(folder))
    cells = np.full((len(codes), len(table.epochs), width), np.nan)
    cells[code, np.searchsorted(table.epochs, epoch_of)] = wide
    findings = list(table.findings)
    if lost:
        said = f"rows whose logits are not finite numbers, left out: {len(lost):,}; training diverged there"
        more = [flag("", said, severity="warning", rows=lost[:10], fix="a lower learning rate")]
        findings += named(more, "dynamics-not-finite")
    if mixed:
        said = (
            f"{many(len(mixed), 'guid stands', 'guids stand')} both as a number and as a string in one file; "
            "they are taken for one example"
        )
        more = [flag("", said, severity="warning", guids=[*mixed][:10])]
        findings += named(more, "dynamics-guid-types")
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
