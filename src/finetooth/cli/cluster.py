"""Embeds a run's examples with its model and groups them; groups are named by their distinctive words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth.cli._output import Json, emit, say, table
from finetooth.errors import UsageError


def command(
    run: Annotated[Path, typer.Argument(help="The folder that train made.")],
    split: Annotated[str, typer.Option(help="train or dev.")] = "train",
    data: Annotated[
        str | None, typer.Option(help="Examples in place of the run's own, where those have moved.")
    ] = None,
    min_cluster_size: Annotated[
        int | None,
        typer.Option(min=2, help="The smallest group; 1 % of the examples, 5 to 200, if left out."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of PCA and the picture; one seed makes one result.")] = 0,
    batch_tokens: Annotated[int, typer.Option(min=16, help="Tokens of a batch.")] = 8192,
    out: Annotated[Path | None, typer.Option(help="The folder for the files; the run if left out.")] = None,
    picture: Annotated[bool, typer.Option(help="Whether to lay out and draw clusters.png.")] = True,
    json: Json = False,
) -> int:
    from finetooth.cli import _splits
    from finetooth.cli.train import Screen
    from finetooth.diagnose import clustering, mapping
    from finetooth.diagnose.clusters import cluster
    from finetooth.runs import Run
    from finetooth.search import diagnosed

    mapping.folder_to_be(out)
    of = Run.open(run)
    chosen = _splits.of_run(of, split, data)
    watch = Screen()
    try:
        embedded = diagnosed.embedded(of, chosen.data, chosen.name, batch_tokens=batch_tokens, watch=watch)
    finally:
        watch.end("")
    if len(embedded.ids) < 3:
        raise UsageError(
            f"only {len(embedded.ids)} examples have an embedding, clusters need 3", where=str(run)
        )
    by_id = {e.id: e for e in chosen.data.examples}
    texts = [clustering.said(by_id[name]) for name in embedded.ids]
    made = cluster(embedded.vectors, texts, min_cluster_size=min_cluster_size, picture=picture, seed=seed)
    folder = out or run
    columns = clustering.rows(embedded, made, chosen.data.examples)
    found = clustering.summary(embedded, made, source=chosen.data.source, split=split) | {"seed": seed}
    written = clustering.write(columns, found, folder, split=split)
    if picture:
        written += _picture(made, written[0].with_suffix(".png"), f"Clusters of {run.resolve().name}")
    if json:
        names = list(columns)
        rows = [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        emit({"examples": rows, "summary": found})
    else:
        _print(found)
    for name, why in list(embedded.missing.items())[:5]:
        say(f"not embedded: {name}: {why}")
    say(f"written: {', '.join(map(str, written))}")
    return 0


def _picture(made: Any, path: Path, title: str) -> list[Path]:
    from finetooth.report import clustermap

    try:
        return [clustermap.draw(made, path, title=title)]
    except UsageError as e:
        say(f"{path.name} was not drawn: {e}")
        return []


def _print(found: dict[str, Any]) -> None:
    rows = [
        (name, c["size"], c["mean_membership"], c["persistence"], c["name"])
        for name, c in found["clusters_by_id"].items()
    ]
    if rows:
        print(table(("cluster", "examples", "membership", "persistence", "words"), rows))
    silhouette = found["silhouette"]
    say(
        f"{found['embedded']:,} examples in {found['clusters']} clusters, {found['noise']:,} in none"
        + ("" if silhouette is None else f"; silhouette {silhouette:.2f}")
    )
    chance = [name for name, c in found["clusters_by_id"].items() if c["may_be_chance"]]
    if chance:
        say(f"may be chance (persistence below 0.1): {', '.join(chance)}")
