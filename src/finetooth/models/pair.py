"""The ``pair`` head: a class for two sentences (nli), or relations for every two entities of a document.

Which of the two is the task's matter: ``pair_sentences`` and ``pair_relations`` say how.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finetooth.config import ModelConfig
from finetooth.errors import ConfigError
from finetooth.models.pair_relations import RelationsHead
from finetooth.models.pair_sentences import SentencesHead
from finetooth.registry import Task

KINDS: dict[str, Any] = {"nli": SentencesHead, "relation": RelationsHead}


def head(
    task: Task,
    tokenizer: Any,
    options: ModelConfig,
    labels: Sequence[str] = (),
    *,
    thresholds: dict[str, float] | None = None,
    state: dict[str, Any] | None = None,
) -> Any:
    """The pair head of a task, see ``models.head.Head``. Raises ConfigError for a task that has no pairs."""
    if task.name not in KINDS:
        raise ConfigError(f"model.head: pair does not know what the pairs of the task {task.name} are")
    return KINDS[task.name](task, tokenizer, options, labels, thresholds=thresholds, state=state)


HEAD = head
