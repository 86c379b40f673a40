"""SQuAD's own JSON, v1.1 and v2.0.

{"data": [{"title": "T", "paragraphs": [{"context": "Ada left.", "qas": [
    {"id": "q1", "question": "Who left?", "answers": [{"text": "Ada", "answer_start": 0}]}]}]}]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io import Source, content_id, json_type, write_json
from finetooth.readers._answers import half_open
from finetooth.registry import Reader
from finetooth.tasks.qa import QAInput, QATarget, id_text, refuse_misspelt, says_nothing, span, text
from finetooth.types import Example, Span


def sniff(source: Source) -> bool:
    if source.starts_with != "{" or b'"data"' not in source.head or source.first_line_is_json:
        return False
    # A broken document raises here: with its first bytes it says what it wants to be.
    document = source.document
    articles = document.get("data")
    if not isinstance(articles, list):
        return False
    return not articles or any(isinstance(a, dict) and "paragraphs" in a for a in articles[:10])


def read(source: Source) -> Iterator[Example]:
    document = source.document
    if not isinstance(document, dict):
        found = json_type(document) if document is not None else "no JSON document"
        raise DataError(
            f"expected an object with data, found {found}", where=str(source), cure="leave out --format"
        )
    v2 = _is_v2(document)
    shared: dict[str, str] = {}
    for a, article in enumerate(_list(document, "data", str(source))):
        where_a = f"{source}: data[{a}]"
        for p, paragraph in enumerate(_list(article, "paragraphs", where_a)):
            where_p = f"{where_a}.paragraphs[{p}]"
            context = text(paragraph, "context", where_p) if isinstance(paragraph, dict) else ""
            for q, qa in enumerate(_list(paragraph, "qas", where_p)):
                where = f"{where_p}.qas[{q}]"
                example = _example(qa, context, v2, where, article.get("title"))
                yield half_open(example, shared)


def _is_v2(document: Mapping[str, Any]) -> bool:
    """Whether its version is a 2 ("v2.0", "SQuAD2.0", 2), or any question says whether it is impossible."""
    number = re.search(r"\d+", str(document.get("version", "")))
    if number is not None and number.group() == "2":
        return True
    articles = document.get("data")
    return any(
        isinstance(qa, Mapping) and "is_impossible" in qa
        for article in (articles if isinstance(articles, list) else ())
        for paragraph in _inside(article, "paragraphs")
        for qa in _inside(paragraph, "qas")
    )


def _inside(value: Any, key: str) -> list[Any]:
    """The list under ``key``; [] for what is none, which reading names."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


def _example(qa: Any, context: str, v2: bool, where: str, title: Any) -> Example:
    if not isinstance(qa, dict):
        raise _no_object(qa, where)
    question = text(qa, "question", where)
    impossible = qa.get("is_impossible", False)
    if not isinstance(impossible, bool):
        raise DataError(
            f"is_impossible: expected true or false, found {json_type(impossible)}",
            where=where,
            cure="no quotes",
        )
    given = [] if impossible and "answers" not in qa else _list(qa, "answers", where)
    spans = tuple(_span(x, f"{where}.answers[{i}]") for i, x in enumerate(given))
    name = qa.get("id")
    if name is None or name == "":
        name = content_id(question, context)
    name = id_text(name, where)
    meta: dict[str, Any] = {"where": where}
    if isinstance(title, str):
        meta["title"] = title
    if isinstance(qa.get("plausible_answers"), list):
        meta["plausible_answers"] = qa["plausible_answers"]
    if "is_impossible" in qa and not impossible and says_nothing(spans):
        meta["is_impossible"] = False
    if impossible and spans:
        meta["impossible_with"] = [s.text for s in spans]
        spans = ()
    return Example(name, QAInput(question, context), QATarget(spans, v2), meta)


def _span(answer: Any, where: str) -> Span:
    if not isinstance(answer, dict):
        raise _no_object(answer, where)
    for key in ("text", "answer_start"):
        if key not in answer:
            raise DataError(
                f"expected text and answer_start, found no {key}", where=where, cure="leave the answer out"
            )
    return span(answer["text"], answer["answer_start"], where, end=answer.get("answer_end"))


def _no_object(value: Any, where: str) -> DataError:
    return DataError(f"expected an object, found {json_type(value)}", where=where, cure="leave it out")


_CURES = {
    "data": 'a list of articles, as in "data": [{"title": "T", "paragraphs": [...]}]',
    "paragraphs": 'as in "paragraphs": [{"context": "Ada left.", "qas": [...]}]',
    "qas": 'as in "qas": [{"id": "q1", "question": "Who left?", "answers": [...]}]; [] where nothing is asked',
    "answers": 'as in "answers": [{"text": "Ada", "answer_start": 0}]; [] for a question without one',
}


def _list(value: Any, key: str, where: str) -> list[Any]:
    if not isinstance(value, Mapping):
        raise _no_object(value, where)
    if not isinstance(value.get(key), list):
        found = json_type(value[key]) if key in value else "nothing"
        if key == "answers":
            refuse_misspelt(value, key, where)
        raise DataError(f"{key}: expected a list, found {found}", where=where, cure=_CURES[key])
    return value[key]


def write(examples: Sequence[Example], path: Path) -> None:
    """SQuAD JSON; questions of one title and context stand together, in the order given."""
    articles: dict[str, dict[str, list[Example]]] = {}
    for example in examples:
        contexts = articles.setdefault(example.meta.get("title", ""), {})
        contexts.setdefault(example.inputs.context, []).append(example)
    v2 = any(e.target.v2 for e in examples)
    write_json(
        path,
        {
            "version": "v2.0" if v2 else "1.1",
            "data": [
                {
                    "title": title,
                    "paragraphs": [
                        {"context": context, "qas": [_qa(e, v2) for e in group]}
                        for context, group in contexts.items()
                    ],
                }
                for title, contexts in articles.items()
            ],
        },
    )


def _qa(example: Example, v2: bool) -> dict[str, Any]:
    target = example.target
    row: dict[str, Any] = {
        "id": example.id,
        "question": example.inputs.question,
        "answers": [_answer(a) for a in target.answers],
    }
    if target.v2 or (v2 and not target.answers):
        # Under "v2.0" no answer means unanswerable, unless the row denies it.
        row["is_impossible"] = example.meta.get("is_impossible", target.v2 and not target.answers)
    if "plausible_answers" in example.meta:
        row["plausible_answers"] = example.meta["plausible_answers"]
    return row


def _answer(answer: Span) -> dict[str, Any]:
    row: dict[str, Any] = {"text": answer.text, "answer_start": answer.start}
    if answer.end != answer.start + len(answer.text):
        row["answer_end"] = answer.end
    return row


READER = Reader("squad", "qa", "SQuAD v1.1 and v2.0 JSON", sniff, read, write, priority=10)
