"""The examples of a run's split, for commands that look at a run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finetooth.cli._output import say
from finetooth.errors import FinetoothError, UsageError
from finetooth.runs import Run, read_lines
from finetooth.types import Dataset, Example


@dataclass(frozen=True)
class Split:
    """``data``: all examples of the split as they were read and drawn; ``trained``: those the gate let through."""

    name: str
    data: Dataset
    trained: Sequence[Example]


def of_run(run: Run, split: str, data: str | None = None) -> Split:
    """The split that ``run`` used, or the examples of ``data`` in its place.

    Raises UsageError for a split that the run does not have, and where its data are gone. Data that are not
    those the run was trained on are told apart by their fingerprint, and said.
    """
    from finetooth import readers
    from finetooth.train import data as splitting

    config = run.config
    options = config.data.reading
    if data is not None:
        found = readers.load(data, task=config.task, format=None, **options)
    else:
        if split not in ("train", "dev"):
            raise UsageError(f"a run has the splits train and dev, not {split!r}", cure="give --data FILE")
        try:
            splits = splitting.load(config)
        except FinetoothError as e:
            raise UsageError(
                f"the data of the run cannot be read: {e.what}",
                where=e.where or str(run.folder),
                cure="run from the folder it was trained from, or give --data FILE",
            ) from None
        chosen = splits.train if split == "train" else splits.dev
        if chosen is None:
            raise UsageError("the run has no dev set", where=str(run.folder), cure="--split train")
        found = chosen
    gone = _gone(run)
    kept = [e for e in found.examples if split != "train" or e.id not in gone]
    known = ((run.info.get("data") or {}).get(split) or {}).get("fingerprint")
    if known and splitting.subset(found, kept).fingerprint != known and _drawn(run, split, found) != known:
        say(f"warning: {found.source} is not what the run had as {split} (another fingerprint)")
    return Split(split, found, kept)


def _drawn(run: Run, split: str, whole: Dataset) -> str:
    """The fingerprint of what the run would have drawn from ``whole`` for the split: a share, a sample, what passed."""
    from finetooth.train import data as splitting

    settings = run.config.data
    drawn: Dataset | None = whole
    if settings.dev is None:
        train, dev, _ = splitting.hold_out(whole, settings.dev_share, seed=settings.sample_seed)
        drawn = train if split == "train" else dev
    if drawn is None:
        return ""
    most = settings.max_train_examples if split == "train" else settings.max_dev_examples
    drawn, _ = splitting.sample(drawn, most, seed=settings.sample_seed)
    gone = _gone(run) if split == "train" else set()
    return splitting.subset(drawn, [e for e in drawn.examples if e.id not in gone]).fingerprint


def _gone(run: Run) -> set[str]:
    """Ids of the training examples that the gate of checks kept out."""
    rows = read_lines(run.folder / "dropped.jsonl", say)
    return {r["example_id"] for r in rows if r.get("stage") == "gate"}
