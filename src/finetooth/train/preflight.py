"""What is known before the first step: what would be lost, what chance gets, what it will take.

Everything here is printed and stored in run.json; what it foretells (time, memory) is compared with
what happened at the end.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.errors import PreflightError
from finetooth.evaluate.score import score
from finetooth.registry import Task
from finetooth.text import shorten
from finetooth.types import Drop, Example, Prediction

if TYPE_CHECKING:
    from finetooth.models.head import Head, Window
    from finetooth.train.trainer import Engine

LOST_SHOWN = 20


@dataclass
class Report:
    """The preflight of a run; ``to_json`` is what run.json keeps."""

    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    gate: dict[str, Any] = field(default_factory=dict)
    round_trip: dict[str, Any] = field(default_factory=dict)
    windows: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, Any] = field(default_factory=dict)
    floors: dict[str, dict[str, float]] = field(default_factory=dict)
    estimate: dict[str, float] = field(default_factory=dict)
    sanity: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def round_trip(task: Task, head: Head, examples: Sequence[Example]) -> dict[str, Any]:
    """Gold targets through the head's encoding and back: {"n", "share", "ceiling", "lost": [...], "by_reason"}.

    An example is lost if any metric of the task gives the target that came back less than it gives gold.
    ``ceiling`` is what the main metric gives all that came back, as a share of what it gives gold: a
    document that loses one triple of twenty is lost, and yet there is nearly all to learn from it.
    """
    back = head.round_trip(examples)
    gold = [task.gold(e) for e in examples]
    lost = np.zeros(len(examples), bool)
    ceiling = None
    for metric in task.metrics:
        if metric.name == task.main_metric and metric.higher_is_better:
            sums = (metric.counts(examples, x).sum(axis=0) for x in (back, gold))
            reached, whole = (float(metric.value(x)) for x in sums)
            ceiling = reached / whole if whole > 0 else None
        with np.errstate(all="ignore"):
            best = metric.value(metric.counts(examples, gold))
            found = metric.value(metric.counts(examples, back))
        worse = found < best - 1e-6 if metric.higher_is_better else found > best + 1e-6
        lost |= np.nan_to_num(worse, nan=False).astype(bool)
    rows: list[dict[str, Any]] = [
        {
            "example_id": examples[i].id,
            "reason": _reason(task, back[i]),
            "gold": shorten(str(task.show(gold[i].target)), 120),
            "back": shorten(str(task.show(back[i].target)), 120) if back[i] is not None else None,
        }
        for i in np.flatnonzero(lost).tolist()
    ]
    reasons: dict[str, int] = {}
    for row in rows:
        reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
    share = 1 - len(rows) / len(examples)
    return {"n": len(examples), "share": share, "ceiling": ceiling, "by_reason": reasons, "lost": rows}


def _reason(task: Task, back: Prediction | None) -> str:
    """A head may say why in ``raw``; otherwise: nothing came back, or something else did."""
    if back is not None and isinstance(back.raw, str) and back.raw:
        return back.raw
    if back is None or not task.show(back.target):
        return "lost (truncated or not in any window)"
    return "comes back as something else (misaligned)"


def floors(task: Task, dev: Sequence[Example], train: Sequence[Example], *, seed: int) -> dict[str, Any]:
    """What needs no model: {metric: {floor: value}} on dev."""
    if not task.floors or not dev:
        return {}
    nothing: list[Prediction | None] = [None] * len(dev)
    report = score(task, dev, nothing, train=train, seed=seed, resamples=1)
    return {s.name: dict(s.floors) for s in report.scores}


def drop_unencodable(
    examples: Sequence[Example], windows: Sequence[Window], reasons: Mapping[str, str]
) -> list[Drop]:
    """Examples of which no window is left to train on, by name, with the head's reason."""
    kept = {w.example for w in windows}
    return [
        Drop(e.id, "encode", reasons.get(e.id) or "no window of it can be trained on")
        for i, e in enumerate(examples)
        if i not in kept
    ]


def describe_windows(windows: Sequence[Window], examples: int) -> dict[str, Any]:
    lengths = np.array([len(w) for w in windows])
    return {
        "windows": len(windows),
        "per_example": round(len(windows) / max(1, examples), 3),
        "tokens": int(lengths.sum()),
        "length_median": int(np.median(lengths)),
        "length_95": int(np.quantile(lengths, 0.95)),
        "length_max": int(lengths.max()),
    }


def describe_model(model: Any, precision: str, why: str, threads: int) -> dict[str, Any]:
    parameters = list(model.parameters())
    return {
        "class": type(model).__name__,
        "parameters": sum(p.numel() for p in parameters),
        "trained": sum(p.numel() for p in parameters if p.requires_grad),
        "precision": precision,
        "precision_why": why,
        "threads": threads,
    }


