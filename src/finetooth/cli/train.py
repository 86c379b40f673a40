"""Trains a model on checked data, and scores it; the same command resumes."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth import config as configuration
from finetooth import io, registry
from finetooth.cli._output import Json, emit, say, table
from finetooth.cli._progress import Progress
from finetooth.errors import UsageError
from finetooth.runs import Run, command_line
from finetooth.text import many
from finetooth.train import Interrupted, Watch, train
from finetooth.train.together import rank

INTERRUPTED = 3
FEW = 20  # examples, below which a slice tells nothing
WORST = 4  # slices that are told; finetooth evaluate and the report show all
UNITS = {"train": "steps", "sanity": "passes", "predicting": "examples"}


class OnError(StrEnum):
    stop = "stop"
    drop = "drop"
    keep = "keep"


def command(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONFIG] [key=value ...]",
            help="A YAML or Python file (or a run folder, to run it again), then settings by name, "
            "as in train.epochs=3.",
        ),
    ] = None,
    task: Annotated[str | None, typer.Option(help="The task, instead of a CONFIG.")] = None,
    data: Annotated[str | None, typer.Option(help="The training examples.")] = None,
    dev: Annotated[str | None, typer.Option(help="The dev set; without one a tenth is held out.")] = None,
    model: Annotated[
        str | None, typer.Option(help="The base model: starter:minilm, a folder, a name.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="The run folder.")] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content does not tell.")] = None,
    seed: Annotated[int | None, typer.Option(help="One seed makes one result.")] = None,
    on_error: Annotated[
        OnError | None, typer.Option(help="What to do with training examples that have errors.")
    ] = None,
    sanity: Annotated[
        bool, typer.Option("--sanity", help="First prove that 32 examples can be learnt by heart.")
    ] = False,
    curate: Annotated[
        Path | None,
        typer.Option(help="A policy (YAML): also train curated and random subsets, and say whether it pays."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="With --curate: how many seeds of each.")] = 3,
    json: Json = False,
) -> int:
    given = {
        "task": task,
        "data.train": data,
        "data.dev": dev,
        "data.format": format,
        "model.name": model,
        "out": out,
        "seed": seed,
        "data.on_error": on_error.value if on_error else None,
        "sanity": "true" if sanity else None,
    }
    overrides = [f"{key}={value}" for key, value in given.items() if value is not None]
    chosen = configuration_of(list(settings or ()), overrides)
    watch = Screen()
    try:
        if curate is not None:
            from finetooth.cli import _two_stage

            return _two_stage.run(chosen, curate, seeds, watch, json=json)
        run = train(chosen, watch=watch, command=command_line())
        if rank():  # the first process of a team has the run and tells of it
            return 0
    except Interrupted as e:
        if rank():
            return INTERRUPTED
        again = shlex.join(["finetooth", *sys.argv[1:]])
        say(f"stopped after step {e.step}; to go on: {again}")
        if json:
            emit({"run": str(e.folder), "status": "interrupted", "step": e.step, "resume": again})
        return INTERRUPTED
    finally:
        watch.end("")
    summary = summarise(run)
    if json:
        emit(summary)
    else:
        _print(run, summary, trained=watch.began)
    return 0


def configuration_of(settings: list[str], overrides: list[str]) -> configuration.Config:
    """A file and settings, or settings alone. What is given as an option wins over the file."""
    file = settings.pop(0) if settings and ("=" not in settings[0] or Path(settings[0]).exists()) else None
    for setting in settings:
        if "=" not in setting:
            raise UsageError(f"expected key=value, found {setting!r}", cure="one CONFIG, then settings")
    if file is not None:
        return configuration.load(file, [*settings, *overrides])
    if not overrides and not settings:
        raise UsageError(
            "nothing to train on", cure="finetooth train CONFIG, or --task T --data FILE --model M --out RUN"
        )
    named = {s.partition("=")[0] for s in [*settings, *overrides]}
    flags = {"task": "--task T", "data.train": "--data FILE", "out": "--out RUN"}
    if missing := [flag for key, flag in flags.items() if key not in named]:
        raise UsageError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
            cure="or give a CONFIG that says it",
        )
    return configuration.build({}, [*settings, *overrides])


def summarise(run: Run) -> dict[str, Any]:
    """What --json prints: the run, its scores with floors and intervals, preflight, what was measured."""
    info = run.info
    return {
        "run": str(run.folder),
        "status": run.status,
        "model": str(run.model),
        "config": info.get("resolved") or info["config"],
        "data": info.get("data"),
        "gate": {k: v for k, v in (info.get("gate") or {}).items() if k not in ("findings", "not_shown")},
        "preflight": {k: v for k, v in (info.get("preflight") or {}).items() if k != "gate"},
        "epochs": info.get("epochs"),
        "best": info.get("best"),
        "measured": info.get("measured"),
        "scores": run.scores().get("dev", {}).get("scores", []),
    }


def _print(run: Run, summary: dict[str, Any], *, trained: bool) -> None:
    if not trained:
        say(f"{run.folder}: this run is finished; out= names another, finetooth evaluate scores it on more")
    rows = [(s["name"], s["value"], s["low"], s["high"], s["n"], s["floor"]) for s in summary["scores"]]
    if rows:
        print(table(("dev", "value", "low", "high", "n", "floor"), rows))
    for s in summary["scores"]:
        if s["floor"] is not None and s["low"] is not None and s["low"] <= s["floor"]:
            say(f"{s['name']} is not above its floor of {s['floor']:.2f}")
    dev = run.scores().get("dev", {})
    for note in dev.get("notes", []):
        say(note)
    for line in telling_slices(dev, registry.task(run.info["config"]["task"]).main_metric):
        say(line)
    m = summary["measured"] or {}
    if trained and m.get("training_seconds"):
        say(
            f"trained {m['steps']:,} steps in {_span(m['training_seconds'])} "
            f"({m['windows_per_second']:,.1f} windows a second, {100 * m['padding']:.1f} % padding); "
            f"all in all {_span(m['seconds'])}, foretold {_span(m['estimated_seconds'])}; "
            f"memory {m['peak_memory_mb']:,.0f} MiB, foretold {m['estimated_memory_mb']:,.0f}"
        )
    say(f"run: {run.folder}  (model/, dynamics.parquet, predictions/dev.jsonl, scores.json)")


def telling_slices(dev: dict[str, Any], main: str) -> list[str]:
    """What a single figure hides: both halves of a set with and without answers, and what is clearly worse than the whole."""
    whole = next((s["value"] for s in dev.get("scores", []) if s["name"] == main), None)
    slices = [s for s in dev.get("slices", []) if s["name"] == main and s["value"] is not None]
    halves = [s for s in slices if s["by"] == "answerable"]
    lines = ["; ".join(f"{s['slice']}: {main} {s['value']:.2f} (n {s['n']:,})" for s in halves)]
    worse = [
        s
        for s in slices
        if s not in halves
        and whole is not None
        and s["n"] >= FEW
        and s["high"] is not None
        and s["high"] < whole
    ]
    worse.sort(key=lambda s: s["value"])
    if worse:
        named = ", ".join(f"{s['by']} {s['slice']} {s['value']:.2f} (n {s['n']:,})" for s in worse[:WORST])
        more = f" and {len(worse) - WORST} more" if len(worse) > WORST else ""
        lines.append(f"clearly below {main} {whole:.2f}: {named}{more}")
    return [line for line in lines if line]


def _dev_gate(gate: dict[str, Any], dev: dict[str, Any] | None) -> list[str]:
    """Nothing stops for the dev set, but what is wrong in it is wrong in every score."""
    counts = gate.get("dev_counts") or {}
    found = ", ".join(f"{n:,} {severity}" for severity, n in counts.items() if n)
    if dev is None or not found:
        return []
    if counts.get("error"):
        found += f"; scores rest on what is wrong there: finetooth check {dev['source']}"
    return [f"dev gate   {found}"]


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


class Screen(Watch):
    """Sentences, the preflight and bars, on standard error. ``began``: whether there was anything to do."""

    def __init__(self) -> None:
        self.began = False
        self._bars: dict[str, Progress] = {}

    def say(self, text: str) -> None:
        self.end("")
        self.began = True
        say(text)

    def progress(self, phase: str, done: int, of: int, **values: float) -> None:
        self.began = True
        if phase not in self._bars:
            self.end("")
            self._bars[phase] = Progress(phase, UNITS.get(phase, "windows"))
        self._bars[phase](done, of)

    def end(self, phase: str) -> None:
        for name in [phase] if phase else list(self._bars):
            if name in self._bars:
                self._bars.pop(name).__exit__(None, None, None)

    def preflight(self, report: Any) -> None:
        self.began = True
        for line in preflight_lines(io.plain(report)):
            say(line)


def preflight_lines(report: dict[str, Any]) -> list[str]:
    """The preflight in words, a fact a line."""
    train, dev = report["data"]["train"], report["data"].get("dev")
    gate, steps, model, trip = report["gate"], report["steps"], report["model"], report["round_trip"]
    found = ", ".join(f"{n:,} {severity}" for severity, n in gate["counts"].items() if n) or "nothing"
    lines = [
        f"train      {train['source']}: {many(train['examples'], 'example')}",
        f"dev        {dev['source']}: {many(dev['examples'], 'example')}" if dev else "dev        none",
        *(f"           {note}" for note in report["notes"]),
        f"gate       {found}" + (f"; {many(gate['dropped'], 'example')} dropped" if gate["dropped"] else ""),
        *_dev_gate(gate, dev),
        f"round trip {100 * trip['share']:.2f} % of {trip['n']:,} gold targets come back"
        + "".join(f"; {n:,} {reason}" for reason, n in trip["by_reason"].items()),
        f"windows    {report['windows']['windows']:,}, {report['windows']['tokens']:,} tokens "
        f"(median {report['windows']['length_median']}, longest {report['windows']['length_max']})",
        f"model      {model['class']}, {model['trained']:,} of {model['parameters']:,} weights trained, "
        f"{model['precision']} ({model['precision_why']}), {many(model['threads'], 'thread')}",
        f"steps      {steps['steps']:,} in {many(steps['epochs'], 'epoch')}, {steps['windows_per_step']} windows each, "
        f"{100 * steps['padding']:.1f} % padding; warmup {many(steps['warmup_steps'], 'step')} "
        f"({100 * steps['warmup_share']:.0f} %), then {steps['schedule']}",
    ]
    for metric, floors in report["floors"].items():
        # A floor without a confidence has no calibration error: null in run.json.
        known = [f"{k} {v:.2f}" for k, v in floors.items() if v is not None]
        if known:
            lines.append(f"floors     {metric}: " + ", ".join(known))
    guess = report["estimate"]
    lines.append(
        f"estimate   {_span(guess['seconds'])}, {guess['memory_mb']:,.0f} MiB"
        if guess
        else "estimate   none where weights are spread over processes"
    )
    return [*lines, *(f"warning    {w}" for w in report["warnings"])]
