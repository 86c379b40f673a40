"""The recipes of configs/scratch: each says what it changes, changes that, and all give one table."""

import json
import runpy
from pathlib import Path

import pytest

from finetooth import config, generate, registry
from finetooth.io import write_jsonl

FOLDER = Path(__file__).parents[1] / "configs" / "scratch"
SET = runpy.run_path(str(FOLDER / "__main__.py"))
NAMES = SET["recipes"]()
# Which recipe each one takes, and all that it may change of it (besides its run's folder).
CHANGES = {
    "02_shared_head": ("01_post_norm", {"model.scratch.span_head"}),
    "03_pre_norm": ("02_shared_head", {"model.scratch.norm"}),
    "04_adamw": ("03_pre_norm", {"train.optimizer", "train.weight_decay"}),
    "05_warmup": ("04_adamw", {"train.warmup_steps", "train.schedule"}),
    "06_dropout_low": ("05_warmup", {"model.dropout"}),
    "07_dropout_high": ("05_warmup", {"model.dropout"}),
    "08_depth_12": ("05_warmup", {"model.scratch.layers"}),
    "09_label_smoothing": ("05_warmup", {"train.label_smoothing"}),
    "10_rotary": ("05_warmup", {"model.scratch.positions"}),
    "11_matches": ("10_rotary", {"model.scratch.match_embeddings"}),
    "12_ten_thousand": ("11_matches", {"data.max_train_examples"}),
    "13_all": ("11_matches", {"data.max_train_examples"}),
    "14_pretrained": ("13_all", {"model.name", "train.epochs"}),
}


def load(name, *changes):
    return config.load(FOLDER / f"{name}.py", changes)


@pytest.mark.parametrize("name", CHANGES)
def test_a_recipe_changes_what_it_says_and_nothing_else(name):
    before, keys = CHANGES[name]
    told = config.differences(load(before), load(name), but=["out"])
    assert {line.split(":")[0] for line in told} == keys


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_says_what_it_is_and_takes_settings(name):
    assert len(SET["says"](name)) > 20
    made = load(name, "data.train=mine.json", "seed=7")
    assert (made.data.train, made.seed, made.out) == ("mine.json", 7, f"runs/scratch/{name}")


def test_what_is_pretrained_comes_before_what_begins_with_it():
    assert NAMES[-3:] == ["pretrain_1_mlm", "pretrain_2_spans", "14_pretrained"]
    for name, before in (("pretrain_2_spans", "pretrain_1_mlm"), ("14_pretrained", "pretrain_2_spans")):
        assert load(name).model.name == load(before).out


def test_the_set_gives_one_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = generate.make("qa", 30, seed=3).rows
    to_row, from_row = registry.task("qa").to_row, registry.task("qa").from_row
    write_jsonl("train.json", (to_row(from_row(row, "row")) for row in rows[:20]))
    write_jsonl("dev.json", (to_row(from_row(row, "row")) for row in rows[20:]))
    small = ["model.scratch.layers=1", "model.scratch.width=16", "model.scratch.vocabulary=400"]
    quick = ["train.max_steps=2", "train.warmup_steps=1", "train.threads=1", "data.train=train.json"]
    given = ["01_post_norm", "11_matches", *small, *quick, "--root", "elsewhere"]
    assert SET["main"]([*given, "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert [r["recipe"] for r in table] == ["01_post_norm", "11_matches"]
    assert all(r["steps"] == 2 and r["scores"]["f1"]["floor"] is not None for r in table)
    assert all(Path(r["run"], "run.json").is_file() for r in table)
    assert Path("elsewhere").is_dir()
    assert SET["main"](given) == 0  # finished runs are not run again
    assert "told whether they stand in the question" in capsys.readouterr().out


def test_a_recipe_that_does_not_exist_is_named(capsys):
    assert SET["main"](["03_prenorm"]) == 2
    assert "03_pre_norm" in capsys.readouterr().err
