"""Mask and fill: some words that belong to no entity are replaced by what a masked language model proposes.

"Ada left Rome early." with "left" and "early" masked: "Ada reached Rome first." Names are never masked.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from finetooth.augment.edit import Skip, apply, replaced
from finetooth.augment.run import Job, Made, Method, guarded
from finetooth.augment.view import Range, anchors, merged
from finetooth.tasks.mentions import word_spans
from finetooth.types import Example

SHARE = 0.1  # of the words that may be masked
FEWEST = 3  # words a document, where it has as many
GROUP = 32  # documents handed to the model at once
# What these say is what the document says: who did what, whether, how many.
_KEPT = frozenset(
    (
        "not", "no", "never", "none", "nor", "neither", "cannot", "without", "against", "except", "unless",
        "of", "and", "or", "the", "a", "an", "to", "in", "on", "at", "by", "for", "from", "with", "as", "than",
        "is", "was", "are", "were", "be", "been", "has", "have", "had", "do", "does", "did", "will", "would",
        "he", "she", "it", "they", "his", "her", "its", "their", "who", "which", "that", "this", "these",
    )
)  # fmt: skip


class Proposer(Protocol):
    def propose(
        self, texts: Sequence[str], places: Sequence[Sequence[Range]]
    ) -> list[list[list[tuple[str, float]]] | str]: ...


def maskable(example: Example) -> list[Range]:
    """Lower-case words of letters, of three or more, outside all that is labelled; in tokenised text whole tokens."""
    held = merged(anchors(example))
    starts = [a for a, _ in held]
    words = example.inputs.tokens or word_spans(example.inputs.text)
    made = []
    for w in words:
        if len(w.text) < 3 or not (w.text.isalpha() and w.text.islower()) or w.text in _KEPT:
            continue
        i = bisect_right(starts, w.start) - 1
        inside = i >= 0 and held[i][1] > w.start
        nested = i + 1 < len(held) and held[i + 1][0] < w.end
        if not inside and not nested:
            made.append((w.start, w.end))
    return made


def chosen(example: Example, rng: random.Random, share: float) -> list[Range]:
    free = maskable(example)
    n = min(len(free), max(FEWEST, round(share * len(free))))
    return sorted(rng.sample(free, n))


def filling(filler: Proposer, *, share: float = SHARE) -> Method:
    """The method with its model bound. Jobs go to the model in groups; a place keeps its word where
    nothing else is proposed.
    """

    def method(jobs: Sequence[Job], note: Callable[[str, str], None]) -> list[Made]:
        made: list[Made] = []
        for at in range(0, len(jobs), GROUP):
            group = jobs[at : at + GROUP]
            rngs = [job.rng for job in group]
            places = [chosen(job.source, rng, share) for job, rng in zip(group, rngs, strict=True)]
            found = _proposed(filler, [j.source.inputs.text for j in group], places)
            made += [
                guarded(partial(_filled, job.source, spans, answer, rng))
                for job, spans, answer, rng in zip(group, places, found, rngs, strict=True)
            ]
        return made

    return method


def _proposed(
    filler: Proposer, texts: Sequence[str], places: Sequence[Sequence[Range]]
) -> list[list[list[tuple[str, float]]] | str]:
    """The group at once; where that fails each text alone, so that one cannot fail the others."""
    try:
        return filler.propose(texts, places)
    except Exception as e:
        if len(texts) == 1:
            return [f"failed: {type(e).__name__}: {' '.join(str(e).split())[:120]}"]
    return [_proposed(filler, [t], [p])[0] for t, p in zip(texts, places, strict=True)]


def _filled(
    example: Example, spans: Sequence[Range], found: list[list[tuple[str, float]]] | str, rng: random.Random
) -> Example:
    if isinstance(found, str):
        raise Skip(found)
    if not spans:
        raise Skip("no word may be masked")
    text = example.inputs.text
    changes: dict[Range, str] = {}
    for (start, end), proposals in zip(spans, found, strict=True):
        old = text[start:end]
        fit = [(w, p) for w, p in proposals if w.islower() and len(w) > 1 and w != old and w not in _KEPT]
        if fit:
            words, chances = zip(*fit, strict=True)
            changes[start, end] = rng.choices(words, [max(p, 1e-12) for p in chances])[0]
    if not changes:
        raise Skip("the model proposes no other words")
    return apply(example, replaced(text, changes))
