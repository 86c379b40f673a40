"""Curation is held against the untouched baseline and against fewer examples by lot, and must win both."""

import json

import numpy as np
import pytest
import tiny_models

from finetooth import config as configuration
from finetooth.cli import main
from finetooth.errors import ConfigError, UsageError
from finetooth.runs import Run
from finetooth.search.paired import paired
from finetooth.search.two_stage import FEWER, Outcome, two_stage

POLICY = {"filters": [{"name": "ambiguous", "top": 0.5}]}


def difference(sign, groups=60):
    """One hundred examples right or wrong; b is better, worse or like a."""
    rng = np.random.default_rng(0)
    a = (rng.random(groups) < 0.5).astype(float)
    b = {1: np.ones(groups), -1: np.zeros(groups), 0: a}[sign]
    counts = [np.stack([v, np.ones(groups)], axis=1) for v in (a, b)]
    return paired([counts[0]], [counts[1]], lambda s: 100 * s[..., 0] / s[..., 1], resamples=300)


def outcome(baseline, random, filtered=None, fewer=0):
    against = {"baseline": difference(baseline), "random": difference(random), FEWER: difference(fewer)}
    inside = None if filtered is None else difference(filtered)
    scores = {"baseline": [1.0], "curated": [1.0], "random": [1.0]}
    return Outcome("accuracy", True, scores, against, inside, 5, 5, 0, None, 1, ())


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (outcome(1, 1), "The policy pays"),
        (outcome(1, 0, fewer=1), "fewer examples do it"),
        (outcome(1, 0), "not told apart from a random subset"),
        (outcome(1, 0, fewer=-1), "not told apart from a random subset"),
        (outcome(-1, 0), "costs"),
        (outcome(0, 0), "No difference"),
        (outcome(0, -1), "random subset of the same size beats curated"),
        (outcome(0, 0, 1), "only where dev is filtered"),
    ],
)
def test_the_verdict_needs_both_wins_and_knows_a_filtered_dev_set(told, sentence):
    assert sentence in told.verdict


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    base, data = tiny_models.word_pieces(folder / "base"), folder / "nli.jsonl"
    assert main(["generate", "nli", "--n", "40", "--out", str(data)]) == 0
    return configuration.build(
        {
            "task": "nli",
            "data": {"train": str(data), "on_error": "keep", "dev_share": 0.3},
            "model": {"name": str(base), "max_length_tokens": 64, "stride_tokens": 8},
            "train": {"epochs": 2, "warmup_steps": 1, "batch_tokens": 512},
            "out": str(folder / "out"),
        }
    )


def test_arms_share_dev_and_steps_and_a_second_call_trains_nothing_again(settings):
    told = two_stage(settings, POLICY, seeds=1)
    runs = [Run.open(folder) for folder in told.runs]
    assert [r.folder.name for r in runs] == ["baseline-0", "curated-0", "random-0"]
    assert len({r.info["data"]["dev"]["fingerprint"] for r in runs}) == 1
    sizes = [r.info["data"]["train"]["examples"] for r in runs]
    assert sizes[1] == sizes[2] == told.kept == sizes[0] - told.dropped
    assert {r.info["measured"]["steps"] for r in runs} == {told.steps}
    dropped = (runs[0].folder.parent / "dropped.jsonl").read_text().splitlines()
    assert len(dropped) == told.dropped
    before = [(r.folder / "run.json").read_bytes() for r in runs]
    again = two_stage(settings, POLICY, seeds=1)
    assert again.scores == told.scores
    assert [(r.folder / "run.json").read_bytes() for r in runs] == before
    assert json.loads((runs[0].folder.parent / "curation.json").read_text())["verdict"] == told.verdict


def test_the_command_goes_on_with_what_is_there_and_ends_with_the_verdict(settings, tmp_path, capsys):
    told = two_stage(settings, POLICY, seeds=1)
    policy, file = tmp_path / "policy.yaml", tmp_path / "run.yaml"
    policy.write_text(json.dumps(POLICY))
    file.write_text(json.dumps(settings.model_dump(mode="json")))
    capsys.readouterr()
    assert main(["train", str(file), "--curate", str(policy), "--seeds", "1"]) == 0
    printed = capsys.readouterr().out
    assert printed.rstrip().endswith(told.verdict)
    assert "curated less random" in printed
    assert "random less baseline" in printed
    assert main(["train", str(file), "--curate", str(tmp_path / "none.yaml")]) == 2


def test_a_policy_that_changes_nothing_ends_after_the_baseline(settings):
    two_stage(settings, POLICY, seeds=1)
    with pytest.raises(UsageError, match="drops nothing and changes nothing"):
        two_stage(settings, {"filters": [{"name": "confidence", "low": 1e-9}]}, seeds=1)


def test_a_policy_of_label_errors_is_diagnosed_on_the_way_and_may_mend_instead_of_drop(settings, tmp_path):
    settings = configuration.build(settings.model_dump(mode="json") | {"out": str(tmp_path / "out")})
    policy = {"filters": [{"name": "label-error", "top": 0.4}], "out_of_sample": 2, "fix": True}
    told = two_stage(settings, policy, seeds=1)
    base = tmp_path / "out" / "baseline-0"
    assert (base / "diagnosis.parquet").is_file()
    assert (base / "out_of_sample.parquet").is_file()
    fixed = [json.loads(line) for line in (tmp_path / "out" / "fixed.jsonl").read_text().splitlines()]
    assert len(fixed) == told.fixed > 0
    train = Run.open(base).info["data"]["train"]["examples"]
    assert told.kept == train - told.dropped
    assert told.dropped + told.fixed == round(0.4 * train)
    assert all(row["before"] != row["after"] and row["source"] for row in fixed)
    stamp = (base / "diagnosis.parquet").stat().st_mtime_ns
    assert two_stage(settings, policy, seeds=1).scores == told.scores
    assert (base / "diagnosis.parquet").stat().st_mtime_ns == stamp


def test_a_policy_that_cannot_work_is_refused_before_the_first_run(settings, tmp_path):
    settings = configuration.build(settings.model_dump(mode="json") | {"out": str(tmp_path / "no")})
    with pytest.raises(UsageError, match="no filter 'nonsense'"):
        two_stage(settings, {"filters": [{"name": "nonsense"}]})
    with pytest.raises(ConfigError, match="label-error: top: expected a number"):
        two_stage(settings, {"filters": [{"name": "label-error", "top": "many"}]})
    for one in (
        {"name": "label-error"},
        {"name": "label-error", "top": 5},
        {"name": "category", "drop": None},
    ):
        with pytest.raises((ConfigError, UsageError), match=one["name"]):
            two_stage(settings, {"filters": [one]})
    with pytest.raises(ConfigError, match="unknown key '1'"):
        two_stage(settings, POLICY | {1: 2})
    with pytest.raises(ConfigError, match="fix: expected true or false"):
        two_stage(settings, POLICY | {"fix": "perhaps"})
    with pytest.raises(ConfigError, match="names no filter"):
        two_stage(settings, {})
    with pytest.raises(ConfigError, match="out_of_sample: expected a number of folds"):
        two_stage(settings, POLICY | {"out_of_sample": 1})
    with pytest.raises(ConfigError, match="did you mean fix"):
        two_stage(settings, POLICY | {"fixx": True})
    with pytest.raises(UsageError, match="seeds"):
        two_stage(settings, POLICY, seeds=0)
    assert not (tmp_path / "no" / "baseline-0").exists()
