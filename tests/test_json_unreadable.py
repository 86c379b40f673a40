"""Rows whose answer is no JSON object: a finding each, and the rest of the file as usual."""

import json

import pytest

from finetooth import checks, load
from finetooth.curate.mend import mend
from finetooth.evaluate.score import score
from finetooth.tasks.json import TASK
from finetooth.types import Prediction

GOOD = {"a": 1}


def rows_with(tmp_path, *broken):
    path = tmp_path / "rows.jsonl"
    rows = [{"id": "g1", "prompt": "a: 1", "schema": {"type": "object"}, "expected_output": GOOD}]
    rows += [{**rows[0], "id": f"b{i}", "prompt": f"a: 1 {i}", **b} for i, b in enumerate(broken)]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


@pytest.mark.parametrize(
    ("answer", "word", "fix"),
    [
        ('{"a":1', "does not end", None),
        ("{'a':1}", "single quotes", GOOD),
        ('{"a":1,}', "comma", GOOD),
        ('The answer: {"a": 1}', "prose", GOOD),
        ("no idea", "no JSON object", None),
        ("[1]", "a list", None),
        ([1], "a list", None),
        (7, "a bare value", None),
        ("", "empty", None),
        (None, "there is none", None),
    ],
)
def test_a_broken_answer_is_a_finding_of_its_row_with_a_cure(tmp_path, answer, word, fix):
    data = load(rows_with(tmp_path, {"expected_output": answer}, {"expected_output": "{'a': 2}"}))
    found = [f for f in checks.run(data, skip="thin-schema").findings if f.example_id]
    assert [(f.example_id, f.check, f.severity) for f in found] == [
        ("b0", "unreadable-answer", "error"),
        ("b1", "unreadable-answer", "error"),
    ]
    assert word in found[0].message
    assert found[0].fix == {"path": "$", "value": fix} if fix else isinstance(found[0].fix, str)


def test_a_row_without_the_key_is_told_and_written_as_it_was_read(tmp_path):
    path = rows_with(tmp_path, {"expected_output": '{"a":1'})
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows.append({"id": "b1", "prompt": "p"})
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    data = load(path)
    assert [TASK.unlabelled(e) for e in data.examples] == [
        "",
        "no gold object: the object does not end",
        "no gold object: there is none",
    ]
    assert [TASK.to_row(e)["expected_output"] for e in data.examples] == [GOOD, '{"a":1', None]
    assert TASK.answer(data.examples[1]) == '{"a":1'
    again = TASK.from_row(TASK.to_row(data.examples[1]), "there:1")
    assert (again.target, TASK.unlabelled(again)) == (
        data.examples[1].target,
        TASK.unlabelled(data.examples[1]),
    )


def test_score_leaves_them_out_by_name(tmp_path):
    data = load(rows_with(tmp_path, {"expected_output": "{'a':1}"}, {"expected_output": None}))
    said = [Prediction(e.id, TASK.parse(GOOD, e)) for e in data.examples]
    report = score("json", data, said)
    assert (report.score("exact_match").value, report.score("exact_match").n) == (100, 1)
    assert [d.example_id for d in report.left_out] == ["b0", "b1"]


def test_fix_writes_the_object_that_is_meant(tmp_path):
    data = load(rows_with(tmp_path, {"expected_output": "{'a':1}"}, {"expected_output": '{"a":'}))
    mended = mend(data)
    assert [e.target.value for e in mended.examples] == [GOOD, GOOD, {}]
    assert [f.example_id for f in mended.left] == ["b1"]
    assert TASK.to_row(mended.examples[1])["expected_output"] == GOOD


def test_a_chat_rows_response_format_is_its_schema(tmp_path):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    said = [{"role": "user", "content": "a is 1"}, {"role": "assistant", "content": '{"a": 1}'}]
    formats = [
        {"type": "json_schema", "json_schema": {"name": "order", "schema": schema}},
        {"type": "json_schema", "schema": schema},
        {"type": "json_object"},
    ]
    path = tmp_path / "chat.jsonl"
    path.write_text("".join(json.dumps({"messages": said, "response_format": f}) + "\n" for f in formats))
    data = load(path)
    assert [e.inputs.schema for e in data.examples] == [schema, schema, None]
    assert len(checks.run(data, only="schema-invalid").findings) == 2


def test_prompts_that_differ_by_their_last_full_stop_are_one(tmp_path):
    path = rows_with(tmp_path, {"prompt": "A: 1.", "expected_output": {"a": 2}})
    (f,) = checks.run(load(path), only="duplicate-prompt").findings
    assert (f.example_id, f.severity, f.evidence["other"]) == ("b0", "error", "g1")


def test_a_schema_in_the_system_message_is_the_rows(tmp_path):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    said = [
        {"role": "system", "content": f"Reply in JSON. Schema: {json.dumps(schema)}"},
        {"role": "user", "content": "a is 1"},
        {"role": "assistant", "content": '{"a": 1}'},
    ]
    path = tmp_path / "chat.jsonl"
    path.write_text(json.dumps({"messages": said}) + "\n")
    data = load(path)
    assert data.examples[0].inputs.schema == schema
    assert len(checks.run(data, only="schema-invalid").findings) == 1
