"""Values of the data as short, visible text: one line, no hidden controls, whatever the data hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from finetooth import io
from finetooth.types import Example

TEXT = 240  # characters of a message or a name that a page shows

# Controls that change how the text around them is shown, or show nothing: named instead.
_HIDDEN = {
    c: f"⟨U+{c:04X}⟩"
    for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0xFEFF)
}
_HIDDEN |= {c: f"⟨U+{c:04X}⟩" for c in (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0))}
_HIDDEN |= dict.fromkeys(range(55296, 57344), "�")


def visible(text: str, size: int = TEXT) -> str:
    """At most ``size`` characters of the text, with direction and other invisible controls written out."""
    return cut(text[: size + 1].translate(_HIDDEN), size)


def cut(text: str, size: int) -> str:
    return text[: size - 1] + "…" if len(text) > size else text


def describe(example: Example) -> str:
    """The inputs of an example on one line, whatever its task."""
    parts = io.plain(example.inputs)
    if not isinstance(parts, Mapping):
        return str(parts)
    # The short ones first: a page cuts what is long.
    first = ("question", "prompt", "hypothesis", "premise", "text")
    names = [n for n in first if n in parts] or list(parts)
    said = " | ".join(str(parts[n]) for n in names)
    return said + (f" | {parts['context']}" if "context" in parts else "")


def in_words(value: Any, example: Example | None = None) -> str:
    """On one line; a label comes before the reasons for it, entities and relations as people write them."""
    value = io.plain(value)
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and isinstance(value.get("predicted_label"), str):
        return " | ".join(str(value[k]) for k in ("predicted_label", "thought_process") if value.get(k))
    if isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
        if all({"text", "type", "start"} <= v.keys() for v in value):
            return "; ".join(f"{v['text']} ({v['type']})" for v in value)
        if all({"head", "relation", "tail"} <= v.keys() for v in value):
            names = _names(example)
            return "; ".join(
                f"{_name(v, 'head', names)} → {v['relation']} → {_name(v, 'tail', names)}" for v in value
            )
    return json.dumps(value, ensure_ascii=False)


def _names(example: Example | None) -> list[str]:
    """The first mention of each entity that a relation may name by its number."""
    found = []
    for entity in getattr(example.inputs, "entities", ()) if example is not None else ():
        mentions = getattr(entity, "mentions", ())
        found.append(str(mentions[0].text) if mentions else "")
    return found


def _name(triple: Mapping[str, Any], end: str, names: list[str]) -> str:
    at = triple[end]
    if isinstance(at, int) and 0 <= at < len(names) and names[at]:
        return names[at]
    return str(triple.get(f"{end}_text") or at)
