"""Labels of entities by themselves: types that are none, keep a tag's letter or are misspelled; edges and marks left over."""

import json

import pytest

from finetooth import checks, readers, registry
from finetooth.curate.mend import mend
from finetooth.types import Dataset


def data(*rows, **kinds):
    """Rows, and beside them as many short ones of each type as asked for."""
    many = [
        {"text": f"{kind}{i} left.", "entities": [{"start": 0, "end": len(f"{kind}{i}"), "type": kind}]}
        for kind, n in kinds.items()
        for i in range(n)
    ]
    made = [
        registry.task("ner").from_row({"id": f"r{i}", **row}, f"x:{i}")
        for i, row in enumerate([*rows, *many])
    ]
    return Dataset("ner", made, "made", "rows", "x")


def ada(kind):
    return {"text": "Ada left.", "entities": [{"start": 0, "end": 3, "type": kind}]}


def found(dataset, *names):
    return checks.run(dataset, only=names).findings


LABELS = ("entity-without-type", "tag-in-type", "type-misspelled")


@pytest.mark.parametrize(
    ("kind", "check", "fix"),
    [
        ("", "entity-without-type", None),
        (" ", "entity-without-type", None),
        ("B-PER", "tag-in-type", {"entity": 0, "type": "PER"}),
        ("U-PER", "tag-in-type", {"entity": 0, "type": "PER"}),
        ("PRE", "type-misspelled", "did you mean 'PER'?"),
        ("creativ", "type-misspelled", "did you mean 'creative'?"),
        ("craetive", "type-misspelled", "did you mean 'creative'?"),
    ],
)
def test_a_type_that_is_none_is_told_where_it_stands(kind, check, fix):
    (finding,) = found(data(ada(kind), PER=40, creative=40, LOC=40), *LABELS)
    assert (finding.example_id, finding.check, finding.fix) == ("r0", check, fix)


@pytest.mark.parametrize("kind", ["E-mail", "B-cell", "PET", "PER1", "per", "creativeness", "ORG"])
def test_another_type_is_no_misspelling(kind):
    assert not found(data(ada(kind), PER=40, creative=40, LOC=40), *LABELS)


def test_a_type_that_the_row_allows_is_right():
    assert not found(data(ada("PRE") | {"label_set": ["PRE", "PER"]}, PER=40), *LABELS)


def test_a_set_that_kept_the_letters_of_its_tags_is_told_once():
    (finding,) = found(data(**{"B-PER": 20, "I-PER": 3, "B-LOC": 9}), *LABELS)
    assert (finding.example_id, finding.fix) == ("", {"B-PER": "PER", "I-PER": "PER", "B-LOC": "LOC"})


def test_a_letter_of_a_tag_is_taken_off():
    mended = mend(data(ada("B-PER"), PER=40), severity="warning", only=LABELS)
    assert (mended.examples[0].target.entities[0].type, mended.left) == ("PER", ())


@pytest.mark.parametrize(
    ("text", "name", "kept"),
    [
        ("In Konstanz, Ada left.", "Konstanz,", "Konstanz"),
        ("In Konstanz, Ada left.", " Konstanz, ", "Konstanz"),
        ("Rome; Bonn", "; Bonn", "Bonn"),
        ("Ada Moss of Acme Inc. left .NET", "Acme Inc.", None),
        ("Ada Moss of Acme Inc. left .NET", ".NET", None),
        ("of &#39;Rome&#39;", "&#39;Rome&#39;", None),
        ("AT&amp;T of &quot;Rome&quot;", "&quot;Rome&quot;", None),
    ],
)
def test_a_comma_at_the_edge_is_no_part_of_a_name(text, name, kept):
    start = text.index(name)
    row = {"text": text, "entities": [{"start": start, "end": start + len(name), "type": "LOC"}]}
    listed = found(data(row), "boundary-off-word")
    assert [text[f.fix["start"] : f.fix["end"]] for f in listed] == ([] if kept is None else [kept])


def test_a_comma_that_is_in_one_token_with_its_name_cannot_be_cut():
    row = {"tokens": ["In", "Rome,", "Bonn", ","], "tags": ["O", "B-L", "B-L", "I-L"]}
    (finding,) = found(data(row), "boundary-off-word")
    assert "'Bonn ,' begins or ends with a comma" in finding.message


def test_html_left_in_the_text_is_told_by_row_and_of_many_rows_once():
    rows = [{"text": f"Ada {i} &amp; Bob left.", "entities": []} for i in range(11)]
    (one,) = found(data(rows[0], PER=3), "markup-left")
    assert (one.example_id, one.evidence["found"]) == ("r0", "&amp;")
    (every,) = found(data(*rows), "markup-left")
    assert (every.example_id, every.evidence["counts"]) == ("", {"&amp;": 11})


@pytest.mark.parametrize("task", ["ner", "relation"])
def test_a_mention_that_an_entity_lists_twice_is_told(tmp_path, task):

    mention = {"name": "Ada", "sent_id": 0, "pos": [0, 1], "type": "PER"}
    rows = [{"title": "T", "sents": [["Ada", "left"]], "vertexSet": [[mention, mention]], "labels": []}]
    (tmp_path / "x.json").write_text(json.dumps(rows))
    (finding,) = found(readers.load(tmp_path / "x.json", task=task), "overlapping-mentions")
    assert (finding.severity, finding.evidence["spans"]) == ("info", [[0, 3]])
