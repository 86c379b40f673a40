"""Reading JSON with its traps named, writing files that are whole or not there, fingerprints."""

import dataclasses
import hashlib
import json
import math
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetooth import io, readers
from finetooth.errors import DataError, UsageError
from finetooth.io import JsonProblem, Source, parse_json
from finetooth.io.classes import of_features
from finetooth.io.kinds import decoded


def problems(text):
    found = []
    value = parse_json(text, "here", problems=found)
    return value, found


# Traps of JSON


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ('{"a": 1, "a": 2}', {"a": 2}, ("duplicate-key", "")),
        ('{"x": [{"a": 1, "b": 2, "a": 3}]}', {"x": [{"a": 3, "b": 2}]}, ("duplicate-key", "x[0]")),
        (r'{"\u0061": 1, "a": 2}', {"a": 2}, ("duplicate-key", "")),
        ('{"x": {"total": NaN}}', {"x": {"total": None}}, ("not-a-number", "x.total")),
        ("[1, -Infinity]", [1, None], ("not-a-number", "[1]")),
        ('{"a": [0, 1e400]}', {"a": [0, None]}, ("not-a-number", "a[1]")),
        ('[{"id": 9007199254740993}]', [{"id": 9007199254740993}], ("huge-integer", "[0].id")),
        ('[-12345678901234567890]', [-12345678901234567890], ("huge-integer", "[0]")),
        (r'{"a": {"b": "x\ud800"}}', {"a": {"b": "x\ud800"}}, ("lone-surrogate", "a.b")),
        (r'{"\udc00": 1}', {"\udc00": 1}, ("lone-surrogate", "\udc00")),
    ],
)  # fmt: skip
def test_what_other_readers_pass_over_is_named_with_its_path(text, value, found):
    got, told = problems(text)
    assert got == value
    assert [(p.kind, p.path) for p in told] == [found]
    if found[0] != "huge-integer":
        with pytest.raises(DataError, match=f"here: {found[0]}"):
            parse_json(text, "here")


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "NaN, {\\"a\\": 1}", "b": "a"}',
        '{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]}',
        "[9007199254740992, -9007199254740992, 1e300, 0.1, 123456789012345]",
        r'["\ud83d\ude00", "\\ud800", "\u00e9"]',
        '{"": 1, " ": 2}',
        "[[[[[[]]]]]]",
        '"[{[{"',
        " 5 ",
    ],
)
def test_what_is_right_is_not_named(text):
    assert problems(text) == (json.loads(text), [])


def test_every_problem_of_a_text_is_told_in_its_order():
    text = r'{"a": NaN, "b": {"c": 1, "c": 2}, "d": ["\ud800", 99999999999999999999], "a": Infinity}'
    found = [(p.kind, p.path) for p in problems(text)[1]]
    assert found == [
        ("not-a-number", "a"),
        ("duplicate-key", "b"),
        ("lone-surrogate", "d[0]"),
        ("huge-integer", "d[1]"),
        ("duplicate-key", ""),
        ("not-a-number", "a"),
    ]
    assert isinstance(problems(text)[1][0], JsonProblem)


def test_any_json_reads_as_the_standard_library_reads_it():
    """Random documents, with all that strings may hold; the traps are looked for where they stand."""
    rng = random.Random(0)
    letters = 'ab"\\{}[],:\n\u00e9😀 N'

    def value(depth):
        kind = rng.randrange(7 if depth else 4)
        if kind == 0:
            return "".join(rng.choices(letters, k=rng.randrange(8)))
        if kind == 1:
            return rng.choice([0, -1, 2**53, 1.5, -2e-8, True, False, None])
        if kind < 4:
            return rng.randrange(10**15)
        size = rng.randrange(4)
        if kind == 4:
            return [value(depth - 1) for _ in range(size)]
        return {"".join(rng.choices(letters, k=3)): value(depth - 1) for _ in range(size)}

    for i in range(300):
        made = {"root": value(5)}
        text = json.dumps(made, ensure_ascii=bool(i % 2), indent=i % 3 or None)
        assert problems(text) == (made, [])
        spoilt = json.dumps({"good": made, "bad": [0, float("nan")]})
        assert [(p.kind, p.path) for p in problems(spoilt)[1]] == [("not-a-number", "bad[1]")]


