"""What a prompt says, so that an answer can be held against it: labelled values, numbers, dates, words.

Ship To: Ada Lovelace
Total: $1,234.50, due 5 March 2024
-> labels [("ship to", "Ada Lovelace"), ("total", "$1,234.50, due 5 March 2024")], numbers {1234.5, 5, 2024}, dates {2024-03-05}
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

# "Label: value" on a line of its own, bullets and emphasis around the label allowed.
_LABEL = re.compile(
    r"^[ \t]*(?:[-*•·>#|+]+[ \t]*|\d+[.)][ \t]+)*[*_`\"']{0,3}([A-Za-z][\w /().&'’#-]{0,48}?)[*_`\"']{0,3}[ \t]*[:=][*_`]{0,3}[ \t]*(.*?)[ \t]*$",
    re.M,
)
_NUMBER = re.compile(
    r"(?<![\w.,])([-+−]?)(?:[$€£¥]\s?)?((?:\d{1,3}(?:[,'’ \u00a0\u202f]\d{3})+(?:\.\d+)?)|\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)"
    r"(?![\d])(\s?(?:%|percent\b|per cent\b|k\b|K\b|thousand\b|m\b|M\b|million\b|bn\b|billion\b))?"
)
_SCALE = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}
_MONTHS = {
    name: i + 1
    for i, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        )  # fmt: skip
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES = (
    re.compile(r"\b(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)?[ .-]+(?P<name>{_MONTH})\.?,?[ .-]+(?P<y>\d{{4}})\b",
        re.I,
    ),
    re.compile(rf"\b(?P<name>{_MONTH})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? +(?P<y>\d{{4}})\b", re.I),
    re.compile(r"\b(?P<y>\d{4})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?=\b|T)"),
    re.compile(rf"\b(?P<d>\d{{1,2}})/(?P<name>{_MONTH})/(?P<y>\d{{4}})", re.I),
)
_AMBIGUOUS = re.compile(r"\b(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})\b")
_CLOCK = re.compile(r"\b(\d{1,2})(?::(\d{2}))(?::(\d{2})(\.\d+)?)?\s*([ap]\.?m\.?)?", re.I)
_HOUR = re.compile(r"\b(\d{1,2})\s*([ap])\.?m\b", re.I)
_WORD = re.compile(r"\w+", re.UNICODE)
_COUNTING = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty"""
COUNTING = {w: float(i) for i, w in enumerate(_COUNTING.split())} | {
    "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0, "ninety": 90.0,
    "dozen": 12.0, "hundred": 100.0, "a": 1.0, "an": 1.0, "once": 1.0, "twice": 2.0, "both": 2.0, "single": 1.0,
    "first": 1.0, "second": 2.0, "third": 3.0, "half": 0.5, "no": 0.0, "none": 0.0,
}  # fmt: skip
_YES = "true yes y on enabled enable active 1 ✓ ✔ ok checked confirmed positive"
_NO = "false no n off disabled disable inactive 0 ✗ ✘ not never without none unchecked negative"
YES, NO = frozenset(_YES.split()), frozenset(_NO.split())


@dataclass(frozen=True)
class Label:
    """A labelled value of the prompt: the words of its label as a key, the value, where the value starts."""

    key: str
    name: str
    value: str
    start: int


