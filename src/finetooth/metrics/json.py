"""How near a generated object is to the true one: whole, leaf by leaf, and by the rules it must obey.

Equal means equal as JSON (RFC 8259): the order of keys and 1 against 1.0 do not matter, all else does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from finetooth.metrics.qa import percent
from finetooth.registry import Metric, Targets
from finetooth.types import Example

Leaf = tuple[tuple[Any, ...], Hashable]


def canonical(value: Any) -> Hashable:
    """A value that is equal for equal JSON: 1 and 1.0 alike, True apart from 1, keys in no order."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, (int, float)):
        return ("number", value)  # Python compares 1 and 1.0 exactly, and hashes them alike
    if isinstance(value, Mapping):
        return ("object", frozenset((k, canonical(v)) for k, v in value.items()))
    if isinstance(value, (list, tuple)):
        return ("list", tuple(map(canonical, value)))
    return ("null",) if value is None else ("string", value)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[Leaf]:
    """(path, canonical value) of every leaf; places in a list count from 0, so lists align by position.

    An empty object or list is a leaf of its own: to leave it out is a mistake.
    """
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from leaves(below, (*path, key))
    elif isinstance(value, list) and value:
        for i, below in enumerate(value):
            yield from leaves(below, (*path, i))
    else:
        yield path, canonical(value)


def _outputs(predictions: Targets) -> list[Any]:
    """The predicted values; the sentinel None for a prediction that is missing or could not be read."""
    return [None if p is None or p.target is None else p.target.value for p in predictions]


def _share(flags: Sequence[bool], of: Sequence[bool] | None = None) -> np.ndarray:
    """(n, 2): 1 where it is so, 1 where it counts."""
    counts = np.ones(len(flags)) if of is None else np.array(of, dtype=float)
    return np.stack([np.array(flags, dtype=float) * counts, counts], axis=1)


def _exact(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    values = _outputs(predictions)
    return _share([canonical(v) == canonical(e.target.value) for e, v in zip(examples, values, strict=True)])


def _fields(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """(n, 3): leaves right, leaves predicted, leaves true."""
    rows = np.zeros((len(examples), 3))
    for i, (e, value) in enumerate(zip(examples, _outputs(predictions), strict=True)):
        gold = Counter(leaves(e.target.value))
        found = Counter(leaves(value)) if value is not None else Counter()
        rows[i] = (gold & found).total(), found.total(), gold.total()
    return rows


def _precision(sums: np.ndarray) -> np.ndarray:
    return 100.0 * sums[..., 0] / np.maximum(sums[..., 1], 1.0)


def _recall(sums: np.ndarray) -> np.ndarray:
    return 100.0 * sums[..., 0] / np.maximum(sums[..., 2], 1.0)


def _f1(sums: np.ndarray) -> np.ndarray:
    return 200.0 * sums[..., 0] / np.maximum(sums[..., 1] + sums[..., 2], 1.0)


def _parsed(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    return _share([isinstance(v, Mapping) for v in _outputs(predictions)])


def _compliance(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """(n, 2): obeys its schema, has a schema. ``format`` is an annotation, as in draft 2020-12's default."""
    from finetooth.checks.json_schema import obeys

    rows = np.zeros((len(examples), 2))
    for i, (e, value) in enumerate(zip(examples, _outputs(predictions), strict=True)):
        verdict = obeys(e.inputs.schema, value)
        if verdict is not None:
            rows[i] = verdict and isinstance(value, Mapping), 1.0
    return rows


def _of_those(sums: np.ndarray) -> np.ndarray:
    """Percent of those that it applies to; NaN where it applies to none."""
    return np.where(sums[..., 1] > 0, percent(sums), np.nan)


def _arithmetic(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """(n, 2): the output keeps every relation that its gold keeps; its gold keeps at least one.

    The relations are the schemas' own and those found in the gold, as the check ``arithmetic`` finds them.
    """
    from finetooth.checks.json_arithmetic import relations_found
    from finetooth.checks.json_discover import schema_key
    from finetooth.checks.json_relations import applies

    relations = relations_found(examples)
    rows = np.zeros((len(examples), 2))
    for i, (e, value) in enumerate(zip(examples, _outputs(predictions), strict=True)):
        asked = []
        for relation in relations.get(schema_key(e), ()):
            holds, of = applies(e.target.value, relation)
            if of and holds == of:
                asked.append(relation)
        if not asked:
            continue
        kept = isinstance(value, Mapping)
        for relation in asked if kept else ():
            holds, of = applies(value, relation)
            kept = kept and of > 0 and holds == of
        rows[i] = kept, 1.0
    return rows


_LEAVES = "leaf paths, lists aligned by position, summed over examples"

EXACT_MATCH = Metric("exact_match", _exact, percent, "equal as JSON")
FIELD_PRECISION = Metric("field_precision", _fields, _precision, _LEAVES)
FIELD_RECALL = Metric("field_recall", _fields, _recall, _LEAVES)
FIELD_F1 = Metric("field_f1", _fields, _f1, _LEAVES)
COMPLIANCE = Metric(
    "schema_compliance", _compliance, _of_those, "JSON Schema by jsonschema-rs, formats not asserted"
)
PARSE_RATE = Metric("parse_rate", _parsed, percent, "an object could be read from the output")
ARITHMETIC = Metric(
    "arithmetic_consistency", _arithmetic, _of_those, "keeps every relation that its gold keeps"
)
METRICS = (EXACT_MATCH, FIELD_PRECISION, FIELD_RECALL, FIELD_F1, COMPLIANCE, PARSE_RATE, ARITHMETIC)
