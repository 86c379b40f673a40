"""The built-in world: companies and people with known truth, and records of what happened between them.

Records first, views second: a record is drawn, then told in prose (``prose``), then asked about
(``view_qa``), labelled (``view_ner``, ``view_relation``) or doubted (``view_nli``). One seed makes one
world; document i of it is the same however many are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from finetooth.generate.names import (
    CITIES,
    FIRST_NAMES,
    FORMS,
    LAST_NAMES,
    MONTHS,
    ROLES,
    STEM_ENDS,
    STEM_STARTS,
    TRADES,
    listed,
)

T = TypeVar("T")

COMPANIES, PEOPLE_EACH = 240, 6
# The kinds of value that are named entities; the others (NUMBER, TIME, PHRASE, ROLE) are only asked about.
ENTITY_KINDS = ("DATE", "ID", "LOC", "MONEY", "ORG", "PERSON", "PRODUCT")


@dataclass(frozen=True)
class Value:
    """One thing of the world and the ways to write it. ``forms[""]`` is the full one.

    ``key`` names the thing: two values with one key are the same. ``inside`` are forms that are part of
    the full one and just as right as an answer.
    """

    kind: str
    key: str
    forms: Mapping[str, str]
    inside: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.forms[""]

    def form(self, name: str) -> str:
        return self.forms.get(name, self.forms[""])


@dataclass(frozen=True)
class Person:
    number: int
    first: str
    last: str
    employer: int
    role: str

    @cached_property
    def value(self) -> Value:
        forms = {"": f"{self.first} {self.last}", "first": self.first, "last": self.last}
        return Value("PERSON", f"person:{self.number}", MappingProxyType(forms))


@dataclass(frozen=True)
class Company:
    """``trade`` is a key of ``names.TRADES``, ``founded`` a year, ``founder`` a person's number."""

    number: int
    stem: str
    name: str
    city: str
    trade: str
    goods: str
    founded: int
    founder: str
    staff: int
    people: tuple[int, ...] = ()

    @cached_property
    def value(self) -> Value:
        return Value(
            "ORG", f"company:{self.number}", MappingProxyType({"": self.name, "short": self.stem}), ("short",)
        )


def phrase(text: str, kind: str = "PHRASE", *, inside: Mapping[str, str] = MappingProxyType({})) -> Value:
    """A value that is only what it says: a role, a cause, a length of time."""
    return Value(kind, f"{kind}:{text}", MappingProxyType({"": text, **inside}), tuple(inside))


def number(n: int) -> Value:
    return Value("NUMBER", f"number:{n}", MappingProxyType({"": str(n)}))


def city(name: str) -> Value:
    return Value("LOC", f"city:{name}", MappingProxyType({"": name}))


def goods(name: str) -> Value:
    return Value("PRODUCT", f"product:{name}", MappingProxyType({"": name}))


def code(text: str) -> Value:
    return Value("ID", f"id:{text}", MappingProxyType({"": text}))


def money(amount: int, currency: str = "€") -> Value:
    return Value("MONEY", f"money:{currency}{amount}", MappingProxyType({"": f"{currency}{amount:,}"}))


def year(y: int) -> Value:
    return Value("DATE", f"year:{y}", MappingProxyType({"": str(y)}))


