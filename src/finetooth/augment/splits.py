"""Which split data is, as its name and its rows tell: dev and test are not augmented."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from finetooth.errors import UsageError
from finetooth.readers._folder import SPLITS, split_of
from finetooth.types import Example

WHY = (
    "an augmented dev or test set measures the augmentation: its copies count one document several times, "
    "and its score compares with nobody's"
)


def refuse_held_out(data: str, examples: Sequence[Example]) -> None:
    """UsageError for data that is called dev or test: by file, by folder, by hub split, by the rows' meta."""
    for found, where in _told(data, examples):
        if SPLITS.get(found) in ("dev", "test"):
            raise UsageError(
                f"this is the {SPLITS[found]} split ({where}); {WHY}",
                where=data,
                cure="augment the training split, or give --allow-dev",
            )


def _told(data: str, examples: Sequence[Example]):
    if data.startswith("hub:"):
        split = data.partition("@")[2]
        yield split_of(split), f"hub split {split}"
    else:
        path = Path(data).resolve()
        yield split_of(path.stem), f"the name {path.name}"
        yield path.parent.name.casefold(), f"the folder {path.parent.name}"
        yield path.name.casefold(), f"the folder {path.name}"
        if path.is_dir():
            for inside in sorted(path.iterdir()):
                if inside.is_file():
                    yield split_of(inside.stem), f"its file {inside.name}"
    for example in examples:
        told = example.meta.get("split")
        if isinstance(told, str) and told.casefold() in SPLITS:
            yield told.casefold(), f"meta split of {example.id}"
