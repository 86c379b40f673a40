"""Which weights of a model are trained: all, low-rank adapters, the upper layers, or the head alone."""

from __future__ import annotations

import re
from typing import Any

from finetooth.config import ModelConfig
from finetooth.errors import ConfigError, UsageError

# The layers of a stack, whatever the architecture calls it.
LAYER = re.compile(r"\.(?:layers?|h|blocks?)\.(\d+)\.")
EMBEDDING = re.compile(r"(?:^|\.)(?:embeddings?|embed_tokens|wte|wpe|embed_positions|position_embeddings)\b")


def adapt(model: Any, options: ModelConfig) -> Any:
    """The model, made to train what the strategy says. Raises ConfigError where nothing would be left to train."""
    strategy = options.strategy
    if strategy == "full":
        return model
    if strategy in ("lora", "qlora"):
        if strategy == "qlora":
            _need_four_bits()
        return _lora(model, options)
    base = getattr(model, model.base_model_prefix, None)
    if base is None or base is model:
        raise ConfigError(
            f"model.strategy: {strategy} needs a model with a head of its own", cure="full or lora"
        )
    prefix = model.base_model_prefix + "."
    if strategy == "head":
        frozen = {name for name, _ in model.named_parameters() if name.startswith(prefix)}
    else:
        frozen = lower_layers(model, prefix, options.freeze_share)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)
    if not any(p.requires_grad for p in model.parameters()):
        if strategy == "head":
            raise ConfigError(
                "model.strategy: head, but this model has no head of its own", cure="partial or lora"
            )
        raise ConfigError("model.freeze_share leaves nothing to train", cure="a smaller share")
    return model


def lower_layers(model: Any, prefix: str, share: float) -> set[str]:
    """Names of the embeddings and of the lowest ``share`` of the layers; none for a share of 0."""
    numbers = [int(m[1]) for name, _ in model.named_parameters() if (m := LAYER.search(name))]
    if not numbers:
        raise ConfigError("model.strategy: partial needs a model with numbered layers")
    lowest = round(share * (max(numbers) + 1))
    if share == 0:
        return set()
    frozen = set()
    for name, _ in model.named_parameters():
        if not name.startswith(prefix) and prefix not in name:
            continue
        layer = LAYER.search(name)
        if (layer and int(layer[1]) < lowest) or (not layer and EMBEDDING.search(name)):
            frozen.add(name)
    return frozen


def _lora(model: Any, options: ModelConfig) -> Any:
    """Low-rank adapters (Hu et al. 2021) on the named modules, or on every linear one; the new head is trained whole."""
    from peft import LoraConfig, get_peft_model

    heads = [n for n in ("qa_outputs", "classifier", "score", "pre_classifier") if hasattr(model, n)]
    targets: Any = list(options.lora_targets) or "all-linear"
    if targets != "all-linear":
        known = {name.rsplit(".", 1)[-1] for name, _ in model.named_modules()}
        for name in targets:
            if name not in known:
                raise ConfigError(f"model.lora_targets: no module is called {name!r}")
    config = LoraConfig(
        r=options.lora_rank,
        lora_alpha=options.lora_alpha,  # type: ignore[arg-type]  # floats work and are what rank ** 0.5 needs
        lora_dropout=options.lora_dropout,
        target_modules=targets,
        modules_to_save=heads or None,
        exclude_modules=heads or None,
    )
    return get_peft_model(model, config)


def _need_four_bits() -> None:
    import importlib.util

    import torch

    if not torch.cuda.is_available():
        raise UsageError("model.strategy: qlora needs a GPU", cure="lora, which runs anywhere")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise UsageError("model.strategy: qlora needs bitsandbytes", cure='pip install "finetooth[gpu]"')


def merge(model: Any) -> Any:
    """The model with its adapters folded into the weights: a plain model that anybody can load."""
    return model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
