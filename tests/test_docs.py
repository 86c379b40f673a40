"""The commands that the pages show are run, as a reader would: one page, one empty folder, top to bottom."""

import re
import shlex
from pathlib import Path

import pytest

from finetooth.cli import main

PAGES = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))


def commands(page):
    """(line, expected exit code) of the fenced ``sh`` blocks; ``# exit 1`` at the end of a line says so."""
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
        for line in block.splitlines():
            if line.startswith("finetooth "):
                line, _, comment = line.partition("  #")
                code = re.search(r"exit (\d)", comment)
                yield line, int(code[1]) if code else 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_commands_of_a_page_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for line, code in commands(page):
        assert main(shlex.split(line)[1:]) == code, f"{line}\n{capsys.readouterr().err}"
