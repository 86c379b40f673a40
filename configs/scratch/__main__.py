"""Runs recipes one after another and prints one table: python configs/scratch [RECIPE ...] [key=value ...]

Without a recipe it is all of them, the pretraining where it is needed. A run that is finished is not run again, one that was
stopped goes on: the same command twice is the table alone. --doctor examines the recipes instead (finetooth doctor).
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetooth import config as configuration
from finetooth.cli._output import emit, say, table
from finetooth.cli.train import Screen
from finetooth.config import Config
from finetooth.errors import FinetoothError, UsageError
from finetooth.registry import did_you_mean
from finetooth.runs import Run

HERE = Path(__file__).parent
ROOT = "runs/scratch"
LAST = "14_pretrained"  # what comes before it must be pretrained first


def recipes() -> list[str]:
    """Their names in the order in which they are run."""
    names = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))
    return sorted(names, key=lambda n: (n == LAST, n))


def load(name: str, changes: Sequence[str], root: str) -> Config:
    """A recipe with ``changes``; its run, and the one it begins with, are under ``root``."""
    made = configuration.load(HERE / f"{name}.py", changes)
    moved = [f"out={made.out.replace(ROOT, root, 1)}", f"model.name={made.model.name.replace(ROOT, root, 1)}"]
    return configuration.build(made.model_dump(), moved)


def says(name: str) -> str:
    """The first line of a recipe's docstring: what it changes."""
    return (ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text("utf-8"))) or "").split("\n")[0]


def run(name: str, chosen: Config) -> dict[str, Any]:
    """Trains (or pretrains) and gives the row of the table; a failure is a row too."""
    from finetooth.train import train
    from finetooth.train.pretraining import pretrain

    row: dict[str, Any] = {"recipe": name, "says": says(name), "run": chosen.out}
    try:
        done: Run = (pretrain if name.startswith("pretrain") else train)(chosen, watch=Screen())
    except FinetoothError as e:
        return {**row, "failure": str(e)}
    measured = done.info.get("measured") or {}
    scores = {s["name"]: s for s in done.scores().get("dev", {}).get("scores", [])}
    row |= {
        "scores": {
            k: {part: s[part] for part in ("value", "low", "high", "floor")} for k, s in scores.items()
        }
    }
    best = done.info.get("best") or {}
    return {
        **row,
        "best_epoch": best["epoch"] + 1 if "epoch" in best else None,
        "steps": measured.get("steps"),
        "minutes": round(measured["seconds"] / 60, 1) if "seconds" in measured else None,
    }


def examine(name: str, chosen: Config) -> dict[str, Any]:
    """The doctor's outcome for a recipe, as a row."""
    from finetooth.cli.doctor import tell
    from finetooth.train import doctor

    row: dict[str, Any] = {"recipe": name, "says": says(name)}
    try:
        found = doctor.examine(chosen, told=tell)
    except FinetoothError as e:
        return {**row, "failure": str(e)}
    rate = next((o.evidence.get("suggested") for o in found.outcomes if o.rung == "rate"), None)
    broken = found.broken.rung if found.broken else None
    return {**row, "broken": broken, "suggested_rate": rate, "verdict": found.verdict}


def show(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table, one recipe a line."""
    if any("verdict" in r for r in rows):
        header: tuple[str, ...] = ("recipe", "broken rung", "suggested rate", "what it changes")
        return table(
            header, [(r["recipe"], r.get("broken"), rate(r), r.get("failure") or r["says"]) for r in rows]
        )
    # What pretraining measures of itself is in its run; here only what recipes share.
    names = list(
        dict.fromkeys(
            name for r in rows if not r["recipe"].startswith("pretrain") for name in r.get("scores", {})
        )
    )
    header = (
        "recipe",
        *names,
        *(f"{n} floor" for n in names),
        "best epoch",
        "steps",
        "minutes",
        "what it changes",
    )
    return table(header, [line(r, names) for r in rows])


def line(row: dict[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    scores = {} if row["recipe"].startswith("pretrain") else row.get("scores", {})
    return (
        row["recipe"],
        *(interval(scores[n]) if n in scores else None for n in names),
        *(scores[n]["floor"] if n in scores else None for n in names),
        row.get("best_epoch"),
        row.get("steps"),
        row.get("minutes"),
        row.get("failure") or row["says"],
    )


def interval(score: dict[str, Any]) -> str:
    bounds = f" [{score['low']:.2f}, {score['high']:.2f}]" if score["low"] is not None else ""
    return f"{score['value']:.2f}{bounds}"


def rate(row: dict[str, Any]) -> str | None:
    found = row.get("suggested_rate")
    return f"{found:.1e}" if found is not None else None


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python configs/scratch", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("given", nargs="*", metavar="RECIPE|key=value", help=", ".join(recipes()))
    parser.add_argument("--root", default=ROOT, help=f"where runs are kept ({ROOT})")
    parser.add_argument("--doctor", action="store_true", help="examine the recipes instead of running them")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    options = parser.parse_args(argv)
    chosen = [g for g in options.given if "=" not in g]
    changes = [g for g in options.given if "=" in g]
    try:
        for name in chosen:
            if name not in recipes():
                raise UsageError(f"there is no recipe {name!r}", cure=did_you_mean(name, recipes()))
        rows = []
        for name in chosen or recipes():
            if options.doctor and name.startswith("pretrain"):
                continue
            say(f"{name}: {says(name)}")
            config = load(name, changes, options.root)
            rows.append(examine(name, config) if options.doctor else run(name, config))
    except FinetoothError as e:
        say(f"error: {e}")
        return 2
    if options.json:
        emit(rows)
    else:
        sys.stdout.write(show(rows) + "\n")
    return 1 if any("failure" in r or r.get("broken") for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
