"""Writes a run's report (one HTML page) and its model card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finetooth.cli._output import Json, emit, say
from finetooth.errors import UsageError


def command(
    run: Annotated[Path, typer.Argument(help="The run folder.")],
    out: Annotated[Path | None, typer.Option(help="The page; RUN/report.html where not given.")] = None,
    card: Annotated[bool, typer.Option(help="Whether to write the model card RUN/README.md.")] = True,
    license: Annotated[
        str | None, typer.Option(help="The licence of the model, as the Hub names it: apache-2.0, mit ...")
    ] = None,
    dataset: Annotated[
        list[str] | None, typer.Option(help="A data set's name on the Hub, for the card; may be repeated.")
    ] = None,
    json: Json = False,
) -> int:
    from finetooth.report import card as cards
    from finetooth.report import html
    from finetooth.report.collect import collect

    said = cards.Said(license or "", tuple(dataset or ()))
    if out is not None and out.is_dir():
        raise UsageError("a folder, expected a file to write", where=str(out), cure="add a file name")
    shown = collect(run)
    page = out or run / "report.html"
    html.write(shown, page)
    if card:
        cards.write(shown, run / "README.md", said)
    size = page.stat().st_size
    if json:
        emit(
            {
                "report": page,
                "bytes": size,
                "card": run / "README.md" if card else None,
                "verdict": html.verdict(shown),
            }
        )
    else:
        print(html.verdict(shown))
        say(f"{page} ({size / 2**20:.1f} MB)" + (f" and {run / 'README.md'}" if card else ""))
    return 0
