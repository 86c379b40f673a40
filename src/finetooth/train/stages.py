"""The stages of a run after the gate: build, encode, preflight, sanity, train, finish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from finetooth.errors import PreflightError
from finetooth.registry import Task
from finetooth.runs import Run
from finetooth.train import (
    batches,
    data,
    feasible,
    finish,
    losses,
    machine,
    preflight,
    sanity,
    schedule,
    together,
    weights,
)
from finetooth.train.build import Built, default
from finetooth.train.data import Gate, Splits
from finetooth.train.fit import Job, engine_of, fit
from finetooth.train.tracking import require
from finetooth.train.trainer import Engine
from finetooth.train.watch import Watch
from finetooth.types import Example

Build = Callable[..., Built]


def go(run: Run, task: Task, splits: Splits, gate: Gate, watch: Watch, build: Build | None) -> None:
    """From checked examples to a scored model. The run's files say the rest."""
    import transformers

    config = run.config
    require(config.track)
    team = together.join()
    threads = machine.use_threads(config.train.threads)
    precision, why = machine.pick_precision(config.train)
    # Its reports (which weights of the base model are new) are no news: preflight says what is trained.
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    transformers.set_seed(config.seed)
    examples = list(splits.train.examples)
    built = (build or default)(config, task, examples)
    report = preflight.Report(
        notes=list(splits.notes),
        warnings=list(splits.warnings),
        gate=asdict(gate),
        data=run.info["data"],
    )
    ids = [e.id for e in examples]
    curated = weights.read(config.train.weights) if config.train.weights else None
    windows = built.head.windows(examples)
    drops = [
        *splits.drops,
        *preflight.drop_unencodable(examples, windows, getattr(built.head, "reasons", {})),
    ]
    windows = weights.apply(windows, ids, curated, config.train.label_smoothing)
    run.write_dropped(drops)
    if not windows:
        raise PreflightError(
            "no example can be trained on", where=splits.train.source, cure="a longer model.max_length_tokens"
        )
    plan = batches.plan(
        [len(w) for w in windows],
        batch_tokens=config.train.batch_tokens,
        accumulation=config.train.accumulation_steps,
        epochs=config.train.epochs,
        max_steps=config.train.max_steps,
        seed=config.seed,
        difficulty=weights.difficulties(windows, ids, curated)
        if curated is not None and config.train.curriculum
        else None,
    )
    resolved = config.model_dump(mode="json")
    resolved["model"]["head"] = built.head.name
    resolved["train"] |= {
        "precision": precision,
        "threads": threads,
        "loss_mean": losses.mean_of(config.train.loss_mean, built.head),
    }
    run.update(resolved=resolved, model={"head": built.head.name, "name": config.model.name})

    checked = feasible.check(config, built, windows, plan, precision=precision, processes=team.size)
    if checked.keep:
        machine.keep_memory()
    transformers.set_seed(config.seed)
    model = built.model()
    dev = list(splits.dev.examples) if splits.dev is not None else []
    job = Job(
        run=run,
        task=task,
        head=built.head,
        model=model,
        windows=windows,
        ids=ids,
        plan=plan,
        dev=dev,
        precision=precision,
        identity=data.identity(windows, ids),
        watch=watch,
        team=team,
    )
    engine = engine_of(job)
    if not run.has_checkpoint and team.first:
        report.round_trip = preflight.round_trip(task, built.head, examples)
        report.windows = preflight.describe_windows(windows, len(examples))
        report.model = preflight.describe_model(model, precision, why, threads)
        report.memory = checked.told.to_json() if checked.told else {}
        report.warnings += checked.warnings
        _plan_report(report, job)
        report.floors = preflight.floors(task, dev, examples, seed=config.seed)
        _warn(report, job, len(drops) - len(splits.drops), curated)
        per_example = sum(map(len, windows)) / len(examples)
        evaluations = -(-plan.epochs // config.train.evaluate_every_epochs) if dev else 0
        # It tries two batches in one process, which a model that is spread over several may not fit.
        report.estimate = (
            {}
            if engine.spread
            else preflight.estimate(
                engine, dev=dev, dev_tokens=per_example * len(dev), evaluations=evaluations
            )
        )
        run.update(preflight=report)
        watch.preflight(report)
        preflight.refuse_what_is_lost(report.round_trip)
        if config.train.memory_check == "stop" and report.estimate:
            preflight.refuse_what_does_not_fit(report.estimate["memory_mb"])
        if config.sanity:
            _sanity(job, engine, built, examples, report)
            transformers.set_seed(config.seed)
    measured = fit(job, engine)
    if team.first:
        _finish(job, engine, examples, {**measured, "processes": team.size})
    team.close()


def _plan_report(report: preflight.Report, job: Job) -> None:
    config, plan = job.run.config.train, job.plan
    report.steps = {
        "steps": len(plan),
        "epochs": plan.epochs,
        "ends_of_epochs": list(plan.ends),
        "warmup_steps": config.warmup_steps,
        "warmup_share": round(config.warmup_steps / len(plan), 4),
        "schedule": config.schedule,
        "batch_tokens": config.batch_tokens,
        "windows_per_step": round(len(job.windows) * plan.epochs / len(plan), 2),
        "padding": round(plan.padding, 4),
    }


def _warn(report: preflight.Report, job: Job, unencodable: int, curated: weights.Weights | None) -> None:
    """What is not an error and yet worth a look before hours are spent."""
    lost = report.round_trip["lost"]
    if lost:
        first = lost[0]
        report.warnings.append(
            f"{len(lost)} of {report.round_trip['n']} gold targets do not come back from the encoding, "
            f"{first['example_id']} for one: {first['reason']}"
        )
    if unencodable:
        report.warnings.append(f"{unencodable} examples have no window to train on; dropped.jsonl names them")
    warmup = schedule.warmup_warning(job.run.config.train, len(job.plan))
    if warmup:
        report.warnings.append(warmup)
    if curated is not None:
        unknown = len(set(curated.rows) - set(job.ids))
        if unknown:
            report.warnings.append(
                f"{unknown} rows of {curated.source} are of no example of the training set"
            )


def _sanity(
    job: Job, engine: Engine, built: Built, examples: Sequence[Example], report: preflight.Report
) -> None:
    config = job.run.config
    lost = {row["example_id"] for row in report.round_trip["lost"]}
    chosen = sanity.pick(job.task, examples, lost, seed=config.seed)
    model = built.model().to(engine.args.device)
    report.sanity = sanity.overfit(
        job.task,
        built.head,
        model,
        chosen,
        config.train,
        decays=set(engine.get_decay_parameter_names(model)),
        precision=job.precision,
        seed=config.seed,
        progress=lambda done, of: job.watch.progress("sanity", done, of),
    )
    job.watch.end("sanity")
    r = report.sanity
    job.watch.say(
        f"sanity: {r['examples']} examples learnt by heart in {r['passes']} passes ({r['seconds']:.0f} s)"
    )
    job.run.update(preflight=report)


def _finish(job: Job, engine: Engine, examples: Sequence[Example], measured: dict[str, Any]) -> None:
    """Threshold, model, predictions, scores; then what was foretold beside what happened."""
    run = job.run
    with engine.lent() as model:
        if job.dev:
            run.update(thresholds=job.head.tune(model.eval(), job.dev))
        finish.save_model(job.head, model, run.model)
        if job.dev:
            found = job.answers
            if found is None:
                found = finish.predict(
                    job.head,
                    model,
                    job.dev,
                    batch_tokens=2 * run.config.train.batch_tokens,
                    progress=lambda done, of: job.watch.progress("score", done, of),
                )
                job.watch.end("score")
            finish.score_dev(run, job.task, job.dev, examples, found)
    foretold = (run.info.get("preflight") or {}).get("estimate") or {}
    run.update(
        measured={
            **measured,
            "estimated_seconds": round(foretold.get("seconds", 0.0), 1),
            "estimated_memory_mb": round(foretold.get("memory_mb", 0.0), 1),
        }
    )
