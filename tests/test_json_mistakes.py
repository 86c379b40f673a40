"""What is wrong with a wrong JSON answer, by name, and counted where `finetooth score` shows it."""

import json

import pytest

from finetooth.cli import main
from finetooth.metrics.json_mistakes import KINDS, mistakes
from finetooth.tasks.json import TASK

GOLD = {"a": {"b": 1, "x": "br{ck"}, "c": [2, True], "d": "é"}


def example(gold=GOLD, name="e", **more):
    return TASK.from_row({"id": name, "prompt": "p", "schema_id": "s", "expected_output": gold, **more}, "t")


def kind(output, gold=GOLD):
    e = example(gold)
    from finetooth.types import Prediction

    found = Prediction("e", TASK.parse(output, e), 1.0, output)
    return mistakes([e], [found])[0]


@pytest.mark.parametrize(
    ("output", "name"),
    [
        (json.dumps(GOLD), ""),
        ('Sure: {"d": "\\u00e9", "c": [2.0, true], "a": {"x": "br{ck", "b": 1}}', ""),
        ('{"a": {"b": 1, "x": "br{ck"}, "c": [2, true, "d": "é"}', "brackets"),
        ('{"a": {"b": 1, "x": "br{ck", "c": [2, true]}, "d": "é"}', "brackets"),
        ('{"a": {"b": 1, "x": "br{ck"}, "c": [2, true], "d": "é"', "brackets"),
        ('{"a": {"b": 1, "x": "br{ck"}, "c": [2, tr', "cut-off"),
        ('{"a": {"b": 1, "x": "br', "cut-off"),
        ('{"a": {"b": 1}, "c": [2, true}', "brackets-and-fields"),
        ({**GOLD, "d": "e"}, "value"),
        ({**GOLD, "d": "e", "c": [2, False]}, "values"),
        ({**GOLD, "c": [2]}, "fields-missing"),
        ({**GOLD, "z": 0}, "fields-added"),
        ({"a": 3, "c": [2, True], "d": "é"}, "fields"),
        ("I cannot help with that.", "no-object"),
        ('{"a": 1, "a": 2}', "duplicate-key"),
        ("", "empty"),
        (None, "not-json"),
    ],
)
def test_a_wrong_answer_has_a_name(output, name):
    assert kind(output) == name
    assert not name or name in KINDS


def test_a_prediction_that_is_not_there_is_named():
    assert mistakes([example()], [None]) == ["missing"]


def test_an_empty_object_lacks_its_fields():
    assert kind({}) == "fields-missing"


def test_mistakes_are_counted_with_where_they_happen(tmp_path, capsys):
    long = {f"k{i}": {"v": i} for i in range(9)}
    rows = [
        {"id": "a", "prompt": "p", "schema_id": "big", "complexity": "complex", "expected_output": long},
        {"id": "b", "prompt": "p", "schema_id": "big", "complexity": "complex", "expected_output": long},
        {"id": "c", "prompt": "p", "schema_id": "small", "complexity": "simple", "expected_output": {"v": 1}},
        {"id": "d", "prompt": "p", "schema_id": "small", "complexity": "simple", "expected_output": {"v": 2}},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    broken = json.dumps(long)[:-1]
    said = {"a": broken, "b": broken, "c": '{"v": 1}', "d": '{"v": 3}'}
    (tmp_path / "said.json").write_text(json.dumps(said))
    argv = ["score", str(tmp_path / "said.json"), str(tmp_path / "rows.jsonl"), "--task", "json"]
    assert main([*argv, "--resamples", "20", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["mistakes"]
    assert (first["mistake"], first["n"], first["of"], first["ids"]) == ("brackets", 2, 3, ["a", "b"])
    assert first["slices"] == {"schema": {"big": 2}, "complexity": {"complex": 2}}
    assert first["size"] == len(json.dumps(long))
    assert first["size_right"] == len('{"v": 1}')
    assert (second["mistake"], second["ids"]) == ("value", ["d"])
    assert main([*argv, "--resamples", "20"]) == 0
    line = next(x for x in capsys.readouterr().out.splitlines() if "brackets nest" in x)
    assert "big 2; complex 2" in line


def test_nothing_wrong_nothing_said(tmp_path, capsys):
    row = {"id": "a", "prompt": "p", "schema_id": "s", "expected_output": {"v": 1}}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "said.json").write_text('{"a": "{\\"v\\": 1}"}')
    argv = ["score", str(tmp_path / "said.json"), str(tmp_path / "rows.jsonl"), "--task", "json"]
    assert main([*argv, "--resamples", "20"]) == 0
    assert "wrong" not in capsys.readouterr().out
