"""Plain text as a task: nothing is labelled, a model foretells what was hidden from it.

Row: {"id": "t1", "text": "Ada left.", "first": "Who left?"}; ``first`` is a second text to read together with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from finetooth import io
from finetooth.errors import DataError, UsageError
from finetooth.registry import Metric, Targets, Task
from finetooth.types import Example, Prediction


@dataclass(frozen=True, slots=True)
class TextInput:
    text: str
    first: str = ""


def from_row(row: Mapping[str, Any], where: str) -> Example:
    text, first = row.get("text"), row.get("first", "")
    if not isinstance(text, str) or not isinstance(first, str):
        raise DataError("text: expected a string", where=where, cure='as in {"text": "Ada left."}')
    return example(text, first)


def example(text: str, first: str = "") -> Example:
    return Example(io.content_id(text, first), TextInput(text, first), None)


def to_row(e: Example) -> dict[str, Any]:
    return {"id": e.id, "text": e.inputs.text, "first": e.inputs.first}


def gold(e: Example) -> Prediction:
    return Prediction(e.id, "", 1.0, {"right": 1.0, "asked": 1.0, "loss": 0.0})


def counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """(n, 3): right, asked, summed loss in nats. A missing prediction is one wrong token of probability 1 in 1,000."""
    missing = {"right": 0.0, "asked": 1.0, "loss": float(np.log(1000))}
    raw = [p.raw if p is not None else missing for p in predictions]
    return np.array([[r["right"], r["asked"], r["loss"]] for r in raw], float)


def accuracy(sums: np.ndarray) -> np.ndarray:
    return 100 * sums[..., 0] / np.maximum(sums[..., 1], 1)


def loss(sums: np.ndarray) -> np.ndarray:
    return sums[..., 2] / np.maximum(sums[..., 1], 1)


def itself(value: Any, e: Example | None = None) -> Any:
    return value


def identity(e: Example) -> str:
    return e.id


def task(heads: tuple[str, ...]) -> Task:
    """The task, for pretraining alone: it is not registered, since there is nothing to check or to compare."""
    return Task(
        name="text",
        summary="text without labels",
        from_row=from_row,
        to_row=to_row,
        gold=gold,
        parse=itself,
        show=itself,
        metrics=(
            Metric("loss", counts, loss, "cross-entropy in nats", higher_is_better=False),
            Metric("accuracy", counts, accuracy),
        ),
        main_metric="loss",
        heads=heads,
        group=identity,
    )


def from_examples(examples: Sequence[Example], *, pairs: bool = False) -> list[Example]:
    """Each different text of a data set: the input that is longest on the whole, such as the context.

    With ``pairs`` the others come before it, as fine-tuning will read them: question and context.
    """
    if not examples:
        return []
    names = [
        f.name for f in fields(examples[0].inputs) if isinstance(getattr(examples[0].inputs, f.name), str)
    ]
    if not names:
        raise UsageError("the examples of this task hold no text", cure="pretrain.texts=FILE")
    longest = max(names, key=lambda n: sum(len(getattr(e.inputs, n)) for e in examples))
    others = [n for n in names if n != longest] if pairs else []
    made = {}
    for e in examples:
        text = getattr(e.inputs, longest)
        found = example(text, " ".join(getattr(e.inputs, n) for n in others))
        if text.strip():
            made[found.id] = found
    return list(made.values())


def from_file(path: str | Path) -> list[Example]:
    """Paragraphs (a blank line ends one) of a text file, or rows with ``text``: JSON, JSON Lines, Parquet.

    Raises DataError for a file that is not there, cannot be read or has no text.
    """
    source = io.Source(path)
    source.refuse_unreadable()
    if source.is_parquet or source.starts_with in ("{", "["):
        listed = [from_row(row, where) for where, row in source.rows()]
    else:
        listed = [example(" ".join(block.split())) for block in re.split(r"\n\s*\n", source.text)]
    listed = [e for e in listed if e.inputs.text.strip()]
    if not listed:
        raise DataError("no text in it", where=str(path), cure="paragraphs, or rows with text")
    return list({e.id: e for e in listed}.values())
