"""Answers as spans: does the text stand where the offset says, does it stand anywhere?

{"context": "Ada left.", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [4]}}
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from finetooth.checks._closest import closest, same_but_for_looks
from finetooth.checks._counted import Counts, misplaced
from finetooth.checks._qa import distinct, stands
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten
from finetooth.types import Example, Finding


@check("qa", severity="error")
def answer_not_at_offset(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The context holds other characters where the answer should stand, and the answer elsewhere.

    A span head trained on it learns the wrong tokens, and no error is raised. The fix is the nearest
    place where the answer stands as whole words, or the one that the offset means if it was counted in
    bytes, in UTF-16 units, or before line ends, accents, blanks or HTML entities were converted.

    Bad: {"context": "Ada left.", "answers": {"text": ["Ada"], "answer_start": [4]}}
    Fix: {"context": "Ada left.", "answers": {"text": ["Ada"], "answer_start": [0]}}
    """
    counts = Counts(examples)
    if counts.unit:
        yield flag(
            "",
            f"{counts.times:,} of {len(counts.rows):,} misplaced answers stand where their offset says if one counts "
            f"{counts.unit}",
            severity="info",
            fix="count characters (code points) of the context as it stands",
            counted=counts.unit,
            explained=counts.times,
            misplaced=len(counts.rows),
        )
    for example in examples:
        source = example.inputs.context
        for answer in misplaced(example):
            span = answer.span
            if not 0 <= span.start <= len(source):
                continue  # offset-out-of-range says so
            at, unit = counts.place(example, answer)
            assert at is not None
            found = source[span.start : span.start + len(span.text)]
            yield flag(
                example,
                f"the context has {shorten(repr(found), 60)} at {span.start}, "
                f"the answer is {shorten(repr(span.text), 60)}; it stands at {at}"
                + (f", which is {span.start} if one counts {unit}" if unit else ""),
                fix=answer.fix(answer_start=at),
                answer_start=span.start,
                expected=span.text,
                found=found,
                nearest=at,
                away=at - span.start,
                counted=unit,
            )


@check("qa", severity="error")
def offset_out_of_range(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The offset is negative, or beyond the end of the context.

    Python reads a negative offset from the end, so the wrong text comes back without an error.

    Bad: {"context": "Ada left.", "answers": {"text": ["Ada"], "answer_start": [-1]}}
    Fix: {"context": "Ada left.", "answers": {"text": ["Ada"], "answer_start": [0]}}
    """
    counts = Counts(examples)
    for example in examples:
        source = example.inputs.context
        for answer in distinct(example):
            span = answer.span
            if 0 <= span.start <= len(source) or not source.strip():
                continue
            at, _ = counts.place(example, answer)
            if at is None and span.start > 0:
                continue  # answer-not-in-context says so
            yield flag(
                example,
                f"the answer {shorten(repr(span.text), 60)} starts at {span.start}; "
                f"the context has {len(source):,} characters",
                fix=None if at is None else answer.fix(answer_start=at),
                answer_start=span.start,
                size=len(source),
                expected=span.text,
            )


@check("qa", severity="error")
def answer_end_disagrees(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The file gives an answer's end, and it is not where the answer's text ends.

    Whoever trains on start and end learns another span than whoever trains on start and text. An end
    that counts the last character in is read as what it is and not reported.

    Bad: {"context": "Ada left.", "answers": {"text": ["Ada"], "answer_start": [0], "answer_end": [8]}}
    Fix: {"context": "Ada left.", "answers": {"text": ["Ada"], "answer_start": [0], "answer_end": [3]}}
    """
    for example in examples:
        for answer in distinct(example):
            span = answer.span
            end = span.start + len(span.text)
            if span.end != end and stands(span, example.inputs.context):
                yield flag(
                    example,
                    f"answer_end is {span.end}, the text {shorten(repr(span.text), 60)} ends at {end}",
                    fix=answer.fix(answer_start=span.start),
                    answer_end=span.end,
                    expected=end,
                )


def _unseen(one: str, other: str) -> str:
    """What differs between two texts that look the same in a message, else nothing."""
    if unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other):
        return ": its accents are composed with their letters in one and stand by themselves in the other (NFC, NFD)"
    return ": the blanks are others" if "".join(one.split()) == "".join(other.split()) else ""


@check("qa", severity="error")
def answer_not_in_context(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The answer stands nowhere in the context, so no span of it can be right.

    Where only case, blanks, quotes or forms of the same letters differ, the fix is what the context
    has; else the evidence names the place that shares most words.

    Bad: {"context": "Ada  Moss left.", "answers": {"text": ["Ada Moss"], "answer_start": [0]}}
    Fix: {"context": "Ada  Moss left.", "answers": {"text": ["Ada  Moss"], "answer_start": [0]}}
    """
    for example in examples:
        source = example.inputs.context
        if not source.strip():
            continue
        for answer in distinct(example):
            span = answer.span
            if not span.text.strip() or span.text in source:
                continue
            same = same_but_for_looks(span.text, source, span.start)
            if same is not None:
                found = source[same[0] : same[1]]
                yield flag(
                    example,
                    f"{shorten(repr(span.text), 60)} is not in the context, which writes "
                    f"{shorten(repr(found), 60)} at {same[0]}{_unseen(span.text, found)}",
                    fix=answer.fix(text=found, answer_start=same[0]),
                    expected=span.text,
                    found=found,
                    differs="looks",
                )
                continue
            near = closest(span.text, source)
            hint = f"; the closest is {shorten(repr(near[0]), 60)}" if near else ""
            yield flag(
                example,
                f"{shorten(repr(span.text), 60)} is not in the context{hint}",
                expected=span.text,
                found=near[0] if near else None,
                share_of_words=near[1] if near else 0.0,
                differs="words",
            )
