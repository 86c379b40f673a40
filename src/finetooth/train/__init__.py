"""Training: ``train(config)`` gates, checks what would be lost, trains, resumes and scores a run.

Nothing of torch is imported until it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from finetooth import io, registry
from finetooth.config import Config
from finetooth.errors import FinetoothError
from finetooth.registry import Task
from finetooth.runs import Run, describe, now
from finetooth.train import data as splitting
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
    was stopped on request, PreflightError before the first step where training would be in vain, and
    the errors of reading, of the configuration and of the model's loading.
    """
    watch = watch or Watch()
    return carried_out(Run.create(config, command=command), lambda run: _run(run, train, dev, watch, build))


def carried_out(run: Run, work: Callable[[Run], None]) -> Run:
    """Does the work of a run that is not finished, keeps its status right however that ends, and unlocks it."""
    try:
        if run.status == "finished":
            return run
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
    splits, gate, findings = splitting.pass_gate(splits, config)
    io.write_jsonl(run.folder / "findings.jsonl", findings)
    shown = {"findings": findings[:FINDINGS_SHOWN], "not_shown": max(0, len(findings) - FINDINGS_SHOWN)}
    described = {"train": describe(splits.train), "dev": describe(splits.dev) if splits.dev else None}
    run.update(data=described, gate={**asdict(gate), **shown}, error=None)
    # From here on torch is needed, and seconds of imports with it.
    from finetooth.train.stages import go

    go(run, task, splits, gate, watch, build)
