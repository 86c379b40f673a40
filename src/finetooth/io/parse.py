"""JSON as the standard has it; what other readers pass over in silence is named.

{"total": NaN, "id": 1, "id": 2}   ->   not-a-number at total, duplicate-key: id
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetooth.errors import DataError

MAX_DEPTH = 200  # levels of nesting; the deepest real schema we know has 9
MAX_SAFE_INTEGER = 2**53  # beyond it a float, and so most JSON readers, loses digits
MAX_DIGITS = 4000  # Python itself refuses to read integers beyond 4,300

# Possessive, and closed by the end of the text too: linear on any input, hostile ones included.
STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_STRING = re.compile(STRING, re.DOTALL)
_NO_BRACKET = re.compile(r"[^\[\]{}]++")


@dataclass(frozen=True, slots=True)
class JsonProblem:
    """Something in a JSON text that other readers pass over: ``kind`` is one of duplicate-key,
    not-a-number, huge-integer, lone-surrogate. ``path`` is where: data[0].total (of a key, its object)."""

    kind: str
    message: str
    path: str = ""


def parse_json(text: str, where: str, *, problems: list[JsonProblem] | None = None) -> Any:
    """JSON as the standard has it. Depth is bounded; NaN, duplicate keys and lone surrogates are errors.

    With ``problems`` given, those (and integers beyond 2^53) are appended to it instead, so that a
    reader can make findings of them; NaN and Infinity are then read as None, the last of duplicate keys wins.
    Raises DataError with ``where`` and the line and column, or the path in the document.
    """
    value, found = parse_with_problems(text, where)
    if problems is not None:
        problems.extend(found)
        return value
    fatal = next((p for p in found if p.kind != "huge-integer"), None)
    if fatal is not None:
        raise problem_error(fatal, where)
    return value


def problem_error(problem: JsonProblem, where: str) -> DataError:
    """The error that a reader raises that cannot go on with the problem."""
    at = f" at {problem.path}" if problem.path else ""
    return DataError(f"{problem.kind}: {problem.message}{at}", where=where, cure=CURES[problem.kind])


CURES = {
    "duplicate-key": "keep one of them",
    "not-a-number": "write null, or leave the row out",
    "lone-surrogate": "write the character itself, or both halves",
    "huge-integer": "write it as a string",
}


def parse_with_problems(text: str, where: str) -> tuple[Any, list[JsonProblem]]:
    """The value, and what is wrong with it though it can be read, each with its path in the document."""
    if depth_of(text) > MAX_DEPTH:
        raise _too_deep(where)
    suspicious = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal suspicious
        made = dict(items)
        if len(made) < len(items):
            suspicious = True
        return made

    def constant(_: str) -> None:
        nonlocal suspicious
        suspicious = True

    def integer(digits: str) -> int:
        nonlocal suspicious
        if len(digits) > 15:
            if len(digits) > MAX_DIGITS:
                raise DataError(
                    f"a number of {len(digits):,} digits", where=where, cure=CURES["huge-integer"]
                )
            suspicious = True
        return int(digits)

    def real(digits: str) -> float | None:
        nonlocal suspicious
        value = float(digits)
        if math.isinf(value):
            suspicious = True
            return None
        return value

    try:
        value = json.loads(
            text, object_pairs_hook=pairs, parse_constant=constant, parse_int=integer, parse_float=real
        )
    except json.JSONDecodeError as e:
        raise _not_json(e, text, where) from None
    except RecursionError:
        raise _too_deep(where) from None
    if not suspicious and "\\u" in text:
        suspicious = has_surrogate(value)
    if not suspicious:
        return value, []
    from finetooth.io.locate import problems_in

    return value, list(problems_in(text))


def _too_deep(where: str) -> DataError:
    return DataError(
        f"JSON nested deeper than {MAX_DEPTH} levels", where=where, cure="flatten it; no data needs that"
    )


def _not_json(e: json.JSONDecodeError, text: str, where: str) -> DataError:
    message = (e.msg[:1].lower() + e.msg[1:]).removesuffix(" at")
    c = text[e.pos : e.pos + 1]
    found = repr(c)
    if e.pos >= len(text.rstrip()) or "unterminated" in message:
        found, cure = "the end", "it looks cut off: copy or download it again"
    elif "extra data" in message:
        cure = "write one document, or one row a line without commas between them"
    elif "control character" in message:
        cure = f"write it as \\u{ord(c):04x}"
    elif c == "'":
        cure = "JSON has double quotes: write it with a JSON library, not with print"
    elif c in ("}", "]"):
        cure = "take out the comma before it, or add what is missing"
    else:
        cure = "write it with a JSON library"
    return DataError(
        f"not JSON: {message} at line {e.lineno}, column {e.colno}, found {found}", where=where, cure=cure
    )


def depth_of(text: str) -> int:
    """How deep brackets nest outside strings; 0 where there are too few brackets to matter.

    Linear in the text. What is not JSON gets some number, json.loads refuses it anyway.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    brackets = _NO_BRACKET.sub("", _STRING.sub("", text))
    depth = deepest = 0
    for c in brackets:
        if c in "[{":
            depth += 1
            if depth > deepest:
                deepest = depth
        else:
            depth -= 1
    return deepest


def json_type(value: Any) -> str:
    """What a JSON value is called by people: null, true or false, a number, a string, a list, an object."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    for kind, name in ((str, "a string"), (int, "an integer"), (float, "a number"), (list, "a list")):
        if isinstance(value, kind):
            return name
    return "an object" if isinstance(value, Mapping) else type(value).__name__


def has_surrogate(value: Any) -> bool:
    """Whether a string in it holds half of a UTF-16 pair, which no UTF-8 file can hold."""
    if isinstance(value, str):
        # Encoding is C; looking at each character in Python costs 50 times as much.
        try:
            value.encode()
        except UnicodeEncodeError:
            return True
        return False
    if isinstance(value, Mapping):
        return any(has_surrogate(k) or has_surrogate(v) for k, v in value.items())
    if isinstance(value, list):
        return any(map(has_surrogate, value))
    return False
