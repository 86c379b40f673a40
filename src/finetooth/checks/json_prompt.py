"""What a prompt says, so that an answer can be held against it: labelled values, numbers, dates, words.

Ship To: Ada Lovelace
Total: $1,234.50, due 5 March 2024
-> labels [("ship to", "Ada Lovelace"), ("total", "$1,234.50, due 5 March 2024")], numbers {1234.5, 5, 2024}, dates {2024-03-05}
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_left
from contextlib import suppress
from datetime import date
from functools import cached_property
from typing import Any

from finetooth.checks.json_labels import Label, labels_in

_NUMBER = re.compile(
    r"(?<![\w.,])(?!(?<=\d:)\d\d(?!\d)|\d?\d:\d\d(?!\d))([-+−]?)(?:(?:[A-Z]{3}|US\$|[$€£¥])\s?)?((?:\d{1,3}(?:\.\d{3})+,\d+)|(?:\d{1,3}(?:[,'’ \u00a0\u202f]\d{3})+(?:\.\d+)?)|\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)"
    r"(?![\d])(\s?(?:%|percent\b|per cent\b|k\b|K\b|thousand\b|m\b|M\b|million\b|bn\b|billion\b))?"
)
SCALE = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}
_MONTH_NAMES = """january jan, february feb, march mar, april apr, may, june jun, july jul, august aug,
september sep sept, october oct, november nov, december dec"""
_MONTHS = {name: i + 1 for i, names in enumerate(_MONTH_NAMES.split(",")) for name in names.split()}
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
_DAY = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})\b|\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?(?!\d)",
    re.I,
)
_YEAR = re.compile(r",?\.?[ -]+\d{4}\b")
_AMBIGUOUS = re.compile(r"\b(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})\b")
_CLOCK = re.compile(r"(?:\b|(?<=\dT))(\d{1,2})(?::(\d{2}))(?::(\d{2})(\.\d+)?)?\s*([ap]\.?m\.?)?", re.I)
_HOUR = re.compile(r"\b(\d{1,2})\s*([ap])\.?m\b", re.I)
_WORD = re.compile(r"\w+", re.UNICODE)
_COUNTING = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty"""
COUNTING = {w: float(i) for i, w in enumerate(_COUNTING.split())} | {
    "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0, "ninety": 90.0,
    "dozen": 12.0, "hundred": 100.0, "a": 1.0, "an": 1.0, "once": 1.0, "twice": 2.0, "both": 2.0, "single": 1.0,
    "first": 1.0, "second": 2.0, "third": 3.0, "half": 0.5, "no": 0.0, "none": 0.0,
}  # fmt: skip
_SIZES = {
    "time": "s sec second seconds 1 min minute minutes 60 h hr hour hours 3600 day days 86400 week weeks 604800 ms 0.001",
    "mass": "g gram grams 1 kg kilo kilos kilogram kilograms 1000 mg 0.001 t ton tons tonne tonnes 1000000",
    "length": "mm 1 cm 10 m meter meters metre metres 1000 km kilometer kilometers kilometre kilometres 1000000",
    "volume": "ml 1 cl 10 l liter liters litre litres 1000",
    "data": "b byte bytes 1 kb 1000 mb 1000000 gb 1000000000",
    "money": "cent cents 1 dollar dollars euro euros pound pounds 100",
}  # fmt: skip
UNITS: dict[str, tuple[str, float]] = {}
for _kind, _line in _SIZES.items():
    _names: list[str] = []
    for _word in _line.split():
        if _word[0].isdigit():
            UNITS |= {n: (_kind, float(_word)) for n in _names}
            _names = []
        else:
            _names.append(_word)
