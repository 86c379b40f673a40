"""Can the answer be had from the prompt, and is all that the prompt gives in the answer?

prompt "Order Id: A-1234, Customer: Ada Moss", answer {"order_id": "A-1243", "customer": "Ada Moss"}
-> near-miss: $.order_id is "A-1243", the prompt has "A-1234"

A leaf may stand in the prompt as it is, in another notation (1,234.50 for 1234.5, 5 March 2024 for 2024-03-05, 2 hours
for 120 minutes, yes for true), in pieces, or follow from the others by a relation (see ``json_arithmetic``) or from the
schema (a default).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from finetooth.checks.json_ground_groups import (
    ENOUGH,
    MIXED,
    OWN_WORDS,
    USUAL,
    Group,
    ground_groups,
    many_digits,
)
from finetooth.checks.json_ground_rows import Left, Miss, Row
from finetooth.checks.json_prompt import Prompt, as_text
from finetooth.checks.json_says import says_less
from finetooth.checks.json_slips import cut_off, surely_meant
from finetooth.checks.json_values import Pattern, is_number, pattern, show_path
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten
from finetooth.types import Example, Finding

CODE_DIGITS = 4  # of a text that nobody can know
_CODE = re.compile(r"\d|@|://|^[A-Z]{3,}$")


def _missed(examples: Sequence[Example], context: CheckContext) -> Iterator[tuple[Group, Row, Miss]]:
    for group in ground_groups(examples, context):
        if not group.detached:
            for row in group.rows:
                for m in row.misses:
                    # A keyword that is nearly a word of the prompt is no copy of it with a slip.
                    if m.label is None and group.in_own_words(pattern(m.path)) and not _is_code(m.value):
                        continue
                    yield group, row, m


def _quoted(value: Any) -> str:
    return f"{shorten(value, 60)!r}" if isinstance(value, str) else as_text(value)


@check("json", severity="error")
def near_miss(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A value of the answer stands in the prompt but for a slip: a digit of an id, two letters swapped, words left out.

    The hardest error to see, and the one that a model learns best: to copy nearly. It is a warning where only a minus is
    added, and the prompt speaks of a debit or the like. There is no fix where another word may be meant (a word of the
    dictionary, a part of another name), and where the prompt breaks off in the midst of the value.

    Bad: {"prompt": "Order Id: A-1234", "expected_output": {"order_id": "A-1243"}}
    Fix: {"prompt": "Order Id: A-1234", "expected_output": {"order_id": "A-1234"}}
    """
    for _, row, m in _missed(examples, context):
        if not m.near:
            continue
        e = row.example
        one, other = _apart(as_text(m.value), m.near)
        # A debit of 12.50 may be meant as -12.50.
        meant = (
            is_number(m.value)
            and m.value < 0
            and says_less(e.inputs.prompt)
            and -m.value in Prompt(m.near).numbers
        )
        tail = cut_off(e.inputs.prompt, m.value)
        sure = not meant and not tail and surely_meant(row, m)
        says = f"the prompt breaks off at {tail!r}" if tail else f"the prompt has {other!r}"
        yield flag(
            e, f"{show_path(m.path)} is {one!r}, {says}", severity="warning" if meant else "",
            path=show_path(m.path), found=m.value, prompt=m.near, label=m.label.name if m.label else None,
            fix={"path": show_path(m.path), "value": _like(m.near, m.value)} if sure else None,
        )  # fmt: skip


