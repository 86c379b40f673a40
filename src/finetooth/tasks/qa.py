"""Extractive question answering.

Row: {"id": "q1", "context": "Ada left.", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [0]}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetooth.errors import DataError
from finetooth.io import content_id, json_type
from finetooth.metrics.qa import EXACT_MATCH, F1
from finetooth.registry import Task
from finetooth.tasks.qa_floors import FLOORS
from finetooth.tasks.qa_parts import ABLATIONS, SLICES
from finetooth.text import normalize_answer
from finetooth.types import Example, Prediction, Span


@dataclass(frozen=True, slots=True)
class QAInput:
    question: str
    context: str


@dataclass(frozen=True, slots=True)
class QATarget:
    """Accepted answers; none means that the context does not hold the answer.

    Spans are as the file has them: a wrong offset is a finding, not a reading error. ``v2`` says that
    the set has unanswerable questions, which SQuAD's v2.0 script scores by rules of its own.
    """

    answers: tuple[Span, ...]
    v2: bool = False


def from_row(row: Mapping[str, Any], where: str) -> Example:
    """A flat row; ``answers`` may be {"text": [...], "answer_start": [...]} or absent (unanswerable)."""
    question, context = text(row, "question", where), text(row, "context", where)
    answers = row.get("answers")
    if answers is None:
        answers = {"text": [], "answer_start": []}
    if not isinstance(answers, Mapping):
        raise DataError(
            f"answers: expected an object with text and answer_start, found {json_type(answers)}",
            where=where,
        )
    texts, starts = answers.get("text"), answers.get("answer_start")
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        raise DataError("answers: expected lists text and answer_start of equal length", where=where)
    ends = answers.get("answer_end") or [None] * len(texts)
    if not isinstance(ends, list) or len(ends) != len(texts):
        raise DataError("answers: expected as many answer_end as text", where=where)
    spans = tuple(
        span(t, s, f"{where}: answers[{i}]", end=e)
        for i, (t, s, e) in enumerate(zip(texts, starts, ends, strict=True))
    )
    name = row.get("id")
    if name is None or name == "":
        name = content_id(question, context, *(f"{a.start}:{a.text}" for a in spans))
    if not isinstance(name, (str, int)):
        raise DataError(f"id: expected a string, found {json_type(name)}", where=where)
    meta = {"where": where}
    if isinstance(row.get("title"), str):
        meta["title"] = row["title"]
    return Example(
        str(name), QAInput(question, context), QATarget(spans, bool(row.get("v2", not spans))), meta
    )


def text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        found = "nothing" if key not in row else json_type(value)
        raise DataError(f"{key}: expected a string, found {found}", where=where)
    return value


def span(value: Any, start: Any, where: str, *, end: Any = None) -> Span:
    """An answer as given. An ``answer_end`` is believed only as evidence; the text is what counts."""
    if not isinstance(value, str):
        raise DataError(f"text: expected a string, found {json_type(value)}", where=where)
    if isinstance(start, bool) or not isinstance(start, int):
        raise DataError(f"answer_start: expected an integer, found {json_type(start)}", where=where)
    if end is not None and (isinstance(end, bool) or not isinstance(end, int)):
        raise DataError(f"answer_end: expected an integer, found {json_type(end)}", where=where)
    return Span(start, start + len(value) if end is None else end, value)


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
    if "title" in example.meta:
        row["title"] = example.meta["title"]
    return row


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


TASK = Task(
    name="qa",
    summary="Extractive question answering: a question, a context, a span of it.",
    from_row=from_row,
    to_row=to_row,
    gold=gold,
    parse=parse,
    show=lambda answer: answer,
    metrics=(EXACT_MATCH, F1),
    main_metric="f1",
    heads=("span", "causal"),
    group=lambda example: example.inputs.context,
    floors=FLOORS,
    ablations=ABLATIONS,
    slices=SLICES,
    prompt=prompt,
    answer=lambda example: gold(example).target,
)
