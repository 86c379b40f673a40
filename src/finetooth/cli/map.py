"""Maps a run's examples by what training showed of them: easy, ambiguous, hard."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from finetooth.cli._output import Json, emit, say, table
from finetooth.errors import UsageError
from finetooth.text import many
from finetooth.types import Finding

SHOWN = 8  # rows of the table of epochs, and of the hardest examples


class By(StrEnum):
    auto = "auto"
    share = "share"
    median = "median"


def command(
    source: Annotated[
        Path,
        typer.Argument(help="A run folder, its dynamics.parquet, or a folder of dynamics_epoch_N.jsonl."),
    ],
    burn_in: Annotated[int, typer.Option(min=0, help="Leave out that many first epochs.")] = 0,
    burn_out: Annotated[
        int | None, typer.Option(min=1, help="Of the rest, use only that many epochs.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="train, or a split that was watched (train.watch_dev_dynamics=true).")
    ] = "train",
    by: Annotated[
        By,
        typer.Option(
            help="How categories are chosen: auto finds a line, share the top --share, median halves."
        ),
    ] = By.auto,
    share: Annotated[
        float | None,
        typer.Option(help="With --by share: how much is ambiguous, and hard; a third if left out."),
    ] = None,
    ambiguous_from: Annotated[
        float | None, typer.Option(help="Ambiguous from this variability on, instead of --by.")
    ] = None,
    hard_below: Annotated[
        float | None, typer.Option(help="Of the others hard below this confidence, instead of --by.")
    ] = None,
    include_ci: Annotated[
        bool, typer.Option("--include-ci", help="Widen variability by its own uncertainty.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The folder for the files; the run or folder itself if left out.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="Also write dynamics and metrics here as the reference tool reads them."),
    ] = None,
    picture: Annotated[bool, typer.Option(help="Whether to draw data_map.png.")] = True,
    json: Json = False,
) -> int:
    from finetooth.diagnose import dynamics_files, dynamics_stream, mapping
    from finetooth.diagnose.cartography import cartography

    if share is not None and (by is not By.share or ambiguous_from is not None or hard_below is not None):
        raise UsageError(
            "--share is read with --by share alone",
            cure="--by share, without --ambiguous-from and --hard-below; or leave --share out",
        )
    mapping.folder_to_be(out)
    # The reference's files take the values of every epoch; the map alone is made of sums.
    whole = dynamics_files.read(source, split=split) if reference is not None else None
    made = cartography(
        whole or dynamics_stream.find(source, split=split),
        burn_in=burn_in,
        burn_out=burn_out,
        include_ci=include_ci,
        method=by.value,
        share=1 / 3 if share is None else share,
        ambiguous_from=ambiguous_from,
        hard_below=hard_below,
    )
    written: list[Path] = []
    extra: tuple[Finding, ...] = ()
    try:
        written = mapping.write(made, out or mapping.home(source), source=str(source), split=split)
    except UsageError as e:
        # Somebody else's dynamics may lie where nobody can write; the map itself is still good.
        if out is not None:
            raise
        say(f"no files were written: {e}; --out DIR names another folder")
    if written and picture:
        path = written[0].with_name(f"{mapping.stem('data_map', split)}.png")
        written += _picture(made, path, source, split)
    if whole is not None and reference is not None:
        from finetooth.diagnose import reference as formats

        extra = formats.write(whole, made, reference)
        written.append(reference)
    if json:
        found = mapping.summary(made, source=str(source), split=split)
        found["findings"] += extra
        emit({"examples": made.rows(), "summary": found})
    else:
        _print(made)
    for finding in (*made.findings, *extra):
        say(f"{finding.severity}: {finding.message}")
    if written:
        say(f"written: {', '.join(map(str, written))}")
    return 0


def _picture(made, path: Path, source: Path, split: str) -> list[Path]:
    from finetooth.report import datamap

    name = source.resolve().name
    try:
        return [
            datamap.draw(made, path, title=f"Data map of {name}" + ("" if split == "train" else f", {split}"))
        ]
    except UsageError as e:
        say(f"{path.name} was not drawn: {e}")
        return []


def _print(made) -> None:
    summary = made.summary
    rows = [
        (name, n, 100 * summary["shares"][name], *_means(made, name))
        for name, n in summary["categories"].items()
    ]
    print(table(("category", "examples", "%", "confidence", "variability"), rows))
    epochs = summary["by_epoch"]
    shown = epochs if len(epochs) <= SHOWN else [*epochs[: SHOWN - 1], epochs[-1]]
    print()
    print(
        table(
            ("epoch", "examples", "gold won %", "loss"),
            [(str(e["epoch"]), e["examples"], 100 * e["accuracy"], e["loss"]) for e in shown],
        )
    )
    say(f"{many(summary['examples'], 'example')}; {summary['chosen']}")
    if summary["never_learnt"] or summary["forgotten"]:
        say(
            f"never learnt: {summary['never_learnt']:,}; learnt and forgotten again: {summary['forgotten']:,}"
        )


def _means(made, name: str) -> tuple[float | None, float | None]:
    import numpy as np

    here = np.asarray(made.columns["category"]) == name
    if not here.any():
        return None, None
    return float(made.columns["confidence"][here].mean()), float(made.columns["variability"][here].mean())
