"""Curation is held against the untouched baseline and against fewer examples by lot, and must win both."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_models

from finetooth import config as configuration
from finetooth.cli import main
from finetooth.curate.filters import Curated
from finetooth.diagnose import dynamics_files
from finetooth.errors import ConfigError, UsageError
from finetooth.runs import Run
from finetooth.search import diagnosed
from finetooth.search.paired import paired
from finetooth.search.two_stage import FEWER, Outcome, two_stage
from finetooth.search.two_stage_arms import Plan
from finetooth.tasks.nli import NliInput, NliTarget
from finetooth.train import Watch
from finetooth.types import Dataset, Example, Finding

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


def files(folder):
    """What stands in a folder beside the runs, and how their run.json read."""
    return {p.name: p.read_bytes() for p in sorted(folder.glob("*.json*"))} | {
        p.parent.name: p.read_bytes() for p in sorted(folder.glob("*-[0-9]/run.json"))
    }


def test_another_policy_is_held_against_the_same_baseline_in_arms_of_its_own(settings):
    first = two_stage(settings, POLICY, seeds=1)
    out = Path(settings.out)
    before = files(out)
    policy = {"weights": {"scale": 1.0}, "smoothing": True, "curriculum": True}
    told = two_stage(settings, policy, seeds=1)
    assert files(out) == before, "nothing of the first policy is touched"
    assert told.scores["baseline"] == first.scores["baseline"] == told.scores["random"]
    assert (told.dropped, told.parts) == (0, ("weights", "smoothing", "curriculum"))
    folder = Path(told.folder)
    assert folder.parent == out
    assert [Path(r).parent for r in told.runs] == [out, folder]
    arm, base = Run.open(folder / "curated-0"), Run.open(out / "baseline-0")
    assert arm.config.train.curriculum
    rows = [json.loads(line) for line in Path(arm.config.train.weights).read_text().splitlines()]
    assert {r["example_id"] for r in rows} == set(dynamics_files.of_parquet(base.dynamics_path("train")).ids)
    assert base.config.train.weights is None
    assert two_stage(settings, policy, seeds=1).folder == told.folder
    assert two_stage(settings, POLICY, seeds=1).scores == first.scores
    assert json.loads((folder / "policy.json").read_text())["policy"] == policy


def test_a_policy_whose_data_changed_never_writes_over_the_arms_of_the_old_one(settings, monkeypatch):
    two_stage(settings, POLICY, seeds=1)
    out, seen = Path(settings.out), []
    before = files(out)
    monkeypatch.setattr(
        "finetooth.search.two_stage.train",
        lambda config, **more: seen.append(config.out) or Run.open(config.out),
    )
    with pytest.raises(UsageError, match="no run here"):  # the arm is not made: this stops before it
        two_stage(settings, {"filters": [{"name": "ambiguous", "top": 0.4}]}, seeds=1)
    assert files(out) == before
    assert Path(seen[-1]).name == "curated-0"
    assert Path(seen[-1]).parent.name.startswith("policy-")


def test_a_policy_of_label_errors_is_diagnosed_on_the_way_and_may_mend_instead_of_drop(
    settings, tmp_path, monkeypatch
):
    two_stage(settings, POLICY, seeds=1)
    shutil.copytree(Path(settings.out) / "baseline-0", tmp_path / "out" / "baseline-0")
    settings = configuration.build(settings.model_dump(mode="json") | {"out": str(tmp_path / "out")})
    write = diagnosed.write

    def with_proposals(made, folder):
        # So small a model proposes nothing: two of those ranked first get the other label.
        for i in sorted(range(len(made.columns["rank"])), key=lambda i: -made.columns["rank"][i])[:2]:
            other = next(t for t in made.columns["target"] if t != made.columns["target"][i])
            made.columns["fix"][i], made.columns["fix_source"][i] = json.dumps(other), "the model"
        return write(made, folder)

    monkeypatch.setattr(diagnosed, "write", with_proposals)
    policy = {"filters": [{"name": "label-error", "top": 0.4}], "out_of_sample": 2, "fix": True}
    told = two_stage(settings, policy, seeds=1)
    base = tmp_path / "out" / "baseline-0"
    assert (base / "diagnosis.parquet").is_file()
    assert (base / "out_of_sample.parquet").is_file()
    fixed = [json.loads(line) for line in (tmp_path / "out" / "fixed.jsonl").read_text().splitlines()]
    assert len(fixed) == told.fixed >= 2
    assert told.parts == ("filters", "fixed targets")
    train = Run.open(base).info["data"]["train"]["examples"]
    assert told.kept == train - told.dropped
    assert told.dropped + told.fixed == round(0.4 * train)
    assert all(row["before"] != row["after"] and row["source"] for row in fixed)
    stamp = (base / "diagnosis.parquet").stat().st_mtime_ns
    assert two_stage(settings, policy, seeds=1).scores == told.scores
    assert (base / "diagnosis.parquet").stat().st_mtime_ns == stamp


def labelled(labels):
    examples = [Example(f"e{i}", NliInput(f"p{i}", "h"), NliTarget(x)) for i, x in enumerate(labels)]
    return Dataset("nli", examples, "made", "pairs", "x")


def test_a_policy_that_leaves_one_label_is_refused_by_its_own_name():
    data = labelled(["yes", "no"] * 4)
    curated = Curated(labelled(["yes"] * 4), (), {})
    with pytest.raises(ConfigError, match="the policy leaves 4 examples of one label, 'yes'"):
        Plan(POLICY, data, curated, None).refuse_hopeless({})
    kept = Curated(labelled(["yes", "no"]), (), {})
    with pytest.raises(ConfigError, match="the random subset of seed 1 leaves 2 examples of one label"):
        Plan(POLICY, data, kept, None).refuse_hopeless({1: labelled(["no", "no"])})


def test_a_policy_over_findings_is_looked_at_before_the_baseline_is_trained(settings, tmp_path, monkeypatch):
    settings = configuration.build(settings.model_dump(mode="json") | {"out": str(tmp_path / "ahead")})
    found = Finding("", "label-spelling", "error", "m")
    asked = []

    class Said(Watch):
        def say(self, text):
            asked.append(text)

    def all_of_one_label(data, **options):
        gone = [e.id for e in data.examples if e.target.label != data.examples[0].target.label]
        return SimpleNamespace(findings=[replace(found, example_id=i) for i in gone])

    monkeypatch.setattr("finetooth.search.two_stage.checks.run", all_of_one_label)
    monkeypatch.setattr(
        "finetooth.search.two_stage.splitting.pass_gate", lambda splits, config: (splits, None, ())
    )
    with pytest.raises(ConfigError, match="the policy leaves"):
        two_stage(settings, {"filters": [{"name": "findings"}]}, seeds=1, watch=Said())
    assert any("nothing is left of label" in line for line in asked)
    assert not (tmp_path / "ahead" / "baseline-0").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"parts": ("filters", "weights")}, r"pays as a whole \(filters, weights\)"),
        ({"dropped": 0, "parts": ("weights",)}, "pays: curated beats the baseline of as many examples"),
    ],
    ids=str,
)
def test_the_verdict_is_of_the_policy_as_a_whole(change, said):
    assert re.search(said, replace(outcome(1, 1), **change).verdict)


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
