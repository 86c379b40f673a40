"""Inference drawn from the world: does a sentence about a record follow from what a text tells of it, and why?

Row: {"id": "nli-1-00000-0", "premise": "Ada left at noon.", "hypothesis": "Ada left in the morning.",
      "label": "contradiction", "reason": "step 1: ... step 3: ... so the hypothesis contradicts the premise."}

The same sentences are used for all three labels, and the first fact of a record, which every text
tells, for none: from the hypothesis alone nothing can be guessed. What a text leaves out is neutral,
true of the record or not; what it tells of can be told rightly or wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from finetooth.generate.kinds import SLOT, Fact, Kind
from finetooth.generate.names import MONTHS
from finetooth.generate.prose import Document, documents
from finetooth.generate.world import Value, World, money, number, pick, year
from finetooth.machines import Spread
from finetooth.text import words

LABELS = ("entailment", "neutral", "contradiction")
RECORDS = 2
TRIES = 8
OTHERWISE = 0.5  # of the sums, numbers and dates are told as "more than", "less than", "in March"


@dataclass(frozen=True)
class Claim:
    """A slot of a fact and a sentence about it, with the words around the slot's value."""

    fact: Fact
    slot: str
    text: str


def pairs(
    n: int, seed: int, *, records: int = RECORDS, spread: Spread | None = None
) -> Iterator[tuple[dict[str, Any], Document]]:
    """``n`` rows of the task nli, each with its document. The first rows of a longer list are the same."""
    made = 0
    world = World(seed)
    for document in documents(seed, records=min(records, RECORDS), alike=True, spread=spread):
        drawn = list(rows(document, world, np.random.default_rng([seed, 5, made])))
        for row in drawn[: n - made]:
            yield row, document
        made += len(drawn)
        if made >= n:
            return


