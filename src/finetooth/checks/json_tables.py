"""Many JSON objects of one schema as tables: one for the objects, one for the elements of each list in them.

    {"items": [{"qty": 2, "box": {"kg": 1.5}}, {"qty": 1}], "total": 9}
    -> table ():          total = [9]                                    lists: items -> the table below
    -> table (items, []): qty = [2, 1], box.kg = [1.5, nan]              parent = [0, 0]

Inner objects are columns of the table that they stand in, lists are tables of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from finetooth.checks.json_amounts import Inner, amounts, as_day, day_order, grouped, inner_step, name_of
from finetooth.checks.json_names import PLAIN_QUANTITY, words_of
from finetooth.checks.json_values import Path, as_moment

Place = tuple[str, ...]


@dataclass
class Table:
    """Columns of numbers (float64, nan where missing) and of moments (days) over the places of one kind.

    ``example`` and ``parent`` (index into the parent table; -1 at the top) are one a place; ``steps``
    is where the place stands under its parent's.
    """

    place: Place
    above: Table | None
    example: np.ndarray
    parent: np.ndarray
    steps: list[Path]
    numbers: dict[Path, np.ndarray] = field(default_factory=dict)
    moments: dict[Path, np.ndarray] = field(default_factory=dict)
    kinds: dict[Path, str] = field(default_factory=dict)  # of moments: date, moment, clock
    texts: dict[Path, list[str | None]] = field(default_factory=dict)
    lists: dict[Path, Table] = field(default_factory=dict)
    sizes: dict[Path, np.ndarray] = field(default_factory=dict)  # of lists, nan where missing
    whole: set[Path] = field(default_factory=set)  # columns that hold integers only
    written: dict[Path, str] = field(default_factory=dict)  # of dates that are not ISO 8601: days, dmy, mdy

    def __len__(self) -> int:
        return len(self.example)

    def path(self, i: int) -> Path:
        """Where place ``i`` stands in its example."""
        if self.above is None:
            return ()
        return (*self.above.path(int(self.parent[i])), *self.steps[i])

    def down(self, child: Table, values: np.ndarray) -> np.ndarray:
        """The sum of a child's column for each of these places; nan where an element lacks it or the list is missing."""
        made = np.bincount(child.parent, weights=values, minlength=len(self))
        return np.where(np.isnan(self.sizes[child.place[len(self.place) : -1]]), np.nan, made)

    def of_parent(self, values: np.ndarray) -> np.ndarray:
        """A column of the parent table, repeated for each of these places."""
        return values[self.parent]

    def walk(self) -> Iterable[Table]:
        yield self
        for below in self.lists.values():
            yield from below.walk()


