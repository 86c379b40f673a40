"""Wrong targets with known truth, for measuring who finds them: uniform (anybody's slip) or systematic (a habit).

      uniform                                         systematic
qa    another span of the context, 1 to 5 words       the answer to another question on the same context
nli   any other label                                 each label becomes one certain other
ner   a mention lost or of another type               each type becomes one certain other
json  a leaf of another answer of the same schema     the first number ten times as large
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from finetooth.tasks.json import JsonTarget
from finetooth.tasks.nli import NliTarget
from finetooth.tasks.qa import QATarget
from finetooth.text import normalize_answer, word_offsets
from finetooth.types import Example, Span

KINDS = ("uniform", "systematic")


def plant(
    examples: Sequence[Example], task: str, kind: str, rate: float, rng: np.random.Generator
) -> tuple[list[Example], np.ndarray]:
    """(examples with ``rate`` of them made wrong, (n,) which). Those that cannot be made wrong are passed over."""
    make = {"qa": _Qa, "nli": _Nli, "ner": _Ner, "json": _Json}[task](examples, kind, rng)
    made, wrong = list(examples), np.zeros(len(examples), bool)
    wanted = round(rate * len(examples))
    for i in rng.permutation(len(examples)):
        if wrong.sum() == wanted:
            break
        target = make(examples[i])
        if target is not None:
            made[i], wrong[i] = replace(examples[i], target=target), True
    return made, wrong


class _Qa:
    def __init__(self, examples: Sequence[Example], kind: str, rng: np.random.Generator) -> None:
        self.kind, self.rng = kind, rng
        self.others: dict[str, list[Span]] = {}
        for e in examples:
            self.others.setdefault(e.inputs.context, []).extend(e.target.answers[:1])

    def __call__(self, example: Example) -> QATarget | None:
        context, answers = example.inputs.context, example.target.answers
        if not answers:
            return None
        golds = {normalize_answer(a.text) for a in answers}
        if self.kind == "systematic":
            others = [s for s in self.others[context] if normalize_answer(s.text) not in golds]
            return QATarget((others[self.rng.integers(len(others))],)) if others else None
        places = word_offsets(context)
        for _ in range(50):
            first = int(self.rng.integers(len(places)))
            last = min(first + int(self.rng.integers(0, 5)), len(places) - 1)
            start, end = places[first][0], places[last][1]
            apart = all(end <= a.start or start >= a.end for a in answers)
            if apart and normalize_answer(context[start:end]) not in golds | {""}:
                return QATarget((Span(start, end, context[start:end]),))
        return None


class _Nli:
    def __init__(self, examples: Sequence[Example], kind: str, rng: np.random.Generator) -> None:
        self.kind, self.rng = kind, rng
        self.labels = sorted({e.target.label for e in examples})

    def __call__(self, example: Example) -> NliTarget:
        at = self.labels.index(example.target.label)
        step = 1 if self.kind == "systematic" else int(self.rng.integers(1, len(self.labels)))
        return NliTarget(self.labels[(at + step) % len(self.labels)])


class _Ner:
    def __init__(self, examples: Sequence[Example], kind: str, rng: np.random.Generator) -> None:
        self.kind, self.rng = kind, rng
        self.types = sorted({s.type for e in examples for s in e.target.entities})

    def __call__(self, example: Example) -> Any:
        spans = list(example.target.entities)
        if not spans:
            return None
        if self.kind == "systematic":
            spans = [replace(s, type=self._other(s.type, 1)) for s in spans]
        else:
            i = int(self.rng.integers(len(spans)))
            if self.rng.random() < 0.5:
                del spans[i]
            else:
                step = int(self.rng.integers(1, len(self.types)))
                spans[i] = replace(spans[i], type=self._other(spans[i].type, step))
        return replace(example.target, entities=tuple(spans), tags=None)

    def _other(self, kind: str, step: int) -> str:
        return self.types[(self.types.index(kind) + step) % len(self.types)]


class _Json:
    def __init__(self, examples: Sequence[Example], kind: str, rng: np.random.Generator) -> None:
        self.kind, self.rng = kind, rng
        self.values: dict[tuple[str, Any], list[Any]] = {}
        for e in examples:
            for path, value in leaves(e.target.value):
                self.values.setdefault((e.inputs.schema_id, path), []).append(value)

    def __call__(self, example: Example) -> JsonTarget | None:
        found = leaves(example.target.value)
        if self.kind == "systematic":
            numbers = [
                (p, v) for p, v in found if isinstance(v, (int, float)) and not isinstance(v, bool) and v
            ]
            return self._with(example, numbers[0][0], numbers[0][1] * 10) if numbers else None
        for k in self.rng.permutation(len(found)):
            path, value = found[k]
            others = [v for v in self.values[example.inputs.schema_id, path] if v != value]
            if others:
                return self._with(example, path, others[int(self.rng.integers(len(others)))])
        return None

    def _with(self, example: Example, path: tuple[Any, ...], value: Any) -> JsonTarget:
        made = copy.deepcopy(example.target.value)
        inner = made
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        return JsonTarget(made)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """(path, value) of every leaf of a JSON value."""
    if isinstance(value, dict):
        return [leaf for k, v in value.items() for leaf in leaves(v, (*path, k))]
    if isinstance(value, list):
        return [leaf for i, v in enumerate(value) for leaf in leaves(v, (*path, i))]
    return [(path, value)]
