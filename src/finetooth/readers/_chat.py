"""Rows of a chat, as models are tuned on: one question, one answer.

{"messages": [{"role": "system", "content": "..."}, {"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}
{"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}
{"prompt": [{"role": "user", "content": "..."}], "completion": [{"role": "assistant", "content": "..."}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetooth.errors import DataError
from finetooth.io import json_type

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
}
KEYS = ("messages", "conversations", "conversation")


@dataclass(frozen=True, slots=True)
class Turns:
    """What was said before the question ("" where nothing was), the question, the answer (None where there is none)."""

    system: str
    user: str
    assistant: str | None

    @property
    def prompt(self) -> str:
        return f"{self.system}\n\n{self.user}" if self.system else self.user


def is_chat(row: Mapping[str, Any] | None) -> bool:
    return row is not None and bool(_messages(row))


def _messages(row: Mapping[str, Any]) -> list[Any]:
    """The messages of a row; [] for a row that is no chat."""
    listed = next((row[k] for k in KEYS if isinstance(row.get(k), list)), None)
    if listed is None and isinstance(row.get("prompt"), list):
        after = row.get("completion")
        listed = [*row["prompt"], *(after if isinstance(after, list) else [])]
    first = next(iter(listed or ()), None)
    return list(listed or ()) if isinstance(first, Mapping) and _role(first) is not None else []


def _role(message: Mapping[str, Any]) -> str | None:
    return ROLES.get(str(message.get("role", message.get("from"))).strip().lower())


def turns(row: Mapping[str, Any], where: str) -> Turns:
    """The one question and its answer. Raises DataError for several of them, and for what is no text."""
    said: dict[str, list[str]] = {"system": [], "user": [], "assistant": []}
    order: list[str] = []
    for i, message in enumerate(_messages(row)):
        here = f"{where}: messages[{i}]"
        role = _role(message) if isinstance(message, Mapping) else None
        if role is None:
            raise DataError("expected a message of system, user or assistant", where=here)
        said[role].append(_text(message, here))
        order.append(role)
    asked = [role for role in order if role != "system"]
    if asked not in (["user"], ["user", "assistant"]):
        raise DataError(
            f"a chat of {', '.join(asked[:6]) or 'nobody'}; expected one question and one answer", where=where
        )
    return Turns("\n\n".join(said["system"]), said["user"][0], next(iter(said["assistant"]), None))


def _text(message: Mapping[str, Any], where: str) -> str:
    """The content: a text, or the texts of its parts."""
    content = message.get("content", message.get("value"))
    if isinstance(content, list) and all(
        isinstance(p, Mapping) and isinstance(p.get("text"), str) for p in content
    ):
        return "\n".join(p["text"] for p in content)
    if not isinstance(content, str):
        raise DataError(f"content: expected a text, found {json_type(content)}", where=where)
    return content
