"""A Weights & Biases sweep over the space of a search: their controller proposes, our trials train.

The sweep holds what the configuration says (space, metric, sampler); each proposal is a trial like any other, in
a process and a run folder of its own. What wandb sees is a mirror: values, score, or that the trial failed.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    if of.step is not None:
        return {"distribution": "q_uniform", "q": of.step, **ends}
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


def drive(search: Search, name: str) -> str:
    """Makes the sweep where ``name`` is "new", or takes part in the one named ([ENTITY/]PROJECT/ID); its name.

    Ends with the sweep or after as many trials as the configuration says. Raises UsageError without wandb.
    """
    try:
        import wandb
    except ImportError:
        raise UsageError("a sweep needs wandb", cure="pip install 'finetooth[track]'") from None
    *place, sweep_id = name.split("/")
    project = place[-1] if place else "finetooth"
    entity = place[0] if len(place) > 1 else None
    if name == "new":
        sweep_id = wandb.sweep(sweep(search), project=project)
        search.say(f"sweep {project}/{sweep_id}; elsewhere: --wandb {project}/{sweep_id}")

    def trial() -> None:
        with wandb.init() as run:
            params = values(search, dict(run.config))
            folder = search.folder(params)
            run.summary["folder"] = str(folder)
            try:
                value = search.train(params, folder)
            except TrialFailed as e:
                search.say(f"trial {folder.name}: failed, {e}")
                run.summary["failure"] = str(e)
                run.finish(exit_code=1)
                return
            run.log({search.metric: value})
            search.say(f"trial {folder.name}: {search.metric} {value:.2f}  {params}")

    wandb.agent(sweep_id, function=trial, project=project, entity=entity, count=search.settings.trials)
    return f"{project}/{sweep_id}"
