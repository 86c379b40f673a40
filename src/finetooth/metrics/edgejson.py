"""EdgeJSON's own figures, for comparison with what is published; ours stand in metrics/json.

Its exact match is Python's ``==`` on the parsed value (True equals 1); its field F1 compares top-level keys by
whole values and is a mean over examples; its "compliance" never looks at the schema; its parser, when the whole
output is no JSON, takes the first stretch of braces nested at most two deep.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from finetooth.metrics.qa import percent
from finetooth.registry import Metric, Targets
from finetooth.types import Example, Prediction

# Two levels of braces, strings not looked at: what makes its own gold fail when it is fenced.
_TWO_LEVELS = re.compile(r"\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+\}")


def parsed(text: str) -> Any:
    """What EdgeJSON's evaluation reads from an output; None where it reads nothing."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    m = _TWO_LEVELS.search(text)
    if m is None:
        return None
    try:
        return json.loads(m.group())
    except (ValueError, RecursionError):
        return None


def _value(p: Prediction | None) -> Any:
    if p is None:
        return None
    if isinstance(p.raw, str):
        return parsed(p.raw)
    return None if p.target is None else p.target.value


def exact(expected: Any, value: Any) -> bool:
    return value is not None and value == expected


def field_f1(expected: Any, value: Any) -> float:
    """F1 over top-level keys, 0 to 1."""
    if not isinstance(value, dict) or not isinstance(expected, dict):
        return 0.0
    if not value and not expected:
        return 1.0
    right = sum(k in expected and v == expected[k] for k, v in value.items())
    return 2 * right / (len(value) + len(expected))


def compliant(expected: Any, value: Any) -> bool:
    """All top-level keys of the gold are there, with values of the same Python type (int and float alike)."""
    if not isinstance(value, dict) or not value:
        return False
    return all(k in value and _kind(value[k]) == _kind(v) for k, v in expected.items())


def _kind(value: Any) -> type:
    return float if type(value) is int else type(value)


def _mean_of(figure: Any):
    def counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
        values = [
            float(figure(e.target.value, _value(p))) for e, p in zip(examples, predictions, strict=True)
        ]
        return np.stack([np.array(values), np.ones(len(values))], axis=1)

    return counts


_SOURCE = "EdgeJSON's evaluation script, SLMBench"

EXACT_MATCH = Metric("edgejson_exact_match", _mean_of(exact), percent, _SOURCE)
FIELD_F1 = Metric("edgejson_field_f1", _mean_of(field_f1), percent, _SOURCE)
COMPLIANCE = Metric("edgejson_compliance", _mean_of(compliant), percent, _SOURCE)
METRICS = (EXACT_MATCH, FIELD_F1, COMPLIANCE)
