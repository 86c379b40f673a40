"""From windows to trained weights: plans, resumes, trains, and leaves the best weights in the model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from finetooth.models.head import Head, Window
from finetooth.registry import Task
from finetooth.runs import Run
from finetooth.train import finish, machine
from finetooth.train.batches import Plan
from finetooth.train.dynamics import Recorder
from finetooth.train.loop import Loop
from finetooth.train.signals import Asked, Interrupted, graceful
from finetooth.train.together import Team
from finetooth.train.tracking import mirror
from finetooth.train.trainer import Engine
from finetooth.train.watch import Watch
from finetooth.types import Example, Prediction


@dataclass
class Job:
    """All that training needs, ready made. ``identity`` is of the windows (``data.identity``)."""

    run: Run
    task: Task
    head: Head
    model: Any
    windows: list[Window]
    ids: list[str]
    plan: Plan
    dev: Sequence[Example]
    precision: str
    identity: str
    watch: Watch
    team: Team = field(default_factory=Team)
    # What the final weights said of dev in training, where the end would generate the same anew.
    answers: list[Prediction] | None = None


def engine_of(job: Job) -> Engine:
    """The trainer of this job. Its making seeds every generator with the run's seed."""
    config = job.run.config
    return Engine(
        head=job.head,
        model=job.model,
        windows=job.windows,
        plan=job.plan,
        config=config.train,
        recorder=Recorder(job.ids, job.windows),
        folder=job.run.folder,
        seed=config.seed,
        precision=job.precision,
        team=job.team,
    )


def fit(job: Job, engine: Engine) -> dict[str, Any]:
    """Trains, from the newest checkpoint if there is one; returns what was measured.

    Afterwards the model holds the best weights by the task's main metric on dev (or the last ones,
    as configured). Raises Interrupted after Ctrl-C, with a checkpoint written.
    """
    config = job.run.config
    began = time.perf_counter()
    machine.give_back()  # what loading and the trial left behind
    machine.reset_peak()
    with graceful(job.watch.say) as asked:
        dev_recorder, watch_dev = (
            _dev_dynamics(job, engine) if config.train.watch_dev_dynamics and job.team.first else (None, None)
        )
        answers: dict[int, list[Prediction]] = {}
        main = next(m for m in job.task.metrics if m.name == job.task.main_metric)
        loop = Loop(
            run=job.run,
            config=config.train,
            plan=job.plan,
            recorder=engine.recorder,
            watch=job.watch,
            asked=asked,
            identity=job.identity,
            evaluate=_evaluator(job, engine, asked, answers, lambda: (loop.step, loop.best.get("step")))
            if job.dev
            else None,
            main_metric=main.name,
            higher_is_better=main.higher_is_better,
            watch_dev=watch_dev,
            dev_recorder=dev_recorder,
            told_mb=((job.run.info.get("preflight") or {}).get("estimate") or {}).get("memory_mb"),
        )
        loop.engine = engine
        engine.wishes = loop.wishes
        job.team.same_weights(engine.model)
        engine.add_callback(loop)
        found = loop.find()
        if found is not None:
            job.watch.say(f"resuming after step {found.step} of {len(job.plan)}")
        loop.start(found)
        engine.shard()
        tracker = mirror(config.track if job.team.first else "none", job.run.folder, job.watch.say)
        if tracker is not None:
            engine.add_callback(tracker)
        engine.start_step = resumed_at = loop.step
        use_cache = getattr(getattr(engine.model, "config", None), "use_cache", None)
        try:
            pending = loop.pending()
            if pending is not None:
                loop.end_epoch(pending)
            if loop.step < len(job.plan) and not loop.stopped_early:
                engine.train()
        finally:
            loop.close()
            if tracker is not None:
                tracker.close()
            job.watch.end("train")
        engine.gather()
        if not job.team.first:
            return {}
        if use_cache is not None:
            engine.whole.config.use_cache = use_cache
        finish.take_best(engine.whole, loop.best_weights())
        job.answers = answers.get(loop.best["step"] if loop.best_weights() else loop.step)
        return _measured(job, loop, resumed_at, time.perf_counter() - began)


def _evaluator(
    job: Job,
    engine: Engine,
    asked: Asked,
    answers: dict[int, list[Prediction]],
    now: Callable[[], tuple[int, int | None]],
) -> Callable[[], dict[str, float]]:
    """Dev scores of the weights as they are, every metric of the task; stops when asked to.

    A head that generates does so with weights of its own precision, as at the end: its predictions go into ``answers``, by step;
    held are those of the best epoch and of the last. ``now`` tells the step, and the best one so far.
    """
    generates = hasattr(job.head, "answering_mb")

    def progress(done: int, of: int) -> None:
        job.watch.progress("evaluate", done, of)
        if asked.to_stop:
            raise Interrupted(job.run.folder, engine.state.global_step)

    def evaluate() -> dict[str, float]:
        # What answers need is of other sizes than what a step has left free.
        machine.give_back()
        with torch.no_grad(), engine.lent() as model, engine.autocast():
            found = job.head.predict(
                model.eval(), job.dev, batch_tokens=2 * engine.config.batch_tokens, progress=progress
            )
        job.watch.end("evaluate")
        if generates:
            step, best = now()
            for old in set(answers) - {best}:
                del answers[old]
            answers[step] = found
        return {m.name: float(m.value(m.counts(job.dev, found).sum(axis=0))) for m in job.task.metrics}

    return evaluate


def _dev_dynamics(job: Job, engine: Engine) -> tuple[Recorder, Callable[[], None]]:
    """Dynamics of dev, which training does not see: an extra forward pass over it after every epoch."""
    windows = job.head.windows(job.dev)
    recorder = Recorder([e.id for e in job.dev], windows)
    size = 2 * engine.config.batch_tokens
    order = sorted(range(len(windows)), key=lambda i: len(windows[i]))

    def watch() -> None:
        import numpy as np

        began = time.perf_counter()
        at = 0
        with torch.no_grad(), engine.lent() as model, engine.autocast():
            model.eval()
            while at < len(order):
                end = at + 1
                while end < len(order) and len(windows[order[end]]) * (end + 1 - at) <= size:
                    end += 1
                numbers = order[at:end]
                batch = engine._prepare_inputs(job.head.collate([windows[i] for i in numbers]))
                recorder.add(np.array(numbers), job.head.step(model, batch))
                job.watch.progress("watch dev", end, len(order))
                at = end
        recorder.end_epoch()
        recorder.write(job.run.dynamics_path("dev"))
        seconds = job.run.info.get("watch_dev_seconds", 0.0) + time.perf_counter() - began
        job.run.update(watch_dev_seconds=round(seconds, 3))
        job.watch.end("watch dev")

    return recorder, watch


def _measured(job: Job, loop: Loop, resumed_at: int, seconds: float) -> dict[str, Any]:
    rows = [r for r in job.run.steps() if "loss" in r]
    training = sum(r["seconds"] for r in rows)
    tokens, padded = (sum(r[k] for r in rows) for k in ("tokens", "padded"))
    return {
        "steps": loop.step,
        "stopped_early": loop.stopped_early,
        "resumed_at": resumed_at,
        "seconds": round(seconds, 2),
        "training_seconds": round(training, 2),
        "tokens_per_second": round(tokens / training, 1) if training else None,
        "windows_per_second": round(sum(r["windows"] for r in rows) / training, 2) if training else None,
        "padding": round(1 - tokens / padded, 4) if padded else None,
        "peak_memory_mb": round(machine.peak_mb(), 1),
    }
