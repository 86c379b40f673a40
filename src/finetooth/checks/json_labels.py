"""The labelled values of a prompt: lines of a form, what stands under a heading, pairs of a log line.

Ship To: Ada Lovelace            ship to -> "Ada Lovelace"
  12 Mill Lane                              and its second line
Tags:                            tags -> items "red", "blue"
  red
  blue
level=WARN user="ada"            level -> "WARN", user -> "ada"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

# "Label: value", with bullets, numbers and emphasis around the label.
_LINE = re.compile(
    r"(?P<indent>[ \t]*)(?:[-*•·>#|+]+[ \t]*|\d+[.)][ \t]+)*[*_`\"']{0,3}"
    r"(?P<name>[^\W\d][\w /().&'’#-]{0,48}?)[*_`\"']{0,3}[ \t]*(?P<sign>[:=])(?!//)[*_`]{0,3}[ \t]*(?P<value>.*)"
)
_PAIR = re.compile(r"(?<![\w.\]])([A-Za-z_][\w.\[\]-]*)=(?:\"([^\"]*)\"|'([^']*)'|([^\s,;\"']+))")
_BULLET = re.compile(r"(?:[-*•·>|+]+[ \t]+|\d+[.)][ \t]+)")
_WORD = re.compile(r"\w+", re.UNICODE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(slots=True)
class Label:
    """A labelled value. ``key``: the words of the label as one; ``items``: the lines under a label without value;
    ``more``: lines that go on with the value. ``inside``: another label follows these lines at once, so that they
    do belong to it."""

    key: str
    name: str
    value: str
    indent: int = 0
    items: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)
    inside: bool = False

    @property
    def text(self) -> str:
        """All that may be its value."""
        if not self.items and not self.more:
            return self.value
        return "\n".join([self.value, *self.more, *self.items]).strip()


@lru_cache(maxsize=1 << 14)
def key_of(name: str) -> str:
    """The label or field name as one key: ``Ship-To``, ``ship_to`` and ``shipTo`` are the same."""
    name = _HUMP.sub(" ", name)
    return "".join(_WORD.findall(name.casefold().replace("_", " ")))


def labels_in(text: str) -> list[Label]:
    """The labels in their order. A label without value and without lines under it is left out."""
    found: list[Label] = []
    open_: Label | None = None
    lines = text.split("\n") if ":" in text or "=" in text else ()
    for line in lines:
        if not line or line.isspace():
            open_ = None
            continue
        if "=" in line and len(pairs := list(_pairs(line))) > 1:
            found += pairs
            open_ = None
            continue
        m = _LINE.match(line) if ":" in line or "=" in line else None
        if m is not None and not _clock(m):
            if open_ is not None:
                open_.inside = True
            open_ = Label(key_of(m["name"]), m["name"].strip(), _bare(m["value"]), len(m["indent"]))
            found.append(open_)
        elif open_ is not None:
            bare = line.lstrip()
            if open_.value:
                open_.more.append(bare.rstrip())
            elif len(line) - len(bare) > open_.indent or _BULLET.match(bare):
                open_.items.append(_bare(_BULLET.sub("", bare, count=1)))
    return [x for x in found if x.value or x.items]


def _pairs(line: str) -> Iterator[Label]:
    for m in _PAIR.finditer(line):
        yield Label(key_of(m[1]), m[1], m[2] if m[2] is not None else m[3] if m[3] is not None else m[4])


def _clock(m: re.Match[str]) -> bool:
    """Whether the sign stands within a time or a ratio: "at 10:30", "line 3=4"."""
    name, value = m["name"], m["value"]
    return bool(name) and name[-1].isdigit() and value[:1].isdigit() and m.end("name") == m.start("sign")


def _bare(value: str) -> str:
    """Without the quotes and the comma of a line of JSON or YAML."""
    value = value.strip()
    if value[:1] in "\"'" and value.rstrip(",")[-1:] == value[:1] and len(value.rstrip(",")) > 1:
        return value.rstrip(",")[1:-1]
    return value
