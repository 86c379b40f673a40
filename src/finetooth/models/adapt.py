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
        if strategy == "lora":
            return _lora(model, options)
        _need_four_bits()
        pack(model)
        # What tells peft that layers are packed, and nothing else may see.
        model.is_loaded_in_4bit = True
        try:
            return _lora(model, options)
        finally:
            del model.is_loaded_in_4bit
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


def linear_layers(model: Any) -> list[tuple[Any, str, Any]]:
    """(parent, name, layer) of the body's linear layers: what four bits are for; head and output layer stay whole."""
    from torch import nn

    output = getattr(model, "get_output_embeddings", lambda: None)()
    body = getattr(model, getattr(model, "base_model_prefix", ""), model)
    return [
        (module, name, layer)
        for module in body.modules()
        for name, layer in module.named_children()
        if type(layer) is nn.Linear and layer is not output
    ]


def pack(model: Any) -> None:
    """Linear layers in four bits as in QLoRA (Dettmers et al. 2023): NF4, scales quantised again, computing in bf16.

    They are packed when the model is moved to its device.
    """
    import bitsandbytes as bnb
    import torch

    for module, name, layer in linear_layers(model):
        packed = bnb.nn.Linear4bit(
            layer.in_features,
            layer.out_features,
            bias=False,
            compute_dtype=torch.bfloat16,
            compress_statistics=True,
            quant_type="nf4",
            device="meta",
        )
        packed.weight = bnb.nn.Params4bit(
            layer.weight.data, requires_grad=False, compress_statistics=True, quant_type="nf4", module=packed
        )
        packed.bias = layer.bias
        if packed.bias is not None:
            packed.bias.requires_grad_(False)
        setattr(module, name, packed)


def packed_layers(model: Any) -> list[tuple[Any, str, Any]]:
    """(parent, name, layer) of adapted layers whose weights are in four bits."""
    return [
        (module, name, layer)
        for module in model.modules()
        for name, layer in module.named_children()
        if hasattr(layer, "get_delta_weight")
        and hasattr(getattr(layer.base_layer, "weight", None), "quant_state")
    ]


def merge(model: Any) -> Any:
    """The model with its adapters folded into the weights: a plain model that anybody can load.

    Four-bit weights are spread out to fp32 first, since packing the sum again would change what was trained.
    """
    if not hasattr(model, "merge_and_unload"):
        return model
    _spread(model)
    return model.merge_and_unload()


def _spread(model: Any) -> None:
    import torch

    for module, name, layer in packed_layers(model):
        import bitsandbytes as bnb

        base = layer.base_layer
        with torch.no_grad():
            weight = bnb.functional.dequantize_4bit(base.weight.data, base.weight.quant_state).float()
            for adapter in layer.active_adapters:
                weight += layer.get_delta_weight(adapter).float()
            plain = torch.nn.Linear(base.in_features, base.out_features, bias=False, device="meta")
            plain.weight = torch.nn.Parameter(weight, requires_grad=False)
            if base.bias is not None:
                # bitsandbytes brings it into the precision that it computes in.
                plain.bias = torch.nn.Parameter(base.bias.float(), requires_grad=False)
        setattr(module, name, plain)
