"""Bad files on the command line: one line that says where, what was expected and found, and the cure; exit code 2.

{"id": "q1", "context": "Ada left.", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [NaN]}}
"""

import bz2
import gzip
import json
import lzma
import os
import pickle

import pytest

from finetooth.cli import main
from finetooth.io import packed, source

QA = {"id": "q1", "question": "Who left?", "answers": [{"text": "Ada", "answer_start": 0}]}
ROW = {
    "id": "q1",
    "context": "Ada left.",
    "question": "Who left?",
    "answers": {"text": ["Ada"], "answer_start": [0]},
}


def squad(**changed):
    paragraph = {"context": "Ada left.", "qas": [{**QA, **changed}]}
    return json.dumps({"version": "1.1", "data": [{"title": "T", "paragraphs": [paragraph]}]})


def row(**changed):
    return json.dumps({**ROW, **changed})


def answers(*texts, **more):
    return row(answers={"text": list(texts), "answer_start": [0] * len(texts), **more})


def answer(**changed):
    return squad(answers=[{"text": "Ada", "answer_start": 0, **changed}])


OPEN, SHUT = "[" * 100_000, "]" * 100_000
QAS = "data[0].paragraphs[0].qas[0]"
START = f"{QAS}.answers[0]"
TWO = row(question="Où?")  # \u00f9 in JSON; in the encodings below the letter itself
RAW = json.dumps({**ROW, "question": "Où?"}, ensure_ascii=False)

