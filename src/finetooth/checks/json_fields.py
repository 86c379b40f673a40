"""What a schema says of each place of an answer, and by which label a prompt would call it.

schema {"properties": {"items": {"type": "array", "items": {"properties": {"unit_price": {"type": "number"}}}}}}
-> ("items", "[]", "unit_price"): {"type": "number"}, in a prompt "Items Unit Price" or "Unit Price"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from finetooth.checks.json_labels import key_of
from finetooth.checks.json_names import singular
from finetooth.checks.json_values import Path, Pattern

MOST_DEPTH = 40  # a schema that refers to itself ends somewhere


def nodes(schema: Any) -> dict[Pattern, Mapping[str, Any]]:
    """The sub-schema of every place that a schema names; those of allOf, anyOf and oneOf laid over each other."""
    found: dict[Pattern, Mapping[str, Any]] = {}

    def walk(node: Any, at: Pattern, depth: int, seen: frozenset[str]) -> None:
        if not isinstance(node, Mapping) or depth > MOST_DEPTH:
            return
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            walk(_pointed(schema, reference), at, depth + 1, seen | {reference})
        found[at] = {**found.get(at, {}), **node}
        for key in ("allOf", "anyOf", "oneOf"):
            for part in _list(node.get(key)):
                walk(part, at, depth + 1, seen)
        properties = node.get("properties")
        if isinstance(properties, Mapping):
            for name, below in properties.items():
                walk(below, (*at, str(name)), depth + 1, seen)
        if isinstance(node.get("items"), Mapping):
            walk(node["items"], (*at, "[]"), depth + 1, seen)
        for below in _list(node.get("prefixItems")):
            walk(below, (*at, "[]"), depth + 1, seen)

    walk(schema, (), 0, frozenset())
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []  # a schema that is none is named by no-schema


def _pointed(schema: Any, reference: str) -> Any:
    at = schema
    for step in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
        if not isinstance(at, Mapping):
            return None
        at = at.get(step.replace("~1", "/").replace("~0", "~"))
    return at if reference.startswith("#") else None


@lru_cache(maxsize=1 << 14)
def keys_of(place: Pattern) -> tuple[str, ...]:
    """The labels, as keys, by which a prompt may call a place, the longest first: itemsprice, itemprice, price."""
    names = [step for step in place if step != "[]"]
    made: dict[str, None] = {}
    for i in range(len(names)):
        rest = names[i:]
        made[key_of(" ".join(rest))] = None
        made[key_of(" ".join([*(singular(n.lower()) for n in rest[:-1]), rest[-1]]))] = None
    if names:
        made[key_of(singular(names[-1].lower()))] = None
    return tuple(k for k in made if k)


def indexed_key(path: Path) -> str:
    """The key of a label that tells the index too: ``items[0].price`` is "items0price"."""
    return key_of(" ".join(str(step) for step in path))


def known_keys(places: Iterable[Pattern]) -> dict[str, set[Pattern]]:
    """key -> the places that may be called so."""
    made: dict[str, set[Pattern]] = {}
    for place in places:
        for key in keys_of(place):
            made.setdefault(key, set()).add(place)
    return made
