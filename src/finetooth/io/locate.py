"""Where in a JSON text the traps stand: a second, slow look at a text that is known to hold one.

{"rows": [{"total": NaN}]}   ->   JsonProblem("not-a-number", "NaN is not JSON", "rows[0].total")
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator

from finetooth.io.parse import MAX_SAFE_INTEGER, STRING, JsonProblem
from finetooth.text import shorten

_TOKEN = re.compile(
    rf"({STRING})|(-?(?:Infinity|[0-9][0-9.eE+-]*+)|NaN)|([\[{{])|([\]}}])|(,)|(:)", re.DOTALL
)


class _Level:
    """One open bracket: an object (key, keys seen) or a list (index)."""

    __slots__ = ("index", "is_object", "key", "seen")

    def __init__(self, is_object: bool) -> None:
        self.is_object, self.key, self.index = is_object, "", 0
        self.seen: dict[str, int] = {}


def problems_in(text: str) -> Iterator[JsonProblem]:
    """Every problem, in the order of the text. The text must be valid JSON but for these."""
    levels: list[_Level] = []
    expects_key = False
    for m in _TOKEN.finditer(text):
        string, number, opened, closed, comma, _colon = m.groups()
        if string is not None:
            value = _decode(string)
            is_key, expects_key = expects_key, False
            if is_key:
                level = levels[-1]
                times = level.seen[value] = level.seen.get(value, 0) + 1
                if times == 2:
                    yield JsonProblem(
                        "duplicate-key", f"the key {shorten(repr(value))} stands twice", _path(levels[:-1])
                    )
                level.key = value
            if any("\ud800" <= c <= "\udfff" for c in value):
                yield JsonProblem(
                    "lone-surrogate", "half of a UTF-16 pair, which is no character", _path(levels)
                )
        elif number is not None:
            problem = _number(number)
            if problem:
                yield JsonProblem(*problem, _path(levels))
        elif opened:
            levels.append(_Level(opened == "{"))
            expects_key = opened == "{"
        elif closed:
            levels.pop()
            expects_key = False
        elif comma and levels:
            if levels[-1].is_object:
                expects_key = True
            else:
                levels[-1].index += 1


def _number(digits: str) -> tuple[str, str] | None:
    if digits[-1] in "Ny":  # NaN, Infinity
        return "not-a-number", f"{digits} is not JSON"
    if digits.lstrip("-").isdigit():
        if abs(int(digits)) > MAX_SAFE_INTEGER:
            return "huge-integer", f"{shorten(digits, 40)} is beyond 2^53"
    elif math.isinf(float(digits)):
        return "not-a-number", f"{shorten(digits, 40)} is beyond a double"
    return None


def _decode(string: str) -> str:
    return json.loads(string) if "\\" in string else string[1:-1]


def _path(levels: list[_Level]) -> str:
    parts = "".join(f".{v.key}" if v.is_object else f"[{v.index}]" for v in levels)
    return parts.removeprefix(".")
