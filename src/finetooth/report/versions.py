"""Versions of a data set: a manifest beside it says where it came from, what changed, why it is deprecated.

train.json.version.json:
{"fingerprint": "9f...", "parent": "77...", "changed": "dropped 12 rows", "deprecated": "totals do not add up"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetooth import io
from finetooth.errors import DataError
from finetooth.types import Dataset

SUFFIX = ".version.json"
KEYS = ("fingerprint", "parent", "changed", "deprecated", "made")


def manifest_path(source: str | Path) -> Path:
    source = Path(source)
    return source.with_name(source.name + SUFFIX)


def manifest_of(source: str | Path) -> dict[str, Any] | None:
    """The manifest beside a data file, None where there is none. Raises DataError for one that cannot be read."""
    path = manifest_path(source)
    if str(source).startswith("hub:") or not path.is_file():
        return None
    value = io.parse_json(path.read_text("utf-8"), str(path))
    if not isinstance(value, dict):
        raise DataError(f"expected an object with {', '.join(KEYS)}", where=str(path))
    return value


def write_manifest(
    data: Dataset, *, parent: str | None = None, changed: str = "", deprecated: str = ""
) -> Path:
    """Writes the manifest of a data set beside its file."""
    from finetooth.runs import now

    path = manifest_path(data.source)
    io.write_json(
        path,
        {
            "fingerprint": data.fingerprint,
            "parent": parent,
            "changed": changed,
            "deprecated": deprecated,
            "made": now(),
        },
    )
    return path


def warning(data: Dataset) -> str | None:
    """What to say before training on this data: deprecated, or not what its manifest was written for."""
    manifest = manifest_of(data.source)
    if manifest is None:
        return None
    if manifest.get("deprecated"):
        return f"{data.source} is deprecated: {manifest['deprecated']}"
    if manifest.get("fingerprint") not in (None, data.fingerprint):
        return f"{data.source} has changed since its manifest was written ({manifest['fingerprint']}, now {data.fingerprint})"
    return None
