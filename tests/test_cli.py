"""The command line's contract: what --json prints, exit codes, and that nothing heavy is imported to check data."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from finetooth import registry
from finetooth.cli import commands, main

GOOD = {
    "id": "q1",
    "context": "Ada left at noon.",
    "question": "Who left?",
    "answers": {"text": ["Ada"], "answer_start": [0]},
}
SHIFTED = {**GOOD, "id": "q2", "question": "When was it?", "answers": {"text": ["noon"], "answer_start": [5]}}
CUT = {**GOOD, "id": "q3", "question": "At what hour?", "answers": {"text": ["noo"], "answer_start": [12]}}
DATA = Path(__file__).parents[2] / "shared" / "data" / "squad" / "v1.1-dev.json"


@pytest.fixture
def write(tmp_path):
    def write(*rows, name="data.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(r) + "\n" for r in rows))
        return str(path)

    return write


def told(capsys, *words, code=0):
    """The document of a command with --json; standard output holds nothing else."""
    assert main([*words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


# check --json


def test_check_prints_the_contract_and_nothing_else(write, capsys):
    report = told(capsys, "check", write(GOOD, SHIFTED, CUT), code=1)
    assert set(report) == {"examples", "counts", "findings"}
    assert report["examples"] == 3
    assert report["counts"] == {"error": 1, "warning": 1, "info": 0}
    keys = ["example_id", "check", "severity", "message", "evidence", "fix"]
    assert all(list(finding) == keys for finding in report["findings"])
    first, second = report["findings"]
    assert (first["example_id"], first["check"], first["severity"]) == ("q2", "answer-not-at-offset", "error")
    assert first["fix"] == {"answer": 0, "answer_start": 12}
    assert first["evidence"]["nearest"] == 12
    assert (second["example_id"], second["check"], second["severity"]) == (
        "q3",
        "answer-cut-inside-word",
        "warning",
    )
    assert second["fix"] == {"answer": 0, "answer_start": 12, "text": "noon"}


def test_counts_are_those_of_the_findings(write, capsys):
    report = told(capsys, "check", write(GOOD, SHIFTED, SHIFTED, CUT), code=1)
    for severity, n in report["counts"].items():
        assert n == sum(f["severity"] == severity for f in report["findings"])


@pytest.mark.parametrize(
    ("row", "never", "error", "warning"), [(GOOD, 0, 0, 0), (CUT, 0, 0, 1), (SHIFTED, 0, 1, 1)], ids=["good", "cut", "shifted"]
)  # fmt: skip
def test_the_exit_code_is_that_of_the_worst_finding(row, never, error, warning, write, capsys):
    path = write(row)
    assert main(["check", path]) == error
    assert [main(["check", path, "--fail-on", x]) for x in ("never", "error", "warning")] == [
        never,
        error,
        warning,
    ]


def test_only_and_skip_choose_checks(write, capsys):
    path = write(SHIFTED, CUT)
    only = told(capsys, "check", path, "--only", "answer-cut-inside-word")
    assert {f["check"] for f in only["findings"]} == {"answer-cut-inside-word"}
    skip = told(capsys, "check", path, "--skip", "answer-not-at-offset", "--skip", "answer-cut-inside-word")
    assert skip["findings"] == []
    assert main(["check", path, "--skip", "empty-answer"]) == 1
    assert "skipped empty-answer: asked to" in capsys.readouterr().err


def test_against_another_split(write, capsys):
    here, there = write(GOOD), write({**GOOD, "question": "Who went?"}, name="other.jsonl")
    report = told(capsys, "check", here, "--against", there, code=1)
    assert [f["check"] for f in report["findings"]] == ["context-leakage"]
    assert main(["check", here]) == 0
    assert "skipped context-leakage: needs --against" in capsys.readouterr().err


def test_a_tokenizer_tells_what_no_window_holds(write, tmp_path, capsys):
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    words = [f"w{i}" for i in range(40)]
    bad = {
        **GOOD,
        "context": " ".join(words),
        "answers": {"text": [" ".join(words[5:25])], "answer_start": [15]},
    }
    path = write(bad)
    assert main(["check", path]) == 0
    assert "answer-lost-to-truncation: needs --tokenizer" in capsys.readouterr().err
    wide = ["--tokenizer", str(tmp_path), "--max-length-tokens", "64", "--stride-tokens", "64"]
    assert main(["check", str(path), *wide]) == 2
    assert "--stride-tokens 64 must be below --max-length-tokens 64" in capsys.readouterr().err
    window = ["--tokenizer", str(tmp_path), "--max-length-tokens", "20", "--stride-tokens", "4"]
    report = told(capsys, "check", path, *window, code=1)
    assert [f["check"] for f in report["findings"]] == ["answer-lost-to-truncation"]
    assert told(capsys, "check", path, *window[:2])["findings"] == []
    assert main(["check", path, "--tokenizer", path]) == 2
    assert main(["check", path, "--tokenizer", "starter:nothing"]) == 2
    assert "did you mean" in capsys.readouterr().err


def test_an_option_that_nothing_is_made_of_is_said(write, tmp_path, capsys):
    path = write(GOOD)
    assert main(["check", str(path), "--max-length-tokens", "64"]) == 2
    assert (
        "--max-length-tokens is of the windows of a tokenizer (name it: --tokenizer"
        in capsys.readouterr().err
    )
    assert main(["check", str(path), "--schemas", str(tmp_path / "nodir")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert main(["check", str(path), "--schemas", str(tmp_path)]) == 0
    assert "--schemas is for JSON data" in capsys.readouterr().err


def test_a_run_whose_record_is_damaged_is_not_told_to_train_elsewhere(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text('{"format": ')
    assert main(["report", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "run.json: cannot be read" in said
    assert "out=" not in said


def test_out_writes_what_json_prints(write, tmp_path, capsys):
    path = write(SHIFTED)
    report = told(capsys, "check", path, "--out", str(tmp_path / "found.json"), code=1)
    assert json.loads((tmp_path / "found.json").read_text()) == report


def test_what_a_person_reads(write, capsys):
    assert main(["check", write(GOOD, SHIFTED, CUT, {**CUT, "id": "q4"}), "--show", "1"]) == 1
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("error    answer-not-at-offset  q2  the context has")
    assert sum("q3" in line or "q4" in line for line in lines) == 2, "one of each check is shown"
    assert "warning   answer-cut-inside-word         2" in out
    assert "4 examples of qa (qa-rows)" in err
    assert err.rstrip().endswith("1 error, 3 warning, 0 info")


def test_text_from_the_data_cannot_break_the_lines(write, capsys):
    """Line ends, control codes and half pairs in ids and texts stay inside their line."""
    bad = {**SHIFTED, "id": "a\nb\x1b[0m", "answers": {"text": ["no\x1b[31m\n"], "answer_start": [3]}}
    assert main(["check", write(GOOD, bad), "--only", "answer-not-in-context"]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    lines = out.splitlines()
    assert lines[0].startswith(r"error    answer-not-in-context  a\nb\x1b[0m  ")
    assert lines[1:3] == ["", "severity  check                  findings"]


# checks


def test_checks_lists_all_and_tells_of_each(capsys):
    listed = told(capsys, "checks")["checks"]
    assert {c["check"] for c in listed} == {c.name for c in registry.checks()}
    assert {c["check"] for c in told(capsys, "checks", "--task", "qa")["checks"]} == {c.name for c in registry.checks("qa")}  # fmt: skip
    assert main(["checks", "empty-answer"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("empty-answer (error; qa)")
    assert "Bad: " in page
    assert "Fix: " in page
    assert main(["checks", "emty-answer"]) == 2
    assert "did you mean empty-answer" in capsys.readouterr().err


# The rest of the command line


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for name in commands():
        assert f"\n  {name} " in out
    for name in ("check", "checks"):
        assert main([name, "--help"]) == 0
        assert "--json" in capsys.readouterr().out


def test_what_is_no_command(capsys):
    assert main(["chekc", "x"]) == 2
    assert "did you mean check" in capsys.readouterr().err
    assert main([]) == 2


LIGHT = """
import sys
from finetooth.cli import main
codes = [main(words.split()) for words in sys.argv[1:]]
heavy = {"torch", "transformers", "datasets", "sklearn", "pandas", "polars", "scipy"} & set(sys.modules)
print("heavy:", *sorted(heavy))
sys.exit(max(codes))
"""


@pytest.mark.parametrize(
    "words", [("--help",), ("check --help",), ("check DATA",), ("check DATA --against DATA",)]
)
def test_checking_imports_nothing_heavy(words, write):
    path = write(GOOD, CUT)
    words = [w.replace("DATA", path) for w in words]
    done = subprocess.run([sys.executable, "-c", LIGHT, *words], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1].rstrip() == "heavy:", done.stderr


def test_help_imports_no_command():
    code = "import sys; from finetooth.cli import main; main(['--help']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in ("finetooth.cli.check", "finetooth.readers", "numpy", "typer"):
        assert f"'{name}'" not in done.stdout


def test_a_pipe_that_closes_early_is_no_error(write):
    path = write(*[{**CUT, "id": f"q{i}", "question": f"Who is number {i}?"} for i in range(3000)])
    command = f"{sys.executable} -m finetooth check {path} --json | head -c 100"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stdout.startswith("{")
    assert "Traceback" not in done.stderr


def test_squad_is_checked_as_a_whole(capsys):
    if not DATA.exists():
        pytest.skip("no SQuAD here")
    report = told(capsys, "check", str(DATA))
    assert report["examples"] == 1239
    assert report["counts"]["error"] == 0


def test_what_train_still_needs_is_named_as_it_is_given(capsys):
    assert main(["train", "--task", "qa"]) == 2
    assert "--data FILE and --out RUN are missing" in capsys.readouterr().err


def test_training_ends_with_the_slices_that_a_single_figure_hides():
    from finetooth.cli.train import telling_slices

    def piece(by, name, value, n, width=4.0):
        return {"by": by, "slice": name, "name": "f1", "value": value, "low": value - width, "high": value + width, "n": n}  # fmt: skip

    dev = {
        "scores": [{"name": "exact_match", "value": 50.0}, {"name": "f1", "value": 70.0}],
        "slices": [
            piece("answerable", "has answer", 80.0, 500),
            piece("answerable", "no answer", 60.0, 500),
            piece("question", "why", 40.0, 30),
            piece("question", "how", 30.0, 3),
            piece("question", "who", 68.0, 300),
        ],
    }
    assert telling_slices(dev, "f1") == [
        "has answer: f1 80.00 (n 500); no answer: f1 60.00 (n 500)",
        "clearly below f1 70.00: question why 40.00 (n 30)",
    ]
    assert telling_slices({"scores": dev["scores"]}, "f1") == []


def test_one_is_said_as_one(tmp_path, capsys):
    good = {
        "context": "Ada left.",
        "question": "Who left?",
        "answers": {"text": ["Ada"], "answer_start": [0]},
    }
    bad = {**good, "context": "Bo came.", "question": "Who came?"}
    data = tmp_path / "data.jsonl"
    data.write_text(
        "".join(json.dumps({**row, "id": name}) + "\n" for name, row in (("a", good), ("b", bad)))
    )
    run = ["train", "--task", "qa", "--data", str(data), "--model", "scratch", "--out", str(tmp_path / "run")]
    dev = tmp_path / "dev.jsonl"
    dev.write_text(
        json.dumps({**good, "id": "c", "context": "Cleo sat.", "answers": {"text": [], "answer_start": []}})
    )
    assert main([*run, "--dev", str(dev)]) == 2
    assert ": 1 error in the training data: b answer-not-in-context" in capsys.readouterr().err
    said = tmp_path / "said.json"
    said.write_text(json.dumps({"a": "Ada", "z": "Bo"}))
    assert main(["score", str(said), str(data), "--no-floors", "--resamples", "10"]) == 0
    told = capsys.readouterr().err
    assert "1 of 2 examples has no prediction and counts as wrong" in told
    assert "1 prediction is for an id that is not in" in told
