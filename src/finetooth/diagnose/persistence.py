"""How long each cluster lives while the density at which one looks rises: a cluster that soon dissolves is chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def persistence(
    left: Sequence[int],
    right: Sequence[int],
    distance: Sequence[float],
    label: Sequence[int],
    *,
    min_cluster_size: int,
) -> dict[int, float]:
    """Per cluster the mean over its members of 1 - (distance at which it leaves) / (distance of its birth), 0..1.

    ``left``, ``right``, ``distance`` are the n - 1 merges of a single-linkage tree over n points (leaves are
    0..n-1, the merge k makes node n + k), ``label`` (n,) the clusters that HDBSCAN selected, -1 noise. Birth is
    the merge that joins the cluster with something else. Going down from there a point leaves with a branch of
    fewer than ``min_cluster_size``, and all leave where the cluster splits into two that are not: the excess of
    mass of Campello et al. (2013), relative to the birth so that it has no unit.
    """
    n = len(label)
    sizes = [1] * n + [0] * (n - 1)
    labels = [int(c) for c in label] + [-1] * (n - 1)
    born = [0.0] * (2 * n - 1)  # the distance at which a node is merged into the next
    root: dict[int, int] = {c: i for i, c in enumerate(labels[:n]) if c >= 0}
    for k, (a, b, d) in enumerate(zip(left, right, distance, strict=True)):
        node = n + k
        a, b = int(a), int(b)
        sizes[node] = sizes[a] + sizes[b]
        labels[node] = labels[a] if labels[a] == labels[b] else -1
        born[a] = born[b] = float(d)
        c = labels[node]
        if c >= 0 and sizes[node] >= sizes[root[c]]:
            root[c] = node
    made = {}
    for c, top in sorted(root.items()):
        birth, node, lost = born[top], top, 0.0
        while node >= n and birth > 0:
            a, b = int(left[node - n]), int(right[node - n])
            gone = 1.0 - float(distance[node - n]) / birth
            small, big = sorted((a, b), key=lambda x: sizes[x])
            if sizes[big] < min_cluster_size or sizes[small] >= min_cluster_size:
                lost += gone * sizes[node]
                break
            lost += gone * sizes[small]
            node = big
        made[c] = float(np.clip(lost / sizes[top], 0.0, 1.0))
    return made
