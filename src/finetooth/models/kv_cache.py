"""A key-value cache with room to grow: a token is written where it belongs instead of copying all before it.

transformers' own concatenates: a batch of 32 answers of 300 tokens then copies more at each step than the
weights of a small model hold.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from finetooth.models.generation import ROOM


class RoomyLayer(DynamicLayer):
    """``keys`` and ``values`` are views of the filled part of tensors with room behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.space: list[torch.Tensor] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Appends (rows, heads, new tokens, size) and returns all, as the layer it stands for does."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        at = self.get_seq_length()
        end = at + key_states.shape[-2]
        if not self.space or end > self.space[0].shape[-2]:
            old = (self.keys, self.values) if at else ()
            self.space = [_grown(new, end + end // 4 + ROOM) for new in (key_states, value_states)]
            for space, filled in zip(self.space, old, strict=False):
                space[..., :at, :] = filled  # type: ignore[assignment]
        for space, new in zip(self.space, (key_states, value_states), strict=True):
            space[..., at:end, :] = new
        self.keys, self.values = (space[..., :end, :] for space in self.space)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keeps these rows, in this order."""
        if not self.space:
            return
        at = self.get_seq_length()
        for i, space in enumerate(self.space):
            kept = _grown(space, space.shape[-2], rows=len(indices))
            kept[..., :at, :] = space[..., :at, :].index_select(0, indices)
            self.space[i] = kept
        self.keys, self.values = (space[..., :at, :] for space in self.space)


def _grown(like: torch.Tensor, tokens: int, *, rows: int | None = None) -> torch.Tensor:
    return like.new_empty(rows or like.shape[0], like.shape[1], tokens, like.shape[3])


def new_cache(model: Any) -> Cache:
    """An empty cache for this model; layers with a window of their own keep transformers' kind."""
    cache = DynamicCache(config=model.config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
