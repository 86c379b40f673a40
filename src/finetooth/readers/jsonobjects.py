"""Prompt -> object rows as JSONL, a JSON list or Parquet; EdgeJSON's files with a folder of schemas.

{"id": "o1", "prompt": "Item: pen", "schema_id": "order", "expected_output": {"item": "pen"}}
{"messages": [{"role": "user", "content": "Item: pen"}, {"role": "assistant", "content": "{\"item\": \"pen\"}"}]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io import JsonProblem, Source, write_jsonl
from finetooth.io.parse import parse_json
from finetooth.readers._chat import KEYS as CHAT_KEYS
from finetooth.readers._chat import is_chat, turns
from finetooth.registry import Reader
from finetooth.tasks.json import from_row, to_row
from finetooth.types import Drop, Example

_FENCED = re.compile(r"\s*```[a-zA-Z]*\s*\n(.*?)\n\s*```\s*", re.S)
PROMPT = ("prompt", "instruction", "input")
OUTPUT = ("expected_output", "output", "completion", "response", "answer")


def _names(row: Mapping[str, Any]) -> dict[str, str] | None:
    prompt = next((k for k in PROMPT if isinstance(row.get(k), str)), None)
    output = next((k for k in OUTPUT if k in row), None)
    if prompt is None or output is None:
        return None
    if prompt == "prompt" and output == "expected_output":
        return {"prompt": prompt, "expected_output": output}
    # Other names are common; they are ours only where an object, or the text of one, stands there.
    value = row[output]
    known = {"schema", "schema_id"} & set(row)
    return {"prompt": prompt, "expected_output": output} if _is_object(value) and known else None


def sniff(source: Source) -> bool:
    row = source.first_row
    if row is None:
        return False
    if _names(row) is not None or not is_chat(row):
        return _names(row) is not None
    try:
        return _is_object(_of_chat(row, str(source)).get("expected_output"))
    except DataError:
        return False


def _of_chat(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A chat's question, with what was said before it, as prompt; its answer as output. Raises DataError."""
    said = turns(row, where)
    made = {k: v for k, v in row.items() if k not in (*CHAT_KEYS, "prompt", "completion")}
    made["prompt"] = said.prompt
    if said.assistant is not None:
        made["expected_output"] = said.assistant
    return made


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, str) and value.lstrip()[:1] in ("{", "`"))


def read(source: Source) -> Iterator[Example]:
    """Problems of the JSON text (keys that stand twice, NaN, huge integers) become findings of the row.

    A chat of several questions, or whose answer is no object, is dropped by name.
    """
    dropped: list[Drop] = source.options.setdefault("dropped", [])
    schemas = _schemas(source)
    found: dict[str, list[JsonProblem]] = {}
    # Of a JSON list, all problems are told before the first row, by their path in the document.
    in_list = re.compile(re.escape(str(source)) + r": (\[\d+\])")

    def keep(at: str, problem: JsonProblem) -> None:
        m = in_list.match(at)
        row = f"{source}{m[1]}" if m else str(source) if at.startswith(f"{source}: ") else at
        found.setdefault(row, []).append(problem)

    for where, row in source.rows(problems=keep):
        if is_chat(row) and _names(row) is None:
            try:
                row = _of_chat(row, where)
                if not _is_object(row.get("expected_output")):
                    raise DataError("the assistant's answer is no JSON object")
            except DataError as e:
                dropped.append(Drop(where if row.get("id") is None else str(row["id"]), "read", e.what))
                continue
        names = _names(row) or {"prompt": "prompt", "expected_output": "expected_output"}
        plain = {**row, **{ours: row.get(theirs) for ours, theirs in names.items()}}
        if names["expected_output"] not in row:
            del plain["expected_output"]
        problems = found.pop(where, [])
        if isinstance(answer := plain.get("expected_output"), str):
            with suppress(DataError):  # else ``from_row`` says what is wrong with it
                within: list[JsonProblem] = []
                plain["expected_output"] = parse_json(_unfenced(answer), where, problems=within)
                problems = [*problems, *within]
        example = from_row(plain, where)
        if problems:
            example = replace(example, meta={**example.meta, "json_problems": tuple(problems)})
        if example.inputs.schema is None and example.inputs.schema_id in schemas:
            name, schema = schemas[example.inputs.schema_id]
            example = replace(
                example,
                inputs=replace(example.inputs, schema=schema),
                meta={**example.meta, "schema_file": name},
            )
        yield example


def _unfenced(text: str) -> str:
    """The object of a text that is nothing but one, or one in a fence."""
    found = _FENCED.fullmatch(text)
    return found[1] if found else text


def _schemas(source: Source) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Schemas of the option's folder by file name (order.json is "order"), folders within it as well.

    Relations declared in a file beside a schema come with it. Raises DataError for a file that is no JSON
    object, and for two schemas of one name.
    """
    folder = source.options.get("schemas")
    if not folder:
        return {}
    cached = source.options.get("_schemas")
    if cached is None:
        cached = source.options["_schemas"] = read_schemas(Path(folder))
    return cached


def read_schemas(folder: Path) -> dict[str, tuple[str, Mapping[str, Any]]]:
    from finetooth.checks.json_declared import with_beside

    if not folder.is_dir():
        raise DataError("expected a folder of JSON Schemas", where=str(folder), cure="check the path")
    made: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for path in sorted(folder.rglob("*.json")):
        if path.stem.endswith(".relations"):
            continue
        schema = parse_json(Source(path).text, str(path))
        if not isinstance(schema, Mapping):
            raise DataError("expected a JSON Schema, found no object", where=str(path))
        if path.stem in made:
            raise DataError(
                f"two schemas are called {path.stem!r}: {made[path.stem][0]} is the other", where=str(path)
            )
        made[path.stem] = (str(path), with_beside(schema, path))
    if not made:
        raise DataError("there is no *.json in it", where=str(folder), cure="one file a schema: order.json")
    return made


def write(examples: Sequence[Example], path: Path) -> None:
    write_jsonl(path, map(to_row, examples))


READER = Reader(
    "jsonobjects",
    "json",
    "prompt, schema_id or schema, expected_output as JSONL or Parquet; EdgeJSON",
    sniff,
    read,
    write,
)
