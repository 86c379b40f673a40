"""What extractive answers score without a model: a random span, word overlap, the first sentence, no answer."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from finetooth.registry import Floor
from finetooth.tasks.qa_phrases import STOP, phrases, sentences
from finetooth.text import word_offsets
from finetooth.types import Example, Prediction

_NAME = re.compile(r"[A-Z0-9]")


def random_span(
    examples: Sequence[Example], train: Sequence[Example], rng: np.random.Generator
) -> list[Prediction]:
    """Words in a row from anywhere in the passage, as long as some answer is.

    Lengths are drawn from the training set's answers, or the examples' own where there is none.
    """
    lengths = [len(a.text.split()) for e in (train or examples) for a in e.target.answers[:1]]
    drawn = rng.choice(np.maximum(lengths or [1], 1), size=len(examples))
    made = []
    for example, length, place in zip(examples, drawn, rng.random(len(examples)), strict=True):
        context = example.inputs.context
        offsets = _facts(context)[0]
        if not offsets:
            made.append(Prediction(example.id, ""))
            continue
        length = min(int(length), len(offsets))
        first = int(place * (len(offsets) - length + 1))
        made.append(Prediction(example.id, context[offsets[first][0] : offsets[first + length - 1][1]]))
    return made


def word_overlap(
    examples: Sequence[Example], train: Sequence[Example], rng: np.random.Generator
) -> list[Prediction]:
    """The phrase nearest to the question's words in the sentence that shares most of them.

    After the sliding window with distances of Richardson, Burges and Renshaw (2013), used as baseline
    by Rajpurkar et al. (2016): a shared word counts log(1 + 1 / its count in the passage). Words are
    the same where their first five letters are; names and numbers count half as much again.
    """
    return [Prediction(e.id, _overlap(e.inputs.question, e.inputs.context)) for e in examples]


def first_sentence(
    examples: Sequence[Example], train: Sequence[Example], rng: np.random.Generator
) -> list[Prediction]:
    """The passage's first sentence, whatever is asked."""
    return [
        Prediction(e.id, next((e.inputs.context[a:b] for a, b in sentences(e.inputs.context)), ""))
        for e in examples
    ]


def no_answer(
    examples: Sequence[Example], train: Sequence[Example], rng: np.random.Generator
) -> list[Prediction]:
    """Never an answer: the majority of many sets with unanswerable questions, nothing of the others."""
    return [Prediction(e.id, "") for e in examples]


@lru_cache(maxsize=1 << 15)
def _facts(
    context: str,
) -> tuple[list[tuple[int, int]], list[str], dict[str, float], list[tuple[int, int]]]:
    """Offsets of the words, their stems, the weight of each stem, and sentences as numbers of words."""
    offsets = word_offsets(context)
    stems = [_stem(context[a:b]) for a, b in offsets]
    weights = {s: math.log(1 + 1 / n) for s, n in Counter(stems).items()}
    ranges, at = [], 0
    for _, end in sentences(context):
        last = at
        while last < len(offsets) and offsets[last][0] < end:
            last += 1
        if last > at:
            ranges.append((at, last))
        at = last
    return offsets, stems, weights, ranges


def _stem(word: str) -> str:
    """Lower case, cut after five letters; "" for a word that says nothing of what is asked."""
    word = word.lower()
    return "" if word in STOP else word[:5]


def _overlap(question: str, context: str) -> str:
    offsets, stems, weights, ranges = _facts(context)
    if not ranges:
        return ""
    asked = {_stem(question[a:b]) for a, b in word_offsets(question)} - {""}
    first, last = max(ranges, key=lambda r: sum(weights[s] for s in asked.intersection(stems[r[0] : r[1]])))
    shared = [i for i in range(first, last) if stems[i] in asked]
    stop = [not s or s in asked for s in stems]

    def fit(phrase: tuple[int, int]) -> float:
        a, b = phrase
        near = sum(weights[stems[i]] / min(abs(i - a), abs(i - b + 1)) for i in shared)
        return near * (1.5 if _NAME.search(context[offsets[a][0] : offsets[b - 1][1]]) else 1.0)

    best = max(phrases(context, offsets, stop, first, last), key=fit, default=(first, last))
    return context[offsets[best[0]][0] : offsets[best[1] - 1][1]]


FLOORS = (
    Floor("random span", random_span),
    Floor("word overlap", word_overlap),
    Floor("first sentence", first_sentence),
    Floor("no answer", no_answer),
)
