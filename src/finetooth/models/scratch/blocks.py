"""The block that an encoder is a stack of, what goes in between, and the embeddings under the stack."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from finetooth.models.scratch.attention import MultiHeadAttention
from finetooth.models.scratch.positions import sinusoids


class FeedForward(nn.Module):
    """What a token makes of what it has seen, each alone: (..., width) -> (..., width).

    gelu: two layers with the exact GELU between. swiglu: silu(a x) * (b x) (Shazeer 2020), a and b as one
    projection; at two thirds of the inner width it has as many weights.
    """

    def __init__(self, width: int, inner: int, kind: str = "gelu") -> None:
        super().__init__()
        if kind not in ("gelu", "swiglu"):
            raise ValueError(f"expected gelu or swiglu, found {kind!r}")
        self.gated = kind == "swiglu"
        self.into = nn.Linear(width, 2 * inner if self.gated else inner)
        self.out = nn.Linear(inner, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.into(x)
        if self.gated:
            gate, x = x.chunk(2, dim=-1)
            return self.out(F.silu(gate) * x)
        return self.out(F.gelu(x))


class Block(nn.Module):
    """Attention, then feed-forward, each added to what came in: (batch, n, width) -> (batch, n, width).

    post-norm normalises the sum, as the first transformers did; deep ones then need a warmup, since the
    gradient at the upper layers is large. pre-norm normalises what goes in and leaves the sum alone: there is
    a straight way from the loss to every layer (Xiong et al. 2020).
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.layer_norm_eps
        self.pre = config.norm_placement == "pre"
        self.dropout = config.hidden_dropout_prob
        self.attention = MultiHeadAttention(
            width, config.num_attention_heads, config.attention_probs_dropout_prob
        )
        self.attention_norm = nn.LayerNorm(width, eps=eps)
        self.feed_forward = FeedForward(width, config.intermediate_size, config.hidden_act)
        self.feed_forward_norm = nn.LayerNorm(width, eps=eps)

    def forward(
        self,
        x: torch.Tensor,
        mask: torch.Tensor | None = None,
        rotary: tuple[torch.Tensor, torch.Tensor] | None = None,
        *,
        want_weights: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        seen, weights = self.attention(
            self.attention_norm(x) if self.pre else x, mask, rotary, want_weights=want_weights
        )
        x = x + self._drop(seen)
        x = x if self.pre else self.attention_norm(x)
        x = x + self._drop(self.feed_forward(self.feed_forward_norm(x) if self.pre else x))
        return (x if self.pre else self.feed_forward_norm(x)), weights

    def _drop(self, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x


class Embeddings(nn.Module):
    """Word + segment + position (+ match), normalised: ids (batch, n) -> (batch, n, hidden_size)."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width = config.embedding_size or config.hidden_size
        self.kind, self.dropout, self.special = (
            config.position_kind,
            config.hidden_dropout_prob,
            config.special_tokens,
        )
        # Sines are of height 1, words of height initializer_range: unscaled they would drown the words.
        self.scale = config.initializer_range * 2**0.5
        self.words = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.segments = nn.Embedding(config.type_vocab_size, width) if config.type_vocab_size else None
        self.positions = (
            nn.Embedding(config.max_position_embeddings, width) if self.kind == "learned" else None
        )
        self.matches = nn.Embedding(3, width) if config.match_embeddings else None
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.project = nn.Linear(width, config.hidden_size) if width != config.hidden_size else None

    def forward(self, ids: torch.Tensor, segments: torch.Tensor | None = None) -> torch.Tensor:
        x = self.words(ids)
        n = ids.shape[1]
        if self.segments is not None:
            x = x + (self.segments.weight[0] if segments is None else self.segments(segments))
        if self.positions is not None:
            if n > self.positions.num_embeddings:
                raise ValueError(
                    f"{n} tokens, but there are {self.positions.num_embeddings} learned positions"
                )
            x = x + self.positions.weight[:n]
        elif self.kind == "sinusoidal":
            x = x + self.scale * sinusoids(n, x.shape[-1], ids.device)
        if self.matches is not None and segments is not None:
            x = x + self.matches(matches(ids, segments, self.special))
        x = self.norm(x)
        if self.dropout:
            x = F.dropout(x, self.dropout, self.training)
        return x if self.project is None else self.project(x)


def matches(ids: torch.Tensor, segments: torch.Tensor, special: int) -> torch.Tensor:
    """(batch, n): 0 no token like it in the other segment, 1 there is one, 2 one beside the same neighbour.

    The "exact match" feature of DrQA's reader (Chen et al. 2017, section 3.2), taken from the ids themselves.
    A model with little data learns late, or never, that equal words mean something; here it is told.
    """
    same = ids[:, :, None] == ids[:, None, :]
    same &= segments[:, :, None] != segments[:, None, :]
    same &= (ids >= special)[:, :, None]
    along = torch.zeros_like(same)
    along[:, 1:, 1:] = same[:, 1:, 1:] & same[:, :-1, :-1]
    along[:, :-1, :-1] |= along[:, 1:, 1:].clone()
    return same.any(-1).long() + along.any(-1).long()