# (what is wrong, the file's name, its content, what the line must say: where, expected or found, the cure)
FILES = [
    # Cut off
    ("cut after the first brace", "a.json", "{", ("line 1, column 2", "found the end", "cut off")),
    ("cut inside a string", "a.json", squad()[:45], ("unterminated string", "cut off")),
    ("cut before a bracket", "a.json", squad()[:-2], ("expecting ',' delimiter", "the end", "cut off")),
    ("cut in the second row", "a.jsonl", f"{row()}\n{row()[:60]}", ("a.jsonl:2:", "column 61", "cut off")),
    ("cut in the only row", "a.jsonl", row()[:60], ("a.jsonl: not JSON", "cut off")),
    # Encodings
    ("UTF-16 with a mark", "a.json", squad().encode("utf-16"), ("UTF-16", "UTF-8", "iconv -f UTF-16 ")),
    ("UTF-16 without a mark", "a.json", squad().encode("utf-16-le"), ("UTF-16LE", "iconv -f UTF-16LE")),
    ("UTF-16 the other way", "a.jsonl", row().encode("utf-16-be"), ("UTF-16BE", "iconv -f UTF-16BE")),
    ("UTF-32", "a.json", squad().encode("utf-32"), ("UTF-32", "iconv")),
    ("Latin-1", "a.json", RAW.encode("latin-1"), ("not UTF-8", "byte 0xf9", "iconv -f ISO-8859-1")),
    ("Latin-1 later", "a.jsonl", f"{row()}\n".encode() + RAW.encode("latin-1"), ("a.jsonl:2:", "byte 0xf9")),
    ("Windows", "a.jsonl", RAW.replace("ù", "“").encode("cp1252"), ("byte 0x93", "iconv -f WINDOWS-1252")),
    # JSON that other readers pass over
    ("NaN", "a.json", squad().replace("start\": 0", "start\": NaN"), ("NaN", START, "write null")),
    ("NaN in a row", "a.jsonl", row().replace("[0]", "[NaN]"), ("NaN", "answers.answer_start[0]")),
    ("infinity", "a.jsonl", f"{row()}\n{row().replace('[0]', '[-Infinity]')}", ("a.jsonl:2:", "-Infinity")),
    ("beyond a double", "a.jsonl", row().replace("[0]", "[1e999]"), ("1e999", "write null")),
    ("a key twice", "a.json", squad().replace('"id"', '"id": "x", "id"'), ("'id' stands twice", QAS, "keep one")),
    ("a key twice in a row", "a.jsonl", row().replace('"id"', '"id": 1, "id"'), ("'id' stands twice", "keep")),
    ("half a pair", "a.json", squad(question="\ud800"), ("lone-surrogate", f"{QAS}.question", "both halves")),
    ("half a pair in an id", "a.jsonl", row(id="\udc00"), ("lone-surrogate", "at id", "both halves")),
    ("half a pair as bytes", "a.jsonl", RAW.replace("ù", "\ud800"), ("lone-surrogate", "byte 51")),
    ("5,000 digits", "a.json", answer(answer_start=0).replace(": 0", f": {'9' * 5000}"), ("5,000 digits",)),
    ("30 digits", "a.json", answer(answer_start=int("9" * 30)), (START, "an offset", "30 digits")),
    ("30 digits below zero", "a.jsonl", row().replace("[0]", f"[-{'9' * 30}]"), ("answers[0]", "30 digits")),
    ("100,000 lists", "a.json", OPEN + SHUT, ("deeper than 200", "flatten")),
    ("100,000 objects", "a.json", '{"data":' * 100_000 + "1" + "}" * 100_000, ("deeper than 200",)),
    ("100,000 lists left open", "a.json", OPEN, ("deeper than 200",)),
    ("100,000 lists in row 2", "a.jsonl", f"{row()}\n{row().replace('[0]', OPEN + SHUT)}", ("a.jsonl:2:", "deeper")),
    ("100,000 lists as an offset", "a.json", squad().replace(": 0", f": {OPEN + SHUT}"), ("deeper",)),
    # Not quite JSON
    ("single quotes", "a.json", squad().replace('"', "'"), ("double quotes", "column 2", "not with print")),
    ("a comma too many", "a.json", squad()[:-1] + ",}", ("found '}'", "take out the comma")),
    ("a comma after each row", "a.jsonl", f"{row()},\n{row()},", ("extra data", "without commas")),
    ("two documents on one line", "a.json", row() + row(), ("extra data", "one row a line")),
    ("rows over several lines", "a.json", "\n".join([json.dumps(ROW, indent=1)] * 2), ("line 14", "one row a line")),
    ("a control character", "a.json", squad().replace("Who", "Wh\x01o"), ("control character", r"\u0001")),
    ("a zero byte far on", "a.jsonl", f"{row()}\n" * 2000 + "\0", ("a.jsonl:2001:", "found '\\x00'")),
    ("no JSON in row 2", "a.jsonl", f"{row()}\n{{bad", ("a.jsonl:2:", "found 'b'", "JSON library")),
    ("a number in row 2", "a.jsonl", f"{row()}\n5", ("a.jsonl:2:", "an object, found an integer", "leave it out")),
    ("a comment", "a.json", f"// mine\n{squad()}", ("unknown format", "// mine", "--format")),
    # Wrong types: in SQuAD's JSON
    ("context: 5", "a.json", squad().replace('"Ada left."', "5"), ("paragraphs[0]: context", "found an integer")),
    ("question: null", "a.json", squad(question=None), (QAS, "question: expected a string, found null")),
    ("answers: text", "a.json", squad(answers="Ada"), (QAS, "answers: expected a list, found a string")),
    ("answers of texts", "a.json", squad(answers=["Ada"]), (START, "an object, found a string")),
    ("answers missing", "a.json", squad().replace('"answers"', '"answer"'), (QAS, "found nothing")),
    ("offset: text", "a.json", answer(answer_start="0"), (START, "an integer, found a string", '0, not 0.0 or "0"')),
    ("offset: 0.0", "a.json", answer(answer_start=0.0), (START, "an integer, found a number")),
    ("offset: true", "a.json", answer(answer_start=True), (START, "an integer, found true")),
    ("offset missing", "a.json", squad(answers=[{"text": "Ada"}]), (START, "found no answer_start")),
    ("end: text", "a.json", answer(answer_end="3"), (START, "answer_end: expected an integer, found a string")),
    ("id: a list", "a.json", squad(id=[1]), (QAS, "id: expected a string, found a list")),
    ("impossible: text", "a.json", squad(is_impossible="no"), (QAS, "true or false, found a string")),
    ("paragraphs: null", "a.json", '{"data": [{"paragraphs": null}]}', ("data[0]", "a list, found null")),
    ("a paragraph: text", "a.json", '{"data": [{"paragraphs": ["x"]}]}', ("paragraphs[0]", "found a string")),
    ("an article: 5", "a.json", '{"data": [{"paragraphs": []}, 5]}', ("data[1]", "found an integer")),
    ("no articles", "a.json", '{"data": []}', ("no examples", "right file")),
    # Wrong types: in rows
    ("row with context: 5", "a.jsonl", f"{row()}\n{row(context=5)}", ("a.jsonl:2: context", "found an integer")),
    ("row without question", "a.jsonl", f'{row()}\n{{"a": 1}}', ("a.jsonl:2: question", "found nothing")),
    ("more texts than offsets", "a.jsonl", answers("a", "b", answer_start=[0]), ("equal length, found 2 and 1",)),
    ("no offsets", "a.jsonl", row(answers={"text": ["Ada"]}), ("found 1 and null", "its answer_start")),
    ("answers: a text", "a.jsonl", row(answers="Ada"), ("an object with text", "found a string")),
    ("a text: a list", "a.jsonl", answers(["Ada"]), ("answers[0]: text", "found a list")),
    ("ends: text", "a.jsonl", answers("Ada", answer_end=["2"]), ("answer_end", "found a string")),
    ("ends: too many", "a.jsonl", answers("Ada", answer_end=[2, 3]), ("as many answer_end", "found 2 and 1")),
    ("id: true", "a.jsonl", row(id=True), ("id: expected a string, found true",)),
    ("id: 1.5", "a.jsonl", row(id=1.5), ("id: expected a string, found a number",)),
    ("v2: text", "a.jsonl", row(v2="false"), ("v2: expected true or false, found a string",)),
    ("an answer without offset", "a.jsonl", row(answers=[{"text": "Ada"}]), ("text and answer_start in each",)),
    ("a list of numbers", "a.json", "[1, 2]", ("a.json[0]", "an object, found an integer")),
    ("wrapped rows, one a number", "a.json", f'{{"data": [{row()}, 5]}}', ("data[1]", "found an integer")),
    # Empty, or something else
    ("empty", "a.json", "", ("is empty", "how it was written")),
    ("blanks", "a.json", "  \n\n ", ("white space", "how it was written")),
    ("null", "a.json", "null", ("unknown format", "'null'", "--format")),
    ("an empty object", "a.json", "{}", ("unknown format", "without keys")),
    ("an empty list", "a.json", "[]", ("expected rows, found none", "right file")),
    ("other keys", "a.jsonl", '{"a": 1}\n{"a": 2}', ("unknown format", "the keys a", "qa-rows")),
    ("prose", "a.txt", "Dear Bo,\nhow are you?", ("unknown format", "Dear Bo", "squad")),
    ("a table", "a.csv", "id,question,context\n1,a,b", ("questions as CSV", "to_json")),
    ("a page", "a.html", "<!doctype html><p>404</p>", ("unknown format", "<!doctype")),
    ("bytes", "a.bin", bytes(range(256)) * 9, ("zero byte at 0", "JSON Lines")),
    ("a picture", "a.json", b"\x89PNG\r\n\x1a\n" + bytes(30), ("binary", "expected text or Parquet")),
    ("gzip, cut", "a.json.gz", gzip.compress(squad().encode())[:-20], ("packing ends too soon", "download it again")),
    ("gzip, broken", "a.json.gz", gzip.compress(b"x" * 99)[:-8] + bytes(8), ("packing is broken", "download it again")),
    ("gzip in gzip", "a.json.gz", gzip.compress(gzip.compress(squad().encode())), ("gzip", "gunzip -k")),
    ("gzip of nothing", "a.json.gz", gzip.compress(b""), ("white space", "how it was written")),
    ("gzip of Parquet", "a.parquet.gz", gzip.compress(b"PAR1xxxxPAR1"), ("a packed Parquet file", "unpack it")),
    ("a packed archive", "a.tar.gz", gzip.compress(b"a.json".ljust(257, b"\0") + b"ustar" + bytes(250)), ("a tar archive", "tar -xf")),
    ("xz, broken", "a.json.xz", lzma.compress(b"x" * 99)[:-30] + bytes(30), ("packing is broken", "download it again")),
    ("zstd", "a.json.zst", b"\x28\xb5\x2f\xfd" + bytes(30), ("zstd", "unzstd")),
    ("zip", "a.json", b"PK\x03\x04" + bytes(30), ("zip", "unzip")),
    ("a pickle", "a.pkl", pickle.dumps(ROW), ("pickle", "never loads")),
    ("a pointer", "a.json", "version https://git-lfs.github.com/spec/v1\noid", ("Git LFS", "git lfs pull")),
    ("a broken table", "a.parquet", b"PAR1xxxxPAR1", ("not a readable Parquet file", "write it again")),
]  # fmt: skip


