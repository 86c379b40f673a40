"""The end of a run: the best weights saved whole, dev predicted and scored with floors and intervals."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from finetooth.errors import UsageError
from finetooth.evaluate.score import ScoreReport, score
from finetooth.models.head import Head, Progress
from finetooth.registry import Task
from finetooth.runs import Run
from finetooth.train.checkpoints import Checkpoint, restore_weights
from finetooth.types import Example, Prediction


def take_best(model: Any, folder: Path | None) -> None:
    """Puts the best weights into the model; None: it has them already."""
    if folder is None:
        return
    best = Checkpoint(folder)
    why = best.why_broken()
    if why:
        raise UsageError(
            f"the best weights cannot be read: {why}",
            where=str(folder),
            cure="train again into another out=, or with train.keep_best=false",
        )
    restore_weights(model, best.tensors("weights"))


def save_model(head: Head, model: Any, folder: Path) -> None:
    """Weights, tokenizer and what the head needs, in a folder that is whole or not there."""
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    from finetooth.models.adapt import merge

    merge(model).save_pretrained(temporary)
    head.save(temporary)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(temporary, folder)


def predict(
    head: Head, model: Any, examples: Sequence[Example], *, batch_tokens: int, progress: Progress | None
) -> list[Prediction]:
    """Predictions as ``finetooth evaluate`` will make them again: fp32, no dropout, no gradients."""
    import torch

    model.eval()
    with torch.no_grad():
        return head.predict(model, examples, batch_tokens=batch_tokens, progress=progress)


def score_dev(
    run: Run, task: Task, dev: Sequence[Example], train: Sequence[Example], found: Sequence[Prediction]
) -> ScoreReport:
    """Writes predictions/dev.jsonl and scores.json."""
    run.write_predictions("dev", found, task.show)
    report = score(task, dev, found, train=train, seed=run.config.seed)
    report = replace(report, notes=(*report.notes, *_chosen_on_dev(run)))
    run.write_scores("dev", report.to_json())
    return report


def _chosen_on_dev(run: Run) -> list[str]:
    """What was picked by this very dev set, which flatters its scores a little."""
    picked = [
        f"{name.replace('_', ' ')} {value:.3g}" for name, value in run.info.get("thresholds", {}).items()
    ]
    epochs = run.info.get("epochs") or ()
    if run.config.train.keep_best and len(epochs) > 1:
        picked.append(f"the best of {len(epochs)} epochs")
    if not picked:
        return []
    return [f"picked on this dev set: {', '.join(picked)}; score another set for a figure without that"]