# What comes on a CPU after two batches have been tried: kernels of the other lengths (half of it by
# bench/kernel_memory.py) and holes in the heap. By twelve runs of MiniLM and SmolLM2, 1.9 to 6.1 GiB at their peak.
LATER_MB = 300.0


def estimate(
    engine: Engine, *, dev: Sequence[Example], dev_tokens: float, evaluations: int
) -> dict[str, float]:
    """Seconds and MiB that training will take, from two batches tried out: the largest and a middling one.

    A batch is timed forward and backward, its gradients are thrown away and the random state is put
    back. Seconds count the padded tokens of the plan, an optimiser step an update (from the time it
    takes to go over the gradients), and dev evaluations at a third of the cost a token, or, where
    answers are generated, by what a few tokens of them take. Memory is the
    peak of the trial plus the optimiser's two moments, and on a CPU ``LATER_MB``. Raises PreflightError where the largest
    batch does not fit.
    """
    import torch

    from finetooth.train import losses, machine
    from finetooth.train.checkpoints import random_state, restore_random

    windows, plan = engine.windows, engine.plan
    sizes = {
        (i, j): len(batch) * max(len(windows[k]) for k in batch)
        for i, update in enumerate(plan.updates[: plan.ends[0]])
        for j, batch in enumerate(update.batches)
    }
    ordered = sorted(sizes, key=lambda key: sizes[key])
    tensors: dict[str, torch.Tensor] = {}
    before = random_state(tensors)
    cuda = engine.args.device.type == "cuda"

    def attempt(key: tuple[int, int]) -> float:
        numbers = plan.updates[key[0]].batches[key[1]]
        began = time.perf_counter()
        batch = engine._prepare_inputs(engine.head.collate([windows[k] for k in numbers]))
        with engine.autocast():
            step = engine.head.step(engine.model, batch)
        total, weight = losses.weighted_sum(step, batch["weight"], engine.loss_mean)
        (total / weight).backward()
        if cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - began

    engine.model.train()
    machine.give_back()
    machine.reset_peak()
    try:
        attempt(ordered[-1])
        middle = ordered[len(ordered) // 2]
        per_token = min(attempt(middle), attempt(middle)) / sizes[middle]
        gradients = [p.grad for p in engine.model.parameters() if p.grad is not None]
        began = time.perf_counter()
        torch._foreach_mul_(gradients, 1.0)
        if cuda:
            torch.cuda.synchronize()
        # That read and wrote 8 bytes a weight; Adam, clipping and clearing go over some 40.
        per_update = 5 * (time.perf_counter() - began)
        engine.model.zero_grad()
        memory = machine.peak_mb()
        evaluation = dev_tokens * per_token / 3
        foretell = getattr(engine.head, "foretell", None)
        if foretell is not None and evaluations:
            size = 2 * engine.config.batch_tokens
            evaluation = foretell(engine.model, dev, batch_tokens=size, token_seconds=per_token / 3)
    except (torch.OutOfMemoryError, MemoryError) as e:
        raise PreflightError(
            f"the largest batch ({sizes[ordered[-1]]:,} tokens) does not fit into memory",
            cure="a smaller train.batch_tokens, model.max_length_tokens, or model.strategy=lora",
        ) from e
    finally:
        engine.model.zero_grad()
        restore_random(before, tensors)
    trained = sum(p.numel() for p in engine.model.parameters() if p.requires_grad)
    seconds = plan.padded * per_token + len(plan) * per_update
    seconds += evaluations * evaluation
    return {
        "seconds": seconds,
        "evaluation_seconds": evaluation,
        "memory_mb": memory + 8 * trained / 2**20 + (0.0 if cuda else LATER_MB),
    }


def refuse_what_is_lost(found: Mapping[str, Any]) -> None:
    """Raises PreflightError where no more than half of the gold survives its own encoding."""
    if max(found["share"], found.get("ceiling") or 0.0) > 0.5:
        return
    first = found["lost"][0]
    raise PreflightError(
        f"{len(found['lost'])} of {found['n']} gold targets do not come back from the encoding, {first['example_id']} "
        f"for one ({first['reason']}): a model of this head could not be right about them",
        cure="look at preflight.round_trip in run.json; a longer model.max_length_tokens, another head, or a fix "
        "of the data",
    )


def refuse_what_does_not_fit(memory_mb: float) -> None:
    """Raises PreflightError where the estimate of the trial is beyond what the machine has; a GPU has said so itself."""
    from finetooth.train.feasible import here

    place = here()
    if not place.gpu and memory_mb > place.total:
        raise PreflightError(
            f"training would take {memory_mb:,.0f} MiB, the machine has {place.total:,.0f}",
            cure="a smaller train.batch_tokens, or model.strategy=lora; train.memory_check=warn tries it all the same",
        )
