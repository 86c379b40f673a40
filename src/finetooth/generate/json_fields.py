"""The fields that the generator's schemas are made of: what each looks like, how it is drawn, how it follows.

number("quantity", 1, 12), money("unit_price", 2, 90), derived("total", "quantity * unit_price")
-> {"quantity": 3, "unit_price": 4.5, "total": 13.5}, and in the JSON Schema "x-relations": ["total == quantity * unit_price"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from finetooth.generate.json_compute import Compute, compute
from finetooth.generate.json_words import Draw

DIALECT = "https://json-schema.org/draft/2020-12/schema"
CENTS = Decimal("0.01")


@dataclass(frozen=True, eq=False)
class Field:
    """One field. ``kind`` says how a prompt shows it: text, code, date, moment, number, year, flag, enum, object, array.

    draw(chance, the fields of its object so far) -> value; ``rule`` is the right side of its declared relation, for a
    field that is computed and not drawn. ``digits`` after the point; ``optional`` the share of rows without it;
    ``default`` what holds where a prompt says nothing; ``fields`` of an object, ``items`` of an array with ``least``
    to ``most`` elements that differ in the field ``distinct``, and ``phrase``, the parts of a sentence that tells one.
    """

    name: str
    kind: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    draw: Callable[[Draw, dict[str, Any]], Any] | None = None
    label: str = ""
    rule: str = ""
    digits: int = 0
    optional: float = 0.0
    default: Any = None
    fields: tuple[Field, ...] = ()
    items: Field | None = None
    least: int = 1
    most: int = 4
    phrase: tuple[str, ...] = ()
    distinct: str = ""
    rules: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """How a prompt calls it."""
        return self.label or self.name.replace("_", " ")


def text(
    name: str,
    draw: Callable[[Draw, Any], str],
    label: str = "",
    *,
    schema: Mapping[str, Any] | None = None,
    **more: Any,
) -> Field:
    return Field(name, "text", schema or {"type": "string", "minLength": 1}, draw, label, **more)


def email(name: str = "email", of: str = "name", **more: Any) -> Field:
    """The address of the person whose name stands in the field ``of`` beside it."""
    from finetooth.generate.json_words import mail_of, person

    def draw(d: Draw, here: dict[str, Any]) -> str:
        return mail_of(here.get(of) or person(d), d)

    return Field(name, "text", {"type": "string", "format": "email"}, draw, **more)


def code(name: str, form: str, label: str = "", **more: Any) -> Field:
    """A code such as ``INV-#####``: every run of ``#`` a number, every ``@`` a letter."""
    runs = [len(part) for part in _runs(form)]
    plain = _template(form)

    def draw(d: Draw, here: Any) -> str:
        letters = "BCDFGHJKLMNPRSTVWXZ"
        made = plain.format(*(d.number(n) for n in runs))
        while "@" in made:
            made = made.replace("@", d.choice(letters), 1)
        return made

    pattern = "^" + "".join("[A-Z]" if c == "@" else "[0-9]" if c == "#" else _plain(c) for c in form) + "$"
    return Field(name, "code", {"type": "string", "pattern": pattern}, draw, label, **more)


def _plain(c: str) -> str:
    return f"\\{c}" if c in ".+*?()[]{}|^$\\" else c


def _runs(form: str) -> Iterator[str]:
    run = ""
    for c in form + " ":
        if c == "#":
            run += c
        elif run:
            yield run
            run = ""


def _template(form: str) -> str:
    made = ""
    for i, c in enumerate(form):
        if c != "#":
            made += c
        elif i == 0 or form[i - 1] != "#":
            made += "{}"
    return made


def day(name: str, label: str = "", *, after: str = "", least: int = 0, most: int = 20, **more: Any) -> Field:
    """A date, so many days from the day that the row is about, or ``after`` a date or moment of the same object."""

    def draw(d: Draw, here: dict[str, Any]) -> date:
        if not after:
            return d.day(least, most)
        start = here[after]
        start = start.date() if isinstance(start, datetime) else start
        return start + timedelta(days=d.between(least, most))

    return Field(name, "date", {"type": "string", "format": "date"}, draw, label, **more)


def birthday(name: str = "birth_date", label: str = "date of birth") -> Field:
    def draw(d: Draw, here: Any) -> date:
        return d.far_day(1942, 57)

    return Field(name, "date", {"type": "string", "format": "date"}, draw, label)


