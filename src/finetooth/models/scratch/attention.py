"""Attention: every token looks at every other and takes a mean of what it finds, weighted by how well they fit."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from finetooth.models.attention import products, suits
from finetooth.models.scratch.positions import rotate


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """(softmax(q k' / sqrt(d)) v, the weights), written out: the definition that the fast kernel is tested against.

    query (..., n, d), key and value (..., m, d), mask broadcast to (..., n, m), True where one may look;
    gives (..., n, d) and (..., n, m). Scaled dot-product attention: Vaswani et al. 2017, equation 1.
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        # Not minus infinity: a row that may look nowhere would be 0/0.
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1)
    return weights @ value, weights


class MultiHeadAttention(nn.Module):
    """Self-attention in several subspaces at once: (batch, n, width) -> (batch, n, width).

    Queries, keys and values are one projection of 3 x width (in this order), which is one large matrix
    product instead of three small ones; its rows are those of ``torch.nn.MultiheadAttention.in_proj_weight``.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor | None = None,
        rotary: tuple[torch.Tensor, torch.Tensor] | None = None,
        *,
        want_weights: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """``mask`` (batch, 1, 1, n) is True at real tokens, None where all are; ``rotary`` as ``rotary_tables`` makes.

        Gives the result and, if wanted, the weights (batch, heads, n, n), which costs the fast kernel.
        """
        batch, n, width = x.shape
        # (batch, n, 3 width) -> three of (batch, heads, n, width / heads)
        parts = self.qkv(x).view(batch, n, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if rotary is None:
            q, k, v = parts
        else:
            both, last = parts.split((2, 1))
            (q, k), v = rotate(both, *rotary), last.squeeze(0)
        weights, dropout = None, self.dropout if self.training else 0.0
        if want_weights:
            mixed, weights = attend(q, k, v, mask)
        elif suits(q, k, training=self.training):
            mixed = products(q, k, v, mask, dropout=dropout)
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
        return self.out(mixed.transpose(1, 2).reshape(batch, n, width)), weights