def rows(document: Document, world: World, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """One row a label, in any order, each about another fact.

    Of some rows of each label, the three that share nearest the same part of their words with the
    text: left alone, what follows would share more of them, and counting words would do for reading.
    """
    held = set(words(document.text))
    drawn: list[list[Drawn]] = []
    for label in LABELS:
        some = [made for _ in range(TRIES) if (made := _draw(document, world, label, held, rng))]
        drawn.append(some)
    three = min(
        (t for t in product(*drawn) if len({d.fact for d in t}) == len(LABELS)), key=_spread, default=()
    )
    for n, k in enumerate(rng.permutation(len(three))):
        yield {"id": f"nli-{document.id}-{n}", "premise": document.text, **three[k].row}


@dataclass(frozen=True)
class Drawn:
    """A row, the record and fact that it is about, and the part of its words that the text has too."""

    row: dict[str, Any]
    fact: tuple[int, str]
    shared: float


def _spread(drawn: Sequence[Drawn]) -> float:
    shares = [d.shared for d in drawn]
    return max(shares) - min(shares)


def _draw(
    document: Document, world: World, label: str, held: set[str], rng: np.random.Generator
) -> Drawn | None:
    """A row of this label; None where no fact is fit or no wrong value was found."""
    known = {p.value.key for p in document.placed}
    told = [{f.name for f in facts} for facts in document.told]
    fit: list[tuple[int, list[Claim]]] = []
    for i, kind in enumerate(document.whole):
        for fact in kind.facts[1:]:
            if (fact.name in told[i]) == (label != "neutral"):
                claims = [Claim(fact, *c) for c in fact.claims if _about_known(document, i, *c, known)]
                if claims:
                    fit.append((i, claims))
    if not fit:
        return None
    # What is told of the other record, and not of this one, shares its words with the text all the same.
    near = [f for f in fit if any(f[1][0].fact.name in t for j, t in enumerate(told) if j != f[0])]
    i, claims = pick(near or fit, rng)
    claim = pick(claims, rng)
    true = document.records[i].values[claim.slot]
    holds = label == "entailment" or (label == "neutral" and rng.random() < 0.3)
    if rng.random() < OTHERWISE and (way := _otherwise(true, claim, rng)) is not None:
        told_as, replaced = way(holds)
        text = claim.text.replace(replaced, told_as)
    else:
        value = true if holds else _other(document, world, i, claim, true, rng)
        if value is None:
            return None
        place = document.at(i, claim.fact.name, claim.slot)
        # A text that gives no year cannot prove one.
        form = "brief" if place is None or place.form == "brief" else ""
        told_as = value.form(form)
        text = claim.text.replace(f"{{{claim.slot}}}", told_as)
    hypothesis = SLOT.sub(lambda m: document.records[i].values[m[1]].form(m[2] or ""), text)
    hypothesis = hypothesis[0].upper() + hypothesis[1:]
    said = set(words(hypothesis))
    row = {
        "hypothesis": hypothesis,
        "label": label,
        "reason": _reason(document, i, claim, told_as, label),
    }
    return Drawn(row, (i, claim.fact.name), len(said & held) / len(said))


def _about_known(document: Document, i: int, slot: str, text: str, known: set[str]) -> bool:
    """Whether all that the sentence names besides the slot is named by the text too."""
    values = document.records[i].values
    return all(values[m[1]].key in known for m in SLOT.finditer(text) if m[1] != slot)


def _otherwise(
    true: Value, claim: Claim, rng: np.random.Generator
) -> Callable[[bool], tuple[str, str]] | None:
    """Another way to speak of a number, sum or date: given whether it shall hold, (words, what they replace)."""
    whole = f"{{{claim.slot}}}"
    kind, _, what = true.key.partition(":")
    if kind == "day" and f"on {whole}" in claim.text and "latest" not in claim.text:
        month = int(what[5:7]) - 1
        away = int(rng.integers(1, 12))
        return lambda holds: (f"in {MONTHS[month if holds else (month + away) % 12]}", f"on {whole}")
    if kind == "year" and f"in {whole}" in claim.text:
        return _bounded(int(what), lambda n: year(n).text, f"in {whole}", ("after", "before"), 1, 6, rng)
    if kind == "number":
        return _bounded(
            int(what), lambda n: number(n).text, whole, ("more than", "fewer than"), 0.1, 0.5, rng
        )
    if kind == "money":
        amount = int(what.lstrip("€"))

        def written(n: int) -> str:
            return money(round(n, -max(0, len(str(n)) - 2))).text

        return _bounded(amount, written, whole, ("more than", "less than"), 0.15, 0.5, rng)
    return None


def _bounded(
    true: int,
    written: Callable[[int], str],
    replaced: str,
    words: tuple[str, str],
    least: float,
    most: float,
    rng: np.random.Generator,
) -> Callable[[bool], tuple[str, str]]:
    """ "more than 300": a bound below or above, away by ``least`` to ``most`` (a share, or a number from 1 up)."""
    up = bool(rng.random() < 0.3)
    away = rng.uniform(least, most)

    def way(holds: bool) -> tuple[str, str]:
        below = up == holds  # "more than" holds of a lower bound, "fewer than" of a higher one
        step = round(away) if least >= 1 else max(2, round(true * away))
        return f"{words[0 if up else 1]} {written(true - step if below else true + step)}", replaced

    return way


def _other(
    document: Document, world: World, i: int, claim: Claim, true: Value, rng: np.random.Generator
) -> Value | None:
    """A wrong value: of the same kind from the same text if there is one, so that shared words prove
    nothing, else of another record of the kind."""
    own = {v.key for slot, v in document.records[i].values.items() if slot == claim.slot}
    alike = {
        p.value.key: p.value
        for p in document.placed
        if p.value.kind == true.kind
        and p.value.key not in own
        and (p.slot == claim.slot or true.kind in ("PERSON", "ORG", "LOC", "DATE", "MONEY"))
        and p.value.key.split(":")[0] == true.key.split(":")[0]
    }
    named = {document.records[i].values[m[1]].key for m in SLOT.finditer(claim.text)}
    fit = [v for key, v in alike.items() if key not in named]
    if fit:
        return pick(fit, rng)
    kind: Kind = document.whole[i]
    for _ in range(20):
        value = kind.draw(world, 0, rng).values[claim.slot]
        if value.key != true.key and value.text not in document.text:
            return value
    return None


def _reason(document: Document, i: int, claim: Claim, words: str, label: str) -> str:
    about = f"the {claim.fact.name}"
    first = f"step 1: The hypothesis is about {about} and says {words!r}."
    if label == "neutral":
        return (
            f"{first} step 2: The premise does not speak of {about}. "
            "step 3: It might be so or not, hence the hypothesis cannot be inferred from the premise."
        )
    start, end = next(
        (a, b) for a, b, record, fact in document.sentences if (record, fact) == (i, claim.fact.name)
    )
    said = " ".join(document.text[start:end].split())
    second = f'step 2: On this the premise says "{said}"'
    if label == "entailment":
        return f"{first} {second}, which agrees. step 3: So the hypothesis can be inferred from the premise."
    return f"{first} {second}, which does not agree. step 3: Both cannot be true, so the hypothesis contradicts the premise."
