"""What no text should hold, whatever the task: letters broken by a wrong encoding, mark-up, unseen characters.

{"context": "AT&amp;T left the cafÃ©.", "question": "Who left?"}
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from html.entities import html5
from itertools import islice

from finetooth.registry import CheckContext, check, flag
from finetooth.tasks.documents import NerTarget
from finetooth.text import shorten
from finetooth.types import Example, Finding

PARTS = ("premise", "hypothesis", "question", "context", "text")
Hit = tuple[int, int] | None
FEW_TEXTS = 10
MOST = 0.5  # of the rows: then it is how the set is written, and is said once


def hits(
    examples: Sequence[Example], find: Callable[[str], Hit]
) -> Iterator[tuple[Example, str, str, int, int]]:
    """(example, part, text, start, end) of the first hit in each text; a text of many rows is read once."""
    known: dict[str, Hit] = {}
    for example in examples:
        for part in PARTS:
            text = getattr(example.inputs, part, None)
            if not isinstance(text, str):
                continue
            if text not in known:
                known[text] = find(text)
            hit = known[text]
            if hit is not None:
                yield example, part, text, *hit


# UTF-8 read as Latin-1 or cp1252, the replacement character, letters lost as runs of "?", and letters of
# which the first byte was lost ("N?®mes" for "Nîmes", "num?\u00adber" for a soft hyphen).
_MOJIBAKE = re.compile(
    r"\ufffd|[ÃÂ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€.|\w\?{2,}\w|[\u0080-\u009f]"
    r"|\w\?[\u00a2-\u00aa\u00ac-\u00ba\u00bc-\u00be]|[^\W\d_]\?[ß-öø-ÿά-ώа-я]"
)
# At the end of a word "??" may be an excited question; not where the set has lost letters inside of words.
_LOST_INSIDE = re.compile(r"\w\?\?\w")
_LOST = re.compile(_MOJIBAKE.pattern + r"|\w\?\?(?= [a-z]|[),;])")
ROWS_THAT_TELL = 3


@check("nli", "qa", "ner", "relation", severity="warning")
def mojibake(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Letters were lost or doubled when a text was decoded with the wrong encoding.

    Bad: {"context": "The cafÃ© closed at noon.", "question": "When did it close?"}
    Fix: {"context": "The café closed at noon.", "question": "When did it close?"}
    """
    lost = hits(examples, lambda text: _first(_LOST_INSIDE)(text) if "??" in text else None)
    habit = sum(1 for _ in islice(lost, ROWS_THAT_TELL)) == ROWS_THAT_TELL
    for example, part, text, start, end in hits(examples, _first(_LOST if habit else _MOJIBAKE)):
        around = text[max(0, start - 15) : end + 15]
        yield flag(
            example,
            f"{part}: broken letters in {around!r}",
            fix=_repaired(around),
            part=part,
            found=text[start:end],
        )


def _first(pattern: re.Pattern[str]) -> Callable[[str], Hit]:
    def find(text: str) -> Hit:
        hit = pattern.search(text)
        return hit.span() if hit else None

    return find


def _repaired(text: str) -> str | None:
    for encoding in ("cp1252", "latin-1"):
        try:
            fixed = text.encode(encoding).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if fixed != text:
            return fixed
    return None


_ENTITY = re.compile(r"&(?:#[0-9]{2,6}|#[xX][0-9a-fA-F]{2,5}|[A-Za-z][A-Za-z0-9]{1,20});")
_TAG = re.compile(
    r"</?(?:p|br|hr|div|span|b|i|u|em|strong|a|li|ul|ol|td|th|tr|table|sup|sub|h[1-6]|ref|img|font|blockquote|code|pre)"
    r"(?:\s[^<>]{0,300})?/?>",
    re.I,
)


@check("qa", "nli", "ner", severity="warning")
def markup_left(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """HTML stands in the text: entities (&amp;, &#39;) or tags (<br>).

    Offsets are often made before it was escaped or after it was taken out, and a model learns the marks. A
    set in which most rows hold tags is written so, and is named once; so is one of named entities of which more than
    a few texts hold entities of HTML.

    Bad: {"context": "AT&amp;T left.", "question": "Who left?", "answers": {"text": ["AT&T"], "answer_start": [0]}}
    Fix: {"context": "AT&T left.", "question": "Who left?", "answers": {"text": ["AT&T"], "answer_start": [0]}}
    """
    entities = list(hits(examples, _entity))
    if len(entities) > FEW_TEXTS and isinstance(examples[0].target, NerTarget):
        kinds = Counter(text[start:end] for _, _, text, start, end in entities)
        shown = ", ".join(f"{mark} in {n:,}" for mark, n in kinds.most_common(4))
        yield flag(
            "",
            f"{len(entities):,} texts hold HTML entities: first {shown}",
            fix="unescape the texts, then look their offsets up again",
            rows=len(entities),
            ids=[example.id for example, *_ in entities[:20]],
            counts=dict(kinds),
        )
        entities = []
    for example, part, text, start, end in entities:
        mark = text[start:end]
        yield flag(
            example,
            f"{part}: the entity {mark} for {html.unescape(mark)!r} in "
            f"{shorten(repr(text[max(0, start - 20) : end + 20]), 80)}",
            fix="unescape the text, then look its offsets up again",
            part=part,
            found=mark,
            at=start,
        )
    tags = list(hits(examples, _first(_TAG)))
    rows = len({example.id for example, *_ in tags})
    if rows > MOST * len(examples) and rows > 10:
        yield flag("", f"{rows:,} rows hold HTML tags: the set is written so", severity="info", rows=rows)
        return
    for example, part, text, start, end in tags:
        yield flag(
            example,
            f"{part}: the tag {shorten(text[start:end], 40)} stands in it",
            fix="take the tags out, then look its offsets up again",
            part=part,
            found=text[start:end],
            at=start,
        )


def _entity(text: str) -> Hit:
    for hit in _ENTITY.finditer(text):
        if hit.group()[1] == "#" or hit.group()[1:] in html5:
            return hit.span()
    return None


# Joiners are spelling in many scripts, so they count only between Latin letters or at blanks.
_UNSEEN = re.compile(
    r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufeff\u200b\u2060\u00ad\u2028\u2029\ue000-\uf8ff]"
    r"|[\u202a-\u202e\u2066-\u2069]|(?<=[A-Za-z\s])[\u200c\u200d](?=[A-Za-z\s])"
)


@check("qa", "nli", severity="info")
def unseen_character(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A character that cannot be seen: a control code, a zero-width blank, a soft hyphen, a stray byte-order mark.

    What looks the same is then not the same: an answer without it is not found in a context with it. A
    warning for control codes, which no text needs.

    Bad: {"context": "Ada\\u200b Moss left.", "answers": {"text": ["Ada Moss"], "answer_start": [0]}}
    Fix: {"context": "Ada Moss left.", "answers": {"text": ["Ada Moss"], "answer_start": [0]}}
    """
    for example, part, text, start, end in hits(examples, _first(_UNSEEN)):
        c = text[start:end]
        yield flag(
            example,
            f"{part}: U+{ord(c):04X} at {start}, in {shorten(ascii(text[max(0, start - 15) : end + 15]), 80)}",
            fix="take it out, then look the offsets up again",
            severity="warning" if c < " " or c == "\x7f" else "",
            part=part,
            found=f"U+{ord(c):04X}",
            at=start,
        )
