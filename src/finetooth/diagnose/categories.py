"""Easy, hard or ambiguous: where the lines are drawn, and why there.

The paper selects the third that varies most; tools after it cut at the medians, which calls half of any
data ambiguous, of clean data too. A line that says something must be able to find nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from finetooth.errors import UsageError

STEADY = 0.1  # a gold probability that stays this near to its mean does not waver
MOST = 1 / 3  # the paper's share: more than this is no selection


@dataclass(frozen=True)
class Choice:
    """``names`` (n,): the category of each example. ``stated``: the thresholds; ``sentence``: in words."""

    names: np.ndarray
    stated: dict[str, Any]
    sentence: str


def choose(
    columns: Mapping[str, Any],
    *,
    method: str = "auto",
    share: float = 1 / 3,
    ambiguous_from: float | None = None,
    hard_below: float | None = None,
) -> Choice:
    """Categories of the examples of ``columns`` (confidence, variability, margin, correctness, each (n,)).

    - auto: ambiguous where variability is above the line that best splits it in two (Otsu 1979), at most
      the top third, never below 0.1; of the others, hard where gold lost on average (mean margin below 0)
      or never once won, easy where it won. The two differ where a target has many parts, as entities and
      generated tokens are: the mean may be high while one part is never right.
    - share: ambiguous the top ``share`` by variability; hard as many of the others, those of lowest
      confidence; easy the rest.
    - median: ambiguous above the median of variability; of the others hard below the median confidence.
    - given: ambiguous from ``ambiguous_from``, of the others hard with a confidence below ``hard_below``.

    Raises UsageError for a method or a threshold that makes no sense.
    """
    confidence, variability = np.asarray(columns["confidence"]), np.asarray(columns["variability"])
    given = (ambiguous_from, hard_below)
    if any(t is not None for t in given):
        method = "given"
    if method == "auto":
        return _auto(variability, np.asarray(columns["margin"]), np.asarray(columns["correctness"]))
    if method == "share":
        if not 0 < share <= 0.5:
            raise UsageError(f"share must be above 0 and at most 0.5, found {share}")
        return _share(confidence, variability, share)
    if method == "median":
        line, level = float(np.median(variability)), float(np.median(confidence))
        names = np.where(variability > line, "ambiguous", np.where(confidence < level, "hard", "easy"))
        return Choice(
            names,
            {"method": "median", "variability_above": line, "confidence_below": level},
            f"ambiguous: variability above its median {line:.3f}; of the others hard below the median confidence "
            f"{level:.3f}. This calls about half of any data ambiguous",
        )
    if method == "given":
        line, level = (
            (0.2 if ambiguous_from is None else ambiguous_from),
            (0.5 if hard_below is None else hard_below),
        )
        if not 0 <= line <= 1 or not 0 <= level <= 1:
            raise UsageError(f"thresholds lie between 0 and 1, found {line} and {level}")
        names = np.where(variability >= line, "ambiguous", np.where(confidence < level, "hard", "easy"))
        return Choice(
            names,
            {"method": "given", "variability_from": line, "confidence_below": level},
            f"ambiguous: variability of {line:g} or more; of the others hard with a confidence below {level:g}",
        )
    raise UsageError(f"there is no way {method!r} to choose categories", cure="auto, share or median")


def _auto(variability: np.ndarray, margin: np.ndarray, correctness: np.ndarray) -> Choice:
    split, third = otsu(variability), float(np.quantile(variability, 1 - MOST))
    line = max(STEADY, split, third)
    hard = (margin < 0) | (correctness == 0)
    names = np.where(variability > line, "ambiguous", np.where(hard, "hard", "easy"))
    if line == split:
        why = "where it splits best in two"
    elif line == third:
        why = "the top third, the most that is called ambiguous"
    else:
        why = "less than that is steady"
    return Choice(
        names,
        {
            "method": "auto",
            "variability_above": line,
            "because": why,
            "best_split": split,
            "top_third_above": third,
            "steady_up_to": STEADY,
            "margin_below": 0.0,
            "or_never_learnt": True,
        },
        f"ambiguous: variability above {line:.3f} ({why}); of the others hard where gold lost on average "
        "(mean margin below 0) or was never learnt, easy where it won",
    )


def _share(confidence: np.ndarray, variability: np.ndarray, share: float) -> Choice:
    size = round(share * len(confidence))
    # Equal values: those that stand first, so that the share is kept and the choice is one.
    order = np.argsort(-variability, kind="stable")
    top, rest = order[:size], order[size:]
    low = rest[np.argsort(confidence[rest], kind="stable")][:size]
    names = np.full(len(confidence), "easy", dtype="<U9")
    names[top], names[low] = "ambiguous", "hard"
    stated = {
        "method": "share",
        "share": share,
        "variability_from": float(variability[top].min()) if size else None,
        "confidence_up_to": float(confidence[low].max()) if len(low) else None,
    }
    return Choice(
        names,
        stated,
        f"ambiguous: the {100 * share:.0f} % of highest variability; hard: as many of the others, of lowest confidence",
    )


def otsu(values: np.ndarray, *, bins: int = 256) -> float:
    """The line that splits values best in two: most variance between the parts (Otsu 1979).

    0 where all are (nearly) the same.
    """
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-9:
        return high
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    middle = (edges[:-1] + edges[1:]) / 2
    below, mass = np.cumsum(counts), np.cumsum(counts * middle)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    between = np.nan_to_num(between)
    best = np.flatnonzero(between == between.max())
    # A gap between the parts is a plateau: its middle is as far from both as can be.
    return float(edges[1 + int(best[len(best) // 2])])
