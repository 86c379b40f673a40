"""Tells what training will take in memory, strategy by strategy, before a model is loaded."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from finetooth.cli._output import Json, emit, say, table
from finetooth.cli.train import configuration_of
from finetooth.errors import UsageError

HEADER = (
    "strategy",
    "trained",
    "weights",
    "gradients",
    "optimizer",
    "activations",
    "logits",
    "least",
    "peak",
    "fits",
)


def command(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONFIG] [key=value ...]",
            help="As of finetooth train; nothing is trained, no weight is read.",
        ),
    ] = None,
    task: Annotated[str | None, typer.Option(help="The task, instead of a CONFIG.")] = None,
    data: Annotated[str | None, typer.Option(help="The training examples.")] = None,
    model: Annotated[str | None, typer.Option(help="The base model.")] = None,
    memory: Annotated[
        str | None, typer.Option(help="Of a GPU of this size, as in 24GB, instead of this machine.")
    ] = None,
    cpu: Annotated[bool, typer.Option("--cpu", help="With --memory: of a machine without a GPU.")] = False,
    json: Json = False,
) -> int:
    from finetooth.models.memory import megabytes

    if cpu and memory is None:
        raise UsageError("--cpu says nothing without --memory", cure="--memory 16GB --cpu")
    size = megabytes(memory) if memory is not None else None
    given = {"task": task, "data.train": data, "model.name": model}
    overrides = [f"{key}={value}" for key, value in given.items() if value is not None]
    # Nothing is written, so a configuration need not say where to.
    config = configuration_of(list(settings or ()), [*overrides, "out=estimate"])

    from finetooth.train.feasible import survey

    found = survey(config, total_mb=size, gpu=not cpu)
    if json:
        emit(found.to_json())
    else:
        say(
            f"{config.model.name}, head {found.head}, {found.precision}; the largest of {found.batches:,} batches: "
            f"{found.windows} windows of {found.length} tokens"
        )
        print(table(HEADER, [_row(r) for r in found.rows]))
        for row in found.rows:
            if row["why"]:
                say(f"{row['strategy']}: {row['why']}")
        say(f"MiB; least and peak count everything, and {found.place.name} has {found.place.total:,.0f}")
    own = next(r for r in found.rows if r["strategy"] == config.model.strategy)
    if not own["fits"] and not json:
        say(f"model.strategy: {own['strategy']} does not fit")
    return 0 if own["fits"] else 1


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    if row["need"] is None:
        return (row["strategy"], *[None] * 8, "no")
    whole = [round(row[k]) for k in (*HEADER[2:8], "need")]
    return (
        row["strategy"],
        f"{100 * row['trained'] / row['parameters']:.2f} %",
        *whole,
        "yes" if row["fits"] else "no",
    )
