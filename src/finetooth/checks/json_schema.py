"""Does the answer obey its JSON Schema, and is its JSON what every reader will read alike?

schema {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
answer {"age": "41"}                 schema-invalid: $.age is the string "41", expected an integer
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from finetooth.checks.json_discover import by_schema
from finetooth.checks.json_values import Path, as_moment, show_path
from finetooth.metrics.json_unreadable import CURES, KEY, WHY, mended
from finetooth.registry import CheckContext, check, flag
from finetooth.text import many, shorten
from finetooth.types import Example, Finding

MOST_A_ROW = 20  # errors of one row that are told; a row that breaks everything is broken once


class Compiled:
    """A schema ready to be asked. ``wrong`` says why it is no schema, "" if it is one."""

    def __init__(self, schema: dict[str, Any] | bool) -> None:
        import jsonschema_rs

        self.schema = schema
        self.wrong = ""
        self.validator: Any = None
        try:
            self.validator = jsonschema_rs.validator_for(schema, validate_formats=True, retriever=_no_network)
        except jsonschema_rs.ValidationError as e:
            self.wrong = shorten(e.message, 200)
        except (
            ValueError,
            TypeError,
            RecursionError,
            UnicodeEncodeError,
            jsonschema_rs.ReferencingError,
        ) as e:
            self.wrong = shorten(str(e), 200)

    def errors(self, value: Any) -> Iterator[Any]:
        """The errors of a value, one by one; none for a value that the validator cannot hold (lone surrogates)."""
        try:
            if self.validator.is_valid(value):
                return
            for i, error in enumerate(self.validator.iter_errors(value)):
                if i >= MOST_A_ROW:
                    return
                yield error
        except (UnicodeEncodeError, ValueError, TypeError, OverflowError):
            return  # json-text says what is wrong with it


def _no_network(uri: str) -> Any:
    raise ValueError(f"the schema refers to {uri}, which is not in it")


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Compiled:
    return Compiled(json.loads(text))


def compiled(schema: Any) -> Compiled:
    """The schema compiled, once for all examples that share it."""
    return _compiled(json.dumps(schema, sort_keys=True))


def obeys(schema: Any, value: Any) -> bool | None:
    """Whether the value is valid, formats not asserted; None where there is no schema, or it is none."""
    if schema is None or (isinstance(schema, Mapping) and not schema):
        return None
    validator = _lenient(json.dumps(schema, sort_keys=True))
    if validator is None:
        return None
    try:
        return bool(validator.is_valid(value))
    except (UnicodeEncodeError, ValueError, TypeError, OverflowError):
        return False


@lru_cache(maxsize=1024)
def _lenient(text: str) -> Any:
    import jsonschema_rs

    try:
        return jsonschema_rs.validator_for(json.loads(text), validate_formats=False, retriever=_no_network)
    except (ValueError, TypeError, RecursionError, UnicodeEncodeError, jsonschema_rs.ReferencingError):
        return None


def _with_schema(examples: Sequence[Example]) -> Iterator[tuple[str, Compiled, list[Example]]]:
    for key, group in by_schema(examples).items():
        schema = group[0].inputs.schema
        if schema is not None:
            one = compiled(schema)
            if not one.wrong:
                yield key, one, group


@check("json", severity="error")
def unreadable_answer(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The answer is missing, cut off, or no JSON object: nothing can be learned from it, and nothing held against it.

    No other check looks at such a row, and no score counts it. Where only quotes or a comma are wrong, the fix is the
    object that is meant.

    Bad: {"prompt": "Item: pen, 3 pieces", "expected_output": "{'item': 'pen', 'pieces': 3,}"}
    Fix: {"prompt": "Item: pen, 3 pieces", "expected_output": {"item": "pen", "pieces": 3}}
    """
    for e in examples:
        if found := e.meta.get(KEY):
            why, text = found["why"], found["text"]
            value = mended(text)
            end = f": it ends {text[-30:]!r}" if why == "truncated" else ""
            yield flag(
                e,
                f"the answer cannot be read: {WHY[why]}{end}",
                fix=CURES.get(why, "write it as JSON") if value is None else {"path": "$", "value": value},
                why=why, found=shorten(text, 200) if isinstance(text, str) else text,
            )  # fmt: skip


