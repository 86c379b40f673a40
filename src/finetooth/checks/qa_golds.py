"""Answers that contradict each other, of one question or of the same question asked twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from finetooth.checks._evidence import stems
from finetooth.checks._qa import distinct, squeezed
from finetooth.checks._similar import groups
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten, squeeze
from finetooth.types import Example, Finding, Span


def agree(a: Span, b: Span) -> bool:
    """Whether two answers share a word, or a character of the context."""
    if a.start < b.start + len(b.text) and b.start < a.start + len(a.text):
        return True
    ours, theirs = squeeze(a.text), squeeze(b.text)
    return ours in theirs or theirs in ours or bool(set(stems(a.text)) & set(stems(b.text)))


@check("qa", severity="info")
def golds_disagree(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """One annotator's answer shares neither a word nor a character with any of the others.

    Both may be right; more often one is not. Where at least two agree against one, the fix is to
    take that one out, and it is a warning.

    Bad: {"question": "Who left?", "answers": {"text": ["Ada", "Ada Moss", "noon"], "answer_start": [0, 0, 12]}}
    Fix: {"question": "Who left?", "answers": {"text": ["Ada", "Ada Moss"], "answer_start": [0, 0]}}
    """
    for example in examples:
        answers = [a for a in distinct(example) if a.span.text.strip()]
        if len(answers) < 2:
            continue
        alone = [a for a in answers if not any(agree(a.span, b.span) for b in answers if b is not a)]
        if not alone:
            continue
        total = sum(len(a.golds) for a in answers)
        out = min(alone, key=lambda a: (len(a.golds), a.golds))
        rest = [a for a in answers if a is not out]
        united = total - len(out.golds) >= 2 and all(
            a is rest[0] or agree(a.span, rest[0].span) for a in rest
        )
        outvoted = united and len(out.golds) * 2 <= total - len(out.golds)
        against = ", ".join(shorten(repr(a.span.text), 40) for a in rest[:3])
        yield flag(
            example,
            f"one answer is {shorten(repr(out.span.text), 40)}, the others are {against}",
            fix=out.fix(remove=True) if outvoted else None,
            severity="warning" if outvoted else "",
            answer=out.span.text,
            given_by=len(out.golds),
            of=total,
        )


@check("qa", severity="warning")
def same_question_different_answers(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The same question over the same context has answers that share nothing, or once none at all.

    A model cannot learn both; at least one is wrong or incomplete.

    Bad: two rows "Who left?" over "Ada left at noon.", one with "Ada", one with "at noon"
    Fix: both rows with "Ada", or one of them left out
    """
    keys = [(squeeze(e.inputs.question), squeezed(e.inputs.context)) for e in examples]
    for at in groups(keys).values():
        same = [examples[i] for i in at]
        for example in same:
            other = next((o for o in same if o is not example and contradict(example, o)), None)
            if other is not None:
                yield flag(
                    example,
                    f"says {_said(example)}, the same question in {other.id} says {_said(other)}",
                    other=other.id,
                    answers=[a.text for a in example.target.answers],
                    other_answers=[a.text for a in other.target.answers],
                )


def contradict(a: Example, b: Example) -> bool:
    ours, theirs = a.target.answers, b.target.answers
    if not ours or not theirs:
        return bool(ours) != bool(theirs)
    return not any(agree(x, y) for x in ours for y in theirs)


def _said(example: Example) -> str:
    answers = example.target.answers
    return shorten(repr(answers[0].text), 50) if answers else "unanswerable"
