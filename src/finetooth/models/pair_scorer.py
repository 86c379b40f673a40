"""Scores of relations between entities from hidden states: entities by their mentions, a pair by what stands between."""

from __future__ import annotations

import torch
from torch import nn

BUCKETS = 16  # of the distance between two mentions: 1, 2, 3-4, 5-8, ... tokens, each for either order
PAIRS = 16384  # that are scored at once where no gradient is needed


class Scorer(nn.Module):
    """Logits (pairs, relations), to be read as independent yes and no.

    An entity is the log-sum-exp of its mentions (Jia et al. 2019, as in ATLOP: Zhou et al. 2021). A pair's
    features are, each through a linear map of its own and summed: both entities, those two of their
    mentions that are closest, the mean of the tokens between those, and how far they are apart; and
    besides the product of both entities, each mapped.
    """

    def __init__(
        self, size: int, relations: int, inner: int, dropout: float, priors: list[float] | None = None
    ) -> None:
        super().__init__()
        self.ends = nn.ModuleList(nn.Linear(size, 2 * inner) for _ in range(2))
        self.near = nn.ModuleList(nn.Linear(size, inner, bias=False) for _ in range(2))
        self.between = nn.Linear(size, inner, bias=False)
        self.distance = nn.Embedding(2 * BUCKETS, inner)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(2 * inner, relations)
        nn.init.normal_(self.distance.weight, std=0.02)
        nn.init.normal_(self.out.weight, std=0.02)
        # From what is common, not from a half: else the first steps only learn that relations are rare.
        with torch.no_grad():
            self.out.bias.copy_(torch.logit(torch.tensor(priors)) if priors else torch.zeros(relations))

    def forward(
        self,
        hidden: torch.Tensor,
        tokens: torch.Tensor,
        anchors: torch.Tensor,
        entity: torch.Tensor,
        ends: torch.Tensor,
        mentions: torch.Tensor,
        ranges: torch.Tensor,
        distance: torch.Tensor,
    ) -> torch.Tensor:
        """``hidden`` (sequences, length, size). ``tokens`` (tokens,) and ``anchors`` (mentions,) are places in it,
        counted through; ``entity`` (mentions,) whose each is; ``ends`` and ``mentions`` (pairs, 2) rows of
        entities and mentions; ``ranges`` (pairs, 4) two stretches of tokens; ``distance`` (pairs,)."""
        flat = hidden.reshape(-1, hidden.shape[-1])
        near = flat[anchors].float()
        each = pooled(near, entity)
        (head, head_x), (tail, tail_x) = (m(each).chunk(2, dim=-1) for m in self.ends)
        near_head, near_tail = (m(near) for m in self.near)
        # Sums over stretches as differences of running sums; in double precision, since those grow.
        run = self.between(flat[tokens]).double().cumsum(0)
        run = torch.cat([torch.zeros_like(run[:1]), run])

        def score(part: slice) -> torch.Tensor:
            (h, t), (a, b, c, d) = ends[part].unbind(1), ranges[part].unbind(1)
            between = (run[b] - run[a] + run[d] - run[c]) / (b - a + d - c).clamp(min=1)[:, None]
            x = head[h] + tail[t] + self.distance(distance[part]) + between.to(head.dtype)
            x = x + near_head[mentions[part, 0]] + near_tail[mentions[part, 1]]
            x = torch.cat([torch.tanh(x), torch.tanh(head_x[h]) * torch.tanh(tail_x[t])], dim=-1)
            return self.out(self.dropout(x)).float()

        if torch.compiler.is_exporting():  # a loop would fix the number of pairs
            return score(slice(None))
        size = len(ends) if torch.is_grad_enabled() else PAIRS
        parts = [score(slice(at, at + size)) for at in range(0, len(ends), max(size, 1))]
        return torch.cat(parts) if parts else hidden.new_zeros((0, self.out.out_features))


def pooled(near: torch.Tensor, entity: torch.Tensor) -> torch.Tensor:
    """(entities, size): the log-sum-exp of the rows (mentions, size) of each entity; entities count up from 0."""
    if torch.compiler.is_exporting():
        # A graph's sizes come from its inputs: one row a mention, those beyond the entities are never read.
        n = entity.shape[0]
    else:
        n = int(entity.max()) + 1 if len(entity) else 0
    at = entity[:, None].expand_as(near)
    top = near.new_full((n, near.shape[1]), float("-inf")).scatter_reduce(0, at, near.detach(), "amax")
    sums = near.new_zeros((n, near.shape[1])).index_add(0, entity, (near - top[entity]).exp())
    return top + sums.log()
