"""``--sanity``: a model that cannot learn 32 examples by heart will learn nothing from 32,000.

When it fails, what failed is said: a loss that does not fall points at the learning rate or at frozen
weights, a loss that falls while the score stays at the decoding or at the labels.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.config import TrainConfig
from finetooth.errors import PreflightError
from finetooth.registry import Task
from finetooth.text import shorten
from finetooth.types import Example, Prediction

if TYPE_CHECKING:
    from finetooth.models.head import Head

EXAMPLES = 32
MAX_PASSES = 60
CHECK_EVERY = 5
# A loss that has come down to this share of what it was is one that falls.
FALLEN = 0.3
# And at this share nothing is left to learn: a score that is not perfect then will not become so.
LEARNT = 0.01


class Unlearnt(PreflightError):
    """The examples were not learnt by heart; ``result`` is as ``overfit`` returns it, ``wrong`` for which ones."""

    def __init__(self, what: str, *, cure: str, result: dict[str, Any], wrong: Sequence[str]) -> None:
        super().__init__(what, cure=cure)
        self.result, self.wrong = result, wrong


def pick(task: Task, examples: Sequence[Example], lost: set[str], *, seed: int) -> list[Example]:
    """Up to 32 examples that can be learnt: their targets come back, and no two ask the same."""
    chosen: list[Example] = []
    seen: set[str] = set()
    for i in np.random.default_rng(seed).permutation(len(examples)):
        example = examples[i]
        key = repr(example.inputs)
        if example.id not in lost and key not in seen:
            seen.add(key)
            chosen.append(example)
        if len(chosen) == EXAMPLES:
            break
    return chosen


def overfit(
    task: Task,
    head: Head,
    model: Any,
    examples: Sequence[Example],
    config: TrainConfig,
    *,
    decays: set[str],
    precision: str,
    seed: int,
    passes: int = MAX_PASSES,
    progress: Any = None,
) -> dict[str, Any]:
    """Trains ``model`` (to be thrown away) on these examples until the main metric is 100.

    Same optimiser, learning rate and clipping as the run, no warmup, no schedule. Returns {"score",
    "passes", "first_loss", "last_loss", "seconds"}; raises Unlearnt saying which part failed.
    """
    import torch

    from finetooth.train import losses, schedule
    from finetooth.train.batches import plan

    began = time.perf_counter()
    metric = next(m for m in task.metrics if m.name == task.main_metric)
    windows = head.windows(examples)
    if not windows:
        raise PreflightError(
            "sanity: none of the examples can be encoded", cure="longer model.max_length_tokens"
        )
    device = next(model.parameters()).device
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
    optimizer = schedule.optimizer(model, config, decays)
    trained = [p for p in model.parameters() if p.requires_grad]
    every = plan([len(w) for w in windows], batch_tokens=config.batch_tokens, epochs=passes, seed=seed)
    # What gold itself gets: 100 where metrics are percentages.
    perfect = float(metric.value(metric.counts(examples, [task.gold(e) for e in examples]).sum(axis=0)))
    losses_seen: list[float] = []
    wrong: list[str] = []
    value = 0.0
    for number in range(passes):
        model.train()
        of_pass = [u for u in every.updates if u.epoch == number]
        sums = weights = 0.0
        for update in of_pass:
            batch = head.collate([windows[i] for i in update.batches[0]])
            batch = {k: v.to(device) for k, v in batch.items()}
            with autocast:
                step = head.step(model, batch)
            total, weight = losses.weighted_sum(step, batch["weight"], losses.mean_of(config.loss_mean, head))
            (total / weight).backward()
            torch.nn.utils.clip_grad_norm_(trained, config.clip_norm)
            optimizer.step()
            optimizer.zero_grad()
            sums, weights = sums + float(total.detach()), weights + float(weight)
        losses_seen.append(sums / weights)
        if progress is not None:
            progress(number + 1, passes)
        if (number + 1) % CHECK_EVERY == 0 or number + 1 == passes:
            with torch.no_grad(), autocast:
                answers = head.predict(model, examples)
            counts = metric.counts(examples, answers)
            value = float(metric.value(counts.sum(axis=0)))
            if value >= perfect - 1e-4:
                break
            wrong = [
                f"{e.id}: {_short(task, a)} for {_short(task, task.gold(e))}"
                for e, a, v in zip(examples, answers, metric.value(counts), strict=True)
                if v < perfect - 1e-4
            ]
            if max(losses_seen[-CHECK_EVERY:]) < LEARNT * losses_seen[0]:
                break
    result = {
        "examples": len(examples),
        "score": value,
        "metric": metric.name,
        "passes": len(losses_seen),
        "first_loss": losses_seen[0],
        "last_loss": losses_seen[-1],
        "seconds": round(time.perf_counter() - began, 2),
    }
    if value < perfect - 1e-4:
        raise Unlearnt(
            f"sanity: {_verdict(result, wrong, model)}", cure=_cure(result), result=result, wrong=wrong
        )
    return result


def _short(task: Task, prediction: Prediction) -> str:
    return repr(shorten(str(task.show(prediction.target)), 40))


def _falls(result: dict[str, Any]) -> bool:
    return result["last_loss"] < FALLEN * result["first_loss"]


def _verdict(result: dict[str, Any], wrong: Sequence[str], model: Any) -> str:
    after = f"after {result['passes']} passes over {result['examples']} examples"
    falls = f"from {result['first_loss']:.3f} to {result['last_loss']:.3f}"
    if not _falls(result):
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        total = sum(p.numel() for p in model.parameters())
        return f"the loss does not fall ({falls} {after}); {trained:,} of {total:,} weights are trained"
    return (
        f"the loss falls ({falls}) but {result['metric']} is {result['score']:.2f} {after}: what is learnt "
        f"is not what is decoded or scored; for one, {'; '.join(wrong[:3])}"
    )


def _cure(result: dict[str, Any]) -> str:
    if not _falls(result):
        return "another train.learning_rate, fewer frozen weights (model.strategy), or another base model"
    return "look at the labels of these examples and at the head's decoding"
