"""Trackers are mirrors of the run folder: what they get are the rows of steps.jsonl, as they are written.

One that fails is let go of, and the run goes on.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from finetooth.errors import UsageError

# Of the events of training; the rows of the step log are passed on as on_log.
EVENTS = [name for name in dir(TrainerCallback) if name.startswith("on_") and name != "on_log"]
GOES_ON = ("tensorboard", "trackio")
CURE = "pip install 'finetooth[track]', or track=none"


def require(name: str) -> None:
    """Raises UsageError, before anything has begun, if the tracker is not installed."""
    if name == "none":
        return
    spec = importlib.util.find_spec(name)
    # A folder of that name with a tracker's files in it, as wandb leaves them, is found as well.
    if spec is None or spec.origin is None:
        raise UsageError(f"the tracker {name} is not installed", where="track", cure=CURE)


def settings(name: str, folder: Path) -> dict[str, str]:
    """What a tracker is told in the environment, where that does not say otherwise already: local, offline."""
    place = str(folder.resolve())
    known = {
        "tensorboard": {"TENSORBOARD_LOGGING_DIR": place},
        "trackio": {},
        "wandb": {"WANDB_MODE": "offline", "WANDB_DIR": place, "WANDB_PROJECT": "finetooth"},
        "mlflow": {"MLFLOW_TRACKING_URI": f"sqlite:///{place}/mlflow.db"},
    }[name]
    return {key: value for key, value in known.items() if key not in os.environ}


def place_name(folder: Path) -> str:
    """What trackio calls the run: its folder's name, and what tells it from one of that name elsewhere or before."""
    try:
        created = json.loads((folder / "run.json").read_text("utf-8")).get("created", "")
    except (OSError, ValueError):
        created = ""
    place = folder.resolve()
    return f"{place.name}-{hashlib.sha256(f'{place} {created}'.encode()).hexdigest()[:8]}"


def mirror(name: str, folder: Path, say: Callable[[str], None]) -> Mirror | None:
    """The integration of transformers of that name, kept from doing harm; None for "none".

    Local and offline unless the environment says otherwise. Files go into the run's ``track`` folder;
    trackio has one place for all runs of a machine, TRACKIO_DIR.
    """
    if name == "none":
        return None
    place = folder / "track"
    own = settings(name, place)
    if own:
        place.mkdir(parents=True, exist_ok=True)
    try:
        from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

        with told(own):
            inner = INTEGRATION_TO_CALLBACK[name]()
    except Exception as e:
        say(f"tracker {name} did not start ({_line(e)}); the run goes on without it")
        return None
    # Of the trackers only this one keeps the runs of all folders in one place.
    called = place_name(folder) if name == "trackio" else ""
    return Mirror(name, inner, folder / "steps.jsonl", own, say, called=called)


@contextmanager
def told(environment: dict[str, str]) -> Iterator[None]:
    """The environment for a while, so that the next run of this process has its own; prints go to stderr."""
    os.environ.update(environment)
    try:
        # Standard output belongs to results.
        with redirect_stdout(sys.stderr):
            yield
    finally:
        for key in environment:
            os.environ.pop(key, None)


class Mirror(TrainerCallback):
    """Passes every event and every row of ``steps`` on to ``inner`` until it fails once.

    ``called`` is the run's name there, "" for the one that the training arguments have.
    """

    def __init__(
        self,
        name: str,
        inner: TrainerCallback,
        steps: Path,
        environment: dict[str, str],
        say: Callable[[str], None],
        *,
        called: str = "",
    ) -> None:
        self.name, self.inner, self.steps, self.say, self.called = name, inner, steps, say, called
        self.environment = environment
        self.works, self.begun = True, False
        # A resumed run goes on in the same place where the tracker can, and begins anew where it cannot.
        self._read = steps.stat().st_size if name in GOES_ON and steps.is_file() else 0
        self._last: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def _pass_on(self, event: str, *args: Any, **values: Any) -> None:
        if not self.works:
            return
        if self.called:
            arguments = copy.copy(args[0])
            arguments.run_name = self.called
            args = (arguments, *args[1:])
        self._last = args, values
        try:
            with told(self.environment):
                if event == "on_train_end":
                    self._catch_up()
                getattr(self.inner, event)(*args, **values)
                if event == "on_train_begin":
                    self.begun = True
                elif event == "on_step_end":
                    self._catch_up()
        except Exception as e:
            self.works = False
            self.say(f"tracker {self.name} failed ({_line(e)}); the run goes on without it")

    def _catch_up(self) -> None:
        """The rows that were written since, each as of its own step."""
        (args, state, control, *_), values = self._last
        with open(self.steps, "rb") as f:
            f.seek(self._read)
            new = f.read()
        new = new[: new.rfind(b"\n") + 1]
        self._read += len(new)
        for line in new.splitlines():
            row = json.loads(line)
            then = copy.copy(state)
            then.global_step = row.pop("step")
            logs = {k.replace("dev_", "eval_", 1) if k.startswith("dev_") else k: v for k, v in row.items()}
            self.inner.on_log(args, then, control, logs=logs, **values)

    def close(self) -> None:
        """The end of the run, also of one that was stopped, so that the next one does not go on in it."""
        if self.begun:
            self.on_train_end(*self._last[0], **self._last[1])  # type: ignore[misc]
            self.begun = False
            if self.name == "wandb" and self.works:
                self._end_wandb()

    def _end_wandb(self) -> None:
        # Transformers leaves it open until the process ends; its settings are read once a set-up.
        try:
            with told(self.environment):
                self.inner._wandb.finish()  # type: ignore[attr-defined]
                self.inner._wandb.teardown()  # type: ignore[attr-defined]
        except Exception as e:
            self.say(f"tracker wandb did not end well ({_line(e)})")


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _event(name: str) -> Callable[..., None]:
    # What an inner callback returns would be the loop's control: a mirror has no say in it.
    def forward(self: Mirror, *args: Any, **values: Any) -> None:
        self._pass_on(name, *args, **values)

    forward.__name__ = name
    return forward


for _name in EVENTS:
    setattr(Mirror, _name, _event(_name))
