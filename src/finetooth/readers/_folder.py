"""A folder of files of one format is one data set: shards of JSONL, one JSON document an article..."""

from __future__ import annotations

import re
from pathlib import Path

from finetooth.errors import DataError
from finetooth.io.versions import SUFFIX

ENDINGS = (".jsonl", ".json", ".ndjson", ".parquet", ".csv", ".tsv", ".txt", ".conll", ".iob", ".bio")
# Files that say something of the data and are none.
ABOUT = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "license.txt", "readme.txt")
SPLITS = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "valid": "dev",
    "validation": "dev",
    "val": "dev",
    "test": "test",
    "eval": "test",
}


def files_of(folder: Path) -> list[Path]:
    """The data files of a folder, sorted by name. DataError if there are none, or of several splits."""
    try:
        inside = sorted(folder.iterdir())
    except OSError as e:
        raise DataError(f"cannot be read: {e.strerror}", where=str(folder)) from None
    files = [
        p for p in inside if p.is_file() and not p.name.startswith((".", "_")) and p.suffix.lower() in ENDINGS
    ]
    files = [p for p in files if p.name.lower() not in ABOUT and not p.name.endswith(SUFFIX)]
    if not files:
        folders = [p.name for p in inside if p.is_dir() and not p.name.startswith(".")]
        raise DataError(
            f"a folder without data files ({', '.join(ENDINGS)})",
            where=str(folder),
            cure=f"name one of its folders: {', '.join(folders[:8])}" if folders else "check the path",
        )
    by_split = {split_of(p.stem): p.name for p in files}
    by_split.pop("", None)
    if len(by_split) > 1:
        # Reading train and dev as one would hide that they are two.
        raise DataError(
            f"a folder with several splits: {', '.join(sorted(by_split.values()))}",
            where=str(folder),
            cure="name one file, or use --against with two",
        )
    return files


def split_of(stem: str) -> str:
    """train, dev or test as a file's name tells; "" where it does not."""
    found = {SPLITS[word] for word in re.split(r"[^a-z]+", stem.lower()) if word in SPLITS}
    return found.pop() if len(found) == 1 else ""
