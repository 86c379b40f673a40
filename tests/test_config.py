"""Configurations: what is allowed, what is refused, and in which words."""

import pytest

from finetooth import config
from finetooth.errors import ConfigError

BASE = {"task": "qa", "data": {"train": "train.json"}, "out": "runs/a"}


def build(*overrides):
    return config.build(BASE, overrides)


def test_overrides_go_into_sections_and_numbers_are_read_as_people_write_them():
    made = build("train.learning_rate=3e-4", "train.epochs=5", "model.dropout=0.1", "sanity=true")
    assert made.train.learning_rate == 3e-4
    assert (made.train.epochs, made.model.dropout, made.sanity) == (5, 0.1, True)


def test_a_name_that_looks_like_a_number_stays_a_name():
    made = build("out=007", "data.train=2024")
    assert (made.out, made.data.train) == ("007", "2024")


def test_an_option_of_the_model_takes_numbers_too():
    assert build("model.options.temperature=1e-3").model.options == {"temperature": 1e-3}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("train.epoch=3", "did you mean"),
        ("trian.epochs=3", "unknown key 'trian'"),
        ("train.epochs=0", "train.epochs"),
        ("train.learning_rate=nan", "found"),
        ("train.learning_rate=2", "less than 1, found 2"),
        ("model.stride_tokens=400", "stride_tokens 400 must be below max_length_tokens 384"),
        ("train.curriculum=true", "curriculum needs weights"),
        ("seed=-1", "found -1"),
        ("epochs", "expected key=value"),
        ("out=", "out"),
    ],
)
def test_nonsense_is_refused_in_one_line_with_the_value(override, words):
    with pytest.raises(ConfigError) as e:
        build(override)
    assert words in str(e.value)
    assert "\n" not in str(e.value)


def test_missing_keys_are_named():
    with pytest.raises(ConfigError, match="data is missing"):
        config.build({"task": "qa", "out": "a"})


def test_yaml_and_python_files(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "task: qa\ndata: {train: t.json}\ntrain: {learning_rate: 2e-4}\nout: r\n"
    )
    assert config.load(tmp_path / "a.yaml").train.learning_rate == 2e-4
    (tmp_path / "b.py").write_text(
        "config = {'task': 'qa', 'data': {'train': 't.json'}, 'out': 'r', 'seed': 3}\n"
    )
    assert config.load(tmp_path / "b.py", ["seed=4"]).seed == 4


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "\x00"])
def test_a_file_that_is_no_configuration_is_one_line(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ConfigError):
        config.load(tmp_path / "a.yaml")


def test_a_run_stands_for_its_configuration(tmp_path):
    from finetooth.runs import Run

    run = Run.create(config.build({**BASE, "out": str(tmp_path / "one"), "seed": 5}))
    run.update(resolved={**run.info["config"], "train": {**run.info["config"]["train"], "precision": "fp32"}})
    again = config.load(tmp_path / "one", [f"out={tmp_path / 'two'}"])
    assert (again.seed, again.train.precision, again.out) == (5, "fp32", str(tmp_path / "two"))


def test_differences_name_the_keys():
    assert config.differences(build("seed=1"), build("seed=2", "out=x"), but=["out"]) == ["seed: 1, 2"]
