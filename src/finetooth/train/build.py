"""The head and the model that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetooth.config import Config
from finetooth.errors import ConfigError
from finetooth.models.head import Head
from finetooth.registry import Task
from finetooth.types import Example


@dataclass(frozen=True)
class Built:
    """A head and how to make its model: each call gives the same fresh weights. ``folder``: the base model's, if it has one."""

    head: Head
    model: Callable[[], Any]
    folder: Path | None = None


def head_name(config: Config, task: Task) -> str:
    """The head by name; "auto" is the task's first. Raises ConfigError for one the task cannot use."""
    if config.model.head == "auto":
        return task.heads[0]
    if config.model.head not in task.heads:
        raise ConfigError(
            f"model.head: {task.name} cannot be learnt by {config.model.head!r}",
            cure=f"one of {', '.join(task.heads)}, or auto",
        )
    return config.model.head


def default(config: Config, task: Task, examples: Sequence[Example], *, weights: bool = True) -> Built:
    """By the name of the model: its folder and tokenizer, the task's labels, the head, what of it is trained.

    Without ``weights`` a hub model's are not downloaded: enough for an estimate.

    Raises UsageError for a name that leads nowhere, DataError for a folder that cannot be used.
    """
    import torch

    from finetooth.models.adapt import adapt
    from finetooth.models.folders import outline, resolve
    from finetooth.models.load import build_head
    from finetooth.models.scratch.source import folder_of, is_scratch, texts_of

    if is_scratch(config.model.name):
        folder = folder_of(config.model, lambda: texts_of(examples))
    else:
        folder = resolve(config.model.name) if weights else outline(config.model.name)
    labels = task.labels(examples) if task.labels is not None else ()
    head = build_head(task, config.model, labels, head_name(config, task), folder)

    def model() -> Any:
        made = head.build(folder, seed=config.seed)
        # Adapters are drawn too, and each call must draw the same.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            return adapt(made, config.model)

    return Built(head, model, folder)
