"""A record as somebody would write it down: a form, an e-mail, a log, a chat, running prose.

render(spec, values, draw, "prose") -> "Please book this invoice. Invoice INV-40212 went out on 5 March 2024 ..."

Every leaf of the record can be had from the prompt: it stands there (as it is, or a date in words, a number with
thousands separators, yes for true), it follows by a declared relation, or it is the schema's default. The rest of the
prompt are distractors: who sent it and when, a superseded value that must not be copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from finetooth.generate.json_fields import Field, Spec, plain, walk
from finetooth.generate.json_words import FIRST, Draw, person, phone

UNSAID = 0.2  # share of the prompts that leave computed values out
DISTRACTED = 0.6  # share of the prompts with a superseded value

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_HOLE = re.compile(r"\{([\w.]+)\}")


@lru_cache(maxsize=4096)
def _parts(template: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The texts between the holes of a template (one more than holes), and the paths in the holes."""
    split = _HOLE.split(template)
    return tuple(split[::2]), tuple(split[1::2])


class Teller:
    """One record on its way into words: how its dates and numbers look, and what is left unsaid."""

    def __init__(self, spec: Spec, values: dict[str, Any], d: Draw, *, raw: bool = False) -> None:
        self.spec, self.values, self.d = spec, values, d
        self.fields = fields_of(spec)
        self.raw = raw
        self.date_look = 0 if raw else d.below(5)
        self.commas = not raw and d.random() < 0.5
        words: tuple[str, str] = ("true", "false") if raw else d.choice((("yes", "no"), ("Yes", "No")))
        self.yes, self.no = words
        self.unsaid: set[str] = set()
        self.distractors: list[str] = []
        if spec.computed and d.random() < UNSAID:
            self.unsaid.update(p for p in spec.computed if d.random() < 0.7)
        for path, f in defaults_of(spec):
            if self.value(path) == f.default and d.random() < 0.5:
                self.unsaid.add(path)

    def value(self, path: str) -> Any:
        """What stands at a path outside lists; None where it is missing or left unsaid."""
        if path in self.unsaid:
            return None
        at: Any = self.values
        for step in path.split("."):
            at = at.get(step)
            if at is None:
                return None
        return at

    def show(self, f: Field, value: Any) -> str:
        """A scalar as this prompt writes it."""
        kind = type(value)
        if kind is str:
            return value if self.raw or f.kind != "enum" else value.replace("_", " ")
        if kind is int:
            return f"{value:,}" if self.commas and f.kind != "year" else str(value)
        if kind is Decimal:
            return f"{value:,}" if self.commas else str(value)
        if kind is bool:
            return self.yes if value else self.no
        if kind is datetime:
            if self.date_look < 2:
                return plain(value)
            return f"{self.day(value)}, {value:%H:%M} UTC"
        if kind is date:
            return self.day(value)
        if kind is list:
            one = f.items or f
            return ", ".join([self.show(one, v) for v in value])
        raise TypeError(f"{f.name}: a {kind.__name__} cannot be shown")

    def day(self, value: date) -> str:
        look, month = self.date_look, _MONTHS[value.month - 1]
        if look < 2:
            return f"{value.year}-{value.month:02}-{value.day:02}"
        if look == 2:
            return f"{value.day} {month} {value.year}"
        if look == 3:
            return f"{month} {value.day}, {value.year}"
        return f"{value.day:02} {month[:3]} {value.year}"

    def facts(self) -> list[tuple[str, str]]:
        """(label, shown value) of all scalars outside lists of objects that are said."""
        made = []
        for path, label, f in scalars_of(self.spec):
            value = self.value(path)
            if value is not None:
                made.append((label, self.show(f, value)))
        return made

    def lists(self) -> Iterator[tuple[str, Field, list[dict[str, Any]]]]:
        """(path, field, elements) of the lists of objects outside lists."""
        for path, f in lists_of(self.spec):
            value = self.value(path)
            if value is not None:
                yield path, f, value

    def element(self, path: str, f: Field, one: dict[str, Any]) -> str:
        """One element of a list as a phrase; ``path`` is that of its fields, ``lines[].``."""
        made = ""
        for part in f.phrase:
            texts, holes = _parts(part)
            shown = [self._hole(path + hole, hole, one) for hole in holes]
            if None not in shown:
                made += texts[0] + "".join([f"{s}{t}" for s, t in zip(shown, texts[1:], strict=True)])
        return made

    def _hole(self, path: str, hole: str, one: dict[str, Any]) -> str | None:
        if path in self.unsaid:
            return None
        value: Any = one
        for step in hole.split("."):
            value = value.get(step)
            if value is None:
                return None
        f = self.fields[path]
        if f.kind == "array" and f.phrase:
            return ", ".join([self.element(path + "[].", f, x) for x in value])
        return self.show(f, value)

    def clauses(self) -> Iterator[tuple[str, str, Field | None]]:
        """The sentences of the prose: (sentence, "", None), or ("", path, field) where a list is to be told."""
        for clause in self.spec.prose:
            texts, holes = _parts(clause)
            if len(holes) == 1 and not texts[0] and not texts[1]:
                f = self.fields[holes[0]]
                if f.kind == "array" and f.phrase and self.value(holes[0]) is not None:
                    yield "", holes[0], f
                    continue
            values = [self.value(hole) for hole in holes]
            if None not in values:
                shown = [self.show(self.fields[h], v) for h, v in zip(holes, values, strict=True)]
                yield texts[0] + "".join([f"{s}{t}" for s, t in zip(shown, texts[1:], strict=True)]), "", None
                continue
            known = [
                f"{labels_of(self.spec)[h]} {self.show(self.fields[h], v)}"
                for h, v in zip(holes, values, strict=True)
                if v is not None
            ]
            if known:
                line = ", ".join(known)
                yield f"{line[0].upper()}{line[1:]}.", "", None

    def superseded(self) -> tuple[str, str, str] | None:
        """(label, a value that does not hold, the one that does) of one field; None where there is none to take."""
        candidates = replaceable_of(self.spec)
        if not candidates:
            return None
        path, label, f = self.d.choice(candidates)
        value = self.value(path)
        if value is None or f.draw is None:
            return None
        here = self.values
        for step in path.split(".")[:-1]:
            here = here[step]
        taken = leaf_texts(self.values)
        for _ in range(20):
            other = f.draw(self.d, here)
            if str(other) not in taken:
                shown = self.show(f, other)
                self.distractors.append(shown)
                return label, shown, self.show(f, value)
        return None

    def stray(self, draw: Callable[[Draw], str]) -> str:
        """A text beside the record that is none of its values."""
        taken = leaf_texts(self.values)
        made = draw(self.d)
        while made in taken:
            made = draw(self.d)
        self.distractors.append(made)
        return made


