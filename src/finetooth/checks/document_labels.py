"""Labels: inside the set that the source names, spelled one way, the same in both splits?"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from finetooth.checks._documents import is_ner, kinds, mentions
from finetooth.checks._label_names import odd_labels
from finetooth.registry import CheckContext, check, flag
from finetooth.text import many
from finetooth.types import Example, Finding

SHOWN = 6  # names in a message; all are in the evidence
DRIFT = 0.15  # of the labels would have to change for the two splits to be alike


def _near(name: str, known: Sequence[str]) -> tuple[str | None, bool]:
    """(the label of the set that is nearest, whether it is surely meant: spelled the same but for looks).

    One of other letters may be a slip, and may be another label: BornOn is not BornIn.
    """
    same = [k for k in known if _key(k) == _key(name) != ""]
    if len(same) == 1:
        return same[0], True
    return next(iter(same or difflib.get_close_matches(name, known, n=1, cutoff=0.75)), None), False


def _fix(near: str | None, sure: bool, fix: dict[str, Any]) -> Any:
    return fix if sure else f"did you mean {near!r}?" if near else None


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


@check("ner", "relation", severity="error")
def type_outside_label_set(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """An entity has a type that is not in the set of types its document names.

    Bad: {"entities": [{"mentions": ["Ada"], "type": "HUMAN"}], "entity_label_set": ["PERSON", "ORG"]}
    Fix: {"entities": [{"mentions": ["Ada"], "type": "PERSON"}], "entity_label_set": ["PERSON", "ORG"]}
    """
    for example in examples:
        known = kinds(example)
        if not known:
            continue
        if is_ner(example):
            listed = [(i, m.text, m.type) for i, m in enumerate(example.target.entities)]
        else:
            listed = [(i, e.name, e.type) for i, e in enumerate(example.inputs.entities)]
        for i, text, kind in listed:
            if kind not in known:
                near, sure = _near(kind, known)
                yield flag(
                    example,
                    f"{text!r} has the type {kind!r}, which is not in the label set"
                    + (f"; {near!r} is" if near else ""),
                    fix=_fix(near, sure, {"entity": i, "type": near}),
                    entity=i,
                    type=kind,
                    label_set=list(known),
                )


@check("relation", severity="error")
def relation_outside_label_set(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A triple has a relation that is not in the set of relations its document names.

    Bad: {"triples": [{"head": "Ada", "relation": "Quit", "tail": "Rome"}], "label_set": ["Left"]}
    Fix: {"triples": [{"head": "Ada", "relation": "Left", "tail": "Rome"}], "label_set": ["Left"]}
    """
    for example in examples:
        known = example.inputs.label_set
        for i, t in enumerate(example.target.triples):
            if known and t.relation not in known:
                near, sure = _near(t.relation, known)
                yield flag(
                    example,
                    f"the relation {t.relation!r} is not in the label set"
                    + (f"; {near!r} is" if near else ""),
                    fix=_fix(near, sure, {"triple": i, "relation": near}),
                    triple=i,
                    relation=t.relation,
                    label_set=list(known),
                )


def _types(examples: Sequence[Example]) -> Counter[str]:
    return Counter(m.type for e in examples for m in mentions(e))


def _relations(examples: Sequence[Example]) -> Counter[str]:
    return Counter(t.relation for e in examples for t in getattr(e.target, "triples", ()))


@check("ner", "relation", "nli", severity="warning")
def label_spelling(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Two labels differ only in case, blanks or hyphens: the model has to learn one thing twice.

    Of inference pairs also words for one class ("entails", "entailment"), a number among names, and a rare label that
    is nearly a common one or its beginning ("nuetral", "contra"). These are errors, a row each, where the right one
    is sure; a label of one or two rows among a hundred is a warning.

    Bad: types PERSON and Person
    Fix: one spelling, the commoner one
    """
    if examples and hasattr(examples[0].target, "label"):
        yield from odd_labels(examples)
        return
    for what, count in (("type", _types(examples)), ("relation", _relations(examples))):
        groups: dict[str, list[str]] = {}
        for name in count:
            groups.setdefault(_key(name), []).append(name)
        for names in groups.values():
            if len(names) > 1:
                best = max(names, key=lambda n: (count[n], n))
                yield flag(
                    "",
                    f"the {what} is spelled " + " and ".join(f"{n!r} ({count[n]}x)" for n in sorted(names)),
                    fix={n: best for n in names if n != best},
                    counts={n: count[n] for n in names},
                )


@check("ner", "relation", severity="warning", needs="against")
def label_drift(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A type or relation stands in one split only, or labels are used in other proportions.

    What training never shows cannot be predicted; what the other split lacks is not measured. One finding
    for types and relations each, and for either side; the counts are in its evidence.

    Bad: training has PER and LOC, dev has PER and GPE
    Fix: map GPE to LOC in dev, or split anew so that both have every label
    """
    for what, of in (("type", _types), ("relation", _relations)):
        yield from _drift(what, of, examples, context)


def _drift(
    what: str,
    of: Callable[[Sequence[Example]], Counter[str]],
    examples: Sequence[Example],
    context: CheckContext,
) -> Iterator[Finding]:
    here, there = of(examples), of(context.against)
    other = context.against_name or "the other split"
    for names, n, place in (
        (sorted(set(here) - set(there)), here, f"here, never in {other}"),
        (sorted(set(there) - set(here)), there, f"in {other}, never here"),
    ):
        if names:
            often = sorted(names, key=lambda name: (-n[name], name))
            listed = ", ".join(f"{name!r} ({n[name]}x)" for name in often[:SHOWN])
            rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield flag(
                "",
                f"{many(len(names), f'{what} stands', f'{what}s stand')} {place}: {listed}{rest}",
                what=what,
                only="here" if n is here else "there",
                counts={name: n[name] for name in often},
            )
    total, others = here.total(), there.total()
    if min(total, others) >= 50:
        shift = {n: here[n] / total - there[n] / others for n in set(here) | set(there)}
        moved = sum(abs(v) for v in shift.values()) / 2
        if moved > DRIFT:
            worst = sorted(shift, key=lambda n: -abs(shift[n]))[:5]
            yield flag(
                "",
                f"{moved:.0%} of the {what} labels would have to change to make both splits alike",
                what=what,
                distance=round(moved, 4),
                shift={n: round(shift[n], 4) for n in worst},
            )
