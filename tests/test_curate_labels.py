"""Ids made from the content hold the label: data are curated under the labels of the run that mapped them."""

import json

import polars as pl

from finetooth import readers
from finetooth.cli import main


def test_data_without_ids_are_curated_under_the_labels_of_the_run_or_those_given(tmp_path, capsys):
    data, run, out = tmp_path / "pairs.csv", tmp_path / "run", tmp_path / "kept.jsonl"
    data.write_text("premise,hypothesis,label\nA man sleeps.,He rests.,1\nA dog runs.,A cat runs.,0\n")
    names = {"0": "not_entailed", "1": "entailed"}
    read = readers.load(data, labels=names).examples
    run.mkdir()
    config = {"task": "nli", "data": {"train": str(data), "labels": names}, "out": str(run)}
    (run / "run.json").write_text(json.dumps({"format": 1, "config": config}))
    pl.DataFrame({"example_id": [e.id for e in read], "confidence": [0.9, 0.1]}).write_parquet(
        run / "cartography.parquet"
    )
    asked = ["--filter", "confidence:low=0.5", "--out", str(out)]
    assert main(["curate", str(data), "--with", str(run), *asked]) == 0
    assert [json.loads(line)["label"] for line in out.read_text().splitlines()] == ["entailed"]
    alone = ["curate", str(data), "--with", str(run / "cartography.parquet"), *asked]
    assert main(alone) == 2  # a table says nothing of labels
    assert main([*alone, "--labels", "0=not_entailed,1=entailed"]) == 0
    assert main([*alone, "--labels", "what"]) == 2
    assert "--labels" in capsys.readouterr().err


def test_kept_examples_are_not_written_over_those_they_are_kept_of(tmp_path, capsys):
    data = tmp_path / "pairs.jsonl"
    assert main(["generate", "nli", "--n", "8", "--out", str(data)]) == 0
    before = data.read_bytes()
    table = tmp_path / "table.jsonl"
    table.write_text('{"example_id": "a", "rank": 0.9}\n', "utf-8")
    asked = ["--with", str(table), "--filter", "label-error:top=1", "--out", str(data)]
    assert main(["curate", str(data), *asked]) == 2
    assert "would be written over itself" in capsys.readouterr().err
    assert data.read_bytes() == before
