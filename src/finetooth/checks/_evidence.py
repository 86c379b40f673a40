"""How well a place in a context answers a question, by the words that stand around it. No model.

The words of "Who founded the abbey?" stand near one "Ada" and far from another: the near one is meant.
Words count by how rare they are among the contexts, so no list of stop words is needed, in any language.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_TOKEN = re.compile(r"[^\W_]+")
_ENDINGS = re.compile(r"(?:ings?|edly|ed|ies|es|s|ly)$")
# A full stop ends a sentence unless an abbreviation or a single letter stands before it.
_BREAK = re.compile(r"[.!?][\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-ZÀ-ÖØ-ÞΑ-ΩА-Я0-9])|[。！？]|\n\s*\n")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Lt|Col|Gen|Sgt|Capt|Rev|Hon|Mt|Ft|No|Nos|vs|etc|cf|al|Inc|Ltd|Co|"
    r"Corp|ca|approx|Fig|Vol|pp|ed|eds|Op|Art)|\b[A-Za-z]|\b(?:[A-Za-z]\.)+[A-Za-z])\.$"
)
NEAR_TOKENS = 20.0  # evidence that far away counts 1/e
OTHER_SENTENCE = 0.5  # what evidence in another sentence is worth


@lru_cache(maxsize=1 << 17)
def stem(word: str) -> str:
    """A key that "founded", "founder" and "founding" share: lower case, no ending, six letters."""
    word = word.lower()
    if len(word) > 4:
        word = _ENDINGS.sub("", word)
    return word[:6]


def stems(text: str) -> list[str]:
    return [stem(w) for w in _TOKEN.findall(text)]


def sentences(text: str) -> list[tuple[int, int]]:
    """(start, end) of the sentences, in characters, together the whole text."""
    cuts = [0]
    for m in _BREAK.finditer(text):
        head = text[max(cuts[-1], m.start() - 12) : m.start() + 1]
        if not (m.group()[0] == "." and _ABBREVIATION.search(head)):
            cuts.append(m.end())
    cuts.append(len(text))
    return [(a, b) for a, b in pairwise(cuts) if b > a]


@dataclass(frozen=True, eq=False)
class Passage:
    """A context as stems with their places, looked up many times and made once."""

    starts: Sequence[int]
    stems: Sequence[str]
    kinds: np.ndarray  # one letter a token: n(umber), N(ame, or first word), w(ord)
    sentences: Sequence[tuple[int, int]]
    sentence_of: np.ndarray
    places: Mapping[str, list[int]]

    def token_at(self, offset: int) -> int:
        """The token that holds this character, or the last before it."""
        return max(0, bisect_right(self.starts, offset) - 1)


@lru_cache(maxsize=20_000)
def passage(text: str) -> Passage:
    import numpy as np

    starts, names, kinds = [], [], []
    places: dict[str, list[int]] = {}
    for i, m in enumerate(_TOKEN.finditer(text)):
        word = m.group()
        name = stem(word)
        starts.append(m.start())
        names.append(name)
        kinds.append(kind_of(word))
        places.setdefault(name, []).append(i)
    bounds = sentences(text)
    of = np.searchsorted([a for a, _ in bounds], starts, side="right") - 1
    return Passage(starts, names, np.array(kinds), bounds, of, places)


@lru_cache(maxsize=1 << 17)
def kind_of(word: str) -> str:
    """n for what holds a digit, N for what begins with a capital, else w."""
    if not word.isalpha() and any(c.isdigit() for c in word):
        return "n"
    return "N" if word[:1].isupper() else "w"


@lru_cache(maxsize=2)
def rarity(contexts: tuple[str, ...]) -> Mapping[str, float]:
    """log(contexts / contexts that hold the stem), from 0 (in all of them) to 1 (in one)."""
    counts = Counter(s for c in contexts for s in passage(c).places)
    top = math.log(len(contexts) + 1)
    return {s: math.log((len(contexts) + 1) / n) / top for s, n in counts.items()}


def contexts_of(examples: Iterable) -> tuple[str, ...]:
    return tuple(dict.fromkeys(e.inputs.context for e in examples))


class Around:
    """How much of a question stands around the places of a context.

    Support of a place: the sum over the question's stems of rarity x exp(-distance in tokens /
    NEAR_TOKENS), half of that where the nearest one stands in another sentence. What the place itself
    holds does not count as standing around it.
    """

    def __init__(self, question: Sequence[str], where: Passage, weight: Mapping[str, float]) -> None:
        import numpy as np

        self.where = where
        self.names = [n for n in dict.fromkeys(question) if n in where.places]
        places = [where.places[n] for n in self.names]
        self.at = np.array([p for each in places for p in each], dtype=np.int64)
        self.firsts = np.cumsum([0, *(len(p) for p in places[:-1])]) if places else np.array([], np.int64)
        self.weights = np.array([weight.get(n, 1.0) for n in self.names])

    def _near(self, token: int) -> np.ndarray:
        import numpy as np

        sentence = self.where.sentence_of
        near = np.exp(np.abs(self.at - token) / -NEAR_TOKENS)
        return np.where(sentence[self.at] == sentence[token], near, near * OTHER_SENTENCE)

    def _nearest(self) -> np.ndarray:
        """(stems, tokens): the support of each token by the best occurrence of each stem.

        Only the next one on either side can be the best, in the token's sentence or in another: so a context of
        a million tokens takes what it is long, not its square.
        """
        import numpy as np

        sentence = self.where.sentence_of
        count = len(sentence)
        ends = np.append(self.firsts[1:], len(self.at))
        # Stem by stem in one sorted line, each with room for all tokens.
        own = np.repeat(np.arange(len(self.names)), ends - self.firsts) * count
        tokens = np.arange(count)
        after = np.searchsorted(own + self.at, np.arange(len(self.names))[:, None] * count + tokens)
        decay = np.exp(tokens / -NEAR_TOKENS)
        decay = np.stack([decay * OTHER_SENTENCE, decay])
        left = self.at[np.maximum(after - 1, self.firsts[:, None])]
        right = self.at[np.minimum(after, ends[:, None] - 1)]
        sides = [decay[(sentence[at] == sentence).view(np.int8), np.abs(at - tokens)] for at in (left, right)]
        return np.maximum(*sides)

    def place(self, start: int, end: int) -> float:
        """The support of these characters."""
        import numpy as np

        if not self.names:
            return 0.0
        first, last = self.where.token_at(start), self.where.token_at(max(start, end - 1))
        left = np.where(self.at < first, self._near(first), 0.0)
        right = np.where(self.at > last, self._near(last), 0.0)
        each = np.maximum.reduceat(np.maximum(left, right), self.firsts)
        return float(each @ self.weights)

    def best(self, kind: str) -> tuple[float, float, tuple[int, int]]:
        """The most that one word of the context is supported, that one of this kind is, and the latter's
        sentence (start, end). Words of the question itself are no answers to it."""
        import numpy as np

        if not self.names:
            return 0.0, 0.0, (0, 0)
        sentence = self.where.sentence_of
        near = self._nearest()
        total = self.weights @ near
        total[self.at] = 0.0
        of_kind = np.where(self.where.kinds == kind, total, 0.0)
        top = int(of_kind.argmax())
        return float(total.max()), float(of_kind[top]), self.where.sentences[sentence[top]]
