"""What the package offers by one name, and what the pages must not hold."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import finetooth
from finetooth.errors import FinetoothError
from finetooth.io import write_jsonl
from finetooth.types import Prediction

ROOT = Path(__file__).parents[1]


def test_data_are_loaded_checked_and_mended_in_three_lines(tmp_path):
    row = {
        "id": "a",
        "context": "Ada left.",
        "question": "Who left?",
        "answers": {"text": ["Ada"], "answer_start": [4]},
    }
    write_jsonl(tmp_path / "rows.jsonl", [row])
    data = finetooth.load(tmp_path / "rows.jsonl")
    assert [f.check for f in finetooth.check(data).findings if f.severity == "error"] == [
        "answer-not-at-offset"
    ]
    assert finetooth.mend(data).examples[0].target.answers[0].start == 0
    assert {"load", "check", "mend", "score"} <= set(dir(finetooth))


ROW = {
    "id": "a",
    "context": "Ada left.",
    "question": "Who left?",
    "answers": {"text": ["Ada"], "answer_start": [4]},
}


def test_a_path_and_a_task_s_name_do_where_data_and_a_task_are_wanted(tmp_path):
    rows, other = tmp_path / "rows.jsonl", str(tmp_path / "other.jsonl")
    write_jsonl(rows, [ROW, {**ROW, "id": "b"}])
    write_jsonl(other, [ROW])
    report = finetooth.check(rows, against=other, only="answer-not-at-offset")
    assert [f.example_id for f in report.findings] == ["a", "b"]
    assert finetooth.mend(other).examples[0].target.answers[0].start == 0
    data = finetooth.load(rows)
    said = tmp_path / "said.json"
    said.write_text('{"a": "Ada"}', "utf-8")
    for given in (["Ada", None], {"a": "Ada"}, said, [Prediction("a", "Ada"), None]):
        for wanted in (data, data.examples, rows):
            scores = finetooth.score("qa", wanted, given, floors=False, resamples=10)
            assert (scores.score("f1").value, scores.missing) == (50.0, ("b",))


def test_a_mapping_is_read_for_each_row_under_its_id_and_predictions_may_come_one_by_one(tmp_path):
    texts = {"Ada left Rome.": 0, "In Rome sat Ada.": 12}
    rows = [
        {"id": "x", "text": text, "entities": [{"start": at, "end": at + 3, "type": "PER"}]}
        for text, at in texts.items()
    ]
    write_jsonl(tmp_path / "ner.jsonl", rows)
    write_jsonl(tmp_path / "qa.jsonl", [ROW])
    ada = [{"text": "Ada", "type": "PER"}]
    report = finetooth.score("ner", tmp_path / "ner.jsonl", {"x": ada}, floors=False, resamples=10)
    assert report.scores[0].value == 100.0
    one = finetooth.score("qa", tmp_path / "qa.jsonl", (a for a in ["Ada"]), floors=False, resamples=10)
    assert one.score("f1").value == 100.0


def test_what_cannot_be_meant_is_one_line(tmp_path):
    write_jsonl(tmp_path / "rows.jsonl", [ROW])
    data = finetooth.load(tmp_path / "rows.jsonl")
    for call, line in (
        (lambda: finetooth.check(7), "expected a path or rows, found int"),
        (lambda: finetooth.check(data, only="empty-answr"), "there is no check 'empty-answr'"),
        (lambda: finetooth.mend(data, severity="bad"), "there is no severity 'bad'"),
        (lambda: finetooth.score("qa", data, []), "expected a prediction for each of 1 example, found 0"),
        (lambda: finetooth.score("qa", data, [5]), "a: expected the answer's text, found an integer"),
        (lambda: finetooth.score("nli", data, ["x"]), "expected data of nli, found qa"),
    ):
        with pytest.raises(FinetoothError, match=re.escape(line)):
            call()


def test_the_calls_that_the_readme_and_the_package_name_are_there():
    said = (ROOT / "README.md").read_text("utf-8") + (finetooth.__doc__ or "")
    for module, name in re.findall(r"from (finetooth[\w.]*) import (\w+)", said):
        assert callable(getattr(importlib.import_module(module), name))
    for path in re.findall(r"finetooth((?:\.\w+)+)\(", said):
        value = finetooth
        for name in path.split(".")[1:]:
            value = getattr(value, name)
        assert callable(value), path
    assert callable(finetooth.train.train)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = finetooth.nothing
    assert not any(hasattr(finetooth, name) for name in ("a.b", "train.train", "x y", ""))


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, finetooth; print([m for m in ('torch', 'numpy', 'pydantic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_no_page_is_unfinished():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        assert not re.search(r"[A-Z]+_HERE|TODO|FIXME|XXX", page.read_text("utf-8")), page.name


def test_rows_in_memory_are_read_as_a_file_of_them_is(tmp_path):
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from datasets import ClassLabel, DatasetDict, Features, Value
    from datasets import Dataset as Table

    rows = [{"premise": "Ada sat.", "hypothesis": "She sat.", "label": name} for name in ("yes", "no", "yes")]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    of_file = finetooth.load(tmp_path / "rows.jsonl")
    numbers = [{**r, "label": int(r["label"] == "yes")} for r in rows]
    kinds = Features(
        premise=Value("string"), hypothesis=Value("string"), label=ClassLabel(names=["no", "yes"])
    )
    named = Table.from_list(numbers, features=kinds)
    for given in (
        rows,
        iter(rows),
        Table.from_list(rows),
        named,
        pl.DataFrame(rows),
        pa.Table.from_pylist(rows),
        pd.DataFrame(rows),
    ):
        data = finetooth.load(given, task="nli")
        assert (data.fingerprint, data.source) == (of_file.fingerprint, "memory"), type(given)
    assert finetooth.check(rows, task="nli").examples == 3
    assert finetooth.mend(rows).examples[0].target.label == "yes"
    for given, said in (
        (DatasetDict(train=named), "give one: data\\['train'\\]"),
        ([], "no rows"),
        ([1], "memory\\[0\\]: expected a row as a dict"),
        (rows[0], "found one dict"),
        (7, "expected a path or rows, found int"),
        ([{"premise": "a"}], "memory"),
    ):
        with pytest.raises(FinetoothError, match=said):
            finetooth.load(given)