@check("json", severity="warning")
def no_schema(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """There is no schema for a row, or it is no JSON Schema: nothing can be held against the answer.

    Bad: {"prompt": "...", "schema_id": "invoice", "expected_output": {...}} and no invoice.json
    Fix: give the folder that holds it: --schemas DIR
    """
    for key, group in by_schema(examples).items():
        schema = group[0].inputs.schema
        ids = [e.id for e in group]
        if schema is None:
            name = repr(key) if key else "rows without schema and schema_id"
            yield flag(
                "", f"no schema for {name}: {many(len(ids), 'row')} cannot be checked against it", schema_id=key,
                fix="--schemas DIR, a folder with that schema", examples=len(ids), first=ids[:5],
            )  # fmt: skip
        elif why := compiled(schema).wrong:
            yield flag(
                "", f"the schema of {many(len(ids), 'row')}{f' ({key})' if len(key) < 80 else ''} is no JSON Schema: {why}",
                severity="error", schema_id=key, wrong=why, examples=len(ids), first=ids[:5],
            )  # fmt: skip


@check("json", severity="error")
def schema_invalid(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The answer breaks its schema: a wrong type, a value outside the enum, a required key missing, an unknown one.

    Bad: {"age": "41"} where the schema says {"type": "integer"}
    Fix: {"age": 41}
    """
    for _, one, group in _with_schema(examples):
        for e in group:
            for error in one.errors(e.target.value):
                keyword = error.kind.name
                if keyword == "format":
                    continue  # bad-format and date-time-without-zone say so
                path = tuple(error.instance_path)
                yield flag(
                    e,
                    f"{show_path(path)}: {_words(error, keyword)}",
                    fix=_mend(error, keyword, path),
                    path=show_path(path), keyword=keyword, found=_shown(error.instance),
                    expected=_plain(getattr(error.kind, "value", None)),
                )  # fmt: skip


def _words(error: Any, keyword: str) -> str:
    if keyword == "required":
        return f"the required key {error.kind.property!r} is missing"
    if keyword in ("additionalProperties", "unevaluatedProperties"):
        names = ", ".join(map(repr, error.kind.unexpected))
        return f"keys that the schema does not know: {names}"
    if keyword == "type":
        return (
            f"{json.dumps(_shown(error.instance), ensure_ascii=False)} is no {' or '.join(error.kind.types)}"
        )
    return shorten(error.message, 160)


def _mend(error: Any, keyword: str, path: Path) -> Any:
    """What would mend it, where there is but one way."""
    value = error.instance
    if keyword in ("additionalProperties", "unevaluatedProperties"):
        return {"remove": [show_path((*path, name)) for name in error.kind.unexpected]}
    if keyword == "enum" and isinstance(value, str):
        same = [o for o in error.kind.options if isinstance(o, str) and _loose(o) == _loose(value)]
        if len(same) == 1:
            return {"path": show_path(path), "value": same[0]}
    if keyword == "type" and isinstance(value, str):
        types = set(error.kind.types)
        try:
            number = json.loads(value)
        except ValueError:
            return None
        if isinstance(number, bool):
            return {"path": show_path(path), "value": number} if "boolean" in types else None
        fits = (isinstance(number, int) and "integer" in types) or (
            isinstance(number, (int, float)) and "number" in types
        )
        return {"path": show_path(path), "value": number} if fits else None
    return None


def _loose(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _shown(value: Any) -> Any:
    """A scalar as it is, shortened; of the rest only what kind it is."""
    if isinstance(value, str):
        return shorten(value, 120)
    if isinstance(value, dict):
        return f"an object of {len(value)} keys"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return value


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, list)) else None


def _formats(examples: Sequence[Example]) -> Iterator[tuple[Example, Path, str, str]]:
    for _, one, group in _with_schema(examples):
        if '"format"' not in json.dumps(one.schema):
            continue
        for e in group:
            for error in one.errors(e.target.value):
                if error.kind.name == "format":
                    yield e, tuple(error.instance_path), error.kind.format, error.instance


@check("json", severity="warning")
def date_time_without_zone(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A date-time has no time zone, which RFC 3339, and so the schema's format date-time, asks for.

    Bad: {"sent": "2024-05-01T10:00:00"}
    Fix: {"sent": "2024-05-01T10:00:00Z"}
    """
    for e, path, form, value in _formats(examples):
        if _zoneless(form, value):
            yield flag(
                e, f"{show_path(path)}: {value} has no time zone", path=show_path(path), found=value, format=form,
                fix={"path": show_path(path), "value": value.replace(" ", "T") + "Z"},
            )  # fmt: skip


def _zoneless(form: str, value: Any) -> bool:
    if form not in ("date-time", "time") or not isinstance(value, str):
        return False
    moment = as_moment(value)
    return (
        moment is not None
        and moment.kind == ("moment" if form == "date-time" else "clock")
        and not moment.zone
    )


@check("json", severity="warning")
def bad_format(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A text is not in the format that the schema names: no e-mail address, no date, no URI.

    Bad: {"email": "ada at example.org"} where the schema says {"format": "email"}
    Fix: {"email": "ada@example.org"}
    """
    for e, path, form, value in _formats(examples):
        if not _zoneless(form, value):
            yield flag(
                e,
                f"{show_path(path)}: {shorten(str(value), 80)!r} is no {form}",
                path=show_path(path),
                found=value,
                format=form,
            )


@check("json", severity="warning")
def undeclared_key(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A key that the schema lets pass but does not name; in a schema that lists the others, most often a slip.

    Bad: {"custmer_name": "Ada"} under a schema with the property customer_name and open to others
    Fix: {"customer_name": "Ada"}, or "additionalProperties": false in the schema
    """
    for _, one, group in _with_schema(examples):
        look = _strangers(one.schema)
        for e in group:
            for path, near in look(e.target.value):
                hint = f"; did you mean {near}?" if near else ""
                yield flag(
                    e,
                    f"{show_path(path)}: the schema does not name this key{hint}",
                    path=show_path(path),
                    near=near,
                )


def _strangers(schema: Any) -> Callable[[Any], Iterator[tuple[Path, str | None]]]:
    """(path, nearest known name) of the keys that are in no ``properties``, where the schema is plain enough to tell."""

    def plain(node: Any) -> bool:
        return isinstance(node, Mapping) and not node.keys() & {
            "$ref", "allOf", "anyOf", "oneOf", "if", "patternProperties", "propertyNames", "additionalProperties",
            "dependentSchemas", "unevaluatedProperties",
        }  # fmt: skip

    def walk(node: Any, value: Any, path: Path) -> Iterator[tuple[Path, str | None]]:
        if not isinstance(node, Mapping):
            return
        names = node.get("properties")
        if isinstance(value, dict) and isinstance(names, Mapping):
            for key, below in value.items():
                if key in names:
                    yield from walk(names[key], below, (*path, key))
                elif plain(node) and names:
                    import difflib

                    yield (*path, key), next(iter(difflib.get_close_matches(key, list(names), 1, 0.8)), None)
        elif isinstance(value, list) and isinstance(node.get("items"), Mapping):
            for i, below in enumerate(value):
                yield from walk(node["items"], below, (*path, i))

    return lambda value: walk(schema, value, ())


_PROBLEMS = {
    "duplicate-key": ("error", "write each key once; JSON readers disagree on which one counts"),
    "not-a-number": ("error", "JSON has no NaN and no Infinity; null, or leave the key out"),
    "huge-integer": ("warning", "write it as a string: most readers lose digits beyond 2^53"),
    "lone-surrogate": ("error", "half of a character: write the character itself"),
}


@check("json", severity="error")
def json_text(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The JSON text holds what readers read differently: a key twice, NaN, an integer beyond 2^53, half a character.

    Bad: {"total": 1, "total": 2}
    Fix: {"total": 2}
    """
    for e in examples:
        for problem in e.meta.get("json_problems") or ():
            severity, fix = _PROBLEMS.get(problem.kind, ("error", None))
            yield flag(
                e,
                f"{problem.kind}: {problem.message}",
                severity=severity,
                fix=fix,
                kind=problem.kind,
                what=problem.message,
            )
