"""Everything that is known of the examples of a run, gathered for its diagnosis: what is missing is made.

known(run, dataset, "train") -> Known; diagnose(known) -> the one table
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from finetooth import checks, registry
from finetooth.diagnose import clustering, dynamics_files, held_out, tables
from finetooth.diagnose.cartography import cartography
from finetooth.diagnose.clusters import cluster
from finetooth.diagnose.diagnosis import Diagnosis, Known
from finetooth.diagnose.mapping import stem
from finetooth.errors import UsageError
from finetooth.evaluate import predictions
from finetooth.evaluate.predict import model_key, predict
from finetooth.io import write_json, write_jsonl
from finetooth.runs import Run, prediction_row, read_lines
from finetooth.search.crossval import out_of_sample
from finetooth.train import Watch
from finetooth.types import Dataset, Example


def known(
    run: Run,
    data: Dataset,
    split: str = "train",
    *,
    trained: Sequence[Example] | None = None,
    folds: int | None = None,
    predicted: bool = True,
    clustered: bool = True,
    burn_in: int = 0,
    seed: int = 0,
    batch_tokens: int = 8192,
    watch: Watch | None = None,
) -> Known:
    """Dynamics, findings, predictions, out-of-sample predictions and clusters of ``data``, the ``split`` of ``run``.

    ``trained``: the examples that the gate let through, all if left out. ``folds``: so many models are trained
    that judge what they never saw; without it those of an earlier call are read. ``predicted`` and ``clustered``:
    make what is not there. ``burn_in``: so many first epochs of the run enter neither the map nor the rank; what
    models say that never saw an example is of all their epochs. Raises UsageError for no examples, for folds of
    another split than train, and where no epoch is left.
    """
    watch = watch or Watch()
    examples = list(data.examples)
    if not examples:
        raise UsageError("there are no examples to diagnose", where=data.source)
    dynamics = _dynamics(run.folder, split, watch)
    dynamics = None if dynamics is None else dynamics.after(burn_in)
    return Known(
        task=registry.task(run.config.task),
        examples=examples,
        dynamics=dynamics,
        map=None if dynamics is None else cartography(dynamics),
        findings=_findings(run, data, split, watch),
        held_out=_held_out(run, split, list(examples if trained is None else trained), folds, seed, watch),
        predictions=_predictions(run, data, split, predicted, batch_tokens, watch),
        **_clusters(run, data, split, clustered, seed, batch_tokens, watch),
    )


def write(made: Diagnosis, folder: Path, split: str = "train") -> list[Path]:
    """diagnosis.parquet and .csv, overlap.json and diagnosis.json; the paths in this order."""
    written = list(tables.write(made.frame(), folder / stem("diagnosis", split)))
    for name, value in (("overlap", made.overlap), ("diagnosis", made.summary)):
        written.append(folder / f"{stem(name, split)}.json")
        write_json(written[-1], value)
    return written


def embedded(run: Run, data: Dataset, split: str, *, batch_tokens: int, watch: Watch) -> Any:
    """Embeddings of the run's model; those of an earlier call are used again if model and data are the same."""
    from finetooth.diagnose import embeddings
    from finetooth.evaluate.run import load

    path = run.folder / f"{stem('embeddings', split)}.npz"
    key = model_key(run, data.fingerprint, "embeddings")
    kept = embeddings.read(path, key) if run.model.is_dir() else None
    if kept is not None:
        watch.say(f"{len(kept.ids):,} embeddings of {path.name} are used again")
        return kept
    head, model = load(run)
    made = embeddings.embed(
        head, model, data.examples, batch_tokens=batch_tokens, progress=_told(watch, "embedding")
    )
    watch.end("embedding")
    made.write(path, key)
    return made


def _told(watch: Watch, phase: str) -> Callable[[int, int], None]:
    return lambda done, of: watch.progress(phase, done, of)


def _dynamics(folder: Path, split: str, watch: Watch) -> Any:
    try:
        return dynamics_files.read(folder, split=split)
    except UsageError as e:
        watch.say(f"without training dynamics: {e.what}" + (f" ({e.cure})" if e.cure else ""))
        return None


