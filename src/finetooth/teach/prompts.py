"""Prompts as files with versions: their hash stands in every row that they made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from finetooth.errors import UsageError

FOLDER = Path(__file__).parent / "prompts"
_FIELD = re.compile(r"\{(\w+)\}")


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
    def fields(self) -> set[str]:
        return set(_FIELD.findall(self.text))

    @property
    def shown(self) -> str:
        """The texts of its examples: what stands between tags and is no field."""
        return " ".join(m[2] for m in re.finditer(r"<(\w+)>([^{}<>]+)</\1>", self.text))

    def fill(self, **values: str) -> str:
        """The text with its fields filled. Values cannot close the tag they stand in, nor open a field."""

        def put(match: re.Match[str]) -> str:
            name = match[1]
            return fence(values[name]) if name in values else match[0]

        return _FIELD.sub(put, self.text)


def fence(text: str) -> str:
    """Untrusted text between tags: angle brackets that could close them are swapped for look-alikes."""
    return re.sub(r"<(?=/?[a-z_]+>)", "‹", text, flags=re.I)


def load(name: str | Path, needs: Collection[str] = (), knows: Collection[str] = ()) -> Prompt:
    """A prompt of ours by name, or a file of the user's.

    ``needs``: the fields without which it asks nothing; ``knows``: those that are filled as well, where it has them.
    Raises UsageError if there is no such file, if it lacks a field, or has one that nothing fills.
    """
    ours = {p.stem: p for p in FOLDER.glob("*.md")}
    path = ours.get(str(name), Path(name))
    if not path.is_file():
        cure = f"a file, or one of {', '.join(sorted(ours))}"
        raise UsageError(f"there is no prompt {str(name)!r}", cure=cure)
    try:
        prompt = Prompt(path.stem, path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"not a prompt: {e}", where=str(path), cure="a text file in UTF-8") from None
    if not needs:
        return prompt
    braced = [f"{{{field}}}" for field in (*needs, *knows)]
    if lacking := sorted(set(needs) - prompt.fields):
        found = ", ".join(f"{{{field}}}" for field in lacking)
        raise UsageError(f"the prompt lacks {found}", where=str(path), cure="say where it goes")
    if unknown := sorted(prompt.fields - {*needs, *knows}):
        found = ", ".join(f"{{{field}}}" for field in unknown)
        raise UsageError(
            f"nothing fills {found} in this prompt", where=str(path), cure=f"there are {', '.join(braced)}"
        )
    return prompt
