"""Relations beside spans, as annotation tools export them: read for the relation task, named for entities alone."""

import copy

import pytest

from finetooth import checks, readers
from finetooth.cli import main
from finetooth.errors import DataError
from finetooth.io import write_jsonl

TEXT = "Ada left Rome."
ADA, ROME = {"start": 0, "end": 3}, {"start": 9, "end": 13}
DOCCANO = {
    "id": 1,
    "text": TEXT,
    "entities": [
        {"id": 9, "label": "LOC", "start_offset": 9, "end_offset": 13},
        {"id": 7, "label": "PER", "start_offset": 0, "end_offset": 3},
    ],
    "relations": [{"id": 3, "from_id": 7, "to_id": 9, "type": "left"}],
    "Comments": [],
}
PRODIGY = {
    "text": TEXT,
    "spans": [
        {**ROME, "token_start": 2, "token_end": 2, "label": "LOC"},
        {**ADA, "token_start": 0, "token_end": 0, "label": "PER"},
    ],
    "relations": [{"head": 0, "child": 2, "label": "left", "head_span": ADA, "child_span": ROME}],
    "answer": "accept",
}
TOKENS = {**PRODIGY, "relations": [{"head": 0, "child": 2, "label": "left"}]}
PLACES = {
    "text": TEXT,
    "entities": [{**ROME, "type": "LOC"}, {**ADA, "type": "PER"}],
    "relations": [{"head": 1, "tail": 0, "type": "left"}],
}
EVERY = pytest.mark.parametrize("row", [DOCCANO, PRODIGY, TOKENS, PLACES])


def written(folder, *rows):
    write_jsonl(folder / "x.jsonl", rows)
    return folder / "x.jsonl"


@EVERY
def test_relations_between_spans_are_triples(tmp_path, row):
    # The first row has none yet: one further on says that the file is about relations.
    data = readers.load(written(tmp_path, {**row, "text": "Rome Rome Rome", "relations": []}, row))
    first, second = data.examples
    bare = {k: v for k, v in row.items() if k != "relations"}
    assert readers.load(written(tmp_path, {**bare, "text": "Rome Rome Rome"}, row)).task == "relation"
    assert (data.task, data.notes, first.target.triples) == ("relation", (), ())
    (triple,) = second.target.triples
    entities = second.inputs.entities
    assert (entities[triple.head].name, triple.relation, entities[triple.tail].name) == (
        "Ada",
        "left",
        "Rome",
    )
    assert checks.run(data, only=("offset-not-on-mention",)).findings == ()


@EVERY
def test_who_reads_only_entities_is_told_of_the_relations(tmp_path, row, capsys):
    path = written(tmp_path, row, row)
    data = readers.load(path, task="ner")
    assert [s.text for s in data.examples[0].target.entities] == ["Rome", "Ada"]
    (note,) = data.notes
    assert "2 relations beside the spans not read" in note
    assert len(readers.load(path, format="span-relations").examples[0].target.triples) == 1
    assert checks.run(data).to_json()["notes"] == [note]
    assert main(["check", str(path), "--task", "ner", "--fail-on", "never"]) == 0
    assert note in capsys.readouterr().err


def test_an_empty_list_of_relations_leaves_a_file_to_ner(tmp_path):
    data = readers.load(written(tmp_path, {**DOCCANO, "relations": []}))
    assert (data.task, data.notes) == ("ner", ())


@pytest.mark.parametrize(
    "relation",
    [
        {"from_id": 7, "to_id": 99, "type": "left"},
        {"head": 1, "child": 2, "label": "left"},
        {"head": 0, "tail": 2, "type": "left"},
    ],
)
def test_a_relation_that_ends_at_no_span_is_named(tmp_path, relation):
    row = copy.deepcopy(DOCCANO) | {"relations": [*DOCCANO["relations"], relation]}
    data = readers.load(written(tmp_path, row))
    (triple,) = data.examples[0].target.triples
    assert (triple.head, triple.tail) == (1, 0)
    (note,) = data.notes
    assert "1 relation left out" in note
    assert "x.jsonl:1: relations[1]" in note


@pytest.mark.parametrize(
    "relation", [{"from_id": 7, "to_id": 9}, {"type": "left"}, {"type": "left", "head": "Ada"}]
)
def test_a_relation_without_name_or_ends_is_an_error(tmp_path, relation):
    with pytest.raises(DataError, match=r"relations\[0\]"):
        readers.load(written(tmp_path, {**DOCCANO, "relations": [relation]}))


def test_a_rejected_row_is_no_gold_for_relations_either(tmp_path):
    data = readers.load(written(tmp_path, PRODIGY, {**PRODIGY, "answer": "reject"}))
    assert len(data) == 1
    assert "the annotator's answer" in data.dropped[0].reason
