"""Long texts asked about stretch by stretch: the parts of examples, and their answers put together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finetooth.registry import Task
from finetooth.types import Example, Prediction


@dataclass(frozen=True, slots=True)
class Part:
    """What is asked about at once: example number ``example``, or the stretch of it that begins at ``where``."""

    example: int
    where: int
    of: Example


def parts_of(task: Task, examples: Sequence[Example], characters: int) -> list[Part]:
    """Stretches of at most so many characters, in order; with 0 each example is one part, as it is."""
    if not characters or task.split is None:
        return [Part(i, 0, e) for i, e in enumerate(examples)]
    return [Part(i, where, of) for i, e in enumerate(examples) for where, of in task.split(e, characters)]


class Answers:
    """What was answered to each part, and so to each example."""

    def __init__(
        self, task: Task, examples: Sequence[Example], parts: Sequence[Part], *, split: bool
    ) -> None:
        self.task, self.examples, self.parts, self.split = task, examples, parts, split
        self.made: list[Prediction | None] = [None] * len(parts)
        self.places: list[list[int]] = [[] for _ in examples]
        for k, part in enumerate(parts):
            self.places[part.example].append(k)

    def add(self, new: Mapping[int, Prediction]) -> list[int]:
        """Takes answers by place of their part; the examples that are complete now and were not before."""
        for k, prediction in new.items():
            self.made[k] = prediction
        touched = dict.fromkeys(self.parts[k].example for k in new)
        return [i for i in touched if all(self.made[k] is not None for k in self.places[i])]

    def whole(self, i: int) -> Prediction:
        """The answer to example ``i``: of stretches ``raw`` is the list of their texts, the confidence the least.

        What of the stretches could be read is put together; the target is None where nothing could.
        """
        found = [(self.parts[k], p) for k in self.places[i] if (p := self.made[k]) is not None]
        if not self.split:
            return found[0][1]
        assert self.task.join is not None
        read = [(part.where, p.target) for part, p in found if p.target is not None]
        said = [p.raw for _, p in found if p.raw is not None]
        return Prediction(
            self.examples[i].id,
            self.task.join(read) if read else None,
            min((p.confidence or 0.0 for _, p in found), default=0.0),
            said or None,
        )
