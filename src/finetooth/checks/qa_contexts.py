"""Contexts: empty, cut off, nearly the same as another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from finetooth.checks._evidence import contexts_of
from finetooth.checks._qa import by_context
from finetooth.checks._similar import near, shingles
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten
from finetooth.types import Example, Finding

SIMILAR = 0.7  # Jaccard similarity of runs of three words
_NOTE = re.compile(r"[:\[(]?\d[\d\s:,–-]*[\])]?$")
END_MARKS = ".!?…。！？؟।:;\"'”’»)]}*"


@check("qa", severity="error")
def context_empty(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The context has no word in it.

    Bad: {"context": "", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [0]}}
    Fix: {"context": "Ada left.", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [0]}}
    """
    for example in examples:
        if not any(c.isalnum() for c in example.inputs.context):
            yield flag(example, "the context is empty", context=example.inputs.context[:40])


@check("qa", severity="warning")
def truncated_context(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The context stops early: it is the beginning of another row's context, or breaks off in mid-sentence.

    The second is said only where nearly all contexts of the set end with a sentence. It is an error
    where the answer stands in the part that was cut off; the fix is the whole context.

    Bad: {"context": "Ada came at noon and lef", "question": "What did Ada do then?"} beside a row with "Ada came at noon and left. Bo stayed."
    Fix: {"context": "Ada came at noon and left. Bo stayed.", "question": "What did Ada do then?"}
    """
    groups = by_context(examples)
    texts = sorted(c for c in groups if c.strip())
    ended = [text for text in texts if ends_well(text)]
    whole = _continued(texts)
    for text in texts:
        if text not in whole:
            continue
        longer = whole[text]
        for example in groups[text]:
            lost = [a.text for a in example.target.answers if a.text.strip() and a.text not in text]
            lost = [t for t in lost if t in longer]
            yield flag(
                example,
                f"the context is the first {len(text):,} of {len(longer):,} characters of another row's"
                + (f", and {shorten(repr(lost[0]), 50)} stands in the rest" if lost else ""),
                fix={"context": longer},
                severity="error" if lost else "",
                size=len(text),
                whole=len(longer),
                other=groups[longer][0].id,
            )
    if len(texts) < 20 or len(ended) < 0.9 * len(texts):
        return
    for text in set(texts) - set(ended) - set(whole):
        for example in groups[text]:
            yield flag(
                example,
                f"the context breaks off: {shorten(repr(text.rstrip()[-60:]), 70)}",
                end=text.rstrip()[-60:],
                others_that_end_well=round(len(ended) / len(texts), 3),
            )


def ends_well(text: str) -> bool:
    """Whether the last sentence is finished; a page number or note after its full stop is none of it."""
    line = text.rstrip()
    return line[-1:] in END_MARKS or _NOTE.sub("", line)[-1:] in END_MARKS


def _continued(texts: Sequence[str]) -> dict[str, str]:
    """Context -> the longest other one that begins with it. ``texts`` are sorted and different.

    What begins with a text stands right after it in the order, so one pass from the end is enough.
    """
    found: dict[str, str] = {}
    for text, following in zip(reversed(texts[:-1]), reversed(texts[1:]), strict=True):
        head = text.rstrip()
        if len(head) >= 20 and following.startswith(head):
            found[text] = found.get(following, following)
    return found


@lru_cache(maxsize=2)
def similar_pairs(texts: tuple[str, ...]) -> tuple[tuple[int, int, float], ...]:
    """(i, j, similarity): the contexts that are nearly the same as an earlier one."""
    return tuple(near([shingles(t) for t in texts], threshold=SIMILAR))


def families(texts: tuple[str, ...]) -> list[list[str]]:
    """The contexts, each with those that are nearly the same."""
    made = {i: [text] for i, text in enumerate(texts)}
    for i, j, _ in similar_pairs(texts):
        made[j].extend(made.pop(i))
    return list(made.values())


@check("qa", severity="info")
def similar_context(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Two contexts of the set are nearly the same, but not quite: copies, editions, templates.

    If one goes into the test split and the other stays, the score measures memory. Similar means that
    at least seven in ten runs of three words are shared (Jaccard similarity, computed exactly). Said
    once a context, of its first question.

    Bad: two rows with "Ada left the old mill at noon on Monday." and "Ada left the old mill at noon on Monday !"
    Fix: one context for both, or both in the same split
    """
    groups = by_context(examples)
    texts = contexts_of(examples)
    for i, j, similarity in similar_pairs(texts):
        one, other = groups[texts[i]], groups[texts[j]]
        yield flag(
            one[0],
            f"the context is {similarity:.0%} the same as that of {other[0].id}",
            other=other[0].id,
            similarity=round(similarity, 3),
            questions=len(one),
        )
