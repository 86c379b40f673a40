"""The classifier of sentence pairs: sums of hidden states, and a linear layer."""

from __future__ import annotations

import torch
from torch import nn


class Pooled(nn.Module):
    """Logits (windows, classes) of hidden states (windows, length, size), pooled by weights (windows, length)."""

    def __init__(self, size: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(size, classes)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, hidden: torch.Tensor, first: torch.Tensor, second: torch.Tensor | None = None
    ) -> torch.Tensor:
        u = torch.einsum("nl,nld->nd", first.to(hidden.dtype), hidden)
        if second is not None:
            v = torch.einsum("nl,nld->nd", second.to(hidden.dtype), hidden)
            u = torch.cat([u, v, (u - v).abs(), u * v], dim=-1)
        return self.out(self.dropout(u))
