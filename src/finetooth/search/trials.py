"""Runs a search: Optuna proposes, each trial is a process of its own, a crash is a recorded failure.

A trial's folder is named by its values, so that a trial which was killed goes on where it stopped, and
two workers can never train the same values twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from finetooth import config as configs
from finetooth import io, registry
from finetooth.errors import ConfigError, FinetoothError, UsageError
from finetooth.runs import Run
from finetooth.search import study as studies
from finetooth.search.curated import Curation, divide, policy
from finetooth.search.process import POLL_S, TrialFailed, busy, run_trial
from finetooth.search.results import SearchResult, Trial
from finetooth.search.space import SWEEPS, Range, SearchConfig, assignment, grid

__all__ = ["Search", "SearchResult", "Trial", "TrialFailed", "load"]

Say = Callable[[str], None]


def load(path: str | Path, overrides: Sequence[str] = ()) -> SearchConfig:
    """A search configuration from YAML, with ``key=value`` overrides. Raises ConfigError."""
    import yaml
    from pydantic import ValidationError

    path = Path(path)
    if not path.is_file():
        raise ConfigError("no such configuration", where=str(path), cure="give a YAML file")
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as e:
        raise ConfigError(f"not YAML: {' '.join(str(e).split())}", where=str(path)) from None
    if not isinstance(values, dict):
        raise ConfigError(f"expected a mapping, found {type(values).__name__}", where=str(path))
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise ConfigError(f"expected key=value, found {override!r}", cure="as in trials=12")
        values[key] = yaml.safe_load(text)
    try:
        return SearchConfig.model_validate(values)
    except ValidationError as e:
        error = e.errors()[0]
        key = ".".join(map(str, error["loc"]))
        message = error["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{key}: {message}" if key else message, where=str(path)) from None


class NothingLeft(Exception):
    """Another worker took the last trial between this one's look and its reach."""


