"""Reasons that are none: empty, a refusal, a prompt whose places were never filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from finetooth.checks.nli_reasons import reasons
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten
from finetooth.types import Example, Finding

HABIT = 0.9  # of the rows have a reason before a row without is odd
AMONG = 20  # rows

_PLACE = re.compile(
    r"\{\{?\s*(?:premise|hypothesis|label|reason|sentence_?[12ab]?|text_?[12ab]?|context|question|answer)\s*\}\}?"
    r"|<\s*(?:insert|your)\s+[\w ]{2,30}>|\[\s*(?:insert|your)\s+[\w ]{2,30}\]",
    re.I,
)
_REFUSAL = re.compile(
    r"^\W*(?:i\s*(?:'m|am)\s+(?:\w+\s+)?sorry\b|sorry\b[\s,]|i\s+apologi[sz]e\b|(?:unfortunately,?\s+)?(?:as|i\s*(?:'m|am))\s+an?\s+(?:ai|language\s+model)\b)"
    r"|\bas\s+an\s+ai\s+(?:language\s+)?(?:model|assistant)\b"
    r"|\bi\s+(?:cannot|can't|can\s+not|won't|will\s+not|(?:am|'m)\s+(?:unable|not\s+able)\s+to)\s+(?:help|assist|comply|fulfil\w*|provide|answer|continue|complete|engage|do\s+that)\b",
    re.I,
)


@check("nli", severity="warning")
def reason_refused(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The teacher refused, or excused itself: a student learns to do the same.

    Bad: {"reason": "I'm sorry, I cannot help with that."}
    Fix: ask another teacher, or drop the row
    """
    for e in examples:
        for name, reason, _ in reasons(e):
            if hit := _REFUSAL.search(reason.replace("’", "'")[:1000]):
                yield flag(
                    e,
                    f"{name} is a refusal: {shorten(reason, 80)!r}",
                    fix={"drop": True},
                    part=name,
                    found=hit.group().strip(),
                )


@check("nli", severity="warning")
def reason_empty(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A row has an empty reason, or none where nine of ten rows of the set have one.

    Bad: {"reason": ""} among rows with reasons
    Fix: let the teacher reason, or drop the row
    """
    plain = [e for e in examples if "reasons" not in e.meta]
    held = sum(bool((e.target.reason or "").strip()) for e in plain)
    usual = len(plain) >= AMONG and held >= HABIT * len(plain)
    for e in plain if held else ():
        reason = e.target.reason
        if (reason is not None and not reason.strip()) or (reason is None and usual):
            said = "has no reason" if reason is None else "has an empty reason"
            yield flag(e, f"{said}; {held:,} of {len(plain):,} rows have one")


@check("nli", severity="error")
def unfilled_template(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A text holds a place of a prompt that was never filled in.

    Bad: {"reason": "The premise says {premise}, so {hypothesis} follows."}
    Fix: fill it in and ask again, or drop the row
    """
    for e in examples:
        texts = [("premise", e.inputs.premise), ("hypothesis", e.inputs.hypothesis)]
        for name, text in (*texts, *((name, reason) for name, reason, _ in reasons(e))):
            if hit := _PLACE.search(text):
                yield flag(e, f"the {name} holds {hit.group()!r}", part=name, found=hit.group())
