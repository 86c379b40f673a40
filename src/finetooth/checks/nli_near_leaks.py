"""Pairs of one split that stand in the other one too, changed a little: markup, an opening, a word."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

from finetooth.checks._similar import near, shingles
from finetooth.checks.nli_pairs import _key, _pair
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten
from finetooth.types import Example, Finding

NEAR = 0.7  # of the runs of three words are shared: one word of twenty-two is another
LONG_PREMISE = 12  # words: shorter ones are alike by chance, in sets made of a few sentences by design

_OPENING = re.compile(r"^[^\W\d_]+(?:\s+[^\W\d_]+){0,2}\s*:\s+(?=\S)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,40}>")


@lru_cache(maxsize=50_000)  # a premise stands in several pairs
def _plain(text: str) -> str:
    """Without markup, invisible characters, and an opening as "News: "."""
    if "&" in text or "<" in text:
        text = _TAG.sub(" ", html.unescape(html.unescape(text)))
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return _key(_OPENING.sub("", text.strip()))


@check("nli", severity="warning", needs="against")
def leaked_near_pair(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A pair stands in the other split too, but for markup, an invisible character, an opening, or few words.

    An error where nothing else differs. A warning where a premise of twelve words or more shares seven of ten runs of
    three words, the hypothesis is the same and so is the label: with another label it is a contrast, not a copy.
    What is the same but for case and punctuation leaked-premise tells.

    Bad: a training row again in dev, its premise with "News: " before it
    Fix: drop the row from training
    """
    exact = {_pair(e) for e in context.against}
    premises = {premise for premise, _ in exact}
    plain: dict[tuple[str, str], Example] = {}
    by_premise: dict[str, list[Example]] = defaultdict(list)
    for e in context.against:
        premise = _plain(e.inputs.premise)
        plain.setdefault((premise, _plain(e.inputs.hypothesis)), e)
        by_premise[premise].append(e)
    other = context.against_name or "the other split"
    left: dict[str, list[Example]] = defaultdict(list)
    for e in examples:
        if _pair(e) in exact:
            continue
        premise = _plain(e.inputs.premise)
        same = plain.get((premise, _plain(e.inputs.hypothesis)))
        if same is not None:
            yield flag(
                e,
                f"the pair is also {same.id} of {other}, but for markup, invisible characters or an opening",
                severity="error",
                fix={"drop": True},
                other=same.id,
            )
        elif _key(e.inputs.premise) not in premises:
            left[premise].append(e)
    here, there = ([p for p in of if _is_long(p)] for of in (left, by_premise))
    for i, j, likeness in near(
        [shingles(p) for p in here], threshold=NEAR, against=[shingles(p) for p in there]
    ):
        said = {(_plain(o.inputs.hypothesis), o.target.label): o for o in by_premise[there[j]]}
        for e in left[here[i]]:
            copy = said.get((_plain(e.inputs.hypothesis), e.target.label))
            if copy is not None:
                yield flag(
                    e,
                    f"nearly the pair {copy.id} of {other}, with its hypothesis and label; the premise is {likeness:.0%} "
                    f"the same: {shorten(e.inputs.premise, 60)!r}",
                    fix={"drop": True},
                    other=copy.id,
                    similarity=round(likeness, 4),
                )


def _is_long(key: str) -> bool:
    return key.count(" ") + 1 >= LONG_PREMISE
