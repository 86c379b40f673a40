"""Extractive question answering.

Row: {"id": "q1", "context": "Ada left.", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [0]}}
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from finetooth.errors import DataError
from finetooth.io import MAX_LINE_BYTES, MAX_SAFE_INTEGER, content_id, json_type
from finetooth.metrics.qa import EXACT_MATCH, F1
from finetooth.registry import Task
from finetooth.tasks.qa_floors import FLOORS
from finetooth.tasks.qa_parts import ABLATIONS, SLICES
from finetooth.text import many, normalize_answer
from finetooth.types import Example, Prediction, Span


@dataclass(frozen=True, slots=True)
class QAInput:
    question: str
    context: str


@dataclass(frozen=True, slots=True)
class QATarget:
    """Accepted answers; none means that the context does not hold the answer.

    Spans are as the file has them: a wrong offset is a finding, not a reading error. ``v2`` says that
    the set has unanswerable questions, which SQuAD's v2.0 script scores by rules of its own. A question
    that is said to have an answer, and has none, keeps ``is_impossible: false`` in its example's meta.
    """

    answers: tuple[Span, ...]
    v2: bool = False


def from_row(row: Mapping[str, Any], where: str) -> Example:
    """A flat row with ``answers`` as {"text": [...], "answer_start": [...]}.

    Empty lists say that the question is unanswerable, unless ``v2`` is false. No ``answers``, or null, says
    nothing: such a row can be predicted for, and is an error of empty-answer where it is taken for labelled.
    Raises DataError for a field of the wrong type, and for ``answers`` under a name that is nearly that.
    """
    question, context = text(row, "question", where), text(row, "context", where)
    answers = row.get("answers")
    labelled = answers is not None
    if answers is None:
        refuse_misspelt(row, "answers", where)
        answers = {"text": [], "answer_start": []}
    if not isinstance(answers, Mapping):
        raise DataError(
            f"answers: expected an object with text and answer_start, found {json_type(answers)}",
            where=where,
            cure='as in {"text": ["Ada"], "answer_start": [0]}',
        )
    texts, starts = answers.get("text"), answers.get("answer_start")
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        raise DataError(
            f"answers: expected lists text and answer_start of equal length, found {_size(texts)} and {_size(starts)}",
            where=where,
            cure="give each text its answer_start",
        )
    ends = answers.get("answer_end") or [None] * len(texts)
    if not isinstance(ends, list) or len(ends) != len(texts):
        raise DataError(
            f"answers: expected as many answer_end as text, found {_size(ends)} and {len(texts)}",
            where=where,
            cure="leave answer_end out",
        )
    spans = tuple(
        span(t, s, f"{where}: answers[{i}]", end=e)
        for i, (t, s, e) in enumerate(zip(texts, starts, ends, strict=True))
    )
    name = row.get("id")
    if name is None or name == "":
        # Not of the answers: a mended offset, or a row not labelled yet, is the same question.
        name = content_id(question, context)
    name = id_text(name, where)
    v2 = row.get("v2", labelled and not spans)
    if not isinstance(v2, bool):
        raise DataError(f"v2: expected true or false, found {json_type(v2)}", where=where, cure="no quotes")
    meta: dict[str, Any] = {"where": where}
    if row.get("is_impossible") is False and says_nothing(spans):
        meta["is_impossible"] = False
    if row.get("v2") is False:
        meta["v2"] = False  # said, not merely unsaid: together leaves it
    if isinstance(row.get("title"), str):
        meta["title"] = row["title"]
    return Example(name, QAInput(question, context), QATarget(spans, v2), meta)


def says_nothing(answers: tuple[Span, ...]) -> bool:
    """Whether there is no answer, or only white space."""
    return not any(a.text.strip() for a in answers)


def refuse_misspelt(row: Mapping[str, Any], key: str, where: str) -> None:
    """DataError where the row has no ``key``, and another that is nearly so called."""
    if key in row:
        return
    names = {str(k).lower(): k for k, value in row.items() if value is not None}
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.8)
    if near:
        raise DataError(
            f"{key}: found nothing, and a key {names[near[0]]!r}",
            where=where,
            cure=f"did you mean {key}? rename it, or leave it out",
        )


def _size(value: Any) -> str:
    return str(len(value)) if isinstance(value, list) else json_type(value)


def id_text(value: Any, where: str) -> str:
    """An id as a string; whole numbers are ids too. Raises DataError for what is neither."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise DataError(
            f"id: expected a string, found {json_type(value)}",
            where=where,
            cure="a string, a whole number, or no id at all",
        )
    return str(value)


def text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        found = "nothing" if key not in row else json_type(value)
        raise DataError(
            f"{key}: expected a string, found {found}",
            where=where,
            cure=f"give it a {key}, or leave the row out",
        )
    if len(value) > MAX_LINE_BYTES:
        raise DataError(
            f"{key}: {len(value):,} characters, expected at most {MAX_LINE_BYTES:,}",
            where=where,
            cure="split it into passages",
        )
    return value


def span(value: Any, start: Any, where: str, *, end: Any = None) -> Span:
    """An answer as given. An ``answer_end`` is believed only as evidence; the text is what counts."""
    if not isinstance(value, str):
        raise DataError(
            f"text: expected a string, found {json_type(value)}", where=where, cure="leave the answer out"
        )
    _offset("answer_start", start, where)
    if end is not None:
        _offset("answer_end", end, where)
    return Span(start, start + len(value) if end is None else end, value)


