"""How likely each example is mislabelled: many weak signals, one score, and the reason that weighs most.

No single signal wins everywhere: a model that has seen a wrong label may have learnt it by heart (in-sample
confidence is blind then), one that has not may simply be weak (out-of-sample confidence cries wolf). Each
signal is put on one scale (spreads from its median) and they are added up with stated weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from finetooth.diagnose.mixture import posterior
from finetooth.errors import UsageError

EDGE = 1e-6  # probabilities are not believed beyond it
MOST = 6.0  # spreads: no signal speaks louder
# How much each signal counts. Fitted on nothing: equal but for what repeats or is coarse.
WEIGHTS: dict[str, float] = {
    "low_confidence": 1.0,  # 1 - mean gold probability over epochs
    "low_margin": 1.0,  # minus the area under the margin (Pleiss et al. 2020)
    "early_loss": 0.5,  # loss of the first half of the epochs: noise is learnt late (Arpit et al. 2017)
    "forgetting": 0.25,  # correct-to-wrong steps (Toneva et al. 2019)
    "held_out_confidence": 1.5,  # 1 - gold probability by a model that never saw the example
    "held_out_margin": 1.5,
    "confident_learning": 1.0,  # cleanlab on the probabilities of models that never saw the example
    "held_out_disagreement": 0.5,  # what they predict is another target, and they are sure
    "disagreement": 0.5,  # the trained model itself predicts another target
    "neighbours": 1.0,  # share of nearest neighbours in embedding space with another label
    "findings": 1.5,  # what the checks say, errors before warnings
    "rules": 0.5,  # how many of the error rules fire
}
# Signals of which silence is no praise.
COARSE = ("findings", "rules", "forgetting", "disagreement", "held_out_disagreement")
REASONS = {
    "low_confidence": "its label stayed unlikely over all epochs",
    "low_margin": "another label stayed ahead of its own",
    "early_loss": "it was learnt late or never",
    "forgetting": "it was learnt and forgotten again",
    "held_out_confidence": "models that never saw it find its label unlikely",
    "held_out_margin": "models that never saw it prefer another label",
    "confident_learning": "by the confusions of models that never saw it its label is improbable",
    "held_out_disagreement": "models that never saw it surely predict something else",
    "disagreement": "the model predicts something else although it was taught this",
    "neighbours": "its nearest neighbours have another label",
    "findings": "the checks found fault with it",
    "rules": "several error rules fire on it",
}


@dataclass(frozen=True)
class Ranking:
    """``score`` (n,) is an estimate of P(mislabelled) in 0..1; ``order`` lists places, the worst first.

    ``share``: the estimated share of mislabelled examples; None where no group stands apart, and then the
    score is only a rank and stays below 0.5.
    """

    ids: tuple[str, ...]
    score: np.ndarray
    combined: np.ndarray
    reason: tuple[str, ...]
    signals: Mapping[str, np.ndarray]
    share: float | None = None

    @property
    def order(self) -> np.ndarray:
        return np.argsort(-self.combined, kind="stable")

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"example_id": name, "rank": float(s), "rank_reason": why}
            for name, s, why in zip(self.ids, self.score, self.reason, strict=True)
        ]


def logit(p: np.ndarray) -> np.ndarray:
    """Log odds, of probabilities held to 1e-6 from either end."""
    p = np.clip(p, EDGE, 1 - EDGE)
    return np.log(p) - np.log1p(-p)


def standard_scores(values: np.ndarray) -> np.ndarray:
    """Values in spreads (1.4826 MAD; the standard deviation if that is 0) from their median, held to +-6.

    The shape is kept, since a group that stands apart is what calibration looks for; the bound keeps one signal
    from deciding alone. NaN becomes 0: no opinion.
    """
    made = np.zeros(len(values))
    known = np.isfinite(values)
    if known.any() and np.ptp(values[known]) > 0:
        middle = np.median(values[known])
        spread = 1.4826 * np.median(np.abs(values[known] - middle)) or values[known].std()
        made[known] = np.clip((values[known] - middle) / spread, -MOST, MOST)
    return made


def rank(
    ids: Sequence[str], signals: Mapping[str, np.ndarray], *, weights: Mapping[str, float] = WEIGHTS
) -> Ranking:
    """Combines signals, each (n,) with the suspicious end high; NaN where a signal has no opinion.

    A coarse signal (findings, rules) only ever speaks against an example: its silence is no praise.
    Raises UsageError for a signal without a weight or of another length.
    """
    if not signals:
        raise UsageError("there is nothing to rank by", cure="record dynamics, or give findings")
    n = len(ids)
    parts: dict[str, np.ndarray] = {}
    for name, values in signals.items():
        if name not in weights:
            raise UsageError(f"there is no weight for the signal {name!r}")
        values = np.asarray(values, dtype=float)
        if values.shape != (n,):
            raise UsageError(f"{name}: expected {n} values, found shape {values.shape}")
        z = standard_scores(values)
        if name in COARSE:
            z = np.where(np.nan_to_num(values) > 0, np.maximum(z, 0.0), 0.0)
        parts[name] = weights[name] * z
    combined = np.sum(list(parts.values()), axis=0) / np.sqrt(sum(weights[s] ** 2 for s in parts))
    names = list(parts)
    heaviest = np.argmax(np.stack([parts[s] for s in names]), axis=0)
    reason = tuple(REASONS[names[i]] for i in heaviest)
    found = posterior(combined)
    return Ranking(tuple(ids), found.score, combined, reason, dict(parts), found.share)


def average_precision(truth: np.ndarray, score: np.ndarray) -> float:
    """Average precision of a ranking against known errors, as scikit-learn's average_precision_score."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, score))