def leaf_texts(value: Any) -> set[str]:
    """All leaves of a record as texts."""
    found: set[str] = set()
    todo = [value]
    while todo:
        at = todo.pop()
        if type(at) is dict:
            todo.extend(at.values())
        elif type(at) is list:
            todo.extend(at)
        else:
            found.add(str(at))
    return found


# --- what a schema's fields are, worked out once ---------------------------------------------------------------


@lru_cache(maxsize=256)
def fields_of(spec: Spec) -> dict[str, Field]:
    return dict(walk(spec.fields))


@lru_cache(maxsize=256)
def labels_of(spec: Spec) -> dict[str, str]:
    """Path -> what a prompt calls it: "customer name" for customer.name."""
    fields, made = fields_of(spec), {}
    for path in fields:
        steps = path.split(".")
        said = [fields[".".join(steps[: i + 1]).removesuffix("[]")].said for i in range(len(steps))]
        made[path] = " ".join(said) if "[]" not in path else said[-1]
    return made


@lru_cache(maxsize=256)
def scalars_of(spec: Spec) -> tuple[tuple[str, str, Field], ...]:
    """(path, label, field) of what is shown as one value outside lists of objects, lists of texts included."""
    labels = labels_of(spec)
    return tuple(
        (path, labels[path], f)
        for path, f in fields_of(spec).items()
        if "[]" not in path and f.kind != "object" and not _of_objects(f)
    )


@lru_cache(maxsize=256)
def lists_of(spec: Spec) -> tuple[tuple[str, Field], ...]:
    return tuple((path, f) for path, f in fields_of(spec).items() if "[]" not in path and _of_objects(f))


@lru_cache(maxsize=256)
def defaults_of(spec: Spec) -> tuple[tuple[str, Field], ...]:
    return tuple((p, f) for p, f in fields_of(spec).items() if f.default is not None and "[]" not in p)


@lru_cache(maxsize=256)
def replaceable_of(spec: Spec) -> tuple[tuple[str, str, Field], ...]:
    """The fields of which another value is plainly another: codes, texts, dates, amounts; no small counts, no enums."""
    return tuple(
        (path, label, f)
        for path, label, f in scalars_of(spec)
        if f.draw is not None
        and not f.rule
        and (f.kind in ("text", "code", "date", "moment") or (f.kind == "number" and f.digits > 1))
    )


def _of_objects(f: Field) -> bool:
    return f.kind == "array" and f.items is not None and bool(f.items.fields)


# --- what stands around the record ----------------------------------------------------------------------------


def task_line(spec: Spec, d: Draw) -> str:
    """What is asked for, with the name of the schema."""
    noun, id = spec.noun, spec.id
    return d.choice(
        (
            f"Return this {noun} as one JSON object, schema {id}.",
            f"Extract the {noun} below into {id} JSON.",
            f"Write the {noun} as JSON ({id}).",
            f"Turn this into a {id} object in JSON.",
            f"Fill the {id} schema, JSON only.",
            f"As {id} JSON, please.",
            f"What is the {id} record here, as JSON?",
            f"Convert to JSON, schema {id}, nothing else.",
        )
    )


def framed(spec: Spec, d: Draw, body: str) -> str:
    """The body with what is asked for before or after it."""
    line = task_line(spec, d)
    return f"{line}\n\n{body}" if d.random() < 0.5 else f"{body}\n\n{line}"


def superseded_line(t: Teller) -> str:
    """A sentence with a value that does not hold; "" where there is none."""
    if t.d.random() >= DISTRACTED:
        return ""
    found = t.superseded()
    if found is None:
        return ""
    label, wrong, _ = found
    return t.d.choice(
        (
            # A comma before the value: no clock time in it makes the line look like "label: value".
            f"An earlier draft, now void, had {label} {wrong}.",
            f"As for the old copy, please disregard {label} {wrong}.",
            f"Not to be used, since superseded, is {label} {wrong}.",
            f"Somebody, by mistake, first wrote {label} {wrong}.",
            f"The void version, with {label} {wrong}, has been withdrawn.",
        )
    )


def side_line(t: Teller) -> str:
    """Something true that is no part of the record."""
    d = t.d
    kind = d.below(4)
    if kind == 0:
        return f"Call me back on {t.stray(phone)} if anything is unclear."
    if kind == 1:
        return f"Our file reference, for us only, is R{t.stray(lambda d: str(d.number(6)))}."
    if kind == 2:
        return f"{t.stray(person)} from the front desk passed this on."
    return f"I am away after {t.stray(lambda d: d.pick(FIRST))} takes over, so answer soon."