_AMOUNT = re.compile(
    rf"(?<![\w.,])(\d+(?:[.,]\d+)*)[ -]?({'|'.join(sorted(UNITS, key=len, reverse=True))})\b", re.I
)
_DURATION = re.compile(
    r"(?<![\w.,])(\d+)\s?h(?:(?:ou)?rs?)?(?:\s?,\s?|\s+and\s+|\s*)(\d+)\s?m(?:in(?:ute)?s?)?\b", re.I
)
# "two hours", "an hour and a half", "one and a half days", "half an hour", "three quarters of an hour"
_PARTS = {"half": 0.5, "quarter": 0.25}
_TOLD_AMOUNT = re.compile(
    rf"\b({'|'.join(COUNTING)})(?: and (?:a|one) (half|quarter))?[ -]"
    rf"({'|'.join(sorted(UNITS, key=len, reverse=True))})\b(?: and (?:a|one) (half|quarter)\b)?"
)
_PART_OF = re.compile(
    rf"\b(?:(half)|(?:(a|one|two|three) )?(quarters?)) (?:of )?an? ({'|'.join(u for u in UNITS if len(u) > 3)})\b"
)
_SIDES = re.compile(r"(?<![\w.,])\d+(?:\.\d+)?(?:\s?[x×]\s?\d+(?:\.\d+)?)+(?![\d])", re.I)
_AROUND = ".,;:!?\"'()[]{}<>`*“”‘’"
_YES = "true yes y on enabled enable active 1 ✓ ✔ ok checked confirmed positive"
_NO = "false no n off disabled disable inactive 0 ✗ ✘ not never without none unchecked negative"
YES, NO = frozenset(_YES.split()), frozenset(_NO.split())


