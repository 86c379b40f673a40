"""JSON lists in generated text: whole, or cut off, of which what is complete counts.

'[{"text": "Ada", "type": "PER"}, {"text": "Tur'        the first item, cut
'Here they are: [["Ada", "PER"]]. Anything else?'       all of it
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finetooth.errors import DataError
from finetooth.io import parse_json

if TYPE_CHECKING:
    from finetooth.types import Example, Prediction

MOST_STARTS = 50  # brackets that are tried as the beginning
MOST_DEPTH = 64  # a list of entities or triples is nested three deep; what goes deeper is none
CUT = "cut-off"
FAILURES = {
    "empty": "nothing was said",
    "no-list": "there is no JSON list in it",
    "truncated": "its list is cut off before the first item is complete",
    "wrong-items": "its list holds something else than was asked for",
    CUT: "a list is cut off, or that of a stretch not read: what could be read counts",
}
_MARK = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True)
class Listed:
    """``value`` is what the JSON holds, None with ``failure``, a key of FAILURES; ``cut``: its end is missing."""

    value: Any
    failure: str = ""
    cut: bool = False


def read(text: str) -> Listed:
    """The first JSON list or object of a text; of one without an end its complete items. Never raises."""
    if not text.strip():
        return Listed(None, "empty")
    opened = False
    for start in [m.start() for m in re.finditer(r"[\[{]", text)][:MOST_STARTS]:
        cut, piece = _piece(text, start)
        opened |= cut
        value = _parsed(piece) if piece else None
        if value is not None:
            return Listed(value, cut=cut)
    return Listed(None, "truncated" if opened else "no-list")


def _parsed(text: str) -> Any:
    try:
        return parse_json(text, "output")
    except DataError:
        return None


def _piece(text: str, start: int) -> tuple[bool, str]:
    """(False, text to the bracket that closes the one at ``start``), or, if none does, (True, text closed after its
    last complete item). "" where brackets do not match, or no item is complete.

    Items are those of the outermost list: {"PER": ["Ada", "Tu is cut after "Ada".
    """
    closers: list[str] = []
    at, ends = start, ""  # of the last complete item, and what closes the lists and objects around it
    for m in _MARK.finditer(text, start):
        mark = m.group()
        if mark in ("[", "{"):
            closers.append("]" if mark == "[" else "}")
            if len(closers) > MOST_DEPTH:
                return False, ""
            continue
        if mark in ("]", "}"):
            if closers.pop() != mark:
                return False, ""
            if not closers:
                return False, text[start : m.end()]
        elif len(mark) < 2 or not mark.endswith('"'):
            break  # a string that does not end
        if closers[-1] == "]" and closers.count("]") == 1:
            at, ends = m.end(), "".join(reversed(closers))
    return True, text[start:at] + ends if ends else ""


def unread(examples: Sequence[Example], predictions: Sequence[Prediction | None]) -> list[str] | None:
    """Why no list could be read from each generated text, a key of FAILURES, CUT where a part was; "" where all was.

    None where nothing was generated: other heads tell more than a text of their predictions.
    """
    said = [_texts(p) for p in predictions]
    if not any(said):
        return None
    return [
        _why(p, texts) if p is not None and texts else "" for p, texts in zip(predictions, said, strict=True)
    ]


def _texts(prediction: Prediction | None) -> list[str]:
    """What was generated: one text, or one of every stretch of a long document."""
    raw = None if prediction is None else prediction.raw
    if isinstance(raw, str):
        return [raw]
    return raw if isinstance(raw, list) and all(isinstance(r, str) for r in raw) else []


def _why(prediction: Prediction, texts: Sequence[str]) -> str:
    every = [read(text) for text in texts]
    if prediction.target is None:
        return next((f.failure for f in every if f.failure), "wrong-items")
    return CUT if any(f.cut or f.failure for f in every) else ""


def usable(items: Collection[Any], parse: Callable[[Any], Any]) -> list[Any]:
    """The items that can be parsed: a model that writes one of fifty wrongly has still named the others."""
    kept = []
    for item in items:
        try:
            parse(item)
        except DataError:
            continue
        kept.append(item)
    return kept
