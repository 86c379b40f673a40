"""Mentions against the rest of the corpus: unlabelled here, labelled everywhere else; another type; a word off.

A corpus that labels "Rome" as LOC 40 times makes an unlabelled "Rome" a likely slip. These are
suspicions, so warnings: the evidence says how often the string is labelled, and how.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from finetooth.checks._documents import flat
from finetooth.registry import CheckContext, check, flag
from finetooth.tasks.mentions import word_spans
from finetooth.types import Example, Finding, Span

AGREED = 0.8  # of a string's other occurrences say the same
TIMES = 3  # labelled elsewhere before anything is said
LONGEST = 6  # words of a string that is looked for
Words = tuple[str, ...]
_SMALL = frozenset(
    (
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "by",
        "for",
        "from",
        "with",
        "and",
        "or",
        "is",
        "was",
        "its",
    )
)


@dataclass
class Corpus:
    """Where each labelled string stands, labelled or not. Places are (example, first word, word after)."""

    words: list[Sequence[Span]] = field(default_factory=list)
    labelled: list[dict[tuple[int, int], str]] = field(default_factory=list)  # words of an example -> type
    types: dict[Words, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    bare: dict[Words, list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))


_LAST: list[tuple[Sequence[Example], Corpus]] = []


def survey(examples: Sequence[Example]) -> Corpus:
    """All labelled strings of up to six words and their unlabelled occurrences outside every mention."""
    if _LAST and _LAST[0][0] is examples:
        return _LAST[0][1]  # three checks look at the same examples, one after the other
    corpus = _survey(examples)
    _LAST[:] = [(examples, corpus)]
    return corpus


def _survey(examples: Sequence[Example]) -> Corpus:
    corpus = Corpus()
    for example in examples:
        spans = flat(example)
        words = example.inputs.tokens
        if words is None:
            words = word_spans(example.inputs.text, (at for m in spans for at in (m.start, m.end)))
        first = {w.start: i for i, w in reversed(list(enumerate(words)))}
        last = {w.end: i + 1 for i, w in enumerate(words)}
        here = {
            (first[m.start], last[m.end]): m.type
            for m in spans
            if m.start in first and m.end in last and m.start < m.end
        }
        corpus.words.append(words)
        corpus.labelled.append(here)
        for (a, b), kind in here.items():
            corpus.types[_string(words, a, b)][kind] += 1
    longest = min(max(map(len, corpus.types), default=0), LONGEST)
    for e, (words, here) in enumerate(zip(corpus.words, corpus.labelled, strict=True)):
        taken = bytearray(len(words))
        for a, b in here:
            taken[a:b] = b"\1" * (b - a)
        texts = [w.text for w in words]
        for i in range(len(texts)):
            # The longest string at a place is the one that is missing there.
            for size in range(min(longest, len(texts) - i), 0, -1):
                key = tuple(texts[i : i + size])
                if key in corpus.types and not any(taken[i : i + size]):
                    corpus.bare[key].append((e, i, i + size))
                    break
    return corpus


def _string(words: Sequence[Span], a: int, b: int) -> Words:
    return tuple(w.text for w in words[a:b])


def _span(words: Sequence[Span], a: int, b: int) -> tuple[int, int]:
    return words[a].start, words[b - 1].end


def _gained(word: str, known: str) -> bool:
    """Whether this word at an edge looks as if a mention, now beginning with ``known``, had gained it."""
    if word.casefold() in _SMALL or not word[:1].isalnum():
        return True
    return word.islower() and known[:1].isupper()


@check("ner", "relation", severity="warning")
def missed_mention(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A string stands unlabelled that the corpus labels in at least 80 % of its places, three times or more.

    Bad: "Rome" is LOC in 40 sentences and nothing in this one
    Fix: {"start": 9, "end": 13, "type": "LOC"}
    """
    corpus = survey(examples)
    for key, places in corpus.bare.items():
        types = corpus.types[key]
        labelled = types.total()
        share = labelled / (labelled + len(places))
        if labelled < TIMES or share < AGREED or not any(any(c.isalnum() for c in w) for w in key):
            continue
        kind, n = types.most_common(1)[0]
        for e, a, b in places:
            start, end = _span(corpus.words[e], a, b)
            name = examples[e].inputs.text[start:end]
            yield flag(
                examples[e],
                f"{name!r} is unlabelled here, and labelled in {labelled} of {labelled + len(places)} places "
                f"({kind} {n}x)",
                fix={"start": start, "end": end, "type": kind},
                text=name,
                start=start,
                labelled=labelled,
                unlabelled=len(places),
                types=dict(types),
            )


@check("ner", "relation", severity="warning")
def type_against_majority(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A mention has another type than at least 80 % of the corpus' other mentions of that string.

    Told where the string is labelled elsewhere three times or more.

    Bad: "Rome" is LOC in 40 sentences and PER in this one
    Fix: {"start": 9, "end": 13, "type": "LOC"}
    """
    corpus = survey(examples)
    for e, here in enumerate(corpus.labelled):
        for (a, b), kind in here.items():
            types = corpus.types[_string(corpus.words[e], a, b)]
            best, n = types.most_common(1)[0]
            others = types.total() - 1
            if best == kind or others < TIMES or n < AGREED * others:
                continue
            start, end = _span(corpus.words[e], a, b)
            name = examples[e].inputs.text[start:end]
            yield flag(
                examples[e],
                f"{name!r} is {kind} here, and {best} in {n} of {others} other places",
                fix={"start": start, "end": end, "type": best},
                text=name,
                start=start,
                type=kind,
                types=dict(types),
            )


@check("ner", "relation", severity="warning")
def boundary_against_corpus(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """One word more or less makes the mention a string that the corpus labels three times or more.

    Told where the mention as it stands is labelled nowhere else. A mention that is too long must have
    gained a word without capital or digit ("left Rome"): "New York City" is right beside "New York".

    Bad: "New York" is LOC in 40 sentences, in this one only "York" is labelled
    Fix: {"start": 9, "end": 17, "type": "LOC"}
    """
    corpus = survey(examples)
    for e, here in enumerate(corpus.labelled):
        words = corpus.words[e]
        for (a, b), kind in here.items():
            if corpus.types[_string(words, a, b)].total() > 1:
                continue
            best: tuple[int, int, int] | None = None
            for c, d in ((a - 1, b), (a, b + 1), (a + 1, b), (a, b - 1)):
                if c < 0 or d > len(words) or c >= d:
                    continue
                changed = (
                    words[c] if c < a else words[d - 1] if d > b else words[a] if c > a else words[b - 1]
                )
                shorter = d - c < b - a
                if shorter and not _gained(changed.text, words[c].text):
                    continue
                if not shorter and not changed.text[:1].isalnum():
                    continue
                times = corpus.types.get(_string(words, c, d), Counter())[kind]
                if times >= TIMES and (best is None or times > best[0]):
                    best = times, c, d
            if best is None:
                continue
            times, c, d = best
            start, end = _span(words, c, d)
            at, stop = _span(words, a, b)
            text = examples[e].inputs.text
            yield flag(
                examples[e],
                f"{text[at:stop]!r} is labelled nowhere else; {text[start:end]!r} is, {times} times",
                fix={"start": start, "end": end, "type": kind, "instead_of": [at, stop]},
                text=text[at:stop],
                start=at,
                times=times,
            )
