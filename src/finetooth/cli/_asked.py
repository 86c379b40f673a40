"""Rows that a model is asked about: read as the files of the task are read, whether they have a target or not.

{"sentence1": "Ada left.", "sentence2": "Ada went."}   a row of SNLI without its gold_label
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetooth import readers
from finetooth.cli._output import say
from finetooth.errors import DataError, FinetoothError
from finetooth.io import Source, to_json
from finetooth.registry import Task
from finetooth.text import many
from finetooth.types import Drop, Example

Read = Callable[[Source], list[Example]]


class Asked:
    """The ways in which a row can be read: as a file's reader does; the same with a blank target; as our own row.

    ``format`` and ``options`` as ``readers.load`` takes them. The way that read the last row is tried first.
    """

    def __init__(self, task: Task, format: str | None, options: Mapping[str, Any]) -> None:
        self.task, self.format, self.options = task, format, dict(options)
        self.ways: list[Read] = [self._as_file, self._with_blank, self._as_own]
        self.dropped: list[Drop] = []  # by the reader, of what was read last

    def read(self, source: Source) -> list[Example]:
        """The examples of a file. Raises the DataError or UsageError that says most."""
        errors: dict[Read, FinetoothError] = {}
        for way in list(self.ways):
            # A folder or a table in another format has no rows of its own to fill in.
            if way != self._as_file and (self.format is not None or source.is_folder or not source.first_row):
                continue
            self.dropped = []
            try:
                found = way(source)
            except FinetoothError as e:
                errors[way] = e
                continue
            self.ways.remove(way)
            self.ways.insert(0, way)
            return found
        # That no format is known helps nobody who has our own names and one wrong value.
        first = errors[self._as_file]
        own = errors.get(self._as_own)
        raise own if own is not None and first.what.startswith("unknown format") else first

    def line(self, text: bytes, where: str) -> list[Example]:
        """The examples of one line of JSON Lines, told in errors as ``where``."""
        if text.lstrip()[:1] != b"{" and not text.startswith(b"\xef\xbb\xbf"):
            raise DataError(
                "not JSON: expected an object, one a line",
                where=where,
                cure="standard input is JSON Lines; other formats are read from files",
            )
        with _file([text]) as source:
            try:
                found = self.read(source)
            except FinetoothError as e:
                raise _moved(e, source, [where]) from None
        for drop in self.dropped:
            say(f"{where}: not predicted: {drop.reason}")
        return [replace(e, meta={**e.meta, "where": where}) for e in found]

    def _as_file(self, source: Source) -> list[Example]:
        source.options = {**self.options, "asked": True}  # the target is what is asked for
        dropped: list[Drop] = source.options.setdefault("dropped", [])
        if source.is_folder:
            data = readers.load(source.path, task=self.task.name, format=self.format, **self.options)
            dropped, found = list(data.dropped), list(data.examples)
        else:
            found = list(readers.recognise(source, task=self.task.name, format=self.format).read(source))
        if not found and not dropped:
            raise DataError("no examples in it", where=str(source), cure="check that it is the right file")
        self.dropped = dropped
        return found

    def _with_blank(self, source: Source) -> list[Example]:
        rows = list(source.rows())
        with _file(to_json({**self.task.blank, **row}).encode() + b"\n" for _, row in rows) as filled:
            try:
                return self._as_file(filled)
            except FinetoothError as e:
                raise _moved(e, filled, [where for where, _ in rows]) from None

    def _as_own(self, source: Source) -> list[Example]:
        return [self.task.from_row({**self.task.blank, **row}, where) for where, row in source.rows()]


def examples(data: str, task: Task, format: str | None, options: Mapping[str, Any]) -> Sequence[Example]:
    """Those of a data argument, with ids made unique as everywhere."""
    if data.startswith("hub:"):
        return readers.load(data, task=task.name, format=format, **options).examples
    asked = Asked(task, format, options)
    found = asked.read(Source(data))
    if asked.dropped:
        n, one = len(asked.dropped), asked.dropped[0]
        if not found:
            raise DataError(f"nothing to predict: {one.reason}", where=data)
        say(f"{many(n, 'row is', 'rows are')} not predicted, {one.example_id} for one: {one.reason}")
    return readers.unique_ids(found)


def lines(asked: Asked, batch: Sequence[bytes], *, first: int) -> Iterator[Example]:
    """Of lines as they arrive on standard input, the first of which has the number ``first``; ids stay as given."""
    for number, text in enumerate(batch, first):
        if text.strip():
            yield from asked.line(text, f"standard input:{number}")


class _file:
    """Lines as a file, since readers look at files; gone at the end."""

    def __init__(self, lines: Any) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="finetooth-")
        self.path = Path(self.folder.name) / "rows.jsonl"
        with self.path.open("wb") as f:
            f.writelines(lines)

    def __enter__(self) -> Source:
        return Source(self.path)

    def __exit__(self, *_: Any) -> None:
        self.folder.cleanup()


def _moved(e: FinetoothError, source: Source, wheres: Sequence[str]) -> FinetoothError:
    """The error as one of the place that the rows came from."""

    def place(found: re.Match[str]) -> str:
        at = int(found[1]) if found[1] else 1
        return wheres[at - 1] if 0 < at <= len(wheres) else wheres[0]

    def moved(text: str) -> str:
        return re.sub(re.escape(str(source)) + r"(?::(\d+))?", place, text)

    return type(e)(moved(e.what), where=moved(e.where), cure=e.cure.replace(str(source), "FILE"))
