"""The first JSON object in generated text, or why there is none.

'Sure!\n```json\n{"label": 1}\n``` Hope it helps'     value {"label": 1}
'{"label": 1, "why": "the man'                         failure "truncated"

Nothing is guessed: text that no JSON reader takes is a failure with a name. With ``repair`` the slips that
leave no doubt, single quotes, a comma too many and raw line breaks in a string, are mended, and ``repaired``
says so. What a model thinks before it answers, <think>...</think>, is no answer.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from finetooth.errors import DataError
from finetooth.io.parse import MAX_DEPTH, STRING, depth_of, parse_with_problems

MAX_CHARACTERS = 1_000_000  # of one generation; a model that writes more has run away
MOST_STARTS = 64  # places looked at where an object may begin

# An object begins with a key or ends at once; "{x | x > 0}" is prose.
_START = re.compile(r"\{(?=\s*[\"'}])")
_MARK = re.compile(STRING + r"|[{}\[\]]", re.DOTALL)
# Brackets in a string in single quotes count for nothing; an apostrophe in a word begins no string.
_PYTHON_MARK = re.compile(r"'[^'\\]*+(?:\\.[^'\\]*+)*+'(?!\w)|" + _MARK.pattern, re.DOTALL)
_PYTHON_START = re.compile(r"\{\s*'")
_QUOTED = re.compile(STRING, re.DOTALL)
_COMMA = re.compile(STRING + r"|,(?=\s*[}\]])", re.DOTALL)
_BARE_KEY = re.compile(r"\{\s*[A-Za-z_]\w*\s*:")
_CONTROL = re.compile(r"[\x00-\x1f]")
_TAG = "think|thinking|thought|reasoning|scratchpad|analysis"
_THOUGHT = re.compile(rf"\s*+(?:<({_TAG})>.*?</\1>\s*+)+", re.DOTALL | re.I)
_THOUGHT_ENDS = re.compile(rf"</(?:{_TAG})>", re.I)
_WORDS = re.compile(r"\b(?:True|False|None)\b")

FAILURES = {
    "empty": "nothing was generated",
    "no-object": "there is no JSON object in the text",
    "array": "a list stands where an object is expected",
    "scalar": "a bare value stands where an object is expected",
    "truncated": "the object does not end",
    "single-quotes": "strings in single quotes, or True, False, None: Python, not JSON",
    "bare-keys": "keys without quotes: JavaScript, not JSON",
    "trailing-comma": "a comma before the closing bracket",
    "duplicate-key": "a key stands twice; readers disagree on which counts",
    "not-a-number": "NaN or Infinity, which JSON has not",
    "lone-surrogate": "half of a character",
    "too-deep": f"nested deeper than {MAX_DEPTH} levels",
    "too-long": f"over {MAX_CHARACTERS:,} characters",
    "not-json": "it looks like an object and is not JSON",
}


@dataclass(frozen=True, slots=True)
class Extracted:
    """``value`` is the object, None with ``failure``, a key of FAILURES, saying why.

    ``start`` and ``end`` are where it stands in the text. ``more`` is whether another object follows,
    ``fenced`` whether it stood in a code fence, ``repaired`` what was mended ("" if nothing was).
    """

    value: dict[str, Any] | None
    failure: str = ""
    start: int = 0
    end: int = 0
    more: bool = False
    fenced: bool = False
    repaired: str = ""


def first_object(text: str, *, repair: bool = True) -> dict[str, Any] | None:
    """The first object of the text, None if there is none; see ``extract``."""
    return extract(text, repair=repair).value


def extract(text: str, *, repair: bool = False) -> Extracted:
    """The first balanced JSON object of ``text``; never raises, and takes time linear in the text.

    Fences, prose around it, later objects and repetition do not hinder. An object inside a list is not
    taken for the answer: the answer is then a list, which is a failure.
    """
    if len(text) > MAX_CHARACTERS:
        return Extracted(None, "too-long")
    bare = text.strip()
    if not bare:
        return Extracted(None, "empty")
    if "{" in text[(thought := _thought_ends(text)) :]:
        text = " " * thought + text[thought:]
        bare = text.strip()
    if bare[0] == "[" and (whole := _whole(bare)) is not None and not isinstance(whole, dict):
        return Extracted(None, "array")
    failure = ""
    open_from: int | None = None
    for start in _starts(text):
        # What stands inside an object that never ends is a part of it; only a new fence begins anew.
        if open_from is not None and "```" not in text[open_from:start]:
            continue
        end = _balanced(text, start, _PYTHON_MARK) if _PYTHON_START.match(text, start) else None
        end = end or _balanced(text, start)
        if end is None:
            failure, open_from = failure or _unbalanced(text, start), start
            continue
        value, why, repaired = _read(text[start:end], repair)
        if value is not None:
            fenced = "```" in text[max(0, start - 12) : start]
            return Extracted(value, "", start, end, _START.search(text, end) is not None, fenced, repaired)
        failure = failure or why
        if why not in ("not-json", "empty"):
            break  # it was meant as the answer; a later object is another attempt at best
    return Extracted(None, failure or _no_object(bare))


def _thought_ends(text: str) -> int:
    """Where the thinking before the answer ends; 0 if there is none. Its opening tag may have been in the prompt."""
    if m := _THOUGHT.match(text):
        return m.end()
    if text.lstrip()[:1] in ("{", "[", "`", "<"):
        return 0
    m = _THOUGHT_ENDS.search(text)
    return m.end() if m else 0


def _whole(text: str) -> Any:
    try:
        return parse_with_problems(text, "")[0]
    except (DataError, RecursionError, ValueError):
        return None


def _starts(text: str) -> Iterator[int]:
    """Where an object may begin, the first MOST_STARTS places."""
    return (m.start() for m in islice(_START.finditer(text), MOST_STARTS))


def _balanced(text: str, start: int, mark: re.Pattern[str] = _MARK) -> int | None:
    """One past the bracket that closes the one at ``start``; None if there is none."""
    depth = 0
    for m in mark.finditer(text, start):
        c = m.group()
        if c in "{[":
            depth += 1
        elif c in "}]":
            depth -= 1
            if depth == 0:
                return m.end()
        elif not (len(c) > 1 and c[-1] in "\"'"):
            return None  # a string that does not end
    return None


def _unbalanced(text: str, start: int) -> str:
    if depth_of(text[start:]) > MAX_DEPTH:
        return "too-deep"
    return "truncated"


def _read(piece: str, repair: bool) -> tuple[dict[str, Any] | None, str, str]:
    """(value, failure, what was mended) of a balanced piece of text."""
    try:
        value, problems = parse_with_problems(piece, "")
    except (DataError, RecursionError, ValueError) as e:
        if "nested deeper" in str(e):
            return None, "too-deep", ""
        return _slips(piece, repair)
    fatal = next((p.kind for p in problems if p.kind != "huge-integer"), None)
    return (None, fatal, "") if fatal else (value, "", "")


def _slips(piece: str, repair: bool) -> tuple[dict[str, Any] | None, str, str]:
    if repair and _CONTROL.search(piece):
        escaped = _QUOTED.sub(lambda m: _CONTROL.sub(lambda c: f"\\u{ord(c.group()):04x}", m.group()), piece)
        if escaped != piece and isinstance(value := _whole(escaped), dict):
            return value, "", "line-break"
    without = _COMMA.sub(lambda m: m.group() if m.group()[0] == '"' else "", piece)
    if without != piece and isinstance(value := _whole(without), dict):
        return (value, "", "trailing-comma") if repair else (None, "trailing-comma", "")
    if "'" in piece or _WORDS.search(piece):
        value = _python(piece)
        if value is not None:
            return (value, "", "single-quotes") if repair else (None, "single-quotes", "")
    return None, "bare-keys" if _BARE_KEY.match(piece) else "not-json", ""


def _python(piece: str) -> dict[str, Any] | None:
    """A Python dictionary of JSON values; literal_eval runs nothing."""
    if len(piece) > 20_000 or depth_of(piece) > MAX_DEPTH:
        return None
    try:
        value = ast.literal_eval(piece)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    return value if isinstance(value, dict) and _is_json(value) else None


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_json(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    return value is None or isinstance(value, (str, int, bool))


def _no_object(bare: str) -> str:
    value = _whole(bare)
    if value is not None or bare == "null":
        return "scalar"
    if _BARE_KEY.search(bare):
        return "bare-keys"
    return "not-json" if "{" in bare else "no-object"
