"""Schemas of a folder that refer to each other, made whole: each file that is referred to becomes one of ``$defs``.

order.json: {"properties": {"to": {"$ref": "address.json#/$defs/home"}}}
-> {"properties": {"to": {"$ref": "#/$defs/address.json/$defs/home"}}, "$defs": {"address.json": {...}}}

Only files are read that stand in the folder of the schema, or in the one above it. What else is referred to stays as it
is, and no-schema names it: nothing is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io.parse import parse_json


def bundled(schema: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """The schema with the files that it refers to, if any, under ``$defs``; ``path`` is where it stands."""
    if '"$ref"' not in json.dumps(schema):
        return schema
    found: dict[Path, str] = {}
    made: dict[str, Any] = {}
    whole = _rewritten(schema, path.resolve(), "", found, made, path.resolve())
    if not made:
        return schema
    return {**whole, "$defs": {**whole.get("$defs", {}), **made}}


def _rewritten(
    node: Any, here: Path, at: str, found: dict[Path, str], made: dict[str, Any], root: Path
) -> Any:
    """A part of the file ``here``, which stands at the pointer ``at``, with its references pointing within the whole."""
    if isinstance(node, list):
        return [_rewritten(x, here, at, found, made, root) for x in node]
    if not isinstance(node, Mapping):
        return node
    new = {k: _rewritten(v, here, at, found, made, root) for k, v in node.items()}
    reference = node.get("$ref")
    if isinstance(reference, str):
        name, _, fragment = reference.partition("#")
        file = _file(name, here) if name else here
        if file is not None:
            if file == root:
                new["$ref"] = f"#{fragment}"
            elif file == here:
                new["$ref"] = f"#{at}{fragment}"
            else:
                new["$ref"] = f"#{_taken_in(file, found, made, root)}{fragment}"
    return new


def _taken_in(file: Path, found: dict[Path, str], made: dict[str, Any], root: Path) -> str:
    """The pointer to a file's schema within the whole, which it is put into at the first time."""
    if file not in found:
        name = re.sub(r"[^\w.-]", "-", file.name)
        while name in made:
            name = f"{file.parent.name}-{name}"
        found[file] = f"/$defs/{name}"
        made[name] = {}
        # An identifier of its own would make its pointers start from itself.
        plain = {k: v for k, v in (_read(file) or {}).items() if k not in ("$id", "$schema")}
        made[name] = _rewritten(plain, file, found[file], found, made, root)
    return found[file]


def _file(name: str, here: Path) -> Path | None:
    """The file that a reference names: beside ``here`` by its path, or by the ``$id`` that it gives itself."""
    if "://" not in name:
        file = (here.parent / name).resolve()
        inside = file.is_relative_to(here.parent.parent) and file.suffix == ".json"
        return file if inside and file.is_file() and _read(file) is not None else None
    return _ids(here.parent, here.parent.stat().st_mtime_ns).get(name)


@lru_cache(maxsize=8)
def _ids(folder: Path, changed: int) -> dict[str, Path]:
    made = {}
    for file in sorted(folder.glob("*.json")):
        name = (_read(file) or {}).get("$id")
        if isinstance(name, str):
            made[name.rstrip("#")] = file
    return made


def _read(file: Path) -> Mapping[str, Any] | None:
    try:
        schema = parse_json(file.read_text("utf-8"), str(file))
    except (OSError, DataError, UnicodeDecodeError):
        return None
    return schema if isinstance(schema, Mapping) else None
