"""Time and memory of clustering embeddings: PCA, HDBSCAN, UMAP and names of 50,000 x 384.

    python bench/cluster_speed.py [--examples 50000] [--size 384] [--no-picture] [--seed 0]

The vectors are drawn: 60 groups of unequal size and spread in a low-dimensional subspace, a tenth of the
points anywhere. Prints seconds (of the clock and of the processor) and the peak of memory.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from finetooth.diagnose.clusters import cluster


def drawn(n: int, size: int, *, groups: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(vectors (n, size) float32, their group (-1: none), a text of each)."""
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.full(groups, 2.0))
    group = rng.choice(groups, n, p=share)
    basis = np.linalg.qr(rng.normal(size=(size, 40)))[0].T
    inner = rng.normal(size=(groups, 40)) * 3
    spread = rng.uniform(0.4, 1.0, groups)
    place = inner[group] + rng.normal(size=(n, 40)) * spread[group, None]
    loose = rng.random(n) < 0.1
    place[loose] = rng.normal(size=(int(loose.sum()), 40)) * 3
    vectors = place @ basis + 0.05 * rng.normal(size=(n, size))
    words = [f"word{w}" for w in range(2000)]
    texts = [" ".join([f"topic{g}a topic{g}b", *(words[w] for w in rng.integers(0, 2000, 8))]) for g in group]
    return vectors.astype(np.float32), np.where(loose, -1, group), texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--examples", type=int, default=50_000)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--no-picture", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    vectors, truth, texts = drawn(given.examples, given.size, seed=given.seed)
    start, processor = time.perf_counter(), time.process_time()
    made = cluster(vectors, texts, picture=not given.no_picture, seed=given.seed)
    seconds, busy = time.perf_counter() - start, time.process_time() - processor
    from sklearn.metrics import adjusted_rand_score

    inside = (made.label >= 0) & (truth >= 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{given.examples:,} x {given.size}: {seconds:.1f} s ({busy:.1f} s of processor), peak {peak:.2f} GB"
    )
    print(
        f"{made.quality['clusters']} clusters of 60 groups, noise {100 * made.quality['noise_share']:.1f} % "
        f"(10 % drawn), adjusted Rand index of members {adjusted_rand_score(truth[inside], made.label[inside]):.3f}, "
        f"silhouette {made.quality['silhouette'] or 0:.3f}"
    )


if __name__ == "__main__":
    main()
