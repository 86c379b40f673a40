"""check --explain: the relations that it found, as text to paste beside the schema."""

import json
import random

import pytest
import yaml

from finetooth.cli import main
from finetooth.io import write_jsonl


def rows(n=9, wrong=()):
    draw = random.Random(4)
    for i in range(n):
        quantity, price = draw.randint(2, 30), round(draw.uniform(2, 90), 2)
        value = {
            "quantity": quantity,
            "price": price,
            "total": round(quantity * price, 2),
            "begun_on": f"2024-03-{i + 1:02}",
        }
        value["ended_on"] = f"2024-04-{i + 1:02}"
        if i in wrong:
            value["total"] += 9
        prompt = "\n".join(f"{k}: {v}" for k, v in value.items())
        yield {"id": f"r{i}", "prompt": prompt, "schema_id": "sale", "expected_output": value}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "sales.jsonl", list(rows(wrong=[5])))
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "sale.json").write_text('{"type": "object"}', "utf-8")
    return tmp_path


def run(capsys, *args):
    code = main(list(args))
    return code, capsys.readouterr().out


def test_what_is_printed_can_be_pasted_and_is_then_declared(folder, capsys):
    code, text = run(capsys, "check", "sales.jsonl", "--schemas", "schemas", "--explain")
    assert code == 0
    assert set(yaml.safe_load(text)) == {"total == quantity * price", "begun_on <= ended_on"}
    assert "holds in 8 of 9 places" in text
    (folder / "schemas" / "sale.relations.yaml").write_text(text, "utf-8")
    code, text = run(capsys, "check", "sales.jsonl", "--schemas", "schemas", "--json")
    found = json.loads(text)["findings"]
    assert code == 1
    assert {(f["check"], f["example_id"]) for f in found if f["severity"] == "error"} == {
        ("declared-relation", "r5")
    }
    _, text = run(capsys, "check", "sales.jsonl", "--schemas", "schemas", "--explain")
    assert "declared: holds in 8 of 9 places" in text


def test_what_no_row_bears_out_stands_in_a_comment(tmp_path, capsys):
    write_jsonl(tmp_path / "sales.jsonl", list(rows(wrong=range(9))))
    _, text = run(capsys, "check", str(tmp_path / "sales.jsonl"), "--explain")
    assert yaml.safe_load(text) == ["begun_on <= ended_on"]
    assert "not borne out, asked for by the names: total == quantity * price holds in 0 of 9 places" in text


def test_as_json_with_its_support(folder, capsys):
    code, text = run(capsys, "check", "sales.jsonl", "--schemas", "schemas", "--explain", "--json")
    rules = {r["rule"]: r for r in json.loads(text)["relations"]["sale"]}
    assert code == 0
    assert (rules["total == quantity * price"]["holds"], rules["total == quantity * price"]["of"]) == (8, 9)


def test_a_data_set_without_relations_and_another_task(tmp_path, capsys):
    write_jsonl(
        tmp_path / "a.jsonl", [{"id": "1", "prompt": "x", "schema_id": "s", "expected_output": {"a": "x"}}]
    )
    assert "no relations found" in run(capsys, "check", str(tmp_path / "a.jsonl"), "--explain")[1]
    qa = {
        "id": "1",
        "context": "Ada left.",
        "question": "Who?",
        "answers": {"text": ["Ada"], "answer_start": [0]},
    }
    write_jsonl(tmp_path / "qa.jsonl", [qa])
    assert main(["check", str(tmp_path / "qa.jsonl"), "--explain"]) == 2
    assert "leave --explain out" in capsys.readouterr().err
