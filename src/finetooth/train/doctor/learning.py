"""Rungs that train a little: one batch, 32 examples, a schedule, a range of learning rates."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.train import batches, losses, sanity, schedule
from finetooth.train.doctor.patient import KEY_BIAS, Broken, Found, Patient, constant, decays, names

if TYPE_CHECKING:
    from finetooth.models.head import Window
    from finetooth.types import Example

BATCH, BATCH_TOKENS, BATCH_STEPS = 8, 1024, 150
LEARNT = 0.03  # of the first loss
HEART_PASSES, HEART_TOKENS, HEART_LONG = 100, 12_000, 4
MOVES = 4
RATES, LOWEST, HIGHEST, SMOOTH = 48, 1e-6, 0.5, 0.7
FIRST, FELL = 5, 0.9  # a rate is suggested where the loss comes below this share of that of the first steps


def train(
    patient: Patient,
    model: Any,
    updates: Iterable[Sequence[Window]],
    settings: Any,
    *,
    steps: int = 0,
    rates: Sequence[float] | None = None,
    dropout: bool = True,
) -> Iterator[float]:
    """Trains on one batch an update and yields its loss before the step, as a run does: clipped, weighted.

    ``steps`` makes the schedule of the settings for that many; ``rates`` sets the learning rate of each step.
    """
    import torch

    optimizer = schedule.optimizer(model, settings, decays(model))
    scheduler = schedule.scheduler(optimizer, settings, steps) if steps else None
    base = [group["lr"] / settings.learning_rate for group in optimizer.param_groups]
    trained = [p for p in model.parameters() if p.requires_grad]
    device = next(model.parameters()).device
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=patient.precision == "bf16")
    for number, windows in enumerate(updates):
        model.train(dropout)
        if rates is not None:
            for group, share in zip(optimizer.param_groups, base, strict=True):
                group["lr"] = rates[number] * share
        batch = patient.collate(windows, model)
        with autocast:
            step = patient.head.step(model, batch)
        total, weight = losses.weighted_sum(
            step, batch["weight"], losses.mean_of(settings.loss_mean, patient.head)
        )
        mean = total / weight
        mean.backward()
        torch.nn.utils.clip_grad_norm_(trained, settings.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        if scheduler is not None:
            scheduler.step()
        yield float(mean.detach())


def one_batch(patient: Patient) -> Found:
    """A handful of windows, seen again and again, must be known for certain in the end."""
    patient.rest()
    windows = distinct(patient, BATCH, BATCH_TOKENS)
    rate = patient.config.train.learning_rate
    seen = _memorise(patient, windows, rate)
    evidence: dict[str, Any] = {
        "windows": len(windows),
        "steps": len(seen),
        "first_loss": seen[0],
        "last_loss": seen[-1],
        "learning_rate": rate,
    }
    if _learnt(seen):
        return Found(
            f"{len(windows)} windows are learnt in {len(seen)} steps (loss {seen[0]:.3f} to {seen[-1]:.3f})",
            evidence,
        )
    said = f"{len(windows)} windows are not learnt in {len(seen)} steps: the loss goes from {seen[0]:.3f} to {seen[-1]:.3f}"
    # Is it the learning rate, or would none do?
    others = {
        f"{rate * factor:.1e}": _memorise(patient, windows, rate * factor)
        for factor in (10, 0.1)
        if rate * factor < 1
    }
    evidence["others"] = {name: {"steps": len(s), "last_loss": s[-1]} for name, s in others.items()}
    better = next((name for name, s in others.items() if _learnt(s)), None)
    if better is not None:
        raise Broken(
            f"{said}; at a learning rate of {better} they are learnt in {len(others[better])} steps",
            f"train.learning_rate={better}",
            **evidence,
        )
    lowest = min([min(seen), *(min(s) for s in others.values())])
    raise Broken(
        f"{said}, and at ten times or a tenth of the learning rate it never comes below {lowest:.3f}",
        "something bounds what the model can say: a softmax before the loss's own, sigmoids, logits that are "
        "clamped, the same input with different labels",
        **evidence,
    )


def distinct(patient: Patient, n: int, tokens: int) -> list[Window]:
    """Windows that hold their gold, of examples of which no two ask the same."""
    kept: list[Window] = []
    seen: set[str] = set()
    examples = [e for e in patient.examples if e.id not in patient.lost]
    for w in patient.pick(2 * n, tokens=2 * tokens, salt=7):
        key = repr(examples[w.example].inputs)
        if key not in seen and len(kept) < n:
            seen.add(key)
            kept.append(w)
    return kept


def _memorise(patient: Patient, windows: list[Window], rate: float) -> list[float]:
    settings = constant(patient.config, learning_rate=rate, head_learning_rate=None, weight_decay=0.0)
    seen: list[float] = []
    # Without dropout, which keeps a model from being certain.
    for loss in train(patient, patient.fresh(), [windows] * BATCH_STEPS, settings, dropout=False):
        seen.append(loss)
        if _learnt(seen) or not np.isfinite(loss) or _stands(seen):
            break
    return seen


def _learnt(seen: Sequence[float]) -> bool:
    return seen[-1] < LEARNT * seen[0]


def _stands(seen: Sequence[float]) -> bool:
    """Whether the loss has not come down by a hundredth in the last third of at least 60 steps."""
    third = len(seen) // 3
    return third >= 20 and min(seen[-third:]) > 0.99 * min(seen[:-third])


def by_heart(patient: Patient) -> Found:
    """32 examples must be learnt, and predicted by the same way as in evaluation: 100."""
    chosen = _to_learn(patient)
    model = patient.fresh()
    try:
        result = sanity.overfit(
            patient.task,
            patient.head,
            model,
            chosen,
            constant(patient.config),
            decays=decays(model),
            precision=patient.precision,
            seed=patient.seed,
            passes=HEART_PASSES,
        )
    except sanity.Unlearnt as e:
        r = e.result
        said = (
            f"after {r['passes']} passes over {r['examples']} examples {r['metric']} is {r['score']:.2f} and the loss "
            f"{r['last_loss']:.3f} (from {r['first_loss']:.3f})"
        )
        if r["last_loss"] < 2 * LEARNT * r["first_loss"]:
            raise Broken(
                f"{said}: what is learnt is not what is decoded; for one, {'; '.join(e.wrong[:3])}",
                "labels that are shifted on their way to the loss, or an evaluation that counts other "
                "positions than training (special tokens, the question, the window's begin)",
                **r,
                wrong=list(e.wrong[:8]),
            ) from None
        raise Broken(
            f"{said}, though a single batch could be learnt",
            "another train.learning_rate, less dropout; or examples that contradict each other",
            **r,
            wrong=list(e.wrong[:8]),
        ) from None
    return Found(
        f"{result['metric']} is {result['score']:.0f} on {result['examples']} examples after {result['passes']} passes",
        result,
    )


def _to_learn(patient: Patient) -> list[Example]:
    """Up to 32 examples, a few of them with several windows, in a budget of tokens."""
    kept = [e for e in patient.examples if e.id not in patient.lost]
    sizes = np.zeros(len(kept), int)
    times = np.zeros(len(kept), int)
    for w in patient.windows:
        sizes[w.example] += len(w)
        times[w.example] += 1
    long = [i for i in np.argsort(sizes, kind="stable") if times[i] > 1][:HEART_LONG]
    half = int(np.median(sizes[times == 1])) if (times == 1).any() else 0
    able = [*long, *(i for i in range(len(kept)) if times[i] == 1 and sizes[i] <= half)]
    if len(able) < sanity.EXAMPLES:
        able = [i for i in range(len(kept)) if times[i]]
    picked = sanity.pick(patient.task, [kept[i] for i in able], set(), seed=patient.seed)
    size = {kept[i].id: int(sizes[i]) for i in able}
    # pick draws; the long ones are wanted for certain.
    ids = {e.id for e in picked}
    extra = [kept[i] for i in long if kept[i].id not in ids]
    chosen = [*extra, *picked[: sanity.EXAMPLES - len(extra)]]
    total = 0
    made: list[Example] = []
    for e in chosen:
        total += size[e.id]
        if len(made) < BATCH or total <= HEART_TOKENS:
            made.append(e)
    return made


def moves(patient: Patient) -> Found:
    """The learning rate comes to its height and goes on, and at that height every trained weight moves."""
    import torch

    config = patient.config.train
    lengths = [len(w) for w in patient.windows]
    plan = batches.plan(
        lengths,
        batch_tokens=config.batch_tokens,
        accumulation=config.accumulation_steps,
        epochs=1,
        seed=patient.seed,
    )
    share = patient.size / max(1, len(patient.examples))
    steps = config.max_steps or max(1, round(len(plan) * share)) * config.epochs
    model = patient.fresh()
    optimizer = schedule.optimizer(model, config, decays(model))
    scheduler = schedule.scheduler(optimizer, config, steps)
    curve = []
    with warnings.catch_warnings():
        # The optimiser does not step here, and torch warns of that.
        warnings.simplefilter("ignore")
        for _ in range(steps):
            curve.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
    peak = int(np.argmax(curve))
    evidence: dict[str, Any] = {
        "steps": steps,
        "peak": curve[peak],
        "peak_step": peak + 1,
        "first": curve[0],
        "last": curve[-1],
        "warmup_steps": config.warmup_steps,
    }
    if not curve[peak] > 0:
        raise Broken(
            f"the learning rate is {curve[peak]} at each of the {steps:,} steps: nothing is ever learnt",
            f"look at the schedule ({config.schedule}) and at what it multiplies",
            **evidence,
        )
    if config.warmup_steps >= steps and steps > 1:
        raise Broken(
            f"the warmup of {config.warmup_steps} steps is longer than the run of {steps:,}: the learning rate "
            f"never comes to {config.learning_rate:.1e}",
            f"train.warmup_steps={max(1, steps // 10)}, or train longer",
            **evidence,
        )
    before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    updates = [patient.pick(BATCH, tokens=BATCH_TOKENS, salt=90 + i) for i in range(MOVES)]
    high = constant(patient.config)
    ratio = curve[peak] / config.learning_rate
    for _ in train(patient, model, updates, high, rates=[config.learning_rate * ratio] * MOVES):
        pass
    now = dict(model.named_parameters())
    still = [n for n, p in before.items() if torch.equal(p, now[n]) and not KEY_BIAS.search(n)]
    evidence |= {"moved": len(before) - len(still), "still": still[:20]}
    if still:
        raise Broken(
            f"{len(still)} of {len(before)} trained parameters do not move in {MOVES} steps: {names(still)}",
            "the optimiser was made of other parameters, or their learning rate is zero",
            **evidence,
        )
    return Found(
        f"over about {steps:,} steps the learning rate rises to {curve[peak]:.1e} at step {peak + 1:,} and ends at "
        f"{curve[-1]:.1e}; all {len(before)} trained parameters move",
        evidence,
        schedule.warmup_warning(config, steps),
    )


def rate(patient: Patient) -> Found:
    """Losses while the learning rate grows from step to step: where it falls fastest, where it breaks out.

    The range test of Smith (2017, section 3.3), on a logarithmic scale. The suggestion is a tenth of the rate
    with the lowest smoothed loss.
    """
    rates = np.geomspace(LOWEST, HIGHEST, RATES)
    updates = [patient.pick(BATCH, tokens=BATCH_TOKENS, salt=1000 + i) for i in range(RATES)]
    seen: list[float] = []
    smoothed: list[float] = []
    running = 0.0
    for loss in train(patient, patient.fresh(), updates, constant(patient.config), rates=rates.tolist()):
        seen.append(loss)
        running = SMOOTH * running + (1 - SMOOTH) * loss
        smoothed.append(running / (1 - SMOOTH ** len(seen)))
        # Either nothing is left to learn, or it has broken out.
        learnt = smoothed[-1] < LEARNT * seen[0]
        if learnt or not np.isfinite(loss) or (len(seen) > 8 and smoothed[-1] > 2 * min(smoothed) + 0.5):
            break
    finite = np.where(np.isfinite(smoothed), smoothed, np.inf)
    lowest = int(finite.argmin())
    fell = finite[lowest] < FELL * float(np.mean(seen[:FIRST]))
    own, best = patient.config.train.learning_rate, float(rates[lowest])
    suggested = float(f"{best / 10:.1e}") if fell else None
    evidence = {
        "suggested": suggested,
        "lowest_at": best,
        "diverges_at": float(rates[len(seen) - 1])
        if smoothed[-1] > smoothed[lowest] and len(seen) < RATES
        else None,
        "configured": own,
        "table": [
            {"rate": float(rates[i]), "loss": seen[i], "smoothed": smoothed[i]}
            for i in range(0, len(seen), 4)
        ],
    }
    if suggested is None:
        return Found(f"no rate lowers the loss within {len(seen)} steps: nothing to suggest", evidence)
    warning = ""
    if own > best:
        warning = f"train.learning_rate {own:.1e} is beyond {best:.1e}, where the loss was lowest; try {suggested:.1e}."
    elif own < suggested / 10:
        warning = (
            f"train.learning_rate {own:.1e} is small: the loss still fell at {best:.1e}; try {suggested:.1e}."
        )
    return Found(
        f"the loss is lowest at {best:.1e}, suggested {suggested:.1e}, configured {own:.1e}",
        evidence,
        warning,
    )
