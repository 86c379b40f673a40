"""Questions: are they there, are they questions, does the answer's kind fit?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from finetooth.checks._qa import says_nothing
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten, squeeze, words
from finetooth.types import Example, Finding


@check("qa", severity="error")
def question_empty(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The question has no word in it, or one that stands for a missing text: nan, null, N/A.

    Bad: {"context": "Ada left.", "question": " ?", "answers": {"text": ["Ada"], "answer_start": [0]}}
    Fix: {"context": "Ada left.", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [0]}}
    """
    for example in examples:
        question = example.inputs.question
        if says_nothing(question):
            what = "is empty" if not question.strip() else f"is {shorten(repr(question), 40)}"
            yield flag(example, f"the question {what}", question=question)


_ASKS = re.compile(
    r"\b(?:who|whom|whose|what|when|where|why|which|how|name|list|describe|give|state|define|identify|find|tell|"
    r"explain)\b|_{2,}|\.{3}|…",
    re.I,
)
_VERB_FIRST = re.compile(
    r"(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must)\b",
    re.I,
)
_QUESTION_MARKS = "?？؟;՞"  # Latin, full-width, Arabic, Greek, Armenian


@check("qa", severity="info")
def not_a_question(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The question asks nothing: no question mark, no question word, no gap to fill.

    Said only where nearly all other questions of the set end in a question mark.

    Bad: {"context": "Ada left.", "question": "Ada left the room.", "answers": {"text": ["Ada"], "answer_start": [0]}}
    Fix: {"context": "Ada left.", "question": "Who left the room?", "answers": {"text": ["Ada"], "answer_start": [0]}}
    """
    asked = [any(m in e.inputs.question for m in _QUESTION_MARKS) for e in examples]
    if sum(asked) < 0.8 * len(asked):
        return
    for example, mark in zip(examples, asked, strict=True):
        question = example.inputs.question.strip()
        if mark or says_nothing(question):
            continue
        if _ASKS.search(question) or _VERB_FIRST.match(question):
            continue
        yield flag(example, f"asks nothing: {shorten(repr(question), 100)}", question=question)


@check("qa", severity="info")
def answer_in_question(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The question holds its own answer, word for word: it can be answered without the context.

    Choices ("Is it Ada or Bo?") are left out.

    Bad: {"context": "Ada Moss left.", "question": "When did Ada Moss leave?", "answers": {"text": ["Ada Moss"], "answer_start": [0]}}
    Fix: {"context": "Ada Moss left.", "question": "Who left?", "answers": {"text": ["Ada Moss"], "answer_start": [0]}}
    """
    for example in examples:
        answers = example.target.answers
        if not answers:
            continue
        asked = f" {' '.join(words(example.inputs.question))} "
        if " or " in asked:
            continue
        found = [a.text for a in answers if words(a.text) and f" {' '.join(words(a.text))} " in asked]
        if len(found) == len(answers) and any(len(t) > 3 for t in found):
            yield flag(
                example, f"the question holds its answer {shorten(repr(found[0]), 60)}", answer=found[0]
            )


_NUMBER_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty seventy eighty
ninety hundred hundreds thousand thousands million millions billion billions trillion dozen dozens half halves third
thirds quarter quarters fourth fourths fifth tenth once twice double triple single sole only both none no nobody pair
couple several few fewer many much most all any some every majority minority first second last sixth seventh eighth
ninth little large small numerous countless unknown infinite infinitely unlimited more less enough a an another
multiple various
"""
_TIME_WORDS = """
january february march april june july august september october november december monday tuesday wednesday thursday
friday saturday sunday jan feb mar apr may jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun
century centuries year years decade decades day days week weeks month months hour hours minute minutes second seconds
moment era age ages period periods time times spring summer autumn fall winter season seasons morning noon midnight
night nights evening afternoon today yesterday tomorrow now currently present recent recently before after afterwards
during when whenever while until till once since early earlier late later latest ago prior following upon end beginning
start annually yearly daily weekly monthly quarterly war wars dynasty reign easter christmas holiday holidays holy
modern ancient medieval renaissance revolution immediately soon always never first last next previous antiquity
childhood birth death anniversary semester term weekend weekends weekday weekdays instantly simultaneously as if at in
on upon by under one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty
"""


def _any_of(names: str) -> str:
    return rf"\b(?:{'|'.join(names.split())})\b"


_NUMBER = re.compile(
    rf"\d|[½¼¾⅓⅔]|{_any_of(_NUMBER_WORDS)}|\b(?:\w+teen\w*|\w+fold|(?-i:[IVXLCDM]+))\b", re.I
)
# Roman numbers of two letters or more: of events that come again.
_TIME = re.compile(rf"\d|{_any_of(_TIME_WORDS)}|\w+(?:ocene|oic|ing)\b|\b(?-i:[IVXLC]{{2,}})\b", re.I)
_BARE_NUMBER = re.compile(
    r"[\W\d]*\d[\W\d]*(?:st|nd|rd|th|s|hundred|thousand|million|billion|percent)?\W*", re.I
)
_AUXILIARY = r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)"
_OTHER_ASK = re.compile(r"\b(?:who|whom|whose|what|where|why|which|how)\b", re.I)


def _number_missing(text: str) -> bool:
    return not _NUMBER.search(text)


def _time_missing(text: str) -> bool:
    return not _TIME.search(text)


def _year_missing(text: str) -> bool:
    return not re.search(r"\d", text) and _time_missing(text) and _number_missing(text)


def _only_number(text: str) -> bool:
    return bool(_BARE_NUMBER.fullmatch(text.strip()))


# (what the question says, what an answer to it cannot be, in words). Only what is right nearly always.
KINDS = (
    (
        re.compile(r"(?:\w+ )?how many\b(?! (?:\w+ )?(?:was|were|is|are) it)", re.I),
        _number_missing,
        "a number",
    ),
    (re.compile(r"(?:in |by |during |about )?(?:what|which) year\b", re.I), _year_missing, "a year"),
    (re.compile(rf"when {_AUXILIARY}\b", re.I), _time_missing, "a time"),
    (re.compile(r"(?:what|which) percent(?:age)?\b", re.I), _number_missing, "a share"),
    (re.compile(r"how old\b", re.I), _number_missing, "an age"),
    (re.compile(r"who\b", re.I), _only_number, "somebody, and no bare number"),
    (re.compile(r"where\b(?!.*\brank)", re.I), _only_number, "a place, and no bare number"),
)


@check("qa", severity="warning")
def answer_type_mismatch(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The answer is not of the kind that the question asks for: "when" without a time, "who" with a number.

    English questions only, and only where no accepted answer fits. Often the answer of another question.

    Bad: {"context": "Ada left in May.", "question": "When did Ada leave?", "answers": {"text": ["Ada"], "answer_start": [0]}}
    Fix: {"context": "Ada left in May.", "question": "When did Ada leave?", "answers": {"text": ["in May"], "answer_start": [9]}}
    """
    for example in examples:
        texts = [a.text for a in example.target.answers if a.text.strip()]
        question = squeeze(example.inputs.question)
        if not texts or not question.isascii():
            continue
        for asks, wrong, wanted in KINDS:
            m = asks.match(question)
            if m and not _OTHER_ASK.search(question, m.end()) and all(map(wrong, texts)):
                yield flag(
                    example,
                    f"asks for {wanted}, the answer is {shorten(repr(texts[0]), 60)}",
                    asks_for=wanted,
                    answer=texts[0],
                )
                break
