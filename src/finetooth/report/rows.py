"""What a run folder knows of each example: its texts, its prediction, its place on the map, what was found.

Nothing here fails because a file is missing or torn: what cannot be read becomes a note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finetooth import io
from finetooth.errors import FinetoothError
from finetooth.registry import Task
from finetooth.report.said import describe, in_words, visible
from finetooth.runs import Run, read_lines
from finetooth.types import Example, Prediction

LONGEST = 1500  # characters of a text that are kept; how many of them a page shows hangs on its size
# Columns of diagnosis.parquet, cartography.parquet and clusters.parquet that a page shows.
MAPPED = ("confidence", "variability", "correctness", "category", "cluster", "cluster_name", "x", "y")
DIAGNOSED = ("rank", "rank_reason", "rules", "fix")


def lines(path: Path, notes: list[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a JSONL file that are objects; where it is torn, ``notes`` say so."""

    def say(line: str) -> None:
        if notes is not None:
            notes.append(f"{visible(line)}.")

    return [row for row in read_lines(path, say) if isinstance(row, dict)]


def examples_of(run: Run, notes: list[str]) -> dict[str, list[Example]]:
    """The examples that the run itself used, by split: drawn and held out as it did it."""
    from finetooth.train import data as splitting

    config = run.config
    splits: dict[str, Any] = {}
    try:
        made = splitting.load(config)
        splits = {"train": made.train, "dev": made.dev}
    except FinetoothError:
        splits = _each(config, notes)
    known = run.info.get("data") or {}
    gone = {str(r.get("example_id")) for r in lines(run.folder / "dropped.jsonl") if r.get("stage") == "gate"}
    found = {}
    for split, data in splits.items():
        if data is None:
            continue
        found[split] = list(data.examples)
        before = (known.get(split) or {}).get("fingerprint")
        kept = [e for e in data.examples if split != "train" or e.id not in gone]
        if before and before not in (data.fingerprint, splitting.subset(data, kept).fingerprint):
            notes.append(
                f"The {split} data are not what they were when this run was made: texts shown here may differ."
            )
    return found


def _each(config: Any, notes: list[str]) -> dict[str, Any]:
    """The splits one by one, where not all of their files are left."""
    from finetooth import readers
    from finetooth.train import data as splitting

    options = config.data.reading
    found = {}
    for split in ("train", "dev"):
        source = getattr(config.data, split)
        if not source:
            continue
        try:
            data = readers.load(source, task=config.task, format=config.data.format, **options)
        except FinetoothError as e:
            notes.append(f"The {split} data cannot be read, so their texts are not shown: {visible(e.what)}.")
            continue
        most = getattr(config.data, f"max_{split}_examples")
        found[split] = splitting.sample(data, most, seed=config.data.sample_seed)[0]
    return found


def predictions_of(run: Run) -> dict[str, dict[str, dict[str, Any]]]:
    """By split and id, the rows of predictions/SPLIT.jsonl."""
    folder = run.folder / "predictions"
    # A name that begins with a dot is the journal of a command that has not ended.
    files = sorted(p for p in folder.glob("*.jsonl") if p.name[0] != ".") if folder.is_dir() else []
    return {p.stem: {str(r["id"]): r for r in lines(p) if "id" in r} for p in files}


def mapped(run: Run, notes: list[str]) -> list[dict[str, Any]]:
    """A row an example of the training data: map, clusters and diagnosis, as far as they were made.

    Where nobody ran ``finetooth map`` the map is made here, of the run's dynamics.
    """
    table: dict[str, dict[str, Any]] = {}
    there = [n for n in ("cartography", "clusters", "diagnosis") if (run.folder / f"{n}.parquet").is_file()]
    for name in there:
        for row in _parquet(run.folder / f"{name}.parquet", notes):
            if isinstance(row.get("example_id"), str):
                kept = {k: _short(row[k]) for k in (*MAPPED, *DIAGNOSED) if row.get(k) is not None}
                table.setdefault(row["example_id"], {"example_id": row["example_id"]}).update(kept)
    if not any("confidence" in row for row in table.values()):
        for row in _cartography(run, notes):
            table.setdefault(row["example_id"], {"example_id": row["example_id"]}).update(row)
    return list(table.values())


def _parquet(path: Path, notes: list[str]) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
        wanted = [n for n in ("example_id", *MAPPED, *DIAGNOSED) if n in names]
        return pq.read_table(path, columns=wanted).to_pylist()
    except (pa.ArrowException, OSError, ValueError):
        notes.append(f"{path.name} cannot be read and is left out.")
        return []


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, (list, tuple)):
        return [visible(in_words(v), 80) for v in value]
    return visible(value) if isinstance(value, str) else value


