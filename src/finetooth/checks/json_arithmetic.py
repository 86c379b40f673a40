"""Does the answer add up? Sums, products, counts, means, shares, the order of dates, parts and their whole.

    {"items": [{"qty": 2, "price": 4.5}], "shipping": 3, "total": 14}      total is 14, 2 * 4.5 + 3 is 12

The relations come from three places: the schema declares them, the names of the fields ask for them, or the numbers
show them. See ``json_relations`` for how they are written and ``json_discover`` for how they are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from finetooth.checks.json_amounts import undecided
from finetooth.checks.json_declared import declared, ignored, names_of_schema, unknown_names
from finetooth.checks.json_discover import Found, by_schema, discover, where
from finetooth.checks.json_relations import TOLERANCE, Relation, applies, judged, parse
from finetooth.checks.json_values import (
    Path,
    Pattern,
    at_path,
    is_number,
    placed_leaves,
    show_number,
    show_path,
)
from finetooth.registry import CheckContext, check, flag
from finetooth.types import Example, Finding

ENOUGH_TO_SAY = 3  # rows before a whole field is called unrelated
MOST_EXAMPLES = 5
LOOK_AT = 200  # answers whose amounts in text tell how they are written


class Group(NamedTuple):
    """A schema's examples; the relations found among them, those left out that the schema declares; all of them."""

    key: str
    examples: list[Example]
    found: list[Found]
    every: list[Found]


class _Memo:
    """What was found in the last data set: five checks look at the same relations."""

    examples: Sequence[Example] | None = None
    tolerance = TOLERANCE
    groups: tuple[Group, ...] = ()


def groups(examples: Sequence[Example], context: CheckContext) -> tuple[Group, ...]:
    """The examples by schema, with the relations found among them."""
    tolerance = float(context.options.get("tolerance", TOLERANCE))
    if _Memo.examples is not examples or _Memo.tolerance != tolerance:
        made = []
        for key, group in by_schema(examples).items():
            schema = getattr(group[0].inputs, "schema", None)
            own = {_sides(r.rule) for r in declared(schema, key)} if schema is not None else set()
            found = discover([e.target.value for e in group], tolerance=tolerance)
            kept = [f for f in found if not _declared(f, own) and not ignored(schema, f.relation.rule)]
            made.append(Group(key, group, kept, found))
        _Memo.examples, _Memo.tolerance, _Memo.groups = examples, tolerance, tuple(made)
    return _Memo.groups


def _sides(rule: str) -> tuple[tuple[str, ...], frozenset[str]]:
    parsed = parse(rule)
    return parsed.place, frozenset({parsed.left, parsed.right})


def _declared(f: Found, own: set[tuple[tuple[str, ...], frozenset[str]]]) -> bool:
    """Whether the schema has a rule of its own for the field."""
    c = f.candidate
    return any(
        place == c.table.place
        and (c.left.text in sides if c.op == "==" else {c.left.text, c.right.text} == sides)
        for place, sides in own
    )


def relations_found(
    examples: Sequence[Example], context: CheckContext | None = None
) -> dict[str, list[Relation]]:
    """By schema id, the relations declared and found, with their support: what ``check --explain`` prints."""
    made: dict[str, list[Relation]] = {}
    for key, group, found, _ in groups(examples, context or CheckContext()):
        schema = getattr(group[0].inputs, "schema", None)
        rules: list[Relation] = []
        for relation in declared(schema, key) if schema is not None else ():
            counts = [applies(e.target.value, relation) for e in group]
            rules.append(
                Relation(relation.rule, "declared", sum(a for a, _ in counts), sum(b for _, b in counts))
            )
        made[key] = rules + [f.relation for f in found]
    return made


