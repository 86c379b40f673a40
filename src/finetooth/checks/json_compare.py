"""The two sides of a relation in one answer: how far apart they may be for rounding, and whether the comparison holds.

allowance(33, 33.333, 0.02, divides=True)  -> 0.5: the share is shown without digits after the point
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from finetooth.checks.json_values import as_moment, decimals, is_number


def allowance(
    left: Any, right: Any, tolerance: float, *, summed: int = 0, divides: bool = False, shares: Any = None
) -> float:
    """How far apart the sides may be: rounding of the shown value, of each of ``summed`` lines, and of doubles.

    ``shares``: the values that make a whole of 1 or 100, where the rule is about such.
    """
    if not is_number(left) or not is_number(right):
        return 0.0
    # Added, not the larger of the two: a gap of just two cents is no 0.02 in binary.
    most = max(tolerance + 1e-9 * max(1.0, abs(left), abs(right)), 0.005 * summed)
    if divides:
        # A mean or a share is shown with few digits: 33 for a third of a hundred.
        most = max(most, 0.5 * 10.0 ** -decimals(left) * (1 + 1e-9))
    return most if shares is None else max(most, _rounding(shares))


def _rounding(value: Any) -> float:
    """Shares that make a whole were rounded one by one: half a unit of their last digit for each."""
    shown: list[int] = []

    def walk(node: Any) -> None:
        if isinstance(node, (Mapping, list)):
            for below in node.values() if isinstance(node, Mapping) else node:
                walk(below)
        elif is_number(node) and math.isfinite(node):
            shown.append(decimals(node))

    walk(value)
    return 0.5 * len(shown) * 10.0 ** -max(shown, default=0) * (1 + 1e-9) + 1e-9


def compare(left: Any, op: str, right: Any, tolerance: float) -> bool | None:
    """Whether LEFT OP RIGHT holds; None where the two cannot be compared."""
    if is_number(left) and is_number(right):
        if not (math.isfinite(left) and math.isfinite(right)):
            return None
    elif isinstance(left, str) and isinstance(right, str):
        first, second = as_moment(left), as_moment(right)
        if first is not None and second is not None:
            left, right, tolerance = *first.against(second), 0.0
        elif op not in ("==", "!="):
            return None
        else:
            return (left == right) is (op == "==")
    elif type(left) is type(right) and op in ("==", "!="):
        return (left == right) is (op == "==")
    else:
        return None
    gap = left - right
    return {
        "==": abs(gap) <= tolerance,
        "!=": abs(gap) > tolerance,
        "<=": gap <= tolerance,
        ">=": gap >= -tolerance,
        "<": gap < tolerance,
        ">": gap > -tolerance,
    }[op]
