"""JSON values as the checks look at them: numbers, moments in time, paths, leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

Path = tuple[Any, ...]
Pattern = tuple[str, ...]  # a path with "[]" for every index
_EPOCH = datetime(1970, 1, 1)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?$")
_ISO = re.compile(r"\d{4}-\d{2}(?:-\d{2})?(?:$|[T ]\d{2}:?\d{2})")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*$")


def is_number(value: Any) -> bool:
    """A JSON number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@lru_cache(maxsize=1 << 14)
def decimals(value: float) -> int:
    """Digits after the point as JSON shows the number: 12.5 has one, 12 and 12.0 none."""
    text = repr(float(value))
    if "e" in text:
        return 0 if "e+" in text else 15
    tail = text.partition(".")[2]
    return 0 if tail == "0" else len(tail)


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, a date-time or a clock time. ``days`` counts from 1970 (UTC where a zone is given)."""

    kind: str
    days: float
    day: float
    zone: bool = False

    def against(self, other: Moment) -> tuple[float, float]:
        """Both as numbers that can be compared: by the day where one has no clock."""
        if self.kind == other.kind:
            return self.days, other.days
        return self.day, other.day


@lru_cache(maxsize=1 << 16)
def as_moment(text: str) -> Moment | None:
    """An ISO 8601 date or date-time, or a clock time, as a moment; None for other text."""
    if _ISO.match(text):
        try:
            if len(text) == 7:
                text += "-01"
            if len(text) == 10:
                day = float((date.fromisoformat(text) - _EPOCH.date()).days)
                return Moment("date", day, day)
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        day = float((moment.date() - _EPOCH.date()).days)
        zone = moment.tzinfo is not None
        if zone:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return Moment("moment", (moment - _EPOCH).total_seconds() / 86400, day, zone)
    if m := _CLOCK.match(text):
        days = (int(m[1]) * 3600 + int(m[2]) * 60 + float(m[3] or 0)) / 86400
        return Moment("clock", days, days)
    return None


def show_path(path: Path) -> str:
    """``("items", 0, "price")`` as ``$.items[0].price``; names that are no identifiers quoted."""
    made = "$"
    for step in path:
        if isinstance(step, int):
            made += f"[{step}]"
        elif _IDENTIFIER.match(step):
            made += f".{step}"
        else:
            made += '["' + step.replace("\\", "\\\\").replace('"', '\\"') + '"]'
    return made


def leaves(value: Any) -> Iterator[tuple[Path, Any]]:
    """(path, scalar) of every leaf; empty objects and lists are no leaves."""
    return ((path, leaf) for path, _, leaf in placed_leaves(value))


def placed_leaves(value: Any) -> list[tuple[Path, Pattern, Any]]:
    """(path, the path with "[]" for every index, scalar) of every leaf, in the order of the text."""
    found: list[tuple[Path, Pattern, Any]] = []
    if not isinstance(value, (dict, list, Mapping)):
        return [((), (), value)]
    _walk(value, (), (), found)
    return found


def _walk(value: Any, path: Path, place: Pattern, found: list[tuple[Path, Pattern, Any]]) -> None:
    if isinstance(value, list):
        inner = (*place, "[]")
        for i, below in enumerate(value):
            if isinstance(below, (dict, list)):
                _walk(below, (*path, i), inner, found)
            else:
                found.append(((*path, i), inner, below))
        return
    for key, below in value.items():
        if isinstance(below, (dict, list)):
            _walk(below, (*path, key), (*place, key), found)
        else:
            found.append(((*path, key), (*place, key), below))


def pattern(path: Path) -> Pattern:
    """The path with "[]" for every index."""
    return tuple(["[]" if step.__class__ is int else step for step in path])


def at_path(value: Any, path: Path) -> Any:
    """What stands at a path; None where nothing does."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def show_number(value: float) -> str:
    """Without the digits that only binary fractions have: 0.1 + 0.2 is 0.3."""
    return f"{round(value, 6):.10g}" if abs(value) < 1e15 else repr(value)
