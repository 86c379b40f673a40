"""Curation in a search: each trial trains on what its own policy leaves, and on the same dev set as the others."""

import json

import pytest
from test_search import BASE, settings

from finetooth.errors import ConfigError, FinetoothError
from finetooth.io import write_jsonl
from finetooth.search import trials
from finetooth.search.curated import Curation, policy
from finetooth.search.space import SWEEPS
from finetooth.search.trials import Search

N = 20


@pytest.fixture
def base(tmp_path):
    """A training set, a dev set, and what a mapped run knows of the first: the last four were never right."""
    for name, n in (("train", N), ("dev", 6)):
        write_jsonl(
            tmp_path / f"{name}.jsonl",
            (
                {
                    "id": f"{name}{i}",
                    "premise": f"{name} {i} came home.",
                    "hypothesis": f"Somebody of {name} {i} is at home.",
                    "label": i % 2,
                }
                for i in range(n)
            ),
        )
    write_jsonl(
        tmp_path / "map.jsonl",
        (
            {"example_id": f"train{i}", "confidence": 0.9 if i < N - 4 else 0.05, "variability": i / 100}
            for i in range(N)
        ),
    )
    return {**BASE, "data": {"train": str(tmp_path / "train.jsonl"), "dev": str(tmp_path / "dev.jsonl")}}


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_policy_leaves_out_what_is_null():
    assert policy({"confidence.low": None, "weights.high": 3, "near-duplicate": False}) == (
        {"combine": "or", "filters": []},
        {},
        {},
        False,
    )
    filters, weighing, smooth, order = policy(
        {
            "confidence.low": 0.1,
            "near-duplicate": True,
            "weights.scale": 0,
            "smoothing.factor": 0.6,
            "curriculum": True,
        }
    )
    assert filters["filters"] == [{"name": "confidence", "low": 0.1}, {"name": "near-duplicate"}]
    assert (weighing, smooth, order) == ({"scale": None}, {"factor": 0.6}, True)
    assert policy({"confidence": False, "confidence.low": 0.1})[0]["filters"] == []
    assert policy({"confidence.low": 0.0, "ambiguous.top": 1.0, "label-error.top": 0})[0]["filters"] == []
    assert policy({"smoothing.factor": "3e-1"})[2] == {"factor": 0.3}
    with pytest.raises(ConfigError, match="numbers"):
        policy({"weights.scale": False})


def test_a_trial_gets_the_data_and_weights_of_its_values_once(tmp_path, base):
    curation = Curation(base, tmp_path / "map.jsonl", tmp_path / "out")
    assert curation.changes({"confidence.low": None}) == {}
    made = curation.changes({"confidence.low": 0.1, "weights.scale": 0.5})
    kept = rows(tmp_path / "out" / made["data.train"])
    assert [r["id"] for r in kept] == [f"train{i}" for i in range(N - 4)]
    weights = [r["weight"] for r in rows(tmp_path / "out" / made["train.weights"])]
    assert weights == sorted(weights)
    assert sum(weights) / len(weights) == pytest.approx(1)
    (folder,) = (tmp_path / "out" / "data").iterdir()
    assert [r["reason"] for r in rows(folder / "dropped.jsonl")] == [
        "confidence: confidence 0.050 is outside 0.1 to 1.0"
    ] * 4
    assert all("smoothing" not in r for r in rows(tmp_path / "out" / made["train.weights"]))
    before = (folder / "train.jsonl").stat().st_mtime_ns
    assert curation.changes({"weights.scale": 0.5, "confidence.low": 0.1}) == made
    assert (folder / "train.jsonl").stat().st_mtime_ns == before
    # Of another map, or another training set, it is other data.
    (tmp_path / "map.jsonl").write_text((tmp_path / "map.jsonl").read_text().replace("0.9", "0.08", 1))
    other = Curation(base, tmp_path / "map.jsonl", tmp_path / "out").changes({"confidence.low": 0.1})
    assert [r["id"] for r in rows(tmp_path / "out" / other["data.train"])] == [
        f"train{i}" for i in range(1, N - 4)
    ]


def test_trials_differ_in_data_and_a_policy_that_keeps_nothing_is_a_failure(tmp_path, base, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        trials, "run_trial", lambda values, folder, **more: seen.update({str(folder): values})
    )
    monkeypatch.setattr(Search, "_value", lambda self, folder: 1.0)
    space = {"curate.confidence.low": [None, 0.1, 0.95], "train.epochs": [1]}
    search = Search(
        settings(
            tmp_path / "out",
            config=base,
            space=space,
            curate=str(tmp_path / "map.jsonl"),
            sampler="grid",
            winner_seeds=0,
        )
    )
    result = search.run()
    sizes = [
        len(rows(tmp_path / values["data"]["train"]))
        for values in seen.values()
        if "winner" not in values["out"]
    ]
    assert sorted(sizes) == [N - 4, N]
    assert {values["data"]["dev"] for values in seen.values()} == {base["data"]["dev"]}
    (failed,) = [t for t in result.trials if t.failure]
    assert "curation" in failed.failure


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"space": {"curate.confidence.low": [0.1]}}, "needs curate"),
        ({"space": {"curate.confidence.lower": [0.1]}, "curate": "m"}, "no setting 'lower'"),
        ({"space": {"curate.confidnce.low": [0.1]}, "curate": "m"}, "confidence"),
    ],
)
def test_a_curation_that_makes_no_sense_is_refused(tmp_path, base, values, words):
    with pytest.raises((FinetoothError, ValueError), match=words):
        Search(settings(tmp_path / "out", config=base, **values))


def test_a_dev_set_drawn_from_what_is_curated_is_refused(tmp_path, base):
    base["data"]["dev"] = None
    with pytest.raises(ConfigError, match="dev set"):
        Curation(base, tmp_path / "map.jsonl", tmp_path / "out")


@pytest.mark.parametrize("name", ["filtering", "weighting", "combined"])
def test_the_sweeps_over_curation_name_what_there_is(name):
    policy({k.removeprefix("curate."): None for k in SWEEPS[name] if k.startswith("curate.")})
