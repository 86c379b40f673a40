"""The loss of generated answers: logits at the answers' places only, losses and dynamics in one sweep.

A vocabulary is wide: 49,152 logits a token, in fp32 three times over (logits, log-probabilities,
gradients) are half a megabyte. Prompts need none of them, and answers need them a few hundred rows at a time.
"""

from __future__ import annotations

from typing import Any

import torch

ROWS = 256  # whose logits are looked at together: 50 MB of fp32 for a vocabulary of 49,152


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
        n = len(logits)
        loss, prob, margin, total = (torch.empty(n, device=logits.device) for _ in range(4))
        smooth = bool((smoothing > 0).any())
        for at in range(0, n, ROWS):
            part = slice(at, at + ROWS)
            x = logits[part].float()
            if x.data_ptr() == logits[part].data_ptr():
                x = x.clone()
            y = gold[part, None]
            total[part] = x.logsumexp(-1)
            right = x.gather(1, y).squeeze(1)
            loss[part] = total[part] - right
            if smooth:
                loss[part] += smoothing[part] * (right - x.mean(-1))
            best_other = x.scatter_(1, y, float("-inf")).amax(-1)
            prob[part] = (right - total[part]).exp()
            # From the difference of logits: it has a sign where two probabilities round to the same.
            ahead = right - best_other
            likeliest = (torch.maximum(right, best_other) - total[part]).exp()
            margin[part] = likeliest * -torch.expm1(-ahead.abs()) * ahead.sign()
        ctx.save_for_backward(logits, gold, smoothing, total)
        ctx.smooth = smooth
        ctx.mark_non_differentiable(prob, margin)
        return loss, prob, margin

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor, *others: Any) -> Any:
        logits, gold, smoothing, total = ctx.saved_tensors
        made = torch.empty_like(logits)
        for at in range(0, len(logits), ROWS):
            part = slice(at, at + ROWS)
            p = (logits[part].float() - total[part, None]).exp_()
            one = torch.ones_like(total[part])
            if ctx.smooth:
                one = one - smoothing[part]
                p -= smoothing[part, None] / p.shape[1]
            p.scatter_add_(1, gold[part, None], -one[:, None])
            made[part] = p.mul_(grad[part, None])
        return made, None, None
