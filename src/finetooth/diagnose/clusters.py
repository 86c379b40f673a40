"""Where examples lie: PCA, HDBSCAN, a 2-D picture, and clusters named by the words that set them apart."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from finetooth.diagnose.persistence import persistence
from finetooth.errors import UsageError
from finetooth.text import words

COMPONENTS = 50
NOISE = -1
TIMES = 2.0  # how much likelier a word must be in a text of the cluster than in another, to name it
ROUNDING = 1e-5  # vectors that differ by less than that share of their length are one point
SAMPLE = 5_000  # points the silhouette is taken over
# HDBSCAN is quadratic in bad cases; above this many points it is fitted on a sample, the rest join by neighbours.
MOST_FITTED = 50_000


@dataclass(frozen=True)
class Clusters:
    """``label`` (n,) counts from 0 by size, -1 is noise; ``membership`` (n,) in 0..1; ``place`` (n, 2) or None.

    ``quality`` holds the silhouette (Rousseeuw 1987, over members), the share of noise, and per cluster
    its size, mean membership and persistence (see ``persistence``).
    """

    label: np.ndarray
    membership: np.ndarray
    reduced: np.ndarray
    place: np.ndarray | None
    names: dict[int, str]
    quality: dict[str, Any]


def reduce(vectors: np.ndarray, *, components: int = COMPONENTS, seed: int = 0) -> np.ndarray:
    """Centred PCA, (n, d) -> (n, min(components, n - 1, d)), float32, randomised with a seed."""
    from sklearn.decomposition import PCA

    if vectors.ndim != 2 or len(vectors) < 3:
        raise UsageError(f"expected at least 3 vectors, found an array of shape {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise UsageError("an embedding holds a value that is not finite", cure="check the model's weights")
    size = min(components, len(vectors) - 1, vectors.shape[1])
    if same(vectors):  # nothing varies: PCA would divide by it
        return np.zeros((len(vectors), size), np.float32)
    solver = "randomized" if size < min(vectors.shape) * 0.8 else "full"
    with np.errstate(all="ignore"):  # the share of variance of a vector of 1e30 is not asked for
        made = PCA(size, svd_solver=solver, random_state=seed).fit_transform(
            vectors.astype(np.float32, copy=False)
        )
    return np.ascontiguousarray(made, dtype=np.float32)


def same(vectors: np.ndarray) -> bool:
    """Whether all of (n, d) are one point, but for the rounding of arithmetic."""
    middle = vectors.mean(axis=0, dtype=np.float64)
    return bool(np.abs(vectors - middle).max() <= ROUNDING * np.linalg.norm(middle))


def cluster(
    vectors: np.ndarray,
    texts: Sequence[str] = (),
    *,
    min_cluster_size: int | None = None,
    picture: bool = True,
    seed: int = 0,
) -> Clusters:
    """Clusters of embeddings (n, d). ``min_cluster_size``: None takes 1 % of the examples, at least 5, at most 200,
    and never more than half of the examples.

    Points that are equal are one cluster where there are as many as that. The same seed gives the same clusters. ``texts`` (n) are only used to name them.
    """
    from sklearn.cluster import HDBSCAN

    reduced = reduce(vectors, seed=seed)
    n = len(reduced)
    if min_cluster_size is None:
        size = min(200, max(5, n // 100), max(2, n // 2))
    else:
        size = min_cluster_size
    if not 2 <= size <= n:
        raise UsageError(f"min_cluster_size: expected 2 to {n}, found {size}")
    # Ten dimensions keep the neighbourhoods and spare HDBSCAN the emptiness of fifty.
    flat = reduced[:, :10]
    rng = np.random.default_rng(seed)
    fitted = np.sort(rng.permutation(n)[:MOST_FITTED]) if n > MOST_FITTED else np.arange(n)
    model = HDBSCAN(min_cluster_size=size, min_samples=max(3, size // 5), copy=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(flat[fitted])
    label = np.full(n, NOISE)
    membership = np.zeros(n)
    tree = getattr(model, "_single_linkage_tree_", None)  # other versions of scikit-learn keep it elsewhere
    equal = ROUNDING * float(np.median(np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))))
    label[fitted], membership[fitted] = model.labels_, _membership(model, _joins(tree), equal)
    lives = _lives(model, size)
    for group in _equal_noise(model, equal, size) if tree is not None else ():
        number = int(label.max()) + 1
        label[fitted[group]], membership[fitted[group]], lives[number] = number, 1.0, 1.0
    if len(fitted) < n:
        _join(flat, fitted, label, membership)
    label, new = _by_size(label)
    place = _picture(reduced, seed) if picture else None
    quality = _quality(flat, label, membership, rng, {new[c]: life for c, life in lives.items()})
    quality |= {"min_cluster_size": size, "components": reduced.shape[1], "fitted": len(fitted)}
    return Clusters(label, membership, reduced, place, names(label, texts), quality)


def _membership(model: Any, joins: np.ndarray | None, equal: float) -> np.ndarray:
    """(n,) HDBSCAN's probabilities, and those that it takes by an infinite density, of equal points, by a finite one.

    Density is one by the distance at which a point joins another. In a cluster that holds equal points the densest
    is infinite, to which all others are as 0: there the densest but those is taken, and equal points are whole members.
    """
    label, found = model.labels_, np.nan_to_num(model.probabilities_, nan=1.0)
    found[label == NOISE] = 0.0
    if joins is None:
        return found
    for c in set(label[(joins <= equal) & (label != NOISE)].tolist()):
        inside = label == c
        apart = np.maximum(joins[inside], equal)
        densest = apart[apart > equal].min(initial=np.inf)
        found[inside] = [1.0 if d == equal else densest / d for d in apart.tolist()]
    return found


def _joins(tree: Any) -> np.ndarray | None:
    """(n,) the distance at which each point first joins another; None without a tree."""
    if tree is None:
        return None
    made = np.full(2 * len(tree) + 2, np.inf)
    for side in ("left_node", "right_node"):
        made[tree[side]] = tree["value"]
    return made[: len(tree) + 1]


def _equal_noise(model: Any, equal: float, size: int) -> list[list[int]]:
    """Groups of ``size`` and more equal points that HDBSCAN, which wants two groups at least, left as noise."""
    tree = model._single_linkage_tree_
    n, groups = len(tree) + 1, dict[int, list[int]]()
    for k, (a, b, d) in enumerate(zip(*(tree[x].tolist() for x in tree.dtype.names[:3]), strict=True)):
        if d > equal:
            break
        groups[n + k] = [i for x in (a, b) for i in groups.pop(x, [x])]
    return [g for g in groups.values() if len(g) >= size and (model.labels_[g] == NOISE).all()]


def _lives(model: Any, size: int) -> dict[int, float]:
    """The persistence of each cluster; {} where this version of scikit-learn keeps its tree elsewhere."""
    tree = getattr(model, "_single_linkage_tree_", None)
    if tree is None:
        return {}
    left, right, distance = (tree[name].tolist() for name in ("left_node", "right_node", "value"))
    return persistence(left, right, distance, model.labels_.tolist(), min_cluster_size=size)


def _join(flat: np.ndarray, fitted: np.ndarray, label: np.ndarray, membership: np.ndarray) -> None:
    """Points that were not fitted take the majority of their 5 nearest fitted neighbours."""
    from sklearn.neighbors import NearestNeighbors

    rest = np.setdiff1d(np.arange(len(flat)), fitted)
    near = NearestNeighbors(n_neighbors=5).fit(flat[fitted]).kneighbors(flat[rest], return_distance=False)
    votes = label[fitted][near]
    for row, i in enumerate(rest):
        name, times = Counter(votes[row].tolist()).most_common(1)[0]
        label[i], membership[i] = name, 0.0 if name == NOISE else times / 5


def _by_size(label: np.ndarray) -> tuple[np.ndarray, dict[int, int]]:
    order = [c for c, _ in Counter(label[label != NOISE].tolist()).most_common()]
    new = {c: i for i, c in enumerate(order)} | {NOISE: NOISE}
    return np.array([new[c] for c in label.tolist()]), new


def _picture(reduced: np.ndarray, seed: int) -> np.ndarray:
    """UMAP to two dimensions (McInnes et al. 2018); the first two principal components where it is not installed, or
    has no answer: for points that are all equal it gives NaN."""
    plain = np.pad(reduced[:, :2], ((0, 0), (0, max(0, 2 - reduced.shape[1]))))
    if not np.ptp(reduced, axis=0).any():
        return plain
    try:
        import umap
    except ImportError:
        return plain
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        neighbours = min(15, len(reduced) - 1)
        init = "random" if len(reduced) < 20 else "pca"
        try:
            made = umap.UMAP(n_neighbors=neighbours, init=init, random_state=seed).fit_transform(reduced)
        except (ValueError, FloatingPointError):  # too few points that differ
            return plain
    return made if np.isfinite(made).all() else plain


def _quality(
    flat: np.ndarray,
    label: np.ndarray,
    membership: np.ndarray,
    rng: np.random.Generator,
    lives: Mapping[int, float],
) -> dict[str, Any]:
    from sklearn.metrics import silhouette_score

    inside = np.flatnonzero(label != NOISE)
    found = sorted(set(label[inside].tolist()))
    silhouette = None
    if len(found) >= 2:
        some = rng.permutation(inside)[:SAMPLE]
        if 2 <= len(set(label[some].tolist())) < len(some):
            silhouette = float(silhouette_score(flat[some], label[some]))
    return {
        "clusters": len(found),
        "noise_share": float((label == NOISE).mean()),
        "silhouette": silhouette,
        "per_cluster": {
            int(c): {
                "size": int((label == c).sum()),
                "mean_membership": float(membership[label == c].mean()),
                "persistence": lives.get(int(c)),
            }
            for c in found
        },
    }


def names(label: np.ndarray, texts: Sequence[str], *, most: int = 4) -> dict[int, str]:
    """Per cluster its most distinctive words, by weighted log odds with an informative prior (Monroe et al. 2008).

    A word names it that is in at least 3 of its texts, and twice as likely in one of them as in another text.
    """
    if not texts:
        return {int(c): f"cluster {c}" for c in sorted(set(label.tolist())) if c != NOISE}
    documents = [set(words(t)) for t in texts]
    everywhere = Counter(w for d in documents for w in d)
    total = sum(everywhere.values())
    weight = min(100.0, total / 10)  # of the prior, in words: it must not outweigh a small set
    made = {}
    for c in sorted(set(label.tolist()) - {NOISE}):
        here = Counter(w for d, of in zip(documents, label.tolist(), strict=True) if of == c for w in d)
        n, rest = sum(here.values()), total - sum(here.values())
        inside = int((label == c).sum())
        outside = len(documents) - inside
        scored = []
        for word, times in here.items():
            elsewhere = everywhere[word] - times
            if times < 3 or len(word) < 3 or times * outside < TIMES * elsewhere * inside:
                continue
            prior = weight * everywhere[word] / total
            odds = math.log((times + prior) / max(n + weight - times - prior, 1e-9)) - math.log(
                (elsewhere + prior) / max(rest + weight - elsewhere - prior, 1e-9)
            )
            scored.append((odds / math.sqrt(1 / (times + prior) + 1 / (elsewhere + prior)), word))
        # Below 1.96 a word is as common elsewhere.
        telling = [w for z, w in sorted(scored, reverse=True) if z > 1.96]
        made[int(c)] = ", ".join(telling[:most]) or f"cluster {c}"
    return made
