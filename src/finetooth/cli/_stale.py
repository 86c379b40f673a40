"""Says where a table was made of data that have changed since, and of how many rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetooth.cli._output import say
from finetooth.curate import stale
from finetooth.curate.table import Table
from finetooth.errors import FinetoothError
from finetooth.text import many
from finetooth.types import Dataset


def told(dataset: Dataset, table: Table, source: Path) -> int | None:
    """How many rows are not those that the table speaks of, None where that cannot be told; warns where there are
    any. A part of the data, or data with rows added, is no change."""
    run = _run_of(source)
    split = "dev" if "dev" in source.stem.replace("-", ".").replace("_", ".").split(".") else "train"
    known = _fingerprints(run, split) if run is not None else []
    if known and stale.is_of(dataset, table, known):
        return 0
    found = stale.changed(dataset, table)
    if found is None and run is not None and known:
        before = _data_of(run, split, known)
        found = None if before is None else stale.differing(dataset, before)
        if found is None:
            say(
                f"warning: {dataset.source} is not what {source} was made of (another fingerprint), or a part of it: "
                "whether rows of the same id have changed cannot be told; finetooth diagnose keeps what can"
            )
    if found:
        say(
            f"warning: {many(len(found), 'row')} of {dataset.source} changed since {source} was made (first: "
            f"{found[0]}): what it says of them is of what they were; train and map again"
        )
    return None if found is None else len(found)


def _run_of(source: Path) -> Any:
    """The run that a table lies in, None for a table of its own."""
    from finetooth.runs import Run

    folder = source if source.is_dir() else source.parent
    return Run.open(folder) if (folder / "run.json").is_file() else None


def _fingerprints(run: Any, split: str) -> list[Any]:
    """Of the split as it was read, and of what the gate let through."""
    data, sources = run.info.get("data") or {}, run.info.get("sources") or {}
    return [v for v in ((data.get(split) or {}).get("fingerprint"), sources.get(split)) if v]


def _data_of(run: Any, split: str, known: list[Any]) -> Dataset | None:
    """What the run was trained on, where its files are still there and still the same."""
    from finetooth.train import data as splitting

    try:
        splits = splitting.load(run.config)
    except (FinetoothError, OSError):
        return None
    found = splits.train if split == "train" else splits.dev
    return found if found is not None and found.fingerprint in known else None
