"""Puts everything known of a run's examples into one table, the likeliest label errors first."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth.cli._output import Json, emit, say, table
from finetooth.cli._progress import Progress
from finetooth.errors import UsageError
from finetooth.text import many, shorten

REGIONS = 6


class Rules(StrEnum):
    ours = "ours"
    published = "published"


def command(
    run: Annotated[Path, typer.Argument(help="The folder that train made.")],
    split: Annotated[str, typer.Option(help="train or dev.")] = "train",
    data: Annotated[
        str | None, typer.Option(help="Examples in place of the run's own, where those have moved.")
    ] = None,
    out_of_sample: Annotated[
        bool,
        typer.Option(
            "--out-of-sample", help="First train --folds models that judge what they never saw (finds most)."
        ),
    ] = False,
    folds: Annotated[int, typer.Option(min=2, help="Models of --out-of-sample.")] = 5,
    predict: Annotated[bool, typer.Option(help="Whether to predict the split, if that was not done.")] = True,
    clusters: Annotated[
        bool, typer.Option(help="Whether to embed and cluster the split, if that was not done.")
    ] = True,
    rules: Annotated[Rules, typer.Option(help="The QA rules: ours, or as first published.")] = Rules.ours,
    threshold: Annotated[
        int, typer.Option(min=1, max=9, help="Rules that make an example a likely error of the data.")
    ] = 3,
    burn_in: Annotated[int, typer.Option(min=0, help="Leave out that many first epochs.")] = 0,
    seed: Annotated[int, typer.Option(help="Of folds and clusters.")] = 0,
    batch_tokens: Annotated[int, typer.Option(min=16, help="Tokens of a batch.")] = 8192,
    show: Annotated[int, typer.Option(min=0, help="How many of the likeliest errors to print.")] = 10,
    out: Annotated[Path | None, typer.Option(help="The folder for the files; the run if left out.")] = None,
    json: Json = False,
) -> int:
    from finetooth import registry
    from finetooth.cli import _splits
    from finetooth.diagnose import tables
    from finetooth.diagnose.cartography import cartography
    from finetooth.diagnose.diagnosis import Known, diagnose
    from finetooth.diagnose.mapping import stem
    from finetooth.io import write_json
    from finetooth.runs import Run

    of = Run.open(run)
    chosen = _splits.of_run(of, split, data)
    examples = list(chosen.data.examples)
    if not examples:
        raise UsageError("there are no examples to diagnose", where=chosen.data.source)
    dynamics = _dynamics(run, split)
    known = Known(
        task=registry.task(of.config.task),
        examples=examples,
        dynamics=dynamics,
        map=None if dynamics is None else cartography(dynamics, burn_in=burn_in),
        findings=_findings(of, chosen),
        held_out=_held_out(of, chosen, out_of_sample, folds, seed),
        predictions=_predictions(of, chosen, predict, batch_tokens),
        **_clusters(of, chosen, clusters, seed, batch_tokens),
    )
    made = diagnose(known, version=rules.value, threshold=threshold)
    folder = out or run
    written = list(tables.write(made.frame(), folder / stem("diagnosis", split)))
    for name, value in (("overlap", made.overlap), ("diagnosis", made.summary)):
        written.append(folder / f"{stem(name, split)}.json")
        write_json(written[-1], value)
    if json:
        emit({"examples": made.rows(), "summary": made.summary, "overlap": made.overlap})
    else:
        _print(made, show)
    say(f"written: {', '.join(map(str, written))}")
    return 0


def _dynamics(run: Path, split: str) -> Any:
    from finetooth.diagnose import dynamics_files

    try:
        return dynamics_files.read(run, split=split)
    except UsageError as e:
        say(f"without training dynamics: {e.what}" + (f" ({e.cure})" if e.cure else ""))
        return None


def _findings(of: Any, chosen: Any) -> list[Any]:
    """What the gate found on train; on another split, or on other data, the checks run again."""
    from finetooth import checks
    from finetooth.runs import read_lines

    path = of.folder / "findings.jsonl"
    ids = {e.id for e in chosen.data.examples}
    if chosen.name == "train" and path.is_file():
        return [f for f in read_lines(path) if f.get("example_id") in ids]
    options = {"schemas": of.config.data.schemas} if of.config.data.schemas else {}
    return [f for f in checks.run(chosen.data, **options).findings if f.example_id in ids]


def _predictions(of: Any, chosen: Any, predict: bool, batch_tokens: int) -> Any:
    from finetooth import registry
    from finetooth.evaluate import predictions
    from finetooth.evaluate.predict import model_key
    from finetooth.evaluate.predict import predict as predicting
    from finetooth.evaluate.run import load

    task, path = registry.task(of.config.task), of.predictions_path(chosen.name)
    examples = chosen.data.examples
    if path.is_file():
        found = predictions.read(path, task, examples)
        if len(found.missing) < len(examples):
            if found.missing:
                say(f"{many(len(found.missing), 'example has', 'examples have')} no prediction in {path}")
            return list(found.predictions)
    if not predict:
        say(f"without predictions of {chosen.name} (--no-predict)")
        return None
    head, model = load(of)
    journal = path.with_name(f".{chosen.name}.partial.jsonl")
    with Progress("predicting") as bar:
        made = predicting(
            head, model, task, examples, batch_tokens=batch_tokens, progress=bar, journal=journal,
            key=model_key(of, chosen.data.fingerprint),
        )  # fmt: skip
    of.write_predictions(chosen.name, made, task.show)
    journal.unlink(missing_ok=True)
    # As they will be read the next time: one run, one diagnosis.
    return list(predictions.read(path, task, examples).predictions)


def _held_out(of: Any, chosen: Any, make: bool, folds: int, seed: int) -> Any:
    from finetooth.diagnose import held_out

    if chosen.name != "train":
        if make:
            raise UsageError("--out-of-sample is for train: the run never saw its dev set anyway")
        return None
    if make:
        from finetooth.cli.train import Screen
        from finetooth.search.crossval import out_of_sample

        watch = Screen()
        try:
            return out_of_sample(of, list(chosen.trained), folds=folds, seed=seed, watch=watch)
        finally:
            watch.end("")
    found = held_out.read(of.folder)
    if found is None:
        say("without out-of-sample predictions; --out-of-sample trains models for them")
    return found


def _clusters(of: Any, chosen: Any, make: bool, seed: int, batch_tokens: int) -> dict[str, Any]:
    """clusters, embedded and vectors of ``Known``: those of finetooth cluster, or made without a picture."""
    import polars as pl

    from finetooth.cli.cluster import embeddings
    from finetooth.diagnose import clustering
    from finetooth.diagnose.clusters import cluster
    from finetooth.diagnose.mapping import stem

    path = of.folder / f"{stem('clusters', chosen.name)}.parquet"
    ids = [e.id for e in chosen.data.examples]
    rows = {r["example_id"]: r for r in pl.read_parquet(path).to_dicts()} if path.is_file() else {}
    fits = sum(i in rows for i in ids) == len(ids)
    if not make or not of.model.is_dir():
        return {"clusters": rows if fits else None}
    embedded = embeddings(of, chosen, batch_tokens)
    if not fits and len(embedded.ids) >= 10:
        by_id = {e.id: e for e in chosen.data.examples}
        texts = [clustering.said(by_id[name]) for name in embedded.ids]
        made = cluster(embedded.vectors, texts, picture=False, seed=seed)
        columns = clustering.rows(embedded, made, chosen.data.examples)
        names = list(columns)
        rows = {r[0]: dict(zip(names, r, strict=True)) for r in zip(*columns.values(), strict=True)}
    return {"clusters": rows or None, "embedded": embedded.ids, "vectors": embedded.vectors}


def _print(made: Any, show: int) -> None:
    s, rows = made.summary, made.rows()
    worst = [rows[i] for i in made.ranking.order[:show]]
    if worst:
        lines = [
            (
                r["rank_place"], r["example_id"], r["rank"], r["rank_reason"], shorten(r["target"], 40),
                shorten(r["fix"] or "", 40),
            )
            for r in worst
        ]  # fmt: skip
        print(table(("place", "example", "score", "because", "target", "proposed instead"), lines))
    regions = [r for r in made.overlap["regions"] if r["agreed"]][:REGIONS]
    if regions:
        print()
        lines = [
            (r["category"], r["cluster_name"] or r["cluster"], r["examples"], r["agreed"], r["lift"], "yes" if r["stands_out"] else "")
            for r in regions
        ]  # fmt: skip
        print(table(("category", "cluster", "examples", "agreed", "lift", "stands out"), lines))
    share = s["estimated_share_mislabelled"]
    if share is None:
        say(f"{s['examples']:,} examples; no group stands apart: the score is a rank, not a probability")
    else:
        say(
            f"{s['examples']:,} examples; about {100 * share:.1f} % stand apart as mislabelled, "
            f"{s['likely_mislabelled']:,} with a score above 0.5"
        )
    say(
        f"{s['agreed']:,} examples have {made.overlap['methods_that_agree']} methods or more against them; "
        f"{s['fixes_proposed']:,} have a proposed target"
    )
