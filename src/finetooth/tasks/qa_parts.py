"""Where answers are right and where not (slices), and inputs with a part taken away (ablations)."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from finetooth.registry import Ablation
from finetooth.tasks.qa_phrases import pieces
from finetooth.text import nearest, normalize_answer, words
from finetooth.types import Example, Span

# The first that fits counts; "in what year" asks when, "for how many years" how many.
_TYPES = (
    ("when", re.compile(r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|decade|century|time)\b", re.I)),
    ("how many", re.compile(r"\bhow (?:many|much|old|long|far|tall|large|big|high|often)\b", re.I)),
    ("who", re.compile(r"\bwho(?:m|se)?\b", re.I)),
    ("where", re.compile(r"\bwhere\b|\b(?:what|which) (?:city|country|state|town|place|continent)\b", re.I)),
    ("why", re.compile(r"\bwhy\b", re.I)),
    ("how", re.compile(r"\bhow\b", re.I)),
    ("which", re.compile(r"\bwhich\b", re.I)),
    ("what", re.compile(r"\bwhat\b", re.I)),
)


def question_type(example: Example, context: Mapping[str, Any]) -> str:
    """Who, when, where and so on, by the question word that stands first; "other" where there is none."""
    question = example.inputs.question
    places = [
        (found.start(), i, name)
        for i, (name, pattern) in enumerate(_TYPES)
        if (found := pattern.search(question))
    ]
    return min(places, default=(0, 0, "other"))[2]


def answer_length(example: Example, context: Mapping[str, Any]) -> str:
    """Words of the first gold answer."""
    if not example.target.answers:
        return "no answer"
    n = len(words(example.target.answers[0].text))
    return "1 word" if n <= 1 else "2-3 words" if n <= 3 else "4-7 words" if n <= 7 else "over 7 words"


def seen_answer(example: Example, context: Mapping[str, Any]) -> str:
    """Whether an accepted answer is one of the training set's too; "" where there is no training set."""
    if not context["train"]:
        return ""
    if "qa answers" not in context and isinstance(context, dict):
        context["qa answers"] = {normalize_answer(a.text) for e in context["train"] for a in e.target.answers}
    if not example.target.answers:
        return "no answer"
    seen = context["qa answers"]
    return "seen" if any(normalize_answer(a.text) in seen for a in example.target.answers) else "unseen"


def answerable(example: Example, context: Mapping[str, Any]) -> str:
    """HasAns and NoAns of evaluate-v2.0.py; "" in a set without unanswerable questions."""
    if "qa v2" not in context and isinstance(context, dict):
        context["qa v2"] = any(e.target.v2 for e in context["examples"])
    if not context["qa v2"]:
        return ""
    return "has answer" if example.target.answers else "no answer"


def gold_answers(example: Example, context: Mapping[str, Any]) -> str:
    """How many different answers are accepted: several mean that people did not agree on one."""
    n = len({normalize_answer(a.text) for a in example.target.answers})
    return "none" if n == 0 else str(n) if n < 3 else "3 or more"


SLICES = {
    "question": question_type,
    "answer length": answer_length,
    "answer in training set": seen_answer,
    "answerable": answerable,
    "gold answers": gold_answers,
}


def question_only(example: Example) -> Example:
    """The passage cut into its phrases and shuffled: all candidates, none of the evidence.

    An answer must still be a span, so it cannot simply be taken out with the passage. Function words
    and order go, accepted answers stay whole; which phrase belongs to what cannot be read any more. A
    model that still finds the answer goes by its type or knows it by heart. After Kaushik and Lipton
    (2018), who left the answer among random words, where it would stand out.
    """
    context = example.inputs.context
    spans = [_placed(a, context) for a in example.target.answers]
    parts = pieces(context, [s for s in spans if s is not None])
    # The same shuffle in every run: the id is the seed.
    random.Random(example.id).shuffle(parts)
    made, moved = "", {}
    for start, end in parts:
        moved[start, end] = len(made)
        made += f"{context[start:end]}. "
    answers = []
    for answer, old in zip(example.target.answers, spans, strict=True):
        at = next((new + old[0] - a for (a, b), new in moved.items() if old and a <= old[0] < b), None)
        if at is None:  # It is not in its passage, and then not in the phrases either.
            at, made = len(made), f"{made}{answer.text}. "
        answers.append(Span(at, at + len(answer.text), answer.text))
    return replace(
        example,
        inputs=replace(example.inputs, context=made.rstrip() or context),
        target=replace(example.target, answers=tuple(answers)),
    )


def _placed(answer: Span, context: str) -> tuple[int, int] | None:
    at = nearest(answer.text, context, answer.start)
    return None if at is None else (at, at + len(answer.text))


def passage_only(example: Example) -> Example:
    """No question: what is found goes by what answers look like."""
    return replace(example, inputs=replace(example.inputs, question=""))


ABLATIONS = (Ablation("question only", question_only), Ablation("passage only", passage_only))
