"""Normalising, offsets and word tokens: what more than one task needs to know about text."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_DROP_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORD = re.compile(r"\w+(?:[-'’.]\w+)*", re.UNICODE)
_FIRST_MARK = "\u0300"
_JOINERS = "\u200c\u200d"  # say how the letters beside them are drawn, in Persian, Hindi, Sinhala


@lru_cache(maxsize=1 << 18)
def normalize_answer(text: str) -> str:
    """Lower-cased, without ASCII punctuation and articles, spaces squeezed.

    The order (lower, punctuation, articles, spaces) is that of SQuAD's evaluate-v1.1.py and
    evaluate-v2.0.py: "U.S." becomes "us" because its dots go before words are looked at.
    """
    text = text.lower().translate(_DROP_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


@lru_cache(maxsize=1 << 18)
def answer_tokens(text: str) -> tuple[str, ...]:
    """Words of the normalised text, in order, repeats kept."""
    return tuple(normalize_answer(text).split())


def is_mark(char: str) -> bool:
    """Whether it is written on or beside the letter before it: an accent of its own, a vowel sign of Hindi or Tamil."""
    return char >= _FIRST_MARK and unicodedata.category(char) in ("Mn", "Mc")


def in_word(char: str) -> bool:
    """Whether it is a letter, a digit, or a mark on one; a joiner counts, as it stands between letters."""
    return char.isalnum() or (char >= _FIRST_MARK and (char in _JOINERS or is_mark(char)))


def splits_word(text: str, at: int, extra: str = "") -> bool:
    """Whether the characters on both sides of ``at`` are of one word. Marks and joiners go with the letter before them.

    ``extra``: what counts as a letter besides.
    """
    if not 0 < at < len(text):
        return False
    after, back = text[at], at - 1
    if after in _JOINERS:
        after = text[at + 1 : at + 2] or " "
    if not in_word(after) and after not in extra:
        return False
    while back > 0 and not text[back].isalnum() and in_word(text[back]):
        back -= 1  # to the letter that the marks are on: the mark on a heart joins nothing
    return text[back].isalnum() or text[back] in extra


@cache
def with_marks(pattern: str) -> re.Pattern[str]:
    """The pattern with ``\\w+`` as words whose letters keep their marks and joiners, which ``\\w`` leaves out.

    For texts that are not ASCII: the class is made when the first one comes.
    """
    found: list[list[int]] = []
    for code in range(
        ord(_FIRST_MARK), 0x20000
    ):  # the only marks beyond choose among forms of Han characters
        if unicodedata.category(chr(code)) in ("Mn", "Mc"):
            if found and found[-1][1] == code - 1:
                found[-1][1] = code
            else:
                found.append([code, code])
    marks = "".join(f"{chr(a)}-{chr(b)}" for a, b in found)
    word = rf"\w[\w{marks}]*(?:[{_JOINERS}]+[\w{marks}]+)*"
    return re.compile(pattern.replace(r"\w+", word))


def _words_in(text: str) -> Iterator[re.Match[str]]:
    return (_WORD if text.isascii() else with_marks(_WORD.pattern)).finditer(text)


def words(text: str) -> list[str]:
    """Lower-cased words, with inner hyphens, apostrophes and dots kept."""
    return [m.group().lower() for m in _words_in(text)]


def many(n: int, one: str, several: str = "") -> str:
    """ "1 error" and "2,048 errors"; ``several`` where it is not ``one`` with an s."""
    return f"{n:,} {one if n == 1 else several or one + 's'}"


def word_offsets(text: str) -> list[tuple[int, int]]:
    """Where each word starts and ends, in characters, half-open."""
    return [m.span() for m in _words_in(text)]


def occurrences(needle: str, text: str) -> Iterator[int]:
    """Starts of ``needle`` in ``text``, overlaps included. An empty needle occurs nowhere."""
    if not needle:
        return
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + 1)


# Thai, Lao; Burmese; Khmer; kana, bopomofo and Han with their radicals, small and half-wide forms.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u312f\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)


def is_unspaced(char: str) -> bool:
    """Whether a character is of a script that sets no blanks between words; Hangul does."""
    return _UNSPACED.match(char) is not None


def is_hangul(char: str) -> bool:
    """Whether it is a Hangul syllable: the words are set apart, but particles hang on names."""
    return "\uac00" <= char <= "\ud7a3"


def nearest(needle: str, text: str, offset: int) -> int | None:
    """The start of the occurrence of ``needle`` closest to ``offset``; None if there is none."""
    return min(occurrences(needle, text), key=lambda at: abs(at - offset), default=None)


def squeeze(text: str) -> str:
    """NFKC, case-folded, white space runs as one blank: the key for 'the same text but for looks'."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def by_reason(reasons: Mapping[str, str], ids: Iterable[str], *, named: int = 5) -> list[str]:
    """A line a kind of reason (numbers in it aside): how many of ``ids`` have it, the first of them, and the reason."""
    kinds: dict[str, list[str]] = {}
    for name in ids:
        if name in reasons:
            kinds.setdefault(re.sub(r"\d+", "", reasons[name]), []).append(name)
    lines = []
    for found in kinds.values():
        shown = ", ".join(shorten(i, 40) for i in found[:named]) + (", ..." if len(found) > named else "")
        differ = len({reasons[i] for i in found}) > 1
        lines.append(
            f"{many(len(found), 'row')}, {shown}: {reasons[found[0]]}" + (" (of the first)" if differ else "")
        )
    return lines


def shorten(text: str, size: int = 80) -> str:
    """At most ``size`` characters on one line, an ellipsis where something was left out."""
    line = " ".join(text.split())
    return line if len(line) <= size else line[: size - 1] + "…"
