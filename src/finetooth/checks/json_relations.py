"""Relations between the fields of a JSON object: how they are written, declared, and tested.

    {"items": [{"quantity": 2, "price": 4.5, "total": 9.0}], "subtotal": 9.0, "tax": 0.72, "total": 9.72}

    items[]: total == quantity * price
    subtotal == sum(items.map(i, i.quantity * i.price))
    total == subtotal + opt(tax) + opt(shipping)
    issued <= due

A **rule** is ``[PLACE:] LEFT OP RIGHT``. OP is one of ``== != <= >= < >``; both sides are expressions of CEL, the
Common Expression Language (https://cel.dev): no loops without end, no side effects, no access to Python.

* PLACE is where the rule holds: ``items[]:`` each element of ``items``, ``departments[].teams[]:`` deeper,
  ``metrics:`` an inner object. Without it: the answer itself.
* A name is a field of the object at PLACE; ``self`` is that object, ``root`` the whole answer. Fields whose name is no
  identifier are written ``self["18_24"]``.
* All numbers are doubles, so ``1 - discount / 100`` needs no casts.
* A rule says nothing of a place where a field it names is missing or null. ``opt(tax)`` is 0 where ``tax`` is missing,
  ``opt(quantity, 1)`` is 1; inside ``map`` and ``filter`` it works the same: ``opt(i.discount)``.
* ``items[].price`` is short for ``items.map(each, each.price)``: ``subtotal == sum(items[].total)``.
* Functions besides CEL's own: ``sum(list)  mean(list)  count(list)  least(list)  greatest(list)  abs(x)  round(x, digits)
  days(date)`` (a date or date-time as days, so that ``nights == days(check_out) - days(check_in)``), ``dmy(date)  mdy(date)``
  (the same for 31/12/2024 and 12/31/2024), ``number(text)`` ("$1,234.50" as a number).
* ``==`` allows for rounding (0.02, more where a mean or a percentage is shown with fewer digits); ``<=`` and its like
  compare numbers, dates, date-times and clock times. A comparison within a side stands in parentheses.

A rule is declared

* in the schema, under the keyword ``x-relations``, a list of rules; in a sub-schema PLACE counts from there:
  ``{"properties": {"items": {"items": {..., "x-relations": ["total == quantity * price"]}}, "x-relations": ["subtotal ==
  sum(items.map(i, i.total))"]}``, or
* in a file beside the schema, ``invoice.relations.yaml`` for ``invoice.json``: a YAML list of rules, or a mapping with
  that list under ``relations`` and patterns of rules *not* to look for under ``ignore``.

``finetooth check --explain`` prints the rules it found in the data in exactly this form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from finetooth.checks.json_amounts import days, number
from finetooth.checks.json_compare import allowance, compare
from finetooth.checks.json_values import is_number, show_path
from finetooth.errors import DataError

TOLERANCE = 0.02  # two cents: a rounded total of a rounded tax
MAX_RULE = 2000  # characters; CEL's parser bounds the nesting itself
OPERATORS = ("==", "!=", "<=", ">=", "<", ">")


@dataclass(frozen=True, slots=True)
class Relation:
    """A rule, and how well the data bear it out: it holds in ``support`` of the ``of`` places that it speaks of.

    ``kind`` is sum, product, ratio, count, percentage, parts, order, span or declared. ``unrelated``: the field
    names say so and almost no row obeys, so the whole field was filled without regard to it.
    """

    rule: str
    kind: str = "declared"
    support: int = 0
    of: int = 0
    unrelated: bool = False

    def to_json(self) -> dict[str, Any]:
        return {"rule": self.rule, "kind": self.kind, "holds": self.support, "of": self.of,
                "unrelated": self.unrelated}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broken:
    """A place that breaks a rule: its path, and what stands on the two sides there."""

    path: str
    rule: str
    left: Any
    right: Any
    difference: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule taken apart and compiled. ``names``: the identifiers in it, all that is handed to CEL."""

    text: str
    place: tuple[str, ...]
    left: str
    op: str
    right: str
    names: frozenset[str]
    programs: tuple[Any, Any]
    variables: tuple[str, ...]
    divides: bool
    sums: bool
    shares: bool
    root: bool


