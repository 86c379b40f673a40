"""Relations between entities that another model found: what a document without labels would get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finetooth.errors import UsageError
from finetooth.models.head import Progress
from finetooth.tasks.relation import as_ner, from_spans, rebase
from finetooth.types import Example, Prediction


class WithEntities:
    """A relation head whose documents get their entities from a model of named entities.

    Spans of one name and type are one entity. Triples are told over the example's own entities, so that
    they can be scored; one whose head or tail is none of those counts as wrong.
    """

    def __init__(self, relations: Any, mentions: Any, mentions_model: Any) -> None:
        for head, task in ((relations, "relation"), (mentions, "ner")):
            if head.task.name != task:
                raise UsageError(f"expected a run of the task {task}, found one of {head.task.name}")
        self.relations, self.mentions, self.mentions_model = relations, mentions, mentions_model
        self.name, self.task = relations.name, relations.task

    def predict(
        self,
        model: Any,
        examples: Sequence[Example],
        *,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
    ) -> list[Prediction]:
        """``model`` is that of the relations; ``raw`` of a prediction is what it made of the found entities."""

        def half(second: bool) -> Progress | None:
            if progress is None:
                return None
            return lambda done, of: progress(done + second * of, 2 * of)

        plain = [as_ner(e) for e in examples]
        found = self.mentions.predict(
            self.mentions_model, plain, batch_tokens=batch_tokens, progress=half(False)
        )
        changed = [
            from_spans(e, p.target.entities if p.target is not None else ())
            for e, p in zip(examples, found, strict=True)
        ]
        made = self.relations.predict(model, changed, batch_tokens=batch_tokens, progress=half(True))
        return [
            Prediction(
                e.id,
                rebase(p.target, c.inputs, e) if p.target is not None else None,
                p.confidence,
                p.raw,
            )
            for e, c, p in zip(examples, changed, made, strict=True)
        ]
