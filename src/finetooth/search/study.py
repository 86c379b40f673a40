"""Optuna's side of a search: the storage, the trials in it, and which of them a dead worker left behind."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from finetooth import io
from finetooth.errors import UsageError
from finetooth.search.results import Trial
from finetooth.search.space import Range

HEARTBEAT_S, GRACE_BEATS = 15, 4  # a worker that is silent for a minute is dead
PLAN_WAIT_S = 30
ALIVE = ("COMPLETE", "PRUNED", "RUNNING", "WAITING")


def storage(url: str, *, heartbeat_s: int = HEARTBEAT_S) -> Any:
    """Optuna's storage at a database URL, heartbeats on. Raises UsageError where it cannot be opened."""
    try:
        import optuna
    except ImportError:
        raise UsageError("a search needs optuna", cure='pip install "finetooth[search]"') from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # The address of hosts and manuals; SQLAlchemy wants the driver named.
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            url = "postgresql+psycopg://" + url.removeprefix(short)
    engine: dict[str, Any] = {"pool_pre_ping": True}  # a database that was restarted is no reason to stop
    if url.startswith("sqlite"):
        engine = {"connect_args": {"timeout": 60}}
    grace = GRACE_BEATS * heartbeat_s
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)  # heartbeats
    try:
        opened = _opened(
            lambda: optuna.storages.RDBStorage(
                url, engine_kwargs=engine, heartbeat_interval=heartbeat_s, grace_period=grace
            )
        )
    except ImportError as e:
        raise UsageError(
            f"no driver for this storage: {e}",
            where=without_password(url),
            cure='pip install "finetooth[search]"',
        ) from None
    except Exception as e:  # whatever the driver raises, the cause is the address
        raise UsageError(
            f"the storage cannot be opened: {' '.join(str(e).split())[:200]}",
            where=without_password(url),
            cure="is the database running, and are name and password right?",
        ) from None
    if url.startswith("sqlite"):
        _one_at_a_time(opened.engine)
    return opened


def _one_at_a_time(engine: Any) -> None:
    """Makes SQLite lock when a transaction begins, not at its first write.

    Optuna reads that a trial waits and then takes it; two workers that both read first would both take it. Other
    databases lock the row.
    """
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def plain(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver begins no transactions of its own

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    engine.dispose()  # connections made before


def _opened(open_: Callable[[], Any], tries: int = 8) -> Any:
    """Workers that start together all make the tables; all but the first fail, and find them when they look again."""
    for left in reversed(range(tries)):
        try:
            return open_()
        except Exception as e:
            known = (
                "UNIQUE constraint",
                "already exists",
                "duplicate key",
                "UndefinedTable",
                "no such table",
            )
            if not left or not any(k in str(e) for k in known):
                raise
            time.sleep(0.25)


def without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    return f"{head.split('//')[0]}//...@{tail}" if at else url


def plan(study: Any, planned: Sequence[Mapping[str, Any]], *, made: bool, alone: bool) -> None:
    """Puts the planned trials into the queue, once. ``made``: this worker made the study."""
    until = time.monotonic() + (0 if alone or made else PLAN_WAIT_S)
    while int(study.user_attrs.get("planned", 0)) < len(planned):  # a search may ask for more than it did
        if time.monotonic() >= until:
            # Its maker, if another, died before it was planned: the plan is the same whoever makes it.
            for params in planned:
                study.enqueue_trial(dict(params), skip_if_exists=not made)
            study.set_user_attr("planned", len(planned))
            return
        time.sleep(0.1)


def recover(study: Any, *, alone: bool, retry_failed: bool = False) -> int:
    """Puts back into the queue what dead workers left running; how many. They go on in their own folder.

    ``alone``: no other worker lives, so that whatever runs is a dead one's. Else it is one without a heartbeat.
    """
    import optuna

    running = [t for t in study.get_trials(deepcopy=False) if t.state.name == "RUNNING"]
    if running and not alone:
        optuna.storages.fail_stale_trials(study)
        # Killed between being taken and its first heartbeat, it would never be missed.
        grace = GRACE_BEATS * study._storage.get_heartbeat_interval()
        old = datetime.now() - timedelta(seconds=5 * grace)  # other machines' clocks may be off
        running = [t for t in running if "folder" not in t.user_attrs and (t.datetime_start or old) < old]
    for trial in running:
        with suppress(ValueError, optuna.exceptions.UpdateFinishedTrialError):  # another worker did
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    trials = study.get_trials(deepcopy=False)
    known = {key(t) for t in trials if t.state.name in ALIVE}
    back = 0
    for trial in trials:
        # A failure that is told (a crash, no memory) stands unless asked otherwise; one without a word was a kill.
        told = "failure" in trial.user_attrs and not retry_failed
        if trial.state.name == "FAIL" and not told and params(trial) and key(trial) not in known:
            study.enqueue_trial(params(trial))
            known.add(key(trial))
            back += 1
    return back


def params(trial: Any) -> dict[str, Any]:
    """A trial's values: those it was given and those it drew. A kill may leave only some of the latter."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def is_planned(trial: Any) -> bool:
    """Whether it came out of the queue. With none in it, Optuna makes a trial up."""
    return "fixed_params" in trial.study._storage.get_trial_system_attrs(trial._trial_id)


def key(trial: Any) -> str:
    return io.fingerprint([dict(sorted(params(trial).items()))])


def ended(trials: Sequence[Any]) -> list[Any]:
    """Trials that are over: scored, pruned, or failed with a reason. A kill's remains do not count, nor does a
    failure that was tried again."""
    over = [t for t in trials if t.state.name in ("COMPLETE", "PRUNED")]
    again = {key(t) for t in trials if t.state.name in ALIVE}
    failed = {key(t): t for t in trials if t.state.name == "FAIL" and "failure" in t.user_attrs}
    return over + [t for k, t in failed.items() if k not in again]


def count(trials: Sequence[Any], state: str) -> int:
    return sum(t.state.name == state for t in trials)


def place(study: Any, number: int) -> int:
    """How many trials came before this one, without a kill's remains: the same with and without kills."""
    trials = study.get_trials(deepcopy=False)
    again = {key(t) for t in trials if t.state.name in ALIVE}
    before = [t for t in trials if t.number < number]
    # A failure that was tried again is counted where that trial stands.
    return sum(t.state.name != "FAIL" or ("failure" in t.user_attrs and key(t) not in again) for t in before)


def suggest(trial: Any, key: str, of: Range | list[Any]) -> Any:
    if isinstance(of, list):
        return trial.suggest_categorical(key, of)
    if of.whole:
        return trial.suggest_int(key, int(of.low), int(of.high), log=of.log, step=int(of.step or 1))
    return trial.suggest_float(key, of.low, of.high, log=of.log, step=of.step)


def results(study: Any) -> list[Trial]:
    """Every set of values that was tried, once, as it ended last."""
    by_params: dict[str, Trial] = {}
    for t in ended(study.get_trials(deepcopy=False)):
        known = by_params.get(key(t))
        by_params[key(t)] = Trial(
            known.number if known else t.number,
            params(t),
            t.state.name.lower(),
            t.value if t.state.name == "COMPLETE" else None,
            t.user_attrs.get("failure"),
            float(t.user_attrs.get("seconds", 0.0)),
            str(t.user_attrs.get("folder", "")),
        )
    return sorted(by_params.values(), key=lambda t: t.number)
