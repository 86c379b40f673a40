"""Predictions of a trained model, in pieces that a stopped command can pick up again.

A line a prediction: {"id": "q1", "prediction": "Ada", "confidence": 0.93}
"""

from __future__ import annotations

import json
import os
import select
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from finetooth.errors import DataError, UsageError
from finetooth.io import Source, fingerprint, to_json
from finetooth.registry import Task
from finetooth.runs import Run, prediction_row
from finetooth.types import Example, Prediction

PIECE = 1024  # examples that are predicted before they are written down
Progress = Callable[[int, int], None]


def row(prediction: Prediction, task: Task) -> dict[str, Any]:
    """A prediction as ``finetooth score`` reads it."""
    return prediction_row(prediction, task.show)


def predict(
    head: Any,
    model: Any,
    task: Task,
    examples: Sequence[Example],
    *,
    batch_tokens: int = 8192,
    progress: Progress | None = None,
    journal: Path | None = None,
    key: str = "",
) -> list[Prediction]:
    """One prediction an example, in order.

    With ``journal`` every piece is written there when it is done, of a head that generates text every batch, and
    what stands there from a run that was stopped is not computed again; ``key`` says which model and data it is
    of. The caller removes it.
    """
    done = _resume(journal, key, task, examples) if journal is not None else {}
    writer = None

    def keep(places: Sequence[int], made: Sequence[Prediction]) -> None:
        new = {i: p for i, p in zip(places, made, strict=True) if i not in done}
        done.update(new)
        if writer is not None:
            writer.writelines(_line(i, p, task) for i, p in new.items())
            writer.flush()

    try:
        if journal is not None:
            try:
                journal.parent.mkdir(parents=True, exist_ok=True)
                writer = journal.open("w", encoding="utf-8")
            except OSError as e:
                raise UsageError(f"cannot be written: {e.strerror}", where=str(journal)) from None
            writer.write(to_json({"key": key}) + "\n")
            writer.writelines(_line(i, p, task) for i, p in done.items())
            writer.flush()
        of = len(examples)
        left = [i for i in range(of) if i not in done]
        before = of - len(left)
        for start in range(0, len(left), PIECE):
            piece = left[start : start + PIECE]
            if progress is not None:
                progress(before + start, of)
            # Its own count is of examples or of batches: only the share of the piece is believed.
            inner = None if progress is None else _within(progress, before + start, len(piece), of)
            told: dict[str, Any] = {}
            if getattr(head, "tells_finished", False):
                # Minutes of generated text are not lost with the piece that they are of.
                told["finished"] = lambda at, made, piece=piece: keep([piece[i] for i in at], made)
            made = head.predict(
                model, [examples[i] for i in piece], batch_tokens=batch_tokens, progress=inner, **told
            )
            keep(piece, made)
        if progress is not None:
            progress(of, of)
    finally:
        if writer is not None:
            writer.close()
    return [done[i] for i in range(len(examples))]


def _line(at: int, prediction: Prediction, task: Task) -> str:
    return to_json({"at": at, **row(prediction, task)}) + "\n"


def _within(progress: Progress, at: int, size: int, of: int) -> Progress:
    return lambda done, all_: progress(at + size * done // max(all_, 1), of)


def _resume(journal: Path, key: str, task: Task, examples: Sequence[Example]) -> dict[int, Prediction]:
    """What a stopped command left, by place, as far as it is whole and of this model and these examples."""
    found: dict[int, Prediction] = {}
    if not journal.is_file():
        return found
    with journal.open("rb") as lines:
        try:
            if json.loads(next(lines, b"{}")).get("key") != key:
                return found
            for line in lines:
                kept = json.loads(line)
                example = examples[kept["at"]]
                if kept["id"] != example.id:
                    break
                target = task.parse(kept["prediction"], example)
                found[kept["at"]] = Prediction(example.id, target, kept["confidence"], kept["prediction"])
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, DataError):
            pass  # a line that the stop has torn
    return found


def model_key(run: Run, data_fingerprint: str, *more: object) -> str:
    """Of the weights and the examples: a journal of other ones is not gone on with."""
    files = sorted(p for p in run.model.rglob("*") if p.is_file())
    facts = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    # A base model before training has its weights elsewhere: its configuration names them.
    return fingerprint([facts or run.info.get("config"), data_fingerprint, *more])


def unlabelled(source: Source, task: Task) -> Iterator[Example] | None:
    """Examples of plain rows that have no target yet; None where the rows have one, or are no plain rows."""
    first = source.first_row
    if first is None or not task.blank or any(key in first for key in task.blank):
        return None
    return (task.from_row({**task.blank, **row}, where) for where, row in source.rows())


def arriving(stream: BinaryIO, most: int) -> Iterator[list[bytes]]:
    """Lines of a stream as they come: those that are there already, at most ``most``, at least one.

    Whoever sends one line and waits for its answer gets it; whoever sends a file gets it in batches.
    """
    try:
        handle = stream.fileno()
        select.select([handle], [], [], 0)
    except (OSError, ValueError):  # no pipe or file of the system: what is asked for is there
        while lines := list(islice(stream, most)):
            yield lines
        return
    rest, ended = b"", False
    while not ended:
        lines = []
        while not ended and (not lines or (len(lines) < most and select.select([handle], [], [], 0)[0])):
            read = os.read(handle, 1 << 16)
            ended = not read
            *whole, rest = (rest + read).split(b"\n")
            lines += whole
        if ended and rest:
            lines.append(rest)
        for at in range(0, len(lines), most):
            yield lines[at : at + most]
