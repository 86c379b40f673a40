"""``pretrain(config)``: a run whose task is the text itself. Its folder is what ``model.name`` can then be.

The checks do not run: nothing here is labelled. All else is as in training, checkpoints and exact resume too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from finetooth import readers, registry
from finetooth.config import Config
from finetooth.errors import ConfigError, UsageError
from finetooth.io import fingerprint
from finetooth.models.scratch import selection
from finetooth.models.scratch import text as plain
from finetooth.models.scratch.source import folder_of, is_scratch, texts_of
from finetooth.registry import Task
from finetooth.runs import Run, describe
from finetooth.train import carried_out
from finetooth.train.data import Gate, Splits
from finetooth.train.watch import Watch
from finetooth.types import Dataset, Example

HEADS = ("mlm", "electra")


def pretrain(config: Config, *, watch: Watch | None = None, command: Sequence[str] = ()) -> Run:
    """Pretrains and returns the finished run; ``model.name=RUN`` fine-tunes it.

    Where there is no ``data.dev``, ``data.dev_share`` of the texts is held out, and the best weights are
    those that foretell it best. Raises what ``train`` raises, and ConfigError for settings that do not apply.
    """
    if config.model.strategy != "full":
        raise ConfigError(
            f"model.strategy: {config.model.strategy!r}, but pretraining trains all weights", cure="full"
        )
    if config.train.weights or config.sanity:
        raise ConfigError("train.weights and sanity are for labelled examples", cure="leave them out")
    return carried_out(Run.create(config, command=command), lambda run: _run(run, watch or Watch()))


def _run(run: Run, watch: Watch) -> None:
    config = run.config
    task, splits, corpus = splits_of(config)
    described = {"train": describe(splits.train), "dev": describe(splits.dev) if splits.dev else None}
    gate = Gate({}, {})
    run.update(data=described, gate={**asdict(gate), "findings": [], "not_shown": 0}, error=None)
    from finetooth.train.stages import go

    go(run, task, splits, gate, watch, lambda *_: _built(config, task, corpus))


def splits_of(config: Config) -> tuple[Task, Splits, list[str]]:
    """The task, its examples to learn from and held out, and the texts that a tokenizer is trained on."""
    how = config.pretrain
    pairs = how.pairs and how.objective != "spans"
    examples: list[Example] = []
    if how.texts is not None:
        texts, source = plain.from_file(how.texts), how.texts
    else:
        data = readers.load(config.data.train, task=config.task, format=config.data.format)
        examples, source = list(data.examples), data.source
        texts = plain.from_examples(examples, pairs=pairs)
    if not texts:
        raise UsageError("no text to learn from", where=source)
    corpus = texts_of(examples or texts)
    texts = _drawn(texts, config.data.max_train_examples, seed=config.data.sample_seed)
    if config.data.dev is not None:
        other = readers.load(config.data.dev, task=config.task, format=config.data.format)
        held, where, note = plain.from_examples(other.examples, pairs=pairs), other.source, ""
    else:
        texts, held = _hold_out(texts, config.data.dev_share, seed=config.data.sample_seed)
        where = f"{source} (held out)"
        note = f"no dev set: held out {len(held):,} of {len(texts) + len(held):,} texts"
    held = _drawn(held, config.data.max_dev_examples, seed=config.data.sample_seed)
    task, form = plain.task(HEADS), "text"
    notes = [note] if note else []
    if how.objective == "spans":
        task, form = registry.task("qa"), "questions about text"
        texts, held = _asked(texts, config, 0), _asked(held, config, 1)
        if not texts:
            raise UsageError("no question can be made of these texts", where=source, cure="longer texts")
        notes.append(f"made {len(texts):,} questions about the texts")

    def dataset(listed: Sequence[Example], source: str) -> Dataset:
        return Dataset(task.name, tuple(listed), source, form, fingerprint(map(task.to_row, listed)))

    dev = dataset(held, where) if held else None
    return task, Splits(dataset(texts, source), dev, tuple(notes)), corpus


def _drawn(examples: list[Example], size: int | None, *, seed: int) -> list[Example]:
    if size is None or size >= len(examples):
        return examples
    return [examples[i] for i in sorted(np.random.default_rng(seed).permutation(len(examples))[:size])]


def _hold_out(texts: list[Example], share: float, *, seed: int) -> tuple[list[Example], list[Example]]:
    """(to learn from, held out): by text, so that no context is on both sides with two questions."""
    different = list(dict.fromkeys(e.inputs.text for e in texts))
    if len(different) < 2:
        return texts, []
    order = np.random.default_rng(seed).permutation(len(different))
    out = {different[i] for i in order[: max(1, round(share * len(different)))]}
    return [e for e in texts if e.inputs.text not in out], [e for e in texts if e.inputs.text in out]


def _asked(texts: Sequence[Example], config: Config, seed: int) -> list[Example]:
    how = config.pretrain
    kinds = selection.KINDS if how.questions == "both" else (how.questions,)
    rng = np.random.default_rng([config.seed, seed])
    listed = [e.inputs.text for e in texts]
    return selection.questions(listed, per_text=how.questions_per_text, rng=rng, kinds=kinds)


def _built(config: Config, task: Task, corpus: Sequence[str]) -> Any:
    from finetooth.models.load import build_head, load_config, load_tokenizer, resolve
    from finetooth.models.scratch.pretrain import MaskedHead, ReplacedHead
    from finetooth.train.build import Built

    options = config.model
    folder = folder_of(options, lambda: corpus) if is_scratch(options.name) else resolve(options.name)
    head: Any
    if config.pretrain.objective == "spans":
        head = build_head(task, options, (), "span", folder)
    else:
        load_config(folder, options)
        kind = {"mlm": MaskedHead, "electra": ReplacedHead}[config.pretrain.objective]
        head = kind(task, load_tokenizer(folder), options, config.pretrain)
    return Built(head, lambda: head.build(folder, seed=config.seed), folder)
