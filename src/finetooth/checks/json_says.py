"""Whether a text says a value, in the value's own notation or in another.

says(Prompt("Total: $1,234.50, due 5 March 2024"), 1234.5)        "number"
says(Prompt("Total: $1,234.50, due 5 March 2024"), "2024-03-05")  "date"
says(Prompt("Total: $1,234.50, due 5 March 2024"), 1243.5)        ""
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from finetooth.checks.json_names import words_of
from finetooth.checks.json_prompt import (
    NO,
    SCALE,
    UNITS,
    YES,
    Prompt,
    as_text,
    fold,
    stands_in,
    tighten,
    without_dates,
)
from finetooth.checks.json_values import as_moment

_PIECES = re.compile(r"\s*(?:[,;/|\n&+]|\s-\s|\band\b)\s*")
_NUMERIC = re.compile(r"[^\w]*(?:\d{1,3}(?:\.\d{3})+,\d+|\d[\d,' ]*(?:\.\d+)?)\s?(%|[A-Za-z]{0,4})[^\w]*$")
_LESS = re.compile(
    r"minus|negative|below|loss|debit|refund|overdrawn|credit|deficit|down|decrease|fee|charge|withdr|\(",
    re.I,
)
_TIME = re.compile(r"(\d{1,2}):?(\d{2})(?::?(\d{2}(?:\.\d+)?))?")
_WORD = re.compile(r"\w+", re.UNICODE)
LONG_NUMBER = 8  # digits, from which on a number may be written in groups
SHORT, SHORT_WORD = 4, 6  # characters of a code, letters of a word, below which nothing is called near
MOST_PIECED = 8  # words of a name or an address that may be put together from the text
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
_MONEY = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹"}
_LANGUAGES = {
    "en": "english", "de": "german deutsch germany", "fr": "french france", "es": "spanish spain", "it": "italian italy",
    "pt": "portuguese portugal", "nl": "dutch netherlands holland", "ja": "japanese", "zh": "chinese", "ko": "korean",
    "ru": "russian russia", "pl": "polish poland", "sv": "swedish", "us": "america states usa",
    "gb": "britain kingdom uk england", "uk": "britain kingdom england", "ca": "canada", "au": "australia", "in": "india",
    "jp": "japan", "cn": "china", "mx": "mexico", "br": "brazil", "ch": "switzerland", "at": "austria", "be": "belgium",
    "se": "sweden", "dk": "denmark", "fi": "finland finnish", "ie": "ireland", "gr": "greece", "kr": "korea",
    "tr": "turkey turkish", "cz": "czechia czech", "hu": "hungary hungarian", "za": "africa", "nz": "zealand",
}  # fmt: skip


def says(p: Prompt, value: Any, name: str = "", *, pieced: bool = True) -> str:
    """How the text says it (verbatim, number, date, ...), "" if it does not. ``name`` is the field's: it may hold a unit.

    ``pieced``: a text may be put together from what stands apart. null and empty texts are said by every text.
    """
    if value is None or value == "":
        return "nothing"
    if value is True or value is False:
        return _says_bool(p, value, name)
    if isinstance(value, (int, float)):
        return _says_number(p, value, name)
    return _says_text(p, str(value), pieced)


def _says_bool(p: Prompt, value: bool, name: str) -> str:
    wanted, other = (YES, NO) if value else (NO, YES)
    if p.words & wanted:
        return "boolean"
    topic = set(words_of(name)) - {"is", "has", "enabled", "flag", "was", "active"}
    said = {w for word in p.words for w in words_of(word)} if topic else set()
    # "Signature required": the name of the field stands there, and nothing that denies it.
    return "boolean" if topic & said and (value or p.words & wanted or not p.words & other) else ""


def _says_number(p: Prompt, value: float, name: str) -> str:
    try:
        wanted = float(value)
    except OverflowError:
        return "verbatim" if str(value) in p.text else ""
    if _shown(p.text, value) or wanted in p.numbers:
        return "number"
    if wanted in p.counted:
        return "word"
    if p.about(wanted):
        return "number"
    if wanted < 0 and -wanted in p.numbers and says_less(p.text):
        return "number"
    for word in words_of(name):
        kind, size = UNITS.get(word, ("", 0.0))
        if kind and (kind, round(wanted * size, 9)) in p.amounts:
            return "unit"
    return ""


def says_less(text: str) -> bool:
    """Whether a text speaks of something taken away, so that an amount in it may be meant as negative."""
    return bool(_LESS.search(text))


def _shown(text: str, value: float) -> bool:
    """Whether a number stands there in one of its common notations. Cheaper than reading all numbers of the text."""
    looks = [str(value)]
    if value.__class__ is int:
        if not -1000 < value < 1000:
            looks.append(f"{value:,}")
    elif round(value, 2) == value:
        looks += [f"{value:.2f}", f"{value:,.2f}"]
    for look in looks:
        at = text.find(look)
        if at >= 0 and (at == 0 or text[at - 1] in ' \n$€£=([|"'):
            after = text[at + len(look) : at + len(look) + 2]
            # What goes on with a digit, a colon or a letter is another number, a clock time, a unit: seen to elsewhere.
            if not after or after[0] in ' \n;)]|%"' or (after[0] in ",." and not after[1:].isdigit()):
                return True
    return False


def _says_text(p: Prompt, value: str, pieced: bool) -> str:
    if stands_in(value, p.text):
        return "verbatim"
    wanted = fold(value)
    if not wanted or stands_in(wanted, p.folded):
        return "verbatim"
    if "_" in wanted and stands_in(wanted.replace("_", " "), p.folded):
        return "verbatim"
    tight = tighten(value)
    if not tight:
        return "verbatim" if "".join(value.split()) in "".join(p.text.split()) else ""
    if p.holds(tight):
        return "verbatim"
    if value[:1].isdigit() and (how := _says_moment(p, value)):
        return how
    if (number := _NUMERIC.match(value)) and _is_unit(p, number[1]):
        read = Prompt(value).numbers
        return "number" if read and read <= p.numbers else ""
    return _says_code(p, wanted) or (_says_pieces(p, wanted) if pieced else "")


def _is_unit(p: Prompt, letters: str) -> bool:
    """Whether letters behind a number are a unit that is known, or that the text has: "12345x" is no 12345."""
    told = letters.casefold()
    return told in ("", "%") or told in UNITS or told in _MONEY or told in SCALE or told in p.words


def _says_moment(p: Prompt, value: str) -> str:
    moment = as_moment(value)
    if moment is None:
        dates = Prompt(value).dates
        # What stands beside the date must be said too: "2025-07-02x" is no 2 July, "2025-07-02 Paris" says Paris.
        rest = set(_WORD.findall(fold(without_dates(value)))) - p.words
        return "date" if dates and dates & p.dates and not rest else ""
    if moment.kind == "clock":
        return "clock" if _time_said(p, value) else ""
    try:
        day = date.fromisoformat(value[:10] if len(value) > 7 else value + "-01")
    except ValueError:
        return ""
    if not (_day_shown(p.text, day) or day in p.dates or (day.month, day.day) in p.days):
        return ""
    if moment.kind == "date":
        return "date"
    at = datetime.fromisoformat(value)
    midnight = not (at.hour or at.minute or at.second)
    return "date" if midnight or _time_said(p, value[11:]) else ""


def _time_said(p: Prompt, value: str) -> bool:
    """Whether a time stands there: to the second where the text tells seconds, else to the minute."""
    m = _TIME.match(value)
    if m is None:
        return False
    hour, minute, seconds = int(m[1]), int(m[2]), m[3] or ""
    if f" {hour:02}:{minute:02}" in p.text and not seconds.strip("0."):
        return True
    bare = seconds.rstrip("0.") if "." in seconds else seconds
    for h, m_, s in p.times:
        if (h, m_) == (hour, minute):
            said = s.rstrip("0.") if "." in s else s
            if not s:
                return not seconds.strip("0.")
            if not seconds or said == bare or (said.startswith(bare) and "." in said):
                return True
    return False


def _day_shown(text: str, day: date) -> bool:
    """Whether a day stands there in one of its common notations. Cheaper than reading all dates of the text."""
    year, month, d = day.year, MONTHS[day.month - 1], day.day
    return (
        f"{d} {month} {year}" in text
        or f"{month} {d}, {year}" in text
        or f"{d:02} {month[:3]} {year}" in text
        or f"{d} {month[:3]} {year}" in text
    )


def _says_code(p: Prompt, wanted: str) -> str:
    """Short codes: a currency by its sign, a language or country by its name, initials."""
    if wanted in _MONEY and _MONEY[wanted] in p.text:
        return "code"
    if wanted in _LANGUAGES and not p.words.isdisjoint(_LANGUAGES[wanted].split()):
        return "code"
    return ""


def _says_pieces(p: Prompt, wanted: str) -> str:
    """A text put together from what stands apart: "12 Mill Lane, Leeds", first and last name."""
    pieces = [x for x in _PIECES.split(wanted) if x]
    if len(pieces) > 1 and all(stands_in(x, p.folded) or p.holds(tighten(x)) for x in pieces):
        return "pieces"
    words = _WORD.findall(wanted)
    return "words" if 1 < len(words) <= MOST_PIECED and p.words.issuperset(words) else ""


# --- what is nearly said ----------------------------------------------------------------------------------------


def distance(a: str, b: str, most: int = 2) -> int:
    """Letters to insert, delete, replace or swap with their neighbour to make b of a; ``most`` + 1 if more.

    The optimal string alignment distance.
    """
    if abs(len(a) - len(b)) > most:
        return most + 1
    if most == 1:
        return _one_apart(a, b)
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row, older = row, [i], before
        for j, y in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if older and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        before = above
        if min(row) > most:
            return most + 1
    return row[-1]


def _one_apart(a: str, b: str) -> int:
    """``distance`` up to 1, 2 for more: what follows the first difference tells."""
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    one, other = a[at:], b[at:]
    if one == other:
        return 0
    swapped = one[:2] == other[1::-1] and one[2:] == other[2:]
    return 1 if one[1:] == other[1:] or one[1:] == other or one == other[1:] or swapped else 2


def nearly(p: Prompt, value: Any) -> str:
    """What stands in the text and differs by a letter or a digit (by two in a dozen and more), "" for nothing."""
    return next(iter(nearest(p, value)), "")


def nearest(p: Prompt, value: Any) -> list[str]:
    """All that ``nearly`` may mean, equally far from the value. Short words of letters alone are near anything: gold, hold."""
    wanted = as_text(value)
    most = 1 if len(wanted) < 12 else 2
    if len(wanted) < (SHORT_WORD if wanted.isalpha() else SHORT):
        return []
    if " " not in wanted:
        best: list[str] = []
        gap = most + 1
        for token in sorted(p.tokens):
            if abs(len(token) - len(wanted)) <= most:
                d = distance(wanted.casefold(), token.casefold(), most)
                if 0 < d <= min(gap, most):
                    best, gap = [*best, token] if d == gap else [token], d
        if best or len(wanted) < LONG_NUMBER:
            return best
        found = _nearly_a_number(p, wanted, most)
    else:
        found = _nearly_a_phrase(p, wanted, most)
    return [found] if found else []


def _nearly_a_number(p: Prompt, wanted: str, most: int) -> str:
    """The same where the text writes a long number in groups: DE89 3704 0044 for DE8937040045."""
    tight = tighten(wanted)
    if sum(c.isdigit() for c in tight) < LONG_NUMBER:
        return ""
    words = [(m.start(), m.end(), m[0]) for m in _WORD.finditer(p.text)]
    best, gap = "", most + 1
    for i, (start, _, _) in enumerate(words):
        said = ""
        for _, end, word in words[i:]:
            said += word.casefold()
            if len(said) > len(tight) + most:
                break
            if len(said) >= len(tight) - most and 0 < (d := distance(tight, said, most)) < gap:
                best, gap = p.text[start:end], d
    return best


def _nearly_a_phrase(p: Prompt, wanted: str, most: int) -> str:
    words, text = wanted.casefold().split(), p.text.split()
    size, best, gap = len(words), "", most + 1
    folded = [w.casefold() for w in text]
    known = set(words)
    for at in range(len(text) - size + 1):
        window = folded[at : at + size]
        if sum(w in known for w in window) < size - most:
            continue
        d = distance(" ".join(words), " ".join(window).strip(".,;:!?"), most)
        if 0 < d < gap:
            best, gap = " ".join(text[at : at + size]).strip(".,;:!?"), d
    return best
