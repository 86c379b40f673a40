"""What is examined: a configuration's task, head, examples and fresh models; and how a rung says what it found."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.config import Config
from finetooth.registry import Task
from finetooth.train import data as splitting
from finetooth.train.build import Built, default
from finetooth.train.data import Given
from finetooth.types import Example

if TYPE_CHECKING:
    from finetooth.models.head import Head, Step, Window

# Enough to see every kind of example; encoding a hundred thousand would take longer than the rest.
TRAIN_EXAMPLES = 1000
DEV_EXAMPLES = 100
# Up to this many weights a model is also held in double precision, where a leak cannot hide in rounding.
DOUBLE_WEIGHTS = 400_000_000
# softmax(q (k + b)) does not depend on b: the gradient of a key's bias is zero but for rounding.
KEY_BIAS = re.compile(r"(^|\.)(k|key)(_proj|_lin)?\.bias$")


@dataclass(frozen=True)
class Found:
    """What a rung that holds says: a sentence, and the figures behind it."""

    said: str
    evidence: dict[str, Any] = field(default_factory=dict)
    warning: str = ""


class Broken(Exception):
    """A rung that does not hold: what was seen, what it means and what to look at."""

    def __init__(self, said: str, cure: str, **evidence: Any) -> None:
        self.said, self.cure, self.evidence = said, cure, evidence
        super().__init__(said)


class Skipped(Exception):
    """A rung that does not apply, and why."""


@dataclass
class Patient:
    """A configuration with its data read and its head made. ``fresh`` gives the model as training would begin it.

    ``examples`` and ``dev`` are samples; ``size`` is how many training examples there are in all.
    """

    config: Config
    task: Task
    head: Head
    make: Callable[[], Any]
    other: Callable[[], Any]  # the same model drawn with another seed
    examples: Sequence[Example]
    dev: Sequence[Example]
    size: int
    precision: str
    notes: tuple[str, ...] = ()
    # What earlier rungs leave for later ones.
    lost: set[str] = field(default_factory=set)

    @property
    def seed(self) -> int:
        return self.config.seed

    def fresh(self) -> Any:
        """A model as training would start from, on the GPU where there is one."""
        import torch

        torch.manual_seed(self.seed)
        return self.make().to("cuda" if torch.cuda.is_available() else "cpu")

    @cached_property
    def still(self) -> Any:
        """A fresh model that nobody trains: in evaluation mode, in double precision where it can be."""
        import torch

        model = self.fresh().eval()
        if sum(p.numel() for p in model.parameters()) > DOUBLE_WEIGHTS:
            return model
        try:
            with torch.no_grad():
                self.step(model.double(), self.windows[:1])
        except RuntimeError:
            # Some models turn to single precision on their way, and mix no others.
            model = model.float()
        return model

    @property
    def exact(self) -> bool:
        """Whether ``still`` is in double precision."""
        import torch

        return next(self.still.parameters()).dtype == torch.float64

    @cached_property
    def windows(self) -> list[Window]:
        """Windows to train on, of the examples whose target comes back from the encoding."""
        kept = [e for e in self.examples if e.id not in self.lost]
        return self.head.windows(kept)

    @cached_property
    def drawn(self) -> frozenset[str]:
        """Names of the weights that come from chance: those that another seed draws otherwise."""
        import torch

        one, two = dict(self.still.named_parameters()), dict(self.other().named_parameters())
        return frozenset(
            name
            for name, p in one.items()
            if name not in two or not torch.equal(p.detach().cpu().float(), two[name].detach().float())
        )

    @cached_property
    def from_scratch(self) -> bool:
        """Whether most of the weights come from chance."""
        sizes = {name: p.numel() for name, p in self.still.named_parameters()}
        return sum(sizes[n] for n in self.drawn) > sum(sizes.values()) / 2

    def rest(self) -> None:
        """Lets go of the model that is not trained; what it told of itself stays known."""
        _ = self.from_scratch
        self.__dict__.pop("still", None)

    def collate(self, windows: Sequence[Window], model: Any) -> dict[str, Any]:
        device = next(model.parameters()).device
        return {k: v.to(device) for k, v in self.head.collate(windows).items()}

    def step(self, model: Any, windows: Sequence[Window]) -> Step:
        return self.head.step(model, self.collate(windows, model))

    def look(self, windows: Sequence[Window], model: Any = None) -> np.ndarray:
        """(windows, 3): loss, gold probability and margin of each window in one batch, without a gradient."""
        import torch

        from finetooth.models.sequences import exact_lengths

        with torch.no_grad(), exact_lengths():
            step = self.step(self.still if model is None else model, windows)
        columns = (step.loss, step.gold_prob, step.margin)
        return np.stack([c.detach().double().cpu().numpy() for c in columns], axis=1)

    def pick(self, n: int, *, tokens: int, salt: int = 0) -> list[Window]:
        """Up to ``n`` windows that hold their gold, drawn, of at most ``tokens`` in all; at least two."""
        rng = np.random.default_rng([self.seed, salt])
        able = [w for w in self.windows if w.fields.get("holds_gold", True)] or self.windows
        drawn = [able[i] for i in rng.permutation(len(able))[: 8 * n]]
        # The shorter half of what was drawn: a rung is about the wiring, and need not wait for long texts.
        drawn = sorted(drawn, key=len)[: max(n, len(drawn) // 2)]
        drawn = [drawn[i] for i in rng.permutation(len(drawn))[:n]]
        kept: list[Window] = []
        for w in drawn:
            if len(kept) < 2 or (len(kept) + 1) * max(len(w), *map(len, kept)) <= tokens:
                kept.append(w)
        return [copy.copy(w) for w in kept]


Build = Callable[..., Built]


def admit(
    config: Config, task: Task, *, train: Given = None, dev: Given = None, build: Build | None = None
) -> Patient:
    """Reads the data, makes the head. Raises what reading, the configuration and the model's loading raise."""
    from finetooth.train import machine

    splits = splitting.load(config, train, dev)
    machine.use_threads(config.train.threads)
    machine.keep_memory()
    everything = list(splits.train.examples)
    built = (build or default)(config, task, everything)
    again = config.model_copy(update={"seed": config.seed + 1})

    def other() -> Any:
        made = (build or default)(again, task, everything)
        # What a head learns of the training set (class weights, priors) goes into its model.
        made.head.windows(sample)
        return made.model()

    some, _ = splitting.sample(splits.train, TRAIN_EXAMPLES, seed=config.data.sample_seed)
    sample = list(some.examples)
    held: list[Example] = []
    if splits.dev is not None:
        held = list(splitting.sample(splits.dev, DEV_EXAMPLES, seed=config.data.sample_seed)[0].examples)
    notes = list(splits.notes)
    if len(sample) < len(everything):
        notes.append(f"looked at {len(sample):,} of the {len(everything):,} training examples")
    precision = machine.pick_precision(config.train)[0]
    return Patient(
        config=config,
        task=task,
        head=built.head,
        make=built.model,
        other=other,
        examples=sample,
        dev=held,
        size=len(everything),
        precision=precision,
        notes=tuple(notes),
    )


def constant(config: Config, **changes: Any) -> Any:
    """The training settings with a learning rate that stays as it is from the first step on."""
    return config.train.model_copy(update={"schedule": "constant", "warmup_steps": 0, **changes})


def decays(model: Any) -> set[str]:
    """Parameters that weight decay is for: matrices, not biases and norms."""
    return {name for name, p in model.named_parameters() if p.ndim >= 2}


def names(parameters: Sequence[str], most: int = 4) -> str:
    """The first of them in words: "a, b and 3 more"."""
    shown = ", ".join(parameters[:most])
    return shown + (f" and {len(parameters) - most} more" if len(parameters) > most else "")
