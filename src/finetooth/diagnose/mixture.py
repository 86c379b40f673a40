"""What share of examples stands apart at the suspicious end, and how surely each is one of them.

A score that only ranks does not say where to stop reading. Where the mislabelled examples form a group of
their own, a mixture of two normals finds it and its posterior is a probability; where they do not, that is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FEWEST = 20  # examples below which no shape can be made out
MOST = 0.5  # the suspicious group is the smaller one, or "mislabelled" has no meaning
APART = 2.0  # spreads between the means: two normals of one spread have two modes from here on
STEPS = 500


@dataclass(frozen=True)
class Posterior:
    """``score`` (n,) in 0..1, rising with the values. ``share``: of the upper group, None if none stands apart."""

    score: np.ndarray
    share: float | None


def posterior(values: np.ndarray) -> Posterior:
    """P(upper group) of each of ``values`` (n,) in log odds, by a mixture of two normals of one spread, fitted by EM.

    One spread makes the posterior rise with the value everywhere. The two groups are believed if their
    means are 2 spreads apart, the Bayesian information criterion prefers two groups to one, and 0 lies between
    them: labels that are held likelier right than wrong may be the harder ones, they are no group of
    wrong ones; and who doubts the labels of the larger group too has learnt too little to tell. If not,
    nothing stands apart, and the score is half the quantile to the fourth: a rank, never above 0.5.
    """
    values = np.asarray(values, dtype=float)
    n = len(values)
    if n < FEWEST or np.ptp(values) == 0:
        return ranks(values)
    cut = np.quantile(values, 0.9)
    upper = values > cut if (values > cut).any() else values >= cut
    low, high = values[~upper].mean(), values[upper].mean()
    spread, share = float(values[~upper].std()) + 1e-9, float(upper.mean())
    before = -np.inf
    for _ in range(STEPS):
        log_low = np.log1p(-share) - 0.5 * ((values - low) / spread) ** 2
        log_high = np.log(share) - 0.5 * ((values - high) / spread) ** 2
        total = np.logaddexp(log_low, log_high)
        p = np.exp(log_high - total)
        likelihood = float(total.sum()) - n * np.log(spread)
        if likelihood - before < 1e-9 * n:
            break
        before = likelihood
        share = float(np.clip(p.mean(), 1 / n, MOST))
        low, high = np.average(values, weights=1 - p + 1e-12), np.average(values, weights=p + 1e-12)
        squares = (1 - p) * (values - low) ** 2 + p * (values - high) ** 2
        spread = float(np.sqrt(squares.mean())) + 1e-9
    # One normal has two parameters, the mixture four.
    alone = -n * np.log(values.std()) - n / 2
    if not low < 0 < high or high - low < APART * spread or 2 * (likelihood - alone) < 2 * np.log(n):
        return ranks(values)
    return Posterior(p, share)


def ranks(values: np.ndarray) -> Posterior:
    """Half the mid-quantile to the fourth, where nothing stands apart: the top tenth lies between 0.33 and 0.5."""
    if not len(values):
        return Posterior(np.zeros(0), None)
    from scipy.stats import rankdata

    return Posterior(0.5 * ((rankdata(values) - 0.5) / len(values)) ** 4, None)
