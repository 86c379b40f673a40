"""Training: ``train(config)`` gates, checks what would be lost, trains, resumes and scores a run.

Nothing of torch is imported until it is called.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetooth import io, registry
from finetooth.config import Config
from finetooth.errors import FinetoothError, UsageError
from finetooth.registry import Task
from finetooth.runs import Run, describe, now
from finetooth.train import data as splitting
from finetooth.train import together
from finetooth.train.data import Given
from finetooth.train.signals import Interrupted
from finetooth.train.watch import Watch
from finetooth.types import Example

if TYPE_CHECKING:
    from finetooth.train.build import Built

__all__ = ["Interrupted", "Watch", "train"]

FINDINGS_SHOWN = 2000


def train(
    config: Config,
    *,
    train: Given = None,
    dev: Given = None,
    watch: Watch | None = None,
    build: Callable[[Config, Task, Sequence[Example]], Built] | None = None,
    command: Sequence[str] = (),
) -> Run:
    """Runs a configuration to its end and returns its run, finished: model, dynamics, scores, step log.

    A run that was stopped goes on where its newest checkpoint is and ends as if it never had been; one
    that is finished is returned as it is. ``train`` and ``dev`` stand in for the files of the
    configuration, ``build`` for its head and model. Raises Interrupted (a KeyboardInterrupt) when it
    was stopped on request, UsageError for a run that was finished before its data changed, PreflightError
    before the first step where training would be in vain, and the errors of reading, of the configuration
    and of the model's loading.
    """
    watch = watch or Watch()
    if together.rank():
        return _follow(config, train, dev, build)
    run = Run.create(config, command=command)
    over = run.status == "finished"
    carried_out(run, lambda run: _run(run, train, dev, watch, build))
    if over:
        _refuse_other_data(run, train, dev)
    return run


def _follow(config: Config, train: Given, dev: Given, build: Any) -> Run:
    """The part of a process that is not the first of its team: it trains with it, in a folder of its own, and
    leaves nothing behind."""
    with suppress(UsageError):
        if (run := Run.open(config.out)).status == "finished":
            return run
    with tempfile.TemporaryDirectory(prefix="finetooth-") as folder:
        own = config.model_copy(update={"out": str(Path(folder) / "run")})
        return carried_out(Run.create(own), lambda run: _run(run, train, dev, Watch(), build))


def carried_out(run: Run, work: Callable[[Run], None]) -> Run:
    """Does the work of a run that is not finished, keeps its status right however that ends, and unlocks it."""
    if run.status == "finished":
        run.release()
        return run
    try:
        run.update(status="running", started=now())
        work(run)
        run.update(status="finished", finished=now())
    except KeyboardInterrupt:
        run.update(status="interrupted")
        raise
    except FinetoothError as e:
        run.update(status="failed", error={"what": e.what, "where": e.where, "cure": e.cure})
        raise
    except Exception as e:
        run.update(status="failed", error={"what": f"{type(e).__name__}: {e}", "where": "", "cure": ""})
        raise
    finally:
        run.release()
    return run


def _sources(splits: splitting.Splits) -> dict[str, str | None]:
    """What the run was given, before the gate took anything out of it."""
    return {"train": splits.train.fingerprint, "dev": splits.dev.fingerprint if splits.dev else None}


def _refuse_other_data(run: Run, train: Given, dev: Given) -> None:
    """A finished run is no answer to a file that was mended since. Files that are gone are not asked after."""
    known, config = run.info.get("sources"), run.config
    paths = [p for given, p in ((train, config.data.train), (dev, config.data.dev)) if given is None and p]
    if known is None or not all(Path(p).exists() for p in paths):
        return
    now = _sources(splitting.load(config, train, dev))
    changed = [name for name in known if known[name] != now[name]]
    if changed:
        raise UsageError(
            f"this run is finished, and its data changed since: {' and '.join(changed)}",
            where=str(run.folder),
            cure="give another out= for a run on the data as it is now",
        )


def _run(
    run: Run,
    train: Given,
    dev: Given,
    watch: Watch,
    build: Callable[[Config, Task, Sequence[Example]], Built] | None,
) -> None:
    config = run.config
    task = registry.task(config.task)
    splits = splitting.load(config, train, dev)
    run.update(sources=_sources(splits))
    splits, gate, findings = splitting.pass_gate(splits, config)
    io.write_jsonl(run.folder / "findings.jsonl", findings)
    shown = {"findings": findings[:FINDINGS_SHOWN], "not_shown": max(0, len(findings) - FINDINGS_SHOWN)}
    described = {"train": describe(splits.train), "dev": describe(splits.dev) if splits.dev else None}
    run.update(data=described, gate={**asdict(gate), **shown}, error=None)
    # From here on torch is needed, and seconds of imports with it.
    from finetooth.train.stages import go

    go(run, task, splits, gate, watch, build)
