"""Clusters are found where there are some, named by their words, and the same for the same seed."""

import numpy as np
import pytest

from finetooth.diagnose.clusters import NOISE, cluster, reduce
from finetooth.errors import UsageError


def blobs(n=300, d=64, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(3, d)) * 4
    truth = np.repeat([0, 1, 2], n // 3)
    texts = [
        ("invoice total paid", "patient doctor visit", "engine wheel brake")[t] + " the and of" for t in truth
    ]
    return (centres[truth] + rng.normal(size=(n, d))).astype(np.float32), truth, texts


def test_three_groups_are_found_and_named():
    vectors, truth, texts = blobs()
    made = cluster(vectors, texts, picture=False)
    assert made.quality["clusters"] == 3
    assert made.quality["silhouette"] > 0.3
    for c in range(3):
        inside = truth[made.label == c]
        assert len(set(inside.tolist())) == 1
    assert any("invoice" in name for name in made.names.values())
    assert all("the" not in name.split(", ") for name in made.names.values())


def test_the_same_seed_gives_the_same_picture():
    vectors, _, texts = blobs(90)
    first, second = cluster(vectors, texts, seed=3), cluster(vectors, texts, seed=3)
    assert np.array_equal(first.label, second.label)
    assert np.array_equal(first.place, second.place)


def test_far_points_are_noise():
    vectors, _, _ = blobs()
    rng = np.random.default_rng(9)
    far = rng.normal(size=(6, 64)).astype(np.float32) * 60
    made = cluster(np.r_[vectors, far], picture=False)
    assert (made.label[-6:] == NOISE).mean() >= 0.5


def test_vectors_that_are_not_finite_are_refused():
    vectors, _, _ = blobs(30)
    vectors[3, 4] = np.nan
    with pytest.raises(UsageError, match="not finite"):
        reduce(vectors)
