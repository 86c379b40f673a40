"""Weights of BERT's family in our own pieces: the same numbers in other places, so the same hidden states.

A published encoder is post-norm blocks with learned positions; only the names differ. Queries, keys and values,
three matrices there, are one here: their rows one below the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from finetooth import io
from finetooth.config import ScratchConfig
from finetooth.errors import ConfigError, DataError
from finetooth.models.scratch.configuration import EncoderConfig
from finetooth.models.scratch.source import TRANSPLANT, special_tokens

# Ours -> theirs. A tuple stands for rows one below the other.
Names = dict[str, str | tuple[str, ...]]
BERT: Names = {
    "embeddings.words": "embeddings.word_embeddings",
    "embeddings.positions": "embeddings.position_embeddings",
    "embeddings.segments": "embeddings.token_type_embeddings",
    "embeddings.norm": "embeddings.LayerNorm",
    "embeddings.project": "embeddings_project",
}
BERT_LAYER: Names = {
    "attention.qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "attention.out": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feed_forward.into": "intermediate.dense",
    "feed_forward.out": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
DISTILBERT_LAYER: Names = {
    "attention.qkv": ("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    "attention.out": "attention.out_lin",
    "attention_norm": "sa_layer_norm",
    "feed_forward.into": "ffn.lin1",
    "feed_forward.out": "ffn.lin2",
    "feed_forward_norm": "output_layer_norm",
}
# Where layer i begins, and what is in it.
FAMILY: dict[str, tuple[str, Names]] = {
    "bert": ("encoder.layer", BERT_LAYER),
    "electra": ("encoder.layer", BERT_LAYER),
    "roberta": ("encoder.layer", BERT_LAYER),
    "xlm-roberta": ("encoder.layer", BERT_LAYER),
    "camembert": ("encoder.layer", BERT_LAYER),
    "distilbert": ("transformer.layer", DISTILBERT_LAYER),
}
SHIFTED = ("roberta", "xlm-roberta", "camembert")  # their positions count from the padding token's number on


def transplant(source: Path, folder: Path, parts: ScratchConfig) -> None:
    """Writes config, tokenizer, weights and transplant.json (what was taken) of an encoder of ours into ``folder``.

    ``parts.take_layers`` layers get weights, all that there are for None; the others, up to ``parts.layers``,
    are left for a run to draw. Raises DataError for an architecture of another family, ConfigError for more
    layers than there are.
    """
    from safetensors.torch import save_file
    from transformers import AutoModel

    from finetooth.models.load import load_config, load_tokenizer, load_weights

    theirs = load_config(source, None)
    config = translated(theirs, str(source))
    there = config.num_hidden_layers
    config.num_hidden_layers = parts.layers or there
    taken = min(config.num_hidden_layers, there) if parts.take_layers is None else parts.take_layers
    if taken > min(config.num_hidden_layers, there):
        raise ConfigError(
            f"model.scratch.take_layers: {taken}, but the model has {there} layers and ours {config.num_hidden_layers}"
        )
    tokenizer = load_tokenizer(source)
    config.match_embeddings, config.span_head = parts.match_embeddings, parts.span_head
    config.special_tokens = special_tokens(tokenizer)
    config.architectures = ["Encoder"]
    state = load_weights(AutoModel, source, None).state_dict()
    first = (theirs.pad_token_id or 0) + 1 if theirs.model_type in SHIFTED else 0
    weights = translate(state, theirs.model_type, layers=taken, first_position=first)
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    io.write_json(
        folder / TRANSPLANT,
        {
            "from": str(source),
            "architecture": theirs.model_type,
            "layers": taken,
            "of": there,
            "weights": len(weights),
        },
    )


def translated(theirs: Any, where: str) -> EncoderConfig:
    """The config of an encoder of ours that computes what theirs does. Raises DataError where there is none."""
    kind = theirs.model_type
    if kind not in FAMILY:
        raise DataError(
            f"{kind!r} is not of BERT's family: its weights do not fit our blocks",
            where=where,
            cure=f"one of {', '.join(FAMILY)}",
        )
    distil = kind == "distilbert"
    act = theirs.activation if distil else theirs.hidden_act
    odd = {
        "activation": act if act != "gelu" else None,
        "position_embedding_type": getattr(theirs, "position_embedding_type", "absolute"),
    }
    for name, value in odd.items():
        if value not in (None, "absolute"):
            raise DataError(f"its {name} is {value!r}, which our blocks do not have", where=where)
    width = theirs.dim if distil else theirs.hidden_size
    embedding = getattr(theirs, "embedding_size", width)
    shift = (theirs.pad_token_id or 0) + 1 if kind in SHIFTED else 0
    return EncoderConfig(
        vocab_size=theirs.vocab_size,
        hidden_size=width,
        num_hidden_layers=theirs.n_layers if distil else theirs.num_hidden_layers,
        num_attention_heads=theirs.n_heads if distil else theirs.num_attention_heads,
        intermediate_size=theirs.hidden_dim if distil else theirs.intermediate_size,
        norm_placement="post",
        position_kind="learned",
        max_position_embeddings=theirs.max_position_embeddings - shift,
        # DistilBERT has no segments.
        type_vocab_size=0 if distil else theirs.type_vocab_size,
        embedding_size=embedding if embedding != width else None,
        layer_norm_eps=1e-12 if distil else theirs.layer_norm_eps,
        initializer_range=theirs.initializer_range,
        pad_token_id=theirs.pad_token_id,
    )


def translate(
    state: Mapping[str, torch.Tensor], kind: str, *, layers: int, first_position: int = 0
) -> dict[str, torch.Tensor]:
    """The weights of a base model under our names: embeddings and the first ``layers`` layers.

    Positions before ``first_position`` are no positions of a text and left out.
    """
    begins, inside = FAMILY[kind]
    names: Names = dict(BERT)
    for i in range(layers):
        for ours, there in inside.items():
            listed = (there,) if isinstance(there, str) else there
            names[f"layers.{i}.{ours}"] = tuple(f"{begins}.{i}.{name}" for name in listed)
    made: dict[str, torch.Tensor] = {}
    for ours, there in names.items():
        listed = (there,) if isinstance(there, str) else there
        for end in ("weight", "bias"):
            found = [state[f"{name}.{end}"] for name in listed if f"{name}.{end}" in state]
            if found:
                made[f"{ours}.{end}"] = torch.cat(found).contiguous()
    made["embeddings.positions.weight"] = made["embeddings.positions.weight"][first_position:].contiguous()
    return made
