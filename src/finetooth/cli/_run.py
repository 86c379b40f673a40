"""Runs one command: imports its file, parses, and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import typer

from finetooth.cli._output import say
from finetooth.errors import FinetoothError, UsageError
from finetooth.io import to_json
from finetooth.registry import did_you_mean

INTERRUPTED = 3
TYPER_INTERRUPTED = 130  # what typer makes of Ctrl-C inside a command
# typer carries its own copy of click, whose base class has no public name there.
ClickException: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def run(argv: list[str], commands: dict[str, Path]) -> int:
    as_json = "--json" in argv
    try:
        name, rest = argv[0], argv[1:]
        if name not in commands:
            raise UsageError(f"there is no command {name!r}", cure=did_you_mean(name, commands))
        code = int(_command(name, commands[name]).main(rest, f"finetooth {name}", standalone_mode=False) or 0)
        return _interrupted(as_json) if code == TYPER_INTERRUPTED else code
    except FinetoothError as e:
        return _failed(e.what, e.where, e.cure, as_json)
    except typer.Exit as e:
        return _interrupted(as_json) if e.exit_code == TYPER_INTERRUPTED else e.exit_code
    except ClickException as e:
        return _failed(e.format_message(), "", f"finetooth {argv[0]} --help tells all", as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _failed("out of memory", "", "use less data at once, or a smaller batch", as_json)


def _command(name: str, path: Path) -> Any:
    spec = importlib.util.find_spec(f"finetooth.cli.{path.stem}")
    assert spec is not None
    module = importlib.import_module(f"finetooth.cli.{path.stem}")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command(name=name, help=module.__doc__)(module.command)
    return typer.main.get_command(app)


def _interrupted(as_json: bool) -> int:
    say("interrupted; the same command goes on where it stopped")
    if as_json:
        print(to_json({"error": {"what": "interrupted", "where": "", "cure": "run the same command again"}}))
    return INTERRUPTED


def _failed(what: str, where: str, cure: str, as_json: bool) -> int:
    line = " ".join(f"{where}: {what}".split()) if where else " ".join(what.split())
    say(f"error: {line}" + (f" ({cure})" if cure else ""))
    if as_json:
        print(to_json({"error": {"what": what, "where": where, "cure": cure}}))
    return 2
