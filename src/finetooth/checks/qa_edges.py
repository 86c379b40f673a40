"""The edges of an answer: empty, cut inside a word, with blanks or punctuation that is not its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from finetooth.checks._qa import Answer, distinct, inside_word, places, stands, word_bounds
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten
from finetooth.types import Example, Finding

MOST_OF_CONTEXT = 0.8
LONG_CONTEXT = 20  # words


@check("qa", severity="error")
def empty_answer(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """An answer without text, or a question without answers that nothing calls unanswerable.

    An unanswerable question says so, by an empty list of answers in flat rows and by ``is_impossible``; an
    empty answer is neither, nor is a row without ``answers``, or one with ``is_impossible: false``.

    Bad: {"context": "Ada left.", "question": "Who left?", "answers": {"text": [""], "answer_start": [0]}}
    Fix: {"context": "Ada left.", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [0]}}
    """
    for example in examples:
        target = example.target
        answerable = example.meta.get("is_impossible") is False
        if not target.answers and answerable:
            yield flag(example, "says that it is answerable, has no answer")
        elif not target.answers and not target.v2:
            yield flag(example, "no answer, and nothing says that the question is unanswerable")
        for answer in distinct(example):
            if not answer.span.text.strip():
                others = len(target.answers) > len(answer.golds)
                yield flag(
                    example,
                    f"an answer is {'empty' if not answer.span.text else 'only white space'}",
                    fix=answer.fix(remove=True) if others or (target.v2 and not answerable) else None,
                    golds=list(answer.golds),
                )


@check("qa", severity="warning")
def answer_is_whole_context(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The answer takes in four fifths of its context or more: it points at nothing.

    Said of contexts of twenty words or more. Sentences cut out for their answer look like that, and so do rows
    whose columns slipped.

    Bad: "When did Ada come?" with the whole of a context of fifty words as its answer
    Fix: the words of it that answer: "at noon"
    """
    for example in examples:
        source = example.inputs.context
        size = len(source.strip())
        for answer in distinct(example):
            held = len(answer.span.text.strip())
            if held and held >= MOST_OF_CONTEXT * size and len(source.split()) >= LONG_CONTEXT:
                yield flag(
                    example,
                    f"the answer is {held / size:.0%} of its context of {len(source.split())} words",
                    share=round(held / size, 3),
                )
                break


