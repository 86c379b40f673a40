"""A base model where a command expects a run: which of the two a name is, and what the model needs to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetooth import readers, registry
from finetooth.cli._labels import reading
from finetooth.cli._output import say, told_notes
from finetooth.errors import UsageError
from finetooth.runs import Run
from finetooth.types import Dataset


@dataclass(frozen=True)
class OpenBase:
    """See ``evaluate.base.Base``; ``data`` is what is asked, ``train`` the training set where one was named."""

    run: Run
    head: Any
    model: Any
    data: Dataset
    train: Dataset | None


def is_base(name: str, *, asked: bool) -> bool:
    """Whether ``name`` is a base model and no run; ``asked``: an option of one was given. UsageError for neither."""
    from finetooth.evaluate.base import is_model, is_run

    if is_model(name, asked=asked):
        return True
    if not is_run(name):
        raise UsageError(
            "no run here (no run.json)",
            where=name,
            cure="give the folder that train made; a base model from the hub is asked with --task",
        )
    if asked:
        raise UsageError("--task, --head, --option and --out are for a base model, this is a run", where=name)
    return False


def open_base(
    name: str,
    data: str | None,
    *,
    task: str | None,
    head: str | None,
    options: Sequence[str],
    schemas: Path | None,
    labels: str | None,
    format: str | None,
    train: str | None,
    seed: int,
    out: Path | None,
    constrain: bool,
) -> OpenBase:
    """The data, then the model, which says on standard error that it is untrained.

    Raises UsageError where there are no data, ConfigError for a head that cannot answer before it is trained.
    """
    from finetooth.evaluate import base

    if data is None:
        raise UsageError(
            "a base model has no data of its own", where=name, cure="name the data to score it on"
        )
    given = reading(schemas, labels)
    dataset = readers.load(data, task=task, format=format, **given)
    told_notes(dataset)
    of = registry.task(dataset.task)
    config = base.configure(
        name, of, data=data, train=train, schemas=None if schemas is None else str(schemas), head=head,
        labels=given.get("labels"),
        options=options, seed=seed, out=None if out is None else str(out),
    )  # fmt: skip
    seen = readers.load(train, task=of.name, **given) if train else None
    made = base.load(config, of, (seen or dataset).examples)
    if constrain:
        made.head.constrain = True
    say(made.note)
    return OpenBase(made.run, made.head, made.model, dataset, seen)
