"""What a file holds besides its task's fields: columns that are carried along, parts that are named.

{"premise": ..., "hypothesis": ..., "label": ..., "annotator": 7}: annotator is no field of inference, and is kept.

Which they are is tried out, not listed: a column is the user's own if the rows that are written say the same without it.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finetooth import readers, registry
from finetooth.errors import FinetoothError
from finetooth.io import Source
from finetooth.readers.memory import RowsSource
from finetooth.text import many
from finetooth.types import Dataset, Example

TRIED = 3  # rows on which a column is tried
DEEP = 4  # lists and objects within each other that are looked into
SHOWN = 8
QUESTION = frozenset({"id", "question", "answers", "is_impossible"})  # of a question in SQuAD's files

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Columns:
    """``carried``: the place of a row -> what it holds besides; ``left``: parts within fields that nothing is made
    of, as "entities[].kb", and in how many rows they stand."""

    carried: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)

    def row(self, example: Example, row: Row) -> dict[str, Any]:
        """The row as it is written, with what its source had besides; nothing that is there is overwritten."""
        return {**row, **{k: v for k, v in self._of(example).items() if k not in row}}

    def _of(self, example: Example) -> Mapping[str, Any]:
        return self.carried.get(str(example.meta.get("where", "")), {})

    @property
    def names(self) -> list[str]:
        return sorted({name for own in self.carried.values() for name in own})

    @property
    def sentences(self) -> list[str]:
        said = []
        if self.names:
            said.append(f"carried along as they stand: {_shown(self.names)}")
        if self.left:
            parts = [f"{name} ({many(n, 'row')})" for name, n in self.left.items()]
            said.append(f"not carried, the task has no field for them: {_shown(parts)}")
        return said

    def to_json(self) -> dict[str, Any]:
        return {"carried": self.names, "not_carried": dict(self.left)}


def _shown(names: Sequence[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def columns(data: Any, dataset: Dataset, **options: Any) -> Columns:
    """The columns of ``data`` that ``dataset``, which was read of it, does not hold.

    ``options`` are those it was read with. Nothing is said of what has no rows (CoNLL columns, standard input).
    """
    try:
        source = readers.open_source(data, dict(options))
        parts = [source]
        if source.is_folder and not source.is_saved:
            parts, _ = readers._parts(source, dataset.task, dataset.format)
        listed = [item for part in parts for item in _rows(part, dataset.format)]
    except (FinetoothError, OSError):
        return Columns()
    try_ = _Trial(dataset, options)
    by_place = {str(e.meta.get("where", "")) for e in dataset.examples}
    one_each = any(where in by_place for where, _ in listed)
    samples: dict[str, list[Row]] = {}
    for _, row in listed:
        for key, value in row.items():
            if value not in (None, "", [], {}) and len(samples.setdefault(key, [])) < TRIED:
                samples[key].append(row)
    squad = dataset.format == "squad"
    own = {
        key
        for key, rows in samples.items()
        if (key not in QUESTION if squad else all(try_.same(row, _without(row, [key])) for row in rows))
    }
    left: Counter[str] = Counter()
    if not squad:
        left.update(_parts_left(listed, own, try_))
    if not one_each:
        left.update({key: sum(key in row for _, row in listed) for key in sorted(own)})
        return Columns({}, left)
    carried = {where: mine for where, row in listed if (mine := {k: row[k] for k in row if k in own})}
    made = Columns(carried, left)
    if not _reads_back(made, dataset):
        counts = {key: sum(key in mine for mine in carried.values()) for key in made.names}
        return Columns({}, {**left, **counts})
    return made


def _rows(source: Source, format: str) -> Iterator[tuple[str, Row]]:
    """(place, row), the place as the reader of the format says it."""
    from finetooth.readers import pairs, qa_rows

    if format == "pairs":
        yield from pairs._rows(source, pairs._delimiter(source))
    elif format == "squad":
        for a, article in enumerate(source.document["data"]):
            for p, paragraph in enumerate(article["paragraphs"]):
                for q, qa in enumerate(paragraph["qas"]):
                    yield f"{source}: data[{a}].paragraphs[{p}].qas[{q}]", qa
    elif format == qa_rows.READER.name:
        yield from qa_rows._rows(source)
    else:
        yield from source.rows()


class _Trial:
    """Reads rows by themselves, as the format of the data set does, and writes them again."""

    def __init__(self, dataset: Dataset, options: Mapping[str, Any]) -> None:
        self.reader = next(r for r in registry.readers() if r.name == dataset.format)
        self.to_row = registry.task(dataset.task).to_row
        self.options = {k: v for k, v in options.items() if k != "dropped"}
        self.before: tuple[Row | None, list[dict[str, Any]] | None] = (None, None)

    def written(self, row: Row) -> list[dict[str, Any]] | None:
        """What is written of this row; None where it is not read."""
        try:
            return [self.to_row(e) for e in self.reader.read(RowsSource([row], self.options))]
        except (FinetoothError, LookupError, TypeError, ValueError):
            return None

    def same(self, row: Row, other: Row) -> bool:
        if self.before[0] is not row:
            self.before = row, self.written(row)
        return bool(self.before[1]) and self.before[1] == self.written(other)


def _without(row: Any, path: Sequence[str]) -> Any:
    """A copy without what stands at ``path``, where "[]" are all items of a list."""
    made = copy.copy(row)
    step, *rest = path
    if step == "[]":
        return [_without(x, rest) for x in row] if isinstance(row, list) else row
    if not isinstance(row, Mapping) or step not in row:
        return row
    if rest:
        made[step] = _without(row[step], rest)
    else:
        del made[step]
    return made


def _parts_left(listed: Sequence[tuple[str, Row]], own: set[str], try_: _Trial) -> dict[str, int]:
    """Keys within fields, not within columns of the user's own, that nothing is made of."""
    samples: dict[tuple[str, ...], list[Row]] = {}
    counts: Counter[tuple[str, ...]] = Counter()
    for _, row in listed:
        paths = {p for key in row if key not in own for p in _paths(row[key], (key,))}
        for path in paths:
            counts[path] += 1
            if len(samples.setdefault(path, [])) < TRIED:
                samples[path].append(row)
    left: dict[str, int] = {}
    gone: list[tuple[str, ...]] = []
    for path in sorted(samples, key=len):
        if any(path[: len(g)] == g for g in gone):
            continue
        if _is_written(path, samples[path], try_):
            continue
        if all(try_.same(row, _without(row, path)) for row in samples[path]):
            gone.append(path)
            left[".".join(path).replace(".[]", "[]")] = counts[path]
    return left


def _is_written(path: Sequence[str], rows: Sequence[Row], try_: _Trial) -> bool:
    """Whether the field it stands in is written just as it is read (the object of a JSON task)."""
    first = rows[0]
    made = try_.written(first)
    return made is not None and any(m.get(path[0]) == first[path[0]] for m in made)


def _paths(value: Any, at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The places of keys within a value, the items of a list as one."""
    if len(at) > DEEP:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield (*at, str(key))
            yield from _paths(inner, (*at, str(key)))
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, (Mapping, list)):
                yield from _paths(inner, (*at, "[]"))


def _reads_back(made: Columns, dataset: Dataset) -> bool:
    """Whether a row with its columns is still taken for what it is: a column called "question" may mislead."""
    to_row = registry.task(dataset.task).to_row
    example = next((e for e in dataset.examples if made._of(e)), None)
    if example is None:
        return True
    plain = to_row(example)
    try:
        there, then = (readers.load([row]) for row in (plain, made.row(example, plain)))
    except FinetoothError:
        return False
    return there.task == then.task and to_row(there.examples[0]) == to_row(then.examples[0])
