"""``finetooth map`` as a function: dynamics in, the map's files out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetooth.diagnose import tables
from finetooth.diagnose.cartography import DataMap
from finetooth.errors import UsageError
from finetooth.io import write_json


def stem(name: str, split: str) -> str:
    """``cartography`` for the training split, ``cartography-dev`` for dev: both lie in one run."""
    return name if split == "train" else f"{name}-{split}"


def home(source: str | Path) -> Path:
    """Where files go that nobody said a folder for: the run or folder itself, the folder of a file."""
    path = Path(source)
    return path if path.is_dir() else path.parent


def folder_to_be(out: Path | None) -> None:
    """Raises UsageError, before any work is done, where a folder for files is given that is a file."""
    if out is not None and out.exists() and not out.is_dir():
        raise UsageError("is a file, expected a folder", where=str(out))


def summary(made: DataMap, *, source: str, split: str) -> dict[str, Any]:
    """What the map says as a whole, as it stands in cartography.json."""
    return {"source": source, "split": split, **made.summary, "findings": list(made.findings)}


def write(made: DataMap, folder: str | Path, *, source: str, split: str = "train") -> list[Path]:
    """cartography.parquet, .csv (guarded) and .json into ``folder``. Raises UsageError where that cannot be."""
    base = Path(folder) / stem("cartography", split)
    parquet, csv = tables.write(made.frame(), base)
    written = base.with_suffix(".json")
    write_json(written, summary(made, source=source, split=split))
    return [parquet, csv, written]
