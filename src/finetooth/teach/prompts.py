"""Prompts as files with versions: their hash stands in every row that they made."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from finetooth.errors import UsageError

FOLDER = Path(__file__).parent / "prompts"


@dataclass(frozen=True)
class Prompt:
    """A template with ``{name}`` fields; ``sha256`` is of its text, and its start is the ``version``."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def version(self) -> str:
        return self.sha256[:12]

    @property
    def stamp(self) -> dict[str, str]:
        """What a row says of the prompt that made it."""
        return {"prompt": self.name, "version": self.version, "sha256": self.sha256}

    @property
    def shown(self) -> str:
        """The texts of its examples: what stands between tags and is no field."""
        return " ".join(m[2] for m in re.finditer(r"<(\w+)>([^{}<>]+)</\1>", self.text))

    def fill(self, **values: str) -> str:
        """The text with its fields filled. Values cannot close the tag they stand in, nor open a field."""

        def put(match: re.Match[str]) -> str:
            name = match[1]
            return fence(values[name]) if name in values else match[0]

        return re.sub(r"\{(\w+)\}", put, self.text)


def fence(text: str) -> str:
    """Untrusted text between tags: angle brackets that could close them are swapped for look-alikes."""
    return re.sub(r"<(?=/?[a-z_]+>)", "‹", text, flags=re.I)


@cache
def load(name: str | Path) -> Prompt:
    """A prompt of ours by name, or a file of the user's. Raises UsageError if there is none."""
    path = FOLDER / f"{name}.md"
    if not path.is_file():
        path = Path(name)
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.md")))
        raise UsageError(f"there is no prompt {str(name)!r}", cure=f"a file, or one of {known}")
    return Prompt(path.stem, path.read_text("utf-8"))