PLACE = re.compile(r"\s*([A-Za-z_][\w-]*(?:\[\])?(?:\.[A-Za-z_][\w-]*(?:\[\])?)*)\s*:(?!:)\s*")
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>(?<![\w.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w]))
    |(?P<word>[A-Za-z_]\w*)
    |(?P<op>==|!=|<=|>=|&&|\|\||<|>)
    |(?P<open>[(\[{])|(?P<close>[)\]}])
    |(?P<space>\s+)|(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_EACH = re.compile(r"\b([A-Za-z_]\w*(?:\.\w+)*)\[\]((?:\.\w+)+)(?!\w*\()")
_OPT = re.compile(r"\bopt\(\s*([A-Za-z_]\w*(?:\.\w+|\[\"(?:[^\"\\]|\\.)*\"\])*)\s*(?:,\s*(-?[\d.]+)\s*)?\)")


@lru_cache(maxsize=4096)
def parse(text: str, where: str = "") -> Rule:
    """A rule compiled. Raises DataError with the rule and what is wrong with it."""
    import cel

    def wrong(what: str, cure: str = "write it as [PLACE:] LEFT == RIGHT") -> DataError:
        return DataError(f"the relation {text!r}: {what}", where=where, cure=cure)

    if not isinstance(text, str) or not text.strip():
        raise wrong("a relation is a text")
    if len(text) > MAX_RULE:
        raise DataError(f"a relation of {len(text)} characters, at most {MAX_RULE}", where=where)
    head = PLACE.match(text)
    place = tuple(_steps(head[1])) if head else ()
    left, op, right = _split(text[head.end() if head else 0 :], wrong)
    programs = []
    for side in (left, right):
        try:
            programs.append(cel.compile(_to_cel(side)))
        except (ValueError, RuntimeError, RecursionError) as e:
            raise wrong(f"{side.strip()!r} is not CEL: {str(e).splitlines()[0][:120]}") from None
    known = set(_FUNCTIONS) | _CEL_FUNCTIONS
    used = {f for p in programs for f in p.references()["functions"]}
    for name in sorted(used):
        if name.isidentifier() and name not in known and not name.startswith("_"):
            raise wrong(
                f"there is no function {name!r}", cure=f"there are: {', '.join(sorted(_FUNCTIONS))}, opt"
            )
    names = frozenset(
        m.group("word") or _unquote(m.group("string"))
        for side in (left, right)
        for m in _TOKEN.finditer(side)
        if m.group("word") or m.group("string")
    )
    variables = tuple(sorted({v for p in programs for v in p.references()["variables"]}))
    both = left + right
    return Rule(
        text, place, left.strip(), op, right.strip(), names, (programs[0], programs[1]), variables,
        "/" in both or "mean(" in both, "sum(" in both,
        op == "==" and not {"1", "100"}.isdisjoint((left.strip(), right.strip())), "root" in names,
    )  # fmt: skip


def _steps(place: str) -> Iterator[str]:
    for part in place.split("."):
        if part.endswith("[]"):
            yield part[:-2]
            yield "[]"
        else:
            yield part


def _split(text: str, wrong: Callable[..., DataError]) -> tuple[str, str, str]:
    depth, found = 0, []
    for m in _TOKEN.finditer(text):
        if m.group("open"):
            depth += 1
        elif m.group("close"):
            depth -= 1
        elif m.group("op") in OPERATORS and depth == 0:
            found.append(m)
    if len(found) != 1:
        what = "no comparison" if not found else f"{len(found)} comparisons outside parentheses"
        raise wrong(f"{what}, expected one of {' '.join(OPERATORS)}")
    m = found[0]
    return text[: m.start()], m.group(), text[m.end() :]


def _to_cel(side: str) -> str:
    """Bare integers as doubles, ``items[].price`` as a map, ``opt(a.b, c)`` as CEL's own has(...) ? ... : ..."""
    side = _EACH.sub(r"\1.map(each, each\2)", side)
    out, tokens = [], list(_TOKEN.finditer(side))
    for i, m in enumerate(tokens):
        piece = m.group()
        if m.group("number") and "." not in piece and "e" not in piece.lower():
            index = 0 < i < len(tokens) - 1 and tokens[i - 1].group() == "[" and tokens[i + 1].group() == "]"
            piece = piece if index else piece + ".0"
        out.append(piece)
    return _OPT.sub(_optional, "".join(out))


def _optional(m: re.Match[str]) -> str:
    steps = re.findall(r"\w+|\[\"(?:[^\"\\]|\\.)*\"\]", m[1])
    if len(steps) == 1:
        steps = ["self", *steps]
    default = m[2] or "0.0"
    default = default if "." in default else default + ".0"
    path, tests = steps[0], []
    for step in steps[1:]:
        if step.startswith("["):
            tests.append(f"({step[1:-1]} in {path})")
            path += step
        else:
            path += f".{step}"
            tests.append(f"has({path})")
    return f"({' && '.join(tests)} ? {path} : {default})"


def _unquote(text: str) -> str:
    return text[1:-1].replace('\\"', '"').replace("\\'", "'").replace("\\\\", "\\")


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """nan, of which a rule says nothing, in place of an error: CEL writes errors to standard error."""

    def call(*args: Any) -> Any:
        try:
            return function(*args)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return math.nan

    return call


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": _quiet(lambda xs: math.fsum(xs)),
    "mean": _quiet(lambda xs: math.fsum(xs) / len(xs)),
    "count": _quiet(lambda xs: float(len(xs))),
    "least": _quiet(lambda xs: float(min(xs))),
    "greatest": _quiet(lambda xs: float(max(xs))),
    "abs": _quiet(lambda x: abs(x)),
    "round": _quiet(lambda x, digits=0.0: float(round(x, int(digits)))),
    "days": _quiet(days),
    "dmy": _quiet(lambda text: days(text, "dmy")),
    "mdy": _quiet(lambda text: days(text, "mdy")),
    "number": _quiet(number),
}
_CEL_WORDS = """size contains startsWith endsWith matches int uint double string bool bytes timestamp duration type has
all exists exists_one map filter getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes
getSeconds getMilliseconds dyn max min"""
_CEL_FUNCTIONS = frozenset(_CEL_WORDS.split())
RESERVED = _CEL_FUNCTIONS | set(_FUNCTIONS) | {"opt", "self", "root", "in", "true", "false", "null"}