def _findings(run: Run, data: Dataset, split: str, watch: Watch) -> list[Any]:
    """What the gate found on train; on another split, or where that cannot be read, the checks run again."""
    path = run.folder / "findings.jsonl"
    ids = {e.id for e in data.examples}
    if split == "train" and path.is_file():
        broken: list[str] = []
        rows = [row for row in read_lines(path, broken.append) if isinstance(row, dict)]
        if not broken and (rows or not path.read_bytes().strip()):
            return [f for f in rows if f.get("example_id") in ids]
        what = broken[0] if rows else f"{path}: no line of it can be read as a finding"
        watch.say(f"{what}; the checks run again")
    options: dict[str, Any] = {"schemas": run.config.data.schemas} if run.config.data.schemas else {}
    return [f for f in checks.run(data, **options).findings if f.example_id in ids]


def _held_out(
    run: Run, split: str, trained: Sequence[Example], folds: int | None, seed: int, watch: Watch
) -> Any:
    if split != "train":
        if folds:
            raise UsageError("out-of-sample predictions are for train: the run never saw its dev set anyway")
        return None
    if folds:
        return out_of_sample(run, trained, folds=folds, seed=seed, watch=watch)
    found = held_out.read(run.folder)
    if found is None:
        watch.say("without out-of-sample predictions; --out-of-sample trains models for them")
    return found


def _predictions(run: Run, data: Dataset, split: str, make: bool, batch_tokens: int, watch: Watch) -> Any:
    """One prediction an example: those that are there, the others are made and written beside them."""
    from finetooth.evaluate.run import load
    from finetooth.text import many

    task, path = registry.task(run.config.task), run.predictions_path(split)
    examples = data.examples
    there: list[Any] = [None] * len(examples)
    others: tuple[str, ...] = ()
    if path.is_file():
        found = predictions.read(path, task, examples)
        there, others = list(found.predictions), found.unknown
    left = [e for e, p in zip(examples, there, strict=True) if p is None]
    if not left:
        return there
    if not make:
        if len(left) == len(examples):
            watch.say(f"without predictions of {split} (--no-predict)")
            return None
        watch.say(f"{many(len(left), 'example has', 'examples have')} no prediction in {path} (--no-predict)")
        return there
    # The file may be of more examples than these (--data): what it says of the others stays.
    rows = predictions.rows(path, task, examples) if path.is_file() else []
    if rows is None and others:
        raise UsageError(
            f"holds {many(len(others), 'prediction')} of other examples and is no list of ids and predictions: "
            "none can be written beside them",
            where=str(path),
            cure="--no-predict, or move it away",
        )
    if rows is None:
        rows = [prediction_row(p, task.show) for p in there if p is not None]
    head, model = load(run)
    journal = path.with_name(f".{split}.partial.jsonl")
    made = predict(
        head, model, task, left, batch_tokens=batch_tokens, progress=_told(watch, "predicting"),
        journal=journal, key=model_key(run, data.fingerprint, len(left)),
    )  # fmt: skip
    watch.end("predicting")
    write_jsonl(path, [*rows, *(prediction_row(p, task.show) for p in made)])
    journal.unlink(missing_ok=True)
    # As they will be read the next time: one run, one diagnosis.
    return list(predictions.read(path, task, examples).predictions)


def _clusters(
    run: Run, data: Dataset, split: str, make: bool, seed: int, batch_tokens: int, watch: Watch
) -> dict[str, Any]:
    """clusters, embedded and vectors of ``Known``: those of finetooth cluster, or made without a picture."""
    ids = [e.id for e in data.examples]
    rows = clustering.read(run.folder / f"{stem('clusters', split)}.parquet")
    fits = sum(i in rows for i in ids) == len(ids)
    if not make or not run.model.is_dir():
        return {"clusters": rows if fits else None}
    found = embedded(run, data, split, batch_tokens=batch_tokens, watch=watch)
    if not fits and len(found.ids) >= 10:
        by_id = {e.id: e for e in data.examples}
        texts = [clustering.said(by_id[name]) for name in found.ids]
        made = cluster(found.vectors, texts, picture=False, seed=seed)
        columns = clustering.rows(found, made, data.examples)
        names = list(columns)
        rows = {r[0]: dict(zip(names, r, strict=True)) for r in zip(*columns.values(), strict=True)}
    return {"clusters": rows or None, "embedded": found.ids, "vectors": found.vectors}
