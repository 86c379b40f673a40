"""What an encoder of ours is made of, as a transformers config: {"model_type": "finetooth-encoder", "hidden_size": 256, ...}."""

from __future__ import annotations

from transformers import PreTrainedConfig


class EncoderConfig(PreTrainedConfig):
    """Sizes have the names that BERT's have, so that whatever reads those reads these.

    norm_placement     pre: x + f(norm(x)), and a last norm; post: norm(x + f(x)), as in BERT
    position_kind      learned, sinusoidal, rotary, none
    hidden_act         gelu (exact) or swiglu (gated, Shazeer 2020)
    embedding_size     width of the embeddings where it is not hidden_size (ELECTRA's small models); None: the same
    match_embeddings   tokens are told whether they stand in the other segment too, alone or beside the same neighbour
    span_head          shared: one projection gives both ends; separate: each end has a hidden layer of its own
    special_tokens     ids below this number are special and never match anything
    """

    model_type = "finetooth-encoder"

    vocab_size: int = 8000
    hidden_size: int = 256
    num_hidden_layers: int = 6
    num_attention_heads: int = 4
    intermediate_size: int = 1024
    hidden_act: str = "gelu"
    norm_placement: str = "pre"
    position_kind: str = "rotary"
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    embedding_size: int | None = None
    match_embeddings: bool = False
    span_head: str = "shared"
    special_tokens: int = 5
    hidden_dropout_prob: float | int = 0.0
    attention_probs_dropout_prob: float | int = 0.0
    layer_norm_eps: float = 1e-12
    initializer_range: float = 0.02
    rotary_base: float = 10000.0
    pad_token_id: int | None = 0
    tie_word_embeddings: bool = True
