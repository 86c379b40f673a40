"""The difference of two arms on the same examples, with both noises: which examples, and which seeds.

An arm is one run, or several that differ only in their seed. Numbers in, numbers out; ``compare`` reads the runs.

* Examples: groups of them are drawn with replacement, the same draw for both arms and all their seeds (the
  paired cluster bootstrap: Efron and Tibshirani 1993; Field and Welsh 2007; for NLP, Koehn 2004).
* Seeds: the variance between an arm's runs, less what the choice of examples alone makes them differ: that part
  is in the first noise already, and the plain two-way bootstrap counts it up to three times (Owen 2007).
* One run an arm: the percentile interval, expanded for few groups (Hesterberg 2015). Several: Student's interval
  with the degrees of freedom of Welch and Satterthwaite, since a few seeds tell a variance badly.
* p: the paired randomisation test (Noreen 1989): the arms change places in groups chosen by lot. It is right
  where only a handful of examples differ, where a bootstrap is too sure. With seeds, the larger of it and Student's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finetooth.evaluate.intervals import Value, draws

_CELLS = 4_000_000  # of a block of signs


@dataclass(frozen=True)
class Paired:
    """``difference`` is b less a, in the units of the metric.

    ``low``, ``high``: its interval, None where there are fewer than two groups. ``p``: two-sided, not
    corrected. ``se_examples``, ``se_seeds``: the standard errors from either noise, the latter None where no
    arm has two seeds. ``borrowed``: an arm of one run was given the seed noise of the other.
    """

    a: float
    b: float
    difference: float
    low: float | None
    high: float | None
    p: float | None
    groups: int
    se_examples: float | None = None
    se_seeds: float | None = None
    borrowed: bool = False

    def shown(self, alpha: float, p: float | None = None) -> bool:
        """Whether the interval leaves zero out and ``p`` (corrected, or its own) is at most ``alpha``."""
        p = self.p if p is None else p
        if self.low is None or self.high is None or p is None:
            return False
        return (self.low > 0 or self.high < 0) and p <= alpha


def paired(
    a: Sequence[np.ndarray],
    b: Sequence[np.ndarray],
    value: Value,
    *,
    seed: int = 0,
    resamples: int = 5000,
    level: float = 0.95,
) -> Paired:
    """Compares two arms by ``value`` of their sums by group: one array (groups, k) a run, the same groups.

    An arm's value is the mean of its runs' values.
    """
    runs = [np.asarray(s, dtype=np.float64) for s in (*a, *b)]
    full = np.array([float(value(s.sum(axis=0))) for s in runs])
    n, of_a = len(runs[0]), len(a)
    va, vb = float(full[:of_a].mean()), float(full[of_a:].mean())
    nothing = Paired(va, vb, vb - va, None, None, None, n)
    if n < 2 or not np.isfinite(vb - va):
        return nothing
    drawn = _bootstrapped(runs, value, resamples, np.random.default_rng([seed, 0]))
    if len(drawn) < 2:
        return nothing
    by_examples = drawn[:, of_a:].mean(axis=1) - drawn[:, :of_a].mean(axis=1)
    p = _randomised(runs[:of_a], runs[of_a:], value, resamples, np.random.default_rng([seed, 1]))
    if len(runs) == 2:
        low, high = np.percentile(by_examples, _expanded(n, level))
        return Paired(va, vb, vb - va, float(low), float(high), p, n, float(by_examples.std(ddof=1)))
    return _mixed(full, drawn, of_a, by_examples, p, n, level)


def holm(p: Sequence[float | None]) -> list[float | None]:
    """p values corrected for being several (Holm 1979): the chance of any false claim among them keeps its level.

    None (could not be tested) stays None and counts for nothing.
    """
    tested = sorted((v, i) for i, v in enumerate(p) if v is not None)
    made: list[float | None] = [None] * len(p)
    reached = 0.0
    for place, (v, i) in enumerate(tested):
        reached = max(reached, min(1.0, v * (len(tested) - place)))
        made[i] = reached
    return made


def _bootstrapped(
    runs: Sequence[np.ndarray], value: Value, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """(resamples, runs): every run's value on the same draws; draws without a value for all of them are left out."""
    blocks = [
        np.stack([value(times @ s) for s in runs], axis=1) for times in draws(len(runs[0]), resamples, rng)
    ]
    drawn = np.concatenate(blocks)
    return drawn[np.isfinite(drawn).all(axis=1)]


