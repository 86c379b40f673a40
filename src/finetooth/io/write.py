"""Writing files that are whole or not there, values as JSON, and fingerprints."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import IO, Any

from finetooth.errors import UsageError


def to_json(value: Any, *, indent: int | None = None) -> str:
    """JSON with keys as given, real characters, dataclasses as objects; NaN becomes null.

    A text that holds half of a UTF-16 pair is written in escapes: no file in UTF-8 can hold it.
    """
    value = plain(value)
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value, ensure_ascii=True, indent=indent, allow_nan=False)
    return text


def plain(value: Any) -> Any:
    """Dataclasses, tuples, numpy values and paths as what JSON has."""
    if isinstance(value, (str, int, bool)) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value)


@contextmanager
def atomic(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Opens a temporary neighbour of ``path``, synced and renamed over it at the end: whole or not there.

    A link is followed, a pipe or device written to as it is. Raises UsageError where that cannot be.
    """
    path = Path(path)
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    try:
        if path.is_dir():
            raise UsageError("a folder, expected a file to write", where=str(path), cure="add a file name")
        stream = path.open(mode, **text) if path.exists() and not path.is_file() else None
        if stream is None:
            path = path.resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".tmp")
    except (OSError, ValueError) as e:
        reason = getattr(e, "strerror", None) or e
        raise UsageError(f"cannot be written: {reason}", where=str(path)) from None
    if stream is not None:
        with stream:
            yield stream
        return
    try:
        with os.fdopen(handle, mode, **text) as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException as e:
        Path(name).unlink(missing_ok=True)
        if isinstance(e, OSError) and e.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise UsageError(f"cannot be written: {e.strerror}", where=str(path), cure="make room") from None
        raise


def write_json(path: str | Path, value: Any) -> None:
    with atomic(path) as f:
        f.write(to_json(value, indent=2) + "\n")


def write_jsonl(path: str | Path, rows: Iterable[Any]) -> int:
    """One JSON value a line; how many."""
    n = 0
    with atomic(path) as f:
        for row in rows:
            f.write(to_json(row) + "\n")
            n += 1
    return n


def fingerprint(values: Iterable[Any]) -> str:
    """16 hex digits (of SHA-256) of JSON values in their order; the same on every machine."""
    made = Fingerprint()
    for value in values:
        made.add(value)
    return str(made)


class Fingerprint:
    """``fingerprint`` of values as they come."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, value: Any) -> None:
        self._digest.update(json.dumps(plain(value), sort_keys=True, ensure_ascii=True).encode() + b"\n")

    def __str__(self) -> str:
        return self._digest.hexdigest()[:16]


def content_id(*parts: str) -> str:
    """A stable id for a row that has none: a hash of what it says."""
    return "row-" + hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def fingerprint_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits."""
    with Path(path).open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def chunks(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for at in range(0, len(values), size):
        yield values[at : at + size]
