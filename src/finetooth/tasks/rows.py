"""Reading the fields of a row: each helper returns the value or raises a DataError that names the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from finetooth.errors import DataError
from finetooth.io import content_id, json_type


def _found(row: Mapping[str, Any], key: str) -> str:
    return "nothing" if key not in row else json_type(row[key])


def text(row: Mapping[str, Any], key: str, where: str, *, default: str | None = None) -> str:
    value = row.get(key, default)
    if not isinstance(value, str):
        raise DataError(f"{key}: expected a string, found {_found(row, key)}", where=where)
    return value


def integer(row: Mapping[str, Any], key: str, where: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"{key}: expected an integer, found {_found(row, key)}", where=where)
    return value


def listed(row: Mapping[str, Any], key: str, where: str, *, optional: bool = True) -> list[Any]:
    """The list under ``key``; [] where there is none and it is optional."""
    value = row.get(key)
    if value is None and optional:
        return []
    if not isinstance(value, list):
        raise DataError(f"{key}: expected a list, found {_found(row, key)}", where=where)
    return value


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DataError(f"expected an object, found {json_type(value)}", where=where)
    return value


def strings(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    values = listed(row, key, where)
    for value in values:
        if not isinstance(value, str):
            raise DataError(f"{key}: expected strings, found {json_type(value)}", where=where)
    return tuple(values)


def integers(row: Mapping[str, Any], key: str, where: str) -> tuple[int, ...]:
    """The integers of a list; () where there is none."""
    values = listed(row, key, where)
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int):
            raise DataError(f"{key}: expected integers, found {json_type(value)}", where=where)
    return tuple(values)


def name(row: Mapping[str, Any], where: str, *content: str) -> str:
    """The row's id, or one made of its content where it has none."""
    value = row.get("id")
    if value is None or value == "":
        return content_id(*content)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise DataError(f"id: expected a string, found {json_type(value)}", where=where)
    return str(value)


def meta(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What a reader kept besides, and where the row stands."""
    kept = row.get("meta")
    return {**(kept if isinstance(kept, Mapping) else {}), "where": where}


def unlabelled(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What meta says of a row without its target: [] is a target, nothing under ``key`` is none."""
    return {"unlabelled": True} if row.get(key) is None else {}


def meta_row(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The part of ``meta`` that is written: not the place in a file that it was read from."""
    kept = {k: v for k, v in meta.items() if k not in ("where", "given_id")}
    return {"meta": kept} if kept else {}
