"""Mends generated JSON: rows that fail a check are made anew, thin schemas get more rows, nothing else is touched.

repair("rows.jsonl") -> 3 of 500 rows made anew, 497 lines as they were, byte for byte
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from finetooth import checks
from finetooth.errors import DataError, UsageError
from finetooth.generate.json_rows import LEAST, SPLITS, STYLE_NAMES, fresh, make_row, row_id, schemas, specs
from finetooth.io import MAX_FILE_BYTES, atomic, to_json
from finetooth.io.parse import parse_with_problems
from finetooth.tasks.json import from_row
from finetooth.types import Dataset, Drop, Example

ROUNDS = 5  # a new row that fails again (a duplicate, say) is drawn again
MOST_APART = 2.0  # between a schema's share of the training rows and of the test rows


@dataclass
class Line:
    """A row, and the bytes that it was read from (None where it was given as an object or made anew)."""

    name: str
    row: dict[str, Any] | None
    raw: bytes | None = None
    problems: tuple[Any, ...] = ()
    wrong: str = ""

    def example(self, known: Mapping[str, Any]) -> Example | None:
        """The row as an example under its own name; None, with ``wrong`` set, where it is none."""
        if self.row is None:
            return None
        row = self.row
        if "schema" not in row and row.get("schema_id") in known:
            row = {**row, "schema": known[row["schema_id"]]}
        try:
            made = from_row(row, self.name)
        except DataError as e:
            self.wrong = e.what
            return None
        meta = dict(made.meta)
        if self.problems:
            meta["json_problems"] = self.problems
        if "id" in row and str(row["id"]) != self.name:
            meta["given_id"] = str(row["id"])
        return replace(made, id=self.name, meta=meta)


@dataclass
class Repair:
    """What ``repair`` did. ``repaired``: id -> why the row was made anew; ``left``: failing rows that it could not mend."""

    lines: list[Line]
    repaired: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left: tuple[Drop, ...] = ()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows that can be read, in their order."""
        return [line.row for line in self.lines if line.row is not None]

    def write(self, path: str | Path, more: Sequence[Mapping[str, Any]] = ()) -> None:
        """The lines as they were, those made anew in their places, then ``more`` rows. Whole or not at all."""
        with atomic(path, "wb") as f:
            for line in self.lines:
                _put(f, line.raw if line.raw is not None else to_json(line.row).encode())
            for row in more:
                _put(f, to_json(row).encode())


def _put(f: IO[bytes], text: bytes) -> None:
    f.write(text if text.endswith(b"\n") else text + b"\n")


def repair(
    rows_or_path: Sequence[Mapping[str, Any]] | str | Path,
    *,
    seed: int = 0,
    schemas_by_id: Mapping[str, Any] | None = None,
    rounds: int = ROUNDS,
) -> Repair:
    """Makes the failing rows anew, with their id, schema, split and style; every other row stays as it is.

    A row fails if a check finds an error in it, or if it cannot be read though it names its schema. Only rows of the
    generator's own schemas can be made anew: others, and lines that are no JSON object, are ``left``, with the reason.
    ``schemas_by_id`` are further schemas to check against. Raises DataError for a file that is no JSONL.
    """
    lines = _lines_of(rows_or_path)
    known = {**schemas(), **(schemas_by_id or {})}
    before = [line.row for line in lines], [line.raw for line in lines], [line.problems for line in lines]
    repaired: dict[str, tuple[str, ...]] = {}
    failing = _failing(lines, known)
    for attempt in range(rounds):
        todo = [line for line in lines if line.name in failing and _ours(line)]
        if not todo:
            break
        for line in todo:
            repaired.setdefault(line.name, failing[line.name])
            _renew(line, seed, attempt)
        failing = _failing(lines, known)
    for i, line in enumerate(lines):
        if line.name in failing and repaired.pop(line.name, ()):
            line.row, line.raw, line.problems = before[0][i], before[1][i], before[2][i]
    left = tuple(
        Drop(line.name, "repair", _why(line, failing[line.name])) for line in lines if line.name in failing
    )
    return Repair(lines, repaired, left)


def _why(line: Line, reasons: tuple[str, ...]) -> str:
    first = "; ".join(reasons[:3])
    if line.row is None:
        return first
    name = line.row.get("schema_id")
    if name not in specs():
        return f"{first} (the generator has no schema {name!r})"
    if "prompt" not in line.row:
        return f"{first} (it has no prompt)"
    return f"{first} (still so after {ROUNDS} new draws)"


def _ours(line: Line) -> bool:
    return line.row is not None and line.row.get("schema_id") in specs() and "prompt" in line.row


def _renew(line: Line, seed: int, attempt: int) -> None:
    old = line.row or {}
    name, split, style = str(old["schema_id"]), old.get("split"), old.get("style")
    key = f"{seed}/repair/{name}/{line.name}/{attempt}"
    if style not in STYLE_NAMES:
        style = STYLE_NAMES[sum(key.encode()) % len(STYLE_NAMES)]
    made, _ = fresh(name, "test" if split == "test" else "train", key, style)
    # A key that the row did not have it does not get: other programs may count the columns.
    new = {k: v for k, v in made.items() if k in ("prompt", "expected_output") or (k in old and k != "split")}
    line.row = {**old, **new}
    line.raw, line.problems, line.wrong = None, (), ""


