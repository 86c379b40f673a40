"""What a search may change: typed spaces over the keys of a configuration, and sweeps ready to run.

space:
  train.learning_rate: {low: 1.0e-5, high: 1.0e-3, log: true}
  train.batch_tokens: [2048, 4096, 8192]
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from finetooth.errors import ConfigError


class Range(BaseModel):
    """Numbers from ``low`` to ``high``, both included; ``log`` spreads them by ratio. Integers if both are."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @model_validator(mode="after")
    def _order(self) -> Range:
        if not self.low <= self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs low above 0 and no step")
        return self

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    def draw(self, rng: np.random.Generator) -> int | float:
        if self.step is not None:
            n = math.floor((self.high - self.low) / self.step + 1e-9)
            value = self.low + self.step * int(rng.integers(0, n + 1))
        elif self.log:
            value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = rng.uniform(self.low, self.high + (1 if self.whole else 0))
        if self.whole:
            return min(int(value), int(self.high))
        return float(f"{min(max(value, self.low), self.high):.6g}")

    def values(self) -> list[int | float]:
        """All values, for a grid: every integer or step; at most 1,000."""
        if not self.whole and self.step is None:
            raise ConfigError(f"a grid needs a step or a list, found {self.low} to {self.high}")
        step = self.step or 1
        n = math.floor((self.high - self.low) / step + 1e-9) + 1
        if n > 1000:
            raise ConfigError(
                f"a grid of {n} values from {self.low} to {self.high}", cure="give a step or a list"
            )
        return [self.low + i * step for i in range(n)]


Choices = list[Any]
Space = Mapping[str, Range | Choices]


class SearchConfig(BaseModel):
    """A search: the run to start from, what may change, and how much may be spent."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    base: str | None = None
    config: dict[str, Any] | None = None
    space: dict[str, Range | Choices] = Field(default_factory=dict)
    sweep: str | None = None
    curate: str | None = None
    metric: str | None = None
    split: str = "dev"
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    prune: bool = False
    trials: int | None = Field(None, ge=1)
    minutes: float | None = Field(None, gt=0)
    steps: int | None = Field(None, ge=1)
    winner_seeds: int = Field(3, ge=0)
    seed: int = Field(0, ge=0)
    storage: str | None = None
    heartbeat_seconds: int = Field(15, ge=1)
    retry_failed: bool = False
    out: str

    @model_validator(mode="after")
    def _makes_sense(self) -> SearchConfig:
        if (self.base is None) == (self.config is None):
            raise ValueError("give either base (a file) or config (a mapping)")
        if not self.space and self.sweep is None:
            raise ValueError("give a space or a sweep")
        if self.trials is None and self.minutes is None and self.steps is None and self.sampler != "grid":
            raise ValueError("give a budget: trials, minutes or steps")
        for key, choices in self.space.items():
            if isinstance(choices, list) and not choices:
                raise ValueError(f"space.{key} has no values")
        named = [k for k in [*self.space, *SWEEPS.get(self.sweep or "", ())] if k.startswith("curate.")]
        if named and self.curate is None:
            raise ValueError(
                f"{named[0]} needs curate, a run that was mapped: finetooth map RUN, then curate: RUN"
            )
        return self


# Named sweeps: each a space that is worth running as it stands.
SWEEPS: dict[str, dict[str, Any]] = {
    "baseline-seeds": {"seed": [0, 1, 2, 3, 4]},
    "learning-rate": {"train.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}},
    "batch-and-rate": {
        "train.learning_rate": {"low": 5e-5, "high": 1e-3, "log": True},
        "train.batch_tokens": [1024, 2048, 4096, 8192],
        "train.warmup_steps": [0, 25, 50, 100],
    },
    "lora": {
        "model.strategy": ["lora"],
        "model.lora_rank": [4, 8, 16, 32],
        "model.lora_alpha": [8, 16, 32],
        "train.learning_rate": {"low": 1e-4, "high": 3e-3, "log": True},
    },
    "freezing": {"model.strategy": ["partial"], "model.freeze_share": [0.0, 0.25, 0.5, 0.75]},
    "smoothing": {"train.label_smoothing": [0.0, 0.05, 0.1, 0.2]},
    # Those below need curate: a run that was mapped. None leaves a filter out.
    "filtering": {
        "curate.ambiguous.top": [None, 0.33, 0.5, 0.75],
        "curate.confidence.low": [None, 0.05, 0.1, 0.2],
        "curate.near-duplicate": [False, True],
    },
    "weighting": {
        "curate.weights.scale": [None, 0, 0.25, 0.5, 1.0],
        "curate.weights.high": [3, 10],
        "curate.smoothing.factor": [None, 0.3, 0.6],
        "curate.curriculum": [False, True],
    },
    "combined": {
        "curate.confidence.low": [None, 0.05, 0.1, 0.2],
        "curate.weights.scale": [None, 0.25, 0.5],
        "curate.smoothing.factor": [None, 0.6],
        "train.learning_rate": {"low": 5e-5, "high": 1e-3, "log": True},
    },
}


def assignment(space: Space, number: int, seed: int) -> dict[str, Any]:
    """The values of trial ``number``: the same on every machine, whichever worker takes it."""
    rng = np.random.default_rng([seed, number])
    return {
        key: of.draw(rng) if isinstance(of, Range) else of[int(rng.integers(0, len(of)))]
        for key, of in sorted(space.items())
    }


def grid(space: Space) -> list[dict[str, Any]]:
    """Every combination, in the order of the keys."""
    import itertools

    keys = sorted(space)
    lists = [of.values() if isinstance(of := space[k], Range) else list(of) for k in keys]
    size = math.prod(map(len, lists))
    if size > 10_000:
        raise ConfigError(
            f"a grid of {size:,} trials", cure="use sampler: random or tpe with a number of trials"
        )
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*lists)]
