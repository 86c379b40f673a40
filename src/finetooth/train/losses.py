"""The loss of an update: one weighted mean over everything in it, however many batches it came in.

Averaging each batch and then the averages is the classic mistake of gradient accumulation: a batch of
three windows would weigh as much as one of thirty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    from finetooth.models.head import Head, Step

Mean = Literal["example", "token"]


def mean_of(name: Literal["auto", "example", "token"], head: Head) -> Mean:
    """What ``train.loss_mean`` says, for "auto" what suits the head (``loss_mean``; "example" where it does not say)."""
    if name != "auto":
        return name
    usual: Mean = getattr(head, "loss_mean", "example")
    return usual


def weighted_sum(step: Step, weight: torch.Tensor, mean: Mean) -> tuple[torch.Tensor, torch.Tensor]:
    """(sum of weighted losses, sum of weights) of one batch; the loss is the first by the second.

    ``weight`` has shape (windows,). Under "example" every window counts once, under "token" as often
    as it has units (labelled tokens, ends of a span). A window of weight 2 is as two of weight 1.
    """
    units = weight.float()
    if mean == "token":
        units = units * step.units.float()
    # A batch without a single unit (no labelled token in it) adds nothing, and must not divide by zero.
    return (step.loss.float() * units).sum(), units.sum().detach().clamp_min(1e-9)