def _failing(lines: list[Line], known: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Name -> what is wrong, for the rows that fail."""
    reasons: dict[str, list[str]] = {}
    examples = []
    for line in lines:
        one = line.example(known)
        if one is not None:
            examples.append(one)
        elif line.wrong:
            reasons[line.name] = [line.wrong]
    for found in checks.run(Dataset("json", examples, "rows", "memory", "")).findings:
        if found.severity == "error" and found.example_id:
            reasons.setdefault(found.example_id, []).append(f"{found.check}: {found.message}")
    return {name: tuple(why) for name, why in reasons.items()}


def _lines_of(given: Sequence[Mapping[str, Any]] | str | Path) -> list[Line]:
    if isinstance(given, (str, Path)):
        return _named(_read(Path(given)))
    return _named([Line("", dict(row)) for row in given])


def _named(lines: list[Line]) -> list[Line]:
    """Each row's id as its name, with its place where it has none or another row has it."""
    seen: set[str] = set()
    for i, line in enumerate(lines):
        name = line.row.get("id") if line.row is not None else None
        line.name = str(name) if isinstance(name, (str, int)) and name != "" else f"row {i + 1}"
        if line.name in seen:
            line.name = f"{line.name} (row {i + 1})"
        seen.add(line.name)
    return lines


def _read(path: Path) -> list[Line]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataError(f"larger than {MAX_FILE_BYTES:,} bytes", where=str(path), cure="split it")
        data = path.read_bytes()
    except OSError as e:
        raise UsageError(f"cannot be read: {e.strerror}", where=str(path), cure="check the path") from None
    if data[:4] == b"PAR1" or data.lstrip()[:1] == b"[":
        raise DataError(
            "expected JSONL, a row a line", where=str(path), cure="finetooth convert FILE --out rows.jsonl"
        )
    made = []
    for number, raw in enumerate(data.split(b"\n"), 1):
        if not raw.strip():
            if number <= data.count(b"\n"):
                made.append(Line("", None, raw))  # an empty line is nobody's fault
            continue
        where = f"{path}:{number}"
        try:
            value, problems = parse_with_problems(raw.decode("utf-8").removeprefix("\ufeff"), where)
        except (DataError, UnicodeDecodeError) as e:
            made.append(Line("", None, raw, wrong=e.what if isinstance(e, DataError) else "not UTF-8"))
            continue
        if isinstance(value, dict):
            made.append(Line("", value, raw, tuple(problems)))
        else:
            made.append(Line("", None, raw, wrong="no JSON object"))
    return made


# --- thin schemas ---------------------------------------------------------------------------------------------


def boost(
    rows: Sequence[Mapping[str, Any]], at_least: int = 2 * LEAST, seed: int = 0
) -> list[dict[str, Any]]:
    """The rows as they are, and after them new ones: every schema of the generator that the rows hold gets
    ``at_least`` rows (half of them, but no more than ten, for the test split if the rows have one), and its shares of
    the two splits come within a factor of 2.

    Rows without ``split`` are one split. Ids are new ones. Raises UsageError for a negative number.
    """
    if at_least < 0:
        raise UsageError(f"at least {at_least} rows a schema", cure="0 or more")
    made = [dict(row) for row in rows]
    counts = Counter((r.get("schema_id"), _split_of(r)) for r in made)
    names = [name for name in specs() if any(counts[name, split] for split in SPLITS)]
    splits = [split for split in SPLITS if any(s == split for _, s in counts)]
    wanted = _wanted(names, splits, counts, at_least)
    taken = {str(r.get("id")) for r in made}
    marked = any("split" in r for r in made)
    for split in splits:
        for name in names:
            index = 0
            for _ in range(wanted[name, split] - counts[name, split]):
                while row_id(name, split, seed, index) in taken:
                    index += 1
                row, _ = make_row(name, split, seed, index)
                taken.add(row["id"])
                made.append(row if marked else {k: v for k, v in row.items() if k != "split"})
    return made


def _split_of(row: Mapping[str, Any]) -> str:
    return "test" if row.get("split") == "test" else "train"


def _wanted(
    names: Sequence[str], splits: Sequence[str], counts: Mapping[Any, int], at_least: int
) -> dict[tuple[str, str], int]:
    wanted = {(name, split): counts[name, split] for name in names for split in splits}
    if len(splits) < 2:
        return {key: max(n, at_least) for key, n in wanted.items()}
    for name in names:
        wanted[name, "test"] = max(wanted[name, "test"], LEAST if at_least >= 2 * LEAST else at_least // 2)
        wanted[name, "train"] = max(wanted[name, "train"], at_least - wanted[name, "test"])
    # Rows of one schema more are a smaller share for all others: go on until all shares agree.
    for _ in range(1000):
        total = {split: sum(wanted[name, split] for name in names) for split in splits}
        changed = False
        for name in names:
            for split, other in (SPLITS, SPLITS[::-1]):
                least = -(-wanted[name, other] * total[split] // (total[other] * MOST_APART))
                if wanted[name, split] < least:
                    wanted[name, split] = int(least)
                    changed = True
        if not changed:
            break
    return wanted
