"""Exact match and token F1 of extractive answers, counted as SQuAD's own scripts count them.

The figure of a set is the mean over its questions, a missing prediction counts 0, and an answer is
compared with the gold that suits it best. The two scripts differ where nothing is left of an answer
once it is normalised, and v2.0 asks for "" where a question has no answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from finetooth.registry import Metric, Targets
from finetooth.text import answer_tokens, normalize_answer
from finetooth.types import Example


def exact(gold: str, predicted: str) -> float:
    """1.0 if both are the same once normalised (evaluate-v1.1.py and evaluate-v2.0.py)."""
    return float(normalize_answer(gold) == normalize_answer(predicted))


@lru_cache(maxsize=1 << 18)
def token_f1(gold: str, predicted: str, *, v2: bool = False) -> float:
    """Token F1 as in SQuAD's evaluate-v1.1.py, or evaluate-v2.0.py with ``v2``: repeats count.

    They differ where one side has no tokens: v1.1 gives 0, v2.0 gives 1 if both are empty.
    """
    a, b = answer_tokens(gold), answer_tokens(predicted)
    if v2 and (not a or not b):
        return float(a == b)
    if set(a).isdisjoint(b):
        return 0.0
    common = sum((Counter(a) & Counter(b)).values())
    precision, recall = common / len(b), common / len(a)
    return 2 * precision * recall / (precision + recall)


def best_over_golds(golds: Sequence[str], predicted: str, *, v2: bool) -> tuple[float, float]:
    """(exact match, F1), each against the gold that suits it best, in 0..1.

    Where there is no gold, v1.1 gives 0 whatever was predicted; v2.0 wants "".
    """
    return _best(tuple(golds), predicted, v2)


@lru_cache(maxsize=1 << 18)
def _best(golds: tuple[str, ...], predicted: str, v2: bool) -> tuple[float, float]:
    if v2:
        # evaluate-v2.0.py leaves out golds that normalise to nothing, and asks for "" if none is left.
        golds = tuple(g for g in golds if normalize_answer(g)) or ("",)
    # Golds are mostly the same answer several times.
    several = dict.fromkeys(golds)
    return (
        max((exact(g, predicted) for g in several), default=0.0),
        max((token_f1(g, predicted, v2=v2) for g in several), default=0.0),
    )


def _counts(column: int):
    def counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
        """(n, 2): how well each is answered in 0..1, and 1."""
        rows = np.zeros((len(examples), 2))
        rows[:, 1] = 1.0
        for i, (example, prediction) in enumerate(zip(examples, predictions, strict=True)):
            if prediction is not None:
                target = example.target
                golds = tuple([a.text for a in target.answers])
                rows[i, 0] = _best(golds, prediction.target or "", target.v2)[column]
        return rows

    return counts


def percent(sums: np.ndarray) -> np.ndarray:
    """100 x first column / second; 0 where nothing was counted."""
    return 100.0 * sums[..., 0] / np.maximum(sums[..., 1], 1e-12)


EXACT_MATCH = Metric("exact_match", _counts(0), percent, "SQuAD evaluate-v1.1.py / evaluate-v2.0.py")
F1 = Metric("f1", _counts(1), percent, "SQuAD evaluate-v1.1.py / evaluate-v2.0.py")
