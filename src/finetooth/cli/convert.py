"""Writes a data set in another format of its task: CoNLL columns, spans, DocIE, DocRED, our own rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth import readers, registry
from finetooth.cli._labels import Labels, reading
from finetooth.cli._output import Json, emit, say, told_reading
from finetooth.errors import UsageError
from finetooth.types import Dataset, Example


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
    kept = _kept(dataset, out, to)
    if json:
        emit({"examples": len(dataset), "format": to, "out": out, "same_after_reading_back": kept})
        return 0
    say(f"{out}: {len(dataset):,} examples of {dataset.task} as {to}; {kept:,} say the same when read back")
    if kept < len(dataset):
        say(
            "the others lose what this format cannot say: places in DocIE, overlaps and inner offsets in columns, ids"
        )
    return 0


def _kept(dataset: Dataset, out: Path, to: str) -> int:
    """How many examples say the same under the same id when the file is read again, blanks between words aside."""
    again = readers.load(out, task=dataset.task, format=to).examples
    if len(again) != len(dataset):
        return 0
    return sum(
        _named(a) == _named(b) and _said(dataset.task, a) == _said(dataset.task, b)
        for a, b in zip(dataset.examples, again, strict=True)
    )


def _named(example: Example) -> str:
    """The id that the data gave; one made of the content is made anew of what is read."""
    return "" if example.id.startswith("row-") else example.id


def _said(task: str, example: Example) -> Any:
    if task == "ner":
        return sorted((squashed(m.text), m.type) for m in example.target.entities)
    if task == "relation":
        entities = [(e.type, sorted(squashed(m.text) for m in e.mentions)) for e in example.inputs.entities]
        return entities, [(t.head, t.relation, t.tail) for t in example.target.triples]
    return registry.task(task).show(example.target)


def squashed(text: str) -> str:
    return "".join(text.split())
