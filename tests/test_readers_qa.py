"""Reading question answering: SQuAD's JSON, flat rows in all their dresses, the emrQA flavour, tables, the hub."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from pathlib import Path

import pytest

from finetooth import readers
from finetooth.cli import main
from finetooth.curate.mend import mend
from finetooth.errors import DataError, UsageError
from finetooth.io import to_json
from finetooth.readers import hub, qa_rows, squad
from finetooth.tasks.qa import TASK
from finetooth.types import Span

DATA = Path(__file__).parents[2] / "shared" / "data" / "squad"
ROW = {
    "id": "q1",
    "context": "Ada left at noon.",
    "question": "Who left?",
    "answers": {"text": ["Ada"], "answer_start": [0]},
}
NOON = {
    **ROW,
    "id": "q2",
    "question": "When?",
    "answers": {"text": ["noon", "at noon"], "answer_start": [12, 9]},
}
QA = {"id": "q1", "question": "Who left?", "answers": [{"text": "Ada", "answer_start": 0}]}


def paragraphs(*qas, context="Ada left at noon.", title="T", **more):
    return {"data": [{"title": title, "paragraphs": [{"context": context, "qas": list(qas)}]}], **more}


@pytest.fixture
def load(tmp_path):
    def load(value, name="data.json", **options):
        path = tmp_path / name
        if isinstance(value, (list, tuple)) and name.endswith("l"):
            value = "\n".join(json.dumps(row) for row in value)
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return readers.load(path, **options)

    return load


def answers(example):
    return [(a.start, a.text) for a in example.target.answers]


# SQuAD


def test_squad_v1(load):
    data = load(paragraphs(QA, version="1.1"))
    assert (data.task, data.format) == ("qa", "squad")
    example = data.examples[0]
    assert (example.id, example.inputs.question, example.inputs.context) == (
        "q1",
        "Who left?",
        "Ada left at noon.",
    )
    assert example.target.answers == (Span(0, 3, "Ada"),)
    assert not example.target.v2
    assert example.meta["title"] == "T"
    assert example.meta["where"].endswith("data.json: data[0].paragraphs[0].qas[0]")


def test_squad_v2(load):
    unanswerable = {"id": "q2", "question": "Who sang?", "is_impossible": True, "answers": []}
    plausible = {**unanswerable, "id": "q3", "plausible_answers": [{"text": "Ada", "answer_start": 0}]}
    del plausible["answers"]
    data = load(paragraphs({**QA, "is_impossible": False}, unanswerable, plausible, version="v2.0"))
    assert [e.target.v2 for e in data.examples] == [True] * 3
    assert [len(e.target.answers) for e in data.examples] == [1, 0, 0]
    assert data.examples[2].meta["plausible_answers"][0]["text"] == "Ada"


def test_a_question_called_answerable_without_an_answer_is_an_error_in_every_format(load, tmp_path, capsys):
    empty = {**QA, "id": "q2", "is_impossible": False, "answers": []}
    none = {**empty, "id": "q3", "is_impossible": True}
    data = load(paragraphs(QA, empty, none, version="v2.0"))
    squad.write(data.examples, tmp_path / "again.json")
    qa_rows.write(data.examples, tmp_path / "again.jsonl")
    for name in ("data.json", "again.json", "again.jsonl"):
        assert main(["check", str(tmp_path / name), "--only", "empty-answer", "--json"]) == 1
        found = json.loads(capsys.readouterr().out)["findings"]
        assert [(f["example_id"], f["message"]) for f in found] == [
            ("q2", "says that it is answerable, has no answer")
        ]


def test_a_set_is_v2_by_its_version_or_by_its_questions(load):
    assert load(paragraphs(QA, version="v2.0")).examples[0].target.v2
    assert load(paragraphs({**QA, "is_impossible": False})).examples[0].target.v2
    assert not load(paragraphs(QA)).examples[0].target.v2


@pytest.mark.parametrize("version", ["2.0", "SQuAD2.0", "squad_v2", 2, "v2.0-dev"])
def test_a_version_that_says_two_in_other_words_is_v2(load, version):
    assert load(paragraphs(QA, version=version)).examples[0].target.v2


def test_one_row_without_an_answer_makes_the_whole_set_v2(load):
    """As evaluate-v2.0.py scores it, whether it comes as SQuAD JSON or as flat rows."""
    none = {"id": "q2", "question": "Who stayed?", "answers": []}
    document = paragraphs(QA, {**none, "is_impossible": True})
    flat = [ROW, {**ROW, "question": "Who stayed?", "answers": {"text": [], "answer_start": []}}]
    for data in (load(document), load(flat, "rows.jsonl")):
        assert [e.target.v2 for e in data.examples] == [True, True]


def test_a_row_that_nobody_has_labelled_stays_so_in_a_set_that_is_v2(load):
    unlabelled = {k: v for k, v in ROW.items() if k != "answers"}
    nothing = {**ROW, "answers": {"text": [], "answer_start": []}}
    data = load([ROW, {**nothing, "question": "Who?"}, {**unlabelled, "question": "When?"}], "rows.jsonl")
    assert [e.target.v2 for e in data.examples] == [True, True, False]


@pytest.mark.parametrize("blank", [{"v2": False}, {}])
def test_a_blank_answer_is_not_called_unanswerable_because_another_question_is(blank, load, tmp_path, capsys):
    empty = {**ROW, **blank, "answers": {"text": [""], "answer_start": [0]}}
    none = {**NOON, "answers": {"text": [], "answer_start": []}}
    said = {**ROW, "id": "q3", "question": "Who was it?", "v2": False}
    data = load([empty, none, {**ROW, "id": "q4", "question": "Who went?"}, said], "rows.jsonl")
    assert [e.target.v2 for e in data.examples] == [False, True, True, False]
    assert next(e.target for e in mend(data).examples) == data.examples[0].target
    found = []
    for stream in ([], ["--stream"]):
        main(["check", str(tmp_path / "rows.jsonl"), "--only", "empty-answer", "--json", *stream])
        found.append([(f["example_id"], f["fix"]) for f in json.loads(capsys.readouterr().out)["findings"]])
    assert found == [[("q1", None)]] * 2
    assert "2 questions said to be v2: false, or with a blank answer" in TASK.notes(data.examples)[0]


def test_answers_of_an_unanswerable_question_are_kept_as_evidence(load):
    example = load(paragraphs({**QA, "is_impossible": True})).examples[0]
    assert example.target.answers == ()
    assert example.meta["impossible_with"] == ["Ada"]
    rows = load([{**ROW, "is_impossible": True}], "rows.jsonl").examples[0]
    assert (rows.target.answers, rows.target.v2) == ((), True)
    assert rows.meta["impossible_with"] == ["Ada"]


def test_questions_of_one_context_share_it(load):
    data = load(paragraphs(QA, {**QA, "id": "q2"}))
    assert data.examples[0].inputs.context is data.examples[1].inputs.context
    rows = load([ROW, NOON], "rows.jsonl")
    assert rows.examples[0].inputs.context is rows.examples[1].inputs.context


def test_what_was_read_of_squad_is_written_again(load, tmp_path):
    value = paragraphs(
        {**QA, "is_impossible": False},
        {"id": "q2", "question": "Who sang?", "answers": [], "is_impossible": True, "plausible_answers": [QA["answers"][0]]},
        version="v2.0",
    )  # fmt: skip
    data = load(value)
    squad.write(data.examples, tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == value


@pytest.mark.parametrize("name", ["v1.1-dev.json", "v2.0-dev.json"])
def test_squad_as_published_comes_back_as_it_was(name, tmp_path):
    if not DATA.exists():
        pytest.skip("no SQuAD here")
    data = readers.load(DATA / name)
    for write, ending in ((squad.write, "json"), (qa_rows.write, "jsonl")):
        write(data.examples, tmp_path / f"again.{ending}")
        again = readers.load(tmp_path / f"again.{ending}")
        assert [(e.id, e.inputs, e.target) for e in again.examples] == [(e.id, e.inputs, e.target) for e in data.examples]  # fmt: skip
        assert again.fingerprint == data.fingerprint


# Rows


DRESSES = {
    "lines": lambda rows: "\n".join(map(json.dumps, rows)),
    "lines, the last one ended, blank ones between": lambda rows: "\n\n".join(map(json.dumps, rows)) + "\n",
    "lines ended as on Windows": lambda rows: "\r\n".join(map(json.dumps, rows)),
    "lines after a byte-order mark": lambda rows: "\ufeff" + "\n".join(map(json.dumps, rows)),
    "a list": json.dumps,
    "a list over many lines": lambda rows: json.dumps(rows, indent=2),
    "a list under data": lambda rows: json.dumps({"data": rows}),
    "with letters escaped and blanks around": lambda rows: f" \n{json.dumps(rows, ensure_ascii=True)}\n ",
}


@pytest.mark.parametrize("dress", DRESSES)
def test_rows_in_all_their_dresses(dress, load):
    data = load(DRESSES[dress]([ROW, {**NOON, "context": "Ada left at noon, in Köln."}]))
    assert data.format == "qa-rows"
    assert [e.id for e in data.examples] == ["q1", "q2"]
    assert answers(data.examples[1]) == [(12, "noon"), (9, "at noon")]
    assert data.examples[1].inputs.context.endswith("Köln.")


def test_one_row_alone_is_a_file(load):
    for name in ("one.json", "one.jsonl"):
        assert [e.id for e in load(json.dumps(ROW), name).examples] == ["q1"]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"text": ["Ada", "Ada left"], "answer_start": [0, 0]}, [(0, "Ada"), (0, "Ada left")]),
        ({"text": "Ada", "answer_start": 0}, [(0, "Ada")]),
        (
            [{"text": "Ada", "answer_start": 0}, {"text": "noon", "answer_start": 12}],
            [(0, "Ada"), (12, "noon")],
        ),
        ({"text": [], "answer_start": []}, []),
        ([], []),
    ],
)
def test_answers_in_all_their_dresses(given, read, load):
    example = load([{**ROW, "answers": given}, ROW], "rows.jsonl").examples[0]
    assert answers(example) == read
    assert example.target.v2 == (not read)


def test_rows_without_answers_are_read_and_say_nothing_of_being_unanswerable(load, tmp_path, capsys):
    bare = {k: v for k, v in NOON.items() if k != "answers"}
    data = load([ROW, bare, {**NOON, "id": "q3", "question": "At?", "answers": None}], "rows.jsonl")
    assert [(len(e.target.answers), e.target.v2) for e in data.examples] == [
        (1, False),
        (0, False),
        (0, False),
    ]
    assert main(["check", str(tmp_path / "rows.jsonl"), "--only", "empty-answer", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [(f["example_id"], f["severity"]) for f in found] == [("q2", "error"), ("q3", "error")]
    assert "nothing says that the question is unanswerable" in found[0]["message"]
    qa_rows.write(data.examples, tmp_path / "again.jsonl")
    assert readers.load(tmp_path / "again.jsonl").fingerprint == data.fingerprint


@pytest.mark.parametrize("key", ["answer", "Answers", "anwsers"])
def test_answers_under_a_name_that_is_nearly_that_are_not_passed_over(key, load):
    bad = {(key if k == "answers" else k): v for k, v in NOON.items()}
    with pytest.raises(
        DataError, match=rf"rows.jsonl:2: answers: found nothing, and a key '{key}' \(did you mean"
    ):
        load([ROW, bad], "rows.jsonl")


def test_parquet_reads_as_the_same_rows(tmp_path, load):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist([ROW, NOON]), tmp_path / "rows.parquet", row_group_size=1)
    data, lines = readers.load(tmp_path / "rows.parquet"), load([ROW, NOON], "rows.jsonl")
    assert [(e.id, e.inputs, e.target) for e in data.examples] == [
        (e.id, e.inputs, e.target) for e in lines.examples
    ]
    assert data.fingerprint == lines.fingerprint
    assert data.examples[1].meta["where"].endswith("rows.parquet[1]")
    contexts = [e.inputs.context for e in data.examples]
    assert contexts[0] is contexts[1]


def test_what_datasets_saved_is_read_without_it(tmp_path, load):
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list([ROW, NOON]).save_to_disk(tmp_path / "saved")
    data, lines = readers.load(tmp_path / "saved"), load([ROW, NOON], "rows.jsonl")
    assert data.fingerprint == lines.fingerprint
    datasets.Dataset.from_list([ROW, NOON]).shuffle(seed=1).save_to_disk(tmp_path / "shuffled")
    assert {e.id for e in readers.load(tmp_path / "shuffled").examples} == {"q1", "q2"}


def test_a_saved_folder_that_leads_out_of_itself_is_refused(tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "state.json").write_text(
        json.dumps({"_data_files": [{"filename": "../other.arrow"}]})
    )
    with pytest.raises(DataError, match="in the folder itself"):
        readers.load(tmp_path / "bad")
    (tmp_path / "bad" / "state.json").write_text("{}")
    with pytest.raises(DataError, match="expected _data_files"):
        readers.load(tmp_path / "bad")


def test_a_folder_with_packed_shards_loses_none_without_a_word(tmp_path):
    line = json.dumps(ROW).encode() + b"\n"
    (tmp_path / "a.jsonl").write_bytes(line)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(line))
    assert [e.id for e in readers.load(tmp_path).examples] == ["q1", "q1#2"]
    (tmp_path / "b.jsonl").write_bytes(line.replace(b'"q1"', b'"q2"'))  # as gunzip -k leaves it
    assert [e.id for e in readers.load(tmp_path).examples] == ["q1", "q2"]
    (tmp_path / "d.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(9))
    with pytest.raises(DataError, match=r"1 file that cannot be read as it is: d\.jsonl\.zst \(unzstd "):
        readers.load(tmp_path)
    (tmp_path / "d.jsonl.zst").unlink()
    (tmp_path / "c.arrow").write_bytes(b"ARROW1\0\0")
    with pytest.raises(DataError, match=r"c\.arrow \(write it as Parquet or JSON Lines; or name one file"):
        readers.load(tmp_path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_files_are_read_as_they_stand(tmp_path, pack, capsys):
    rows = b"".join(json.dumps({**ROW, "id": f"q{i}"}).encode() + b"\n" for i in range(3))
    files = {
        "rows.jsonl": rows,
        "document.json": json.dumps(paragraphs(QA)).encode(),
        "pairs.csv": b"premise,hypothesis,label\nAda left.,Ada went.,entailment\n",
        "columns.conll": b"Ada B-PER\nleft O\n\nBo B-PER\n",
    }
    for name, content in files.items():
        plain, packed = tmp_path / name, tmp_path / f"{name}.packed"
        plain.write_bytes(content)
        packed.write_bytes(pack(content))
        assert readers.load(packed).fingerprint == readers.load(plain).fingerprint
    assert main(["check", str(tmp_path / "rows.jsonl.packed"), "--stream", "--fail-on", "never"]) == 0
    assert "3 examples of qa" in capsys.readouterr().err
    two = pack(rows) + pack(rows.replace(b'"id": "q', b'"id": "r'))  # as cat joins them
    (tmp_path / "two").write_bytes(two)
    assert len(readers.load(tmp_path / "two")) == 6


def packed_with(name):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as f:
        f.writestr(name, "{}")
    return held.getvalue()


@pytest.mark.parametrize(
    ("name", "held", "refused"),
    [
        ("source.zip", packed_with("raw/pages.html"), False),
        ("source.zip", packed_with("data/train-1.jsonl"), False),  # the very file that stands there
        ("cache-1234abcd.arrow", b"ARROW1", False),
        ("cache-12ab_00000_of_00002.arrow", b"ARROW1", False),
        ("source.zip", packed_with("more.jsonl"), True),
        ("source.zip", b"PK broken", True),
        ("train-2.zip", packed_with("rows"), True),
        ("more.jsonl.zip", packed_with("rows"), True),
        ("data-00000-of-00002.arrow", b"ARROW1", True),
    ],
)
def test_what_is_packed_beside_data_and_is_none_is_told_of_and_left_out(
    name, held, refused, tmp_path, capsys
):
    (tmp_path / name).write_bytes(held)
    with pytest.raises(DataError, match="cannot be read as it is"):
        readers.load(tmp_path)  # alone it may be the data
    (tmp_path / "train-1.jsonl").write_text(json.dumps(ROW))
    if refused:
        with pytest.raises(DataError, match="cannot be read as it is"):
            readers.load(tmp_path)
    else:
        assert len(readers.load(tmp_path)) == 1
        assert f"{name} is not read" in capsys.readouterr().err


def test_a_folder_of_shards_is_one_set(tmp_path):
    for i, row in enumerate([ROW, NOON]):
        (tmp_path / f"part-{i}.jsonl").write_text(json.dumps(row))
    (tmp_path / "README.md").write_text("not data")
    assert [e.id for e in readers.load(tmp_path).examples] == ["q1", "q2"]
    (tmp_path / "part-2.json").write_text(json.dumps(paragraphs(QA)))
    with pytest.raises(DataError, match="files of two formats"):
        readers.load(tmp_path)


# Ids


def test_rows_without_ids_get_the_hash_of_what_they_say(load):
    bare = [{k: v for k, v in row.items() if k != "id"} for row in (ROW, NOON)]
    one = load(bare, "a.jsonl")
    other = load(list(reversed(bare)), "b.jsonl")
    assert [e.id for e in one.examples] == [e.id for e in reversed(other.examples)]
    assert all(e.id.startswith("row-") for e in one.examples)
    assert load(paragraphs({k: v for k, v in QA.items() if k != "id"})).examples[0].id == one.examples[0].id
    changed = load([{**bare[0], "question": "Who went?"}], "c.jsonl")
    assert changed.examples[0].id != one.examples[0].id


def test_an_id_that_was_made_does_not_change_with_the_answers(load):
    bare = {k: v for k, v in NOON.items() if k not in ("id", "answers")}
    off = {"text": ["noon"], "answer_start": [11]}
    rows = [{**bare, "answers": NOON["answers"]}, {**bare, "answers": off}, bare]
    one = {load([r], f"{i}.jsonl").examples[0].id for i, r in enumerate(rows)}
    qas = [{"question": "When?", "answers": a} for a in ([], [{"text": "noon", "answer_start": 11}])]
    one |= {load(paragraphs(qa)).examples[0].id for qa in qas}
    assert len(one) == 1
    name = one.pop()
    assert [e.id for e in load(rows, "rows.jsonl").examples] == [name, f"{name}#2", f"{name}#3"]


def test_an_empty_id_and_a_number(load):
    data = load([{**ROW, "id": ""}, {**ROW, "id": None}, {**NOON, "id": 7}], "rows.jsonl")
    assert data.examples[0].id.startswith("row-")
    assert [e.id for e in data.examples[1:]] == [f"{data.examples[0].id}#2", "7"]


def test_ids_that_stand_twice_are_told_apart_and_reported(load, capsys, tmp_path):
    data = load(
        [ROW, {**NOON, "id": "q1"}, {**ROW, "id": "q1#2"}, {**NOON, "id": "q1", "question": "At?"}],
        "rows.jsonl",
    )
    assert [e.id for e in data.examples] == ["q1", "q1#3", "q1#2", "q1#4"]
    assert data.examples[1].meta["given_id"] == "q1"
    assert main(["check", str(tmp_path / "rows.jsonl"), "--only", "duplicate-id", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [(f["example_id"], f["severity"]) for f in found] == [("q1#3", "error"), ("q1#4", "error")]


# emrQA, as it is passed around: no id, answer_end, offsets that may be off


EMR = {
    "context": "RECORD #1\n\nThe patient takes aspirin 81 mg daily.",
    "question": "What does the patient take?",
    "answers": {"text": ["aspirin 81 mg"], "answer_start": [29], "answer_end": [41]},
}


def test_an_end_that_counts_the_last_character_is_read_for_what_it_is(load):
    example = load([EMR, {**EMR, "question": "What else?"}], "emr.jsonl").examples[0]
    assert example.target.answers == (Span(29, 42, "aspirin 81 mg"),)
    assert example.meta["answer_end"] == "counted the last character"
    half_open = {**EMR, "answers": {**EMR["answers"], "answer_end": [42]}}
    assert load([half_open, ROW], "emr.jsonl").examples[0].target.answers == example.target.answers


def test_offsets_that_are_off_are_findings_and_no_reading_errors(load, tmp_path, capsys):
    off = {
        **EMR,
        "question": "Which drug?",
        "answers": {"text": ["aspirin 81 mg"], "answer_start": [26], "answer_end": [39]},
    }
    wrong_end = {
        **EMR,
        "question": "Which dose?",
        "answers": {"text": ["81 mg"], "answer_start": [37], "answer_end": [60]},
    }
    data = load([EMR, off, wrong_end], "emr.jsonl")
    assert main(["check", str(tmp_path / "emr.jsonl"), "--json"]) == 1
    found = {
        f["example_id"]: f
        for f in json.loads(capsys.readouterr().out)["findings"]
        if f["severity"] == "error"
    }
    assert [found[e.id]["check"] for e in data.examples[1:]] == [
        "answer-not-at-offset",
        "answer-end-disagrees",
    ]
    assert found[data.examples[1].id]["fix"] == {"answer": 0, "answer_start": 29}
    assert data.examples[0].id not in found


def test_an_end_that_disagrees_comes_back_as_it_was(load, tmp_path):
    wrong_end = {**EMR, "answers": {"text": ["aspirin"], "answer_start": [29], "answer_end": [60]}}
    data = load([wrong_end, ROW], "emr.jsonl")
    for write, name in ((qa_rows.write, "again.jsonl"), (squad.write, "again.json")):
        write(data.examples, tmp_path / name)
        assert readers.load(tmp_path / name).examples[0].target == data.examples[0].target


# What a program gets that calls the library


def test_a_named_format_must_hold_the_task(load):
    with pytest.raises(UsageError, match="holds qa, not ner"):
        load([ROW], "rows.jsonl", task="ner", format="qa-rows")
    with pytest.raises(UsageError, match="did you mean squad"):
        load([ROW], "rows.jsonl", format="sqaud")


def test_an_error_says_where_what_and_the_cure(load, tmp_path):
    with pytest.raises(DataError) as caught:
        load([ROW, {**NOON, "question": 5}], "rows.jsonl")
    error = caught.value
    assert error.where == f"{tmp_path / 'rows.jsonl'}:2"
    assert error.what == "question: expected a string, found an integer"
    assert error.cure
    assert str(error) == f"{error.where}: {error.what} ({error.cure})"


@pytest.mark.parametrize(
    ("content", "line"), [("{}", ":1"), ("{}\n", ":1"), ("\n\n{}", ":3"), ("{}\n{}", ":1"), ("\n{}", ":2")]
)
def test_one_row_of_lines_has_its_line_as_two_have(content, line, load, tmp_path):
    bad = json.dumps({**ROW, "answers": {"text": ["Ada"]}})
    with pytest.raises(DataError) as caught:
        load(content.replace("{}", bad), "one.jsonl")
    assert caught.value.where == f"{tmp_path / 'one.jsonl'}{line}"


def test_a_list_that_squad_wants_is_shown(load):
    with pytest.raises(
        DataError, match=r"qas\[0\]: answers: expected a list, found a string \(as in \"answers\": "
    ):
        load(paragraphs({**QA, "answers": "Ada"}))
    misspelt = {("answer" if k == "answers" else k): v for k, v in QA.items()}
    with pytest.raises(DataError, match=r"found nothing, and a key 'answer' \(did you mean answers\?"):
        load(paragraphs(misspelt))
    with pytest.raises(DataError, match=r"qas: expected a list, found nothing \(as in \"qas\": "):
        load({"data": [{"paragraphs": [{"context": "Ada left."}]}]})


def test_the_fingerprint_is_of_what_is_said_and_not_of_the_file(load):
    one = load([ROW, NOON], "a.jsonl").fingerprint
    assert load(json.dumps([NOON, ROW][::-1], indent=3), "b.json").fingerprint == one
    assert load([ROW, {**NOON, "question": "When then?"}], "c.jsonl").fingerprint != one
    assert load([NOON, ROW], "d.jsonl").fingerprint != one


# The hub, through a folder in its layout


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("datasets")
    for split, rows in (("train", [ROW, NOON]), ("validation", [NOON])):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / f"{split}.jsonl").write_text("".join(to_json(r) + "\n" for r in rows))
    return tmp_path / "set"


def test_a_hub_data_set_reads_like_a_file(folder):
    data = readers.load(f"hub:{folder}")
    assert (data.format, data.source) == ("qa-rows", f"hub:{folder}@train")
    assert [e.id for e in data.examples] == ["q1", "q2"]
    assert data.fingerprint == readers.load(folder / "train.jsonl").fingerprint
    assert [e.id for e in readers.load(f"hub:{folder}@validation").examples] == ["q2"]
    assert [e.id for e in readers.load(f"hub:{folder}@train[:1]").examples] == ["q1"]
    assert readers.load(f"hub:{folder / 'train.jsonl'}").format == "qa-rows"


def test_what_save_to_disk_wrote_needs_no_hub(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list([ROW, NOON]).save_to_disk(tmp_path / "saved")
    assert [e.id for e in readers.load(f"hub:{tmp_path / 'saved'}").examples] == ["q1", "q2"]
    with pytest.raises(DataError, match="leave out hub: and give "):
        readers.load(f"hub:{tmp_path / 'saved'}@train")


def test_a_format_that_is_none_is_told_those_of_the_task(load):
    with pytest.raises(UsageError, match=r"no format 'x' \(there are: qa-rows, squad\)"):
        load([ROW], "rows.jsonl", task="qa", format="x")


def test_a_split_that_is_not_there(folder):
    with pytest.raises(DataError, match="cannot be loaded"):
        readers.load(f"hub:{folder}@nope")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("hub:squad", ("squad", None, None)),
        ("hub:rajpurkar/squad@validation", ("rajpurkar/squad", None, "validation")),
        ("hub:org/set:sub@train[:100]", ("org/set", "sub", "train[:100]")),
        ("hub:./a@b/c", ("./a@b/c", None, None)),
    ],
)
def test_names_of_the_hub(name, parts):
    assert hub.parse_name(name) == parts


@pytest.mark.parametrize("name", ["hub:", "hub:@train", "hub:squad@", "hub::sub"])
def test_names_that_are_none(name):
    with pytest.raises(UsageError, match="hub:NAME"):
        hub.parse_name(name)