@dataclass(frozen=True, order=True)
class Day:
    year: int
    month: int
    day: int

    @property
    def value(self) -> Value:
        month = MONTHS[self.month - 1]
        forms = {
            "": f"{self.day} {month} {self.year}",
            "brief": f"{self.day} {month}",
            "abbreviated": f"{self.day} {month[:3]} {self.year}",
            "iso": f"{self.year}-{self.month:02}-{self.day:02}",
        }
        return Value("DATE", f"day:{forms['iso']}", MappingProxyType(forms))

    def after(self, days: int) -> Day:
        """Days later, in months of 28 days: every date exists, and the order is right."""
        n = (self.year * 12 + self.month - 1) * 28 + self.day - 1 + days
        return Day(n // 28 // 12, n // 28 % 12 + 1, n % 28 + 1)


@dataclass(frozen=True)
class Record:
    """What happened, as slots with values. ``kind`` names the file of ``records`` that tells of it."""

    kind: str
    values: Mapping[str, Value]


class Taken:
    """What a document already speaks of. Another record of it must be of other things,
    or a question could mean both."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.words: set[str] = set()

    def add(self, record: Record) -> None:
        for value in record.values.values():
            self.keys.add(value.key)
            self.words.update(value.forms.values())

    def clashes(self, record: Record) -> bool:
        """Whether a thing of the record, or any way to write it, is taken."""
        return any(
            v.key in self.keys or self.words.intersection(v.forms.values()) for v in record.values.values()
        )


@dataclass(frozen=True)
class World:
    """Companies and the people who work for them. Deterministic in ``seed``."""

    seed: int
    companies: Sequence[Company] = field(init=False, repr=False)
    people: Sequence[Person] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, 1])
        stems = [a + b for a in STEM_STARTS for b in STEM_ENDS]
        stems = [stems[i] for i in rng.permutation(len(stems))[:COMPANIES]]
        couples = rng.permutation(len(FIRST_NAMES) * len(LAST_NAMES))
        names = [(FIRST_NAMES[i // len(LAST_NAMES)], LAST_NAMES[i % len(LAST_NAMES)]) for i in couples]
        roles = listed(ROLES)
        companies: list[Company] = []
        people: list[Person] = []
        for n, stem in enumerate(stems):
            trade = pick(sorted(TRADES), rng)
            endings, made = TRADES[trade]
            staff = []
            own_roles = rng.permutation(len(roles))
            for i in range(PEOPLE_EACH):
                first, last = names[len(people)]
                staff.append(len(people))
                people.append(Person(len(people), first, last, n, roles[own_roles[i]]))
            founder = " ".join(names[COMPANIES * PEOPLE_EACH + n])
            companies.append(
                Company(
                    n,
                    stem,
                    f"{stem} {pick(endings, rng)}{pick(FORMS, rng)}",
                    pick(CITIES, rng),
                    trade,
                    pick(made, rng),
                    int(rng.integers(1921, 2010)),
                    founder,
                    int(rng.integers(61, 1900)),  # no number that looks like a year
                    tuple(staff),
                )
            )
        object.__setattr__(self, "companies", tuple(companies))
        object.__setattr__(self, "people", tuple(people))

    def founder(self, company: Company) -> Value:
        first, last = company.founder.split(" ", 1)
        return Person(COMPANIES * PEOPLE_EACH + company.number, first, last, company.number, "founder").value

    def company(self, rng: np.random.Generator) -> Company:
        return self.companies[int(rng.integers(len(self.companies)))]

    def two_companies(self, rng: np.random.Generator) -> tuple[Company, Company]:
        """Two, of different trades and towns."""
        one = self.company(rng)
        while True:
            other = self.company(rng)
            if other.trade != one.trade and other.city != one.city:
                return one, other

    def person(self, company: Company, rng: np.random.Generator) -> Person:
        return self.people[pick(company.people, rng)]

    def two_people(self, company: Company, rng: np.random.Generator) -> tuple[Person, Person]:
        """Two colleagues; they share no part of their names."""
        while True:
            a, b = (self.people[i] for i in rng.choice(company.people, 2, replace=False))
            if a.first != b.first and a.last != b.last:
                return a, b


def pick(values: Sequence[T], rng: np.random.Generator) -> T:
    """One of them, each as likely."""
    return values[int(rng.integers(len(values)))]


def day(rng: np.random.Generator) -> Day:
    return Day(int(rng.integers(2019, 2026)), int(rng.integers(1, 13)), int(rng.integers(1, 29)))
