"""Makes the fixes that the checks propose, checks again, and writes what came of it."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth import readers, registry
from finetooth.cli._labels import reading
from finetooth.cli._output import Json, emit, printable, say, table, told_notes
from finetooth.curate.columns import columns
from finetooth.curate.mend import mend
from finetooth.errors import UsageError
from finetooth.io import write_jsonl
from finetooth.text import many


class Severity(StrEnum):
    error = "error"
    warning = "warning"


def command(
    data: Annotated[str, typer.Argument(help="A file, a folder, or hub:NAME[:SUBSET][@SPLIT].")],
    out: Annotated[Path, typer.Option(help="Where the mended rows go, as JSONL.")],
    severity: Annotated[
        Severity, typer.Option(help="Mend what is as bad as this, or worse.")
    ] = Severity.error,
    only: Annotated[list[str] | None, typer.Option(help="Only this check (repeat for more).")] = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="Leave out the rows that stay wrong; each is named.")
    ] = False,
    task: Annotated[str | None, typer.Option(help="The task, where the content does not tell.")] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content does not tell.")] = None,
    schemas: Annotated[Path | None, typer.Option(help="A folder of JSON Schemas.")] = None,
    json: Json = False,
) -> int:
    """Exit code 1 where findings of that severity are left. Beside FILE: FILE.changes.jsonl, FILE.dropped.jsonl."""
    if Path(data).exists() and out.exists() and out.samefile(data):
        raise UsageError(f"{out}: would be written over itself", cure="give another --out")
    options = reading(schemas)
    dataset = readers.load(data, task=task, format=format, **options)
    told_notes(dataset)
    mended = mend(dataset, severity=severity.value, only=only or (), drop=drop)
    to_row = registry.task(dataset.task).to_row
    changes = [c.to_json() for c in mended.changes]
    dropped = [{"example_id": d.example_id, "stage": d.stage, "reason": d.reason} for d in mended.dropped]
    kept = columns(data, dataset, **options)
    write_jsonl(out, (kept.row(e, to_row(e)) for e in mended.examples))
    for name, rows in (("changes", changes), ("dropped", dropped)):
        write_jsonl(out.with_name(f"{out.stem}.{name}.jsonl"), rows)
    if json:
        left = [{"example_id": f.example_id, "check": f.check, "message": f.message} for f in mended.left]
        emit(
            {
                "examples": len(mended.examples),
                "changes": changes,
                "dropped": dropped,
                "left": left,
                "columns": kept.to_json(),
            }
        )
    else:
        _print(mended)
        for line in kept.sentences:
            say(printable(line))
        say(
            f"{out}: {len(mended.examples):,} of {len(dataset):,} rows, {many(len(changes), 'fix', 'fixes')} made "
            f"({out.stem}.changes.jsonl), {many(len(dropped), 'row')} left out, {many(len(mended.left), 'finding')} left"
        )
    return int(bool(mended.left))


def _print(mended: Any) -> None:
    tally: Counter[tuple[str, str]] = Counter()
    tally.update((c.finding.check, "mended") for c in mended.changes)
    tally.update((d.reason.split(":")[0], "left out") for d in mended.dropped)
    tally.update((f.check, "left") for f in mended.left)
    names = sorted({name for name, _ in tally})
    what = ("mended", "left out", "left")
    if names:
        print(table(("check", *what), [(n, *(tally[n, w] for w in what)) for n in names]))
