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

    rows, left = leaderboard.board(runs, split=split)
    if not rows:
        if len(left) == 1:
            raise UsageError(left[0].why, where=str(runs[0]), cure="give the folder that train made")
        why = "; ".join(f"{x.folder}: {x.why}" for x in left[:3])
        raise UsageError(f"none of the {len(left)} folders can be ranked ({why})", cure="evaluate them first")
    for x in left:
        say(f"not ranked: {x.folder}: {x.why}")
    if json:
        emit(
            {
                "entries": [{**io.plain(e), "above_floor": e.above_floor} for e in rows],
                "not_ranked": [io.plain(x) for x in left],
            }
        )
        return 0
    text = (leaderboard.html if form is Form.html else leaderboard.markdown)(rows, left)
    if out is None:
        print(text, end="")
    else:
        with io.atomic(out) as f:
            f.write(text)
        say(str(out))
    return 0