def moment(
    name: str, label: str = "", *, after: str = "", least: int = 5, most: int = 600, **more: Any
) -> Field:
    """A date-time in UTC; with ``after``, so many minutes after that one."""

    def draw(d: Draw, here: dict[str, Any]) -> datetime:
        return here[after] + timedelta(minutes=d.between(least, most)) if after else d.moment()

    return Field(name, "moment", {"type": "string", "format": "date-time"}, draw, label, **more)


def number(name: str, low: int, high: int, label: str = "", **more: Any) -> Field:
    """A whole number."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Field(name, "number", schema, lambda d, here: d.between(low, high), label, **more)


def real(name: str, low: float, high: float, label: str = "", digits: int = 1, **more: Any) -> Field:
    """A number with so many digits after the point, drawn evenly."""
    scale = 10**digits
    first, last = round(low * scale), round(high * scale)

    def draw(d: Draw, here: Any) -> Decimal:
        return Decimal(d.between(first, last)).scaleb(-digits)

    schema = {"type": "number", "minimum": low, "maximum": high}
    return Field(name, "number", schema, draw, label, digits=digits, **more)


def year(name: str, low: int, high: int, label: str = "") -> Field:
    """A year: a whole number that nobody writes with a thousands separator."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Field(name, "year", schema, lambda d, here: d.between(low, high), label)


def money(name: str, low: float, high: float, label: str = "", **more: Any) -> Field:
    """An amount in cents; small ones are more frequent than large ones, and half of them are round."""

    def draw(d: Draw, here: Any) -> Decimal:
        cents = int(100 * low * (high / low) ** d.random())
        step = d.choice((1, 5, 10, 50))
        return Decimal(max(cents - cents % step, int(100 * low))).scaleb(-2)

    return Field(name, "number", {"type": "number", "minimum": 0}, draw, label, digits=2, **more)


def derived(name: str, rule: str, label: str = "", digits: int = 2, **more: Any) -> Field:
    """A number that is computed from others by ``rule``, rounded to ``digits``; see ``checks.json_relations``."""
    kind = {"type": "number"} if digits else {"type": "integer"}
    return Field(name, "number", kind, None, label, rule=rule, digits=digits, **more)


def flag(name: str, label: str = "", share: float = 0.5, **more: Any) -> Field:
    return Field(name, "flag", {"type": "boolean"}, lambda d, here: d.random() < share, label, **more)


def enum(name: str, values: str, label: str = "", default: str | None = None, **more: Any) -> Field:
    """One of the values; where it is the default, a prompt may leave it out."""
    options = values.split()
    schema: dict[str, Any] = {"enum": options}
    if default is not None:
        schema["default"] = default

    def draw(d: Draw, here: Any) -> str:
        return default if default is not None and d.random() < 0.4 else d.choice(options)

    return Field(name, "enum", schema, draw, label, default=default, **more)


def group(name: str, *fields: Field, label: str = "", rules: Sequence[str] = (), **more: Any) -> Field:
    """An object within the object."""
    return Field(name, "object", {}, None, label, fields=fields, rules=tuple(rules), **more)


def listing(name: str, least: int, most: int, *fields: Field, phrase: Sequence[str], label: str = "",
            distinct: str = "", rules: Sequence[str] = ()) -> Field:  # fmt: skip
    """A list of objects. ``phrase`` tells one of them: its first part always, the others if what they name is said."""
    one = Field("", "object", fields=fields, rules=tuple(rules))
    return Field(
        name,
        "array",
        {},
        None,
        label,
        items=one,
        least=least,
        most=most,
        phrase=tuple(phrase),
        distinct=distinct,
    )


def several(name: str, least: int, most: int, draw: Callable[[Draw, int], list[Any]], kind: str = "text",
            label: str = "", schema: Mapping[str, Any] | None = None) -> Field:  # fmt: skip
    """A list of texts or numbers. draw(chance, how many) -> values."""
    one = Field("", kind, schema or {"type": "string", "minLength": 1})

    def all_of(d: Draw, here: Any) -> list[Any]:
        return draw(d, d.between(least, most))

    return Field(name, "array", {}, all_of, label, items=one, least=least, most=most)


# --- a schema -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Spec:
    """A schema of the generator: its fields, and the sentences that tell them (``prose``).

    ``prose`` are clauses with ``{path}`` for a field's value; a clause of which a field is missing or left unsaid
    gives way to plain facts. ``rules`` are relations that hold by how fields are drawn, such as an order of dates.
    """

    id: str
    title: str
    complexity: str
    noun: str
    fields: tuple[Field, ...]
    prose: tuple[str, ...]
    rules: tuple[str, ...] = ()
    steps: tuple[tuple[tuple[str, ...], str, Compute, Decimal], ...] = ()
    computed: tuple[str, ...] = ()


