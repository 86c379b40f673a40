"""The command line: one file a command. A file binds ``command``, a function with typer's annotations.

The first line of its docstring is its help. Files are only imported when their command is called,
so ``finetooth --help`` stays fast and ``finetooth check`` never sees torch.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

HERE = Path(__file__).parent
STAGES = [
    "demo",
    "check",
    "fix",
    "generate",
    "augment",
    "teach",
    "doctor",
    "estimate",
    "pretrain",
    "train",
    "score",
    "evaluate",
    "predict",
    "map",
    "cluster",
    "diagnose",
    "curate",
    "search",
    "compare",
    "report",
    "leaderboard",
    "export",
]


def commands() -> dict[str, Path]:
    """Command name -> its file, in the order of the loop, others after."""
    files = {p.stem.rstrip("_").replace("_", "-"): p for p in HERE.glob("*.py") if not p.stem.startswith("_")}
    place = {name: i for i, name in enumerate(STAGES)}
    return dict(sorted(files.items(), key=lambda item: (place.get(item[0], 99), item[0])))


def summary(path: Path) -> str:
    """The first line of a command's docstring, read without importing it."""
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]


def main(argv: list[str] | None = None) -> int:
    """Runs a command line and returns its exit code: 0 good, 1 falls short, 2 bad input, 3 interrupted."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ("--help", "-h", "help"):
        from finetooth.cli._help import overview

        print(overview(commands()))
        return 0 if argv else 2
    if argv[0] in ("--version", "-V"):
        from finetooth import __version__

        print(f"finetooth {__version__}")
        return 0
    from finetooth.cli._run import run

    return run(argv, commands())


def entry() -> None:
    """The console script."""
    sys.exit(main())
