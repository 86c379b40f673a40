"""One file a format. ``load`` recognises a file by its content and reads it into a Dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetooth import registry
from finetooth.errors import DataError, UsageError
from finetooth.io import Source, fingerprint
from finetooth.text import many
from finetooth.types import Dataset, Drop, Example


def load(data: Any, *, task: str | None = None, format: str | None = None, **options: Any) -> Dataset:
    """The examples of a file, a folder or ``hub:NAME[:SUBSET][@SPLIT]``, or of rows that are in memory.

    ``data`` is a path, that name, a list of dicts, a Dataset of the package datasets, or a table of pandas, polars or pyarrow.

    The format is recognised from the content unless ``format`` names it; ``options`` reach the
    reader (for one: schemas). A folder of files of one format reads as one data set. Raises DataError
    for what cannot be read, UsageError for what there is no reader for. Ids that stand twice get a
    suffix and are reported by the check duplicate-id.
    """
    source = open_source(data, options)
    parts, reader = _parts(source, task, format)
    dropped: list[Drop] = source.options.setdefault("dropped", [])
    read: list[Example] = []
    for part in parts:
        part.options = source.options  # what one file's reader drops is told with the rest
        read.extend(reader.read(part))
    examples = unique_ids(read)
    if not examples:
        why = (
            f"; {many(len(dropped), 'row was', 'rows were')} dropped: {dropped[0].reason}" if dropped else ""
        )
        raise DataError(f"no examples in it{why}", where=str(source), cure="check that it is the right file")
    of = registry.task(reader.task)
    examples = of.together(examples) if of.together else examples
    mark = fingerprint(map(of.to_row, examples))
    notes = tuple(source.options.get("notes") or ())
    return Dataset(reader.task, examples, str(source), reader.name, mark, tuple(dropped), notes)


def as_dataset(data: Any, *, task: str | None = None) -> Dataset:
    """A data set as it is; what ``load`` takes read. Raises UsageError for anything else, or for one of another task."""
    if not isinstance(data, Dataset):
        return load(data, task=task)
    if task is not None and data.task != task:
        raise UsageError(f"{data.source} holds {data.task}, not {task}")
    return data


def open_source(data: Any, options: dict[str, Any]) -> Source:
    if not isinstance(data, (str, Path)):
        from finetooth.readers import memory

        if not memory.is_rows(data):
            raise UsageError(
                f"expected a path or rows, found {type(data).__name__}",
                cure=f"give a path, or {memory.KINDS}",
            )
        return memory.RowsSource(data, options)
    if str(data).startswith("hub:"):
        return hub_source(str(data), options)
    return Source(data, options)


def recognise(source: Source, *, task: str | None = None, format: str | None = None) -> registry.Reader:
    """The reader for this source; asks each for the content, the highest priority first."""
    source.refuse_unreadable()
    if task is not None:
        registry.task(task)
    if format is not None:
        return _asked_for(_named(format, task), source)
    reader = _claiming(source, task)
    if reader is None:
        raise _unknown(source, task)
    return _asked_for(reader, source)


def _asked_for(reader: registry.Reader, source: Source) -> registry.Reader:
    if source.options.get("labels") and reader.task != "nli":
        raise UsageError(f"labels are mapped for nli, this holds {reader.task}", where=str(source))
    return reader


def _named(format: str, task: str | None) -> registry.Reader:
    named = {r.name: r for r in registry.readers()}
    if format not in named and task is not None:
        raise UsageError(
            f"there is no format {format!r}",
            cure=registry.did_you_mean(format, (r.name for r in named.values() if r.task == task)),
        )
    reader: registry.Reader = registry.pick(format, named, "format")
    if task is not None and reader.task != task:
        formats = ", ".join(r.name for r in named.values() if r.task == task)
        raise UsageError(
            f"the format {format!r} holds {reader.task}, not {task}", cure=f"formats of {task}: {formats}"
        )
    return reader


def _claiming(source: Source, task: str | None) -> registry.Reader | None:
    of_task = (r for r in registry.readers() if task is None or r.task == task)
    return next((r for r in of_task if r.sniff(source)), None)


def _parts(source: Source, task: str | None, format: str | None) -> tuple[list[Source], registry.Reader]:
    """The files to read, one or a folder's, and the one reader for all of them."""
    if not source.is_folder or source.is_saved:
        return [source], recognise(source, task=task, format=format)
    # Some formats are folders of their own; others are files that happen to stand together.
    whole = _named(format, task) if format else _claiming(source, task)
    if whole is not None and whole.sniff(source):
        return [source], _asked_for(whole, source)
    from finetooth.readers._folder import files_of

    parts = [Source(path, source.options) for path in files_of(source.path)]
    reader = recognise(parts[0], task=task, format=format)
    for part in parts[1:]:
        other = recognise(part, task=task, format=format)
        if other is not reader:
            raise DataError(
                f"files of two formats: {parts[0].path.name} is {reader.name}, {part.path.name} is {other.name}",
                where=str(source),
                cure="name one file, or keep one format in a folder",
            )
    return parts, reader


def _unknown(source: Source, task: str | None) -> DataError:
    from finetooth.readers import _chat, pairs

    nearly = pairs.without_label(source) if task in (None, "nli") else None
    if nearly is not None:
        return nearly
    if not source.is_folder and _chat.is_chat(source.first_row):
        return DataError(
            f"a chat of which no example{f' of {task}' if task else ''} can be made",
            where=str(source),
            cure="nli: lines Premise: and Hypothesis: asked, a label answered; json: an object answered; "
            "of other tasks the rows that docs/read.md shows",
        )
    by_task: dict[str, list[str]] = {}
    for r in registry.readers():
        if task is None or r.task == task:
            by_task.setdefault(r.task, []).append(r.name)
    listed = {t: ", ".join(names) for t, names in sorted(by_task.items())}
    formats = "; ".join(f"{names} (of {t})" if task is None else names for t, names in listed.items())
    return DataError(
        f"unknown format{f' for the task {task}' if task else ''}: {_found(source)}",
        where=str(source),
        cure=f"name it with --format; there are: {formats}",
    )


def _found(source: Source) -> str:
    """What the file holds, in words. Raises the DataError that explains why nobody recognised it."""
    if source.is_parquet or source.starts_with in ("{", "["):
        _, row = next(source.rows(problems=lambda *_: None), ("", None))
        if row is None:
            raise DataError(
                "expected rows, found none", where=str(source), cure="check that it is the right file"
            )
        keys = ", ".join(sorted(map(str, row))[:12])
        return f"rows with the keys {keys}" if row else "rows without keys"
    from finetooth.text import shorten

    line = next((x for x in source.text.split("\n") if x.strip()), "")
    return f"text that begins {shorten(line, 60)!r}"


def hub_source(name: str, options: dict[str, Any]) -> Source:
    from finetooth.readers.hub import open_hub

    return open_hub(name, options)


def unique_ids(examples: list[Any]) -> list[Any]:
    """Ids made unique by ``#2``, ``#3``...; the first keeps its name. The given id stays in meta."""
    from dataclasses import replace

    given = {example.id for example in examples}
    if len(given) == len(examples):
        return examples
    seen: dict[str, int] = {}
    made = []
    for example in examples:
        times = seen[example.id] = seen.get(example.id, 0) + 1
        if times > 1:
            # A file may itself hold the id "q1#2".
            while (name := f"{example.id}#{times}") in given:
                times = seen[example.id] = times + 1
            given.add(name)
            meta = {**example.meta, "given_id": example.id}
            example = replace(example, id=name, meta=meta)
        made.append(example)
    return made
