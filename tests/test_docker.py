"""The container runs the commands that everybody runs, from files that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def test_what_is_copied_exists_and_what_is_made_is_a_target():
    for line in re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", DOCKERFILE, re.M):
        for name in line.split():
            assert (ROOT / name).exists(), name
    makefile = (ROOT / "Makefile").read_text("utf-8")
    stamp = re.search(r"^STAMP := (\S+)", makefile, re.M)[1]
    assert f"make PYTHON=python {stamp}" in DOCKERFILE
    (command,) = re.findall(r'^CMD \["make", "(\w+)"\]', DOCKERFILE, re.M)
    assert re.search(rf"^{command}: ", makefile, re.M)


def test_every_file_that_the_installation_depends_on_is_there_before_it():
    needed = re.search(r"^\$\(STAMP\): (.+)", (ROOT / "Makefile").read_text("utf-8"), re.M)[1].split()
    before = DOCKERFILE.partition("RUN python -m venv")[0]
    assert all(name in before for name in needed)


def test_a_later_checkout_does_not_install_again():
    """Files that are copied keep their dates, which make compares with its stamp's."""
    after = DOCKERFILE.partition("\nCOPY --chown=tooth . .\n")[2]
    stamp = re.search(r"^STAMP := (\S+)", (ROOT / "Makefile").read_text("utf-8"), re.M)[1]
    assert f"\nRUN touch {stamp}\n" in after


def test_neither_runs_nor_environments_go_into_the_image():
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert {".git", ".venv", "runs"} <= set(ignored)
