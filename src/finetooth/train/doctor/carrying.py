"""The rung that asks whether what is learnt carries over: a small subset, trained on, against examples held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.evaluate.score import above_floor, score
from finetooth.text import many
from finetooth.train import batches
from finetooth.train.doctor.learning import train
from finetooth.train.doctor.patient import Broken, Found, Patient, Skipped, constant

if TYPE_CHECKING:
    from finetooth.types import Example

SUBSET, PASSES, BATCH_TOKENS = 512, 3, 1024
GENERATED = 24  # held-out examples where answers are generated, which takes its time
EVALUATE = 16  # windows at once
UNREAD = 1e-6


def held_out(patient: Patient) -> Found:
    """A little training must carry over to examples that were not trained on, and use all of their input."""
    if not patient.dev:
        raise Skipped("nothing is held out: give data.dev")
    kept = [e for e in patient.examples if e.id not in patient.lost]
    keep = set(np.random.default_rng([patient.seed, 10]).permutation(len(kept))[:SUBSET].tolist())
    windows = [w for w in patient.windows if w.example in keep]
    known = [kept[i] for i in sorted(keep)]
    dev = list(patient.dev)[: GENERATED if patient.head.name == "causal" else None]
    tokens = min(patient.config.train.batch_tokens, max(BATCH_TOKENS, *map(len, windows)))
    plan = batches.plan([len(w) for w in windows], batch_tokens=tokens, epochs=PASSES, seed=patient.seed)
    settings = constant(patient.config, schedule="linear", warmup_steps=max(1, len(plan) // 20))
    model = patient.fresh()
    first = example_losses(patient, model, dev)
    table: list[dict[str, Any]] = []
    best: dict[str, Any] = {"fall": -np.inf}
    feed = ([windows[i] for i in u.batches[0]] for u in plan.updates)
    for number, loss in enumerate(train(patient, model, feed, settings, steps=len(plan)), 1):
        if plan.ends_epoch(number) is None:
            continue
        now = example_losses(patient, model, dev)
        answers = patient.head.predict(model, dev)
        report = score(patient.task, dev, answers, train=known, seed=patient.seed).score(
            patient.task.main_metric
        )
        fall, error = difference(first, now)
        row = {
            "pass": len(table) + 1,
            "train_loss": loss,
            "loss": float(np.nanmean(now)),
            "fall": fall,
            "fall_error": error,
            "score": report.value,
        }
        table.append(row)
        best = max(best, row, key=lambda r: r["fall"])
        if report.floor is not None and above_floor(report):
            break
    evidence: dict[str, Any] = {
        "trained_on": len(keep),
        "held_out": len(dev),
        "metric": report.name,
        "score": report.value,
        "low": report.low,
        "high": report.high,
        "floor": report.floor,
        "floors": dict(report.floors),
        "first_loss": float(np.nanmean(first)),
        "passes": table,
    }
    floor = f"{report.floor:.2f}" if report.floor is not None else "none"
    scored = f"held-out {report.name} is {report.value:.2f} (floor {floor})"
    after = f"after {many(len(table), 'pass', 'passes')} over {len(keep)} examples"
    fell = f"the held-out loss goes from {np.nanmean(first):.3f} to {best['loss']:.3f}"
    above = report.floor is not None and above_floor(report)
    if not above and not best["fall"] > 2 * best["fall_error"]:
        raise Broken(
            f"{after} {fell}, and {scored}: what is learnt by heart does not carry over to other examples",
            "are train and held-out labelled alike? Is the question (or the second text) in the input?",
            **evidence,
        )
    evidence["without"] = parts = parts_used(patient, model, dev)
    unread = [name for name, p in parts.items() if p["largest"] < UNREAD]
    if unread:
        raise Broken(
            f"{after} {scored}, but given {unread[0]!r} for input every held-out loss is the same to the last digit: the rest "
            "of the input never reaches the model",
            "is all of the input in the window, and attended to?",
            **evidence,
        )
    unused = [name for name, p in parts.items() if not p["rise"] > 2 * p["rise_error"]]
    scratch, warnings = patient.from_scratch, []
    if unused:
        if not above and not scratch and report.floor is not None:
            raise Broken(
                f"{after} {scored}, and given {unused[0]!r} for input it is as sure of its answers: "
                "the rest of the input is not used",
                "is all of the input in the window, and attended to?",
                **evidence,
            )
        warnings.append(f"Given {unused[0]!r} for input it is as sure of its answers as with all of it.")
    if report.floor is not None and not above:
        more = ": from scratch that takes pretraining, or far more of them." if scratch else "."
        warnings.append(
            f"{len(keep)} examples do not lift {report.name} surely above its floor ({report.value:.2f}, floor {floor}){more}"
        )
    return Found(f"{after} {scored}; {fell}", evidence, " ".join(warnings))


def parts_used(patient: Patient, model: Any, dev: Sequence[Example]) -> dict[str, dict[str, float]]:
    """By ablation of the task, how much the held-out loss rises with it: nothing where the rest is not used."""
    whole = example_losses(patient, model, dev)
    made = {}
    for ablation in patient.task.ablations:
        changed = [ablation.change(e) for e in dev]
        if all(_letters(a) == _letters(b) for a, b in zip(dev, changed, strict=True)):
            continue  # Capitals alone: many tokenizers do without them.
        without = example_losses(patient, model, changed)
        # Without its context a question has no window to train on, and says nothing here.
        if np.isfinite(without).sum() > len(dev) / 2:
            rise, error = difference(without, whole)
            largest = float(np.nanmax(np.abs(without - whole)))
            made[ablation.name] = {"rise": rise, "rise_error": error, "largest": largest}
    return made


def _letters(example: Example) -> str:
    return repr(example.inputs).casefold()


def example_losses(patient: Patient, model: Any, examples: Sequence[Example]) -> np.ndarray:
    """(examples,) mean losses of their windows in evaluation mode; NaN where an example has none."""
    windows = sorted(patient.head.windows(examples), key=len)
    was = model.training
    model.eval()
    sums, times = np.zeros(len(examples)), np.zeros(len(examples))
    for at in range(0, len(windows), EVALUATE):
        part = windows[at : at + EVALUATE]
        places = [w.example for w in part]
        np.add.at(sums, places, patient.look(part, model)[:, 0])
        np.add.at(times, places, 1)
    model.train(was)
    return np.where(times > 0, sums / np.maximum(times, 1), np.nan)


def difference(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """(mean of one - other, its standard error) over the examples that both have a figure for."""
    apart = (one - other)[np.isfinite(one) & np.isfinite(other)]
    if not len(apart):
        return 0.0, 0.0
    error = float(apart.std(ddof=1) / np.sqrt(len(apart))) if len(apart) > 1 else 0.0
    return float(apart.mean()), error
