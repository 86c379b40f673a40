"""One split against another: what stands in both, and how the two differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from finetooth.checks._qa import by_context, squeezed
from finetooth.checks._similar import near, shingles
from finetooth.checks.qa_golds import contradict
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten, squeeze, words
from finetooth.types import Example, Finding

SIMILAR = 0.7  # Jaccard similarity of runs of three words, as in similar-context
NOTABLE = 0.2  # Cliff's delta; 0.147 is called small, 0.33 medium
SURE = 0.01
LEAST = 30  # examples in a split


@check("qa", severity="error", needs="against")
def context_leakage(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The context, but for case and blanks, also stands in the other split.

    What was trained on is then asked about in the test, and the score measures memory. Splits of question
    answering must be made by document.

    Bad: "Ada left at noon." in train.json and in dev.json
    Fix: all questions about it in one of the two
    """
    there = {squeezed(e.inputs.context): e for e in reversed(context.against)}
    asked = {(squeezed(e.inputs.context), squeeze(e.inputs.question)) for e in context.against}
    for example in examples:
        key = squeezed(example.inputs.context)
        other = there.get(key)
        if other is None or not key:
            continue
        same = (key, squeeze(example.inputs.question)) in asked
        yield flag(
            example,
            f"the context{' and the question' if same else ''} also stand{'' if same else 's'} in "
            f"{context.against_name} ({other.id})",
            fix=f"leave it out here or in {context.against_name}",
            other=other.id,
            question_too=same,
        )


@check("qa", severity="warning", needs="against")
def near_context_leakage(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The context is nearly the same as one of the other split, or holds it, or is held by it.

    At least seven in ten runs of three words are shared, or nine in ten of the shorter one's (twenty
    runs or more).

    Bad: "Ada left the old mill at noon on Monday." in train.json, the same with "Tuesday" in dev.json
    Fix: all questions about both in one of the two splits
    """
    here, there = by_context(examples), by_context(context.against)
    exact = {squeezed(text) for text in there}
    texts, others = [t for t in here if squeezed(t) not in exact], list(there)
    ours, theirs = [shingles(t) for t in texts], [shingles(t) for t in others]
    found = {i: (j, s, "similar") for i, j, s in near(ours, threshold=SIMILAR, against=theirs)}
    for i, j, share in _held(ours, theirs):
        found.setdefault(i, (j, share, "held"))
    for i, (j, share, how) in sorted(found.items()):
        other = there[others[j]][0]
        said = "the same as" if how == "similar" else "shared, the shorter in the longer, with"
        for example in here[texts[i]]:
            yield flag(
                example,
                f"the context is {share:.0%} {said} that of {other.id} in {context.against_name}",
                other=other.id,
                share=round(share, 3),
                how=how,
            )


def _held(
    ours: Sequence[frozenset[str]], theirs: Sequence[frozenset[str]], *, share: float = 0.9, least: int = 20
) -> Iterator[tuple[int, int, float]]:
    """Pairs of which the smaller is nearly a part of the larger."""
    where: dict[str, list[int]] = {}
    for j, each in enumerate(theirs):
        for s in each:
            where.setdefault(s, []).append(j)
    for i, each in enumerate(ours):
        common: dict[int, int] = {}
        for s in each:
            at = where.get(s, ())
            if len(at) <= 20:  # what stands in many is boilerplate and proves nothing
                for j in at:
                    common[j] = common.get(j, 0) + 1
        for j, n in common.items():
            size = min(len(each), len(theirs[j]))
            if size >= least and n >= share * size:
                yield i, j, n / size
                break


@check("qa", severity="warning", needs="against")
def question_leakage(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The same question with the same answer stands in the other split, over another context.

    Bad: "Who founded the abbey of Moss?" with "Ada" in train.json and in dev.json
    Fix: the question in one of the two
    """
    there: dict[str, list[Example]] = {}
    for other in context.against:
        there.setdefault(squeeze(other.inputs.question), []).append(other)
    for example in examples:
        question = squeeze(example.inputs.question)
        if not question or not example.target.answers:
            continue
        answers = {squeeze(a.text) for a in example.target.answers}
        for other in there.get(question, ()):
            if squeezed(other.inputs.context) == squeezed(example.inputs.context):
                continue  # context-leakage says so
            if answers & {squeeze(a.text) for a in other.target.answers} and not contradict(example, other):
                yield flag(
                    example,
                    f"{shorten(repr(example.inputs.question), 70)} with the same answer stands in "
                    f"{context.against_name} ({other.id})",
                    other=other.id,
                    answers=sorted(answers),
                )
                break


def _skewed(
    examples: Sequence[Example],
    context: CheckContext,
    what: str,
    unit: str,
    value: Callable[[Example], float | None],
) -> Iterator[Finding]:
    import numpy as np

    from finetooth.checks._skew import skew

    ours = [(v, e.inputs.context) for e in examples if (v := value(e)) is not None]
    theirs = [(v, e.inputs.context) for e in context.against if (v := value(e)) is not None]
    if min(len(ours), len(theirs)) < LEAST:
        return
    found = skew(
        [v for v, _ in ours],
        [g for _, g in ours],
        [v for v, _ in theirs],
        [g for _, g in theirs],
        rng=np.random.default_rng(0),
    )
    if abs(found.effect) >= NOTABLE and found.p <= SURE:
        yield flag(
            "",
            f"{what} here than in {context.against_name}: median {found.median:.3g} against "
            f"{found.other_median:.3g} {unit} (Cliff's delta {found.effect:+.2f}, p {found.p:.2g})",
            effect=round(found.effect, 4),
            p=found.p,
            median=found.median,
            other_median=found.other_median,
            n=len(ours),
            other_n=len(theirs),
        )


@check("qa", severity="warning", needs="against")
def answer_length_skew(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Answers of one split are longer than those of the other, more than chance and contexts explain.

    A model learns how long answers are; tested on others it is marked down for that alone. Measured by
    Cliff's delta on the words of the first answer, 0.2 or more, with p of 0.01 or less when whole
    contexts are permuted between the splits.

    Bad: answers of 2 words in train.json, of 7 in dev.json
    Fix: both splits drawn from the same documents' answers
    """
    yield from _skewed(examples, context, "answers have another length", "words", _length)


@check("qa", severity="warning", needs="against")
def answer_position_skew(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Answers of one split stand earlier in their contexts than those of the other.

    A model that learns "near the beginning" looks good on one split and fails on the other. Measured
    like answer-length-skew, on where the first answer starts, as a share of the context.

    Bad: answers in the first sentence in train.json, anywhere in dev.json
    Fix: both splits drawn from the same documents' answers
    """
    yield from _skewed(examples, context, "answers stand elsewhere", "of the context", _position)


def _length(example: Example) -> float | None:
    answers = example.target.answers
    return float(len(words(answers[0].text))) if answers else None


def _position(example: Example) -> float | None:
    answers, size = example.target.answers, len(example.inputs.context)
    return answers[0].start / size if answers and 0 <= answers[0].start < size else None
