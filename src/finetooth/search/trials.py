"""Runs a search: Optuna proposes, each trial is a process of its own, a crash is a recorded failure.

A trial's folder is named by its values, so that a trial which was killed goes on where it stopped, and
two workers can never train the same values twice.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from finetooth import config as configs
from finetooth import io, registry
from finetooth.errors import ConfigError, FinetoothError, UsageError
from finetooth.runs import Run
from finetooth.search.space import SWEEPS, Range, SearchConfig, assignment, grid

HEARTBEAT_S, GRACE_S, POLL_S = 15, 60, 0.25
Say = Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """One trial as it ended: ``value`` None and ``failure`` said where it did."""

    number: int
    params: Mapping[str, Any]
    state: str
    value: float | None
    failure: str | None
    seconds: float
    folder: str


@dataclass(frozen=True)
class SearchResult:
    """All trials, the best of them, and what it scored again on fresh seeds."""

    metric: str
    trials: tuple[Trial, ...]
    best: Trial | None
    rerun: tuple[float, ...]
    finished: bool

    @property
    def luck(self) -> float | None:
        """How much of the winner's score its fresh seeds did not repeat."""
        if self.best is None or self.best.value is None or not self.rerun:
            return None
        return self.best.value - sum(self.rerun) / len(self.rerun)

    def to_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "trials": list(self.trials),
            "best": self.best,
            "rerun": list(self.rerun),
            "luck": self.luck,
            "finished": self.finished,
        }