def _offset(key: str, value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(
            f"{key}: expected an integer, found {json_type(value)}",
            where=where,
            cure='characters before it in the context: 0, not 0.0 or "0"',
        )
    if abs(value) > MAX_SAFE_INTEGER:
        raise DataError(
            f"{key}: expected an offset in characters, found a number of {len(str(abs(value)))} digits",
            where=where,
            cure="characters before it in the context",
        )


def to_row(example: Example) -> dict[str, Any]:
    answers = example.target.answers
    row = {
        "id": example.id,
        "question": example.inputs.question,
        "context": example.inputs.context,
        "answers": {
            "text": [a.text for a in answers],
            "answer_start": [a.start for a in answers],
        },
        "v2": example.target.v2,
    }
    if any(a.end != a.start + len(a.text) for a in answers):
        row["answers"]["answer_end"] = [a.end for a in answers]
    if "is_impossible" in example.meta:
        row["is_impossible"] = example.meta["is_impossible"]
    if "title" in example.meta:
        row["title"] = example.meta["title"]
    return row


def together(examples: Sequence[Example]) -> list[Example]:
    """All rows as v2 where one is: one script scores a set, by its rules also those that have an answer.

    A row stays as it is that says ``v2: false``, and one without a word of an answer that does not say it is
    unanswerable: nobody has labelled it, and under v2 it would count as such. So no check finds another fix
    in rows that were not put together, as those of ``check --stream`` are not.
    """
    if not any(e.target.v2 for e in examples):
        return list(examples)
    return [replace(e, target=replace(e.target, v2=True)) if _joins(e) else e for e in examples]


def _joins(example: Example) -> bool:
    """Whether the row is scored as v2 where its set is."""
    target = example.target
    return not target.v2 and not says_nothing(target.answers) and example.meta.get("v2") is not False


def notes(examples: Sequence[Example]) -> list[str]:
    """Where the official script would score otherwise.

    It never reads ``is_impossible``, only the answers; and evaluate-v2.0.py keeps scores by id, so that of several
    questions under one id the last one counts (evaluate-v1.1.py counts each, as is done here).
    """
    made = []
    apart = [e.id for e in examples if e.target.answers and not e.target.v2]
    if apart and any(e.target.v2 for e in examples):
        they = "it is" if len(apart) == 1 else "they are"
        made.append(
            f"{many(len(apart), 'question')} said to be v2: false, or with a blank answer, in a set that has unanswerable "
            f"ones, {apart[0]} for one: {they} scored as evaluate-v1.1.py does"
        )
    again = [str(e.meta["given_id"]) for e in examples if e.target.v2 and "given_id" in e.meta]
    again = [name for name in again if not name.startswith("row-")]  # those had no id
    if again:
        verbs = (
            ("stands", "each of its questions is")
            if len(set(again)) == 1
            else ("stand", "each of their questions is")
        )
        made.append(
            f"{many(len(set(again)), 'id')} {verbs[0]} more than once, {again[0]} for one: {verbs[1]} scored, "
            f"{len(examples):,} in all, where evaluate-v2.0.py scores the last one of an id, "
            f"{len(examples) - len(again):,} in all (see the check duplicate-id)"
        )
    both = [e.id for e in examples if e.meta.get("impossible_with")]
    if not both:
        return made
    they = "it is" if len(both) == 1 else "they are"
    made.append(
        f"{many(len(both), 'question')} marked is_impossible with answers, {both[0]} for one: {they} scored as "
        "unanswerable, where evaluate-v2.0.py goes by the answers (see the check unanswerable-with-answers)"
    )
    return made


def gold(example: Example) -> Prediction:
    """The first accepted answer that says something once it is normalised; "" where there is none."""
    answers = [a.text for a in example.target.answers]
    best = next((a for a in answers if normalize_answer(a)), answers[0] if answers else "")
    return Prediction(example.id, best, 1.0)


def parse(value: Any, example: Example) -> str:
    """A prediction is its text, alone, under "text", or first of an n-best list; "" or null: no answer."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        value = value[0]
    if isinstance(value, Mapping) and "text" in value:
        value = value["text"]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"expected the answer's text, found {json_type(value)}", where=example.id)
    return value


def prompt(example: Example) -> str:
    inputs = example.inputs
    return f"{inputs.context}\n\nQuestion: {inputs.question}\nAnswer, in words of the text:"


def taught(answer: str, example: Example) -> QATarget | None:
    """The answer where it stands, if it does so once; "" where questions may have none. None: its place is unknown."""
    if not answer:
        return QATarget((), True) if example.target.v2 else None
    context = example.inputs.context
    start = context.find(answer)
    if start < 0 or context.find(answer, start + 1) >= 0:
        return None
    return QATarget((Span(start, start + len(answer), answer),), example.target.v2)


TASK = Task(
    name="qa",
    summary="Extractive question answering: a question, a context, a span of it.",
    from_row=from_row,
    to_row=to_row,
    gold=gold,
    parse=parse,
    show=lambda answer: answer,
    taught=taught,
    together=together,
    notes=notes,
    metrics=(EXACT_MATCH, F1),
    main_metric="f1",
    heads=("span", "causal"),
    group=lambda example: example.inputs.context,
    floors=FLOORS,
    ablations=ABLATIONS,
    slices=SLICES,
    # An empty list under v2 is a label, "unanswerable"; elsewhere nobody has said anything.
    unlabelled=lambda e: "" if e.target.answers or e.target.v2 else "no gold answers",
    prompt=prompt,
    answer=lambda example: gold(example).target,
)
