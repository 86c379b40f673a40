"""What NER scores without reading: ``O`` everywhere, and a list of the training set's mentions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from finetooth.registry import Floor
from finetooth.tasks.documents import LabelledSpan, NerTarget
from finetooth.tasks.mentions import word_spans
from finetooth.types import Example, Prediction, Span

Names = dict[tuple[str, ...], str]


def all_o(
    examples: Sequence[Example], train: Sequence[Example], rng: np.random.Generator
) -> list[Prediction]:
    """No entity anywhere. Its token accuracy is the share of ``O``; its entity F1 is 0."""
    return [
        _as(e, NerTarget(tags=None if e.target.tags is None else ("O",) * len(e.target.tags)))
        for e in examples
    ]


def gazetteer(
    examples: Sequence[Example], train: Sequence[Example], rng: np.random.Generator
) -> list[Prediction]:
    """The strings that the training set labels at least every second time, with their commonest type.

    The longest string wins, from left to right. Where there is no training set, the list for each
    fifth of the examples is made of the other four.
    """
    if train:
        names = names_of(train)
        return [_as(e, look_up(e, names)) for e in examples]
    folds = rng.permutation(len(examples)) % 5
    lists = [names_of([e for e, f in zip(examples, folds, strict=True) if f != fold]) for fold in range(5)]
    return [_as(e, look_up(e, lists[f])) for e, f in zip(examples, folds, strict=True)]


def words_of(example: Example) -> Sequence[Span]:
    """The words of an example: its source's tokens, or words and marks cut where its spans begin and end."""
    if example.inputs.tokens is not None:
        return example.inputs.tokens
    return word_spans(example.inputs.text, (at for s in example.target.entities for at in (s.start, s.end)))


def names_of(train: Sequence[Example]) -> Names:
    """Mention (as words) -> type, of mentions labelled in at least half of the places where they stand."""
    kinds: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    texts = []
    for example in train:
        words = words_of(example)
        texts.append([w.text for w in words])
        first = {w.start: i for i, w in reversed(list(enumerate(words)))}
        last = {w.end: i + 1 for i, w in enumerate(words)}
        for s in example.target.entities:
            if s.start in first and s.end in last:
                kinds[tuple(w.text for w in words[first[s.start] : last[s.end]])][s.type] += 1
    longest = max(map(len, kinds), default=0)
    stands: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        for i in range(len(text)):
            for size in range(1, min(longest, len(text) - i) + 1):
                key = tuple(text[i : i + size])
                if key in kinds:
                    stands[key] += 1
    return {k: c.most_common(1)[0][0] for k, c in kinds.items() if k and 2 * c.total() >= stands[k]}


def look_up(example: Example, names: Names) -> NerTarget:
    """The longest listed strings of an example, left to right."""
    words = example.inputs.tokens or word_spans(example.inputs.text)
    longest = max(map(len, names), default=0)
    source, found, i = example.inputs.text, [], 0
    while i < len(words):
        for size in range(min(longest, len(words) - i), 0, -1):
            kind = names.get(tuple(w.text for w in words[i : i + size]))
            start, end = words[i].start, words[i + size - 1].end
            if kind is not None and start < end:
                found.append(LabelledSpan(start, end, source[start:end], kind))
                i += size
                break
        else:
            i += 1
    return NerTarget(tuple(found))


def _as(example: Example, target: NerTarget) -> Prediction:
    return Prediction(example.id, target, None)


FLOORS = (Floor("all O", all_o), Floor("gazetteer", gazetteer))