@check("json", severity="error")
def declared_relation(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The answer breaks a relation that its schema declares.

    A rule that never applies is named too, as a warning: it is most likely mistyped.

    Bad: {"subtotal": 10, "tax": 2, "total": 11} under "x-relations": ["total == subtotal + tax"]
    Fix: {"subtotal": 10, "tax": 2, "total": 12}
    """
    tolerance = float(context.options.get("tolerance", TOLERANCE))
    for key, group in by_schema(examples).items():
        schema = getattr(group[0].inputs, "schema", None)
        rules = declared(schema, key) if schema is not None else []
        spoken = dict.fromkeys((r.rule for r in rules), 0)
        for e in group if rules else ():
            for rule in spoken:
                for b, obeyed in judged(e.target.value, rule, tolerance):
                    spoken[rule] += 1
                    if obeyed:
                        continue
                    yield flag(
                        e,
                        f"{b.path}: {_show(b.left)} and {_show(b.right)} break the declared {b.rule}",
                        path=b.path, rule=b.rule, found=b.left, expected=b.right, difference=b.difference,
                    )  # fmt: skip
        for rule, places in spoken.items():
            yield from _says_nothing(key, rule, places, [e.target.value for e in group], schema)


def _says_nothing(key: str, rule: str, places: int, values: Sequence[Any], schema: Any) -> Iterator[Finding]:
    """A rule that speaks of no place, or names what neither the answers nor the schema have, is most likely mistyped."""
    missing = unknown_names(rule, values, schema)
    if places and not (missing and names_of_schema(schema)):
        return
    if not missing and len(values) < ENOUGH_TO_SAY:
        return
    why = f"no answer has {', '.join(missing)}" if missing else "what it names never stands together"
    says = f"speaks of no place in {len(values)} answers" if not places else "names what nothing else does"
    yield flag(
        "",
        f"{key or 'no schema'}: the declared {rule} {says}: {why}",
        severity="warning" if missing else "info", schema_id=key, rule=rule, of=places, missing=missing,
    )  # fmt: skip


@check("json", severity="error")
def arithmetic(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A number is not the sum, product, count, mean or share that the other rows or the names of the fields make it.

    A model trained on totals that do not add up learns to invent totals. Nothing needs to be declared: the relation, and
    in how many rows it holds, is part of the finding. Warnings are relations that the data leave in doubt.

    Bad: {"items": [{"quantity": 2, "price": 4.5}], "total": 14}
    Fix: {"items": [{"quantity": 2, "price": 4.5}], "total": 9}
    """
    for key, group, found, _ in groups(examples, context):
        yield from _undecided(key, group)
        exceeding = {(b[0], b[1]) for f in found if f.relation.kind == "whole" for b in f.places()}
        for f in found:
            if f.candidate.op != "==":
                continue
            for i, place, left, right in f.places():
                if f.relation.kind == "parts" and left < right and (i, place) in exceeding:
                    continue  # part-exceeds-whole says so
                yield _number_finding(group[i], f, place, left, right)


def _undecided(key: str, group: Sequence[Example]) -> Iterator[Finding]:
    """The fields of money whose 1.234 may be a thousand or one: they are not added up, and that is said once."""
    texts: dict[Pattern, list[str]] = {}
    for e in group[:LOOK_AT]:
        for _, place, value in placed_leaves(e.target.value):
            if isinstance(value, str) and "." in value and len(value) < 20:
                texts.setdefault(place, []).append(value)
    unclear = {place: cells[0] for place, cells in texts.items() if undecided(cells, str(place[-1]))}
    if unclear:
        shown = [".".join(place).replace(".[]", "[]") for place in unclear]
        first = next(iter(unclear.values()))
        yield flag(
            "",
            f"{key[:80] or 'no schema'}: {first!r} may be a thousand or one with three decimals, as all of {', '.join(shown)}: "
            "no sum of them is checked",
            severity="info", fix="write the amounts as numbers", schema_id=key, places=shown, found=first,
        )  # fmt: skip


def _number_finding(e: Example, f: Found, place: Path, left: float, right: float) -> Finding:
    path = where(place, f.candidate)
    r = f.relation
    # A rule about a sum of fields speaks of the sum, not of the object that they stand in.
    name = show_path(path) if path != place else f.candidate.left.text
    relation = f"{r.rule} gives {_show(right)}"
    if f.akin:
        message = f"{name} is {_show(left)}, {relation}; it holds in {r.support} of {r.of} places: another rule, or none"
    elif r.unrelated and r.of >= ENOUGH_TO_SAY:
        message = f"{name} is {_show(left)}, {relation}; it holds in {r.support} of {r.of} places, the field is unrelated"
    elif r.unrelated:
        message = f"{name} is {_show(left)}, {relation}"
    else:
        message = f"{name} is {_show(left)}, {relation} as in {r.support} of {r.of} places"
    fix = None
    if path != place and not r.unrelated and is_number(at_path(e.target.value, path)):
        fix = {"path": name, "value": _as_number(right, at_path(e.target.value, path))}
    return flag(
        e, message, severity="error" if f.certain else "warning", fix=fix, path=show_path(path), rule=r.rule, kind=r.kind,
        found=_as_number(left, None), expected=_as_number(right, None), difference=_as_number(abs(left - right), None),
        holds=r.support, of=r.of, unrelated=r.unrelated,
    )  # fmt: skip


@check("json", severity="error")
def unrelated_field(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A field is named like a total, a count, a mean, an end date, and is none in (almost) any row.

    That is how the output of a generator looks that draws every field on its own. The rows are flagged one by one by
    the checks arithmetic, date-order and part-exceeds-whole; this names the field once.

    Bad: 26 invoices, and in none is total_amount the sum of the lines plus the tax
    Fix: compute the field from the others, in the prompt and in the answer, and check again
    """
    for key, group, found, _ in groups(examples, context):
        for f in found:
            r = f.relation
            if not r.unrelated or r.of < ENOUGH_TO_SAY or not len(f.breaks):
                continue
            field = _field_name(f)
            ids = list(dict.fromkeys(group[i].id for i, *_ in f.places()))
            held = "in none of" if not r.support else f"as by chance, in {r.support} of"
            how = "follows another rule than" if f.akin else "has nothing to do with"
            yield flag(
                "",
                f"{key or 'no schema'}: {field} {how} {r.rule}: it holds {held} {r.of} places",
                severity="error" if f.certain and f.candidate.op == "==" else "warning",
                schema_id=key, field=field, rule=r.rule, holds=r.support, of=r.of,
                examples=len(ids), first=ids[:MOST_EXAMPLES],
            )  # fmt: skip


def _field_name(f: Found) -> str:
    c = f.candidate
    paths = [path for place, path in (c.right if c.op == "<=" else c.left).uses if place == c.table.place]
    place = ".".join(c.table.place).replace(".[]", "[]")
    path = ".".join(paths[0]) if len(paths) == 1 else c.left.text
    return f"{place}.{path}" if place else path


@check("json", severity="error")
def date_order(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A date lies before the one that must come first: the end before the start, due before issued.

    Bad: {"start_date": "2024-05-01", "end_date": "2024-04-01"}
    Fix: {"start_date": "2024-04-01", "end_date": "2024-05-01"}
    """
    for _, group, found, _ in groups(examples, context):
        for f in found:
            if f.relation.kind != "order":
                continue
            r, c = f.relation, f.candidate
            for i, place, _, _ in f.places():
                first, second = ((*place, *next(iter(side.uses))[1]) for side in (c.left, c.right))
                value = group[i].target.value
                early, late = at_path(value, first), at_path(value, second)
                yield flag(
                    group[i],
                    f"{show_path(second)} is {late}, before {show_path(first)}, which is {early} "
                    f"({r.rule} holds in {r.support} of {r.of} places)",
                    severity="error" if f.certain else "warning",
                    path=show_path(second), rule=r.rule, first=early, second=late,
                    holds=r.support, of=r.of, unrelated=r.unrelated,
                )  # fmt: skip


@check("json", severity="error")
def part_exceeds_whole(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The parts are more than their whole, or a minimum more than its maximum.

    Bad: {"total_customers": 46, "new_customers": 543}
    Fix: {"total_customers": 589, "new_customers": 543, "returning_customers": 46}
    """
    for _, group, found, _ in groups(examples, context):
        for f in found:
            if f.relation.kind not in ("whole", "bound"):
                continue
            r, c = f.relation, f.candidate
            for i, place, left, right in f.places():
                whole = show_path((*place, *next(iter(c.right.uses))[1]))
                value = group[i].target.value
                parts = {
                    show_path((*place, *p)): v
                    for _, p in sorted(c.left.uses, key=str)
                    if (v := at_path(value, (*place, *p))) is not None
                }
                names = " + ".join(parts) or c.left.text
                yield flag(
                    group[i],
                    f"{names} is {_show(left)}, more than {whole}, which is {_show(right)} "
                    f"({r.rule} holds in {r.support} of {r.of} places)",
                    severity="error" if f.certain else "warning",
                    path=whole, rule=r.rule, parts=parts, sum=_as_number(left, None), whole=_as_number(right, None),
                    holds=r.support, of=r.of, unrelated=r.unrelated,
                )  # fmt: skip


def _show(value: Any) -> str:
    return (
        show_number(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else repr(value)
    )


def _as_number(value: float, like: Any) -> Any:
    """Rounded as the data are: to cents, or to whole numbers where the field has them."""
    if isinstance(like, int) and not isinstance(like, bool) and abs(value - round(value)) < 1e-6:
        return round(value)
    value = round(value, 6 if like is None else 2)
    return int(value) if like is None and value.is_integer() and abs(value) < 2**53 else value
