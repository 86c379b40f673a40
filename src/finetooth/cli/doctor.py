"""Says why a model does not learn: a ladder of tests on a fresh one, up to the first that breaks."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from finetooth.cli._output import Json, emit, say, table
from finetooth.cli.train import configuration_of

MARKS = {"holds": "ok", "broken": "BROKEN", "skipped": "skipped"}


def command(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONFIG] [key=value ...]",
            help="As for train: a YAML or Python file or a run folder, then settings by name.",
        ),
    ] = None,
    task: Annotated[str | None, typer.Option(help="The task, instead of a CONFIG.")] = None,
    data: Annotated[str | None, typer.Option(help="The training examples.")] = None,
    dev: Annotated[str | None, typer.Option(help="The dev set; without one a tenth is held out.")] = None,
    model: Annotated[
        str | None, typer.Option(help="The base model: starter:minilm, scratch, a folder, a name.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="The last rung to try, as in order: all that needs no training.")
    ] = None,
    json: Json = False,
) -> int:
    given = {"task": task, "data.train": data, "data.dev": dev, "model.name": model}
    overrides = [f"{key}={value}" for key, value in given.items() if value is not None]
    listed = list(settings or ())
    if (task or listed) and not any(s.startswith("out=") or "=" not in s for s in listed):
        overrides.append("out=nowhere")  # A run has a folder; here nothing is written.
    chosen = configuration_of(listed, overrides)
    from finetooth.train.doctor import examine

    diagnosis = examine(chosen, until=until, told=tell)
    if json:
        emit(diagnosis.to_json())
        return 0 if diagnosis.healthy else 1
    for note in diagnosis.notes:
        say(note)
    print(diagnosis.verdict)
    return 0 if diagnosis.healthy else 1


def tell(outcome: Any) -> None:
    """A rung in a line, with what to look at where it is broken, and the table of learning rates."""
    say(f"{MARKS[outcome.state]:8}{outcome.rung:10} {outcome.said} ({outcome.seconds:.1f} s)")
    if outcome.rung == "rate" and outcome.state == "holds":
        rows = [(f"{r['rate']:.1e}", f"{r['smoothed']:.3f}") for r in outcome.evidence["table"]]
        say(table(("rate", "loss"), rows))
