"""The optimiser's groups and the learning rate over the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from finetooth.config import TrainConfig
from finetooth.errors import ConfigError

if TYPE_CHECKING:
    import torch

# Above this share of the steps a warmup is no start but the training itself.
LONG_WARMUP = 0.2


def optimizer(model: Any, config: TrainConfig, decays: set[str]) -> torch.optim.Optimizer:
    """Adam or AdamW over the trained weights: with and without decay, body and head.

    ``decays`` names the parameters that weight decay applies to. Its state is as the weights are, fp32.
    Raises ConfigError where ``head_learning_rate`` is set and no new head can be told from the body.
    """
    import torch

    new = head_parameters(model)
    if config.head_learning_rate is not None and not new:
        raise ConfigError(
            "train.head_learning_rate: this model has no head of its own", cure="set train.learning_rate only"
        )
    groups: dict[tuple[bool, bool], list[Any]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((name in new, name in decays), []).append(parameter)
    if not groups:
        raise ConfigError("no weights are trained: all of them are frozen", where="model.strategy")
    head_rate = config.head_learning_rate or config.learning_rate
    made = [
        {
            "params": parameters,
            "lr": head_rate if is_head else config.learning_rate,
            "weight_decay": config.weight_decay if decay else 0.0,
        }
        for (is_head, decay), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]
    kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[config.optimizer]
    return kind(made, lr=config.learning_rate, betas=(0.9, config.adam_beta2), fused=True)


def head_parameters(model: Any) -> set[str]:
    """Names of the parameters that are not of the base model: what starts from chance."""
    prefix = getattr(model, "base_model_prefix", "")
    if not prefix or not hasattr(model, prefix):
        return set()
    # Adapters wrap the model, and its names with it.
    return {
        n
        for n, _ in model.named_parameters()
        if not n.removeprefix("base_model.model.").startswith(f"{prefix}.")
    }


def scheduler(optimizer: Any, config: TrainConfig, steps: int) -> Any:
    """The schedule of transformers by that name; the warmup is ``config.warmup_steps`` steps, not a share."""
    from transformers import get_scheduler

    name = "constant_with_warmup" if config.schedule == "constant" else config.schedule
    more = {"power": config.polynomial_power, "lr_end": 0.0} if name == "polynomial" else {}
    return get_scheduler(
        name,
        optimizer,
        num_warmup_steps=config.warmup_steps,
        num_training_steps=steps,
        scheduler_specific_kwargs=more,
    )


def warmup_warning(config: TrainConfig, steps: int) -> str:
    """A sentence where the warmup is a large part of the run; "" otherwise."""
    share = config.warmup_steps / steps
    if share <= LONG_WARMUP:
        return ""
    shorter = max(1, steps // 10)
    # One step is the shortest warmup there is: what is left is more steps.
    cure = (
        f"set train.warmup_steps to {shorter} or train longer"
        if shorter < config.warmup_steps
        else "train longer"
    )
    return (
        f"the warmup is {config.warmup_steps} of {steps} steps ({share:.0%}): the learning rate is at its "
        f"height for a moment only; {cure}"
    )
