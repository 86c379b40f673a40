"""Ranks runs of the same data and metric, with intervals and floors, as Markdown, HTML or JSON."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from finetooth.cli._output import Json, emit, say
from finetooth.errors import UsageError


class Form(StrEnum):
    markdown = "markdown"
    html = "html"


def command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.")],
    form: Annotated[Form, typer.Option(help="How to write it.")] = Form.markdown,
    out: Annotated[Path | None, typer.Option(help="A file instead of standard output.")] = None,
    split: Annotated[str, typer.Option(help="The split whose scores are ranked.")] = "dev",
    json: Json = False,
) -> int:
    from finetooth import io
    from finetooth.report import leaderboard

    rows = leaderboard.entries(runs, split=split)
    if not rows:
        raise UsageError(f"no run has scores for the split {split!r}", cure="evaluate them first")
    without = len(runs) - len(rows)
    if without:
        say(f"{without} of {len(runs)} runs have no scores for {split!r} and are not listed")
    if json:
        emit({"entries": [{**io.plain(e), "above_floor": e.above_floor} for e in rows]})
        return 0
    text = leaderboard.html(rows) if form is Form.html else leaderboard.markdown(rows)
    if out is None:
        print(text, end="")
    else:
        with io.atomic(out) as f:
            f.write(text)
        say(str(out))
    return 0
