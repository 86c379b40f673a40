"""Gold answers that are no JSON object: why, and what mends them.

{"prompt": "Item: pen", "expected_output": "{'item': 'pen'}"}   -> single-quotes, mended to {"item": "pen"}
{"prompt": "Item: pen", "expected_output": "{\\"item\\": \\"pe"}    -> truncated, which only a person can mend
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finetooth.metrics.extract import FAILURES, extract
from finetooth.types import Example

KEY = "unreadable_answer"  # in an example's meta: {"why": a key of WHY, "text": what stood there}
WHY = {
    **FAILURES,
    "empty": "it is empty",
    "missing": "there is none",
    "prose": "prose stands before the object",
}
CURES = {
    "empty": "write the answer, or leave the row out",
    "missing": "write the answer, or leave the row out",
    "truncated": "make the answer again with more tokens, or leave the row out",
    "array": 'name what the list is of: {"items": [...]}',
    "scalar": 'name the value: {"value": ...}',
    "duplicate-key": "write each key once",
    "not-a-number": "null, or leave the key out",
    "bare-keys": "put the keys in double quotes",
}


def answer_of(value: Any) -> tuple[dict[str, Any], str]:
    """(the object of a gold answer, "") or ({}, why there is none): a key of WHY.

    Text may be an object and nothing else, in a fence or with prose after it; a list and a bare value are none.
    """
    if isinstance(value, Mapping):
        return dict(value), ""
    if not isinstance(value, str):
        return {}, "missing" if value is None else "array" if isinstance(value, list) else "scalar"
    found = extract(value)
    if found.value is not None and value.lstrip()[:1] in ("{", "`"):
        return found.value, ""
    return {}, found.failure or "prose"


def unreadable(example: Example) -> str:
    """Why an example's gold answer is no object, in words; "" where it is one."""
    found = example.meta.get(KEY)
    return WHY[found["why"]] if found else ""


def mended(text: Any) -> dict[str, Any] | None:
    """The object that is meant, where only quotes, a comma or a line break are wrong; None where that is open."""
    return extract(text, repair=True).value if isinstance(text, str) else None
