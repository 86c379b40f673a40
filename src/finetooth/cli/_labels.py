"""``--labels 0=not_entailed,1=entailed``: what the labels of a file are to be called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth.errors import UsageError

Labels = Annotated[
    str | None,
    typer.Option(
        "--labels",
        help="Of inference pairs: what the file's labels are to be called, as 0=not_entailed,1=entailed.",
    ),
]


def reading(schemas: Any = None, labels: str | None = None) -> dict[str, Any]:
    """The options of ``readers.load`` that were given. Raises UsageError for labels that are no mapping,
    and for a folder that is not there."""
    made: dict[str, Any] = {"schemas": schemas} if schemas else {}
    if schemas and not Path(schemas).exists():
        raise UsageError(f"there is no folder {str(schemas)!r}", cure="check what --schemas says")
    if labels is not None:
        from finetooth.config import read_labels

        try:
            made["labels"] = read_labels(labels)
        except ValueError as e:
            raise UsageError(f"--labels: {e}", cure="as in --labels 0=not_entailed,1=entailed") from None
    return made