def _randomised(
    a: Sequence[np.ndarray], b: Sequence[np.ndarray], value: Value, resamples: int, rng: np.random.Generator
) -> float:
    """Two-sided p: how often arms that change places by lot, group by group, differ as much as they do.

    Several seeds are averaged in each group first, so that arms of unequal size can change places.
    """
    of_a, of_b = np.mean(a, axis=0), np.mean(b, axis=0)
    half = (of_b - of_a) / 2
    middle = ((of_a + of_b) / 2).sum(axis=0)
    half = half[np.any(half != 0, axis=1)]
    if not len(half):
        return 1.0

    def apart(shift: np.ndarray) -> np.ndarray:
        return np.abs(value(middle + shift) - value(middle - shift))

    found = apart(half.sum(axis=0))
    step, as_much, done = max(1, _CELLS // len(half)), 0, 0
    while done < resamples:
        size = min(step, resamples - done)
        signs = rng.integers(0, 2, size=(size, len(half)), dtype=np.int8) * 2.0 - 1.0
        # A hair's breadth: the same sum in another order is as much, not less.
        as_much += int((apart(signs @ half) >= found - 1e-9 * max(1.0, float(found))).sum())
        done += size
    return (as_much + 1) / (resamples + 1)


def _mixed(
    full: np.ndarray,
    drawn: np.ndarray,
    of_a: int,
    by_examples: np.ndarray,
    p: float,
    n: int,
    level: float,
) -> Paired:
    """Both noises together; at least one arm has several runs. ``full`` (runs,), ``drawn`` (resamples, runs)."""
    from scipy.special import stdtr, stdtrit

    sizes = of_a, len(full) - of_a
    of_examples = float(by_examples.var(ddof=1))
    of_seeds, spread = 0.0, of_examples**2 / (n - 1)
    for size, other, part in zip(sizes, sizes[::-1], (slice(of_a), slice(of_a, None)), strict=True):
        if size < 2:
            continue
        raw = float(full[part].var(ddof=1))
        own = drawn[:, part] - drawn[:, part].mean(axis=1, keepdims=True)
        by_lot = float(own.var(axis=0, ddof=1).sum()) / (size - 1)
        # An arm of one run says nothing of its own noise and is given this arm's, whole: it is only a guess.
        lent = raw if other == 1 else 0.0
        share = 1 / size + (1 if other == 1 else 0)
        of_seeds += max(raw - by_lot, 0.0) / size + lent
        spread += (share * raw) ** 2 / (size - 1)
    va, vb = float(full[:of_a].mean()), float(full[of_a:].mean())
    difference, se = vb - va, float(np.sqrt(of_examples + of_seeds))
    freedom = se**4 / spread if spread > 0 else np.inf
    half = float(stdtrit(freedom, (1 + level) / 2)) * se
    if se > 0:
        p = max(p, 2 * float(stdtr(freedom, -abs(difference) / se)))
    return Paired(
        va,
        vb,
        difference,
        difference - half,
        difference + half,
        p,
        n,
        float(np.sqrt(of_examples)),
        float(np.sqrt(of_seeds)),
        min(sizes) == 1,
    )


def _expanded(n: int, level: float) -> tuple[float, float]:
    """The two percentiles to take of a bootstrap of ``n`` groups (Hesterberg 2015, section 5.3)."""
    from scipy.special import ndtr, stdtrit

    tail = float(ndtr(np.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 - level) / 2)))
    return 100 * tail, 100 * (1 - tail)
