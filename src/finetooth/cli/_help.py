"""What ``finetooth --help`` prints, made from the folder's files without importing them."""

from __future__ import annotations

from pathlib import Path

from finetooth.cli import summary


def overview(commands: dict[str, Path]) -> str:
    width = max(map(len, commands))
    lines = [f"  {name:<{width}}  {summary(path)}" for name, path in commands.items()]
    return "\n".join(
        [
            "finetooth: go over your data with a fine-tooth comb, then fine-tune.",
            "",
            "Usage: finetooth COMMAND [ARGUMENTS]",
            "",
            *lines,
            "",
            "  finetooth COMMAND --help tells all of a command; every command takes --json.",
            "  Exit codes: 0 good, 1 what was checked falls short, 2 bad usage or input, 3 interrupted.",
        ]
    )
