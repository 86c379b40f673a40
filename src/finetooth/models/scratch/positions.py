"""Where a token stands: attention alone does not know, a sentence would be a bag of words to it."""

from __future__ import annotations

import torch


def sinusoids(n: int, width: int, device: torch.device | None = None) -> torch.Tensor:
    """(n, width): sin(p / 10000^(2i/width)) in even columns, cos in odd ones (Vaswani et al. 2017, section 3.5)."""
    angles = _angles(n, width, 10000.0, device)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def rotary_tables(
    n: int, width: int, base: float = 10000.0, device: torch.device | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """cos and sin, each (n, width), of the angle by which position p turns each plane of a head of ``width``."""
    angles = _angles(n, width, base, device)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Queries or keys (..., n, width), each turned by its position, so that q.k depends on the distance alone.

    Column i turns together with column i + width / 2, as Llama's weights do (RoFormer, Su et al. 2021, pairs
    neighbours: the same up to the order of columns).
    """
    one, other = x.chunk(2, dim=-1)
    return x * cos.to(x.dtype) + torch.cat([-other, one], dim=-1) * sin.to(x.dtype)


def _angles(n: int, width: int, base: float, device: torch.device | None) -> torch.Tensor:
    if width % 2:
        raise ValueError(f"width {width} is odd: sines and cosines come in pairs")
    places = torch.arange(n, dtype=torch.float32, device=device)
    speeds = base ** (-torch.arange(0, width, 2, dtype=torch.float32, device=device) / width)
    return places[:, None] * speeds
