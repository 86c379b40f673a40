"""Says or shows what version a data set is: its parent, what changed, and why it is deprecated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth import readers
from finetooth.cli._output import Json, emit, say
from finetooth.io import versions


def command(
    data: Annotated[str, typer.Argument(help="A file or a folder.")],
    parent: Annotated[
        str | None, typer.Option(help="What it was made from: a file, or a fingerprint.")
    ] = None,
    changed: Annotated[str | None, typer.Option(help="What is different from its parent.")] = None,
    deprecate: Annotated[
        str | None, typer.Option(help="Why nobody should train on it any more; '' takes it back.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="The task, where the content does not tell.")] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content does not tell.")] = None,
    json: Json = False,
) -> int:
    """Written to DATA.version.json. Exit code 1 where the data are deprecated, or not what it was written for."""
    dataset = readers.load(data, task=task, format=format)
    known: dict[str, Any] = versions.manifest_of(dataset.source) or {}
    writes = any(x is not None for x in (parent, changed, deprecate))
    if writes:
        path = versions.write_manifest(
            dataset,
            parent=known.get("parent") if parent is None else _fingerprint(parent),
            changed=(known.get("changed") or "") if changed is None else changed,
            deprecated=(known.get("deprecated") or "") if deprecate is None else deprecate,
        )
        known = versions.manifest_of(dataset.source) or {}
        say(str(path))
    warning = versions.warning(dataset)
    if json:
        emit(
            {
                "data": dataset.source,
                "fingerprint": dataset.fingerprint,
                "manifest": known or None,
                "warning": warning,
            }
        )
    else:
        print(f"{dataset.source}: {len(dataset):,} examples, fingerprint {dataset.fingerprint}")
        for key in ("parent", "changed", "made"):
            if known.get(key):
                print(f"{key}: {known[key]}")
        if not known:
            say("no manifest; --changed, --parent or --deprecate writes one")
        if warning:
            say(f"warning: {warning}")
    return int(bool(warning) and not writes)


def _fingerprint(parent: str) -> str:
    return readers.load(parent).fingerprint if Path(parent).exists() else parent
