"""Question answering drawn from the world: each answer at its exact place, other right answers listed.

Row: {"id": "qa-1-00000-0", "question": "Who left?", "context": "Ada left.", "answers": {"text": ["Ada"], "answer_start": [0]}}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from finetooth.generate.kinds import SLOT, Fact
from finetooth.generate.prose import FRAME, MOST_RECORDS, Document, Placed, documents
from finetooth.generate.world import Value, pick
from finetooth.machines import Spread

MOST = 5  # questions of one document
# Without a name of its own, a thing may be asked about only where the answer is one: "What caused the
# problem with the card readers?" has the same answer in several documents.
TELLING = ("ID", "ORG", "PERSON")
OWN = ("PERSON", "ORG", "MONEY", "DATE", "ID")
OF_EMAILS = {
    "writer": ("Who wrote the e-mail?", "Who is the sender of the message?", "From whom is the e-mail?"),
    "reader": ("To whom was the e-mail sent?", "Who received the message?", "Who is the e-mail for?"),
}


def pairs(
    n: int, seed: int, *, records: int = MOST_RECORDS, spread: Spread | None = None
) -> Iterator[tuple[dict[str, Any], Document]]:
    """``n`` rows of the task qa, each with its document. The first rows of a longer list are the same."""
    made = 0
    for document in documents(seed, records=records, spread=spread):
        drawn = list(rows(document, np.random.default_rng([seed, 3, made])))
        for row in drawn[: n - made]:
            yield row, document
        made += len(drawn)
        if made >= n:
            return


def rows(document: Document, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Up to MOST questions of one document, each about another slot."""
    askable = [(i, fact, slot) for i, told in enumerate(document.told) for fact in told for slot in fact.asks]
    chosen = [askable[k] for k in sorted(rng.permutation(len(askable))[:MOST])]
    asked = 0
    for i, fact, slot in chosen:
        place = document.at(i, fact.name, slot)
        question = ask(document, i, fact, slot, rng)
        if place is not None and question is not None:
            yield row(document, asked, question, accepted(document, place))
            asked += 1
    if document.style == "email" and rng.random() < 0.3:
        slot = pick(sorted(OF_EMAILS), rng)
        place = document.at(FRAME, "", slot)
        assert place is not None
        yield row(document, asked, pick(OF_EMAILS[slot], rng), [place])


def row(
    document: Document, number: int, question: str, places: Sequence[Placed | tuple[int, int]]
) -> dict[str, Any]:
    spans = [(p.start, p.end) if isinstance(p, Placed) else p for p in places]
    return {
        "id": f"qa-{document.id}-{number}",
        "question": question,
        "context": document.text,
        "answers": {"text": [document.text[a:b] for a, b in spans], "answer_start": [a for a, _ in spans]},
        "v2": False,
        "title": f"{document.style} {document.id}",
    }


def ask(document: Document, i: int, fact: Fact, slot: str, rng: np.random.Generator) -> str | None:
    """A question for the slot that only the record's fact answers; None where the document allows none."""
    record = document.records[i]
    fit = [t for t in fact.asks[slot] if _fits(document, i, slot, t)]
    if not fit:
        return None
    return SLOT.sub(lambda m: record.values[m[1]].form(m[2] or ""), pick(fit, rng))


def _fits(document: Document, i: int, slot: str, template: str) -> bool:
    """Whether a reader can tell which record is meant: a thing that the text names identifies it."""
    named = [m[1] for m in SLOT.finditer(template)]
    record = document.records[i]
    told_apart = any(record.values[s].kind in TELLING for s in named)
    if not told_apart and record.values[slot].kind not in OWN:
        return False
    if not named:
        return len(document.records) == 1
    known = {p.value.key for p in document.placed if p.record == i}
    return all(record.values[s].key in known for s in named)


def accepted(document: Document, place: Placed) -> list[Placed | tuple[int, int]]:
    """The place, and what a careful reader would accept besides: a company's short name, a number with its goods."""
    made: list[Placed | tuple[int, int]] = [place]
    value: Value = place.value
    if not place.form:
        for form in value.inside:
            at = value.text.find(value.forms[form])
            made.append((place.start + at, place.start + at + len(value.forms[form])))
    for other in document.placed:
        if other.record == place.record and {other.slot, place.slot} == {"quantity", "product"}:
            first, last = sorted((place, other), key=lambda p: p.start)
            if first.slot == "quantity" and document.text[first.end : last.start] == " ":
                made.append((first.start, last.end))
    return made
