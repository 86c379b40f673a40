"""Where a text stands that is nearly in another one: for what is not in its context."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from functools import lru_cache

_QUOTES = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\ufeff", "")
)
_ENTITY = re.compile(r"&(?:#[0-9]{2,6}|#[xX][0-9a-fA-F]{2,5}|[A-Za-z][A-Za-z0-9]{1,20});")
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=4096)
def folded(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text but for looks (case, blanks, quotes, dashes, forms of a letter, accents, HTML entities), and
    for each of its characters (start, end) of what it comes from in the text."""
    made: list[str] = []
    where: list[tuple[int, int]] = []
    entities = {m.start(): m for m in _ENTITY.finditer(text)} if "&" in text else {}
    inside = 0
    for i, c in enumerate(text):
        if i < inside:
            continue
        end = i + 1
        if i in entities:
            c, end = html.unescape(entities[i].group()), entities[i].end()
            inside = end
        if c.isspace():
            plain = " "
        elif c < "\x80":
            plain = c.lower()
        else:
            plain = unicodedata.normalize("NFKD", c.translate(_QUOTES)).casefold()
            plain = "".join(x for x in plain if not unicodedata.combining(x))
        for x in plain:
            if x == " " and (not made or made[-1] == " "):
                continue
            made.append(x)
            where.append((i, end))
    return "".join(made), tuple(where)


def same_but_for_looks(needle: str, text: str, offset: int) -> tuple[int, int] | None:
    """(start, end) in ``text`` of what differs from ``needle`` in looks only, the nearest to ``offset``."""
    wanted = folded(needle)[0].strip()
    line, where = folded(text)
    for inner in (wanted, wanted.strip(".,;:!?\"'()[] ")):
        if not inner:
            continue
        found = [m.start() for m in re.finditer(re.escape(inner), line)]
        if found:
            at = min(found, key=lambda a: abs(where[a][0] - offset))
            stop = where[at + len(inner) - 1][1]
            while stop < len(text) and unicodedata.combining(text[stop]):
                stop += 1  # an accent that stands after its letter
            return where[at][0], stop
    return None


def closest(needle: str, text: str) -> tuple[str, float] | None:
    """The stretch of ``text`` with as many words as ``needle`` that shares most of them, and the share."""
    wanted = Counter(w.lower() for w in _WORD.findall(needle))
    words = [(m.start(), m.end(), m.group().lower()) for m in _WORD.finditer(text)]
    size = sum(wanted.values())
    if not size or not words:
        return None
    window: Counter[str] = Counter()
    common, best, at = 0, 0, 0
    for i, (_, _, word) in enumerate(words):
        window[word] += 1
        common += window[word] <= wanted[word]
        if i >= size:
            gone = words[i - size][2]
            common -= window[gone] <= wanted[gone]
            window[gone] -= 1
        if common > best:
            best, at = common, i
    if not best:
        return None
    first = words[max(0, at - size + 1)]
    last = words[max(at, min(size, len(words)) - 1)]
    return text[first[0] : last[1]], best / size
