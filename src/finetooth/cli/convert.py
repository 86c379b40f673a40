"""Writes a data set in another format of its task: CoNLL columns, spans, DocIE, DocRED, our own rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finetooth import readers, registry
from finetooth.cli._labels import Labels, reading
from finetooth.cli._output import Json, emit, printable, say, told_reading
from finetooth.cli._same import differences, in_words
from finetooth.errors import UsageError
from finetooth.text import many

NAMED = 3  # examples by their id


def command(
    data: Annotated[str, typer.Argument(help="A file, a folder, or hub:NAME[:SUBSET][@SPLIT].")],
    to: Annotated[str, typer.Option(help="The format to write.")],
    out: Annotated[Path, typer.Option(help="Where it goes.")],
    task: Annotated[str | None, typer.Option(help="The task, where the content does not tell.")] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content does not tell.")] = None,
    labels: Labels = None,
    json: Json = False,
) -> int:
    dataset = readers.load(data, task=task, format=format, **reading(None, labels))
    writers = {r.name: r for r in registry.readers() if r.task == dataset.task and r.write is not None}
    writer: registry.Reader = registry.pick(to, writers, f"format of {dataset.task} to write")
    if out.exists() and out.resolve() == Path(data).resolve():
        raise UsageError("the data would be written over", where=str(out), cure="give another --out")
    assert writer.write is not None
    writer.write(dataset.examples, out)
    told_reading(dataset)
    found = differences(dataset.examples, readers.load(out, task=dataset.task, format=to).examples)
    if json:
        changed = {name: len(ids) for name, ids in found.changed.items()}
        emit(
            {
                "examples": len(dataset),
                "format": to,
                "out": out,
                "same_after_reading_back": found.same,
                "changed": changed,
            }
        )
        return 0
    say(
        f"{out}: {many(len(dataset), 'example')} of {dataset.task} as {to}; {found.same:,} say the same when read back"
    )
    if found.read != len(dataset):
        say(
            f"{many(found.read, 'example')} came back: ids or texts that make an example of their own are not kept apart"
        )
    for line in in_words(found, named=NAMED):
        say(printable(line))
    return 0
