"""The loss of generated answers: logits at the answers' places only, losses and dynamics in one sweep.

A vocabulary is wide: 49,152 logits a token, in fp32 three times over (logits, log-probabilities,
gradients) are half a megabyte. Prompts need none of them, and answers need them a few hundred rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

# Rows of logits that are looked at together: 6 MB of fp32 for a vocabulary of 49,152, which a processor's cache
# holds through all that is done to them; a GPU wants more at once.
ROWS_CPU, ROWS_GPU = 32, 2048


def answer_logits(model: Any, input_ids: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """Logits (answer tokens, vocabulary) at the places ``at`` of the flattened batch.

    The model is called as it is, whatever wraps it (adapters, several processes); only what reaches its
    output layer is narrowed on the way, so that what follows that layer (scaling, capping) is kept.
    """

    def narrow(layer: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (given[0].reshape(-1, given[0].shape[-1])[at],)

    plain = getattr(model, "module", model)
    hook = plain.get_output_embeddings().register_forward_pre_hook(narrow)
    try:
        return model(input_ids=input_ids, use_cache=False).logits
    finally:
        hook.remove()


def answer_losses(
    logits: torch.Tensor, gold: torch.Tensor, smoothing: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(loss, gold's probability, its margin over the best other token), each (tokens,), fp32.

    ``smoothing`` (tokens,) is spread over the vocabulary. Only the loss has a gradient.
    """
    return _Losses.apply(logits, gold, smoothing)


class _Losses(torch.autograd.Function):
    """Cross-entropy in fp32 from logits of any precision, without ever holding fp32 logits of all rows."""

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, gold: torch.Tensor, smoothing: torch.Tensor) -> Any:
        loss, prob, margin, total = (torch.empty(len(logits), device=logits.device) for _ in range(4))
        ctx.smooth = bool((smoothing > 0).any())
        for part, x in _parts(logits):
            y = gold[part, None]
            right = x.gather(1, y).squeeze(1)
            mean = x.mean(-1) if ctx.smooth else right
            other = x.scatter_(1, y, float("-inf")).amax(-1)
            top = torch.maximum(right, other)
            others = x.sub_(top[:, None]).exp_().sum(-1)
            total[part] = top + (others + (right - top).exp()).log()
            loss[part] = total[part] - right + smoothing[part] * (right - mean)
            prob[part] = (right - total[part]).exp()
            # From the difference of logits: it has a sign where two probabilities round to the same.
            ahead = right - other
            margin[part] = (top - total[part]).exp() * -torch.expm1(-ahead.abs()) * ahead.sign()
        ctx.save_for_backward(logits, gold, smoothing, total)
        ctx.mark_non_differentiable(prob, margin)
        return loss, prob, margin

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor, *others: Any) -> Any:
        logits, gold, smoothing, total = ctx.saved_tensors
        made = torch.empty_like(logits)
        for part, x in _parts(logits):
            x.sub_(total[part, None]).exp_()
            if ctx.smooth:
                x.sub_(smoothing[part, None] / x.shape[1])
            x.scatter_add_(1, gold[part, None], smoothing[part, None] - 1)
            made[part] = x.mul_(grad[part, None])
        return made, None, None


def _parts(logits: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor]]:
    """(which rows, a fp32 copy of them to work in); the copies share their memory."""
    rows = ROWS_CPU if logits.device.type == "cpu" else ROWS_GPU
    room = torch.empty((min(rows, len(logits)), logits.shape[1]), device=logits.device)
    for at in range(0, len(logits), rows):
        some = logits[at : at + rows]
        yield slice(at, at + rows), room[: len(some)].copy_(some)
