"""Questions that a text asks about itself: for span-selection pretraining, without any outside data.

recurring   a phrase stands in two sentences: one of them, with a question word in the phrase's place, is the
            question, the rest of the text the context, and the phrase's other place the answer (the idea of
            Ram et al. 2021, who masked the phrase where we ask for it)
cloze       a sentence, thinned out and without one of its phrases, is the question; the whole text the
            context (the idea of Lewis et al. 2019)

The first needs to be understood; the second teaches that a question shares its words with the sentence
that answers it, which is what a reader must learn before anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from finetooth.io import content_id
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.tasks.qa_phrases import STOP, phrases, sentences
from finetooth.text import word_offsets
from finetooth.types import Example, Span

KINDS = ("recurring", "cloze")
LONGEST = 5  # words of an answer
AROUND = (3, 9)  # words on either side of the answer that a thinned question may keep
KEEP, KEEP_STOP = 0.85, 0.6  # the chance of a word, and of a stop word, to stay
FEWEST = 3  # words that a question must have besides its question word


@dataclass(frozen=True, slots=True)
class Place:
    """A phrase: words [first, last), characters [start, end), the number of its sentence."""

    first: int
    last: int
    start: int
    end: int
    sentence: int


class Text:
    """A text with its words, sentences and phrases."""

    def __init__(self, text: str) -> None:
        self.text, self.words = text, word_offsets(text)
        self.low = [text[a:b].lower() for a, b in self.words]
        self.stop = [w in STOP for w in self.low]
        self.sentences = [  # (first word, last word, start, end)
            (*_inside(self.words, a, b), a, b) for a, b in sentences(text)
        ]
        self.places = [
            place
            for number, (first, last, _, _) in enumerate(self.sentences)
            for one, other in phrases(text, self.words, self.stop, first, last)
            for place in self._parts(one, other, number)
        ]

    def _parts(self, first: int, last: int, number: int) -> Iterable[Place]:
        """The phrase (of a long one its end), its last word, and the names and numbers in it."""
        found = {(max(first, last - LONGEST), last), (last - 1, last)}
        begin = first
        for i in range(first, last + 1):
            if i == last or not (self.text[self.words[i][0]].isupper() or self.low[i][0].isdigit()):
                if begin < i <= begin + LONGEST:
                    found.add((begin, i))
                begin = i + 1
        for one, other in sorted(found):
            yield Place(one, other, self.words[one][0], self.words[other - 1][1], number)

    def key(self, place: Place) -> tuple[str, ...]:
        return tuple(self.low[place.first : place.last])


def questions(
    texts: Sequence[str], *, per_text: int, rng: np.random.Generator, kinds: Sequence[str] = KINDS
) -> list[Example]:
    """At most ``per_text`` examples of question answering about each text, evenly of each kind where it has any."""
    made: dict[str, Example] = {}
    for whole in texts:
        text = Text(whole)
        for kind in kinds:
            ask = recurring if kind == "recurring" else cloze
            for example in ask(text, max(1, per_text // len(kinds)), rng):
                made[example.id] = example
    return list(made.values())


def recurring(text: Text, most: int, rng: np.random.Generator) -> Iterable[Example]:
    """Pairs of sentences with a phrase in common; rarer phrases are not preferred, longer ones are."""
    groups: dict[tuple[str, ...], list[Place]] = {}
    for place in text.places:
        groups.setdefault(text.key(place), []).append(place)
    pairs = [
        (asked, [p for p in found if p.sentence != asked.sentence])
        for found in groups.values()
        if len({p.sentence for p in found}) > 1
        for asked in found
    ]
    if not pairs:
        return
    weights = np.array([a.last - a.first for a, _ in pairs], float)
    order = rng.choice(len(pairs), min(most, len(pairs)), replace=False, p=weights / weights.sum())
    for i in order.tolist():
        asked, others = pairs[i]
        first, last, start, end = text.sentences[asked.sentence]
        words = _thinned(text, first, last, asked, rng, keep=0.95, keep_stop=0.95)
        if len(words) < FEWEST:
            continue
        answer = others[int(rng.integers(len(others)))]
        # The asked sentence goes, or the answer would stand beside its own words.
        context = (text.text[:start].rstrip() + " " + text.text[end:].lstrip()).strip()
        lead = len(text.text[:start].rstrip()) + 1 if text.text[:start].strip() else 0
        if answer.start >= end:
            cut = end + len(text.text[end:]) - len(text.text[end:].lstrip())
            at = lead + answer.start - cut
        else:
            at = answer.start
        at -= len(text.text) - len(text.text.lstrip()) if text.text[:start].strip() else 0
        said = text.text[answer.start : answer.end]
        if context[at : at + len(said)] == said:
            yield _example(_ask(text, asked, words, rng), context, at, said)


def cloze(text: Text, most: int, rng: np.random.Generator) -> Iterable[Example]:
    """Names and numbers are asked for twice as often as other words, as people do."""
    if not text.places:
        return
    weights = np.array([1.0 + _proper(text, p) for p in text.places])
    size = min(most, len(text.places))
    for i in rng.choice(len(text.places), size, replace=False, p=weights / weights.sum()).tolist():
        place = text.places[i]
        first, last, _, _ = text.sentences[place.sentence]
        left, right = rng.integers(AROUND[0], AROUND[1] + 1, 2).tolist()
        words = _thinned(text, max(first, place.first - left), min(last, place.last + right), place, rng)
        if len(words) >= FEWEST:
            said = text.text[place.start : place.end]
            yield _example(_ask(text, place, words, rng), text.text, place.start, said)


def _thinned(
    text: Text,
    first: int,
    last: int,
    without: Place,
    rng: np.random.Generator,
    *,
    keep: float = KEEP,
    keep_stop: float = KEEP_STOP,
) -> list[str]:
    chance = rng.random(last - first)
    gone = set(text.key(without))
    return [
        text.text[slice(*text.words[i])]
        for i in range(first, last)
        if not without.first <= i < without.last
        and text.low[i] not in gone
        and chance[i - first] < (keep_stop if text.stop[i] else keep)
    ]


def _ask(text: Text, place: Place, words: list[str], rng: np.random.Generator) -> str:
    """The words behind a question word that suits the answer, as far as its look tells."""
    said, before = text.text[place.start : place.end], text.low[place.first - 1] if place.first else ""
    if any(c.isdigit() for c in said):
        year = (len(said) == 4 and said.isdigit()) or before in ("since", "until", "during")
        asked = ["When", "In what year", "What year"] if year else ["How many", "How much", "What"]
    elif _proper(text, place):
        asked = (
            ["Where", "What", "In what place"]
            if before in ("in", "at", "from", "near")
            else ["Who", "What", "Which", "Who"]
        )
    else:
        asked = ["What", "What", "What", "How", "Which", "Why"]
    return f"{asked[int(rng.integers(len(asked)))]} {' '.join(words)}?"


def _proper(text: Text, place: Place) -> bool:
    """Whether it looks like a name or a number: a digit, or a capital that no sentence began with."""
    said = text.text[place.start : place.end]
    begins = text.sentences[place.sentence][0] == place.first
    return any(c.isdigit() for c in said) or (
        said[:1].isupper() and (not begins or place.last - place.first > 1)
    )


def _example(question: str, context: str, at: int, said: str) -> Example:
    name = content_id(question, context, f"{at}:{said}")
    return Example(name, QAInput(question, context), QATarget((Span(at, at + len(said), said),)))


def _inside(words: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """The words [first, last) that begin in [start, end)."""
    starts = [a for a, _ in words]
    return int(np.searchsorted(starts, start)), int(np.searchsorted(starts, end))
