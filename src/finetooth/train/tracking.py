"""Trackers are mirrors of the run folder: one that fails is let go of, and the run goes on."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from finetooth.errors import UsageError

EVENTS = [name for name in dir(TrainerCallback) if name.startswith("on_")]
LOG_EVERY_STEPS = 10


def require(name: str) -> None:
    """Raises UsageError, before anything has begun, if the tracker is not installed."""
    if name != "none" and importlib.util.find_spec(name) is None:
        raise UsageError(
            f"the tracker {name} is not installed", where="track", cure=f"pip install {name}, or track=none"
        )


def mirror(name: str, folder: Path, say: Callable[[str], None]) -> TrainerCallback | None:
    """The integration of transformers of that name, kept from doing harm; None for "none".

    Local and offline unless the environment says otherwise; files go into the run's ``track`` folder.
    """
    if name == "none":
        return None
    place = folder / "track"
    place.mkdir(parents=True, exist_ok=True)
    defaults = {
        "tensorboard": {"TENSORBOARD_LOGGING_DIR": str(place)},
        "trackio": {},
        "wandb": {"WANDB_MODE": "offline", "WANDB_DIR": str(place), "WANDB_PROJECT": "finetooth"},
        "mlflow": {"MLFLOW_TRACKING_URI": f"sqlite:///{place.resolve()}/mlflow.db"},
    }[name]
    for key, value in defaults.items():
        os.environ.setdefault(key, value)
    try:
        from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

        return Mirror(name, INTEGRATION_TO_CALLBACK[name](), say)
    except Exception as e:
        say(f"tracker {name} did not start ({_line(e)}); the run goes on without it")
        return None


class Mirror(TrainerCallback):
    """Passes every event on to ``inner`` until it fails once."""

    def __init__(self, name: str, inner: TrainerCallback, say: Callable[[str], None]) -> None:
        self.name, self.inner, self.say = name, inner, say
        self.works = True

    def _pass_on(self, event: str, *args: Any, **values: Any) -> None:
        if not self.works:
            return
        try:
            getattr(self.inner, event)(*args, **values)
        except Exception as e:
            self.works = False
            self.say(f"tracker {self.name} failed ({_line(e)}); the run goes on without it")


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
