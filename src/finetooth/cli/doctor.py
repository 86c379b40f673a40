"""Says why a model does not learn: a ladder of tests on a fresh one, up to the first that breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth import config as configuration
from finetooth.cli._output import Json, emit, say

MARKS = {"holds": "ok", "broken": "BROKEN", "skipped": "skipped"}


def command(
    config: Annotated[Path, typer.Argument(help="A YAML or Python file, as for train, or a run folder.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[key=value ...]", help="As in train.learning_rate=1e-3.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="The last rung to try, as in order: what needs no training.")
    ] = None,
    json: Json = False,
) -> int:
    chosen = configuration.load(config, overrides or ())
    from finetooth.train.doctor import examine

    diagnosis = examine(chosen, until=until, told=_tell)
    if json:
        emit(diagnosis.to_json())
    else:
        for note in diagnosis.notes:
            say(note)
        print(diagnosis.verdict)
    return 0 if diagnosis.healthy else 1


def _tell(outcome: Any) -> None:
    say(f"{MARKS[outcome.state]:8}{outcome.rung:10} {outcome.said} ({outcome.seconds:.1f} s)")