def refused(path, capsys, *words, options=(), large=False):
    """Checks it with and without --json (large files only with); both must say the same one line."""
    if not large:
        assert main(["check", str(path), *options]) == 2
        plain = capsys.readouterr()
        assert plain.out == ""
    assert main(["check", str(path), "--json", *options]) == 2
    out, err = capsys.readouterr()
    if not large:
        assert plain.err == err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    error = json.loads(out)
    assert set(error) == {"error"}
    assert set(error["error"]) == {"what", "where", "cure"}
    assert error["error"]["what"]
    assert error["error"]["cure"]
    for word in words:
        assert word in err
    return error["error"]


@pytest.mark.parametrize(("name", "content", "words"), [f[1:] for f in FILES], ids=[f[0] for f in FILES])
def test_a_bad_file_is_refused_in_one_line(name, content, words, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    assert str(path) in refused(path, capsys, *words)["where"]


@pytest.mark.parametrize("format", ["squad", "qa-rows"])
@pytest.mark.parametrize(
    "content", ["{", "[1]", "5", "nothing", "\x01", '{"data": 5}', '{"data": [5]}', "[]"]
)
def test_a_named_format_refuses_what_it_is_not(content, format, tmp_path, capsys):
    path = tmp_path / "a"
    path.write_text(content)
    refused(path, capsys, options=["--format", format])


def test_a_line_of_50_mb(tmp_path, capsys):
    """As a row of several it is named by its line, in a document by its place; neither fills the memory."""
    rows, listed, document = tmp_path / "rows.jsonl", tmp_path / "list.json", tmp_path / "squad.json"
    huge = "x" * 50_000_000
    rows.write_text(f"{row(context=huge)}\n{row()}")
    refused(rows, capsys, "rows.jsonl:1:", "at most 32 MB", large=True)
    listed.write_text(f"[{row(context=huge)}]")
    refused(listed, capsys, "list.json[0]: context: 50,000,000 characters", "split it", large=True)
    document.write_text(squad().replace("Ada left.", huge))
    refused(document, capsys, "data[0].paragraphs[0]: context: 50,000,000 characters", large=True)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize(
    ("name", "start"), [("a.jsonl", f"{row()}\n{row()}\n"), ("a.json", squad()), ("a.conll", "Ada B-PER\n\n")]
)
def test_a_small_packed_file_that_holds_far_more_is_refused(tmp_path, capsys, monkeypatch, pack, name, start):
    monkeypatch.setattr(packed, "FREE_BYTES", 1 << 20)
    monkeypatch.setattr(packed, "MAX_RATIO", 2)
    path = tmp_path / name
    path.write_bytes(pack(start.encode() + b"\n" * (3 << 20)))
    refused(
        path, capsys, "unpacks to more than 1 MB, far more than its size on disk lets expect", "unpack it"
    )
    monkeypatch.setattr(source, "MAX_FILE_BYTES", 1 << 19)
    error = refused(path, capsys, "unpacks to more than 0 MB", "split it")
    assert "far more" not in error["what"]


def parquet(path, columns, **options):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path, **options)
    return path


