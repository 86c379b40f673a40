"""Makes more documents of documents: entities swapped, sentences moved or rewritten; every copy is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth import readers, registry
from finetooth.cli._output import Json, emit, say, table, told_notes
from finetooth.errors import UsageError
from finetooth.io import fingerprint, write_jsonl
from finetooth.machines import Spread
from finetooth.types import Dataset


def command(
    data: Annotated[str, typer.Argument(help="Training documents of ner or relation: a file or a folder.")],
    out: Annotated[Path, typer.Option(help="Where sources and copies go, as JSONL.")],
    methods: Annotated[
        str,
        typer.Option(
            help="In turn: swap, drop, shuffle, fill (needs --model), paraphrase (needs --teacher)."
        ),
    ] = "swap,drop,shuffle",
    times: Annotated[int, typer.Option(min=1, help="Copies of each document.")] = 4,
    seed: Annotated[int, typer.Option(help="One seed makes one result.")] = 0,
    pool: Annotated[
        Path | None, typer.Option(help="swap: more training documents whose names may be taken.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="fill: a folder or base model with a masked language head.")
    ] = None,
    teacher: Annotated[str | None, typer.Option(help="paraphrase: the teacher model's name.")] = None,
    base_url: Annotated[str | None, typer.Option(help="paraphrase: the teacher's address.")] = None,
    budget: Annotated[
        float | None, typer.Option(help="paraphrase: money to spend at most, by the two prices.")
    ] = None,
    price_in: Annotated[float, typer.Option(help="Money for a million tokens of prompt.")] = 0.0,
    price_out: Annotated[float, typer.Option(help="Money for a million tokens of answer.")] = 0.0,
    temperature: Annotated[float, typer.Option(min=0, help="paraphrase: how freely to word it.")] = 0.7,
    journal: Annotated[
        Path | None, typer.Option(help="paraphrase: what was answered (default: FILE.teacher.sqlite).")
    ] = None,
    dropped: Annotated[
        Path | None, typer.Option(help="What was dropped, with reasons (default: FILE.dropped.jsonl).")
    ] = None,
    copies_only: Annotated[
        bool, typer.Option("--copies-only", help="Leave the source documents out of the file.")
    ] = False,
    allow_dev: Annotated[
        bool, typer.Option("--allow-dev", help="Augment data that is called dev or test all the same.")
    ] = False,
    task: Annotated[str | None, typer.Option(help="The task, where the content does not tell.")] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content does not tell.")] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="swap, drop, shuffle: in so many processes; 0: in this one.")
    ] = 0,
    ray: Annotated[
        str | None, typer.Option(help="The same on this Ray cluster (its address, or auto).")
    ] = None,
    json: Json = False,
) -> int:
    from finetooth.augment.run import augment, refuse_other_tasks
    from finetooth.augment.splits import refuse_held_out
    from finetooth.cli._progress import Progress

    dataset = readers.load(data, task=task, format=format)
    told_notes(dataset)
    refuse_other_tasks(dataset.task)
    if not allow_dev:
        refuse_held_out(data, dataset.examples)
    if out.exists() and out.resolve() == Path(data).resolve():
        raise UsageError("the data would be written over", where=str(out), cure="give another --out")
    asking = {
        "teacher": teacher,
        "base_url": base_url,
        "budget": budget,
        "price_in": price_in,
        "price_out": price_out,
        "temperature": temperature,
        "journal": journal or out.with_suffix(".teacher.sqlite"),
    }
    chosen = _methods(methods, dataset, pool, allow_dev, model, asking, Spread(workers, ray))
    with Progress("augmenting", "copies") as bar:
        made = augment(dataset, chosen, times=times, seed=seed, progress=bar)
    to_row = registry.task(dataset.task).to_row
    rows = [to_row(e) for e in (made.copies if copies_only else made.examples)]
    lost = dropped or out.with_suffix(".dropped.jsonl")
    write_jsonl(out, rows)
    write_jsonl(lost, made.dropped)
    report = {**made.report, "rows": len(rows), "out": out, "dropped": lost, "fingerprint": fingerprint(rows)}
    if json:
        emit(report)
    else:
        _print(report)
    if not made.copies:
        say("no copy could be kept")
    return int(not made.copies)


def _methods(
    told: str,
    dataset: Dataset,
    pool: Path | None,
    allow_dev: bool,
    model: str | None,
    asking: dict[str, Any],
    spread: Spread,
) -> dict[str, Any]:
    """Name -> method, in the order given. Raises UsageError for one that is not known."""
    from finetooth.augment import order, swap
    from finetooth.augment.run import clean, each
    from finetooth.augment.splits import refuse_held_out

    def swapping() -> Any:
        names = swap.pool_of(clean(dataset)[0])
        if pool is not None:
            more = readers.load(pool, task=dataset.task)
            if not allow_dev:
                refuse_held_out(str(pool), more.examples)
            names = swap.pools(names, swap.pool_of(clean(more)[0]))
        return each(swap.as_swap(names), spread)

    known = {
        "swap": swapping,
        "drop": lambda: each(order.drop, spread),
        "shuffle": lambda: each(order.shuffle, spread),
        "fill": lambda: _fill(model),
        "paraphrase": lambda: _paraphrase(**asking),
    }
    wanted = list(dict.fromkeys(name.strip() for name in told.split(",") if name.strip()))
    if not wanted:
        raise UsageError("--methods names none", cure=f"there are: {', '.join(known)}")
    return {name: registry.pick(name, known, "method")() for name in wanted}


def _fill(model: str | None) -> Any:
    if model is None:
        raise UsageError("fill needs a masked language model", cure="give --model FOLDER")
    from finetooth.augment.fill import filling
    from finetooth.models.fill import Filler

    return filling(Filler(model))


def _paraphrase(teacher: str | None, budget: float | None, journal: Path, **settings: Any) -> Any:
    if teacher is None:
        raise UsageError("paraphrase needs a teacher", cure="give --teacher NAME and --base-url URL")
    from finetooth.augment.paraphrase import paraphrasing
    from finetooth.teach.client import Teacher
    from finetooth.teach.journal import Journal

    return paraphrasing(Teacher(teacher, Journal(journal), **settings), budget=budget)


def _print(report: dict[str, Any]) -> None:
    say(
        f"{report['documents']:,} documents, {report['clean']:,} of them fit to be augmented "
        f"({len(report['mended'])} fixes made); "
        f"{report['times']} copies each, {report['kept']:,} of {report['asked']:,} kept"
    )
    columns = ("asked", "made", "valid", "kept", "kept_share", "edit_share", "near_duplicates")
    rows = [
        (m["method"], *(m[c] for c in columns)) for m in (*report["methods"], {**report, "method": "all"})
    ]
    print(table(("method", *(c.replace("_", " ") for c in columns)), rows))
    if lost := report.get("triple_ends_without_entity"):
        say(
            f"{lost:,} of {report['triple_ends']:,} ends of triples are names that no entity has "
            f"({report['triple_ends_without_entity_in_sources']:,} of them in the sources): a pair head cannot learn "
            "those triples; finetooth check names them (triple-end-is-no-mention)"
        )
    if report["reasons"]:
        print()
        told = [(r["stage"], r["reason"], r["count"]) for r in report["reasons"]]
        print(table(("stage", "why dropped", "documents"), told))
    say(f"{report['out']}: {report['rows']:,} rows; {report['dropped']}: what was dropped, with reasons")
