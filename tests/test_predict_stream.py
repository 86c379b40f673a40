"""Rows on standard input, one after another, for every task and head: an answer to each as it comes."""

import json
import os
import subprocess
import sys
import threading

import pytest
from test_export import drawn, trained
from tiny_models import byte_level, word_pieces

from finetooth import io, registry
from finetooth.cli import main
from finetooth.config import Config, ModelConfig
from finetooth.evaluate.predict import arriving
from finetooth.models.load import build_head
from finetooth.train.finish import save_model

HEADS = [
    ("qa", "span"),
    ("ner", "token"),
    ("nli", "pair"),
    ("relation", "pair"),
    ("qa", "causal"),
    ("json", "causal"),
]
# What a row to be predicted need not have.
TARGETS = ("answers", "entities", "label", "triples", "expected_output")


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bases")
    return {"encoder": word_pieces(folder / "encoder"), "decoder": byte_level(folder / "decoder")}


def run_of(folder, task, head, bases):
    """A run folder with a model of that head, and rows without a target."""
    if task == "json":
        rows = [{"id": f"j{i}", "prompt": f"Give a as {i}.", "expected_output": {"a": i}} for i in range(3)]
        examples = [registry.task("json").from_row(row, "row") for row in rows]
    else:
        examples = drawn(task, 3)
    if head == "causal":
        options = ModelConfig(name="x", max_length_tokens=256, options={"max_new_tokens": 4})
        made = build_head(registry.task(task), options, (), head, bases["decoder"])
        save_model(made, made.build(bases["decoder"]), folder / "model")
    else:
        trained(folder / "model", bases["encoder"], task, head)
    config = Config.model_validate({"task": task, "data": {"train": "gone.jsonl"}, "out": str(folder)})
    info = {"format": 1, "status": "finished", "config": config.model_dump(mode="json")}
    io.write_json(folder / "run.json", info)
    rows = [registry.task(task).to_row(e) for e in examples]
    # The entities of a relation row are asked about; those of named entities are the answer.
    gone = [k for k in TARGETS if not (task == "relation" and k == "entities")]
    return [{k: v for k, v in row.items() if k not in gone} for row in rows]


@pytest.mark.parametrize(("task", "head"), HEADS)
def test_every_task_answers_rows_without_a_target(task, head, bases, tmp_path, capsys, monkeypatch):
    rows = run_of(tmp_path / "run", task, head, bases)
    with (tmp_path / "rows.jsonl").open("w+b") as f:
        f.writelines(json.dumps(row).encode() + b"\n" for row in rows)
        f.seek(0)
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": f}))
        assert main(["predict", str(tmp_path / "run"), "-"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [t["id"] for t in told] == [r["id"] for r in rows]
    assert all(set(t) == {"id", "prediction", "confidence"} for t in told)
    # The same rows as a file say the same.
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "rows.jsonl")]) == 0
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == [
        r["id"] for r in rows
    ]


def test_questions_that_are_cut_and_contexts_without_words_are_named(bases, tmp_path, capsys, monkeypatch):
    row = run_of(tmp_path / "run", "qa", "span", bases)[0]
    long = " ".join(["who"] * 2000)
    rows = [row, *({**row, "id": f"long{i}", "question": long + " was" * i} for i in range(2))]
    rows.append({**row, "id": "blank", "context": "  "})
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert main(["predict", str(tmp_path / "run"), str(tmp_path / "rows.jsonl")]) == 0
    told = capsys.readouterr().err
    assert "2 rows, long0, long1: the question is too long: its last " in told
    assert "1 row, blank: its context holds no words to answer from" in told
    with (tmp_path / "rows.jsonl").open("rb") as f:
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": f}))
        assert main(["predict", str(tmp_path / "run"), "-"]) == 0
    assert capsys.readouterr().err.count("rows, long0, long1: ") == 1