@check("qa", severity="error")
def unanswerable_with_answers(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Marked as unanswerable, and yet it has answers. They were not read; one of the two is wrong.

    Bad: {"question": "Who left?", "is_impossible": true, "answers": [{"text": "Ada", "answer_start": 0}]}
    Fix: {"question": "Who left?", "is_impossible": false, "answers": [{"text": "Ada", "answer_start": 0}]}
    """
    for example in examples:
        given = example.meta.get("impossible_with")
        if given:
            yield flag(
                example, f"is_impossible is true, and there are answers: {shorten(str(given))}", answers=given
            )


@check("qa", severity="warning")
def answer_cut_inside_word(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The answer begins or ends in the middle of a word or number.

    Often the offset is wrong, and the answer stands as a whole word elsewhere: then that is the fix.
    Else the fix is the whole word. Scripts that write no blanks between words are left alone.

    Bad: {"context": "Adam saw Ada.", "answers": {"text": ["Ada"], "answer_start": [0]}}
    Fix: {"context": "Adam saw Ada.", "answers": {"text": ["Ada"], "answer_start": [9]}}
    """
    for example in examples:
        source = example.inputs.context
        for answer in distinct(example):
            span = answer.span
            if not span.text.strip() or not stands(span, source):
                continue
            end = span.start + len(span.text)
            left, right = inside_word(source, span.start, end)
            if not left and not right:
                continue
            a, b = word_bounds(source, span.start, end)
            whole = source[a:b]
            elsewhere = [at for at in places(span.text, source) if at != span.start]
            elsewhere = [at for at in elsewhere if not any(inside_word(source, at, at + len(span.text)))]
            fix: dict[str, object] | None
            if elsewhere:
                at = min(elsewhere, key=lambda p: abs(p - span.start))
                fix, more = answer.fix(answer_start=at), f"; as a word it stands at {at}"
            elif any(c.isdigit() for c in source[a : span.start] + source[end:b]):
                fix, more = None, ""  # another number is another answer: only a person can tell
            else:
                fix, more = answer.fix(answer_start=a, text=whole), ""
            yield flag(
                example,
                f"{shorten(repr(span.text), 60)} is cut out of {shorten(repr(whole), 60)} at {span.start}{more}",
                fix=fix,
                answer=span.text,
                word=whole,
                left=left,
                right=right,
            )


@check("qa", severity="warning")
def whitespace_at_edge(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The answer begins or ends with white space, which no tokenizer gives back.

    Bad: {"context": "Ada left.", "answers": {"text": ["Ada "], "answer_start": [0]}}
    Fix: {"context": "Ada left.", "answers": {"text": ["Ada"], "answer_start": [0]}}
    """
    for example in examples:
        for answer in distinct(example):
            text = answer.span.text
            if text.strip() and text != text.strip():
                yield flag(
                    example,
                    f"white space at the edge of {shorten(repr(text), 60)}",
                    fix=_cut(answer, len(text) - len(text.lstrip()), text.strip()),
                    answer=text,
                )


# A full stop that belongs to the word: initials, titles, companies, hours.
_ABBREVIATED = re.compile(
    r"(?:\b[A-Za-z]|\.[A-Za-z]|\b(?:Inc|Ltd|Co|Corp|Jr|Sr|St|Mr|Mrs|Ms|Dr|Prof|etc|al|No|vs|Ave|Bros|Mt|Gen|Col|Lt|"
    r"Rev|Hon|Ph\.D|[ap]\.m))\.$"
)
_PAIRS = {")": "(", "]": "[", "}": "{", "”": "“", "»": "«", '"': '"'}
_PAIRS |= {"」": "「", "』": "『", "】": "【", "》": "《", "〉": "〈", "）": "（"}
_OPENING = {v: k for k, v in _PAIRS.items()}


@check("qa", severity="info")
def boundary_punctuation(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The answer takes in a comma or full stop that belongs to the sentence, or half of a pair of quotes.

    Exact match forgives it, a span head does not: it is taught an end that no other answer has.

    Bad: {"context": "She met Ada, then left.", "answers": {"text": ["Ada,"], "answer_start": [8]}}
    Fix: {"context": "She met Ada, then left.", "answers": {"text": ["Ada"], "answer_start": [8]}}
    """
    for example in examples:
        for answer in distinct(example):
            text = answer.span.text
            if text.isalnum() or text != text.strip():
                continue
            skip, kept = trimmed(text)
            if kept and kept != text:
                yield flag(
                    example,
                    f"punctuation at the edge of {shorten(repr(text), 60)}",
                    fix=_cut(answer, skip, kept),
                    answer=text,
                    kept=kept,
                )


def trimmed(text: str) -> tuple[int, str]:
    """(characters cut at the left, what is left) without punctuation that is not the answer's own."""
    start, end = 0, len(text)
    while start < end:
        inner = text[start:end]
        if _foreign_first(inner):
            start += 1
        elif _foreign_last(inner):
            end -= 1
        else:
            break
    return start, text[start:end]


def _foreign_first(text: str) -> bool:
    first = text[0]
    if first == ".":
        return not text[1:2].isdigit()
    return (
        first.isspace()
        or first in ",;:!?)]}”»、，。；：！？"
        or (first in _OPENING and _unpaired(text, first))
    )


def _foreign_last(text: str) -> bool:
    last = text[-1]
    if last == ".":
        return not _ABBREVIATED.search(text)
    return last.isspace() or last in ",;:([{“«、，。；：" or (last in _PAIRS and _unpaired(text, last))


def _unpaired(text: str, mark: str) -> bool:
    if mark == '"':
        return text.count(mark) % 2 == 1
    opening, closing = (mark, _OPENING[mark]) if mark in _OPENING else (_PAIRS[mark], mark)
    more = text.count(closing) - text.count(opening)
    return more > 0 if mark == closing else more < 0


def _cut(answer: Answer, skip: int, text: str) -> dict[str, object]:
    return answer.fix(answer_start=answer.span.start + skip, text=text)
