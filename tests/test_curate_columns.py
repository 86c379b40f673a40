"""What a file holds besides its task's fields comes out of fix and curate again, or is named."""

import json

import pytest

from finetooth import readers
from finetooth.cli import main
from finetooth.curate.columns import columns
from finetooth.io import write_jsonl

PAIR = {"premise": "A dog runs.", "hypothesis": "It runs.", "label": "entailment"}
OTHER = {"premise": "A cat sleeps.", "hypothesis": "It runs.", "label": "neutral"}


def rows_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_columns_of_json_lines_stay_with_their_rows(here, capsys):
    write_jsonl(
        here / "in.jsonl",
        [{"id": "a", **PAIR, "source": "web", "annotator": 7}, {"id": "b", **OTHER, "source": "tv"}],
    )
    assert main(["fix", "in.jsonl", "--out", "out.jsonl", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["columns"] == {"carried": ["annotator", "source"], "not_carried": {}}
    first, second = rows_of(here / "out.jsonl")
    assert (first["source"], first["annotator"], first["label"]) == ("web", 7, "entailment")
    assert (second["source"], "annotator" in second) == ("tv", False)


def test_columns_of_csv_stay_and_names_of_its_own_fields_are_no_columns(here, capsys):
    text = "pairID,sentence1,sentence2,gold_label,genre\nx1,A dog runs.,It runs.,entailment,fiction\n"
    (here / "in.csv").write_text(text)
    assert main(["fix", "in.csv", "--out", "out.jsonl"]) == 0
    assert rows_of(here / "out.jsonl") == [{"id": "x1", **PAIR, "genre": "fiction"}]
    assert "carried along as they stand: genre" in capsys.readouterr().err


def test_what_stands_within_a_field_is_named(here, capsys):
    entity = {"start": 0, "end": 3, "type": "PER", "kb": "Q1"}
    write_jsonl(here / "in.jsonl", [{"id": "a", "text": "Ada left.", "entities": [entity], "lang": "en"}])
    assert main(["fix", "in.jsonl", "--out", "out.jsonl"]) == 0
    assert rows_of(here / "out.jsonl")[0]["lang"] == "en"
    assert "not carried, the task has no field for them: entities[].kb (1 row)" in capsys.readouterr().err


def test_what_squad_says_besides_of_a_question_stays(here):
    qas = [
        {"id": "a", "question": "Who left?", "answers": [{"text": "Ada", "answer_start": 0}], "by": "x"},
        {
            "id": "b", "question": "Who stayed?", "answers": [], "is_impossible": True,
            "plausible_answers": [{"text": "Ada", "answer_start": 0}],
        },
    ]  # fmt: skip
    paragraph = {"context": "Ada left.", "qas": qas}
    document = {"version": "v2.0", "data": [{"title": "T", "paragraphs": [paragraph]}]}
    (here / "in.json").write_text(json.dumps(document))
    main(["fix", "in.json", "--out", "out.jsonl"])
    first, second = rows_of(here / "out.jsonl")
    assert first["by"] == "x"
    assert second["plausible_answers"] == qas[1]["plausible_answers"]
    assert len(readers.load(here / "out.jsonl", task="qa")) == 2


def test_of_documents_that_are_no_rows_they_are_counted(here):
    document = {
        "title": "T",
        "sents": [["Ada", "left", "Rome", "."]],
        "vertexSet": [[{"name": "Ada", "sent_id": 0, "pos": [0, 1], "type": "PER", "index": "0_1"}]],
        "labels": [],
        "split": "a",
    }
    (here / "in.json").write_text(json.dumps([document]))
    found = columns("in.json", readers.load("in.json", task="relation"))
    assert found.left == {"vertexSet[][].index": 1}
    assert found.names == ["split"]


def test_a_column_that_would_make_another_task_of_the_row_is_named_instead(here):
    write_jsonl(here / "in.jsonl", [{"id": "a", **PAIR, "prompt": "x", "expected_output": {"a": 1}}])
    data = readers.load("in.jsonl", task="nli")
    found = columns("in.jsonl", data)
    assert found.names == []
    assert found.left == {"prompt": 1, "expected_output": 1}


def test_curate_carries_them_too(here):
    write_jsonl(
        here / "in.jsonl", [{"id": "a", **PAIR, "source": "web"}, {"id": "b", **PAIR, "source": "tv"}]
    )
    main(["check", "in.jsonl", "--out", "found.jsonl", "--fail-on", "never"])
    argv = ["--with", "found.jsonl", "--filter", "findings:severity=warning", "--out", "out.jsonl"]
    assert main(["curate", "in.jsonl", *argv]) == 0
    assert [row["source"] for row in rows_of(here / "out.jsonl")] == ["web"]
