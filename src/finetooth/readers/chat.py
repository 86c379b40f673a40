"""Chats whose user gives a premise and a hypothesis, and whose assistant says the label, alone or with a reason.

{"messages": [{"role": "user", "content": "Premise: Ada left at noon.\nHypothesis: Ada left."},
              {"role": "assistant", "content": "Label: entailment\nReason: Who left at noon has left."}]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from finetooth.errors import DataError
from finetooth.io import Source
from finetooth.readers._chat import Turns, is_chat, turns
from finetooth.readers.pairs import columns, mapped
from finetooth.registry import Reader
from finetooth.tasks import nli
from finetooth.tasks.nli_outputs import kind, of_object
from finetooth.tasks.nli_outputs import read as read_output
from finetooth.types import Drop, Example

# Each begins a line; a premise goes on to the hypothesis, a hypothesis to the end of its line.
_PREMISE = re.compile(r"^[ \t#*>-]*(?:premise|sentence ?1|text ?1)\**[ \t]*:\**", re.I | re.M)
_HYPOTHESIS = re.compile(r"^[ \t#*>-]*(?:hypothesis|sentence ?2|text ?2)\**[ \t]*:\**", re.I | re.M)
_LABEL = re.compile(
    r"^[ \t#*>-]*(?:(?:predicted|final|true|gold)[ _])?(?:label|answer|verdict|conclusion|relation)\**[ \t]*:\**(.*)$",
    re.I | re.M,
)
_REASON = re.compile(
    r"^[\s#*>-]*(?:reason(?:ing)?|explanation|rationale|thoughts?|because)\**\s*:\**\s*", re.I
)
WORDS = 3  # a label alone has no more: "does not follow"


def sniff(source: Source) -> bool:
    row = source.first_row
    if row is None or not is_chat(row) or columns(row):
        return False
    try:
        return _pair(turns(row, "").user) is not None
    except DataError:
        return False


def read(source: Source) -> Iterator[Example]:
    """A chat that holds no pair, several, or no label is dropped by name; ``labels`` of the options rename.

    Where predictions are asked for, a question without an answer has the blank label.
    """
    mapping: Mapping[str, str] = source.options.get("labels") or {}
    dropped: list[Drop] = source.options.setdefault("dropped", [])
    for where, row in source.rows():
        try:
            plain = _row(row, turns(row, where), asked=bool(source.options.get("asked")))
            if mapping and plain["label"] != nli.BLANK["label"]:
                plain["label"] = mapped(plain["label"], mapping, where)
            example = nli.from_row(plain, where)
        except DataError as e:
            if mapping and "mapping" in e.what:
                raise
            dropped.append(Drop(where if row.get("id") is None else str(row["id"]), "read", e.what))
            continue
        yield example


def _row(row: Mapping[str, Any], said: Turns, *, asked: bool) -> dict[str, Any]:
    pair = _pair(said.user)
    if pair is None:
        raise DataError("the user gives no premise and hypothesis, each on a line of its own, or several")
    label, reason = (None, None) if said.assistant is None else _answer(said.assistant)
    if said.assistant is None:
        label = nli.BLANK["label"] if asked else row.get("label")
    if label is None:
        raise DataError("the assistant says no label")
    return {"id": row.get("id"), "premise": pair[0], "hypothesis": pair[1], "label": label, "reason": reason}


def _pair(text: str) -> tuple[str, str] | None:
    """Premise and hypothesis; None where there are none, or more than one of either: which is asked nobody can say."""
    premises, hypotheses = list(_PREMISE.finditer(text)), list(_HYPOTHESIS.finditer(text))
    if len(premises) != 1 or len(hypotheses) != 1 or premises[0].end() > hypotheses[0].start():
        return None
    premise = text[premises[0].end() : hypotheses[0].start()].strip()
    hypothesis = text[hypotheses[0].end() :].lstrip().split("\n", 1)[0].strip()
    return (premise, hypothesis) if premise and hypothesis else None


def _answer(text: str) -> tuple[str | None, str | None]:
    """Label and reason: of a JSON object, of a line that begins "Label:", or of a first or last line that is a label."""
    if "{" in text:
        found = read_output(text)
        if found.label is not None:
            return found.label, found.reason
    said = list(_LABEL.finditer(text))
    if len(said) == 1 and (label := _label(said[0][1])):
        return label, _reason(text[: said[0].start()] + "\n" + text[said[0].end() :])
    lines = [line.strip() for line in text.strip().split("\n") if line.strip()]
    if len(lines) == 1:
        return _label(lines[0]), None
    for at in (0, -1) if lines else ():
        label = _label(lines[at])
        if label is not None and (label.isdigit() or kind(label) is not None):
            return label, _reason("\n".join(lines[1:] if at == 0 else lines[:-1]))
    return None, None


def _label(text: str) -> str | None:
    """A label alone, "0 (not entailed)" as 0; None for a sentence."""
    label = of_object({"label": text.strip().strip("*`_. ")}).label
    return label if label is not None and len(label.split()) <= WORDS else None


def _reason(text: str) -> str | None:
    return _REASON.sub("", text.strip()).strip() or None


READER = Reader(
    "chat-nli",
    "nli",
    "chats: a premise and a hypothesis asked about, a label answered",
    sniff,
    read,
    priority=6,
)
