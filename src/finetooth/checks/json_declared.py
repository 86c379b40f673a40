"""Relations that a schema declares: under the keyword ``x-relations``, or in a file beside it.

    invoice.json                  {"properties": {...}, "x-relations": ["total == subtotal + opt(tax)"]}
    invoice.relations.yaml        - "total == subtotal + opt(tax)"

How a rule is written stands in ``json_relations``.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from finetooth.checks.json_refs import bundled
from finetooth.checks.json_relations import PLACE, RESERVED, Relation, parse
from finetooth.errors import DataError
from finetooth.io import json_type

KEYWORD = "x-relations"


def declared(schema: Any, where: str = "schema") -> list[Relation]:
    """The relations that a schema declares, in sub-schemas too, with their place written out.

    Raises DataError for a rule that cannot be read.
    """
    found: list[Relation] = []

    def walk(node: Any, place: str) -> None:
        if not isinstance(node, Mapping):
            return
        rules = node.get(KEYWORD, [])
        if not isinstance(rules, list):
            raise DataError(f"{KEYWORD}: expected a list of rules, found {type(rules).__name__}", where=where)
        for rule in rules:
            if not isinstance(rule, str):
                raise DataError(f"{KEYWORD}: expected a rule as text, found {json_type(rule)}", where=where)
            found.append(Relation(parse(joined(place, rule), where).text))
        for name, below in (node.get("properties") or {}).items():
            walk(below, f"{place}.{name}" if place else name)
        walk(node.get("items"), f"{place}[]")

    walk(schema, "")
    return found


def joined(place: str, rule: str) -> str:
    """A rule of an inner place as a rule of the whole."""
    head = PLACE.match(rule)
    inner = head[1] if head else ""
    body = rule[head.end() :] if head else rule.strip()
    whole = f"{place}.{inner}" if place and inner else place or inner
    return f"{whole}: {body}" if whole else body


def beside(schema_path: str | Path) -> dict[str, list[str]]:
    """``relations`` and ``ignore`` of ``NAME.relations.yaml`` beside a schema file; empty lists if there is none."""
    import yaml

    path = Path(schema_path)
    path = path.with_name(f"{path.name.removesuffix('.json')}.relations.yaml")
    if not path.exists():
        return {"relations": [], "ignore": []}
    try:
        value = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise DataError(f"not YAML: {str(e).splitlines()[0]}", where=str(path)) from None
    value = {"relations": value} if isinstance(value, list) else value or {}
    if not isinstance(value, Mapping):
        raise DataError("expected a list of rules", where=str(path))
    lists = {}
    for key in ("relations", "ignore"):
        rules = value.get(key) or []
        if not isinstance(rules, list) or not all(isinstance(r, str) for r in rules):
            raise DataError(
                f"{key}: expected a list of texts", where=str(path), cure="quote rules that hold ': '"
            )
        lists[key] = rules
    for rule in lists["relations"]:
        parse(rule, str(path))
    return lists


def with_beside(schema: Mapping[str, Any], schema_path: str | Path) -> dict[str, Any]:
    """The schema with the rules of the file beside it put under its own keyword: what a reader of schemas calls.

    The files that it refers to are put under ``$defs``, see ``json_refs``.
    """
    lists = beside(schema_path)
    made = dict(bundled(schema, Path(schema_path)))
    if lists["relations"]:
        made[KEYWORD] = [*schema.get(KEYWORD, []), *lists["relations"]]
    if lists["ignore"]:
        made[f"{KEYWORD}-ignore"] = [*schema.get(f"{KEYWORD}-ignore", []), *lists["ignore"]]
    return made


def ignored(schema: Any, rule: str) -> bool:
    """Whether the schema asks not to look for this rule (``x-relations-ignore``: shell patterns, ``*`` for all)."""
    patterns = schema.get(f"{KEYWORD}-ignore", ()) if isinstance(schema, Mapping) else ()
    return any(rule == p or fnmatch.fnmatchcase(rule, p.replace("[", "[[]")) for p in patterns)


_QUOTED = re.compile(r"""(?<!\[)("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
_NAME = re.compile(r"[A-Za-z_]\w*")
_LOOP = re.compile(r"\.(?:map|filter|all|exists|exists_one)\(\s*([A-Za-z_]\w*)\s*,")


def unknown_names(rule: str, values: Iterable[Any], schema: Any = None) -> list[str]:
    """The names in a rule that no answer has as a key, nor the schema as a property."""
    text = _QUOTED.sub("", rule)
    named = dict.fromkeys(_NAME.findall(text))
    loops = set(_LOOP.findall(text))
    known = names_of_schema(schema)
    todo = [n for n in named if n not in RESERVED and n not in loops and n not in known]
    seen: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, Mapping):
            seen.update(node)
        for below in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
            walk(below)

    for value in values if todo else ():
        walk(value)
    return [n for n in todo if n not in seen]


def names_of_schema(schema: Any) -> set[str]:
    """All property names that a schema declares, at whatever depth."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, Mapping):
            if isinstance(node.get("properties"), Mapping):
                found.update(str(k) for k in node["properties"])
            for below in node.values():
                walk(below)
        elif isinstance(node, list):
            for below in node:
                walk(below)

    walk(schema)
    return found