class TrialFailed(Exception):
    """A trial ended without a score; the search goes on."""


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
        overrides = [f"{key}={json.dumps(value)}" for key, value in params.items()]
        return configs.build({**self.base, "out": str(folder)}, overrides, where="space")

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
        try:
            import optuna
        except ImportError:
            raise UsageError("a search needs optuna", cure='pip install "finetooth[search]"') from None
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.out.mkdir(parents=True, exist_ok=True)
        url = self.settings.storage or f"sqlite:///{self.out / 'study.db'}"
        arguments = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
        try:
            storage = _opened(
                lambda: optuna.storages.RDBStorage(
                    url, engine_kwargs=arguments, heartbeat_interval=HEARTBEAT_S, grace_period=GRACE_S
                )
            )
        except Exception as e:  # whatever the driver raises, the cause is the address
            raise UsageError(
                f"the storage cannot be opened: {' '.join(str(e).split())[:160]}",
                where=_without_password(url),
            ) from None
        name = "finetooth-" + io.fingerprint(
            [self.base, _plain_space(self.space), self.settings.seed, self.metric]
        )
        sampler = optuna.samplers.RandomSampler(seed=self.settings.seed)
        direction: Literal["minimize", "maximize"] = "maximize" if self.higher else "minimize"
        try:
            study = optuna.create_study(
                storage=storage, study_name=name, direction=direction, sampler=sampler
            )
        except optuna.exceptions.DuplicatedStudyError:
            study = optuna.load_study(storage=storage, study_name=name, sampler=sampler)
            self._wait_for_plan(study)
        else:
            for params in self.planned or ():
                study.enqueue_trial(params)
            study.set_user_attr("planned", True)
        if self.settings.prune:
            study.pruner = optuna.pruners.MedianPruner(n_startup_trials=4)
        return study

    def _wait_for_plan(self, study: Any) -> None:
        until = time.monotonic() + 30
        while not study.user_attrs.get("planned"):
            if time.monotonic() > until:
                # Its maker died before it was planned: the plan is the same whoever makes it.
                for params in self.planned or ():
                    study.enqueue_trial(params, skip_if_exists=True)
                study.set_user_attr("planned", True)
                return
            time.sleep(0.1)

    def _recover(self, study: Any) -> None:
        """Trials that a killed worker left running go back to the queue, to go on in their own folder."""
        import optuna

        if self._alone:
            stale = [
                t for t in study.get_trials(deepcopy=False) if t.state == optuna.trial.TrialState.RUNNING
            ]
            for trial in stale:
                study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        else:
            optuna.storages.fail_stale_trials(study)
        trials = study.get_trials(deepcopy=False)
        alive = ("COMPLETE", "PRUNED", "RUNNING", "WAITING")
        known = {_key(t) for t in trials if t.state.name in alive}
        for trial in trials:
            # A failure that is told (a crash, no memory) stands; one without a word was a kill.
            if trial.state.name == "FAIL" and "failure" not in trial.user_attrs and _key(trial) not in known:
                params = trial.params or trial.system_attrs.get("fixed_params", {})
                if params:
                    study.enqueue_trial(params)
                    known.add(_key(trial))

    # ---- running

    def run(self) -> SearchResult:
        """Runs trials until the budget is spent, then the winner again on fresh seeds. Resumes by itself."""
        import optuna

        study = self.study()
        self._lock_alone()
        self._recover(study)
        while not self._spent(study):
            done = len(_ended(study))
            if self.settings.sampler == "tpe":
                # Seeded by the count, so that a resumed search proposes what it would have proposed.
                study.sampler = optuna.samplers.TPESampler(
                    seed=self.settings.seed + done, n_startup_trials=max(4, (self.settings.trials or 20) // 3)
                )
            study.optimize(self._objective, n_trials=1, catch=(TrialFailed,))
        result = self.result(study)
        if result.best is not None and self.settings.winner_seeds and self._all_done(study):
            result = self._rerun(result)
        io.write_json(self.out / "search.json", result.to_json())
        return result

    def _lock_alone(self) -> None:
        """Whether this is the only worker: then every running trial is a dead one's, and needs no grace."""
        self._alone = False
        if self.settings.storage and not self.settings.storage.startswith("sqlite"):
            return
        import fcntl

        self._lock = open(self.out / ".lock", "w")  # noqa: SIM115 - held as long as the process lives
        with suppress(OSError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._alone = True

    def _spent(self, study: Any) -> bool:
        trials = study.get_trials(deepcopy=False)
        if self.planned is not None and not any(t.state.name == "WAITING" for t in trials):
            return True
        ended = _ended(study)
        limit = self.settings
        waiting = any(t.state.name == "WAITING" for t in trials)
        if limit.trials is not None and len(ended) + _running(trials) >= limit.trials and not waiting:
            return True
        if (
            limit.minutes is not None
            and sum(t.user_attrs.get("seconds", 0) for t in trials) >= 60 * limit.minutes
        ):
            return True
        return limit.steps is not None and sum(t.user_attrs.get("steps", 0) for t in trials) >= limit.steps

    def _all_done(self, study: Any) -> bool:
        return not any(t.state.name in ("RUNNING", "WAITING") for t in study.get_trials(deepcopy=False))

    def _objective(self, trial: Any) -> float:
        params = {key: _suggest(trial, key, of) for key, of in sorted(self.space.items())}
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

    def folder(self, params: Mapping[str, Any]) -> Path:
        return self.out / "trials" / io.fingerprint([dict(sorted(params.items()))])[:12]

    def train(self, params: Mapping[str, Any], folder: Path, trial: Any = None) -> float:
        """One run in a process of its own; its score. Raises TrialFailed with the reason otherwise."""
        values = self._config(params, folder).model_dump(mode="json")
        folder.parent.mkdir(parents=True, exist_ok=True)
        path = folder.parent / f"{folder.name}.yaml"
        io.write_json(path, values)  # JSON is YAML
        command = [sys.executable, "-m", "finetooth", "train", str(path), "--json"]
        log = folder.parent / f"{folder.name}.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT)
            try:
                while process.poll() is None:
                    time.sleep(POLL_S)
                    if trial is not None and self.settings.prune and self._prune(trial, folder):
                        _stop(process)
                        import optuna

                        raise optuna.TrialPruned
            except BaseException:
                _stop(process)
                raise
        if process.returncode == 3:
            raise KeyboardInterrupt
        if process.returncode != 0:
            raise TrialFailed(_why(process.returncode, log))
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
        by_params: dict[str, Trial] = {}
        for t in _ended(study):
            by_params[_key(t)] = Trial(
                t.number,
                dict(t.params),
                t.state.name.lower(),
                t.value if t.state.name == "COMPLETE" else None,
                t.user_attrs.get("failure"),
                float(t.user_attrs.get("seconds", 0.0)),
                str(t.user_attrs.get("folder", "")),
            )
        trials = sorted(by_params.values(), key=lambda t: t.number)
        scored = [t for t in trials if t.value is not None]
        best = (max if self.higher else min)(scored, key=lambda t: t.value, default=None)  # type: ignore[arg-type,return-value]
        return SearchResult(self.metric, tuple(trials), best, (), self._all_done(study))

    def _rerun(self, result: SearchResult) -> SearchResult:
        """The winner on seeds that took no part in choosing it: the best of many is lucky by construction."""
        assert result.best is not None
        fresh = []
        for i in range(self.settings.winner_seeds):
            seed = 10_000 + self.settings.seed + i
            params = {**result.best.params, "seed": seed}
            folder = self.out / "winner" / f"seed-{seed}"
            done = folder / "run.json"
            if not done.is_file() or Run.open(folder).status != "finished":
                self.say(f"the winner again, seed {seed}")
                self.train(params, folder)
            fresh.append(self._value(folder))
        return SearchResult(result.metric, result.trials, result.best, tuple(fresh), result.finished)


def _ended(study: Any) -> list[Any]:
    """Trials that are over: scored, pruned, or failed with a reason; a kill's remains do not count."""
    return [
        t
        for t in study.get_trials(deepcopy=False)
        if t.state.name in ("COMPLETE", "PRUNED") or (t.state.name == "FAIL" and "failure" in t.user_attrs)
    ]


def _running(trials: Sequence[Any]) -> int:
    return sum(t.state.name == "RUNNING" for t in trials)


def _key(trial: Any) -> str:
    return io.fingerprint(
        [dict(sorted((trial.params or trial.system_attrs.get("fixed_params", {})).items()))]
    )


def _suggest(trial: Any, key: str, of: Range | list[Any]) -> Any:
    if isinstance(of, list):
        return trial.suggest_categorical(key, of)
    if of.whole:
        return trial.suggest_int(key, int(of.low), int(of.high), log=of.log, step=int(of.step or 1))
    return trial.suggest_float(key, of.low, of.high, log=of.log, step=of.step)


def _plain_space(space: Mapping[str, Any]) -> dict[str, Any]:
    return {k: of.model_dump() if isinstance(of, Range) else of for k, of in sorted(space.items())}


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Lets a trial write its checkpoint; ends it if it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _why(code: int, log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    said = next(
        (line for line in reversed(lines) if line.startswith("error:")), lines[-1] if lines else "no word"
    )
    if code in (-signal.SIGKILL, 137):
        return f"killed, as the system does when memory runs out; last: {said[:160]}"
    return f"exit {code}: {said.removeprefix('error: ')[:200]}"


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.split('//')[0]}//...@{tail}" if at else url


def _opened(open_: Callable[[], Any], tries: int = 5) -> Any:
    """Workers that start together all make the tables; all but the first fail, and find them when they look again."""
    for left in reversed(range(tries)):
        try:
            return open_()
        except Exception as e:
            if not left or ("UNIQUE constraint" not in str(e) and "already exists" not in str(e)):
                raise
            time.sleep(0.2)
