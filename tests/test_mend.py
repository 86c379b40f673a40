"""Fixes are made where the checks agree that they help, and everything else is left and named."""

import json

import pytest

from finetooth import checks, readers, registry
from finetooth.checks import CheckReport
from finetooth.cli import main
from finetooth.curate.mend import applied, mend
from finetooth.io import write_jsonl
from finetooth.types import Dataset, Finding

GOOD = {
    "id": "a",
    "context": "Ada left Rome.",
    "question": "Who left?",
    "answers": {"text": ["Ada"], "answer_start": [0]},
}
SHIFTED = {**GOOD, "id": "b", "question": "Who left Rome?", "answers": {"text": ["Ada"], "answer_start": [4]}}
LOST = {**GOOD, "id": "c", "question": "Who came?", "answers": {"text": ["Grace"], "answer_start": [0]}}


def data(task, *rows):
    made = registry.task(task)
    return Dataset(task, [made.from_row(r, r["id"]) for r in rows], "made", "rows", "x")


def test_an_answer_is_moved_and_what_no_program_can_mend_is_left():
    mended = mend(data("qa", GOOD, SHIFTED, LOST))
    assert [e.target.answers[0].start for e in mended.examples[:2]] == [0, 0]
    assert [(c.finding.example_id, c.finding.check) for c in mended.changes] == [
        ("b", "answer-not-at-offset")
    ]
    assert {(f.example_id, f.check) for f in mended.left} == {("c", "answer-not-in-context")}
    assert not mended.dropped


def test_with_drop_what_stays_wrong_is_left_out_by_name():
    mended = mend(data("qa", GOOD, SHIFTED, LOST), drop=True)
    assert [e.id for e in mended.examples] == ["a", "b"]
    assert [(d.example_id, d.stage) for d in mended.dropped] == [("c", "mend")]
    assert mended.dropped[0].reason.startswith("answer-not-in-context")
    assert not mended.left


def test_a_fix_that_makes_nothing_better_is_taken_back():
    wrong = {"answer": 0, "answer_start": 5}

    def stubborn(dataset, only=()):
        found = [Finding(e.id, "some-check", "error", "m", {}, wrong) for e in dataset.examples]
        return CheckReport(dataset, tuple(found))

    mended = mend(data("qa", GOOD), run=stubborn)
    assert mended.examples[0].target.answers[0].start == 0
    assert not mended.changes
    assert [f.check for f in mended.left] == ["some-check"]


def test_mentions_move_first_and_go_last_so_that_their_numbers_hold():
    row = {"id": "d", "text": "Ada met Bo in Rome.", "entities": [
        {"start": 0, "end": 2, "type": "PER"}, {"start": 8, "end": 10, "type": "PER"}, {"start": 14, "end": 18, "type": "GPE"},
    ]}  # fmt: skip
    example = data("ner", row).examples[0]
    fixes = [{"mention": 1, "drop": True}, {"mention": 0, "start": 0, "end": 3}, {"mention": 2, "drop": True}]
    better, made = applied(example, [Finding("d", "c", "error", "m", {}, f) for f in fixes])
    assert [(s.start, s.end, s.text) for s in better.target.entities] == [(0, 3, "Ada")]
    assert len(made) == 3


@pytest.mark.parametrize(
    ("fix", "value"),
    [
        ({"path": "$.items[1].price", "value": 7}, {"items": [{"price": 1}, {"price": 7}], "a b": {"c": 1}}),
        ({"path": '$["a b"].c', "value": 2}, {"items": [{"price": 1}, {"price": 2}], "a b": {"c": 2}}),
        ({"remove": ['$["a b"]']}, {"items": [{"price": 1}, {"price": 2}]}),
        ({"path": "$.nothing", "value": 2}, None),
        ("leave one out", None),
    ],
)
def test_a_value_is_set_or_a_key_removed_by_its_path(fix, value):
    row = {"id": "j", "prompt": "p", "schema_id": "s",
           "expected_output": {"items": [{"price": 1}, {"price": 2}], "a b": {"c": 1}}}  # fmt: skip
    example = data("json", row).examples[0]
    better, made = applied(example, [Finding("j", "c", "error", "m", {}, fix)])
    assert bool(made) == (value is not None)
    assert better.target.value == (value or row["expected_output"])
    assert example.target.value == row["expected_output"]  # the source is as it was


