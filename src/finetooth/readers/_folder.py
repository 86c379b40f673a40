"""A folder of files of one format is one data set: shards of JSONL, one JSON document an article..."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path

from finetooth.errors import DataError
from finetooth.io import Source
from finetooth.io.kinds import refuse_binary
from finetooth.io.packed import ENDINGS as READ_PACKED
from finetooth.io.versions import SUFFIX
from finetooth.text import many

ENDINGS = (".jsonl", ".json", ".ndjson", ".parquet", ".csv", ".tsv", ".txt", ".conll", ".iob", ".bio")
# What may hold rows and cannot be read: to leave it out would lose them without a word.
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tgz", ".arrow", ".feather")
CACHED = re.compile(
    r"cache-\w+\.arrow"
)  # what ``datasets`` keeps of a map or filter: made from the data, not data
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
    """The data files of a folder, sorted by name.

    DataError if there are none, of several splits, or if some are packed and not unpacked beside it. Caches of
    ``datasets``, and a zip that holds no shard by its name and its list of files, are left out with a line on
    standard error.
    """
    try:
        inside = sorted(folder.iterdir())
    except OSError as e:
        raise DataError(f"cannot be read: {e.strerror}", where=str(folder)) from None
    names = {p.name for p in inside}
    files = [p for p in inside if p.is_file() and not p.name.startswith((".", "_")) and _is_data(p, names)]
    files = [p for p in files if p.name.lower() not in ABOUT and not p.name.endswith(SUFFIX)]
    _refuse_packed(folder, inside, files)
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


def _is_data(path: Path, names: Collection[str]) -> bool:
    """Whether its ending is one of data, packed ones too where the same does not stand unpacked beside it."""
    if path.suffix.lower() in READ_PACKED:
        return path.stem not in names and Path(path.stem).suffix.lower() in ENDINGS
    return path.suffix.lower() in ENDINGS


def _refuse_packed(folder: Path, inside: Sequence[Path], files: Sequence[Path]) -> None:
    """DataError that names what is packed, unless the same stands unpacked beside it (data.jsonl by data.jsonl.gz)."""
    unpacked = {p.name for p in inside} | {p.stem for p in inside if p.suffix.lower() not in PACKED}
    packed = [
        p
        for p in inside
        if p.is_file()
        and p not in files
        and p.suffix.lower() in PACKED
        and not p.name.startswith((".", "_"))
        and p.stem not in unpacked
    ]
    beside = [p for p in packed if files and (CACHED.fullmatch(p.name) or _no_shard(p, files))]
    packed = [p for p in packed if p not in beside]
    if not packed:
        for path in beside:
            sys.stderr.write(f"{folder}: {path.name} is not read: it looks like none of the data\n")
        return
    names = ", ".join(p.name for p in packed[:4]) + (", ..." if len(packed) > 4 else "")
    try:
        refuse_binary(Source(packed[0]).head, str(packed[0]))
        cure = "write it as Parquet or JSON Lines"
    except DataError as e:
        cure = e.cure
    raise DataError(
        f"a folder with {many(len(packed), 'file')} that cannot be read as {'it is' if len(packed) == 1 else 'they are'}:"
        f" {names}",
        where=str(folder),
        cure=f"{cure}; or name one file" + ("" if len(packed) == 1 else "; the same for the others"),
    )


def _no_shard(path: Path, files: Sequence[Path]) -> bool:
    """Whether a zip beside data files is none of them packed: neither its name nor a name within is like theirs."""
    if path.suffix.lower() != ".zip" or Path(path.stem).suffix.lower() in ENDINGS or split_of(path.stem):
        return False
    if _words(path.stem) in {_words(f.stem) for f in files}:  # part-2.zip beside part-1.jsonl
        return False
    try:
        with zipfile.ZipFile(path) as packed:
            within = [Path(name) for name in packed.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False  # nobody can say what it holds
    here, endings = {f.name for f in files}, {f.suffix.lower() for f in files}
    return not any(name.suffix.lower() in endings and name.name not in here for name in within)


def _words(stem: str) -> str:
    """A name without its numbers."""
    return re.sub(r"[\W\d_]+", " ", stem.lower()).strip()


def split_of(stem: str) -> str:
    """train, dev or test as a file's name tells; "" where it does not."""
    found = {SPLITS[word] for word in re.split(r"[^a-z]+", stem.lower()) if word in SPLITS}
    return found.pop() if len(found) == 1 else ""
