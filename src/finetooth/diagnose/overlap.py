"""Where methods agree: regions of category x cluster, how often each rule fires in them, where blame piles up.

One method that blames an example may be wrong in its own way. Methods that look at different things (how it was
learnt, what the checks see, what models say that never saw it) and still agree are seldom all wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

AGREE = 3  # methods against an example that make it an agreed one; two where there are no more than three
MOST_BLAMED = 0.5  # a method that blames a larger share than that tells no example apart, and has no vote
FEWEST = 5  # examples of a region that is called anything
TIMES = 2.0  # how many times the usual share of agreed examples makes a region stand out
SHOWN = 20  # ids of a region that are listed, the likeliest errors first
Z = 1.96


def overlap(
    *,
    ids: Sequence[str],
    category: Sequence[str | None],
    cluster: Sequence[int | None],
    cluster_names: Mapping[int, str],
    against: Mapping[str, np.ndarray],
    rules: Mapping[str, np.ndarray],
    score: np.ndarray,
    agree: int | None = None,
) -> dict[str, Any]:
    """What stands in overlap.json.

    ``against`` names methods, each (n,) bool, true where it speaks against the example; ``rules`` likewise. One that
    blames more than half of all has no vote (``without_vote``): a vote that nearly every example gets makes agreement
    of the others' noise.
    A region stands out (``high_overlap``) if it holds 5 examples or more, and the lower end of the 95 % interval
    (Wilson 1927) of its share of agreed examples is above twice the share of all.
    """
    n = len(ids)
    blamed = {m: int(a.sum()) for m, a in against.items()}
    silent = {m: k for m, k in blamed.items() if k > MOST_BLAMED * n}
    against = {m: a for m, a in against.items() if m not in silent}
    # What is hard was never right, what was forgotten was: of a map and the checks alone no three ever agree.
    agree = agree or (AGREE if len(against) > AGREE else 2)
    votes = np.sum([a.astype(int) for a in against.values()], axis=0) if against else np.zeros(n, int)
    agreed = votes >= agree
    groups: dict[tuple[Any, Any], list[int]] = {}
    for i, key in enumerate(zip(category, cluster, strict=True)):
        groups.setdefault(key, []).append(i)
    base = float(agreed.mean()) if n else 0.0
    regions = []
    for (name, number), members in groups.items():
        at = np.array(members)
        k = int(agreed[at].sum())
        low, high = wilson(k, len(at))
        worst = at[np.argsort(-score[at], kind="stable")]
        regions.append(
            {
                "category": name,
                "cluster": number,
                "cluster_name": cluster_names.get(number) if number is not None else None,
                "examples": len(at),
                "agreed": k,
                "agreed_share": k / len(at),
                "agreed_low": low,
                "agreed_high": high,
                "lift": k / len(at) / base if base else None,
                "mean_rank": float(score[at].mean()),
                "against": {m: int(a[at].sum()) for m, a in against.items()},
                "stands_out": bool(len(at) >= FEWEST and base and low > TIMES * base),
                "worst": [ids[i] for i in worst[:SHOWN] if votes[i] > 0],
            }
        )
    regions.sort(key=lambda r: (-r["agreed"], -r["mean_rank"], str(r["category"]), str(r["cluster"])))
    return {
        "examples": n,
        "methods": {m: blamed[m] for m in against},
        "without_vote": silent,
        "methods_that_agree": agree,
        "agreed": int(agreed.sum()),
        "agreed_share": base,
        "votes": {str(v): int((votes == v).sum()) for v in range(int(votes.max(initial=0)) + 1)},
        "pairs": _pairs(against),
        "regions": regions,
        "high_overlap": [r for r in regions if r["stands_out"]],
        "rule_rates": {
            "all": _rates(rules, np.arange(n)),
            "by_category": _by(rules, category),
            "by_cluster": _by(rules, cluster),
        },
        "agreed_examples": [ids[i] for i in np.argsort(-score, kind="stable") if agreed[i]],
    }


def _pairs(against: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """For every two methods how many examples both blame, and what chance would give."""
    names = list(against)
    made = []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            both, n = int((against[a] & against[b]).sum()), len(against[a])
            expected = float(against[a].sum()) * float(against[b].sum()) / max(n, 1)
            made.append({"methods": [a, b], "both": both, "by_chance": round(expected, 2)})
    return made


def _rates(rules: Mapping[str, np.ndarray], at: np.ndarray) -> dict[str, Any]:
    return {
        "examples": len(at),
        **{name: float(on[at].mean()) if len(at) else 0.0 for name, on in rules.items()},
    }


def _by(rules: Mapping[str, np.ndarray], key: Sequence[Any]) -> dict[str, Any]:
    groups: dict[str, list[int]] = {}
    for i, k in enumerate(key):
        groups.setdefault("none" if k is None else str(k), []).append(i)
    return {k: _rates(rules, np.array(members)) for k, members in sorted(groups.items())}


def wilson(k: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``k`` of ``n`` (Wilson 1927): right for small n and for 0 of n too."""
    if not n:
        return 0.0, 1.0
    p = k / n
    middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return max(0.0, middle - half), min(1.0, middle + half)
