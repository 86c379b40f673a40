"""Learning curves as SVG: loss, learning rate and dev scores over steps, with axes a reader can read off."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT = 400, 150  # of the plot; the labels stand outside of it
MOST = 400  # points of a line; means of what lies between
FEW = 30  # up to that many points are marked


def curves(
    steps: Sequence[Mapping[str, Any]], main: str = "", scored: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """A curve a measure: ``label``, ``points`` (of a polyline), ``dots``, ``ticks`` (label, y), ``last``, ``end``,
    ``floor`` (y of the chance floor or None). Dev scores, the ``main`` one first, go from 0 to 100 or their top.
    """
    floors = {s["name"]: s.get("floor") for s in (scored or {}).get("scores") or ()}
    dev = sorted(
        dict.fromkeys(k for s in steps for k in s if k.startswith("dev_")), key=lambda k: k != f"dev_{main}"
    )
    wanted = [("loss", "training loss"), ("learning_rate", "learning rate")]
    made = []
    for key, label in [*wanted, *((k, f"dev {k.removeprefix('dev_')}") for k in dev)]:
        known = [(s["step"], float(s[key])) for s in steps if _is_number(s.get(key))]
        if len(known) < (1 if key in dev else 2):
            continue
        made.append(
            _curve(label, known, floors.get(key.removeprefix("dev_")) if key in dev else None, key in dev)
        )
    return made


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _curve(label: str, known: Sequence[tuple[int, float]], floor: Any, is_score: bool) -> dict[str, Any]:
    size = max(1, -(-len(known) // MOST))
    parts = [known[i : i + size] for i in range(0, len(known), size)]
    means = [(part[0][0], sum(v for _, v in part) / len(part)) for part in parts]
    most = max(v for _, v in means)
    top = 100.0 if is_score and 1.5 < most <= 100 else _round_up(most)
    # From step 0, so that curves under each other share their axis.
    last = max(known[-1][0], 1)

    def y(value: float) -> float:
        return round(HEIGHT - min(max(value / top, 0.0), 1.0) * HEIGHT, 1)

    places = [(round(x / last * WIDTH, 1), y(v)) for x, v in means]
    return {
        "label": label,
        "points": " ".join(f"{x},{v}" for x, v in places),
        "dots": places if len(places) <= FEW else [],
        "ticks": [(f"{top * share:.3g}", y(top * share)) for share in (0, 0.5, 1)],
        "last": known[-1][0],
        "end": f"{known[-1][1]:.3g}",
        "floor": y(float(floor)) if _is_number(floor) else None,
    }


def _round_up(value: float) -> float:
    """The next 1, 2, 2.5, 4, 5 or 10 times a power of ten: an axis that ends at a number people know."""
    if value <= 0:
        return 1.0
    ten = 10.0 ** math.floor(math.log10(value))
    return next(ten * m for m in (1, 2, 2.5, 4, 5, 6, 8, 10) if value <= ten * m * 1.0000001)
