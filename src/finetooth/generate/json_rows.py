"""JSON examples out of nothing: prompts, and the objects that they ask for, by schemas of our own.

{"id": "sale_invoice-7-train-00012", "prompt": "Dear Ada, ...", "schema_id": "sale_invoice", "expected_output":
{"invoice_number": "SI-4021-KD", "lines": [...], "total": 71.4}, "split": "train", "complexity": "complex", "style": "email"}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetooth.errors import UsageError
from finetooth.generate.json_fields import Spec, draw_values, plain, schema_of
from finetooth.generate.json_schemas_deep import DEEP
from finetooth.generate.json_schemas_flat import FLAT
from finetooth.generate.json_schemas_nested import NESTED
from finetooth.generate.json_styles import STYLES, render
from finetooth.generate.json_words import Draw

if TYPE_CHECKING:
    from finetooth.generate.json_repair import Repair

SPLITS = ("train", "test")
LEAST = 10  # examples of a schema in the test split
TEST_SHARE = 0.1
STYLE_NAMES = tuple(STYLES)


@cache
def specs() -> dict[str, Spec]:
    """The schemas by id, a simple one, a medium one and a complex one in turn."""
    found: dict[str, Spec] = {}
    for i in range(max(len(FLAT), len(NESTED), len(DEEP))):
        for some in (FLAT, NESTED, DEEP):
            if i < len(some):
                found[some[i].id] = some[i]
    return found


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schemas by id, relations included."""
    return {name: schema_of(one) for name, one in specs().items()}


def write_schemas(folder: str | Path) -> list[Path]:
    """One file ``ID.json`` a schema; their paths. Raises UsageError where they cannot be written."""
    from finetooth.io import write_json

    made = []
    for name, schema in schemas().items():
        path = Path(folder) / f"{name}.json"
        write_json(path, schema)
        made.append(path)
    return made


def make_row(schema_id: str, split: str, seed: int, index: int) -> tuple[dict[str, Any], list[str]]:
    """Row number ``index`` of a schema, and the values of its prompt that are no part of the answer.

    The same arguments make the same row, however many others there are.
    """
    made, distractors = fresh(
        schema_id, split, f"{seed}/{schema_id}/{split}/{index}", STYLE_NAMES[index % len(STYLE_NAMES)]
    )
    return {"id": row_id(schema_id, split, seed, index), **made}, distractors


def row_id(schema_id: str, split: str, seed: int, index: int) -> str:
    return f"{schema_id}-{seed}-{split}-{index:05}"


def fresh(schema_id: str, split: str, key: str, style: str) -> tuple[dict[str, Any], list[str]]:
    """A row but for its id, and its distractors; ``key`` is all the chance there is."""
    one = specs()[schema_id]
    d = Draw(key, split)
    values = draw_values(one, d)
    prompt, distractors = render(one, values, d, style)
    row = {
        "prompt": prompt,
        "schema_id": schema_id,
        "expected_output": plain(values),
        "split": split,
        "complexity": one.complexity,
        "style": style,
    }
    return row, distractors


def generate_json(
    n: int, seed: int, *, split: str | None = None, only: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """n rows, the same for the same arguments, in turn over the schemas.

    Without ``split`` a tenth of them, and at least ten of every schema, are test rows; a schema's share is the same in
    both splits. Below 20 rows a schema there are fewer schemas instead of thin ones. ``only`` names schemas.
    Raises UsageError for an unknown split or schema and a negative n.
    """
    if split is not None and split not in SPLITS:
        raise UsageError(f"there is no split {split!r}", cure="train or test")
    if n < 0:
        raise UsageError(f"{n} rows", cure="0 or more")
    names = list(only) or list(specs())
    for name in names:
        if name not in specs():
            from finetooth.registry import did_you_mean

            raise UsageError(f"the generator has no schema {name!r}", cure=did_you_mean(name, specs()))
    if split is not None:
        return [make_row(*key, seed, i)[0] for key, i in _plan(n, names, split)]
    names = names[: max(1, min(len(names), n // (2 * LEAST)))]
    test = min(n // 2, max(round(n * TEST_SHARE), LEAST * len(names)))
    test -= test % len(names) if test > LEAST * len(names) else 0
    plan = [*_plan(n - test, names, "train"), *_plan(test, names, "test")]
    return [make_row(*key, seed, i)[0] for key, i in plan]


def _plan(n: int, names: Sequence[str], split: str) -> Iterator[tuple[tuple[str, str], int]]:
    for k in range(n):
        yield (names[k % len(names)], split), k // len(names)


def boost(
    rows: Sequence[Mapping[str, Any]], at_least: int = 2 * LEAST, seed: int = 0
) -> list[dict[str, Any]]:
    """The rows as they are, and after them new ones for the schemas that are thin; see ``json_repair.boost``."""
    from finetooth.generate.json_repair import boost as lift

    return lift(rows, at_least, seed)


def repair(
    rows_or_path: Sequence[Mapping[str, Any]] | str | Path, *, seed: int = 0, **options: Any
) -> Repair:
    """Makes failing rows anew and leaves the others byte for byte; see ``json_repair.repair``."""
    from finetooth.generate.json_repair import repair as mend

    return mend(rows_or_path, seed=seed, **options)
