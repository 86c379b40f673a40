"""The encoder as transformers' models: the stack, and one class for each thing it can be asked."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.modeling_outputs import (
    BaseModelOutput,
    MaskedLMOutput,
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)

from finetooth.models.scratch.attention import MultiHeadAttention
from finetooth.models.scratch.blocks import Block, Embeddings, FeedForward
from finetooth.models.scratch.configuration import EncoderConfig
from finetooth.models.scratch.positions import rotary_tables


class EncoderPreTrainedModel(PreTrainedModel):
    config_class = EncoderConfig
    base_model_prefix = "encoder"
    _supports_sdpa = True
    _no_split_modules = ["Block"]  # noqa: RUF012 - as in every class of transformers
    supports_gradient_checkpointing = True

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        # What is added to the sum of a pre-norm stack starts small, or the sum grows with depth (GPT-2, section 2.3).
        if isinstance(module, (MultiHeadAttention, FeedForward)) and self.config.norm_placement == "pre":
            std = self.config.initializer_range / (2 * self.config.num_hidden_layers) ** 0.5
            init.normal_(module.out.weight, mean=0.0, std=std)


class Encoder(EncoderPreTrainedModel):
    """ids (batch, n) -> last_hidden_state (batch, n, hidden_size); attention_mask None: nothing is padded."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        # After pre-norm blocks nothing has normalised the sum yet.
        self.norm = (
            nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
            if config.norm_placement == "pre"
            else nn.Identity()
        )
        self.gradient_checkpointing = False
        self.post_init()

    def get_input_embeddings(self) -> nn.Embedding:
        return self.embeddings.words

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.embeddings.words = value  # type: ignore[assignment]

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
        **unused: Any,
    ) -> BaseModelOutput:
        """``hidden_states``: the embeddings and each block's result; ``attentions``: (batch, heads, n, n) each."""
        config = self.config
        x = self.embeddings(input_ids, token_type_ids)
        mask = None if attention_mask is None else attention_mask.bool()[:, None, None, :]
        rotary = None
        if config.position_kind == "rotary":
            size = config.hidden_size // config.num_attention_heads
            rotary = rotary_tables(input_ids.shape[1], size, config.rotary_base, input_ids.device)
        states, seen = [x], []
        for layer in self.layers:
            if self.gradient_checkpointing and self.training:
                x, weights = self._gradient_checkpointing_func(layer.__call__, x, mask, rotary)
            else:
                x, weights = layer(x, mask, rotary, want_weights=output_attentions)
            states.append(x)
            seen.append(weights)
        x = self.norm(x)
        return BaseModelOutput(
            last_hidden_state=x,
            hidden_states=(*states[:-1], x) if output_hidden_states else None,
            attentions=tuple(seen) if output_attentions else None,
        )


class SpanHead(nn.Module):
    """Where an answer begins and ends: (batch, n, width) -> logits (batch, n, 2)."""

    def __init__(self, width: int, kind: str) -> None:
        super().__init__()
        self.kind = kind
        if kind == "shared":
            self.out = nn.Linear(width, 2)
        else:
            self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
            self.ends = nn.ModuleList(nn.Linear(width, 1) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.kind == "shared":
            return self.out(x)
        return torch.cat([e(F.gelu(h(x))) for h, e in zip(self.hidden, self.ends, strict=True)], dim=-1)


class EncoderForQuestionAnswering(EncoderPreTrainedModel):
    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)
        self.qa_outputs = SpanHead(config.hidden_size, config.span_head)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        start_positions: torch.Tensor | None = None,
        end_positions: torch.Tensor | None = None,
        **more: Any,
    ) -> QuestionAnsweringModelOutput:
        out = self.encoder(input_ids, attention_mask, token_type_ids, **more)
        start, end = self.qa_outputs(out.last_hidden_state).unbind(-1)
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = (_loss(start, start_positions) + _loss(end, end_positions)) / 2
        return QuestionAnsweringModelOutput(
            loss=loss,
            start_logits=start,
            end_logits=end,
            hidden_states=out.hidden_states,
            attentions=out.attentions,
        )


class MaskedHead(nn.Module):
    """(..., width) -> logits (..., vocabulary); the last projection is the word embeddings themselves (tied)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width = config.embedding_size or config.hidden_size
        self.transform = nn.Linear(config.hidden_size, width)
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(width, config.vocab_size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.norm(F.gelu(self.transform(x))))


class EncoderForMaskedLM(EncoderPreTrainedModel):
    _tied_weights_keys = {"masked.decoder.weight": "encoder.embeddings.words.weight"}  # noqa: RUF012

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)
        self.masked = MaskedHead(config)
        self.post_init()

    def get_output_embeddings(self) -> nn.Linear:
        return self.masked.decoder

    def set_output_embeddings(self, new: nn.Linear) -> None:
        self.masked.decoder = new

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        at: torch.Tensor | None = None,
        **more: Any,
    ) -> MaskedLMOutput:
        """logits (batch, n, vocabulary); with ``at`` (k,), places in the flattened batch, only theirs: (k, vocabulary).

        ``labels`` (batch, n) are -100 where nothing is to be learnt.
        """
        out = self.encoder(input_ids, attention_mask, token_type_ids, **more)
        x = out.last_hidden_state
        logits = self.masked(x if at is None else x.reshape(-1, x.shape[-1])[at])
        loss = None if labels is None else _loss(logits.flatten(0, -2), labels.flatten())
        return MaskedLMOutput(
            loss=loss, logits=logits, hidden_states=out.hidden_states, attentions=out.attentions
        )


class EncoderForTokenClassification(EncoderPreTrainedModel):
    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels or 2)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **more: Any,
    ) -> TokenClassifierOutput:
        out = self.encoder(input_ids, attention_mask, token_type_ids, **more)
        logits = self.classifier(self.dropout(out.last_hidden_state))
        loss = None if labels is None else _loss(logits.flatten(0, 1), labels.flatten())
        return TokenClassifierOutput(
            loss=loss, logits=logits, hidden_states=out.hidden_states, attentions=out.attentions
        )


class EncoderForSequenceClassification(EncoderPreTrainedModel):
    """The first token's last hidden state, classified."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels or 2)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **more: Any,
    ) -> SequenceClassifierOutput:
        out = self.encoder(input_ids, attention_mask, token_type_ids, **more)
        logits = self.classifier(self.dropout(out.last_hidden_state[:, 0]))
        loss = None if labels is None else _loss(logits, labels)
        return SequenceClassifierOutput(
            loss=loss, logits=logits, hidden_states=out.hidden_states, attentions=out.attentions
        )


def _loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in fp32 whatever autocast says; labels of -100 are left out."""
    return F.cross_entropy(logits.float(), labels, ignore_index=-100)
