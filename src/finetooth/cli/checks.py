"""Lists the checks, or tells of those named what they find, with an example and its fix."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from finetooth import registry
from finetooth.cli._output import Json, emit, table
from finetooth.text import shorten


def command(
    names: Annotated[list[str] | None, typer.Argument(help="Checks to tell all of.")] = None,
    task: Annotated[str | None, typer.Option(help="Only those of this task.")] = None,
    json: Json = False,
) -> int:
    if task is not None:
        registry.task(task)
    known = {c.name: c for c in registry.checks(task)}
    chosen = [registry.pick(name, known, "check") for name in names or ()] or list(known.values())
    if json:
        emit({"checks": [_row(c) for c in chosen]})
    elif names:
        print("\n\n".join(_page(c) for c in chosen))
    else:
        rows = [
            (c.severity, c.name, ", ".join(c.tasks) or "all", shorten(_text(c).split("\n\n")[0], 90))
            for c in chosen
        ]
        print(table(("severity", "check", "tasks", "finds"), rows))
    return 0


def _text(check: registry.Check) -> str:
    return inspect.cleandoc(check.doc)


def _page(check: registry.Check) -> str:
    needs = f", needs --{check.needs}" if check.needs else ""
    tasks = ", ".join(check.tasks) or "all tasks"
    return f"{check.name} ({check.severity}; {tasks}{needs})\n\n{_text(check)}"


def _row(check: registry.Check) -> dict[str, Any]:
    return {
        "check": check.name,
        "severity": check.severity,
        "tasks": list(check.tasks),
        "needs": check.needs,
        "text": _text(check),
    }
