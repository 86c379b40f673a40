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
COMMON = 0.4  # a word in more of the texts than that names nothing, in whatever language
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
    solver = "randomized" if size < min(vectors.shape) * 0.8 else "full"
    made = PCA(size, svd_solver=solver, random_state=seed).fit_transform(
        vectors.astype(np.float32, copy=False)
    )
    return np.ascontiguousarray(made, dtype=np.float32)


def cluster(
    vectors: np.ndarray,
    texts: Sequence[str] = (),
    *,
    min_cluster_size: int | None = None,
    picture: bool = True,
    seed: int = 0,
) -> Clusters:
    """Clusters of embeddings (n, d). ``min_cluster_size``: None takes 1 % of the examples, at least 5, at most 200.

    The same seed gives the same clusters. ``texts`` (n) are only used to name them.
    """
    from sklearn.cluster import HDBSCAN

    reduced = reduce(vectors, seed=seed)
    n = len(reduced)
    size = min_cluster_size or min(200, max(5, n // 100))
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
    label[fitted], membership[fitted] = model.labels_, np.nan_to_num(model.probabilities_)
    lives = _lives(model, size)
    if len(fitted) < n:
        _join(flat, fitted, label, membership)
    label, new = _by_size(label)
    place = _picture(reduced, seed) if picture else None
    quality = _quality(flat, label, membership, rng, {new[c]: life for c, life in lives.items()})
    quality |= {"min_cluster_size": size, "components": reduced.shape[1], "fitted": len(fitted)}
    return Clusters(label, membership, reduced, place, names(label, texts), quality)


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
    """UMAP to two dimensions (McInnes et al. 2018); the first two principal components where it is not installed."""
    try:
        import umap
    except ImportError:
        return reduced[:, :2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        neighbours = min(15, len(reduced) - 1)
        init = "random" if len(reduced) < 20 else "pca"
        return umap.UMAP(n_neighbors=neighbours, init=init, random_state=seed).fit_transform(reduced)


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
    """Per cluster its most distinctive words, by weighted log odds with an informative prior (Monroe et al. 2008)."""
    if not texts:
        return {int(c): f"cluster {c}" for c in sorted(set(label.tolist())) if c != NOISE}
    documents = [set(words(t)) for t in texts]
    everywhere = Counter(w for d in documents for w in d)
    total = sum(everywhere.values())
    made = {}
    for c in sorted(set(label.tolist()) - {NOISE}):
        here = Counter(w for d, of in zip(documents, label.tolist(), strict=True) if of == c for w in d)
        n, rest = sum(here.values()), total - sum(here.values())
        scored = []
        for word, times in here.items():
            if times < 3 or len(word) < 3 or everywhere[word] > COMMON * len(documents):
                continue
            prior = 100.0 * everywhere[word] / total
            elsewhere = everywhere[word] - times
            odds = math.log((times + prior) / (n + 100 - times - prior)) - math.log(
                (elsewhere + prior) / max(rest + 100 - elsewhere - prior, 1e-9)
            )
            scored.append((odds / math.sqrt(1 / (times + prior) + 1 / (elsewhere + prior)), word))
        # Below 1.96 a word is as common elsewhere.
        telling = [w for z, w in sorted(scored, reverse=True) if z > 1.96]
        made[int(c)] = ", ".join(telling[:most]) or f"cluster {c}"
    return made