def _cartography(run: Run, notes: list[str]) -> list[dict[str, Any]]:
    from finetooth.diagnose import dynamics_files
    from finetooth.diagnose.cartography import cartography

    if not run.dynamics_path().is_file():
        notes.append("No training dynamics were recorded: there is no data map.")
        return []
    try:
        made = cartography(dynamics_files.read(run.folder))
    except FinetoothError as e:
        notes.append(f"There is no data map: {visible(e.what)}.")
        return []
    notes += [f"Of the data map: {visible(f.message)}." for f in made.findings if f.severity != "info"]
    keep = ("example_id", "confidence", "variability", "correctness", "category")
    return [{k: _short(row[k]) if k != "example_id" else row[k] for k in keep} for row in made.rows()]


def right(
    task: Task, examples: Mapping[str, Example], known: Mapping[str, Mapping[str, Any]]
) -> dict[str, bool]:
    """By id: whether a prediction reaches what gold itself reaches in the task's main metric."""
    import numpy as np

    some = [examples[name] for name in known if name in examples]
    if not some:
        return {}
    metric = next(m for m in task.metrics if m.name == task.main_metric)
    made: list[Prediction | None] = []
    for e in some:
        try:
            made.append(Prediction(e.id, task.parse(known[e.id].get("prediction"), e)))
        except FinetoothError:
            made.append(None)
    with np.errstate(all="ignore"):
        found, best = (
            np.asarray(metric.value(metric.counts(some, p)), float)
            for p in (made, [task.gold(e) for e in some])
        )
    sign = 1 if metric.higher_is_better else -1
    # Where nothing is to be found and nothing was, a rate says neither: then the texts decide.
    is_right = np.where(
        np.isnan(found) | np.isnan(best),
        [p is not None and p.target == task.gold(e).target for e, p in zip(some, made, strict=True)],
        sign * (found - best) >= -1e-9,
    )
    return {e.id: bool(r) for e, r in zip(some, is_right, strict=True)}


def build(
    task: Task,
    mapped_rows: Sequence[Mapping[str, Any]],
    examples: Mapping[str, Sequence[Example]],
    predicted: Mapping[str, Mapping[str, Mapping[str, Any]]],
    findings: Sequence[Mapping[str, Any]],
    dropped: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """One row an example, all texts visible and at most LONGEST characters."""
    table: dict[str, dict[str, Any]] = {str(row["example_id"]): dict(row) for row in mapped_rows}
    for row in table.values():
        row["split"] = "train"  # dynamics, clusters and diagnosis are of the training data
    for split, some in examples.items():
        for example in some:
            row = table.setdefault(example.id, {"example_id": example.id})
            row["split"] = split
            row["input"] = visible(describe(example), LONGEST)
            row["target"] = visible(in_words(task.show(task.gold(example).target), example), LONGEST)
            label = getattr(example.target, "label", None)
            if isinstance(label, str):
                row["label"] = visible(label)
    every = {e.id: e for some in examples.values() for e in some}
    # A page with no data at hand still shows what the run itself kept; held-out examples stand in train's file.
    for split, known in predicted.items():
        is_right = right(task, every, known)
        for name, p in known.items():
            own = table.get(name)
            if split in examples and (own is None or own.get("split") != split):
                continue
            key = name
            if own is not None and own.get("split") != split:
                # Scored again under another name: a row beside the one of train or dev, which stays what it was.
                key = f"{split}\0{name}"
                table[key] = {k: own[k] for k in ("input", "target", "label") if k in own}
            row = table.setdefault(key, {})
            row |= {
                "example_id": name,
                "split": visible(split),
                "prediction": visible(in_words(p.get("prediction"), every.get(name)), LONGEST),
                "sure": io.plain(p.get("confidence")),
                "right": is_right.get(name),
            }
    for f in findings:
        name = str(f.get("example_id") or "")
        if name in table:
            table[name].setdefault("findings", []).append(
                (visible(str(f.get("check"))), visible(str(f.get("message", ""))))
            )
    for d in dropped:
        name = str(d.get("example_id") or "")
        if name in table:
            table[name]["dropped"] = visible(f"{d.get('stage', '')}: {d.get('reason', '')}")
    for row in table.values():
        row["example_id"] = visible(str(row["example_id"]))
    return list(table.values())
