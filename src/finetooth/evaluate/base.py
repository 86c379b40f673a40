"""A base model before there is a run: the same prompts, parser and scores, no training.

    finetooth evaluate starter:smollm2 dev.jsonl --task json --out runs/before

Only a head without weights of its own can be asked: ``causal``, which answers in text. What a span, token or
pair head says before it is trained is drawn by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetooth.config import Config, build, differences
from finetooth.errors import ConfigError, UsageError
from finetooth.registry import Task
from finetooth.runs import OUTSIDE, Run
from finetooth.types import Example

UNTRAINED = "untrained"
HEAD = "causal"


@dataclass(frozen=True)
class Base:
    """``run`` is a folder only where one was asked for; ``note`` says what the reader of a score must know."""

    run: Run
    head: Any
    model: Any
    note: str


def is_run(name: str | Path) -> bool:
    return (Path(name) / "run.json").is_file()


def is_model(name: str | Path, *, asked: bool) -> bool:
    """Whether this is a base model rather than a run that is not there.

    A starter, a folder or a GGUF file is; a name on the hub only where options of a base model were given
    (``asked``), since a run's name that is misspelt looks like one.
    """
    path = Path(name)
    if is_run(path):
        return False
    if str(name).startswith("starter:") or path.suffix == ".gguf":
        return True
    return asked or (path / "config.json").is_file() or any(path.glob("*.gguf"))


def configure(
    name: str,
    task: Task,
    *,
    data: str,
    train: str | None = None,
    schemas: str | None = None,
    labels: Mapping[str, str] | None = None,
    head: str | None = None,
    options: Sequence[str] = (),
    seed: int = 0,
    out: str | None = None,
) -> Config:
    """What a run of this model would say of it; ``options`` are KEY=VALUE of the head.

    Raises ConfigError for a head that is only drawn at random before training, and for options it has not.
    """
    if head is None and HEAD not in task.heads:
        head = task.heads[0]
    if head not in (None, HEAD):
        raise ConfigError(
            f"the {head} head has no weights before it is trained: what it says would be drawn by chance",
            where=name,
            cure=f"finetooth train --task {task.name} --model {name} ... first; finetooth score has the floors"
            + (f"; --head {HEAD} asks a decoder in words" if HEAD in task.heads else ""),
        )
    values = {
        "task": task.name,
        "data": {"train": train or data, "dev": data, "schemas": schemas, "labels": dict(labels or {})},
        "model": {"name": name, "head": HEAD, "max_length_tokens": 16, "stride_tokens": 0},
        "seed": seed,
        "out": out or "none",
    }
    return build(values, [f"model.options.{option}" for option in options])


def load(config: Config, task: Task, examples: Sequence[Example]) -> Base:
    """The model as it comes, ready to answer. ``examples`` tell how long an answer may get, as training would;
    without any it is what the head grants where nothing is known.

    With ``config.out`` its predictions and scores get a run folder of their own, of status "untrained".
    Raises UsageError for a name that leads nowhere or a run that is already there.
    """
    from finetooth.models import head_class
    from finetooth.models.load import load_config, load_tokenizer, positions, ready, resolve

    folder = resolve(config.model.name)
    longest = positions(load_config(folder, None)) or 1 << 20
    options = config.model.model_copy(update={"max_length_tokens": longest})
    tokenizer = load_tokenizer(folder)
    if tokenizer.eos_token is None:  # said here in words of models, not of tokenizers
        raise ConfigError(
            "it cannot end a text, as an encoder's: there is nothing to ask before it is trained",
            where=config.model.name,
            cure=f"starter:smollm2, or another decoder; or finetooth train --task {task.name} "
            f"--model {config.model.name} ... first",
        )
    head = head_class(HEAD)(task, tokenizer, options, ())
    head.windows(list(examples))
    model = ready(head.build(folder))
    head.reasons.clear()
    config = config.model_copy(update={"model": options})
    return Base(_run(config), head, model, _note(config, task, head))


def _run(config: Config) -> Run:
    if config.out == "none":
        return Run(Path("none"), {"config": config.model_dump(mode="json"), "status": UNTRAINED})
    if is_run(config.out):
        # Of other data too: each split has its own predictions and scores.
        run = Run.open(config.out)
        other = differences(run.config, config, but=[*OUTSIDE, "data.train", "data.dev", "data.schemas"])
        if run.status != UNTRAINED or other:
            why = "; ".join(other[:3]) or f"it is {run.status}"
            raise UsageError(f"holds another run ({why})", where=config.out, cure="give another --out")
        return run
    run = Run.create(config)
    run.update(status=UNTRAINED)
    run.release()
    return run


def _note(config: Config, task: Task, head: Any) -> str:
    return (
        f"{config.model.name} as it comes: it has seen no example of {task.name}. "
        f"Answers may take {head.most_new_tokens():,} tokens"
        + (
            ""
            if head.max_new_tokens
            else f", a quarter more than the longest gold one in {config.data.train}"
        )
    )
