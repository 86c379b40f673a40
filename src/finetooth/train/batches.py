"""Batches by token budget: windows of like length together, so that little is padded and no maximum is.

A *batch* is what goes through the model at once: its windows times its longest one are at most
``batch_tokens``, with lengths rounded up as the heads pad them. An *update* is the batches between two
optimiser steps. The whole run is planned before it starts, from (seed, epoch) alone: a resumed run goes on
in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finetooth.models.sequences import rounded

# Batches that are sorted by length together: the more, the less padding, and the less chance in
# which windows meet. 50 leaves 1 to 3 % padding on contexts of 50 to 400 tokens.
CHUNK_BATCHES = 50
CURRICULUM_CHUNK_BATCHES = 10


@dataclass(frozen=True)
class Update:
    """One optimiser step: its epoch and its batches, each an array of window numbers."""

    epoch: int
    batches: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Plan:
    """Every update of a run, in order. ``ends[e]`` is the number of updates done when epoch e ends.

    ``tokens`` counts real tokens, ``padded`` with padding. The last epoch may be cut by ``max_steps``.
    """

    updates: tuple[Update, ...]
    ends: tuple[int, ...]
    tokens: int
    padded: int

    def __len__(self) -> int:
        return len(self.updates)

    @property
    def epochs(self) -> int:
        return len(self.ends)

    @property
    def padding(self) -> float:
        """The share of the tokens that go through the model which are padding, 0..1."""
        return 1 - self.tokens / self.padded if self.padded else 0.0

    def ends_epoch(self, step: int) -> int | None:
        """The epoch that is over once ``step`` updates are done; None inside one."""
        return self.ends.index(step) if step in self.ends else None


def plan(
    lengths: Sequence[int],
    *,
    batch_tokens: int,
    accumulation: int = 1,
    epochs: int,
    max_steps: int | None = None,
    seed: int,
    difficulty: Sequence[float] | None = None,
) -> Plan:
    """All updates for windows of these lengths (tokens). ``max_steps`` overrides ``epochs``.

    With ``difficulty`` (one number a window) the first epoch goes from easy to hard, later ones do not.
    """
    if not len(lengths):
        raise ValueError("no windows to plan for")
    sizes = np.asarray(lengths, np.int64)
    wide = rounded(sizes)
    updates: list[Update] = []
    ends: list[int] = []
    tokens = padded = 0
    epoch = 0
    while len(updates) < max_steps if max_steps is not None else epoch < epochs:
        rng = np.random.default_rng([seed, epoch])
        order = None if difficulty is None or epoch else np.asarray(difficulty, np.float64)
        batches = epoch_batches(wide, batch_tokens=batch_tokens, rng=rng, difficulty=order)
        for at in range(0, len(batches), accumulation):
            if len(updates) == max_steps:
                break
            group = tuple(batches[at : at + accumulation])
            updates.append(Update(epoch, group))
            tokens += sum(int(sizes[b].sum()) for b in group)
            padded += sum(int(wide[b].max()) * len(b) for b in group)
        ends.append(len(updates))
        epoch += 1
    return Plan(tuple(updates), tuple(ends), tokens, padded)


def epoch_batches(
    lengths: np.ndarray,
    *,
    batch_tokens: int,
    rng: np.random.Generator,
    difficulty: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Every window once, in batches of random order.

    Windows are shuffled and cut into large chunks; each chunk is sorted by length and cut to the
    budget; what does not fill a batch moves on to the next chunk; then the batches are shuffled, so
    that length says nothing about when a window is seen. A window beyond the budget is a batch alone.
    """
    order = rng.permutation(len(lengths))
    size = CHUNK_BATCHES
    if difficulty is not None:
        order = order[np.argsort(difficulty[order], kind="stable")]
        size = CURRICULUM_CHUNK_BATCHES
    count = max(1, round(int(lengths.sum()) / (size * batch_tokens)))
    batches: list[np.ndarray] = []
    left = order[:0]
    chunks = np.array_split(order, min(count, len(order)))
    for i, chunk in enumerate(chunks):
        chunk = np.concatenate([left, chunk])
        # Longest first: what is left over are then the shortest, which fit in anywhere.
        chunk = chunk[np.argsort(-lengths[chunk], kind="stable")]
        cut = _cut(lengths[chunk], batch_tokens)
        pieces = np.split(chunk, cut)
        left = order[:0]
        if i + 1 < len(chunks) and len(pieces) > 1:
            left = pieces.pop()
        if difficulty is not None:
            pieces = [pieces[j] for j in rng.permutation(len(pieces))]
        batches += pieces
    if difficulty is None:
        batches = [batches[j] for j in rng.permutation(len(batches))]
    return batches


def _cut(lengths: np.ndarray, batch_tokens: int) -> list[int]:
    """Where to cut windows of falling length so that count x longest stays in the budget."""
    cuts: list[int] = []
    at = 0
    while True:
        at += max(1, batch_tokens // int(lengths[at]))
        if at >= len(lengths):
            return cuts
        cuts.append(at)
