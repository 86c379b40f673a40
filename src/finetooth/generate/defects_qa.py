"""What goes wrong with questions and answers: places that slip, answers that are others', copies, cuts."""

from __future__ import annotations

import copy

from finetooth.generate.defects import Change, Row, Spoil, defect
from finetooth.generate.world import pick

FARTHEST = 25  # characters that an offset slips


def _answers(row: Row) -> dict:
    return copy.deepcopy(row["answers"])


@defect("qa", "the row is a copy of an earlier one", tells=("duplicate-question",), copies=True)
def duplicated(spoil: Spoil) -> Change:
    return _copied(spoil, pick(spoil.rows[: spoil.at], spoil.rng)) if spoil.at else None


@defect("qa", "the row is a copy of one of the other split", tells=("context-leakage",), needs_other=True)
def leaked(spoil: Spoil) -> Change:
    return _copied(spoil, pick(spoil.other, spoil.rng))


def _copied(spoil: Spoil, source: Row) -> Change:
    was = {k: v for k, v in spoil.row.items() if k != "id"}
    spoil.row.update({k: copy.deepcopy(v) for k, v in source.items() if k != "id"})
    return was, None, source["id"]


@defect(
    "qa",
    "the offset of the answer points some characters off",
    tells=("answer-not-at-offset", "offset-out-of-range", "answer-cut-inside-word"),
)
def shifted_offset(spoil: Spoil) -> Change:
    row, was = spoil.row, _answers(spoil.row)
    starts, texts = row["answers"]["answer_start"], row["answers"]["text"]
    away = int(spoil.rng.integers(1, FARTHEST + 1)) * (1 if spoil.rng.random() < 0.5 else -1)
    if not 0 <= starts[0] + away <= len(row["context"]) - len(texts[0]):
        away = -away
    moved = [s + away for s in starts]
    if any(m < 0 or row["context"].startswith(t, m) for m, t in zip(moved, texts, strict=True)):
        return None
    row["answers"]["answer_start"] = moved
    return was, _answers(row), None


@defect(
    "qa",
    "another thing of the same kind, from the same text, stands as the answer",
    tells=("answer-far-from-question",),
)
def wrong_answer(spoil: Spoil) -> Change:
    row, was = spoil.row, _answers(spoil.row)
    placed = spoil.document.placed
    right = next(
        (p for p in placed if p.start == was["answer_start"][0] and p.text(spoil.document) == was["text"][0]),
        None,
    )
    if right is None:
        return None
    accepted = set(was["text"])
    wrong = [
        p
        for p in placed
        if p.value.kind == right.value.kind
        and p.value.key != right.value.key
        and p.text(spoil.document) not in accepted
    ]
    if not wrong:
        return None
    instead = pick(wrong, spoil.rng)
    row["answers"] = {"text": [instead.text(spoil.document)], "answer_start": [instead.start]}
    return was, _answers(row), None


@defect(
    "qa",
    "the answer of another question of the same text stands here",
    tells=("answer-of-another-question", "answer-type-mismatch", "answer-far-from-question"),
)
def other_question(spoil: Spoil) -> Change:
    row, was = spoil.row, _answers(spoil.row)
    # A document's questions stand together.
    near = spoil.rows[max(0, spoil.at - 6) : spoil.at + 7]
    others = [
        r for r in near if r["context"] == row["context"] and not set(r["answers"]["text"]) & set(was["text"])
    ]
    if not others:
        return None
    other = pick(others, spoil.rng)
    row["answers"] = _answers(other)
    return was, _answers(row), other["id"]


@defect(
    "qa",
    "the text stops early, before or after the answer",
    tells=("truncated-context", "answer-not-in-context", "offset-out-of-range"),
)
def truncated_context(spoil: Spoil) -> Change:
    row = spoil.row
    was = row["context"]
    at = int(spoil.rng.uniform(0.3, 0.9) * len(was))
    if was[at - 1].isspace() or not was[at].isalnum():  # a cut in mid-sentence, as a limit makes it
        at = was.rfind(" ", 0, at)
    if at < 40:
        return None
    row["context"] = was[:at]
    return was, row["context"], None
