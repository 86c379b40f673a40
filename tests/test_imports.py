"""Imports go one way, and torch stays out of what must start fast."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "finetooth"
FLOORS = [
    {"types", "errors"},
    {"text", "io", "config", "registry", "machines"},
    {"runs", "tasks", "readers", "checks", "metrics"},
    {"generate", "augment", "teach", "models", "evaluate", "diagnose", "curate"},
    {"train"},
    {"search", "report"},
    {"cli", "__main__"},
]
FLOOR = {name: i for i, floor in enumerate(FLOORS) for name in floor}
TORCH = ("models/", "train/", "diagnose/embeddings.py")
FILES = sorted(p.relative_to(SOURCE).as_posix() for p in SOURCE.rglob("*.py"))


def part(path: str) -> str:
    return path.split("/")[0].removesuffix(".py")


def imports(path: str, *, top_level_only: bool = False) -> list[str]:
    tree = ast.parse((SOURCE / path).read_text("utf-8"))
    skip = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            skip.update(map(id, ast.walk(node)))
        if top_level_only and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            skip.update(map(id, ast.walk(node)))
    names = []
    for node in ast.walk(tree):
        if id(node) in skip:
            continue
        if isinstance(node, ast.Import):
            names += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{a.name}" for a in node.names]
    return names


@pytest.mark.parametrize("path", FILES)
def test_imports_go_one_way(path):
    here = part(path)
    if here == "__init__":
        return
    assert here in FLOOR, f"{path}: a part the design does not know"
    for name in imports(path):
        if name.startswith("finetooth."):
            there = name.split(".")[1]
            if there in FLOOR:
                assert FLOOR[there] <= FLOOR[here], f"{path} imports {name}, which is above it"


@pytest.mark.parametrize("path", FILES)
def test_only_models_and_training_import_torch(path):
    for name in imports(path, top_level_only=path.startswith(TORCH)):
        heavy = name.split(".")[0] in ("torch", "transformers", "peft", "accelerate")
        if heavy and not path.startswith(TORCH):
            pytest.fail(f"{path} imports {name}")


def test_ray_is_imported_late():
    for path in FILES:
        assert not any(n.split(".")[0] == "ray" for n in imports(path, top_level_only=True))


@pytest.mark.parametrize("command", ["--help", "check --help", "score --help"])
def test_starts_without_torch(command):
    code = (
        f"import sys; from finetooth.cli import main; main({command.split()!r}); "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