def test_a_small_table_that_unpacks_to_gigabytes(tmp_path, capsys):
    """One megabyte 300 times, compressed to a few bytes each, and a million rows of one letter."""
    page = {"question": ["Who?"] * 300, "context": ["a" * 1_000_000] * 300}
    wide = parquet(
        tmp_path / "wide.parquet", page, compression="zstd", use_dictionary=False, write_statistics=False
    )
    assert wide.stat().st_size < 300_000
    refused(wide, capsys, "unpacks to", "JSON Lines", large=True)
    import pyarrow as pa

    of_one = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), ["a"])
    long = parquet(tmp_path / "long.parquet", {"question": of_one, "context": of_one})
    assert long.stat().st_size < 100_000
    refused(long, capsys, "unpacks to", "JSON Lines", large=True)


def test_a_bomb_inside_lists_of_answers(tmp_path, capsys):
    """3,000 answers, each the same megabyte, which the file holds once."""
    import pyarrow as pa

    size = 3000
    text = pa.DictionaryArray.from_arrays(pa.array([0] * size, pa.int32()), ["a" * 1_000_000])
    ends = pa.array(range(size + 1), pa.int32())
    lists = [pa.ListArray.from_arrays(ends, values) for values in (text, pa.array([0] * size))]
    answers = pa.StructArray.from_arrays(lists, ["text", "answer_start"])
    rows = {"question": ["Who?"] * size, "context": [f"Ada {i}" for i in range(size)], "answers": answers}
    path = parquet(tmp_path / "nested.parquet", rows)
    assert path.stat().st_size < 300_000
    refused(path, capsys, "unpacks to", "JSON Lines", large=True)


