"""A Weights & Biases sweep over the space of a search: their controller proposes, our trials train.

The sweep holds what the configuration says (space, metric, sampler); each proposal is a trial like any other, in
a process and a run folder of its own. What wandb sees is a mirror: values, score, or that the trial failed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

from finetooth.errors import UsageError
from finetooth.search.process import TrialFailed
from finetooth.search.space import Range
from finetooth.search.trials import Search

METHODS = {"tpe": "bayes", "random": "random", "grid": "grid"}


def sweep(search: Search) -> dict[str, Any]:
    """The sweep as wandb's configuration has it (docs.wandb.ai, "Sweep configuration options").

    Dots in names stay: wandb keeps flat keys as they are.
    """
    settings = search.settings
    made: dict[str, Any] = {
        "method": METHODS[settings.sampler],
        "metric": {"name": search.metric, "goal": "maximize" if search.higher else "minimize"},
        "parameters": {key: _parameter(of, settings.sampler) for key, of in sorted(search.space.items())},
    }
    if settings.trials is not None:
        made["run_cap"] = settings.trials
    return made


def _parameter(of: Range | list[Any], sampler: str) -> dict[str, Any]:
    if isinstance(of, list):
        return {"values": of}
    if sampler == "grid":
        return {"values": of.values()}
    ends = {"min": of.low, "max": of.high}
    if of.log:
        # Whole numbers too: there is no distribution of their own for them, so the trial rounds.
        return {"distribution": "log_uniform_values", **ends}
    if of.step is not None:  # their q_uniform counts steps from 0
        return {"values": of.values()}
    return {"distribution": "int_uniform" if of.whole else "uniform", **ends}


def values(search: Search, proposed: Mapping[str, Any]) -> dict[str, Any]:
    """What was proposed, for the keys of the space, whole where the space is whole.

    wandb's own further keys are left out. Raises UsageError for a sweep of another space.
    """
    missing = sorted(search.space.keys() - set(proposed))
    if missing:
        raise UsageError(
            f"the sweep proposes no {missing[0]}", cure="make one of this configuration: --wandb new"
        )
    return {
        key: round(proposed[key]) if isinstance(of, Range) and of.whole else proposed[key]
        for key, of in search.space.items()
    }


@dataclass
class Driven:
    """The sweep's name, as ``--wandb`` takes it, and how many trials this process ran to a score, and in vain."""

    sweep: str
    scored: int = 0
    failed: int = 0


def drive(search: Search, name: str) -> Driven:
    """Makes the sweep where ``name`` is "new", or takes part in the one named ([ENTITY/]PROJECT/ID).

    Ends with the sweep or after as many trials as the configuration says. Raises UsageError without wandb, for
    a configuration without ``trials``, and for a sweep of another space.
    """
    if search.settings.trials is None:
        raise UsageError("a sweep has no budget of minutes or steps", cure="trials=N")
    try:
        import wandb
    except ImportError:
        raise UsageError("a sweep needs wandb", cure="pip install 'finetooth[track]'") from None
    *place, sweep_id = name.split("/")
    project = place[-1] if place else "finetooth"
    entity = place[0] if len(place) > 1 else None
    wrong: list[BaseException] = []

    def trial() -> None:
        try:
            one()
        except BaseException as e:
            wrong.append(e)  # the agent would swallow it, and ask for the next
            raise

    def one() -> None:
        if wrong:
            return
        with wandb.init() as run, _apart():
            params = values(search, dict(run.config))
            folder = search.folder(params)
            run.summary["folder"] = str(folder)
            try:
                value = search.train(params, folder)
            except TrialFailed as e:
                search.say(f"trial {folder.name}: failed, {e}")
                run.summary["failure"] = str(e)
                run.finish(exit_code=1)
                driven.failed += 1
                return
            run.log({search.metric: value})
            search.say(f"trial {folder.name}: {search.metric} {value:.2f}  {params}")
            driven.scored += 1

    with redirect_stdout(sys.stderr):  # they print; standard output is ours
        if name == "new":
            sweep_id = wandb.sweep(sweep(search), project=project)
        driven = Driven("/".join([*place, sweep_id] if place else [project, sweep_id]))
        search.say(f"sweep {driven.sweep}; elsewhere: --wandb {driven.sweep}")
        wandb.agent(sweep_id, function=trial, project=project, entity=entity, count=search.settings.trials)
    if wrong:
        raise wrong[0]
    return driven


@contextmanager
def _apart() -> Iterator[None]:
    """Without what ties a process to the run that is open here: a trial that tracks itself is a run of its own."""
    held = {k: os.environ.pop(k) for k in ("WANDB_RUN_ID", "WANDB_SWEEP_ID") if k in os.environ}
    try:
        yield
    finally:
        os.environ.update(held)