class Prompt:
    """A prompt, looked at only as far as somebody asks."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def folded(self) -> str:
        """Case-folded, white space as single blanks: where values are looked for."""
        return fold(self.text)

    @cached_property
    def tight(self) -> str:
        """Letters and digits only: finds what differs by hyphens, blanks and line breaks."""
        return tighten(self.text)

    @cached_property
    def labels(self) -> list[Label]:
        found = []
        for m in _LABEL.finditer(self.text):
            name, value = m[1], m[2]
            if value:
                found.append(Label(key_of(name), name, value, m.start(2)))
        return found

    @cached_property
    def by_key(self) -> dict[str, list[Label]]:
        made: dict[str, list[Label]] = {}
        for label in self.labels:
            made.setdefault(label.key, []).append(label)
        return made

    @cached_property
    def numbers(self) -> frozenset[float]:
        """Every number in it, with its sign, without thousands separators and currency; 12 % is 12 and 0.12."""
        found: set[float] = set()
        for m in _NUMBER.finditer(self.text):
            found.update(_readings(m[1], m[2], (m[3] or "").strip()))
        return frozenset(found)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(_WORD.findall(self.folded))

    @cached_property
    def dates(self) -> frozenset[date]:
        """Every date in it; 03/04/2024 is read both ways."""
        found: set[date] = set()
        for pattern in _DATES:
            for m in pattern.finditer(self.text):
                parts = m.groupdict()
                month = _MONTHS[parts["name"].lower()] if parts.get("name") else int(parts["m"])
                _add(found, int(parts["y"]), month, int(parts["d"]))
        for m in _AMBIGUOUS.finditer(self.text):
            year = int(m[3]) if len(m[3]) == 4 else 2000 + int(m[3])
            _add(found, year, int(m[1]), int(m[2]))
            _add(found, year, int(m[2]), int(m[1]))
        return frozenset(found)

    @cached_property
    def clocks(self) -> frozenset[tuple[int, int]]:
        """Every clock time in it, as hour and minute."""
        found = set()
        for m in _CLOCK.finditer(self.text):
            found.add(_hour(int(m[1]), int(m[2]), (m[5] or "")[:1]))
        for m in _HOUR.finditer(self.text):
            found.add(_hour(int(m[1]), 0, m[2]))
        return frozenset(found)


def _hour(hour: int, minute: int, half: str) -> tuple[int, int]:
    half = half.lower()
    if half == "p" and hour < 12:
        hour += 12
    elif half == "a" and hour == 12:
        hour = 0
    return hour, minute


def _add(found: set[date], year: int, month: int, day: int) -> None:
    try:
        found.add(date(year, month, day))
    except ValueError:
        pass


def _readings(sign: str, digits: str, unit: str) -> set[float]:
    """What a number in a text may mean: 1,5 is one and a half or (in a list) one; 12 % is 12 and 0.12."""
    texts = set()
    bare = re.sub(r"[,'’ \u00a0\u202f](?=\d{3}(?:\D|$))", "", digits)
    texts.add(bare)
    if re.fullmatch(r"\d+,\d+", digits):
        texts.add(digits.replace(",", "."))
    found = set()
    for text in texts:
        try:
            value = float(text)
        except ValueError:
            continue
        if sign in ("-", "−"):
            value = -value
        found.add(value)
        unit = unit.lower()
        if unit in ("%", "percent", "per cent"):
            found.add(round(value / 100, 12))
        elif unit in _SCALE:
            found.add(value * _SCALE[unit])
    return found


@lru_cache(maxsize=1 << 14)
def key_of(name: str) -> str:
    """The label or field name as one key: ``Ship-To``, ``ship_to`` and ``shipTo`` are the same."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return "".join(_WORD.findall(name.casefold().replace("_", " ")))


def fold(text: str) -> str:
    """NFKC, case-folded, white space as single blanks, typographic quotes and dashes plain."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    return " ".join(text.casefold().split())


_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-"})


def tighten(text: str) -> str:
    return "".join(_WORD.findall(fold(text).replace("_", "")))


def stands_in(needle: str, text: str) -> bool:
    """Whether ``needle`` stands in ``text`` as whole words: "art" is not in "party"."""
    if not needle:
        return False
    at = text.find(needle)
    size = len(needle)
    first, last = needle[0].isalnum(), needle[-1].isalnum()
    while at >= 0:
        end = at + size
        if not (first and at and text[at - 1].isalnum()) and not (
            last and end < len(text) and text[end].isalnum()
        ):
            return True
        at = text.find(needle, at + 1)
    return False


def as_text(value: Any) -> str:
    """A scalar as a prompt would show it."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
