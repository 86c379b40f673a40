"""What is wrong with a JSON answer that is not right, in one of a few names, so that the errors of a model can be counted.

gold   {"a": {"b": 1}, "c": [2]}
'{"a": {"b": 1, "c": [2]}'      brackets: every key and value is there, nested wrongly
'{"a": {"b": 1}, "c": [2'       cut-off: the text stops inside the object
{"a": {"b": 7}, "c": [2]}       value
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from finetooth.io import to_json
from finetooth.io.parse import STRING
from finetooth.metrics.extract import FAILURES, extract
from finetooth.metrics.json import canonical, leaves
from finetooth.registry import Targets
from finetooth.types import Example

KINDS = {
    "brackets": "every key and value is there, the brackets nest them wrongly",
    "brackets-and-fields": "the brackets do not match, and fields differ",
    "cut-off": "the text stops inside the object",
    "value": "one value differs",
    "values": "several values differ",
    "fields-missing": "fields are missing",
    "fields-added": "fields are there that should not be",
    "fields": "some fields are missing, others should not be there",
    "missing": "there is no prediction",
    **FAILURES,
}

_WORD = re.compile(STRING + r"|-?\d[\d.eE+-]*|true|false|null", re.DOTALL)
_BRACKET = re.compile(STRING + r"|[{}\[\]]", re.DOTALL)
_CLOSES = {"}": "{", "]": "["}


def mistakes(examples: Sequence[Example], predictions: Targets) -> list[str]:
    """A key of KINDS for each example, "" for an answer that is right (equal as JSON)."""
    return [_kind(e.target.value, p) for e, p in zip(examples, predictions, strict=True)]


def _kind(gold: Any, prediction: Any) -> str:
    if prediction is None:
        return "missing"
    if prediction.target is None:
        return _of_text(gold, prediction.raw) if isinstance(prediction.raw, str) else "not-json"
    value = prediction.target.value
    if canonical(value) == canonical(gold):
        return ""
    if _words(to_json(value)) == _words(to_json(gold)):
        return "brackets"
    want, got = dict(leaves(gold)), dict(leaves(value))
    if value == {}:
        got = {}  # what is missing is all that is wrong with it
    lost, added = want.keys() - got.keys(), got.keys() - want.keys()
    if lost or added:
        return "fields" if lost and added else "fields-missing" if lost else "fields-added"
    return "value" if sum(want[path] != got[path] for path in want) == 1 else "values"


def _of_text(gold: Mapping[str, Any], text: str) -> str:
    start = text.find("{")
    if start >= 0:
        meant = text[start:]
        if _words(meant) == _words(to_json(gold)):
            return "brackets"
        left = _unmatched(meant)
        if left == "open" and not meant.rstrip().removesuffix("```").rstrip().endswith("}"):
            return "cut-off"
        if left:
            return "brackets-and-fields"
    return extract(text).failure or "not-json"


def _words(text: str) -> Counter[str]:
    """Keys and values without what nests them, numbers as written in the shortest way."""
    return Counter(_number(m.group()) for m in _WORD.finditer(text))


def _number(word: str) -> str:
    if word[0] == '"':
        # Escapes differ from writer to writer: a slash or an umlaut may be spelt out.
        return re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), word).replace("\\/", "/")
    try:
        return repr(float(word)) if word[0] in "-0123456789" else word
    except ValueError:
        return word


def _unmatched(text: str) -> str:
    """ "open" where brackets stay open, "wrong" where one closes another kind, "" where the object is whole."""
    stack: list[str] = []
    for m in _BRACKET.finditer(text):
        c = m.group()
        if c in "{[":
            stack.append(c)
        elif c in "}]":
            if not stack or stack.pop() != _CLOSES[c]:
                return "wrong"
            if not stack:
                return ""
        elif not (len(c) > 1 and c[-1] == '"'):
            return "open"  # a string that does not end
    return "open" if stack else ""