class Search:
    """A study on disk (or on a database that many workers share) and what is needed to run its trials."""

    def __init__(self, settings: SearchConfig, *, say: Say = lambda line: None) -> None:
        self.settings, self.say = settings, say
        self.out = Path(settings.out)
        space: dict[str, Any] = dict(registry.pick(settings.sweep, SWEEPS, "sweep")) if settings.sweep else {}
        self.space = {k: Range(**v) if isinstance(v, dict) else v for k, v in space.items()} | dict(
            settings.space
        )
        self.base = self._base()
        curated = divide(self.space)[1]
        for values in zip_longest(*(of if isinstance(of, list) else [of.low] for of in curated.values())):
            policy(dict(zip(curated, values, strict=True)))
        self.curation = (
            Curation(self.base, settings.curate, self.out) if curated and settings.curate else None
        )
        # A wrong key or value in the space fails now, not in the first trial.
        self._config(assignment(self.space, 0, settings.seed), self.out / "trials" / "none")
        self.task = registry.task(self.base["task"])
        self.metric = settings.metric or self.task.main_metric
        chosen = {m.name: m for m in self.task.metrics}
        self.higher = registry.pick(self.metric, chosen, "metric").higher_is_better
        self.planned = self._plan()

    def _base(self) -> dict[str, Any]:
        if self.settings.config is not None:
            values = {"out": str(self.out / "none"), **self.settings.config}
            return configs.build(values, where=f"{self.out}: config").model_dump(mode="json")
        assert self.settings.base is not None
        return configs.load(self.settings.base, [f"out={self.out / 'none'}"]).model_dump(mode="json")

    def _config(self, params: Mapping[str, Any], folder: Path) -> Any:
        plain, _ = divide(params)
        return configs.build({**self.base, "out": str(folder)}, plain, where="space")

    def _plan(self) -> list[dict[str, Any]] | None:
        """All trials in advance (random, grid), so that any number of workers runs the same set; None for tpe."""
        if self.settings.sampler == "grid":
            return grid(self.space)[: self.settings.trials]
        if self.settings.sampler == "random" and self.settings.trials is not None:
            made: dict[str, dict[str, Any]] = {}
            for number in range(self.settings.trials * 20):
                params = assignment(self.space, number, self.settings.seed)
                made.setdefault(io.fingerprint([params]), params)
                if len(made) == self.settings.trials:
                    break
            return list(made.values())
        return None

    # ---- the study

    def study(self) -> Any:
        """The study, made or found, with its planned trials in the queue. Raises UsageError for a bad storage."""
        import optuna

        self.out.mkdir(parents=True, exist_ok=True)
        alone = self._join()
        url = self.settings.storage or f"sqlite:///{self.out / 'study.db'}"
        storage = studies.storage(url, heartbeat_s=self.settings.heartbeat_seconds)
        name = "finetooth-" + io.fingerprint(
            [self.base, _plain_space(self.space), self.settings.seed, self.metric]
            + ([self.curation.key] if self.curation else [])
        )
        direction: Literal["minimize", "maximize"] = "maximize" if self.higher else "minimize"
        try:
            study = optuna.create_study(storage=storage, study_name=name, direction=direction)
            made = True
        except optuna.exceptions.DuplicatedStudyError:
            study = optuna.load_study(storage=storage, study_name=name)
            made = False
        studies.plan(study, self.planned or (), made=made, alone=alone)
        if self.settings.prune:
            study.pruner = optuna.pruners.MedianPruner(n_startup_trials=4)
        if studies.recover(study, alone=alone, retry_failed=self.settings.retry_failed):
            self.say("trials that were cut off go on where they stopped")
        self._let_in()
        return study

    def _join(self) -> bool:
        """Whether no other worker of this search lives: then every running trial is a dead one's.

        Each holds a shared lock on OUT/.lock as long as it lives. On a database that other machines reach no
        worker can know that it is alone.
        """
        try:
            import fcntl
        except ImportError:
            return False
        self._lock = open(self.out / ".lock", "w")  # noqa: SIM115 - held as long as the process lives
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = self.settings.storage is None or self.settings.storage.startswith("sqlite")
        except OSError:
            alone = False
            fcntl.flock(self._lock, fcntl.LOCK_SH)  # waits until the first has put its plan into the queue
        return alone

    def _let_in(self) -> None:
        with suppress(ImportError):
            import fcntl

            fcntl.flock(self._lock, fcntl.LOCK_SH)

    # ---- running

    def run(self) -> SearchResult:
        """Runs trials until the budget is spent, then the winner again on fresh seeds. Resumes by itself.

        Any number of processes may run the same search. The one that finds nothing left to do waits for the
        others: should one of them die, its trial is gone on with. Raises FinetoothError where the storage is lost.
        """
        try:
            import optuna
        except ImportError:
            raise UsageError("a search needs optuna", cure='pip install "finetooth[search]"') from None
        try:
            study = self.study()
            while (next_ := self._next(study)) != "over":
                if next_ == "run":
                    self._one(study)
                else:
                    time.sleep(min(POLL_S * 4, self.settings.heartbeat_seconds))
                studies.recover(study, alone=False)
            result = self.result(study)
        except optuna.exceptions.StorageInternalError as e:
            raise FinetoothError(
                f"the storage was lost: {' '.join(str(e.__cause__ or e).split())[:160]}",
                where=studies.without_password(self.settings.storage or str(self.out / "study.db")),
                cure="the same command goes on once it is back",
            ) from None
        if result.best is not None and self.settings.winner_seeds:
            result = self._rerun(result)
        io.write_json(self.out / "search.json", result.to_json())
        return result

    def _one(self, study: Any) -> None:
        import optuna

        self._trial: Any = None
        try:
            study.optimize(self._objective, n_trials=1, catch=(TrialFailed, NothingLeft))
        except (ValueError, optuna.exceptions.UpdateFinishedTrialError):
            number = self._trial.number if self._trial is not None else None
            lost = number is not None and any(
                t.number == number and t.state.name == "FAIL" for t in study.get_trials(deepcopy=False)
            )
            if not lost:
                raise
            # This process was silent for too long (a suspended machine) and others went on without it.
            self.say(f"trial {number}: another worker took it over")

    def _next(self, study: Any) -> Literal["run", "wait", "over"]:
        limit, trials = self.settings, study.get_trials(deepcopy=False)
        running, waiting = (studies.count(trials, state) for state in ("RUNNING", "WAITING"))
        over = len(studies.ended(trials))
        used = {k: sum(t.user_attrs.get(k, 0) for t in trials) for k in ("seconds", "steps")}
        spent = (limit.minutes is not None and used["seconds"] >= 60 * limit.minutes) or (
            limit.steps is not None and used["steps"] >= limit.steps
        )
        more = self.planned is None or waiting > 0
        if not spent and more and (limit.trials is None or over + running < limit.trials):
            return "run"
        return "wait" if running else "over"

    def _objective(self, trial: Any) -> float:
        self._trial = trial
        if self.planned is None:
            place = studies.place(trial.study, trial.number)
            over = self.settings.trials is not None and place >= self.settings.trials
            if over and not studies.is_planned(trial):  # one that is tried again is none more
                raise NothingLeft
            trial.study.sampler = self._sampler(place)
        elif not studies.is_planned(trial):
            raise NothingLeft
        # The first heartbeat before the first mark: a trial with a mark is missed when its worker dies.
        trial.study._storage.record_heartbeat(trial._trial_id)
        params = {key: studies.suggest(trial, key, of) for key, of in sorted(self.space.items())}
        folder = self.folder(params)
        trial.set_user_attr("folder", str(folder))
        began = time.monotonic()
        try:
            value = self.train(params, folder, trial)
        except TrialFailed as e:
            trial.set_user_attr("failure", str(e))
            self.say(f"trial {trial.number}: failed, {e}")
            raise
        finally:
            trial.set_user_attr("seconds", round(time.monotonic() - began, 3))
            with suppress(FinetoothError):
                trial.set_user_attr("steps", len(Run.open(folder).steps()))
        self.say(f"trial {trial.number}: {self.metric} {value:.2f}  {params}")
        return value

    def _sampler(self, place: int) -> Any:
        """Seeded by the trial's place, so that a resumed search proposes what it would have proposed."""
        import optuna

        seed = self.settings.seed + place
        if self.settings.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        startup = max(4, (self.settings.trials or 20) // 3)
        # The liar keeps workers from trying the same corner at the same time.
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup, constant_liar=True)

    def folder(self, params: Mapping[str, Any]) -> Path:
        named: list[Any] = [dict(sorted(params.items()))]
        if self.curation is not None:  # of another training set, or another map of it, it is another trial
            named.append(self.curation.key)
        return self.out / "trials" / io.fingerprint(named)[:12]

    def train(self, params: Mapping[str, Any], folder: Path, trial: Any = None) -> float:
        """One run in a process of its own; its score. Raises TrialFailed with the reason otherwise."""
        plain, curated = divide(params)
        if self.curation is not None:
            try:
                plain |= self.curation.changes(curated)
            except FinetoothError as e:
                raise TrialFailed(f"curation: {e}") from None
        values = self._config(plain, folder).model_dump(mode="json")

        def watch() -> None:
            if trial is not None and self.settings.prune and self._prune(trial, folder):
                import optuna

                raise optuna.TrialPruned

        run_trial(values, folder, watch=watch, say=self.say)
        return self._value(folder)

    def _value(self, folder: Path) -> float:
        scores = Run.open(folder).scores().get(self.settings.split, {}).get("scores", [])
        found = next((s["value"] for s in scores if s["name"] == self.metric), None)
        if found is None:
            raise TrialFailed(f"no {self.metric} for the split {self.settings.split!r}")
        return float(found)

    def _prune(self, trial: Any, folder: Path) -> bool:
        """Tells Optuna the dev scores of the epochs so far, as steps.jsonl has them."""
        with suppress(FinetoothError):
            for row in Run.open(folder).steps():
                value = row.get(f"dev_{self.metric}")
                if isinstance(value, (int, float)):
                    with suppress(Exception):  # told before: Optuna warns or refuses
                        trial.report(float(value), int(row["step"]))
            return bool(trial.should_prune())
        return False

    # ---- results

    def result(self, study: Any) -> SearchResult:
        """What the study holds by now."""
        trials = studies.results(study)
        scored = [t for t in trials if t.value is not None]
        best = (max if self.higher else min)(scored, key=lambda t: t.value, default=None)  # type: ignore[arg-type,return-value]
        finished = self._next(study) == "over"
        return SearchResult(self.metric, tuple(trials), best, (), finished, self.higher)

    def _rerun(self, result: SearchResult) -> SearchResult:
        """The winner on seeds that took no part in choosing it: the best of many is lucky by construction.

        Workers share these runs: each takes one that no other is at.
        """
        assert result.best is not None
        seeds = [10_000 + self.settings.seed + i for i in range(self.settings.winner_seeds)]
        folders = {seed: self.out / "winner" / self._winner(result.best, seed) for seed in seeds}
        failed: dict[int, str] = {}
        while left := [seed for seed in seeds if not _finished(folders[seed]) and seed not in failed]:
            seed = next((s for s in left if not busy(folders[s])), left[0])
            self.say(f"the winner again, seed {seed}")
            try:
                self.train({**result.best.params, "seed": seed}, folders[seed])
            except TrialFailed as e:
                failed[seed] = str(e)
                self.say(f"the winner, seed {seed}: failed, {e}")
        scores = tuple(self._value(folders[seed]) for seed in seeds if seed not in failed)
        return replace(result, rerun=scores)

    def _winner(self, best: Trial, seed: int) -> str:
        """Named by its values too: with more trials another may win."""
        return f"{self.folder(best.params).name}-seed-{seed}"


def _finished(folder: Path) -> bool:
    return (folder / "run.json").is_file() and Run.open(folder).status == "finished"


def _plain_space(space: Mapping[str, Any]) -> dict[str, Any]:
    return {k: of.model_dump() if isinstance(of, Range) else of for k, of in sorted(space.items())}
