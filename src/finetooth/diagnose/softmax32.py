"""Softmax in float32, bit for bit as the reference of Dataset Cartography computes it on a processor.

The reference calls torch, whose vectorised exponential (SLEEF's ``expf``, within 1 ulp) is not the one of
numpy: their probabilities differ in the eighth digit. Figures that must agree to nine need the same one.
"""

from __future__ import annotations

import numpy as np

_LOG2E = np.float32(1.4426950408889634)
# ln 2 in two parts, so that n * ln 2 loses no digits.
_LN2_HIGH, _LN2_LOW = np.float32(0.693145751953125), np.float32(1.428606765330187045e-06)
# Minimax polynomial of (exp(r) - 1 - r) / r**2 on |r| <= ln 2 / 2, highest power first.
_POLYNOMIAL = (
    0.000198527617612853646278381,
    0.00139304355252534151077271,
    0.00833336077630519866943359,
    0.0416664853692054748535156,
    0.166666671633720397949219,
    0.5,
)


def softmax32(logits: np.ndarray) -> np.ndarray:
    """Over the last axis, (n, classes) of any float type to float32.

    Equal to ``torch.softmax`` of float32 up to 16 classes; beyond, torch sums in another order and the
    last bit may differ.
    """
    x = np.asarray(logits, np.float32)
    with np.errstate(invalid="ignore"):
        e = _exp(x - x.max(axis=-1, keepdims=True))
    total = e[..., 0].copy()
    for i in range(1, e.shape[-1]):  # in this order: float32 sums depend on it
        total += e[..., i]
    return e * (np.float32(1) / total)[..., None]


def _exp(x: np.ndarray) -> np.ndarray:
    """exp(x) for x <= 0: x = n ln 2 + r, then 2**n times a polynomial of r."""
    low = x < -104  # less than the smallest float32; minus infinity too
    x = np.where(low, np.float32(0), x)
    n = np.rint(x * _LOG2E)
    r = _fused(n, -_LN2_LOW, _fused(n, -_LN2_HIGH, x))
    u = np.full_like(r, _POLYNOMIAL[0])
    for coefficient in _POLYNOMIAL[1:]:
        u = _fused(u, r, np.float32(coefficient))
    u = np.float32(1) + _fused(r * r, u, r)
    return np.where(low, np.float32(0), np.ldexp(u, n.astype(np.int32)))


def _fused(a: np.ndarray, b: np.ndarray | np.float32, c: np.ndarray | np.float32) -> np.ndarray:
    """a * b + c with one rounding, as the processor's fused instruction: the product is exact in float64."""
    return (a.astype(np.float64) * np.asarray(b, np.float64) + np.asarray(c, np.float64)).astype(np.float32)
