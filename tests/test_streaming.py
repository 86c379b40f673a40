"""Data larger than memory: checked in parts, row by row the same is found."""

import json

import pytest

from finetooth import io
from finetooth.cli import main
from finetooth.generate import make
from finetooth.generate.defects import spread

# They weigh a row by what is usual in the whole set, or hold different texts against each other: a part is all they see.
ACROSS = {
    "ambiguous-offset", "answer-far-from-question", "answer-of-another-question", "boundary-against-corpus",
    "missed-mention", "reason-said-of-others", "similar-context", "truncated-context", "two-types", "type-against-majority",
    "unusual-argument-types",
}  # fmt: skip


def findings(capsys, *words):
    capsys.readouterr()
    code = main(["check", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out)


def of_rows(report):
    return sorted(io.to_json(f) for f in report["findings"] if f["example_id"] and f["check"] not in ACROSS)


@pytest.fixture(scope="module", params=["qa", "nli", "relation"])
def rows(request, tmp_path_factory):
    """Rows with planted defects, some of them twice under one id, far apart."""
    made = list(make(request.param, 400, seed=3, defects=spread(request.param, 0.3)).rows)
    path = tmp_path_factory.mktemp(request.param) / "rows.jsonl"
    io.write_jsonl(path, [*made, *made[:5], {**made[7], "id": made[300]["id"]}])
    return path


def test_what_is_found_in_rows_is_what_is_found_in_memory(rows, capsys):
    code, whole = findings(capsys, rows)
    again, parts = findings(capsys, rows, "--stream", "--rows", 100)
    assert code == again == 1
    assert parts["examples"] == whole["examples"] == 406
    assert parts["parts"] > 1
    assert of_rows(parts) == of_rows(whole)
    assert len(of_rows(whole)) > 10
    assert "within a part" in parts["notes"][0]


def test_one_part_is_the_whole_check(rows, capsys):
    _, whole = findings(capsys, rows)
    _, one = findings(capsys, rows, "--stream")
    assert (one["counts"], one["parts"], one["notes"]) == (whole["counts"], 1, [])


def test_parquet_is_read_in_parts_too_and_processes_find_the_same(tmp_path, capsys):
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = make("qa", 300, seed=4, defects={"shifted-offset": 0.2}).rows
    pq.write_table(pa.Table.from_pylist(list(made)), tmp_path / "rows.parquet", row_group_size=50)
    _, alone = findings(capsys, tmp_path / "rows.parquet", "--stream", "--rows", 100)
    _, spread = findings(capsys, tmp_path / "rows.parquet", "--stream", "--rows", 100, "--workers", 2)
    assert alone == spread
    assert alone["counts"]["error"] >= 40


def test_the_findings_of_a_stream_can_be_curated_with(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    io.write_jsonl("rows.jsonl", make("qa", 200, seed=5, defects={"shifted-offset": 0.2}).rows)
    assert main(["check", "rows.jsonl", "--stream", "--rows", "100", "--out", "found.json"]) == 1
    assert main("curate rows.jsonl --with found.json --filter findings --out clean.jsonl".split()) == 0
    assert main(["check", "clean.jsonl"]) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), ('{"question": "Who?"}\n{"question": 3}\n', "unknown format"), ("[1, 2]", "object")],
)
def test_broken_data_is_one_clear_line(tmp_path, capsys, text, words):
    (tmp_path / "x.jsonl").write_text(text)
    assert main(["check", str(tmp_path / "x.jsonl"), "--stream"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_a_broken_line_in_the_middle_is_named(tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    io.write_jsonl(path, make("qa", 30, seed=1).rows)
    with path.open("a") as f:
        f.write('{"id": "q", "question": \n')
    assert main(["check", str(path), "--stream"]) == 2
    assert "rows.jsonl:31" in capsys.readouterr().err