class Prompt:
    """A prompt, looked at only as far as somebody asks."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def folded(self) -> str:
        """Case-folded, white space as single blanks: where values are looked for."""
        return fold(self.text)

    @cached_property
    def tight(self) -> tuple[str, frozenset[int]]:
        """Letters and digits only, and where in them words start or end."""
        words = _WORD.findall(self.folded.replace("_", " "))
        return "".join(words), frozenset(itertools.accumulate(map(len, words), initial=0))

    def holds(self, wanted: str) -> bool:
        """Whether it holds these letters and digits as whole words, whatever stands between them."""
        text, bounds = self.tight
        at = text.find(wanted) if wanted else -1
        while at >= 0:
            if at in bounds and at + len(wanted) in bounds:
                return True
            at = text.find(wanted, at + 1)
        return False

    @cached_property
    def labels(self) -> list[Label]:
        return labels_in(self.text)

    @cached_property
    def by_key(self) -> dict[str, list[Label]]:
        made: dict[str, list[Label]] = {}
        for label in self.labels:
            made.setdefault(label.key, []).append(label)
        return made

    @cached_property
    def readings(self) -> list[set[float]]:
        """Of every number in it, in their order, what it may mean."""
        return [_readings(m[1], m[2], (m[3] or "").strip()) for m in _NUMBER.finditer(self.text)]

    @cached_property
    def numbers(self) -> frozenset[float]:
        """Every number in it, with its sign, without thousands separators and currency; 12 % is 12 and 0.12."""
        sides = (float(x) for m in _SIDES.finditer(self.text) for x in re.findall(r"\d+(?:\.\d+)?", m[0]))
        return frozenset(sides).union(*self.readings)

    @cached_property
    def _in_order(self) -> list[float]:
        return sorted(self.numbers)

    def about(self, wanted: float) -> bool:
        """Whether one of its numbers is this one, but for what binary fractions lose."""
        room = 1e-9 * abs(wanted)
        at = bisect_left(self._in_order, wanted - room)
        return at < len(self._in_order) and self._in_order[at] <= wanted + room

    @cached_property
    def counted(self) -> frozenset[float]:
        """The numbers that it writes in words: "three", "twenty-five", "twice"."""
        found: set[float] = set()
        run: list[str] = []
        for word in [*_WORD.findall(self.folded), ""]:
            if word in COUNTING:
                found.add(COUNTING[word])
            if word in COUNTING or (run and (word in SCALE or word == "and")):
                run.append(word)
            elif run:
                found |= _spelt(run)
                run = []
        return frozenset(found)

    @cached_property
    def amounts(self) -> frozenset[tuple[str, float]]:
        """What has a unit, as (what it measures, in its smallest unit): "2 hours" is ("time", 7200)."""
        found: set[tuple[str, float]] = set()
        for m in _AMOUNT.finditer(self.text):
            kind, size = UNITS[m[2].lower()]
            found.update((kind, round(value * size, 9)) for value in _readings("", m[1], ""))
        for m in _DURATION.finditer(self.text):
            found.add(("time", 3600.0 * float(m[1]) + 60.0 * float(m[2])))
        for m in _TOLD_AMOUNT.finditer(self.folded):
            kind, size = UNITS[m[3]]
            value = COUNTING[m[1]] + _PARTS.get(m[2], 0.0) + _PARTS.get(m[4], 0.0)
            found.add((kind, round(value * size, 9)))
        for m in _PART_OF.finditer(self.folded):
            kind, size = UNITS[m[4]]
            found.add((kind, round((0.5 if m[1] else 0.25 * COUNTING.get(m[2] or "a", 1.0)) * size, 9)))
        return frozenset(found)

    @cached_property
    def tokens(self) -> frozenset[str]:
        """What stands between blanks, without the punctuation around it."""
        return frozenset(t for raw in self.text.split() if (t := raw.strip(_AROUND)))

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
    def days(self) -> frozenset[tuple[int, int]]:
        """Every day that is said without a year, as month and day: "the 3rd of May"."""
        found: set[tuple[int, int]] = set()
        for m in _DAY.finditer(self.text):
            day = int(m[1] or m[4])
            if not _YEAR.match(self.text, m.end()):
                found.add((_MONTHS[(m[2] or m[3]).lower()], day))
        return frozenset(found)

    @cached_property
    def clocks(self) -> frozenset[tuple[int, int]]:
        """Every clock time in it, as hour and minute."""
        return frozenset((hour, minute) for hour, minute, _ in self.times)

    @cached_property
    def times(self) -> frozenset[tuple[int, int, str]]:
        """Every clock time in it, as hour, minute and the seconds as they are written, "" where there are none."""
        found = set()
        for m in _CLOCK.finditer(self.text):
            hour, minute = _hour(int(m[1]), int(m[2]), (m[5] or "")[:1])
            found.add((hour, minute, f"{m[3]}{m[4] or ''}" if m[3] else ""))
        for m in _HOUR.finditer(self.text):
            hour, minute = _hour(int(m[1]), 0, m[2])
            found.add((hour, minute, ""))
        return frozenset(found)


def _spelt(words: list[str]) -> set[float]:
    """What number words in a row mean: two hundred and fifty is 250, twenty five 25; each stretch of them that is one."""
    found: set[float] = set()
    total = group = last = 0.0
    for word in words:
        if word == "and":
            continue
        value = COUNTING.get(word, 0.0)
        if word == "hundred":
            group = last = 100.0 * (group or 1.0)
        elif word in SCALE and len(word) > 2:
            total, group = total + SCALE[word] * (group or 1.0), 0.0
            last = SCALE[word]
        elif value and group and (value < 10 <= last % 100 >= 20 or value < 100 <= last):
            group, last = group + value, value
        elif group:  # another number begins: three four
            found.add(total + group)
            total, group, last = 0.0, value, value
        else:
            group = last = value
        found.add(total + group)
    return found


def without_dates(text: str) -> str:
    """A text without what is read as a date in it."""
    for pattern in (*_DATES, _AMBIGUOUS):
        text = pattern.sub(" ", text)
    return text


def _hour(hour: int, minute: int, half: str) -> tuple[int, int]:
    half = half.lower()
    if half == "p" and hour < 12:
        hour += 12
    elif half == "a" and hour == 12:
        hour = 0
    return hour, minute


def _add(found: set[date], year: int, month: int, day: int) -> None:
    with suppress(ValueError):
        found.add(date(year, month, day))


def _readings(sign: str, digits: str, unit: str) -> set[float]:
    """What a number in a text may mean: 1,5 is one and a half or (in a list) one; 12 % is 12 and 0.12."""
    if not sign and not unit and digits.replace(".", "", 1).isdigit():
        return {float(digits)}
    texts = set()
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+,\d+", digits):
        digits = digits.replace(".", "").replace(",", ".")
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
        elif unit in SCALE:
            found.add(value * SCALE[unit])
    return found


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
