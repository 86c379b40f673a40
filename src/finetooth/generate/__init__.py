"""The built-in world and what is drawn from it: records first (``world``, ``records``), told in prose
(``prose``), seen by a task (``view_qa`` ...), spoilt on request (``defects``).

``make("qa", 100, seed=1)`` gives rows of finetooth's own format; one seed makes one result.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetooth.errors import UsageError
from finetooth.generate.defects import Planted, plant
from finetooth.generate.prose import MOST_RECORDS, Document
from finetooth.machines import Spread
from finetooth.registry import pick

VIEWS = {task: f"finetooth.generate.view_{task}" for task in ("qa", "ner", "relation", "nli")}
Row = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """Rows of a task, the document that each was drawn from, and what was planted in them."""

    task: str
    rows: Sequence[Row]
    documents: Sequence[Document]
    planted: Sequence[Planted] = ()


def make(
    task: str,
    n: int,
    *,
    seed: int,
    defects: Mapping[str, float] | None = None,
    other: Sequence[Row] = (),
    records: int = MOST_RECORDS,
    spread: Spread | None = None,
) -> Made:
    """``n`` rows of a task; ``defects`` plants kinds by rate, ``other`` is the split that leaks into this one.

    ``records`` is how many records a document tells at most: more make longer texts and harder questions.

    Without defects, the first rows of a longer list are the same. Raises UsageError for an unknown
    task or kind, for rates that make more than a whole, and for a leak without ``other``.
    """
    pairs = list(stream(task, n, seed=seed, records=records, spread=spread))
    made = Made(task, [row for row, _ in pairs], [document for _, document in pairs])
    return plant_in(made, defects, seed=seed, other=other) if defects else made


def stream(
    task: str, n: int, *, seed: int, records: int = MOST_RECORDS, spread: Spread | None = None
) -> Iterator[tuple[Row, Document]]:
    """The rows of ``make`` without defects, one after another, each with its document: any number in little memory.

    Raises UsageError at once. ``spread`` writes the documents in several processes or on a cluster.
    """
    if n < 1:
        raise UsageError(f"--n: expected 1 or more, found {n}")
    if seed < 0:
        raise UsageError(f"--seed: expected 0 or more, found {seed}")
    if not 1 <= records <= MOST_RECORDS:
        raise UsageError(f"--records: expected 1 to {MOST_RECORDS}, found {records}")
    view = importlib.import_module(pick(task, VIEWS, "view of the world"))
    return view.pairs(n, seed, records=records, spread=spread)


def plant_in(made: Made, defects: Mapping[str, float], *, seed: int, other: Sequence[Row] = ()) -> Made:
    """The same with defects. Clean rows stay as they are; see ``defects.plant``."""
    rows, planted = plant(made.task, made.rows, made.documents, defects, seed=seed, other=other)
    return Made(made.task, rows, made.documents, planted)
