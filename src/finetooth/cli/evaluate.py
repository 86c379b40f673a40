"""Scores a run, or a base model before training, beside the floors, by slices and with inputs taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth import readers, registry
from finetooth.cli._base import is_base, open_base
from finetooth.cli._labels import Labels, reading
from finetooth.cli._output import Json, emit, say, table, told_notes
from finetooth.cli._progress import Progress
from finetooth.cli._scores import print_scores
from finetooth.errors import FinetoothError, UsageError
from finetooth.runs import Run
from finetooth.text import many
from finetooth.types import Dataset


def command(
    run: Annotated[
        str,
        typer.Argument(help="The folder that train made; or a base model, answering as it comes."),
    ],
    data: Annotated[
        str | None,
        typer.Argument(help="Examples with their gold targets; the run's own dev set if left out."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="The name to keep predictions and scores under (as found: dev, a file's)."),
    ] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content does not tell.")] = None,
    train: Annotated[
        str | None, typer.Option(help="The training set, for floors and slices; the run's own if left out.")
    ] = None,
    schemas: Annotated[Path | None, typer.Option(help="A folder of JSON Schemas.")] = None,
    labels: Labels = None,
    ablations: Annotated[
        bool, typer.Option("--ablations", help="Also with parts of the input taken away: a pass more each.")
    ] = False,
    constrain: Annotated[
        bool,
        typer.Option("--constrain", help="Generate only what obeys the example's JSON Schema; kept apart."),
    ] = False,
    entities_from: Annotated[
        Path | None,
        typer.Option(help="A run of named entities: relations between what it finds, not gold; kept apart."),
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="The task of a base model, where the data do not tell.")
    ] = None,
    head: Annotated[
        str | None, typer.Option(help="The head of a base model: causal, the one that needs no training.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="Of a base model's head: KEY=VALUE; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder to keep a base model's answers in, for finetooth compare.")
    ] = None,
    slices: Annotated[bool, typer.Option(help="Whether to print the slices.")] = True,
    keep: Annotated[bool, typer.Option(help="Whether to write predictions and scores into the run.")] = True,
    batch_tokens: Annotated[int, typer.Option(min=16, help="Tokens of a batch.")] = 8192,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap and of random floors.")] = 0,
    resamples: Annotated[int, typer.Option(min=1, help="Draws of the bootstrap.")] = 1000,
    json: Json = False,
) -> int:
    from finetooth.evaluate import run as evaluation

    if is_base(run, asked=bool(task or head or option or out)):
        if entities_from is not None:
            raise UsageError("--entities-from needs a run of relations, this is a base model", where=run)
        base = open_base(
            run, data, task=task, head=head, options=option or [], schemas=schemas, labels=labels, format=format,
            train=train, seed=seed, out=out, constrain=constrain,
        )  # fmt: skip
        of, dataset, seen, loaded = base.run, base.data, base.train, (base.head, base.model)
        own: dict[str, Dataset | None] = {}
        keep = keep and out is not None
    else:
        of = Run.open(run)
        dataset, seen, own = _data(of, data, format, train, reading(schemas, labels))
        loaded = None
    apart = ("-constrained" if constrain else "") + ("-predicted-entities" if entities_from else "")
    free = evaluation.split_name(of, dataset, own)
    name = split or free + apart
    if Path(name).name != name or name.startswith("."):
        raise UsageError(f"not a name for a split: {name!r}", cure="letters, digits, - and _")
    say(
        f"{dataset.source}: {many(len(dataset), 'example')}, kept as {name}"
        if keep
        else f"{dataset.source}: {many(len(dataset), 'example')}"
    )
    if apart and loaded is None:
        loaded = evaluation.load(of, constrain=constrain, entities_from=entities_from)
    if loaded and constrain and not entities_from and hasattr(loaded[0], "drafts"):
        # Most answers are the same free and held: those that are there already need one pass each.
        loaded[0].drafts = evaluation.kept_texts(of, free, dataset)
    bars: list[Progress] = []

    def watch(label: str) -> Progress:
        for bar in bars:
            bar.__exit__(None, None, None)
        bars[:] = [Progress(label)]
        return bars[0]

    try:
        done = evaluation.evaluate(
            of,
            dataset,
            split=name,
            train=seen.examples if seen is not None else (),
            ablations=ablations,
            seed=seed,
            resamples=resamples,
            batch_tokens=batch_tokens,
            keep=keep,
            loaded=loaded,
            watch=watch,
        )
    finally:
        for bar in bars:
            bar.__exit__(None, None, None)
    if json:
        emit(done.to_json())
        return 0
    main = registry.task(of.config.task).main_metric
    print_scores(done.report, main=main, slices=slices)
    if done.ablations:
        print()
        rows = [
            (a.ablation, a.name, a.value, a.low, a.high, a.lost, a.lost_low, a.lost_high)
            for a in done.ablations
        ]
        print(table(("input", "score", "value", "low", "high", "lost", "low", "high"), rows))
        for a in done.ablations:
            if a.name == main:
                say(a.sentence)
    if done.calibration:
        c = done.calibration
        auroc = (
            "" if c["auroc"] is None else f", surer where right in {100 * c['auroc']:.1f} % of pairs (AUROC)"
        )
        say(
            f"confidence {c['mean_confidence']:.1f} on average, right {c['right']:.1f} %: "
            f"calibration error {c['ece']:.1f} points{auroc}"
        )
    return 0


def _data(
    of: Run, data: str | None, format: str | None, train: str | None, given: dict[str, Any]
) -> tuple[Dataset, Dataset | None, dict[str, Dataset | None]]:
    """What a run is scored on, what it was trained on as far as that is known, and its own splits by name."""
    options = {**of.config.data.reading, **given}
    # What is wrong with the data is said before the model is loaded.
    dataset = readers.load(data, task=of.config.task, format=format, **options) if data is not None else None
    own = _own_splits(of, quiet=data is not None)
    if dataset is None:
        dataset = own.get("dev")
        if dataset is None:
            raise UsageError(
                "the run has no dev set", where=str(of.folder), cure="name the data to score it on"
            )
    told_notes(dataset)
    seen = readers.load(train, task=of.config.task, **options) if train else own.get("train")
    return dataset, seen, own


def _own_splits(run: Run, *, quiet: bool) -> dict[str, Dataset | None]:
    """The data the run was trained on, sampled and held out as it was; {} where they are gone."""
    from finetooth.train.data import load

    try:
        splits = load(run.config)
    except FinetoothError as e:
        if not quiet:
            raise
        say(f"without the training set ({e}): floors and slices do without it; --train names it")
        return {}
    return {"train": splits.train, "dev": splits.dev}
