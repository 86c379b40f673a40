"""Files of predicted entities and triples: each scored as the reference scores it, gold against itself is 100."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from finetooth import checks, readers, registry
from finetooth.cli import main
from finetooth.errors import DataError, FinetoothError
from finetooth.evaluate import predictions
from finetooth.evaluate.score import score
from finetooth.types import Prediction

VECTORS = Path(__file__).parents[1].parent / "shared" / "data" / "vectors" / "ner_cases.json"


def scored(gold, found, task="ner"):
    dataset = readers.load(gold, task=task)
    of = registry.task(task)
    matched = predictions.read(found, of, dataset.examples)
    assert not matched.unknown
    report = score(of, dataset.examples, matched.predictions, floors=False, resamples=2)
    return {s.name: s.value for s in report.scores}


def columns(path, *sentences):
    lines = ("\n".join(f"w{i}\t{tag}" for i, tag in enumerate(tags)) for tags in sentences)
    path.write_text("\n\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.skipif(not VECTORS.exists(), reason="the reference answers are not here")
@pytest.mark.parametrize("form", ["columns", "json"])
def test_every_reference_case_is_met_from_file_to_score(tmp_path, form):
    for name, case in json.loads(VECTORS.read_text("utf-8"))["cases"].items():
        gold = columns(tmp_path / "gold.conll", case["gold"])
        found = columns(tmp_path / "found.conll", case["pred"])
        if form == "json":
            (example,) = readers.load(gold, task="ner").examples
            found = tmp_path / "found.json"
            found.write_text(json.dumps({example.id: case["pred"]}))
        values, perl = scored(gold, found), case["conlleval_pl"]
        assert values["entity_f1"] == pytest.approx(perl["F1"], abs=0.005), name
        assert values["token_accuracy"] == pytest.approx(perl["acc"], abs=0.005), name
        strict = case["seqeval_strict_IOB2_F1"]
        # seqeval refuses E- and S-; a gold of I- alone is IOB1, of which it calls every entity invalid.
        if not isinstance(strict, str) and any(t[0] == "B" for t in case["gold"]):
            assert values["entity_f1_strict_iob2"] == pytest.approx(100 * strict), name


def test_orphan_tags_of_a_prediction_are_not_repaired(tmp_path):
    gold = columns(tmp_path / "gold.conll", ["B-PER", "I-PER", "O"], ["O", "O", "B-LOC"])
    found = columns(tmp_path / "found.conll", ["I-PER", "I-PER", "O"], ["O", "O", "I-LOC"])
    values = scored(gold, found)
    assert values["entity_f1"] == 100  # as conlleval counts
    assert values["entity_f1_strict_iob2"] == 0
    assert values["token_accuracy"] == pytest.approx(100 * 4 / 6)


def tokens(path, *sentences):
    """Sentences of "token tag" pairs, blanks between."""
    path.write_text("\n\n".join("\n".join(s.split(", ")) for s in sentences) + "\n", "utf-8")
    return path


GOLD = ("Ada B-PER, left O, Zürich B-LOC, -LRB- O, 1990 O", "Bob B-PER, sat O, ... O")


@pytest.mark.parametrize(
    ("sentences", "line", "told"),
    [
        (("xyz B-PER, qqq O, Zürich O, ( O, 1990 O", GOLD[1]), 1, "token 1 of sentence 1 is 'xyz', the data has 'Ada'"),
        ((GOLD[0], "Bob B-PER, stood O, . O"), 8, "token 2 of sentence 2 is 'stood', the data has 'sat'"),
        ((GOLD[1], GOLD[0]), 1, "token 1 of sentence 1 is 'Bob', the data has 'Ada'"),
    ],
)  # fmt: skip
def test_predicted_columns_of_other_sentences_are_refused(tmp_path, sentences, line, told, capsys):
    gold = tokens(tmp_path / "gold.conll", *GOLD)
    found = tokens(tmp_path / "found.conll", *sentences)
    assert main(["score", str(found), str(gold), "--task", "ner"]) == 2
    error = capsys.readouterr().err
    assert f"found.conll:{line}: {told}" in " ".join(error.split())
    assert "give the tags alone" in " ".join(error.split())


@pytest.mark.parametrize(
    "sentences",
    [
        ("ada B-PER, LEFT O, Zu\u0308rich B-LOC, ( O, 0000 O", "<unk> B-PER, sat O, … O"),  # another case, form, digits
        ("Ada B-PER, left O, ZÃ¼rich B-LOC, ( O, 1990 O", "Bob B-PER, sat O, . O"),  # read in another encoding
        ("Ada B-PER, left O, Z?rich B-LOC, ( O, 1990 O", "Bob B-PER, sat O, . O"),
        ("0 Ada NNP O B-PER, 0 left VB O O, 0 Zürich NNP O B-LOC, 0 ( ( O O, 0 1990 CD O O", "1 Bob NNP O B-PER, 1 sat VB O O, 1 . . O O"),
        ("B-PER, O, B-LOC, O, O", "B-PER, O, O"),  # tags alone
        ("O B-PER, B-PER O, O B-LOC, O O, O O", "O B-PER, O O, O O"),  # tags beside tags
        (GOLD[0] + ", " + GOLD[1],),  # without the break
    ],
)  # fmt: skip
def test_predicted_columns_whose_tokens_a_tool_has_changed_are_scored(tmp_path, sentences):
    gold = tokens(tmp_path / "gold.conll", *GOLD)
    assert scored(gold, tokens(tmp_path / "found.conll", *sentences))["entity_f1"] == 100


def test_rows_of_tags_for_other_tokens_are_refused(tmp_path):
    rows = [{"id": "1", "tokens": ["Ada", "left"], "ner_tags": ["B-PER", "O"]}]
    gold = as_file(tmp_path / "gold.jsonl", rows)
    found = as_file(tmp_path / "found.jsonl", [rows[0] | {"tokens": ["Ada", "came"]}])
    with pytest.raises(DataError, match="1: token 2 is 'came', the data has 'left'"):
        scored(gold, found)


def as_file(path, rows):
    if path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)) + "\n", "utf-8")
    else:
        path.write_text(json.dumps(rows), "utf-8")
    return path


TEXT = "Ada left Rome."
SPANS = {
    "doccano": {"id": 1, "text": TEXT, "label": [[0, 3, "PER"], [9, 13, "LOC"]]},
    "doccano, many": {"id": 1, "text": TEXT, "labels": [[0, 3, "PER"], [9, 13, "LOC"]]},
    "spacy's doc": {"id": 1, "text": TEXT, "ents": [{"start": 0, "end": 3, "label": "PER"}]},
    "prodigy": {"text": TEXT, "spans": [{"start": 0, "end": 3, "label": "PER"}]},
    "hub": {"tokens": TEXT.split(), "ner_tags": ["B-PER", "O", "B-LOC"]},
    "docie": {"doc": TEXT, "entities": [{"mentions": ["Ada"], "type": "PER"}, {"mentions": ["Ada"], "type": "ORG"}]},
    "docred": {"title": "T", "sents": [["Ada", "left"]], "vertexSet": [[{"name": "Ada", "sent_id": 0, "pos": [0, 1], "type": "PER"}]], "labels": []},
}  # fmt: skip


@pytest.mark.parametrize("name", SPANS)
@pytest.mark.parametrize("end", [".jsonl", ".json"])
def test_data_of_every_format_is_its_own_perfect_prediction(tmp_path, name, end):
    twice = {k: v for k, v in SPANS[name].items() if k not in ("id", "title")}
    rows = [SPANS[name], *([] if "title" in SPANS[name] or "id" in SPANS[name] else [twice])]
    path = as_file(tmp_path / f"x{end}", rows)
    values = scored(path, path)
    assert values["entity_f1"] == values["token_accuracy"] == 100


def test_rows_without_an_id_are_known_by_their_text(tmp_path):
    gold = as_file(tmp_path / "gold.jsonl", [{"id": "d1", "text": TEXT, "entities": [{"start": 0, "end": 3, "type": "PER"}]}])  # fmt: skip
    found = as_file(tmp_path / "found.jsonl", [{"text": TEXT, "spans": [{"start": 0, "end": 3, "label": "PER"}, {"start": 9, "end": 13, "label": "LOC"}]}])  # fmt: skip
    assert scored(gold, found)["entity_precision"] == 50


def test_rows_without_entities_are_in_no_score_and_are_told(tmp_path):
    ada = {"start": 0, "end": 3, "type": "PER"}
    rows = [
        {"id": "1", "text": TEXT, "entities": [ada]},
        {"id": "2", "text": "Bob left."},
        {"id": "3", "text": "Eve left.", "entities": None},
        {"id": "4", "text": "It rains.", "entities": []},
        {"id": "5", "text": "It snows.", "tokens": ["It", "snows", "."], "tags": ["O", "O", "O"]},
    ]
    gold = as_file(tmp_path / "gold.jsonl", rows)
    found = as_file(
        tmp_path / "found.jsonl", [{"id": r["id"], "entities": [ada] * (r["id"] < "4")} for r in rows]
    )
    dataset = readers.load(gold, task="ner")
    matched = predictions.read(found, registry.task("ner"), dataset.examples)
    report = score("ner", dataset.examples, matched.predictions, floors=False, resamples=2)
    assert {s.name: s.value for s in report.scores}["entity_precision"] == 100
    assert [(d.example_id, d.reason) for d in report.left_out] == [
        ("2", "no gold entities"),
        ("3", "no gold entities"),
    ]
    (told,) = checks.run(dataset, only=("unlabelled-rows",)).findings
    assert (told.evidence["rows"], told.evidence["ids"]) == (2, ["2", "3"])
    # Written and read again they are the same; a file of such rows alone is one to predict for.
    again = as_file(tmp_path / "again.jsonl", map_rows(dataset.examples))
    assert (
        len(
            score(
                "ner", readers.load(again).examples, matched.predictions, floors=False, resamples=2
            ).left_out
        )
        == 2
    )
    only = [registry.task("ner").from_row(r, "x") for r in rows[1:3]]
    assert not checks.run(replace(dataset, examples=tuple(only)), only=("unlabelled-rows",)).findings
    with pytest.raises(FinetoothError, match="nothing to score against: no gold entities in all 2 rows"):
        score("ner", only, [None, None])
    labelled = registry.task("ner").from_row(map_rows(only)[0] | {"entities": [ada]}, "x")
    assert not registry.task("ner").unlabelled(labelled)


def map_rows(examples):
    return [registry.task("ner").to_row(e) for e in examples]


@pytest.mark.parametrize("task", ["ner", "relation"])
def test_a_rows_own_text_is_never_its_prediction(tmp_path, task):
    row = {"id": "d1", "text": TEXT, "entities": [], "triples": []}
    gold = as_file(tmp_path / "gold.jsonl", [row])
    found = as_file(tmp_path / "found.jsonl", [{"id": "d1", "text": TEXT}])
    with pytest.raises(DataError, match="expected an id and a prediction"):
        scored(gold, found, task)
    as_file(found, [{"id": "d1", "text": TEXT, "generated": "[]"}])
    assert scored(gold, found, task)


@pytest.mark.parametrize("name", [{"id": "d1"}, {"_task_hash": 7}])
def test_a_file_of_prodigy_is_scored_by_its_spans_not_by_its_answer(tmp_path, name):
    gold = as_file(tmp_path / "gold.jsonl", [{"id": "d1", "text": TEXT, "entities": [{"start": 0, "end": 3, "type": "PER"}]}])  # fmt: skip
    row = {**name, "text": TEXT, "answer": "accept", "spans": [{"start": 0, "end": 3, "label": "PER"}]}
    found = tmp_path / "found.jsonl"
    assert scored(gold, as_file(found, [row]))["entity_f1"] == 100
    # What the annotator refused predicts nothing.
    other = {**dict.fromkeys(name, 8), "text": "Hm.", "answer": "accept", "spans": []}
    as_file(found, [row | {"answer": "reject"}, other])
    task = registry.task("ner")
    assert predictions.read(found, task, readers.load(gold).examples).missing == ("d1",)
    as_file(found, [{"id": "d1", "text": TEXT, "answer": "accept"}])
    with pytest.raises(DataError, match="expected an id and a prediction"):
        scored(gold, found)


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(
    ("said", "target"),
    [
        ({"entities": None}, None),
        ({"entities": {"PER": ["Bob"]}}, [(0, 3, "PER")]),
        ({"spans": '[["Bob", "PER"]]'}, [(0, 3, "PER")]),
        ({}, "missing"),
    ],
)
def test_what_a_row_says_does_not_hang_on_its_place(tmp_path, said, target, turn):
    gold = as_file(
        tmp_path / "gold.jsonl", [{"id": i, "text": "Bob left.", "entities": []} for i in ("d1", "d2")]
    )
    found = as_file(tmp_path / "found.jsonl", [{"id": "d1", "entities": []}, {"id": "d2", **said}][::turn])
    matched = predictions.read(found, registry.task("ner"), readers.load(gold).examples)
    assert matched.missing == (("d2",) if target == "missing" else ())
    if target != "missing":
        read = matched.predictions[1].target
        assert (read and [(s.start, s.end, s.type) for s in read.entities]) == target


@pytest.mark.parametrize("name", [{"id": "d1"}, {}])
def test_a_predicted_span_outside_the_text_is_named_with_its_line(tmp_path, name):
    gold = as_file(tmp_path / "gold.jsonl", [{"id": "d1", "text": TEXT, "entities": []}])
    found = as_file(
        tmp_path / "found.jsonl", [{**name, "text": TEXT, "spans": [{"start": 0, "end": 99, "label": "PER"}]}]
    )
    with pytest.raises(DataError, match=r"found\.jsonl:1: d1: 0\.\.99 is outside a text of 14 characters"):
        scored(gold, found)


@pytest.mark.parametrize(("name", "told"), [({}, "found none"), ({"id": ["d1"]}, "found a list")])
def test_a_row_that_names_no_document_is_refused(tmp_path, name, told):
    gold = as_file(tmp_path / "gold.jsonl", [{"id": "d1", "text": TEXT, "entities": []}])
    found = as_file(tmp_path / "found.jsonl", [{"id": "d1", "entities": []}, {**name, "entities": []}])
    with pytest.raises(DataError, match=rf"found\.jsonl:2: expected an id or a title.*{told}"):
        scored(gold, found)


def test_triples_beside_an_accept_are_scored(tmp_path):
    row = {
        "id": "d1",
        "text": TEXT,
        "answer": "accept",
        "entities": [
            {"mentions": [{"start": 0, "end": 3}], "type": "PER"},
            {"mentions": [{"start": 9, "end": 13}], "type": "LOC"},
        ],
        "triples": [{"head": 0, "relation": "Left", "tail": 1}],
    }
    path = as_file(tmp_path / "x.jsonl", [row])
    assert scored(path, path, "relation")["triple_f1"] == 100


def test_triples_without_ids_are_those_of_the_same_text(tmp_path):
    row = {
        "doc": TEXT,
        "entities": [{"mentions": ["Ada"], "type": "PER"}, {"mentions": ["Rome"], "type": "LOC"}],
        "triples": [{"head": "Ada", "relation": "Left", "tail": "Rome"}],
    }
    gold = as_file(tmp_path / "gold.json", [row])
    turned = row | {"entities": row["entities"][::-1]}
    assert scored(gold, as_file(tmp_path / "found.json", [turned]), "relation")["triple_f1"] == 100


def test_a_triple_told_under_two_names_counts_once(tmp_path):
    entities = [
        {"mentions": ["Ada", "Ada Moss"], "type": "PER"},
        {"mentions": ["Rome"], "type": "LOC"},
    ]
    triples = [{"head": h, "relation": "left", "tail": "Rome"} for h in ("Ada", "Ada Moss")]
    row = {"id": "d", "text": "Ada Moss left Rome. Ada sang.", "entities": entities, "triples": triples}
    gold = as_file(tmp_path / "gold.jsonl", [row])
    (example,) = readers.load(gold, task="relation").examples
    task = registry.task("relation")
    (strict,) = [m for m in task.metrics if m.name == "triple_f1_strict"]

    def scores(made):
        made = [Prediction("d", task.parse(made, example), 1.0)]
        return strict.counts([example], made)[0].tolist()

    assert scores(triples) == [1, 1, 1]
    assert scores(triples[:1]) == [1, 1, 1]