def spec(id: str, title: str, complexity: str, *fields: Field, prose: Sequence[str], noun: str = "",
         rules: Sequence[str] = ()) -> Spec:  # fmt: skip
    made = Spec(id, title, complexity, noun or title.lower(), fields, tuple(prose), tuple(rules))
    steps = tuple(_steps(fields, ()))
    paths = tuple(p for p, f in walk(fields) if f.rule)
    return replace(made, steps=steps, computed=paths)


def walk(fields: Sequence[Field], path: str = "") -> Iterator[tuple[str, Field]]:
    """(path, field) of all fields, those of lists as ``lines[].total``."""
    for f in fields:
        here = f"{path}{f.name}"
        yield here, f
        if f.kind == "object":
            yield from walk(f.fields, here + ".")
        elif f.kind == "array" and f.items is not None and f.items.fields:
            yield from walk(f.items.fields, here + "[].")


def _steps(
    fields: Sequence[Field], place: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str, Compute, Decimal]]:
    """What is computed, in order: what stands in lists first, then in inner objects, then beside."""
    for kind in ("array", "object"):
        for f in fields:
            if f.kind == kind:
                inner = f.items.fields if f.items is not None else f.fields
                yield from _steps(inner, (*place, f.name, "[]") if kind == "array" else (*place, f.name))
    for f in fields:
        if f.rule:
            yield place, f.name, compute(f.rule), Decimal(1).scaleb(-f.digits)


def schema_of(made: Spec) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12), with the relations under ``x-relations``."""
    whole = {"$schema": DIALECT, "$id": f"urn:finetooth:{made.id}", "title": made.title}
    return whole | _object(made.fields, made.rules)


def _object(fields: Sequence[Field], rules: Sequence[str]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "object",
        "properties": {f.name: _node(f) for f in fields},
        "required": [f.name for f in fields if not f.optional],
        "additionalProperties": False,
    }
    relations = [f"{f.name} == {f.rule}" for f in fields if f.rule] + list(rules)
    if relations:
        made["x-relations"] = relations
    return made


def _node(f: Field) -> dict[str, Any]:
    if f.kind == "object":
        return _object(f.fields, f.rules)
    if f.kind == "array" and f.items is not None:
        inner = _object(f.items.fields, f.items.rules) if f.items.fields else dict(f.items.schema)
        return {"type": "array", "items": inner, "minItems": f.least}
    return dict(f.schema)


def draw_values(made: Spec, d: Draw) -> dict[str, Any]:
    """A record: dates and Decimals as such, derived fields computed."""
    values = _draw(made.fields, d)
    for place, name, rule, step in made.steps:
        _fill(values, values, place, name, rule, step)
    return values


def _draw(fields: Sequence[Field], d: Draw) -> dict[str, Any]:
    here: dict[str, Any] = {}
    for f in fields:
        if f.optional and d.random() < f.optional:
            continue
        if f.kind == "object":
            here[f.name] = _draw(f.fields, d)
        elif f.draw is not None:
            here[f.name] = f.draw(d, here)
        elif f.items is not None:
            here[f.name] = _elements(f, f.items.fields, d)
        else:
            here[f.name] = None  # computed below; its place in the order is kept
    return here


def _elements(f: Field, inner: tuple[Field, ...], d: Draw) -> list[dict[str, Any]]:
    size, key = d.between(f.least, f.most), f.distinct
    if not key:
        return [_draw(inner, d) for _ in range(size)]
    made: dict[Any, dict[str, Any]] = {}
    while len(made) < size:
        one = _draw(inner, d)
        made.setdefault(one[key], one)
    return list(made.values())


def _fill(root: Any, at: Any, place: tuple[str, ...], name: str, rule: Compute, step: Decimal) -> None:
    if not place:
        at[name] = rule(at, root, step)
    elif place[0] == "[]":
        for element in at:
            _fill(root, element, place[1:], name, rule, step)
    elif place[0] in at:
        _fill(root, at[place[0]], place[1:], name, rule, step)


def plain(value: Any) -> Any:
    """The record as JSON has it: dates as text, Decimals as numbers."""
    kind = type(value)
    if kind is str or kind is int or kind is bool:
        return value
    if kind is Decimal:
        return float(value)
    if kind is dict:
        return {k: plain(v) for k, v in value.items()}
    if kind is list:
        return [plain(v) for v in value]
    if kind is datetime:
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat()
