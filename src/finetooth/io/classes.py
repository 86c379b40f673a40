"""Names of class numbers, from what the package ``datasets`` writes beside rows: a number means something in one set only.

{"info": {"features": {"label": {"names": ["entailment", "neutral"], "_type": "ClassLabel"}}}}     {"label": 1} -> "neutral"
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from finetooth.errors import DataError
from finetooth.io.parse import parse_json

Change = Callable[[Any], Any]
KEY = b"huggingface"  # of the metadata of an Arrow schema


def of_schema(schema: Any, asked: Collection[str] = ()) -> Change | None:
    """What names the classes in rows of an Arrow schema; None where it tells of none. ``asked``: see ``of_features``."""
    text = (schema.metadata or {}).get(KEY)
    if text is None:
        return None
    try:
        about = parse_json(text.decode(), "")
    except (UnicodeDecodeError, DataError):
        return None  # it is a note beside the rows; what the numbers are without it, the task says
    info = about.get("info") if isinstance(about, Mapping) else None
    return of_features(info.get("features"), asked) if isinstance(info, Mapping) else None


def of_features(features: Any, asked: Collection[str] = ()) -> Change | None:
    """What names the classes in values of ``features``, as ``datasets`` writes them; None where there are none.

    ``asked``: labels as a mapping calls them. A class that it calls by number, not by name, keeps its number.
    """
    if isinstance(features, list):
        return _each(of_features(features[0], asked)) if len(features) == 1 else None
    if not isinstance(features, Mapping):
        return None
    if features.get("_type") == "ClassLabel":
        names = features.get("names")
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            return None
        return _named(names, {str(a).strip().lower() for a in asked})
    if isinstance(features.get("_type"), str):
        return _each(of_features(features.get("feature"), asked))
    fields = {key: change for key, f in features.items() if (change := of_features(f, asked)) is not None}
    return _fields(fields) if fields else None


def _named(names: list[str], asked: set[str]) -> Change:
    kept = {
        i
        for i, name in enumerate(names)
        if name.strip().lower() not in asked and not asked.isdisjoint((str(i), f"{i}.0"))
    }

    def named(value: Any) -> Any:
        if isinstance(value, list):  # a sequence of objects comes as an object of lists
            return [named(v) for v in value]
        whole = isinstance(value, int) and not isinstance(value, bool)
        # -1 says that there is no label.
        return names[value] if whole and 0 <= value < len(names) and value not in kept else value

    return named


def _each(change: Change | None) -> Change | None:
    if change is None:
        return None
    return lambda value: [change(v) for v in value] if isinstance(value, list) else change(value)


def _fields(fields: Mapping[str, Change]) -> Change:
    def named(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {key: fields[key](v) if key in fields else v for key, v in value.items()}

    return named
