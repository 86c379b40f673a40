"""Answers that stand where they say and are yet the wrong ones, told by the words around them. No model.

Nothing here proves an error: the words of a question need not stand near its answer. It says where to
look first, and it is silent about a whole set in which questions and contexts share few words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from finetooth.checks._evidence import Around, kind_of, passage, rarity, stems
from finetooth.checks._qa import answered, by_context, places
from finetooth.checks.qa_golds import agree
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten
from finetooth.types import Example, Finding, Span

MOST_PLACES = 20
TOO_MANY = 0.1  # of the set: then the words prove nothing in it

# Set on SQuAD with wrong answers planted in it; docs/check.md has what they find and miss.
FAR = 0.36
FAR_CLEAR = 0.9
POOR, POORISH = 0.3, 0.6
OTHER_CLEAR = 0.7
ALIKE = 0.5  # of the question's stems: then two questions may well have one answer


@dataclass(frozen=True)
class Standing:
    """The support of an answer, of the best word of its context, and of the best one of the answer's kind.

    An answer that stands several times counts where it stands best: a wrong place is the business of
    ambiguous-offset. Words that it shares with the question speak for it.
    """

    given: float
    best: float
    same_kind: float
    sentence: tuple[int, int]

    @property
    def share(self) -> float:
        return (self.given + 0.1) / (max(self.best, self.given) + 0.1)

    @property
    def share_of_kind(self) -> float:
        return (self.given + 0.3) / (max(self.same_kind, self.given) + 0.3)


Row = tuple[str, str, tuple[Span, ...]]


@lru_cache(maxsize=2)
def _standings(rows: tuple[Row, ...]) -> list[Standing | None]:
    weight = rarity(tuple(dict.fromkeys(context for _, context, _ in rows)))
    return [_standing(*row, weight) if row[2] else None for row in rows]


def standings(examples: Sequence[Example]) -> list[Standing | None]:
    """One an example; None where no answer stands where it says. Made once for all checks that ask."""
    return _standings(tuple((e.inputs.question, e.inputs.context, tuple(answered(e))) for e in examples))


def _standing(question: str, context: str, spans: Sequence[Span], weight: Mapping[str, float]) -> Standing:
    asked = stems(question)
    around = Around(asked, passage(context), weight)
    given = 0.0
    for text in dict.fromkeys(s.text for s in spans):
        own = sum(weight.get(s, 1.0) for s in set(asked).intersection(stems(text)))
        for at in places(text, context)[:MOST_PLACES]:
            given = max(given, own + around.place(at, at + len(text)))
    return Standing(given, *around.best(kind_of(spans[0].text)))


@check("qa", severity="info")
def answer_far_from_question(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The words of the question stand together in one place, and the answer stands in another.

    A place to look, not a proof. Words count by how rare they are, and less the farther from the answer
    they stand; the answer is held against the best number, name or word of its context, as it is one itself.

    Bad: {"context": "Ada built the mill in 1801. Her sons sold it to a town nearby and went abroad. Bo died in 1850.", "question": "When was the mill built?", "answers": {"text": ["1850"], "answer_start": [90]}}
    Fix: {"context": "Ada built the mill in 1801. Her sons sold it to a town nearby and went abroad. Bo died in 1850.", "question": "When was the mill built?", "answers": {"text": ["1801"], "answer_start": [22]}}
    """
    found = []
    for example, stand in zip(examples, standings(examples), strict=True):
        if stand and stand.share_of_kind <= FAR and stand.same_kind >= FAR_CLEAR:
            found.append((example, stand))
    if len(found) > max(10, TOO_MANY * len(examples)):
        yield flag(
            "",
            f"{len(found):,} answers stand far from the words of their questions: in this set the words prove "
            "nothing, so none is named",
            answers=len(found),
        )
        return
    for example, stand in found:
        sentence = example.inputs.context[slice(*stand.sentence)].strip()
        answer = example.target.answers[0].text
        yield flag(
            example,
            f"the question's words stand in {shorten(repr(sentence), 90)}, not around {shorten(repr(answer), 40)}",
            support=round(stand.given, 2),
            best_support=round(stand.same_kind, 2),
            sentence=sentence,
        )


@check("qa", severity="warning")
def answer_of_another_question(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Two questions of one context have the same answer, and only the other one's words stand around it.

    Rows that slipped against each other look like that: the answer is right, for its neighbour. An info
    where the words are less clear.

    Bad: "Who built the mill?" and "Who sold it?", both with "Ada", over "Ada built the mill in 1801. Bo sold it."
    Fix: "Who sold it?" with "Bo"
    """
    stand_of = dict(zip((e.id for e in examples), standings(examples), strict=True))
    found = []
    for group in by_context(examples).values():
        places_of: dict[int, list[Example]] = {}
        for example in group:
            for start in {s.start for s in answered(example)}:
                places_of.setdefault(start, []).append(example)
        rivals: dict[str, dict[str, Example]] = {}
        for same in places_of.values():
            for example in same if len(same) > 1 else ():
                rivals.setdefault(example.id, {}).update((o.id, o) for o in same if o is not example)
        for example in group:
            stand = stand_of[example.id]
            if example.id in rivals and stand and stand.share <= POORISH and stand.best >= OTHER_CLEAR:
                owner = _owner(example, stand, rivals[example.id].values(), stand_of)
                if owner is not None:
                    found.append((example, stand, owner))
    if len(found) > max(10, TOO_MANY * len(examples)):
        return  # answer-far-from-question says that words prove nothing here
    for example, stand, owner in found:
        yield flag(
            example,
            f"{shorten(repr(example.target.answers[0].text), 50)} also answers "
            f"{shorten(repr(owner.inputs.question), 80)}, whose words stand around it; this question's do not",
            severity="" if stand.share <= POOR else "info",
            other=owner.id,
            support=round(stand.given, 2),
            best_support=round(stand.best, 2),
            other_support=round(stand_of[owner.id].given, 2),  # type: ignore[union-attr]
        )


def _owner(
    example: Example, stand: Standing, rivals: Iterable[Example], stand_of: Mapping[str, Standing | None]
) -> Example | None:
    """The other question whose answer this one is, if there is one that it serves better."""
    asked = set(stems(example.inputs.question))
    for other in rivals:
        theirs = stand_of[other.id]
        alike = len(asked & set(stems(other.inputs.question)))
        if theirs is None or theirs.given <= stand.given or alike > ALIKE * len(asked):
            continue
        if all(any(agree(a, b) for b in other.target.answers) for a in example.target.answers):
            return other
    return None