def test_tables_without_what_is_needed(tmp_path, capsys):
    good = {"question": ["Who left?"], "context": ["Ada left."]}
    refused(parquet(tmp_path / "a.parquet", {"a": [1]}), capsys, "unknown format", "the keys a")
    refused(parquet(tmp_path / "b.parquet", {**good, "context": [5]}), capsys, "[0]: context", "an integer")
    refused(parquet(tmp_path / "c.parquet", {**good, "context": [b"\xff"]}), capsys, "found bytes")
    nulls = {"question": ["Who?", "Who?"], "context": ["Ada", None]}
    refused(parquet(tmp_path / "d.parquet", nulls), capsys, "[1]: context", "found null")
    whole = parquet(tmp_path / "e.parquet", good).read_bytes()
    (tmp_path / "f.parquet").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "f.parquet", capsys, "not a readable Parquet file")


def test_places_that_hold_no_data(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.json").write_text(squad())
    refused("dota.json", capsys, "no such file", "did you mean data.json?")
    refused("/dev/null", capsys, "neither a file nor a folder", "save it to a file")
    refused("a\0b", capsys, "no such file")
    refused("x" * 5000, capsys, "name too long")
    refused("hub:", capsys, "hub:NAME[:SUBSET][@SPLIT]")
    (tmp_path / "empty").mkdir()
    refused("empty", capsys, "a folder without data files", "check the path")
    (tmp_path / "above" / "below").mkdir(parents=True)
    refused("above", capsys, "a folder without data files", "name one of its folders: below")
    (tmp_path / "both").mkdir()
    for name in ("train.json", "dev.json"):
        (tmp_path / "both" / name).write_text(squad())
    refused("both", capsys, "several splits: dev.json, train.json", "--against")
    os.symlink("round", tmp_path / "round")
    refused("round", capsys, "no such file", "levels of symbolic links")


def test_bad_usage_is_refused_alike(tmp_path, capsys):
    path = tmp_path / "a.json"
    path.write_text(squad())
    refused(path, capsys, "there is no task 'aq'", "did you mean qa?", options=["--task", "aq"])
    refused(path, capsys, "there is no format 'sqad'", "did you mean squad", options=["--format", "sqad"])
    refused(path, capsys, "holds qa, not ner", options=["--task", "ner", "--format", "squad"])
    refused(path, capsys, "unknown format for the task ner", options=["--task", "ner"])
    refused(path, capsys, "no check 'empty-anser'", "empty-answer?", options=["--only", "empty-anser"])
    refused(path, capsys, "'sometimes'", "--help", options=["--fail-on", "sometimes"])
    refused(path, capsys, "No such option", options=["--agains", "x"])
    refused(path, capsys, "no such file", options=["--against", str(tmp_path / "b.json")])


def test_what_looks_bad_and_is_fine(tmp_path, capsys):
    """A byte-order mark, blank lines, a number as id, one row without a line end, CRLF between rows."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf" + row(id=7).encode() + b"\r\n\r\n\n" + row(context="Ada left! ").encode()
    )
    assert main(["check", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["examples"] == 2
    path = tmp_path / "b.json"
    path.write_bytes(b"\xef\xbb\xbf" + squad().encode())
    assert main(["check", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "examples": 1, "counts": {"error": 0, "warning": 0, "info": 0}, "findings": [],
    }  # fmt: skip