def test_the_command_writes_rows_changes_and_drops(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "rows.jsonl", [GOOD, SHIFTED, LOST])
    assert main(["fix", "rows.jsonl", "--out", "out.jsonl", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [c["example_id"] for c in told["changes"]] == ["b"]
    assert [f["example_id"] for f in told["left"]] == ["c"]
    assert len(readers.load("out.jsonl")) == 3
    assert main(["fix", "rows.jsonl", "--out", "out.jsonl", "--drop"]) == 0
    assert len(readers.load("out.jsonl")) == 2
    assert json.loads((tmp_path / "out.dropped.jsonl").read_text())["example_id"] == "c"
    assert main(["fix", "rows.jsonl", "--out", "rows.jsonl"]) == 2


def test_spans_in_no_order_keep_their_types_when_several_are_moved():
    text = "Ada met Rome met Bob met Acme today."
    gold = [(0, 3, "Ada", "PER"), (8, 12, "Rome", "LOC"), (17, 20, "Bob", "PER"), (25, 29, "Acme", "ORG")]
    shifts = {"Acme": -9, "Rome": 5, "Bob": -5, "Ada": 1}  # as listed; each move passes another span
    listed = {m: (s, e, t) for s, e, m, t in gold}
    spans = [
        {"start": listed[m][0] + by, "end": listed[m][1] + by, "text": m, "type": listed[m][2]}
        for m, by in shifts.items()
    ]
    mended = mend(data("ner", {"id": "a", "text": text, "entities": spans}))
    assert [(s.start, s.end, s.text, s.type) for s in mended.examples[0].target.entities] == gold
    assert len(mended.changes) == 4
    assert not mended.left


def test_a_tag_is_set_and_the_spans_are_read_anew():
    rows = [
        {"id": "i", "tokens": ["Ada", "King", "left", "Rome"], "tags": ["O", "I-PER", "O", "B-LOC,B-ORG"]},
        {"id": "e", "tokens": ["Ada", "\u200b"], "tags": ["B-PER", "O"]},
        {"id": "x", "tokens": ["Ada"], "tags": ["X-PER"]},
    ]
    mended = mend(data("ner", *rows), severity="warning")
    first = mended.examples[0].target
    assert first.tags == ("O", "B-PER", "O", "B-LOC")
    assert [(s.text, s.type) for s in first.entities] == [("King", "PER"), ("Rome", "LOC")]
    # A token is gone from the predictions too or not at all; what no scheme knows only a person can say.
    assert {(f.example_id, f.check) for f in mended.left} == {("e", "empty-token"), ("x", "unknown-tag")}


def test_names_and_types_of_a_documents_entities_are_put_right_and_triples_follow(tmp_path):
    source = {
        "doc": "Ada King left Rome.",
        "entities": [
            {"mentions": ["ada king", "Lady Ada"], "type": "person"},
            {"mentions": [], "type": "PLACE"},
            {"mentions": [" Rome "], "type": "PLACE"},
        ],
        "triples": [{"head": "Lady Ada", "relation": "Left", "tail": " Rome "}],
        "entity_label_set": ["PERSON", "PLACE"],
    }
    (tmp_path / "x.json").write_text(json.dumps([source]), "utf-8")
    mended = mend(readers.load(tmp_path / "x.json", task="relation"), severity="warning")
    ada, rome = mended.examples[0].inputs.entities
    assert (ada.type, ada.aliases, [m.text for m in ada.mentions]) == ("PERSON", ("Ada King",), ["Ada King"])
    assert [m.text for m in rome.mentions] == ["Rome"]
    (triple,) = mended.examples[0].target.triples
    assert (triple.head, triple.head_text, triple.tail, triple.tail_text) == (0, "Ada King", 1, "Rome")
    assert not mended.left


def test_a_name_without_a_place_gets_one_where_the_text_writes_it_otherwise(tmp_path):
    entities = [{"mentions": ["ada king", "Lady Ada"], "type": "PER"}, {"mentions": [""], "type": "LOC"}]
    row = {"doc": "Ada King left Rome.", "entities": entities, "triples": []}
    (tmp_path / "x.json").write_text(json.dumps([row]), "utf-8")
    mended = mend(readers.load(tmp_path / "x.json", task="ner"))
    target = mended.examples[0].target
    assert [(s.start, s.end, s.text, s.type) for s in target.entities] == [(0, 8, "Ada King", "PER")]
    assert not target.unplaced
    assert not mended.left


def test_an_entity_that_a_triple_speaks_of_is_not_taken_out():
    entities = [{"name": "Ada", "type": "PER", "mentions": [{"start": 0, "end": 3}]}, {"name": "", "type": "LOC", "mentions": []}]  # fmt: skip
    row = {"id": "d", "text": "Ada left.", "entities": entities, "triples": [{"head": 0, "relation": "r", "tail": 1}]}  # fmt: skip
    mended = mend(data("relation", row))
    assert len(mended.examples[0].inputs.entities) == 2
    assert [f.check for f in mended.left] == ["entity-without-mention"]


def row(name, source, start, end, **more):
    return {"id": name, "text": source, "entities": [{"start": start, "end": end, "type": "LOC", **more}]}


@pytest.mark.parametrize(
    ("text", "start", "end", "stated", "meant"),
    [
        ("Ada Young lives in Bonn.", 0, 99, "", None),  # not the whole text
        ("Ada Young lives in Bonn.", 19, 40, "", None),
        ("Café Ünal in Zürich ist zu.", 15, 22, "", "Zürich"),  # bytes
        ("Café Ünal, São João, Zürich", 25, 32, "", "Zürich"),  # bytes, beyond the text
        ("We 😀 met Tom Hanks in Rome.", 23, 27, "", "Rome"),  # UTF-16
        ("We 😀 met Tom Hanks in Rome.", 24, 28, "", None),
        ("Cafe\u0301 in Rome is shut.", 8, 12, "", "Rome"),  # counted when the accent was one with its letter
        ("Café in Rome is shut.", 9, 13, "", "Rome"),  # and the other way about
        ("Rome, Rome 😀 or Rome", 17, 21, "Rome", "Rome"),  # the one that UTF-16 means
        ("Ada met Tom Hanks a lot.", 14, 19, "", None),  # "nks a"
        ("Ada left Rome was it?", 9, 16, "", None),  # "Rome wa"
        ("Ada left Rome.", 9, 12, "", "Rome"),
        ("Ada left New York.", 10, 17, "", "New York"),
    ],
)
def test_a_span_is_moved_only_to_where_its_offsets_can_mean(text, start, end, stated, meant):
    mended = mend(
        data("ner", row("a", text, start, end, **({"text": stated} if stated else {}))), severity="warning"
    )
    (span,) = mended.examples[0].target.entities
    if meant is None:
        assert (span.start, span.end, mended.changes) == (start, end, ())
        assert [f.check for f in mended.left if f.check in ("offset-not-on-mention", "boundary-off-word")]
    else:
        assert (span.text, text[span.start : span.end], mended.left) == (meant, meant, ())
        assert span.start == text.rindex(meant)


def test_a_set_that_counts_another_way_is_told_once_for_all():
    rows = [row(str(n), f"Ünal, {'x' * n} Rome ist da.", 8 + n, 12 + n) for n in range(1, 5)]
    (said,) = [f for f in checks.run(data("ner", *rows)).findings if f.evidence.get("explained")]
    assert (said.example_id, said.evidence["counted"], said.evidence["explained"]) == (
        "",
        "bytes of UTF-8",
        4,
    )