def test_scores_say_how_many_questions_were_cut(bases, tmp_path, capsys):
    run_of(tmp_path / "run", "qa", "span", bases)
    rows = [registry.task("qa").to_row(e) for e in drawn("qa", 3)]
    long = " ".join(["who"] * 2000)
    rows += [{**rows[0], "id": f"long{i}", "question": long + " was" * i} for i in range(2)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    arguments = ["evaluate", str(tmp_path / "run"), str(tmp_path / "rows.jsonl"), "--resamples", "10"]
    assert main([*arguments, "--json"]) == 0
    (note,) = [n for n in json.loads(capsys.readouterr().out)["notes"] if "is too long" in n]
    assert note.startswith("2 rows, long0, long1: the question is too long: its last ")
    kept = json.loads((tmp_path / "run" / "scores.json").read_text())["rows"]["notes"]
    assert note in kept
    assert main(arguments) == 0
    assert note in capsys.readouterr().err


def test_lines_are_given_as_they_come():
    out, into = os.pipe()
    with os.fdopen(out, "rb", buffering=0) as stream, os.fdopen(into, "wb", buffering=0) as sender:
        batches = arriving(stream, 3)
        sender.write(b"a\n")
        assert next(batches) == [b"a"]
        sender.write(b"b\nc\nd\ne\nhalf")
        assert next(batches) == [b"b", b"c", b"d"]
        assert next(batches) == [b"e"]
        sender.write(b" a line\nno end")
        assert next(batches) == [b"half a line"]
        sender.close()
        assert list(batches) == [[b"no end"]]


def test_rows_before_a_bad_one_are_answered_and_the_line_is_named(bases, tmp_path, capsys, monkeypatch):
    rows = run_of(tmp_path / "run", "nli", "pair", bases)
    with (tmp_path / "rows.jsonl").open("w+b") as f:
        f.write(json.dumps(rows[0]).encode() + b"\n\n{broken\n" + json.dumps(rows[1]).encode() + b"\n")
        f.seek(0)
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": f}))
        assert main(["predict", str(tmp_path / "run"), "-"]) == 2
    out, err = capsys.readouterr()
    assert [json.loads(line)["id"] for line in out.splitlines()] == [rows[0]["id"]]
    assert "standard input:3" in err


@pytest.mark.slow
def test_who_sends_a_row_and_waits_gets_its_answer(bases, tmp_path):
    rows = run_of(tmp_path / "run", "nli", "pair", bases)
    child = subprocess.Popen(
        [sys.executable, "-m", "finetooth", "predict", str(tmp_path / "run"), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    # A program that waits for more rows would wait here for ever.
    watchdog = threading.Timer(300, child.kill)
    watchdog.start()
    try:
        for row in rows[:2]:
            child.stdin.write(json.dumps(row).encode() + b"\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["id"] == row["id"]
        child.stdin.close()
        assert child.wait(timeout=60) == 0
    finally:
        watchdog.cancel()
        child.kill()
        child.wait()


# One row a line as others write it: (task, head, line, what is read of it).
FOREIGN = [
    ("nli", "pair", {"sentence1": "Ada left.", "sentence2": "Ada went.", "gold_label": "entailment"}),
    ("nli", "pair", {"sentence1": "Ada left.", "sentence2": "Ada went."}),
    ("nli", "pair", {"premise": "Ada left.", "hypothesis": "Ada went."}),
    ("qa", "span", {"context": "Ada left.", "question": "Who?", "answers": {"text": ["Ada"], "answer_start": [0]}}),
    ("qa", "span", {"data": [{"title": "t", "paragraphs": [{"context": "Ada left.", "qas": [{"id": "1", "question": "Who?", "answers": [], "is_impossible": True}]}]}]}),
    ("ner", "token", {"text": "Ada left.", "spans": [{"start": 0, "end": 3, "label": "PER"}]}),
    ("ner", "token", {"tokens": ["Ada", "left"], "ner_tags": ["B-PER", "O"]}),
]  # fmt: skip


def asked(run, text, capsys, monkeypatch, tmp_path):
    """(exit code, out, err) of predict for standard input, and for a file of the same bytes."""
    capsys.readouterr()
    told = []
    (tmp_path / "rows.jsonl").write_bytes(text)
    with (tmp_path / "rows.jsonl").open("rb") as f:
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": f}))
        for source in ("-", str(tmp_path / "rows.jsonl")):
            told.append((main(["predict", str(run), source]), *capsys.readouterr()))
    return told


@pytest.mark.parametrize(("task", "head", "row"), FOREIGN)
def test_rows_are_read_as_files_are(task, head, row, bases, tmp_path, capsys, monkeypatch):
    run_of(tmp_path / "run", task, head, bases)
    line = json.dumps(row).encode() + b"\r\n"
    (code, out, err), of_file = asked(tmp_path / "run", b"\xef\xbb\xbf" + line, capsys, monkeypatch, tmp_path)
    assert code == 0, err
    assert out == of_file[1]
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize(
    "bad",
    [b'{"premise": "a", "hypothesis": 7}', b'{"premise": NaN, "hypothesis": "b"}', b'["a", "b"]', b'{"premise": "a", ',
     b'{"premise": "a", "premise": "b", "hypothesis": "c"}', b'{"premise": "\xff", "hypothesis": "b"}', b"premise,hypothesis"],
)  # fmt: skip
def test_what_cannot_be_read_is_told_as_of_a_file(bad, bases, tmp_path, capsys, monkeypatch):
    run_of(tmp_path / "run", "nli", "pair", bases)
    good = b'{"premise": "a b", "hypothesis": "c d"}\n'
    stream, file = asked(tmp_path / "run", good + bad + b"\n", capsys, monkeypatch, tmp_path)
    assert stream[0] == file[0] == 2
    assert len(stream[1].splitlines()) == 1  # the good row is answered before
    assert stream[2].startswith("error: standard input:2")
    assert "finetooth-" not in stream[2]
    assert f"{tmp_path / 'rows.jsonl'}:2" in file[2]


def test_rows_that_a_reader_leaves_out_are_named(bases, tmp_path, capsys, monkeypatch):
    """The annotators of SNLI disagreed: "-"."""
    run_of(tmp_path / "run", "nli", "pair", bases)
    rows = [
        {"pairID": str(i), "sentence1": "a b", "sentence2": "c d", "gold_label": g}
        for i, g in enumerate("a-b")
    ]
    text = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    stream, file = asked(tmp_path / "run", text, capsys, monkeypatch, tmp_path)
    assert stream[:2] == file[:2]
    assert stream[0] == 0
    assert len(stream[1].splitlines()) == 2
    assert "standard input:2: not predicted: no gold label" in stream[2]
    assert "1 row is not predicted, 1 for one: no gold label" in file[2]
