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
    lengths: Annotated[
        bool,
        typer.Option(
            "--lengths", help="Instead: what each model.max_length_tokens would cut and save (pair, causal)."
        ),
    ] = False,
    json: Json = False,
) -> int:
    from finetooth.models.memory import megabytes

    if lengths and (memory is not None or cpu):
        raise UsageError("--lengths counts tokens, it knows no memory", cure="leave --memory out")
    if cpu and memory is None:
        raise UsageError("--cpu says nothing without --memory", cure="--memory 16GB --cpu")
    size = megabytes(memory) if memory is not None else None
    given = {"task": task, "data.train": data, "model.name": model}
    overrides = [f"{key}={value}" for key, value in given.items() if value is not None]
    # Nothing is written, so a configuration need not say where to.
    config = configuration_of(list(settings or ()), [*overrides, "out=estimate"])

    if lengths:
        return _lengths(config, json)
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


def _lengths(config: Any, json: bool) -> int:
    from finetooth.train.lengths import lengths

    found = lengths(config)
    if json:
        emit(found.to_json())
        return 0
    limit = f", which reads at most {found.limit}" if found.limit else ""
    say(f"{found.examples:,} examples, head {found.head}, {config.model.name}{limit}")
    names = ("median", "p90", "p95", "p99", "longest")
    print(table(("tokens of", *names), [(x, *(q[n] for n in names)) for x, q in found.tokens.items()]))
    whose = {found.configured: "configured", found.smallest_whole: "cuts nothing"}
    rows = [
        (
            row["max_length_tokens"],
            row["cut"],
            f"{row['cut_percent']:.1f} %",
            ", ".join(f"{name} {n}" for name, n in row["by_label"].items()) or "-",
            f"{row['trained_tokens']:,}",
            f"{row['saved_percent']:.1f} %",
            whose.get(row["max_length_tokens"], ""),
        )
        for row in found.rows
    ]
    what = "left out" if found.head == "causal" else "cut"
    print(table(("max_length_tokens", what, "share", "by label", "tokens", "saved", ""), rows))
    if found.reasons:
        bands = [
            (f"{r['from']}-{r['to']}", r["n"], f"{r['accuracy']:.1f}", f"{r['low']:.1f}-{r['high']:.1f}")
            for r in found.reasons
        ]
        print(table((f"{found.reasons[0]['unit']} of a reason", "n", "teacher's accuracy", "95 %"), bands))
    say("tokens: of an epoch; saved: of what an epoch computes, padding counted, against cutting nothing")
    return 0


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
