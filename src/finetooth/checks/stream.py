"""Checking data that does not fit into memory: rows are dealt into parts on disk, and each part is checked whole.

A row's part is chosen by its text (the context of a question, the premise of a pair), so that rows which the checks hold
against each other by what they say come together: duplicates, contradictions, answers over one context are found as if
all were in memory, and ids are made unique over all parts. What compares *different* texts, or weighs a row by what is
usual in the set, sees one part at a time; ``StreamReport.notes`` says so.

Memory is that of one part and of 8 bytes a row, whatever the size of the data.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from finetooth import checks, io, readers, registry
from finetooth.errors import DataError
from finetooth.io import Source
from finetooth.machines import Spread
from finetooth.types import SEVERITIES, Dataset, Drop, Example, Finding

ROWS = 20_000  # in one part
TEXTS = ("context", "text", "premise", "prompt")
REMEMBERING = ("finetooth.checks.", "finetooth.text")
MOST_PARTS = 500  # files open at once


@dataclass
class StreamReport:
    """What was found: ``counts`` by severity, ``by_check`` by (severity, check), the ``first`` of each check, and every
    finding in ``files``, JSON Lines by severity, which live as long as the ``with`` of ``run``."""

    task: str
    format: str
    examples: int = 0
    parts: int = 0
    by_check: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: dict[str, list[Finding]] = field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()
    dropped: list[Drop] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        made: dict[str, int] = dict.fromkeys(SEVERITIES, 0)
        for (severity, _), n in self.by_check.items():
            made[severity] += n
        return made

    def lines(self) -> Iterator[str]:
        """The document that ``check --json`` prints, in pieces: it may be larger than memory."""
        head = {"examples": self.examples, "counts": self.counts, "parts": self.parts, "notes": self.notes}
        head |= {"dropped": self.dropped} if self.dropped else {}
        yield io.to_json(head)[:-1] + ', "findings": ['
        comma = ""
        for severity in SEVERITIES:
            if severity in self.files:
                with self.files[severity].open(encoding="utf-8") as f:
                    for line in f:
                        yield f"{comma}\n{line.rstrip()}"
                        comma = ","
        yield "]}\n"


def run(
    data: str | Path,
    folder: Path,
    *,
    task: str | None = None,
    format: str | None = None,
    against: str | None = None,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    rows: int = ROWS,
    show: int = 3,
    spread: Spread | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> StreamReport:
    """All checks of the task over JSON Lines or Parquet of any size, ``rows`` at a time; ``folder`` takes the parts.

    ``against`` is read into memory. Raises what ``readers.load`` raises.
    """
    reading = {name: options.pop(name) for name in ("schemas", "labels") if options.get(name)}
    source = Source(data, {**reading, "stream": True})
    parts, reader = readers._parts(source, task, format)
    report = StreamReport(reader.task, reader.name)
    dealt = _deal(parts, source, reader, folder, rows)
    report.examples, report.parts, report.dropped = dealt.examples, len(dealt.paths), dealt.dropped
    if not dealt.examples:
        raise DataError("no examples in it", where=str(source), cure="check that it is the right file")
    other = readers.load(against, task=reader.task, **reading) if against else None
    shared = _Shared(
        reader.task, reader.name, str(source), dealt.names(), other, tuple(only), tuple(skip), options
    )
    whole: dict[tuple[str, str], Finding] = {}
    times: Counter[tuple[str, str]] = Counter()
    with ExitStack() as stack:
        report.files = {s: folder / f"{s}.jsonl" for s in SEVERITIES}
        sinks = {s: stack.enter_context(p.open("w", encoding="utf-8")) for s, p in report.files.items()}

        def take(finding: Finding) -> None:
            report.by_check[(finding.severity, finding.check)] += 1
            sinks[finding.severity].write(io.to_json(finding) + "\n")
            first = report.first.setdefault(finding.check, [])
            if len(first) < show:
                first.append(finding)

        for done, part in enumerate((spread or Spread())(_check_part, shared, dealt.paths)):
            report.skipped = part.skipped
            for finding in part.findings:
                if finding.example_id:
                    take(finding)
                else:  # of the set: once, with how many parts say it
                    key = (finding.check, finding.severity)
                    whole.setdefault(key, finding)
                    times[key] += 1
            if progress:
                progress(done + 1, len(dealt.paths))
        for key, finding in whole.items():
            told = {"parts": times[key], "of_parts": len(dealt.paths)}
            take(replace(finding, evidence={**finding.evidence, **told}))
    report.notes += source.options.get("notes") or []
    if len(dealt.paths) > 1:
        report.notes.append(
            f"checked in {len(dealt.paths)} parts of about {rows:,} rows: what compares different texts, and what is "
            "said of the set as a whole, was looked at within a part"
        )
    return report


@dataclass(frozen=True)
class _Shared:
    task: str
    format: str
    source: str
    names: dict[int, str]
    against: Dataset | None
    only: tuple[str, ...]
    skip: tuple[str, ...]
    options: dict[str, Any]


def _check_part(shared: _Shared, path: Path) -> checks.CheckReport:
    texts: dict[str, str] = {}
    examples = []
    for number, example in sorted(_stored(path), key=lambda pair: pair[0]):
        example = _one_text(example, texts)
        if number in shared.names:
            meta = {**example.meta, "given_id": example.id}
            example = replace(example, id=shared.names[number], meta=meta)
        examples.append(example)
    data = Dataset(shared.task, examples, shared.source, shared.format, "")
    try:
        return checks.run(data, against=shared.against, only=shared.only, skip=shared.skip, **shared.options)
    finally:
        forget()


def forget() -> None:
    """Empties what checks remember of texts they have read: no other part holds them."""
    for name, module in list(sys.modules.items()):
        if name.startswith(REMEMBERING):
            for value in vars(module).values():
                if callable(getattr(value, "cache_clear", None)):
                    value.cache_clear()


def _one_text(example: Example, texts: dict[str, str]) -> Example:
    """Many questions stand over one context: it is kept once."""
    context = getattr(example.inputs, "context", None)
    if not isinstance(context, str) or texts.setdefault(context, context) is context:
        return example
    return replace(example, inputs=replace(example.inputs, context=texts[context]))


# ---- dealing


@dataclass
class _Dealt:
    paths: list[Path]
    examples: int
    dropped: list[Drop]
    hashes: array[int]

    def names(self) -> dict[int, str]:
        """Row number -> new id, for rows whose id stands before them already; as ``readers.unique_ids`` does it."""
        import numpy as np

        found, counts = np.unique(np.frombuffer(self.hashes, np.uint64), return_counts=True)
        twice = set(found[counts > 1].tolist())
        if not twice:
            return {}
        rows: list[tuple[int, str]] = []
        for path in self.paths:
            rows += [(number, e.id) for number, e in _stored(path) if _hash(e.id) in twice]
        seen: Counter[str] = Counter()
        taken: set[str] = set()
        names: dict[int, str] = {}
        known = set(found.tolist())
        for number, name in sorted(rows):
            seen[name] += 1
            if seen[name] > 1:
                while (new := f"{name}#{seen[name]}") in taken or _hash(new) in known:
                    seen[name] += 1
                taken.add(new)
                names[number] = new
        return names


def _deal(parts: list[Source], source: Source, reader: registry.Reader, folder: Path, rows: int) -> _Dealt:
    count = max(1, min(MOST_PARTS, -(-_estimate(parts) // rows)))
    paths = [folder / f"part-{i:03d}" for i in range(count)]
    hashes = array("Q")
    dropped: list[Drop] = source.options.setdefault("dropped", [])
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for part in parts:
            part.options = source.options
            for example in reader.read(part):
                to = zlib.crc32(_text(example).encode("utf-8", "surrogatepass")) % count
                pickle.dump((len(hashes), example), files[to], protocol=5)
                hashes.append(_hash(example.id))
    return _Dealt([p for p in paths if p.stat().st_size], len(hashes), dropped, hashes)


def _text(example: Example) -> str:
    """What rows are held against each other by."""
    texts = (getattr(example.inputs, name, None) for name in TEXTS)
    return next((text for text in texts if isinstance(text, str)), example.id)


def _stored(path: Path) -> Iterator[tuple[int, Example]]:
    """(row number, example) of a part: written by this very command into its own temporary folder, so no foreign pickle."""
    with path.open("rb") as f:
        while f.peek(1):
            yield pickle.load(f)


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _estimate(parts: list[Source]) -> int:
    """About how many rows there are: counted by Parquet, by the length of the first lines elsewhere."""
    total = 0
    for part in parts:
        if part.is_parquet and not part.is_folder:
            import pyarrow.parquet as pq

            total += pq.read_metadata(part.path).num_rows
        elif not part.is_folder:
            lines = max(1, part.head.count(b"\n"))
            # A guess where it is packed: text shrinks to a third, rows that repeat themselves to a tenth.
            size = part.path.stat().st_size * (6 if part.packing else 1)
            total += size * lines // max(1, len(part.head))
    return max(total, 1)


def temporary() -> tempfile.TemporaryDirectory[str]:
    """Where parts go: as much room as the data itself takes. TMPDIR chooses another disk."""
    return tempfile.TemporaryDirectory(prefix="finetooth-check-")