def recall_at_rate(truth: np.ndarray, score: np.ndarray) -> float:
    """The share of the known errors among as many of the highest ranked as there are errors."""
    k = int(truth.sum())
    return float(truth[np.argsort(-score, kind="stable")[:k]].mean()) if k else 0.0


def neighbour_disagreement(vectors: np.ndarray, labels: Sequence[str], *, k: int = 10) -> np.ndarray:
    """Share of the k nearest others (cosine) with another label, (n,); compared with the label's own base rate.

    A rare label always has other neighbours; what counts is how much rarer its own is around it than
    it would be by chance, so the share expected at random is taken off.
    """
    from sklearn.neighbors import NearestNeighbors

    names, label = np.unique(np.asarray(labels), return_inverse=True)
    n = len(label)
    k = min(k, n - 1)
    if k < 1 or len(names) < 2:
        return np.full(n, np.nan)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    near = NearestNeighbors(n_neighbors=k + 1).fit(unit).kneighbors(unit, return_distance=False)
    # Duplicates may put another point in front of the point itself: drop itself wherever it stands.
    others = np.stack([row[row != i][:k] for i, row in enumerate(near)])
    differ = (label[others] != label[:, None]).mean(axis=1)
    base = 1.0 - np.bincount(label)[label] / n
    return differ - base


def signals_from_dynamics(
    gold_prob: np.ndarray, margin: np.ndarray, correct: np.ndarray, loss: np.ndarray
) -> dict[str, np.ndarray]:
    """Signals of the training pass; all inputs (n, epochs), NaN where an epoch did not show the example.

    Probabilities and margins are taken as log odds of their means, the loss as its logarithm.
    """
    early = loss[:, : max(1, (loss.shape[1] + 1) // 2)]
    won = np.nan_to_num(correct.astype(float))
    forgot = ((won[:, :-1] > 0.5) & (won[:, 1:] < 0.5)).sum(axis=1).astype(float)
    signals = {
        "low_confidence": -logit(_mean(gold_prob)),
        "low_margin": -logit((1 + _mean(margin)) / 2),
        "early_loss": np.log(_mean(early) + EDGE),
    }
    if loss.shape[1] > 2:
        signals["forgetting"] = forgot
    return signals


def _mean(values: np.ndarray) -> np.ndarray:
    """Over the epochs in which it was seen; NaN if in none."""
    seen = (~np.isnan(values)).sum(axis=1)
    return np.where(seen > 0, np.nansum(values, axis=1) / np.maximum(seen, 1), np.nan)
