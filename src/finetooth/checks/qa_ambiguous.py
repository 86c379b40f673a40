"""Answers that stand several times in their context: which of the places is meant?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from finetooth.checks._evidence import Around, contexts_of, passage, rarity, stems
from finetooth.checks._qa import Answer, distinct, inside_word, places, stands
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten
from finetooth.types import Example, Finding

# Read on SQuAD: with both, 9 in 10 of the places proposed were the meant one.
CLEARLY_MORE = 0.5  # support, in rare words close by
CLEARLY_TIMES = 1.5
MOST_PLACES = 50
TOO_MANY = 0.2  # of the rows: then repeated answers are the set's way, and a list of them tells nothing
FEW = 10


@check("qa", severity="info")
def ambiguous_offset(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The answer stands several times in the context, and the offset picks one of them.

    Offsets made by a search take the first place, right or wrong. It is a warning where another place
    is clearly better: the only one inside what another annotator marked, or the one that stands among
    the question's own words. That place is the fix. A row is named once; where more than a fifth of the rows
    have such an answer, those without a better place are told of together.

    Bad: {"context": "Ada came at noon. Bo met Ada by the abbey gate.", "question": "Whom did Bo meet by the abbey gate?", "answers": {"text": ["Ada"], "answer_start": [0]}}
    Fix: {"context": "Ada came at noon. Bo met Ada by the abbey gate.", "question": "Whom did Bo meet by the abbey gate?", "answers": {"text": ["Ada"], "answer_start": [25]}}
    """
    weight = rarity(contexts_of(examples))
    several = first = rows = 0
    doubtful: list[Finding] = []
    for example in examples:
        source = example.inputs.context
        judged: list[Finding] = []
        for answer in distinct(example):
            span = answer.span
            if not span.text.strip() or not stands(span, source) or source.count(span.text) < 2:
                continue
            if any(inside_word(source, span.start, span.start + len(span.text))):
                continue  # answer-cut-inside-word says so
            found = places(span.text, source)
            if len(found) < 2:
                continue
            several += 1
            first += span.start == found[0]
            judged.append(_judged(example, answer, found, weight))
        if judged:
            rows += 1
            better = [f for f in judged if f.severity == "warning"]  # each has a fix of its own
            yield from better
            if not better:
                doubtful.append(judged[0])  # annotators repeat one another: one speaks for the row
    if several >= 20 and first / several >= 0.95:
        yield flag(
            "",
            f"{first:,} of the {several:,} answers that stand several times point at the first place: "
            "the offsets come from a search, not from people",
            several=several,
            first=first,
        )
    if rows > max(FEW, TOO_MANY * len(examples)):
        yield flag(
            "",
            f"{rows:,} of the {len(examples):,} rows ({rows / len(examples):.0%}) have an answer that stands several "
            f"times in its context: the set is written so; named are the {rows - len(doubtful):,} with a better place",
            rows=rows,
            named=rows - len(doubtful),
        )
    else:
        yield from doubtful


def _judged(example: Example, answer: Answer, found: list[int], weight: Mapping[str, float]) -> Finding:
    span, source = answer.span, example.inputs.context
    number = found.index(span.start) + 1
    said = f"{shorten(repr(span.text), 60)} stands {len(found)} times; the offset takes number {number}"
    evidence = {"times": len(found), "takes": number, "places": found[:MOST_PLACES]}
    marked = _within_another_gold(example, answer, found)
    if marked is not None:
        return flag(
            example,
            f"{said}, another annotator's longer answer holds number {found.index(marked) + 1}",
            fix=answer.fix(answer_start=marked),
            severity="warning",
            by="another gold",
            **evidence,
        )
    around = Around(stems(example.inputs.question), passage(source), weight)
    support = {at: around.place(at, at + len(span.text)) for at in {span.start, *found[:MOST_PLACES]}}
    given = support[span.start]
    at = min(support, key=lambda place: (-support[place], place))
    best = support[at]
    if best - given >= CLEARLY_MORE and best >= CLEARLY_TIMES * given:
        return flag(
            example,
            f"{said}, the question's words stand around number {found.index(at) + 1}",
            fix=answer.fix(answer_start=at),
            severity="warning",
            by="the question's words",
            support=round(given, 2),
            best_support=round(best, 2),
            **evidence,
        )
    return flag(example, said, **evidence)


def _within_another_gold(example: Example, answer: Answer, found: list[int]) -> int | None:
    """The only place inside the longer answers of others; None if the given one is inside one too."""
    span, source = answer.span, example.inputs.context
    size = len(span.text)
    held: set[int] = set()
    for other in example.target.answers:
        if len(other.text) <= size or span.text not in other.text or source.count(other.text) != 1:
            continue
        at = source.index(other.text)
        held.update(p for p in found if at <= p and p + size <= at + len(other.text))
    return held.pop() if len(held) == 1 and span.start not in held else None
