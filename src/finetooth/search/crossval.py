"""Predictions for every training example by a model that never saw it: k models, each without its own fold.

Folds move whole groups (a context with all its questions), so that nothing of an example is known to its judge.
The k runs lie in RUN/folds/ and resume as any run does; their weights are removed when they have spoken.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetooth import config as configuration
from finetooth import registry
from finetooth.config import Config
from finetooth.diagnose import dynamics_files, held_out
from finetooth.diagnose.held_out import HeldOut
from finetooth.errors import UsageError
from finetooth.io import fingerprint, write_json
from finetooth.registry import Task
from finetooth.runs import Run, read_lines
from finetooth.train import Watch, train
from finetooth.types import Example

NOTE = "out_of_sample.json"
Labelled = Callable[[Path, Sequence[Example]], Mapping[str, Mapping[str, float]]]


def out_of_sample(
    run: Run, examples: Sequence[Example], *, folds: int = 5, seed: int = 0, watch: Watch | None = None
) -> HeldOut:
    """Trains ``folds`` models with the run's configuration, each on the other folds, and lets them judge their own.

    Writes RUN/out_of_sample.parquet. What is there already for the same examples, folds and seed is taken as it
    is; a stopped call goes on with the fold it was in. Costs about ``folds - 1`` times the training of the run.
    Raises UsageError for fewer than 2 folds, or more than there are examples.
    """
    if not 2 <= folds <= len(examples):
        raise UsageError(f"folds: expected 2 to {len(examples)}, found {folds}")
    task = registry.task(run.config.task)
    note = {
        "folds": folds,
        "seed": seed,
        "fingerprint": fingerprint(map(task.to_row, examples)),
        "examples": len(examples),
    }
    path = run.folder / held_out.FILE
    kept = _note(run.folder / NOTE)
    if kept == note and path.is_file():
        found = held_out.read(path)
        assert found is not None
        return found
    watch = watch or Watch()
    fold = assign(task, examples, folds, seed=seed)
    folder = run.folder / "folds"
    if folder.is_dir() and _note(folder / NOTE) != note:
        # Folds of other data or another number would be gone on with by mistake.
        shutil.rmtree(folder)
    folder.mkdir(exist_ok=True)
    write_json(folder / NOTE, note)
    parts = []
    for k in range(folds):
        inside = [e for e, f in zip(examples, fold.tolist(), strict=True) if f == k]
        outside = [e for e, f in zip(examples, fold.tolist(), strict=True) if f != k]
        watch.say(f"fold {k + 1} of {folds}: {len(outside):,} examples to learn, {len(inside):,} to judge")
        parts.append(_judge(run.config, folder / f"fold-{k}", task, outside, inside, watch))
    made = _gather(examples, fold, parts)
    held_out.write(made, path)
    write_json(run.folder / NOTE, note)
    return made


def assign(task: Task, examples: Sequence[Example], folds: int, *, seed: int) -> np.ndarray:
    """The fold of each example, (n,): groups in the order of a seed, each to the smallest fold so far.

    Fewer groups than folds: examples are assigned one by one.
    """
    names = [task.group(e) for e in examples]
    if len(set(names)) < folds:
        names = [e.id for e in examples]
    members: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        members.setdefault(name, []).append(i)
    groups = list(members.values())
    made, sizes = np.zeros(len(examples), np.int64), np.zeros(folds, np.int64)
    for g in np.random.default_rng(seed).permutation(len(groups)):
        k = int(sizes.argmin())
        made[groups[g]] = k
        sizes[k] += len(groups[g])
    return made


def fold_config(config: Config, out: Path) -> Config:
    """The run's configuration for a fold: the last weights, since the best on the fold would know its labels."""
    values = config.model_dump(mode="json")
    values |= {"out": str(out), "sanity": False, "track": "none"}
    values["data"] |= {"on_error": "keep", "max_train_examples": None, "max_dev_examples": None}
    values["train"] |= {
        "watch_dev_dynamics": True,
        "keep_best": False,
        "early_stopping_patience": None,
        "evaluate_every_epochs": 10_000,
        "keep_checkpoints": 1,
    }
    return configuration.build(values)


def _judge(
    config: Config, out: Path, task: Task, known: list[Example], own: list[Example], watch: Watch
) -> dict[str, Any]:
    """What a model of ``known`` says of ``own``: figures by epoch, predictions, probabilities of labels."""
    said = out / "probabilities.json"
    run = train(fold_config(config, out), train=known, dev=own, watch=watch)
    if not said.is_file():
        write_json(said, _probabilities(run, task, own))
        shutil.rmtree(run.checkpoints, ignore_errors=True)
        shutil.rmtree(run.model, ignore_errors=True)
    rows = {
        str(r["id"]): (r.get("prediction"), r.get("confidence"))
        for r in read_lines(run.predictions_path("dev"))
    }
    path = run.dynamics_path("dev")
    return {
        "dynamics": dynamics_files.of_parquet(path) if path.is_file() else None,
        "predictions": rows,
        "probabilities": _note(said) or {},
    }


def _probabilities(run: Run, task: Task, own: Sequence[Example]) -> dict[str, dict[str, float]]:
    """Of each label, where the head gives them for a whole example."""
    if task.labels is None or task.name != "nli":
        return {}
    from finetooth.evaluate.run import load

    head, model = load(run)
    found = head.predict(model, own)
    return {p.example_id: dict(p.raw) for p in found if isinstance(p.raw, Mapping)}


def _gather(examples: Sequence[Example], fold: np.ndarray, parts: Sequence[Mapping[str, Any]]) -> HeldOut:
    ids = tuple(e.id for e in examples)
    at = {name: i for i, name in enumerate(ids)}
    figures = {name: np.full(len(ids), np.nan) for name in held_out.FIGURES}
    shown: dict[str, Any] = {}
    probabilities: dict[str, Any] = {}
    for part in parts:
        shown |= part["predictions"]
        probabilities |= part["probabilities"]
        table = part["dynamics"]
        if table is None:
            continue
        rows = np.array([at[i] for i in table.ids])
        figures["gold_prob"][rows], figures["margin"][rows] = table.gold_prob[:, -1], table.margin[:, -1]
        figures["loss"][rows] = table.loss[:, -1]
        figures["gold_prob_mean"][rows] = np.nanmean(table.gold_prob, axis=1)
        figures["margin_mean"][rows] = np.nanmean(table.margin, axis=1)
        figures["label_prob"][rows] = table.label_prob
        if table.least_prob is not None:
            figures["least_prob"][rows] = table.least_prob[:, -1]
    return HeldOut(ids, fold, figures, shown, probabilities)


def _note(path: Path) -> Any:
    import json

    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
