"""Makes examples of a task from a built-in world with known truth, clean or with defects planted by rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth.cli._output import Json, emit, say, table
from finetooth.errors import UsageError
from finetooth.io import Fingerprint, write_jsonl
from finetooth.machines import Spread


def command(
    what: Annotated[str, typer.Argument(help="qa, ner, relation, nli or json.")],
    out: Annotated[Path, typer.Option(help="Where the rows go, as JSONL.")],
    n: Annotated[int | None, typer.Option("--n", help="How many rows (default: 1000).")] = None,
    seed: Annotated[int, typer.Option(help="One seed makes one result.")] = 0,
    defects: Annotated[
        str | None,
        typer.Option(
            help="Defects to plant, with rates: shifted-offset=0.05,wrong-answer=0.1 (? lists them)."
        ),
    ] = None,
    noise: Annotated[
        float | None, typer.Option(help="This share of defects, in equal parts of every kind.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Where the truth about the defects goes (default: FILE.truth.jsonl).")
    ] = None,
    leak_from: Annotated[
        Path | None, typer.Option(help="Another split, for the defect 'leaked': rows of it are copied in.")
    ] = None,
    records: Annotated[
        int, typer.Option(help="How many records a document tells at most, 1 to 3: longer, harder texts.")
    ] = 3,
    split: Annotated[
        str | None, typer.Option(help="json: train or test; both, a tenth test, where it is not said.")
    ] = None,
    repair: Annotated[
        Path | None, typer.Option(help="json: make only the failing rows of this file anew.")
    ] = None,
    boost: Annotated[
        int | None, typer.Option(help="json: at least this many rows of every schema that is there.")
    ] = None,
    schemas: Annotated[Path | None, typer.Option(help="json: write the schemas into this folder.")] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Write the texts in so many processes; 0: in this one.")
    ] = 0,
    ray: Annotated[
        str | None, typer.Option(help="Write the texts on this Ray cluster (its address, or auto).")
    ] = None,
    json: Json = False,
) -> int:
    from finetooth import generate

    if what != "json" and what not in generate.VIEWS:
        raise UsageError(
            f"nothing called {what!r} can be generated",
            cure=f"there are: {', '.join([*generate.VIEWS, 'json'])}",
        )
    world = {"--defects": defects, "--noise": noise, "--truth": truth, "--leak-from": leak_from}
    world |= {"--workers": workers or None, "--ray": ray}
    of_json = {"--split": split, "--repair": repair, "--boost": boost, "--schemas": schemas}
    for name, value in (world if what == "json" else of_json).items():
        if value is not None:
            raise UsageError(f"{name} says nothing of {what}", cure="finetooth generate --help")
    if what == "json":
        from finetooth.cli import _generate_json

        return _generate_json.command(
            n, seed, out, split=split, repair=repair, boost=boost, schemas=schemas, json=json
        )
    n = 1000 if n is None else n
    rates = _rates(what, defects, noise)
    other = _rows(leak_from, what) if leak_from else ()
    spread = Spread(workers, ray)
    planted: Any = ()
    if rates:
        made = generate.make(what, n, seed=seed, defects=rates, other=other, records=records, spread=spread)
        pairs: Iterator[tuple[Any, Any]] = zip(made.rows, made.documents, strict=True)
        planted = made.planted
        truth = truth or out.with_suffix(".truth.jsonl")
        write_jsonl(truth, planted)
    else:  # as many as one likes: a row is written and forgotten
        pairs = generate.stream(what, n, seed=seed, records=records, spread=spread)
    seen, told = Counter[str](), Fingerprint()
    write_jsonl(out, _passing(pairs, seen, told))
    summary: dict[str, Any] = {
        "task": what,
        "out": out,
        "rows": seen["rows"],
        "documents": seen["documents"],
        "seed": seed,
        "fingerprint": str(told),
        "defects": _tally(planted),
        "truth": truth if rates else None,
    }
    if json:
        emit(summary)
        return 0
    say(f"{out}: {summary['rows']:,} rows of {what} from {summary['documents']:,} documents, seed {seed}")
    if rates:
        print(table(("defect", "planted"), list(summary["defects"].items())))
        say(f"{truth}: what stood there before, a line each")
    return 0


def _passing(pairs: Iterable[tuple[Any, Any]], seen: Counter[str], told: Fingerprint) -> Iterator[Any]:
    """The rows, counted and fingerprinted as they go by."""
    last = None
    for row, document in pairs:
        told.add(row)
        seen.update(rows=1, documents=int(document.id != last))
        last = document.id
        yield row


def _tally(planted: Any) -> dict[str, int]:
    from finetooth.generate.defects import tally

    return tally(planted)


def _rates(task: str, defects: str | None, noise: float | None) -> dict[str, float]:
    """Rates by kind, of ``--defects`` or ``--noise``. Raises UsageError."""
    from finetooth.generate.defects import kinds, spread

    if noise is not None:
        if defects:
            raise UsageError("--noise and --defects both say what to plant", cure="give one of the two")
        if not 0 <= noise <= 1:
            raise UsageError(f"--noise {noise:g}: expected a share from 0 to 1")
        return spread(task, noise) if noise else {}
    rates: dict[str, float] = {}
    for part in filter(None, map(str.strip, (defects or "").split(","))):
        name, _, value = part.partition("=")
        try:
            rates[name.strip().replace("_", "-")] = float(value)
        except ValueError:
            known = ", ".join(kinds(task))
            raise UsageError(
                f"--defects: expected KIND=RATE, found {part!r}", cure=f"kinds of {task}: {known}"
            ) from None
    return rates


def _rows(path: Path, task: str) -> list[dict[str, Any]]:
    """Any data set of the task, as rows of our own."""
    from finetooth import readers, registry

    return [registry.task(task).to_row(e) for e in readers.load(path, task=task).examples]
