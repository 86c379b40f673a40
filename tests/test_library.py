"""What the package offers by one name, and what the pages must not hold."""

import re
import subprocess
import sys
from pathlib import Path

import finetooth
from finetooth.io import write_jsonl

ROOT = Path(__file__).parents[1]


def test_data_are_loaded_checked_and_mended_in_three_lines(tmp_path):
    row = {
        "id": "a",
        "context": "Ada left.",
        "question": "Who left?",
        "answers": {"text": ["Ada"], "answer_start": [4]},
    }
    write_jsonl(tmp_path / "rows.jsonl", [row])
    data = finetooth.load(tmp_path / "rows.jsonl")
    assert [f.check for f in finetooth.check(data).findings if f.severity == "error"] == [
        "answer-not-at-offset"
    ]
    assert finetooth.mend(data).examples[0].target.answers[0].start == 0
    assert {"load", "check", "mend", "score"} <= set(dir(finetooth))


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, finetooth; print([m for m in ('torch', 'numpy', 'pydantic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_no_page_is_unfinished():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        assert not re.search(r"[A-Z]+_HERE|TODO|FIXME|XXX", page.read_text("utf-8")), page.name
