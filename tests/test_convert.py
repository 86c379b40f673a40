"""What `convert` says of the file it wrote: how many examples say the same, and what the others lost."""

import json

import pytest

from finetooth.cli import main
from finetooth.io import write_jsonl

TEXT = "Ada left Rome . She went home ."
TOKENS = [[0, 3], [4, 8], [9, 13], [14, 15], [16, 19], [20, 24], [25, 29], [30, 31]]


def mention(start, end):
    return {"start": start, "end": end, "text": TEXT[start:end]}


DOCUMENT = {
    "id": "d1",
    "text": TEXT,
    "entities": [
        {"type": "PER", "name": "Ada Byron", "mentions": [mention(0, 3), mention(16, 19)]},
        {"type": "LOC", "name": "Rome", "mentions": [mention(9, 13)]},
    ],
    "triples": [{"head": 0, "relation": "Left", "tail": 1, "evidence": [0]}],
    "tokens": TOKENS,
    "sentences": [[0, 15], [16, 31]],
    "meta": {"title": "T"},
}


def convert(folder, capsys, rows, to, *options):
    write_jsonl(folder / "x.jsonl", rows)
    out = folder / "y"
    assert main(["convert", str(folder / "x.jsonl"), "--to", to, "--out", str(out), *options]) == 0
    said = capsys.readouterr().err
    assert main(["convert", str(folder / "x.jsonl"), "--to", to, "--out", str(out), "--json", *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert f"{report['same_after_reading_back']} say the same" in said
    for name, n in report["changed"].items():
        assert f"lost or changed in {n}: {name} (" in said
    return report


def test_names_evidence_and_tokens_that_a_format_cannot_hold_are_told(tmp_path, capsys):
    assert convert(tmp_path, capsys, [DOCUMENT], "relation-rows")["changed"] == {}
    report = convert(tmp_path, capsys, [DOCUMENT], "docie-relation")
    assert report["same_after_reading_back"] == 0
    assert set(report["changed"]) == {"tokens", "sentences", "entities.name", "triples.evidence"}
    bare = {**DOCUMENT, "triples": [{"head": 0, "relation": "Left", "tail": 1}]}
    for key in ("tokens", "sentences"):
        del bare[key]
    bare["entities"] = [e | {"name": e["mentions"][0]["text"]} for e in DOCUMENT["entities"]]
    assert convert(tmp_path, capsys, [bare], "docie-relation")["changed"] == {}


@pytest.mark.parametrize(
    ("row", "to", "changed"),
    [
        ({"text": "Ada  left.", "entities": [{"start": 0, "end": 3, "type": "PER"}]}, "conll", set()),
        ({"text": "Ada of Rome", "entities": [{"start": 0, "end": 11, "type": "PER"}, {"start": 7, "end": 11, "type": "LOC"}]}, "conll", {"entities"}),
        ({"text": "Ada, she", "entities": [{"start": 0, "end": 3, "type": "PER", "entity": 4}, {"start": 5, "end": 8, "type": "PER", "entity": 4}]}, "conll", {"entities.entity"}),
        ({"text": "Ada left.", "entities": [], "meta": {"source": "web"}}, "conll", {"meta.source"}),
        ({"tokens": ["Ada", "left"], "tags": ["B-PER", "O"]}, "spans", set()),
    ],
)  # fmt: skip
def test_what_columns_and_spans_keep(tmp_path, capsys, row, to, changed):
    report = convert(tmp_path, capsys, [row], to)
    assert (report["same_after_reading_back"], set(report["changed"])) == (int(not changed), changed)


def test_examples_that_only_change_their_order_are_the_same(tmp_path, capsys):
    def row(name, context):
        return {
            "id": name,
            "question": "Who?",
            "context": context,
            "answers": {"text": ["Ada"], "answer_start": [0]},
        }

    write_jsonl(tmp_path / "x.jsonl", [row("1", "Ada left."), row("2", "Ada came."), row("3", "Ada left.")])
    assert main(["convert", str(tmp_path / "x.jsonl"), "--to", "squad", "--out", str(tmp_path / "y")]) == 0
    said = capsys.readouterr().err
    assert "3 say the same" in said
    assert "the examples stand in another order" in said
