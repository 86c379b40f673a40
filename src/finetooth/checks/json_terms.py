"""Expressions over the columns of a table: their numbers for every place, and their text as a rule has it.

over a list "items": total_of(table, items, times(quantity, price))
values [18.0, nan, 7.5], text "sum(items.map(i, i.quantity * i.price))"
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from finetooth.checks.json_amounts import name_of
from finetooth.checks.json_names import words_of
from finetooth.checks.json_tables import Table
from finetooth.checks.json_values import Path

_PLAIN = re.compile(r"[A-Za-z_]\w*$")
_WORDS = """in true false null as break const continue else for function if import let loop package namespace
return var void while self root"""
_RESERVED = frozenset(_WORDS.split())
Column = tuple[tuple[str, ...], Path]  # place of the table, path within it


@dataclass(frozen=True, eq=False)
class Expr:
    """``values`` float64, one a place, nan where the rule would say nothing. ``uses`` the columns in it.

    ``rank``: 3 a name or call, 2 a product, 1 a sum (what needs brackets where). ``size`` elements summed
    (0 for none), ``terms`` how long it is.
    """

    text: str
    values: np.ndarray
    uses: frozenset[Column]
    rank: int = 3
    divides: bool = False
    size: np.ndarray | float = 0.0
    terms: int = 1
    words: tuple[str, ...] = ()
    whole: bool = False


def reference(path: Path, var: str = "") -> str:
    """A field as CEL names it: ``a.b``, ``i.a``, ``self["18_24"]``."""
    if not path:
        return var or "self"
    made = var
    for step in path:
        if _PLAIN.match(step) and step not in _RESERVED:
            made += f".{step}" if made else step
        else:
            quoted = step.replace("\\", "\\\\").replace('"', '\\"')
            made = f'{made or "self"}["{quoted}"]'
    return made


def column(table: Table, path: Path, var: str = "") -> Expr:
    return Expr(
        _as_number(table, path, var),
        table.numbers[path],
        frozenset({(table.place, path)}),
        words=words_of(name_of(path)) if path else words_of(table.place[-2]) if table.place else (),
        whole=path in table.whole,
    )


def from_root(table: Table, root: Table, path: Path) -> Expr:
    """A field of the whole answer, seen from the places of one of its tables."""
    values = root.numbers[path][table.example]
    return Expr(
        _as_number(root, path, "root"), values, frozenset({((), path)}), words=words_of(name_of(path))
    )


def _as_number(table: Table, path: Path, var: str) -> str:
    """A number field as a rule has it: ``number(price)`` where it stands as text."""
    text = reference(path, var)
    return f"number({text})" if path in table.texts else text


def constant(table: Table, value: float) -> Expr:
    """A number as a term."""
    return Expr(f"{value:g}", np.full(len(table), float(value)), frozenset(), whole=True)


def rounded_by(a: Expr) -> float:
    """Half a unit of the last digit that a column shows, up to six: 0.05 for 12.5 and 3."""
    known = a.values[np.isfinite(a.values)]
    for digits in range(7):
        grown = known * 10.0**digits
        if np.all(np.abs(grown - np.round(grown)) < 1e-4):
            return 0.5 * 10.0**-digits
    return 0.0


def opt(a: Expr) -> Expr:
    """0 where the field is missing."""
    inner = a.text.removeprefix("number(")
    text = f"opt({a.text})" if inner == a.text else f"number(opt({inner[:-1]}))"
    return replace(a, text=text, values=np.nan_to_num(a.values, nan=0.0))


def _side(a: Expr, rank: int) -> str:
    return a.text if a.rank >= rank else f"({a.text})"


def _join(text: str, values: np.ndarray, rank: int, *parts: Expr, divides: bool = False) -> Expr:
    size: np.ndarray | float = 0.0
    for p in parts:
        size = np.maximum(size, p.size)
    return Expr(
        text, values, frozenset().union(*(p.uses for p in parts)), rank,
        divides or any(p.divides for p in parts), size, sum(p.terms for p in parts),
        whole=all(p.whole for p in parts) and not divides,
    )  # fmt: skip


def plus(a: Expr, b: Expr) -> Expr:
    return _join(f"{_side(a, 1)} + {_side(b, 1)}", a.values + b.values, 1, a, b)


def minus(a: Expr, b: Expr) -> Expr:
    return _join(f"{_side(a, 1)} - {_side(b, 2)}", a.values - b.values, 1, a, b)


def times(a: Expr, b: Expr) -> Expr:
    return _join(f"{_side(a, 2)} * {_side(b, 2)}", a.values * b.values, 2, a, b)


def over(a: Expr, b: Expr) -> Expr:
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(b.values == 0, np.nan, a.values / b.values)
    return _join(f"{_side(a, 2)} / {_side(b, 3)}", values, 2, a, b, divides=True)


def scaled(a: Expr, factor: float) -> Expr:
    by = f"* {factor:g}" if factor >= 1 else f"/ {1 / factor:g}"
    return replace(a, text=f"{_side(a, 2)} {by}", values=a.values * factor, rank=2, terms=a.terms + 1)


def less_share(a: Expr, share: Expr, *, percent: bool, sign: str = "-") -> Expr:
    """``a * (1 - share / 100)``; with sign "+", a * (1 + share / 100)."""
    part = share.values / 100 if percent else share.values
    factor = 1 - part if sign == "-" else 1 + part
    text = f"{_side(a, 2)} * (1 {sign} {share.text}{' / 100' if percent else ''})"
    return _join(text, a.values * factor, 2, a, share)


def total(parts: Iterable[Expr]) -> Expr:
    made: Expr | None = None
    for part in parts:
        made = part if made is None else plus(made, part)
    if made is None:
        raise ValueError("a sum of nothing")
    return made


def each(table: Table, path: Path, element: Expr, call: str = "sum") -> Expr:
    """``sum`` or ``mean`` of an expression (made with var "i") over a list; nan where an element lacks a field."""
    child = table.lists[path]
    values = table.down(child, element.values)
    sizes = table.sizes[path]
    if call == "mean":
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(sizes > 0, values / sizes, np.nan)
    elif call != "sum":
        raise ValueError(call)
    return Expr(
        _over_list(path, element, call), values, element.uses, 3, element.divides or call == "mean",
        0.0 if element.whole else np.nan_to_num(sizes), element.terms + 1, element.words, element.whole,
    )  # fmt: skip


def extreme(table: Table, path: Path, element: Expr, call: str) -> Expr:
    """``greatest`` or ``least`` of an expression over a list; nan where an element lacks a field, or there is none."""
    better, worst = (np.maximum, -np.inf) if call == "greatest" else (np.minimum, np.inf)
    values = np.full(len(table), worst)
    better.at(values, table.lists[path].parent, element.values)
    values = np.where(np.isinf(values), np.nan, values)
    return Expr(
        _over_list(path, element, call),
        values,
        element.uses,
        terms=2,
        words=element.words,
        whole=element.whole,
    )


def _over_list(path: Path, element: Expr, call: str) -> str:
    name = reference(path)
    if element.terms == 1 and re.match(r"i(\.\w+)+$", element.text) and _dotted(name):
        return f"{call}({name}[]{element.text[1:]})"
    if element.text == "i":
        return f"{call}({name})"
    return f"{call}({name}.map(i, {element.text}))"


def _dotted(name: str) -> bool:
    return all(_PLAIN.match(part) for part in name.split("."))


def count(table: Table, path: Path) -> Expr:
    return Expr(
        f"count({reference(path)})",
        table.sizes[path],
        frozenset({(table.place, path)}),
        words=words_of(path[-1]),
        whole=True,
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def count_where(table: Table, path: Path, field: Path, value: str) -> Expr:
    """How many elements of a list have this text in this field; nan where an element lacks it."""
    child = table.lists[path]
    texts = child.texts[field]
    hits = np.array([np.nan if t is None else float(t == value) for t in texts])
    text = f"count({reference(path)}.filter(i, ({reference(field, 'i')} == {_quoted(value)})))"
    uses = frozenset({(table.place, path), (child.place, field)})
    return Expr(text, table.down(child, hits), uses, terms=2, words=words_of(path[-1]), whole=True)


def sum_where(table: Table, path: Path, amount: Expr, field: Path, value: str) -> Expr:
    """What the elements of a list that have this text in this field add up to; nan where an element lacks it."""
    hits = np.array([np.nan if t is None else float(t == value) for t in table.lists[path].texts[field]])
    test = f"({reference(field, 'i')} == {_quoted(value)})"
    text = f"sum({reference(path)}.filter(i, {test}).map(i, {amount.text}))"
    return _weighed(table, path, amount, field, hits, text)


def signed(table: Table, path: Path, amount: Expr, field: Path, ins: list[str]) -> Expr:
    """A list's amounts, added where the field is one of ``ins`` and else taken off; nan where an element lacks it."""
    signs = np.array(
        [np.nan if t is None else 1.0 if t in ins else -1.0 for t in table.lists[path].texts[field]]
    )
    test = " || ".join(f"{reference(field, 'i')} == {_quoted(t)}" for t in ins)
    text = f"sum({reference(path)}.map(i, ({test}) ? {amount.text} : -{amount.text}))"
    return _weighed(table, path, amount, field, signs, text)


def _weighed(table: Table, path: Path, amount: Expr, field: Path, by: np.ndarray, text: str) -> Expr:
    child = table.lists[path]
    size = 0.0 if amount.whole else np.nan_to_num(table.sizes[path])
    return Expr(
        text, table.down(child, amount.values * by), amount.uses | {(child.place, field)}, 3,
        size=size, terms=amount.terms + 2, whole=amount.whole,
    )  # fmt: skip
