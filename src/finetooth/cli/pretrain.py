"""Pretrains an encoder on the training texts themselves, for train to go on with; the same command resumes."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from typing import Annotated

import typer

from finetooth.cli._output import Json, emit, say
from finetooth.cli.train import INTERRUPTED, Screen, _print, configuration_of, summarise
from finetooth.runs import command_line
from finetooth.train import Interrupted
from finetooth.train.pretraining import pretrain


class Objective(StrEnum):
    mlm = "mlm"
    electra = "electra"
    spans = "spans"


def command(
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONFIG] [key=value ...]",
            help="A YAML or Python file, then settings by name, as in pretrain.mask_share=0.2.",
        ),
    ] = None,
    task: Annotated[str | None, typer.Option(help="The task of the data, instead of a CONFIG.")] = None,
    data: Annotated[
        str | None, typer.Option(help="The training examples; their texts are learnt from.")
    ] = None,
    texts: Annotated[
        str | None, typer.Option(help="A text file instead: paragraphs, or rows with text.")
    ] = None,
    objective: Annotated[
        Objective | None,
        typer.Option(
            help="Foretell masked tokens, find replaced ones, or answer questions made of the text."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="scratch, scratch:MODEL, or the run of an earlier pretraining.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="The run folder.")] = None,
    seed: Annotated[int | None, typer.Option(help="One seed makes one result.")] = None,
    json: Json = False,
) -> int:
    given = {
        "task": task,
        "data.train": data or texts,
        "pretrain.texts": texts,
        "pretrain.objective": objective.value if objective else None,
        "model.name": model,
        "out": out,
        "seed": seed,
    }
    overrides = [f"{key}={value}" for key, value in given.items() if value is not None]
    listed = list(settings or ())
    if texts and not task and not any(s.startswith("task=") or "=" not in s for s in listed):
        overrides.append("task=qa")  # Of a text alone nothing is read by a task.
    if not model and not any(s.startswith("model.name=") or "=" not in s for s in listed):
        overrides.append("model.name=scratch")
    chosen = configuration_of(listed, overrides)
    watch = Screen()
    try:
        run = pretrain(chosen, watch=watch, command=command_line())
    except Interrupted as e:
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
        say(f"to fine-tune it: finetooth train --model {shlex.quote(str(run.folder))} ...")
    return 0