def _apart(one: str, other: str, size: int = 60) -> tuple[str, str]:
    """Two nearly equal texts, cut to where they differ first."""
    if len(one) <= size and len(other) <= size:
        return one, other
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    start = max(0, at - size // 3)

    def cut(text: str) -> str:
        end = start + size
        return ("…" if start else "") + text[start:end] + ("…" if len(text) > end else "")

    return cut(one), cut(other)


def _like(text: str, value: Any) -> Any:
    """The prompt's text as a value of the kind that stands in the answer."""
    if is_number(value):
        read = sorted(Prompt(text).numbers)
        if len(read) == 1:
            return int(read[0]) if isinstance(value, int) and read[0].is_integer() else read[0]
    return text


@check("json", severity="error")
def wrong_label(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A value stands in the prompt, but under another label than that of its field: two fields are swapped.

    Bad: {"prompt": "Tax: 3\\nShipping: 9", "expected_output": {"tax": 9, "shipping": 3}}
    Fix: {"prompt": "Tax: 3\\nShipping: 9", "expected_output": {"tax": 3, "shipping": 9}}
    """
    for _, row, m in _missed(examples, context):
        e = row.example
        if m.label is None or m.near or not m.elsewhere:
            continue
        yield flag(
            e,
            f"{show_path(m.path)} is {_quoted(m.value)}, the prompt's {m.label.name} is {_quoted(m.label.text)}",
            path=show_path(m.path), found=m.value, prompt=m.label.text, label=m.label.name,
        )  # fmt: skip


@check("json", severity="error")
def ungrounded(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A value of the answer cannot be had from the prompt: it neither stands there nor follows from what does.

    Whoever trains on it teaches the model to make values up. Warnings are values that may be meant: a choice from an
    enum, a flag, a text in other words, a value of a field that is now and then copied. A field that the prompts mostly
    do not say, a summary or a priority, is told once.

    Bad: {"prompt": "Order 7 for Ada", "expected_output": {"order": 7, "customer": "Ada", "phone": "555-0101"}}
    Fix: {"prompt": "Order 7 for Ada", "expected_output": {"order": 7, "customer": "Ada"}}
    """
    for group in ground_groups(examples, context):
        if group.detached:
            of = sum(row.leaves for row in group.rows)
            lost = sum(len(row.misses) for row in group.rows)
            yield flag(
                "",
                f"{group.key or 'no schema'}: the prompts do not say {lost:,} of {of:,} values of the answers; "
                "this is no extraction, grounding is not checked",
                severity="warning", schema_id=group.key, missing=lost, of=of, examples=len(group.rows),
            )  # fmt: skip
            continue
        yield from _in_own_words(group)
        for row in group.rows:
            for m in row.misses:
                place = pattern(m.path)
                if (m.near and not (m.label is None and group.in_own_words(place))) or (
                    m.label and m.elsewhere
                ):
                    continue
                if m.label is None and group.in_own_words(place):
                    continue
                said = f"; its {m.label.name} is {_quoted(m.label.text)}" if m.label else ""
                yield flag(
                    row.example,
                    f"{show_path(m.path)} is {_quoted(m.value)}, which the prompt does not say{said}",
                    severity=_how_bad(group, row, m),
                    path=show_path(m.path), found=m.value,
                    label=m.label.name if m.label else None, prompt=m.label.text if m.label else None,
                )  # fmt: skip


def _in_own_words(group: Group) -> Iterator[Finding]:
    """One finding for each field that the prompts mostly do not say: information, a warning where it holds codes."""
    for place in group.lost:
        if not group.in_own_words(place):
            continue
        lost, of = group.lost[place], group.fields.valued[place]
        values = [m.value for row in group.rows for m in row.misses if pattern(m.path) == place]
        codes = sum(map(_is_code, values)) >= OWN_WORDS * len(values)
        what = "who trains on it teaches a model to make them up" if codes else "it is told in other words"
        yield flag(
            "",
            f"{group.key[:80] or 'no schema'}: the prompts do not say {lost:,} of the {of:,} values of {_shown(place)}, "
            f"such as {_quoted(values[0])}; {what}, and is not held against the prompts",
            severity="warning" if codes else "info",
            schema_id=group.key, place=_shown(place), missing=lost, of=of, examples=len(group.rows),
        )  # fmt: skip


def _is_code(value: Any) -> bool:
    """A number or a code that nobody can know who was not told it: an amount, a phone, an address."""
    if is_number(value):
        return many_digits(value)
    return isinstance(value, str) and (sum(c.isdigit() for c in value) >= CODE_DIGITS or "@" in value)


def _how_bad(group: Group, row: Row, m: Miss) -> str:
    if m.label is not None:
        return "error"
    if group.share_lost(pattern(m.path)) > MIXED:
        return "warning"
    if isinstance(m.value, bool) or m.value in group.fields.options(pattern(m.path)):
        return "warning"
    if is_number(m.value) or _CODE.search(m.value):
        return "error"
    said = Prompt(row.example.inputs.prompt).words
    words = Prompt(m.value).words
    long = [w for w in words if len(w) > 3]
    # A text in other words shares some of them; one that shares none is made up.
    return "warning" if any(w in said for w in long or words) else "error"


@check("json", severity="error")
def element_count(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A value of a list stands in the answer more or less often than under its label, where the other rows have as many.

    An element is told twice, or one that looks like another is left out. What left-out names is not named again.

    Bad: {"prompt": "Item: pen\nItem: pen", "expected_output": {"items": [{"item": "pen"}]}}
    Fix: {"prompt": "Item: pen\nItem: pen", "expected_output": {"items": [{"item": "pen"}, {"item": "pen"}]}}
    """
    for group in ground_groups(examples, context):
        equal = Counter(k for row in group.rows for k, (a, b, _) in row.counts.items() if a == b)
        every = Counter(k for row in group.rows for k in row.counts)
        for row in group.rows:
            named = {x.label.key for x in row.left}
            for key, (labels, here, twin) in row.counts.items():
                usual = every[key] >= ENOUGH and equal[key] >= USUAL * every[key]
                if not twin or not usual or key in named:
                    continue
                name = next(x.name for x in Prompt(row.example.inputs.prompt).by_key[key])
                yield flag(
                    row.example,
                    f"the prompt has {labels} {name}, the answer {here}: {twin!r} stands there "
                    f"{'too often' if here > labels else 'too rarely'}",
                    label=name, value=twin, labels=labels, values=here, equal=equal[key], of=every[key],
                )  # fmt: skip


@check("json", severity="warning")
def other_order(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A list stands in another order than in the prompt, where the other rows keep the prompt's order.

    Lists are compared by position: the model that keeps to the order of the prompt is then called wrong.

    Bad: {"prompt": "Tags:\n  red\n  blue", "expected_output": {"tags": ["blue", "red"]}}
    Fix: {"prompt": "Tags:\n  red\n  blue", "expected_output": {"tags": ["red", "blue"]}}
    """
    for group in ground_groups(examples, context):
        kept = Counter(place for row in group.rows for place in row.lists.kept)
        changed = Counter(place for row in group.rows for place, _ in row.lists.changed)
        for row in group.rows:
            for place, path in row.lists.changed:
                of = kept[place] + changed[place]
                if of >= ENOUGH and kept[place] >= USUAL * of:
                    last = max(i for i, step in enumerate(path) if isinstance(step, int))
                    where = show_path(path[:last])
                    yield flag(
                        row.example,
                        f"{where} stands in another order than in the prompt, which {kept[place]} of {of} rows keep",
                        path=where, kept=kept[place], of=of,
                    )  # fmt: skip


@check("json", severity="error")
def left_out(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The prompt gives a labelled value that the schema has a place for, and the answer does not hold it.

    A label that the schema does not know counts where the other rows use its value. It is a warning where another
    value stands in the field, where only words of the value are missing, and where only habit speaks.

    Bad: {"prompt": "Name: Ada\\nCity: Leeds", "expected_output": {"name": "Ada"}}
    Fix: {"prompt": "Name: Ada\\nCity: Leeds", "expected_output": {"name": "Ada", "city": "Leeds"}}
    """
    for group in ground_groups(examples, context):
        if group.detached:
            continue
        for row in group.rows:
            for x in row.left:
                used, of = group.habit.get(x.label.key, (0, 0))
                usual = of >= ENOUGH and used >= USUAL * of
                if (x.place is None and not usual) or (x.next_lines and x.label.key not in group.joins):
                    continue
                yield _left_finding(row.example, x, used, of, sure=x.place is not None and not x.filled)


def _shown(place: Pattern) -> str:
    return "$." + ".".join(place).replace(".[]", "[]")


def _left_finding(e: Example, x: Left, used: int, of: int, *, sure: bool) -> Finding:
    whole = x.missing == x.label.value
    what = _quoted(x.missing) if whole else f"{_quoted(x.missing)} of {_quoted(x.label.text)}"
    where = _shown(x.place) if x.place else f"used in {used} of {of} rows"
    return flag(
        e, f"the prompt's {x.label.name} is {what}, which the answer does not hold ({where})",
        severity="error" if sure and whole else "warning",
        label=x.label.name, prompt=x.label.text, missing=x.missing, place=where if x.place else None,
        used=used, of=of,
    )  # fmt: skip