class _Raw:
    """A table while it is filled."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.example: list[int] = []
        self.parent: list[int] = []
        self.steps: list[Path] = []
        self.cells: dict[Path, tuple[list[int], list[Any]]] = {}
        self.lists: dict[Path, _Raw] = {}
        self.sizes: dict[Path, tuple[list[int], list[int]]] = {}

    def add(self, example: int, parent: int, step: Path) -> int:
        self.example.append(example)
        self.parent.append(parent)
        self.steps.append(step)
        return len(self.example) - 1

    def fill(self, value: Mapping[str, Any], at: int, prefix: Path) -> None:
        for key, below in value.items():
            path = (*prefix, key)
            if isinstance(below, dict):
                inner = inner_step(below)
                if inner is not None:
                    self._cell((*path, Inner(inner)), at, below[inner])
                    below = {k: v for k, v in below.items() if k != inner}
                self.fill(below, at, path)
            elif isinstance(below, list):
                self.fill_list(below, at, path)
            elif below is not None:
                self._cell(path, at, below)

    def _cell(self, path: Path, at: int, value: Any) -> None:
        cell = self.cells.get(path)
        if cell is None:
            cell = self.cells[path] = ([], [])
        cell[0].append(at)
        cell[1].append(value)

    def fill_list(self, values: list[Any], at: int, path: Path) -> None:
        sizes = self.sizes.setdefault(path, ([], []))
        sizes[0].append(at)
        sizes[1].append(len(values))
        child = self.lists.get(path)
        if child is None:
            child = self.lists[path] = _Raw((*self.place, *path, "[]"))
        for i, element in enumerate(values):
            here = child.add(self.example[at], at, (*path, i))
            if isinstance(element, dict):
                child.fill(element, here, ())
            elif not isinstance(element, list) and element is not None:
                cell = child.cells.setdefault((), ([], []))
                cell[0].append(here)
                cell[1].append(element)


def build(values: Iterable[Any]) -> Table:
    """The tables of these objects; a value that is no object has a place at the top and no columns."""
    raw = _Raw(())
    for i, value in enumerate(values):
        at = raw.add(i, -1, ())
        if isinstance(value, dict):
            raw.fill(value, at, ())
    return _finish(raw, None)


def _finish(raw: _Raw, above: Table | None) -> Table:
    size = len(raw.example)
    table = Table(raw.place, above, np.array(raw.example, int), np.array(raw.parent, int), raw.steps)
    for path, (at, cells) in raw.cells.items():
        _column(table, path, at, cells, size)
    _read_days(table)
    for path, (at, sizes) in raw.sizes.items():
        table.sizes[path] = _spread(at, sizes, size)
        table.lists[path] = _finish(raw.lists[path], table)
    return table


def _column(table: Table, path: Path, at: list[int], cells: list[Any], size: int) -> None:
    kinds = {type(c) for c in cells}
    if kinds <= {int, float}:
        try:
            column = _spread(at, cells, size)
        except OverflowError:
            return
        table.numbers[path] = np.where(np.isinf(column), np.nan, column)
        if kinds == {int}:
            table.whole.add(path)
            _epoch(table, path)
    elif kinds == {str}:
        texts: list[str | None] = [None] * size
        for i, text in zip(at, cells, strict=True):
            texts[i] = text
        table.texts[path] = texts
        moments = [as_moment(c) for c in cells[:8]]
        if not any(moments):
            _notations(table, path, at, cells, size)
        elif all(moments):
            known = [(i, m) for i, c in zip(at, cells, strict=True) if (m := as_moment(c)) is not None]
            names = {m.kind for _, m in known}
            if len(known) >= 0.9 * len(cells) and names != {"clock", "date"}:
                by_day = len(names) > 1
                table.moments[path] = _spread(
                    [i for i, _ in known], [m.day if by_day else m.days for _, m in known], size
                )
                table.kinds[path] = "date" if by_day or names == {"date"} else names.pop()


_SECONDS = (1e9, 2.2e9)  # 2001 to 2039
_TIMES = frozenset("start end begin timestamp ts time epoch created updated at until from since".split())


def _epoch(table: Table, path: Path) -> None:
    """Seconds or milliseconds since 1970 as moments, where the name speaks of time."""
    values = table.numbers[path]
    known = values[np.isfinite(values)]
    for unit in (1, 1000):
        inside = len(known) and known.min() >= _SECONDS[0] * unit and known.max() <= _SECONDS[1] * unit
        if inside and not _TIMES.isdisjoint(words_of(name_of(path)) if path else ()):
            table.moments[path], table.kinds[path] = values / (86400 * unit), "epoch"


def _notations(table: Table, path: Path, at: list[int], cells: list[str], size: int) -> None:
    """Amounts and dates in the notations of people: "$12.50", "March 4, 2024", "31/12/2024"."""
    order = day_order(cells)
    if order is not None:
        table.written[path] = order
        return
    words = words_of(name_of(path)) if path else ()
    found = amounts(cells, counts=not PLAIN_QUANTITY.isdisjoint(words))
    if found is None and path:
        found = grouped(cells, name_of(path))
    if found is not None:
        table.numbers[path] = _spread(at, found, size)
        if all(x.is_integer() for x in found):
            table.whole.add(path)


def _read_days(table: Table) -> None:
    """The dates in other notations; 03/04/2024 only where another column of the table tells which is the month."""
    told = {order for order in table.written.values() if order in ("dmy", "mdy")}
    for path, order in list(table.written.items()):
        if order == "?" and len(told) == 1:
            order = table.written[path] = next(iter(told))
        if order == "?":
            del table.written[path]
            continue
        values = np.array([np.nan if t is None else as_day(t, order) for t in table.texts[path]], float)
        if np.isfinite(values).sum() >= 0.9 * sum(t is not None for t in table.texts[path]):
            table.moments[path], table.kinds[path] = values, "date"


def _spread(at: list[int], values: list[Any], size: int) -> np.ndarray:
    made = np.full(size, np.nan)
    made[at] = np.asarray(values, float)
    return made
