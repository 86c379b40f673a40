"""How likely each example is mislabelled: several pieces of evidence, one score, and the reason that weighs most.

No single look is right everywhere: a model that was taught a wrong label may have learnt it by heart (what it says
is worth little then), one that was not may simply be weak. So every look at an example is asked the same
question, how probable its label is, and the answers are averaged as those of an ensemble are. What is no
probability (a finding of a check, a prediction that differs) is added to the log odds of that average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from finetooth.diagnose.mixture import posterior, ranks
from finetooth.errors import UsageError

EDGE = 1e-6  # probabilities are not believed beyond it
# Looks: the probability of the label by each, and how much it counts. A model counts one, whether it saw the example.
LOOKS: dict[str, float] = {
    "low_confidence": 1.0,  # of the run, mean over its epochs (Swayamdipta et al. 2020)
    "held_out_confidence": 1.0,  # of a model that never saw the example, mean over its epochs
    "neighbours": 0.25,  # share of the nearest neighbours in embedding space with its label
}
# Added to the log odds of a wrong label, for each unit of the signal. They only speak against an example.
ADDED: dict[str, float] = {
    "findings": 1.0,  # what checks say of the target: 2 for each with an error, 1 for each with a warning
    "disagreement": 0.5,  # how far the trained model's own prediction is off, times how sure it is
    "confident_learning": 0.25,  # 1 where cleanlab calls the label an error, out of sample
    "rules": 0.25,  # how many of the error rules fire
}
REASONS = {
    "low_confidence": "its label stayed unlikely over all epochs",
    "held_out_confidence": "models that never saw it find its label unlikely",
    "neighbours": "its nearest neighbours have another label",
    "findings": "the checks found fault with it",
    "disagreement": "the model predicts something else although it was taught this",
    "confident_learning": "by the confusions of models that never saw it its label is improbable",
    "rules": "error rules fire on it",
}
# Of looks that hold the label likelier right than wrong, only less surely than they are of most.
LESS_SURE = {
    "low_confidence": "its label was learnt less surely than most",
    "held_out_confidence": "models that never saw it are less sure of its label than of most",
    "neighbours": "fewer of its nearest neighbours have its label than is usual",
}
NOTHING = "no more speaks against it than against most"


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


def rank(ids: Sequence[str], signals: Mapping[str, np.ndarray], *, learnt: bool = True) -> Ranking:
    """Combines signals by name, each (n,), NaN where one has no opinion.

    Those of LOOKS are probabilities of the label; their weighted mean is taken over the ones that have an
    opinion (the median of all where none has), and its log odds against the label are the base. Those of ADDED
    are 0 or more and come on top. Where the models have not ``learnt`` the task no group stands apart: what they
    doubt is what is rare. Raises UsageError for an unknown signal or one of another length.
    """
    if not signals:
        raise UsageError("there is nothing to rank by", cure="record dynamics, or give findings")
    n = len(ids)
    given: dict[str, np.ndarray] = {}
    for name, values in signals.items():
        if name not in LOOKS and name not in ADDED:
            raise UsageError(f"there is no weight for the signal {name!r}")
        given[name] = np.asarray(values, dtype=float)
        if given[name].shape != (n,):
            raise UsageError(f"{name}: expected {n} values, found shape {given[name].shape}")
    looks = {name: given[name] for name in LOOKS if name in given and not np.isnan(given[name]).all()}
    parts = {name: ADDED[name] * np.nan_to_num(v) for name, v in given.items() if name in ADDED}
    combined = _pooled(looks, n) + sum(parts.values(), np.zeros(n))
    # For the reason a look counts as much as it lies above what it usually says.
    for name, p in looks.items():
        against = -logit(p)
        parts[name] = LOOKS[name] * np.nan_to_num(against - np.nanmedian(against))
    found = posterior(combined) if learnt else ranks(combined)
    return Ranking(tuple(ids), found.score, combined, _reasons(parts, looks, n), dict(parts), found.share)


def _reasons(parts: Mapping[str, np.ndarray], looks: Mapping[str, np.ndarray], n: int) -> tuple[str, ...]:
    """(n,) in words what weighs most against each, no more than the figures say."""
    if not parts:
        return ("nothing is known of it",) * n
    names = list(parts)
    table = np.stack([parts[s] for s in names])
    made = []
    for i, (heaviest, weight) in enumerate(zip(table.argmax(axis=0), table.max(axis=0), strict=True)):
        name = names[heaviest]
        sure = name in looks and looks[name][i] >= 0.5
        made.append(NOTHING if weight <= 0 else LESS_SURE[name] if sure else REASONS[name])
    return tuple(made)


def _pooled(looks: Mapping[str, np.ndarray], n: int) -> np.ndarray:
    """(n,) log odds against the label, by the mean of what the looks say; 0 everywhere without any."""
    total, weight = np.zeros(n), np.zeros(n)
    for name, p in looks.items():
        known = np.isfinite(p)
        total[known] += LOOKS[name] * p[known]
        weight[known] += LOOKS[name]
    made = np.zeros(n)
    known = weight > 0
    if known.any():
        made[known] = -logit(total[known] / weight[known])
        made[~known] = np.median(made[known])
    return made


def average_precision(truth: np.ndarray, score: np.ndarray) -> float:
    """Average precision of a ranking against known errors, as scikit-learn's average_precision_score."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, score))


def recall_at_rate(truth: np.ndarray, score: np.ndarray) -> float:
    """The share of the known errors among as many of the highest ranked as there are errors."""
    k = int(truth.sum())
    return float(truth[np.argsort(-score, kind="stable")[:k]].mean()) if k else 0.0


def neighbour_share(vectors: np.ndarray, labels: Sequence[str], *, k: int = 20) -> np.ndarray:
    """(n,) the probability of each label by its ``k`` nearest others (cosine), the label's base rate as one more.

    NaN where there are no others or only one label.
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
    same = (label[others] == label[:, None]).sum(axis=1)
    return (same + np.bincount(label)[label] / n) / (k + 1)
