"""What needs no model: the empty object, and the prompt's values in the order of the schema's keys."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from finetooth.metrics.json_unreadable import unreadable
from finetooth.registry import Floor
from finetooth.types import Example, Prediction

_LABELLED = re.compile(r"^\W*([A-Za-z][\w /()-]{0,60}?)\s*[:=]\s*(\S.*?)\s*$", re.MULTILINE)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def _empty(examples: Sequence[Example], train: Sequence[Example], rng: Any) -> list[Prediction]:
    from finetooth.tasks.json import JsonTarget

    return [Prediction(e.id, JsonTarget({})) for e in examples]


def _copy(examples: Sequence[Example], train: Sequence[Example], rng: Any) -> list[Prediction]:
    """The usual top-level keys of the schema, filled with the first labelled values of the prompt, in order."""
    from finetooth.tasks.json import JsonTarget

    usual: dict[str, Counter[tuple[str, ...]]] = {}
    for e in train:
        if not unreadable(e):
            usual.setdefault(e.inputs.schema_id, Counter())[tuple(e.target.value)] += 1
    made = []
    for e in examples:
        labelled = _LABELLED.findall(e.inputs.prompt)
        known = usual.get(e.inputs.schema_id)
        keys = known.most_common(1)[0][0] if known else _keys(e.inputs.schema, labelled)
        values = [_value(v) for _, v in labelled]
        made.append(Prediction(e.id, JsonTarget(dict(zip(keys, values, strict=False)))))
    return made


def _keys(schema: Any, labelled: list[tuple[str, str]]) -> list[str]:
    if isinstance(schema, Mapping) and isinstance(schema.get("properties"), Mapping):
        return list(schema["properties"])
    return [re.sub(r"\W+", "_", name.strip().lower()) for name, _ in labelled]


def _value(text: str) -> Any:
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text or len(text) > 18 else int(text)


FLOORS = (Floor("empty object", _empty), Floor("copy the first values", _copy))
