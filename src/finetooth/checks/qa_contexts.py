"""Contexts: empty, cut off, nearly the same as another."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache

from finetooth.checks._evidence import contexts_of
from finetooth.checks._qa import by_context, says_nothing
from finetooth.checks._similar import near, shingles
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten
from finetooth.types import Example, Finding

SIMILAR = 0.7  # Jaccard similarity of runs of three words
MOST_CUT = 0.5  # of the contexts must end well before a cut is told
MOST_OPEN = 0.9  # before a missing full stop is
_WORDS = re.compile(r"[^\W\d_]+")
_OPEN_MARKS = ",;:([{“«‘-–—&/"
# Words that end hardly any sentence.
_NEEDS_MORE = frozenset(
    "a an the of and or nor but which whose than if because into onto between among is are was were be has have had with "
    "by from at for to as that their his its our your my these those such very".split()
)
_NOTE = re.compile(r"[:\[(]?\d[\d\s:,–-]*[\])]?$")
END_MARKS = ".!?…。！？؟।:;\"'”’»)]}*"


@check("qa", severity="error")
def context_empty(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The context has no word in it, or one that stands for a missing text: nan, null, N/A.

    Bad: {"context": "", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [0]}}
    Fix: {"context": "Ada left.", "question": "Who left?", "answers": {"text": ["Ada"], "answer_start": [0]}}
    """
    for example in examples:
        source = example.inputs.context
        if says_nothing(source):
            what = f"is {shorten(repr(source), 40)}" if source.strip() else "is empty"
            yield flag(example, f"the context {what}", context=source[:40])


@check("qa", severity="warning")
def truncated_context(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The context stops early: it is the beginning of another row's context, or breaks off in mid-sentence.

    The second is said only in a set whose contexts end with a sentence. It is a warning where the end
    shows the cut: a comma, a word that needs another ("which is"), a part of a word. Where only a full stop
    is missing it is an info. It is an error where the answer stands in the part that was cut off; the fix is
    the whole context.

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
    share = len(ended) / max(len(texts), 1)
    if len(texts) < 20 or share < MOST_CUT:
        return
    open_ended = [text for text in texts if not ends_well(text) and text not in whole]
    known = sorted({w.lower() for text in ended for w in _WORDS.findall(text)}) if open_ended else []
    for text in open_ended:
        why = cut_off(text, known)
        if not why and share < MOST_OPEN:
            continue
        for example in groups[text]:
            yield flag(
                example,
                f"the context {'breaks off' if why else 'ends without a full stop'}"
                f"{f' ({why})' if why else ''}: {shorten(repr(text.rstrip()[-60:]), 70)}",
                severity="" if why else "info",
                end=text.rstrip()[-60:],
                why=why,
                others_that_end_well=round(share, 3),
            )


def cut_off(text: str, known: Sequence[str]) -> str:
    """What about the end of a text shows that more must have followed; "" if nothing does.

    ``known`` are the words of the set, lower-cased and sorted: a last word that is none of them and
    begins one of them is a part of a word.
    """
    line = text.rstrip()
    if line[-1:] in _OPEN_MARKS:
        return f"it ends in {line[-1]!r}"
    last = _WORDS.findall(line[-60:])
    word = last[-1] if last else ""
    if not line.endswith(word):
        return ""
    if word in _NEEDS_MORE:  # in lower case: "Group A" is whole
        return f"it ends in {word!r}"
    at = bisect_left(known, word.lower())
    if known[at : at + 1] and known[at] != word.lower() and known[at].startswith(word.lower()):
        return f"{word!r} begins {known[at]!r}"
    return ""


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