def test_depth_is_counted_outside_strings():
    assert io.depth_of("[" * 500 + "]" * 500) == 500
    assert io.depth_of(json.dumps(["[{" * 500] * 300)) == 1
    assert io.depth_of(json.dumps([r"\"[{" * 500] * 300)) == 1
    deep = "[" * io.MAX_DEPTH + "]" * io.MAX_DEPTH
    assert parse_json(deep, "here") is not None
    with pytest.raises(DataError, match=f"deeper than {io.MAX_DEPTH}"):
        parse_json(f"[{deep}]", "here")


@pytest.mark.parametrize(
    "text", ['"' + "\\" * 400_001, '"\\"' * 200_000, "{" * 300_000, '["' * 200_000, "[0," * 200_000]
)
def test_hostile_text_is_refused_in_linear_time(text):
    """In a process of its own: what goes wrong here would hang."""
    code = "import sys; from finetooth.io import parse_json\ntry: parse_json(sys.stdin.read(), 'x')\nexcept Exception as e: print(e)"
    done = subprocess.run(
        [sys.executable, "-c", code], input=text, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("x: ")


@pytest.mark.parametrize(
    ("value", "name"),
    [(None, "null"), (True, "true"), ("x", "a string"), (1, "an integer"), (1.5, "a number"), ([], "a list"), ({}, "an object")],
)  # fmt: skip
def test_values_have_names(value, name):
    assert io.json_type(value) == name


# Sources


@pytest.fixture
def source(tmp_path):
    def make(content, name="data"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Source(path)

    return make


def test_a_source_tells_lines_from_documents(source):
    lines = source('{"a": 1}\n{"a": 2}\n')
    assert lines.document is None
    assert lines.first_line_is_json
    assert [row["a"] for _, row in lines.rows()] == [1, 2]
    assert [where.rsplit("/", 1)[1] for where, _ in lines.rows()] == ["data:1", "data:2"]
    over_lines = source('{"a":\n 1}')
    assert over_lines.document == {"a": 1}
    assert [row for _, row in over_lines.rows()] == [{"a": 1}]
    listed = source('[{"a": 1}, {"a": 2}]')
    assert [where.rsplit("/", 1)[1] for where, _ in listed.rows()] == ["data[0]", "data[1]"]
    assert listed.first_row == {"a": 1}


def test_a_file_is_parsed_once_however_many_look_at_it(source, monkeypatch):
    import finetooth.io.source as module

    times = []
    parse = module.parse_with_problems
    monkeypatch.setattr(module, "parse_with_problems", lambda *a: times.append(1) or parse(*a))
    document = source('{"a": 1}')
    for _ in range(3):
        assert document.document == {"a": 1}
        assert document.first_row == {"a": 1}
    assert times == [1]


def test_problems_of_rows_are_handed_over_with_their_place(source):
    told = []
    keep = lambda where, problem: told.append((where.rsplit("/", 1)[1], problem.kind, problem.path))  # noqa: E731
    rows = list(source('{"a": 1}\n{"a": NaN}').rows(problems=keep))
    assert rows[1][1] == {"a": None}
    assert told == [("data:2", "not-a-number", "a")]
    told.clear()
    assert len(list(source('[{"a": 1}, {"a": 1, "a": 2}]').rows(problems=keep))) == 2
    assert told == [("data: [1]", "duplicate-key", "[1]")]
    with pytest.raises(DataError, match=r"data:2: not-a-number"):
        list(source('{"a": 1}\n{"a": NaN}').rows())


def test_line_ends_inside_strings_are_escaped_and_do_not_count(source):
    """U+2028 and its kind end lines for str.splitlines, not for JSON Lines."""
    rows = list(source(json.dumps({"a": "x\u2028y\x85z"}, ensure_ascii=False) + '\n{"a": 2}').rows())
    assert [row["a"] for _, row in rows] == ["x\u2028y\x85z", 2]


@pytest.mark.parametrize(
    ("data", "guess"), [("Où".encode("latin-1"), "ISO-8859-1"), ("“Où”".encode("cp1252"), "WINDOWS-1252")]
)
def test_the_cure_for_a_wrong_encoding_can_be_pasted(data, guess, tmp_path):
    path = tmp_path / "my data.txt"
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        _ = Source(path).text
    assert f"iconv -f {guess} -t UTF-8" in caught.value.cure
    command = caught.value.cure.split(": ", 1)[1]
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "NEW").read_text("utf-8") == data.decode("cp1252")


def test_where_the_byte_is():
    with pytest.raises(DataError, match="byte 0xff at position 6, line 3"):
        decoded(b"a\nb\ncd\xff", "f")
    with pytest.raises(DataError, match=r"byte 0xe9 at position 1 \("):
        decoded(b"a\xe9", "f")


# Writing


def test_what_is_written_can_be_read(tmp_path):
    value = {
        "é": ["😀", 1.5, None, True],
        "n": np.int64(3),
        "a": np.array([1.5, np.nan]),
        "p": Path("x"),
        "t": (1, {2}),
    }
    io.write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {
        "é": ["😀", 1.5, None, True], "n": 3, "a": [1.5, None], "p": "x", "t": [1, [2]],
    }  # fmt: skip
    assert "é" in (tmp_path / "a.json").read_text("utf-8")
    assert io.write_jsonl(tmp_path / "a.jsonl", [{"a": i} for i in range(3)]) == 3
    assert [r["a"] for _, r in Source(tmp_path / "a.jsonl").rows()] == [0, 1, 2]


def test_half_a_pair_is_written_in_escapes(tmp_path):
    io.write_jsonl(tmp_path / "a.jsonl", ["é\ud800", "é"])
    assert (tmp_path / "a.jsonl").read_text("utf-8") == '"\\u00e9\\ud800"\n"é"\n'


def test_dataclasses_and_what_is_no_number():
    @dataclasses.dataclass
    class Point:
        x: float
        y: float

    assert io.to_json([Point(1, math.inf), math.nan]) == '[{"x": 1, "y": null}, null]'


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    io.write_json(path, 1)

    def rows():
        yield "half of it"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        io.write_jsonl(path, rows())
    assert path.read_text() == "1\n"
    assert os.listdir(tmp_path) == ["a.json"]


WRITER = """
import sys
from finetooth.io import atomic
with atomic(sys.argv[1]) as f:
    f.write("x" * 1000)
    f.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=pipe, stdout=pipe, text=True
    ) as child:
        assert child.stdout.readline() == "writing\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert path.read_text() == "old"


def test_links_are_followed_and_folders_made(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    with io.atomic(tmp_path / "link.txt") as f:
        f.write("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"
    io.write_json(tmp_path / "new" / "folder" / "a.json", 1)
    assert (tmp_path / "new" / "folder" / "a.json").exists()
    assert (tmp_path / "new" / "folder" / "a.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("path", ["", "a/b.json/c.json", "\0"])
def test_what_cannot_be_written_is_said_in_one_line(path, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.json").write_text("")
    with pytest.raises(UsageError) as caught:
        io.write_json(tmp_path / path if path else tmp_path, 1)
    assert "\n" not in str(caught.value)


def test_a_pipe_is_written_to_as_it_is():
    command = [sys.executable, "-c", "from finetooth.io import write_json; write_json('/dev/stdout', [1])"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert json.loads(done.stdout) == [1]


# Fingerprints and ids


def sha(data):
    return hashlib.sha256(data).hexdigest()[:16]


def test_a_fingerprint_is_of_values_in_their_order():
    assert io.fingerprint([{"a": 1, "b": 2}]) == io.fingerprint([{"b": 2, "a": 1}])
    assert io.fingerprint([1, 2]) != io.fingerprint([2, 1]) != io.fingerprint([[2, 1]])
    assert io.fingerprint(["a", "b"]) != io.fingerprint(["ab"])
    assert io.fingerprint([{"x": (1, 2.5, "é\ud800")}]) == sha(b'{"x": [1, 2.5, "\\u00e9\\ud800"]}\n')


def test_an_id_is_of_what_is_said():
    assert io.content_id("a", "b") != io.content_id("ab", "") != io.content_id("", "ab")
    assert io.content_id("Who left?", "Ada left.") == "row-" + sha(b"Who left?\x1fAda left.")
    assert io.content_id("\ud800").startswith("row-")


def test_the_fingerprint_of_a_file_is_its_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert io.fingerprint_file(tmp_path / "a").startswith(
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_chunks_are_all_of_it():
    assert [list(c) for c in io.chunks(range(5), 2)] == [[0, 1], [2, 3], [4]]
    assert list(io.chunks([], 2)) == []


# ---- class numbers with names beside them, as the package ``datasets`` writes them


LABEL = {"names": ["O", "B-PER"], "_type": "ClassLabel"}


def with_features(features):
    about = features if isinstance(features, bytes) else json.dumps({"info": {"features": features}}).encode()
    schema = pa.schema(
        [("tokens", pa.list_(pa.string())), ("ner_tags", pa.list_(pa.int64())), ("label", pa.int64())]
    )
    return pa.table(
        {"tokens": [["Ada", "left"]], "ner_tags": [[1, 0]], "label": [-1]},
        schema=schema.with_metadata({"huggingface": about}),
    )


def parquet(table, folder):
    pq.write_table(table, folder / "rows.parquet")
    return folder / "rows.parquet"


def saved(table, folder):
    with pa.ipc.new_stream(folder / "data.arrow", table.schema) as stream:
        stream.write_table(table)
    (folder / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}', "utf-8")
    return folder


@pytest.mark.parametrize("written", [parquet, saved])
@pytest.mark.parametrize(
    "tags", [{"feature": LABEL, "_type": "Sequence"}, {"feature": LABEL, "_type": "List"}, [LABEL]]
)
def test_class_numbers_come_as_their_names(written, tags, tmp_path):
    table = with_features(
        {"ner_tags": tags, "label": LABEL, "tokens": {"feature": {"dtype": "string"}, "_type": "List"}}
    )
    _, row = next(Source(written(table, tmp_path)).rows())
    assert row == {"tokens": ["Ada", "left"], "ner_tags": ["B-PER", "O"], "label": -1}  # -1: no label
    if written is parquet:
        return
    data = readers.load(tmp_path)
    assert (data.task, [e.type for e in data.examples[0].target.entities]) == ("ner", ["PER"])


@pytest.mark.parametrize(
    "about",
    [
        b"no json",
        b"\xff",
        b"[]",
        b'{"info": []}',
        {"ner_tags": [LABEL, LABEL]},
        {"ner_tags": {**LABEL, "names": 5}},
    ],
)
def test_a_note_that_names_no_classes_changes_no_row(about, tmp_path):
    _, row = next(Source(parquet(with_features(about), tmp_path)).rows())
    assert row["ner_tags"] == [1, 0]


def test_classes_inside_objects_are_named_whichever_way_their_lists_come():
    change = of_features(
        {
            "spans": {
                "feature": {"tag": LABEL, "at": {"dtype": "int32", "_type": "Value"}},
                "_type": "Sequence",
            }
        }
    )
    assert change is not None
    assert change({"spans": {"tag": [1, 0], "at": [1, 0]}}) == {
        "spans": {"tag": ["B-PER", "O"], "at": [1, 0]}
    }
    assert change({"spans": [{"tag": 1, "at": 1}]}) == {"spans": [{"tag": "B-PER", "at": 1}]}


@pytest.mark.parametrize("written", [parquet, saved])
@pytest.mark.parametrize(
    ("labels", "read"),
    [
        ({}, ["entailment", "contradiction"]),
        ({"0": "entailed", "2": "not_entailed"}, ["entailed", "not_entailed"]),
        ({"0": "contradiction", "2.0": "entailment"}, ["contradiction", "entailment"]),
        ({"Entailment": "entailed", "2": "not_entailed", "0": "no"}, ["entailed", "not_entailed"]),
    ],
)
def test_a_mapping_of_labels_calls_a_class_by_its_number_or_its_name(written, labels, read, tmp_path):
    label = {"names": ["entailment", "neutral", "contradiction"], "_type": "ClassLabel"}
    about = {"huggingface": json.dumps({"info": {"features": {"label": label}}})}
    table = pa.table({"premise": ["A b.", "C d."], "hypothesis": ["A.", "C."], "label": [0, 2]})
    path = written(table.replace_schema_metadata(about), tmp_path)
    assert [e.target.label for e in readers.load(path, labels=labels).examples] == read
