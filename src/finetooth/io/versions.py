"""Versions of a data set: a manifest beside it says where it came from, what changed, why it is deprecated.

train.json.version.json:
{"fingerprint": "9f...", "parent": "77...", "changed": "dropped 12 rows", "deprecated": "totals do not add up"}
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from finetooth.errors import DataError, UsageError
from finetooth.io.parse import parse_json
from finetooth.io.write import write_json
from finetooth.types import Dataset

SUFFIX = ".version.json"
KEYS = ("fingerprint", "parent", "changed", "deprecated", "made")


def manifest_path(source: str | Path) -> Path:
    """Beside the file, or beside the folder, that the data are read from."""
    source = Path(source)
    return source.with_name(source.name + SUFFIX)


def manifest_of(source: str | Path) -> dict[str, Any] | None:
    """The manifest beside a data file, None where there is none.

    Raises DataError for one that cannot be read, or whose values are not texts.
    """
    if str(source).startswith("hub:") or not Path(source).name:
        return None
    path = manifest_path(source)
    if not path.is_file():
        return None
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise DataError(f"cannot be read: {e}", where=str(path)) from None
    value = parse_json(text, str(path))
    if not isinstance(value, dict):
        raise DataError(f"expected an object with {', '.join(KEYS)}", where=str(path))
    for key in KEYS:
        if not isinstance(value.get(key), str | None):
            raise DataError(f"{key}: expected a text, found {value[key]!r}", where=str(path))
    return value


def write_manifest(
    data: Dataset, *, parent: str | None = None, changed: str = "", deprecated: str = ""
) -> Path:
    """Writes the manifest of a data set beside its file; times are UTC. Raises UsageError for data of no file."""
    if data.source.startswith("hub:") or not Path(data.source).exists():
        raise UsageError(
            "only files and folders have a manifest beside them",
            where=data.source,
            cure="save the data first",
        )
    path = manifest_path(data.source)
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    values = (data.fingerprint, parent, changed, deprecated, made)
    write_json(path, dict(zip(KEYS, values, strict=True)))
    return path


def deprecated(source: Any) -> str:
    """Why the data of a file are deprecated, by the manifest beside them; "" if they are not."""
    manifest = manifest_of(source) if source else None
    return str((manifest or {}).get("deprecated") or "")


def warning(data: Dataset) -> str:
    """What to say before these data are used: deprecated, or not what the manifest was written for; "" if neither."""
    manifest = manifest_of(data.source)
    if manifest is None:
        return ""
    if manifest.get("deprecated"):
        return f"{data.source} is deprecated: {manifest['deprecated']}"
    if manifest.get("fingerprint") not in (None, data.fingerprint):
        return (
            f"{data.source} has changed since its manifest was written "
            f"({manifest['fingerprint']}, now {data.fingerprint})"
        )
    return ""