def broken(value: Any, relations: Iterable[Relation | str], *, tolerance: float = TOLERANCE) -> list[Broken]:
    """The places of an answer that break the relations; empty for an answer that adds up.

    Rules that name fields the answer lacks say nothing of it. ``tolerance`` is in the unit of the values.
    """
    return [b for relation in relations for b, ok in judged(value, relation, tolerance) if not ok]


def applies(value: Any, relation: Relation | str, *, tolerance: float = TOLERANCE) -> tuple[int, int]:
    """(places where the relation holds, places that it speaks of) in one answer."""
    verdicts = [ok for _, ok in judged(value, relation, tolerance)]
    return sum(verdicts), len(verdicts)


def holds_in(value: Any, relation: Relation | str, *, tolerance: float = TOLERANCE) -> list[str]:
    """The paths of the places of one answer that the relation speaks of and that obey it."""
    return [b.path for b, ok in judged(value, relation, tolerance) if ok]


def judged(
    value: Any, relation: Relation | str, tolerance: float = TOLERANCE
) -> Iterator[tuple[Broken, bool]]:
    """Each place of one answer that the relation speaks of, with what stands there, and whether it obeys."""
    rule = parse(relation if isinstance(relation, str) else relation.rule)
    context = None
    for path, scope in places(value, rule.place):
        if not isinstance(scope, Mapping):
            continue
        if context is None:
            context = _context()
            if rule.root:
                try:
                    context.add_variable("root", _prune(value, rule.names))
                except (ValueError, TypeError):
                    return  # half a character, for one, has no place in CEL
        sides = _sides(rule, scope, context)
        if sides is None:
            continue
        left, right, size = sides
        most = allowance(
            left, right, tolerance, summed=size if rule.sums else 0, divides=rule.divides,
            shares=_prune(scope, rule.names) if rule.shares else None,
        )  # fmt: skip
        verdict = compare(left, rule.op, right, most)
        if verdict is None:
            continue
        gap = round(abs(left - right), 10) if is_number(left) and is_number(right) else None
        yield Broken(show_path(path), rule.text, _plain(left), _plain(right), gap), verdict


def _context() -> Any:
    import cel

    context = cel.Context()
    for name, function in _FUNCTIONS.items():
        context.add_function(name, function)
    return context


def _sides(rule: Rule, scope: Mapping[str, Any], context: Any) -> tuple[Any, Any, int] | None:
    """What the two sides are at this place, and the length of the longest list; None: says nothing."""
    size = 0
    fields = _prune(scope, rule.names)
    with suppress(
        RuntimeError, TypeError, ValueError, KeyError, ZeroDivisionError, OverflowError, IndexError
    ):
        for name in rule.variables:
            if name in fields:
                context.add_variable(name, fields[name])
                if isinstance(fields[name], list):
                    size = max(size, len(fields[name]))
            elif name in scope:
                return None  # null
            elif name == "self":
                context.add_variable("self", fields)
            elif name != "root":
                # A variable of map or filter, or a field that is missing: CEL tells them apart below.
                context.add_variable(name, None)
        return rule.programs[0].execute(context), rule.programs[1].execute(context), size
    return None


def _prune(value: Any, names: frozenset[str]) -> Any:
    """Only the named fields, numbers as doubles, nulls left out: what CEL needs, no more (converting is what costs)."""
    if isinstance(value, Mapping):
        return {k: _prune(v, names) for k, v in value.items() if k in names and v is not None}
    if isinstance(value, list):
        return [_prune(v, names) for v in value]
    if not is_number(value):
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def places(value: Any, place: tuple[str, ...], path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple, Any]]:
    """(path, value) at each place: ``("items", "[]")`` is every element of ``items``."""
    if not place:
        yield path, value
    elif place[0] == "[]":
        if isinstance(value, list):
            for i, element in enumerate(value):
                yield from places(element, place[1:], (*path, i))
    elif isinstance(value, Mapping) and place[0] in value:
        yield from places(value[place[0]], place[1:], (*path, place[0]))


def _plain(value: Any) -> Any:
    if is_number(value):
        value = round(float(value), 6)
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value
