"""How well the data bear a candidate relation out: where it speaks, where it holds, and what chance would give.

shares [33.3, 66.6] == 100: speaks in 1 place, holds in it, for each share may be off by half a tenth
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finetooth.checks.json_candidates import Candidate
from finetooth.checks.json_values import decimals


@dataclass
class Verdict:
    candidate: Candidate
    speaks: np.ndarray
    holds: np.ndarray
    allowed: np.ndarray

    @property
    def of(self) -> int:
        return int(self.speaks.sum())

    @property
    def support(self) -> int:
        return int(self.holds.sum())


def judge(c: Candidate, tolerance: float) -> Verdict:
    left, right = c.left.values, c.right.values
    speaks = np.isfinite(left) & np.isfinite(right)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = left - right
        if c.kind == "order":
            return Verdict(c, speaks, speaks & (gap <= 1e-9), np.zeros(len(gap)))
        # A sum of doubles, not a maximum: a gap of just two cents is no 0.02 in binary.
        allowed = tolerance + 1e-9 * np.maximum(1, np.maximum(np.abs(left), np.abs(right)))
        allowed = np.maximum(allowed, 0.005 * c.right.size)
        allowed = np.maximum(allowed, 0.005 * c.left.size)
        allowed = np.maximum(allowed, np.nan_to_num(c.rounding) * (1 + 1e-9) + 1e-9)
        if c.right.divides:
            shown = np.array(
                [0.5 * 10.0 ** -decimals(x) if ok else 0 for x, ok in zip(left, speaks, strict=True)]
            )
            allowed = np.maximum(allowed, shown * (1 + 1e-9))
        ok = np.abs(gap) <= allowed if c.op == "==" else gap <= allowed
    return Verdict(c, speaks, speaks & ok, allowed)


def chance_of(v: Verdict) -> float:
    """The share of places that would hold with the rows of the left side shuffled."""
    at = np.flatnonzero(v.speaks)
    if len(at) < 2:
        return 0.0
    c = v.candidate
    left, right = c.left.values[at], c.right.values[at]
    room = float(np.median(v.allowed[at]))
    if not c.right.uses:
        # Nothing to shuffle against a constant: of the numbers up to twice as large, so many are near it.
        return min(1.0, room / max(abs(float(right[0])), 1e-9))
    # Rolled, not drawn: no row meets itself.
    shifts = sorted({1 + k * (len(at) - 1) // 7 for k in range(7)} - {len(at)})
    hits = [np.mean(np.abs(np.roll(left, shift) - right) <= room) for shift in shifts]
    return float(np.mean(hits))


def excess(v: Verdict) -> float:
    """0 for what chance gives, 1 for a relation that always holds."""
    if not v.of:
        return 0.0
    chance = min(chance_of(v), 0.999)
    return (v.support / v.of - chance) / (1 - chance)


def plain_hits(v: Verdict) -> int:
    """Places that hold and are no accident of zeros: both sides differ from 0."""
    return int((v.holds & (np.abs(v.candidate.left.values) > 1e-9)).sum())


def beyond_accident(v: Verdict, chance: float) -> bool:
    """Whether no accident explains the places that hold, thousands of expressions tried: Chernoff's bound below e^-25."""
    p, q = min(v.support / v.of, 1 - 1e-9), min(max(chance, 1e-9), 1 - 1e-9)
    return p > q and v.of * (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))) > 25


def akin(v: Verdict) -> bool:
    """Whether the sides rise and fall together though they are not equal: the field follows another rule, it is not drawn.

    Spearman's rank correlation over the places that break it, beyond what chance gives (2.3 standard errors) and beyond a half;
    of three to seven places, that most are within a quarter of what the relation gives.
    """
    at = np.flatnonzero(v.speaks & ~v.holds)
    if len(at) < 8:
        gap = np.abs(v.candidate.left.values[at] - v.candidate.right.values[at])
        size = np.maximum(np.abs(v.candidate.left.values[at]), np.abs(v.candidate.right.values[at]))
        return len(at) > 2 and bool(np.median(gap / np.maximum(size, 1e-9)) < 0.25)
    left, right = _ranks(v.candidate.left.values[at]), _ranks(v.candidate.right.values[at])
    spread = float(left.std() * right.std())
    if spread < 1e-9:
        return False
    together = float(((left - left.mean()) * (right - right.mean())).mean()) / spread
    return together >= max(0.5, 2.3 / np.sqrt(len(at) - 1))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0; those of equal values are their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts + 1) / 2)[inverse]
