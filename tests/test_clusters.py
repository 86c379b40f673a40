"""Clusters are found where there are some, named by their words, and the same for the same seed."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import tiny_models

from finetooth.cli import main
from finetooth.diagnose import clusters
from finetooth.diagnose.clusters import NOISE, cluster, reduce
from finetooth.diagnose.persistence import persistence
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


def test_true_groups_persist_and_random_ones_do_not():
    vectors, _, _ = blobs(600)
    real = cluster(vectors, picture=False).quality["per_cluster"].values()
    noise = np.random.default_rng(0).normal(size=(600, 64)).astype(np.float32)
    chance = cluster(noise, picture=False).quality["per_cluster"].values()
    assert min(c["persistence"] for c in real) > 0.8
    assert max((c["persistence"] for c in chance), default=0.0) < 0.1


def test_persistence_by_hand():
    # Points 0, 1, 2 join at distances 1 and 2, then the lone point 3 at 4; node 4 = {0, 1}, 5 = {0, 1, 2}.
    left, right, distance = [0, 4, 5], [1, 2, 3], [1.0, 2.0, 4.0]
    found = persistence(left, right, distance, [0, 0, 0, -1], min_cluster_size=2)
    # Born at 4: point 2 leaves at 2 (half of it gone), the other two at 1 (three quarters).
    assert found == {0: pytest.approx((0.5 + 0.75 + 0.75) / 3)}


def test_points_beyond_those_fitted_join_the_cluster_around_them(monkeypatch):
    monkeypatch.setattr(clusters, "MOST_FITTED", 200)
    vectors, truth, _ = blobs(600)
    made = cluster(vectors, picture=False, min_cluster_size=10)
    assert made.quality["fitted"] == 200
    assert made.quality["clusters"] == 3
    for c in range(3):
        assert len(set(truth[made.label == c].tolist())) == 1


def test_a_word_that_stands_everywhere_names_nothing():
    _, truth, _ = blobs()
    texts = [f"called {('invoice', 'doctor', 'engine')[t]} called" for t in truth]
    assert set(clusters.names(truth, texts).values()) == {"invoice", "doctor", "engine"}


def test_a_word_of_a_large_cluster_names_it_and_so_do_those_of_two_equal_ones():
    for share in (70, 50):
        texts = ["cats purr softly today"] * share + ["dogs bark loudly today"] * (100 - share)
        found = clusters.names(np.repeat([0, 1], [share, 100 - share]), texts)
        assert set(found[0].split(", ")) == {"cats", "purr", "softly"}
        assert set(found[1].split(", ")) == {"dogs", "bark", "loudly"}
    assert clusters.names(np.zeros(9, int), ["cats purr"] * 9) == {0: "cluster 0"}, "nothing sets it apart"


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_points_that_are_all_equal_are_one_cluster_that_can_be_drawn():
    made = cluster(np.ones((30, 8), np.float32), seed=1)
    assert made.label.tolist() == [0] * 30
    assert made.membership.tolist() == [1.0] * 30
    assert np.isfinite(made.place).all()
    rounded = np.ones((40, 8), np.float32) * (1 + 1e-7 * np.arange(40, dtype=np.float32)[:, None])
    assert cluster(rounded, picture=False).label.tolist() == [0] * 40
    alone = np.r_[np.ones((39, 8)), -np.ones((1, 8))].astype(np.float32)
    assert cluster(alone, picture=False).label.tolist() == [0] * 39 + [NOISE]


def test_equal_points_are_whole_members_and_make_none_of_the_others_strangers():
    rng = np.random.default_rng(0)
    groups = np.repeat(rng.normal(size=(5, 8)), 20, axis=0).astype(np.float32)
    made = cluster(groups, picture=False)
    assert made.quality["clusters"] == 5
    assert made.membership.tolist() == [1.0] * 100
    centres = np.repeat(np.eye(2, 8) * 9, 40, axis=0)
    spread = (centres + 0.3 * rng.normal(size=(80, 8))).astype(np.float32)
    before = cluster(spread, picture=False)
    twice = cluster(np.r_[spread, np.repeat(spread[:1], 8, axis=0)], picture=False)
    inside = twice.label == twice.label[0]
    assert twice.membership[[0, *range(80, 88)]].tolist() == [1.0] * 9
    assert before.membership[:40].mean() > 0.6
    assert twice.membership[inside].min() > 0.2


@pytest.mark.parametrize("n", [3, 4, 7])
def test_few_examples_need_no_size_to_be_given(n):
    made = cluster(np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32), picture=False)
    assert made.quality["min_cluster_size"] == max(2, n // 2)
    pairs = np.repeat(np.eye(2, 6), [2, n - 2], axis=0).astype(np.float32)
    assert len(cluster(pairs, picture=False).label) == n
    with pytest.raises(UsageError, match=f"expected 2 to {n}, found 9"):
        cluster(pairs, picture=False, min_cluster_size=9)


def test_the_picture_shows_clusters_in_their_colours(tmp_path):
    from matplotlib.colors import to_rgb
    from matplotlib.image import imread

    from finetooth.report import clustermap

    vectors, _, texts = blobs(300)
    made = cluster(vectors, texts, picture=False)
    made = replace(made, place=made.reduced[:, :2])  # a layout costs seconds
    pixels = imread(clustermap.draw(made, tmp_path / "c.png", title="$a_1$"))[..., :3].reshape(-1, 3)
    for colour in clustermap.COLOURS[:3]:
        mixed = 0.85 * np.array(to_rgb(colour)) + 0.15
        assert (np.abs(pixels - mixed).max(axis=1) < 0.02).sum() > 50


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    base, data = tiny_models.word_pieces(folder / "base"), folder / "nli.jsonl"
    assert main(["generate", "nli", "--n", "60", "--out", str(data)]) == 0
    arguments = f"--task nli --data {data} --model {base} --out {folder / 'run'}".split()
    settings = "train.epochs=2 train.warmup_steps=1 data.on_error=keep model.max_length_tokens=96"
    assert main(["train", *settings.split(), "model.stride_tokens=8", *arguments]) == 0
    return folder / "run"


def test_a_run_is_clustered_once_and_its_embeddings_used_again(run, capsys):
    capsys.readouterr()
    assert main(["cluster", str(run), "--json", "--no-picture", "--min-cluster-size", "4"]) == 0
    document = json.loads(capsys.readouterr().out)
    frame = pl.read_parquet(run / "clusters.parquet")
    assert frame.to_dicts() == document["examples"]
    assert document["summary"]["embedded"] == len(frame)
    assert json.loads((run / "clusters.json").read_text("utf-8")) == document["summary"]
    assert main(["cluster", str(run), "--json", "--no-picture", "--min-cluster-size", "4"]) == 0
    again = capsys.readouterr()
    assert "used again" in again.err
    assert json.loads(again.out)["examples"] == document["examples"]


def test_a_run_whose_data_have_moved_says_so(run, tmp_path, monkeypatch, capsys):
    data = run.parent / "nli.jsonl"
    moved = data.rename(tmp_path / "other.jsonl")
    try:
        assert main(["cluster", str(run)]) == 2
        assert "--data FILE" in capsys.readouterr().err
        assert main(["cluster", str(run), "--data", str(moved), "--no-picture", "--out", str(tmp_path)]) == 0
        assert "another fingerprint" not in capsys.readouterr().err  # its own file, under another name
        other = tmp_path / "less.jsonl"
        other.write_text("".join(moved.read_text().splitlines(keepends=True)[:-1]))
        assert main(["cluster", str(run), "--data", str(other), "--no-picture", "--out", str(tmp_path)]) == 0
        assert "another fingerprint" in capsys.readouterr().err
    finally:
        moved.rename(data)
