"""Attention for training on a CPU with bf16: plain matrix products, where the fused kernel's backward pass is slow.

torch's fused kernel for CPUs keeps no weights and computes them again, in small tiles, on the way back. Up to
some hundred tokens it is faster to keep them: forward and backward together take a quarter (84 tokens) to nine
tenths (512) of the time, and dropout, which turns the fused kernel off, costs little (bench/attention_speed.py).
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

NAME = "finetooth"
# From here on the fused kernel is as fast, and the weights kept (2 bytes a pair of tokens, head and layer) are many.
LONGEST = 512


class Products(torch.autograd.Function):
    """softmax(scale q k' + bias) v, its weights kept for the backward pass in the type they have."""

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        bias: torch.Tensor | None,
        scale: float,
        dropout: float,
    ) -> torch.Tensor:
        batch, heads, n, size = query.shape
        q = (query * scale).reshape(batch * heads, n, size)
        k, v = (x.reshape(batch * heads, -1, size) for x in (key, value))
        if bias is None:
            scores = torch.bmm(q, k.transpose(1, 2))
        else:
            # Added within the product, which costs next to nothing; rows that are all alike stay one row.
            rows = bias.expand(batch, heads, -1, -1).reshape(batch * heads, -1, k.shape[1])
            scores = torch.baddbmm(rows.expand(-1, n, -1), q, k.transpose(1, 2))
        weights = torch.softmax(scores, -1)
        kept = None
        if dropout:
            kept = torch.empty_like(weights).bernoulli_(1 - dropout).div_(1 - dropout)
        ctx.save_for_backward(q, k, v, weights, kept)
        ctx.shape, ctx.scale = (batch, heads, n, size), scale
        return torch.bmm(weights if kept is None else weights * kept, v).view(batch, heads, n, size)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        q, k, v, weights, kept = ctx.saved_tensors
        batch, heads, n, size = ctx.shape
        grad = grad.reshape(batch * heads, n, size)
        used = weights if kept is None else weights * kept
        d_value = torch.bmm(used.transpose(1, 2), grad)
        d_weights = torch.bmm(grad, v.transpose(1, 2))
        if kept is not None:
            d_weights.mul_(kept)
        d_scores = torch._softmax_backward_data(d_weights, weights, -1, weights.dtype)
        d_query = torch.bmm(d_scores, k).mul_(ctx.scale)
        d_key = torch.bmm(d_scores.transpose(1, 2), q)
        shape = (batch, heads, -1, size)
        return d_query.view(shape), d_key.view(shape), d_value.view(shape), None, None, None


def suits(query: torch.Tensor, key: torch.Tensor, *, training: bool) -> bool:
    """Whether products are faster for these (batch, heads, n, size): training, in bf16, on a CPU, not too long."""
    return (
        training
        and query.device.type == "cpu"
        and (in_bf16() or query.dtype == key.dtype == torch.bfloat16)
        and query.shape[2] == key.shape[2] <= LONGEST
    )


def in_bf16() -> bool:
    """Whether autocast is on, which makes bf16 of what the fused kernel is given."""
    return torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16


def products(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None = None,
    *,
    scale: float | None = None,
    dropout: float = 0.0,
    causal: bool = False,
) -> torch.Tensor:
    """Scaled dot-product attention (Vaswani et al. 2017, equation 1) of (batch, heads, n, size) tensors.

    ``mask`` broadcasts to (batch, heads, n, m): True where one may look, or a number to add. ``causal``
    hides what comes later.
    """
    if in_bf16():
        query, key, value = query.bfloat16(), key.bfloat16(), value.bfloat16()
    n, lowest = query.shape[2], torch.finfo(query.dtype).min
    if causal:
        earlier = torch.ones(n, n, dtype=torch.bool, device=query.device).tril()
        mask = earlier if mask is None else mask & earlier
    if mask is not None:
        mask = mask.view((1,) * (4 - mask.dim()) + tuple(mask.shape))
        # transformers gives a mask of padding as a square whose rows are all alike.
        if mask.dtype == torch.bool and not causal and bool((mask == mask[:, :, :1]).all()):
            mask = mask[:, :, :1]
    bias = mask
    if mask is not None and mask.dtype == torch.bool:
        # Not minus infinity: a row that may look nowhere would be 0/0.
        bias = torch.zeros(mask.shape, dtype=query.dtype, device=query.device).masked_fill_(~mask, lowest)
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    # Autocast would make the softmax, and the weights that are kept, fp32.
    with torch.autocast("cpu", enabled=False):
        out: torch.Tensor = Products.apply(query, key, value, bias, scale, dropout)
    return out


def forward(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' interface: products where they suit, else its scaled-dot-product attention.

    query (batch, heads, n, size), key and value with as many heads or a divisor of them; gives
    (batch, n, heads, size).
    """
    from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward

    if (
        not suits(query, key, training=module.training)
        or kwargs.get("position_bias") is not None
        or kwargs.get("cache") is not None
    ):
        return sdpa_attention_forward(
            module,
            query,
            key,
            value,
            attention_mask,
            dropout=dropout,
            scaling=scaling,
            is_causal=is_causal,
            **kwargs,
        )
    groups = query.shape[1] // key.shape[1]
    causal = is_causal if is_causal is not None else getattr(module, "is_causal", True)
    out = products(
        query,
        repeat_kv(key, groups),
        repeat_kv(value, groups),
        attention_mask,
        scale=scaling,
        dropout=dropout,
        causal=bool(causal) and attention_mask is None and query.shape[2] > 1,
    )
    return out.transpose(1, 2).contiguous(), None


def use(model: Any) -> None:
    """Makes a model of transformers attend this way, where it would use scaled-dot-product attention.

    What is saved with the model doesn't change: the name of the attention is not part of a config file.
    """
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    AttentionInterface.register(NAME, forward)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    if getattr(model.config, "_attn_implementation", None) == "sdpa" and model._can_set_attn_implementation():
        model.set_attn_implementation(NAME)
