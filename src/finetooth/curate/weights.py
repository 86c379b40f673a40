"""Per-example loss weights, label smoothing and an order from easy to hard, out of training dynamics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.curate.table import Row, Table
from finetooth.errors import ConfigError
from finetooth.registry import did_you_mean

LOW, HIGH = 0.1, 10.0  # the published clip
MOST_SMOOTHING, SMOOTHING_FACTOR = 0.3, 0.6
SETTINGS = {"weights": ("scale", "low", "high"), "smoothing": ("factor", "most")}  # keys of a policy


def variability_weights(
    variability: np.ndarray, *, scale: float | None = None, low: float = LOW, high: float = HIGH
) -> np.ndarray:
    """Weights of mean 1 that grow with variability (n,) -> (n,).

    ``scale=None`` is the published form, 1 + variability: since a standard deviation of probabilities is at
    most 0.5 it never leaves 1 to 1.5 and the clip never binds. With a scale the weight is
    exp(scale * z), z the standardised variability; ``scale=0.5`` gives the upper sixth 1.6 times the mean example's.
    """
    v = np.asarray(variability, dtype=float)
    if not np.isfinite(v).all():
        raise ConfigError("weights: a variability is not a finite number")
    if scale is not None and not 0 < scale < math.inf:
        raise ConfigError(
            f"weights: scale: expected a number above 0, found {scale}", cure="0 gives the published form"
        )
    if not 0 < low <= high:
        raise ConfigError(f"weights: expected 0 < low <= high, found {low} and {high}")
    logs = np.log1p(v) if scale is None else scale * (v - v.mean()) / max(float(v.std()), 1e-12)
    return clip_to_mean_one(logs, low, high)


def clip_to_mean_one(logs: np.ndarray, low: float, high: float) -> np.ndarray:
    """Weights in [low, high] with mean 1, of their logarithms up to a constant (n,); needs low <= 1 <= high.

    Clipping moves the mean and rescaling moves the clip, so the factor between is found by bisection. It and the
    weights stay logarithms, since a large scale spreads them over more than a number holds.
    """
    if not low <= 1 <= high:
        raise ConfigError(f"weights: a mean of 1 needs low <= 1 <= high, found {low} and {high}")
    least, most = math.log(low), math.log(high)
    below, above = least - logs.max(), most - logs.min()
    for _ in range(100):
        shift = (below + above) / 2
        if np.exp(np.clip(logs + shift, least, most)).mean() < 1:
            below = shift
        else:
            above = shift
    return np.clip(np.exp(np.clip(logs + above, least, most)), low, high)


def smoothing(
    variability: np.ndarray, *, factor: float = SMOOTHING_FACTOR, most: float = MOST_SMOOTHING
) -> np.ndarray:
    """min(most, factor * variability) an example, (n,) -> (n,)."""
    if not 0 <= most < 1 or factor < 0:
        raise ConfigError(f"smoothing: expected 0 <= most < 1 and factor >= 0, found {most} and {factor}")
    return np.minimum(most, factor * np.asarray(variability, dtype=float))


def easy_to_hard(table: Table) -> list[str]:
    """Example ids from the most confident to the least; ties by id."""
    return sorted(table, key=lambda name: (-table[name]["confidence"], name))


def weight_rows(
    table: Table,
    *,
    weight: bool = True,
    scale: float | None = 0.5,
    low: float = LOW,
    high: float = HIGH,
    smooth: bool = False,
    factor: float = SMOOTHING_FACTOR,
    most: float = MOST_SMOOTHING,
) -> list[dict[str, Any]]:
    """Rows for ``train.weights``: {"example_id", "weight", "smoothing", "difficulty"}, one an example of the table.

    Without ``weight`` or ``smooth`` a row has no such key, and the configuration's own value holds.
    ``difficulty`` counts from the easiest, for ``train.curriculum``. Raises ConfigError where the table has no dynamics.
    """
    rows: Sequence[Row] = [r for r in table.values() if _known(r)]
    if not rows:
        raise ConfigError("the table has no column 'variability'", cure="make it with finetooth map")
    v = np.array([row["variability"] for row in rows], dtype=float)
    weights = variability_weights(v, scale=scale, low=low, high=high) if weight else np.ones(len(v))
    smoothed = smoothing(v, factor=factor, most=most) if smooth else np.zeros(len(v))
    place = {name: i for i, name in enumerate(easy_to_hard({r["example_id"]: r for r in rows}))}
    return [
        {
            "example_id": row["example_id"],
            **({"weight": float(w)} if weight else {}),
            **({"smoothing": float(s)} if smooth else {}),
            "difficulty": place[row["example_id"]],
        }
        for row, w, s in zip(rows, weights, smoothed, strict=True)
    ]


def _known(row: Row) -> bool:
    """Whether the dynamics of the example are known; NaN tells nothing."""
    values = [row.get("variability"), row.get("confidence")]
    return all(isinstance(v, (int, float)) and math.isfinite(v) for v in values)


def settings(policy: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a policy says for ``weight_rows``, None where it asks for no weights, smoothing or curriculum.

    weights: true or {scale, low, high}; smoothing: true or {factor, most}; curriculum: true. A scale of 0 is the
    published form. Raises ConfigError for other keys, other kinds of values, and numbers out of range.
    """
    order = policy.get("curriculum")
    if order is not None and not isinstance(order, bool):
        raise ConfigError(f"curriculum: expected true or false, found {order!r}")
    weighing, smooth = (_numbers(policy, key) for key in SETTINGS)
    if weighing is None and smooth is None and not order:
        return None
    given = {
        "weight": weighing is not None,
        "smooth": smooth is not None,
        **(weighing or {}),
        **(smooth or {}),
    }
    if "scale" in given:
        given["scale"] = given["scale"] or None
    # Figures that make no sense are told before there is a table.
    weight_rows(
        {n: {"example_id": n, "variability": v, "confidence": v} for n, v in (("a", 0.1), ("b", 0.2))},
        **given,
    )
    return given


def _numbers(policy: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    value, known = policy.get(key), SETTINGS[key]
    if value is None or value is False:
        return None
    if value is True:
        return {}
    example = f"{key}: true, or {key}: {{{known[0]}: 0.5}}"
    if not isinstance(value, Mapping):
        raise ConfigError(f"{key}: expected true or settings, found {value!r}", cure=example)
    for name, number in value.items():
        if name not in known:
            raise ConfigError(f"{key}: unknown setting {name!r}", cure=did_you_mean(str(name), known))
        odd = isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) < 1e300
        if odd and not (name == "scale" and number is None):
            raise ConfigError(f"{key}: {name}: expected a number, found {number!r}")
    return dict(value)


def write(path: str | Path, rows: Sequence[dict[str, Any]]) -> None:
    """A weights file as JSON Lines."""
    from finetooth.io import write_jsonl

    write_jsonl(path, rows)
