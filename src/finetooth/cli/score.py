"""Scores a file of predictions, with intervals and chance floors; no model needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from finetooth import readers, registry
from finetooth.cli._labels import Labels, reading
from finetooth.cli._output import Json, emit, say, told_notes
from finetooth.cli._scores import print_scores
from finetooth.evaluate import predictions as files
from finetooth.evaluate.score import score
from finetooth.text import many


def command(
    predictions: Annotated[
        Path, typer.Argument(help="{id: prediction} JSON, JSONL, or the task's own files.")
    ],
    data: Annotated[str, typer.Argument(help="The examples with their gold targets.")],
    task: Annotated[str | None, typer.Option(help="The task, where the content does not tell.")] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content does not tell.")] = None,
    train: Annotated[
        str | None, typer.Option(help="The training set, for floors and seen/unseen slices.")
    ] = None,
    schemas: Annotated[Path | None, typer.Option(help="A folder of JSON Schemas.")] = None,
    labels: Labels = None,
    floors: Annotated[bool, typer.Option(help="Whether to compute the chance floors.")] = True,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap and of random floors.")] = 0,
    resamples: Annotated[int, typer.Option(min=1, help="Draws of the bootstrap.")] = 1000,
    json: Json = False,
) -> int:
    options = reading(schemas, labels)
    dataset = readers.load(data, task=task, format=format, **options)
    told_notes(dataset)
    of = registry.task(dataset.task)
    seen = readers.load(train, task=of.name, **options).examples if train else ()
    matched = files.read(predictions, of, dataset.examples)
    report = score(
        of,
        dataset.examples,
        matched.predictions,
        train=seen,
        unknown=matched.unknown,
        dropped=dataset.dropped,
        floors=floors,
        seed=seed,
        resamples=resamples,
    )
    if json:
        emit(report.to_json())
    else:
        print_scores(report, main=of.main_metric)
    if n := len(report.missing):
        verbs = ("has", "counts") if n == 1 else ("have", "count")
        rows = many(report.scores[0].n, "example")
        say(f"{n:,} of {rows} {verbs[0]} no prediction and {verbs[1]} as wrong")
    if n := len(report.unknown):
        said = many(n, "prediction is for an id that is", "predictions are for ids that are")
        say(f"{said} not in {data}")
    return 0
