"""Searches for good settings within a budget; the winner is run again on fresh seeds before it is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finetooth.cli._output import Json, emit, say, table


def command(
    config: Annotated[
        Path, typer.Argument(help="A YAML file: base or config, space or sweep, a budget, out.")
    ],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value, as in trials=12.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many trials to run at the same time.")] = 1,
    ray: Annotated[
        str | None, typer.Option(help="Run the workers on this Ray cluster (its address, or auto).")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run trials again that failed, once the cause is mended.")
    ] = False,
    wandb: Annotated[
        str | None,
        typer.Option(
            help="Let a sweep of Weights & Biases propose: new, or [ENTITY/]PROJECT/ID to join one."
        ),
    ] = None,
    json: Json = False,
) -> int:
    from finetooth import io
    from finetooth.errors import UsageError
    from finetooth.machines import Spread
    from finetooth.search.crowd import run_many
    from finetooth.search.trials import Search, load

    asked = [*(overrides or ()), *(["retry_failed=true"] if retry_failed else [])]
    search = Search(load(config, asked), say=say)
    if wandb is not None:
        from finetooth.search import wandb as sweeps

        given = {
            "--workers": workers > 1,
            "--ray": ray,
            "--retry-failed": retry_failed,
            "storage": search.settings.storage,
        }
        if named := [k for k, v in given.items() if v]:
            raise UsageError(
                f"{named[0]} is not for a sweep of wandb, which has workers of its own", cure="leave it out"
            )
        driven = sweeps.drive(search, wandb)
        emit(io.plain(driven)) if json else print(
            f"sweep {driven.sweep}: {driven.scored} scored here, {driven.failed} failed; "
            f"finetooth leaderboard {search.out}/trials/*"
        )
        return 0 if driven.scored else 1
    result = run_many(search, Spread(workers, ray))
    if json:
        emit(result.to_json())
        return 0 if result.best else 1
    rows = [
        (
            t.number,
            t.state,
            t.value,
            t.seconds,
            ", ".join(f"{k}={v}" for k, v in t.params.items()),
            t.failure or "",
        )
        for t in sorted(
            result.trials, key=lambda t: (t.value is None, -(t.value or 0) if search.higher else t.value)
        )
    ]
    print(table(("trial", "state", result.metric, "seconds", "values", "failure"), rows))
    if result.best is None:
        say("no trial has a score")
        return 1
    ahead = f", {result.lead:.2f} ahead of the second" if result.lead is not None else ""
    print(f"\nbest: trial {result.best.number}, {result.metric} {result.best.value:.2f}{ahead}")
    if result.luck is not None:
        mean = sum(result.rerun) / len(result.rerun)
        print(
            f"on {len(result.rerun)} fresh seeds it reaches {mean:.2f} ({min(result.rerun):.2f} to {max(result.rerun):.2f}): "
            f"{result.luck:+.2f} of its score was luck"
        )
    elif not result.finished:
        say("other workers still run")
    return 0
