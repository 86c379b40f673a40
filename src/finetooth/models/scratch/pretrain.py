"""Heads that need no labels: masked-language modelling and the detection of replaced tokens.

They speak the protocol of ``finetooth.models.head``, so that pretraining is a run like any other: length
buckets, bf16, checkpoints, exact resume. What is masked is drawn in ``step``, anew in each epoch, from the
generator that checkpoints keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from finetooth.config import ModelConfig, PretrainConfig
from finetooth.errors import ConfigError
from finetooth.models.answer_loss import answer_losses
from finetooth.models.head import Progress, Step, Window
from finetooth.models.load import load_weights, write_head
from finetooth.models.scratch.configuration import EncoderConfig
from finetooth.models.scratch.model import Encoder, EncoderForMaskedLM, EncoderPreTrainedModel
from finetooth.models.sequences import Pairs, by_length, encode, frame, pad, slide
from finetooth.registry import Task
from finetooth.types import Example, Prediction

INPUTS = ("attention_mask", "token_type_ids")
# Of the tokens to be foretold: most become [MASK], some another token, some stay (Devlin et al. 2019, 3.1).
MASKED, RANDOM = 0.8, 0.9
# Replaced tokens are told with far less loss than masked ones; ELECTRA's weight (Clark et al. 2020, 3.2).
FOUND_WEIGHT = 50.0


class MaskedHead:
    """See the module. Examples are of the task in ``text``: one text, or two to be read together."""

    name = "mlm"
    labels: tuple[str, ...] = ()

    def __init__(self, task: Task, tokenizer: Any, options: ModelConfig, how: PretrainConfig) -> None:
        if tokenizer.mask_token_id is None:
            raise ConfigError(
                "the tokenizer has no mask token", cure="take an encoder, or model.name=scratch"
            )
        self.task, self.tokenizer, self.options, self.how = task, tokenizer, options, how
        self.pairs = Pairs(tokenizer, options.max_length_tokens, 0)
        self.before, self.after = frame(tokenizer)
        self.reasons: dict[str, str] = {}
        self.thresholds: dict[str, float] = {}
        special = set(tokenizer.all_special_ids)
        self.ordinary = torch.tensor([i for i in range(len(tokenizer)) if i not in special])

    # ---- encoding

    def windows(self, examples: Sequence[Example], *, targets: bool = True) -> list[Window]:
        """Texts cut into windows that do not overlap; ``words`` numbers their words, -1 for special tokens."""
        alone = [i for i, e in enumerate(examples) if not e.inputs.first]
        made: dict[int, list[Window]] = {i: list(self._alone(i, examples[i])) for i in alone}
        both = [i for i, e in enumerate(examples) if e.inputs.first]
        firsts, seconds = [examples[i].inputs.first for i in both], [examples[i].inputs.text for i in both]
        coded = encode(self.tokenizer, firsts)
        cuts = self.pairs.windows(firsts, seconds)
        for i, first, (found, off), text in zip(both, coded, cuts, seconds, strict=True):
            if off:
                self.reasons[examples[i].id] = f"its first text is too long: the last {off} tokens are cut"
            number = self._numbers(examples[i].inputs.first, first.offsets)
            made[i] = []
            for cut in found:
                words = np.full(len(cut.ids), -1)
                ahead = cut.first - len(self.pairs.before) - len(self.pairs.between)
                words[len(self.pairs.before) : len(self.pairs.before) + ahead] = number[:ahead]
                words[cut.first : cut.first + len(cut.offsets)] = self._numbers(text, cut.offsets) + (
                    number[-1] + 1 if len(number) else 0
                )
                made[i].append(Window(i, cut.ids, {"cut": cut, "words": words}))
        return [w for i in range(len(examples)) for w in made[i] if (w.fields["words"] >= 0).any()]

    def _alone(self, i: int, example: Example) -> Iterator[Window]:
        tokens = encode(self.tokenizer, [example.inputs.text])[0]
        room = self.options.max_length_tokens - len(self.before) - len(self.after)
        words = self._numbers(example.inputs.text, tokens.offsets)
        for begin, end in slide(len(tokens), room, 0):
            ids = np.concatenate([self.before, tokens.ids[begin:end], self.after])
            inside = np.full(len(ids), -1)
            inside[len(self.before) : len(self.before) + end - begin] = words[begin:end]
            yield Window(i, ids, {"words": inside})

    @staticmethod
    def _numbers(text: str, offsets: np.ndarray) -> np.ndarray:
        """(tokens,) which word each belongs to: a token goes on with a word if letters meet without a gap."""
        if not len(offsets):
            return np.zeros(0, np.int64)
        letter = np.fromiter((c.isalnum() for c in text), bool, len(text))
        starts = np.minimum(offsets[:, 0], len(text) - 1)
        return np.cumsum(~((starts > 0) & letter[starts] & letter[starts - 1]))

    def collate(self, windows: Sequence[Window]) -> dict[str, torch.Tensor]:
        """``words`` (windows, length) and ``slots`` (k,), whose length says how many tokens to foretell."""
        cuts = "cut" in windows[0].fields
        limit = self.options.max_length_tokens
        batch = pad(windows, self.tokenizer.pad_token_id, limit=limit, types=self.pairs if cuts else None)
        words = np.full(batch["input_ids"].shape, -1, np.int64)
        for row, w in enumerate(windows):
            words[row, : len(w)] = w.fields["words"]
        batch["words"] = torch.from_numpy(words)
        batch["slots"] = torch.zeros(max(1, round(self.how.mask_share * int((words >= 0).sum()))))
        return batch

    # ---- the model

    def build(self, source: Path, **kwargs: Any) -> Any:
        from transformers import AutoModelForMaskedLM

        return load_weights(AutoModelForMaskedLM, source, self.options, **kwargs)

    def step(self, model: Any, batch: dict[str, torch.Tensor]) -> Step:
        """A window's loss is the mean over its masked tokens, 0 where it has none."""
        loss, prob, margin, rows = self._foretell(model, batch, None)
        n = len(batch["input_ids"])
        units = _count(rows, n)

        def mean(x: torch.Tensor) -> torch.Tensor:
            return torch.zeros(n, device=x.device).index_add(0, rows, x.float()) / units.clamp_min(1)

        return Step(
            loss=mean(loss), units=units, gold_prob=mean(prob), margin=mean(margin),
            correct=mean((margin > 0).float()) > 0.5,
        )  # fmt: skip

    def _foretell(self, model: Any, batch: dict[str, torch.Tensor], generator: torch.Generator | None) -> Any:
        """(loss, probability of the gold, its margin, the window), each (k,), of the masked tokens."""
        ids = batch["input_ids"]
        at = places(batch["words"], len(batch["slots"]), generator)
        gold = ids.flatten()[at]
        hidden = self.hide(ids, at, generator)
        logits = masked_logits(model, hidden, at, {k: batch[k] for k in INPUTS if k in batch})
        loss, prob, margin = answer_losses(logits, gold, torch.zeros(len(at), device=ids.device))
        return loss, prob, margin, at // ids.shape[1]

    def hide(self, ids: torch.Tensor, at: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        """The batch with the tokens at ``at`` masked, changed or left, 80 : 10 : 10."""
        draw = torch.rand(len(at), device=ids.device, generator=generator)
        which = torch.randint(len(self.ordinary), (len(at),), device=ids.device, generator=generator)
        new = torch.where(draw < RANDOM, self.ordinary.to(ids.device)[which], ids.flatten()[at])
        new = torch.where(draw < MASKED, self.tokenizer.mask_token_id, new)
        return ids.flatten().scatter(0, at, new).view_as(ids)

    # ---- held-out text

    def round_trip(self, examples: Sequence[Example]) -> list[Prediction]:
        """Nothing is encoded that would have to come back."""
        return [self.task.gold(e) for e in examples]

    def predict(
        self,
        model: Any,
        examples: Sequence[Example],
        *,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
    ) -> list[Prediction]:
        """How many of the masked tokens are right and their loss, by example; the same are masked each time."""
        windows = self.windows(examples)
        device = next(model.parameters()).device
        generator = torch.Generator(device).manual_seed(0)
        sums = np.zeros((len(examples), 3))
        was = model.training
        model.eval()
        try:
            for part in by_length([len(w) for w in windows], batch_tokens):
                some = [windows[i] for i in part]
                batch = {k: v.to(device) for k, v in self.collate(some).items()}
                with torch.inference_mode():
                    right, loss, rows = self.judge(model, batch, generator)
                of = np.array([w.example for w in some])[rows.cpu().numpy()]
                np.add.at(sums, of, torch.stack([right, torch.ones_like(right), loss], 1).cpu().numpy())
                if progress:
                    progress(min(len(examples), int(of.max()) + 1), len(examples))
        finally:
            model.train(was)
        names = ("right", "asked", "loss")
        return [
            Prediction(e.id, "", None, dict(zip(names, row.tolist(), strict=True)))
            for e, row in zip(examples, sums, strict=True)
        ]

    def judge(self, model: Any, batch: dict[str, torch.Tensor], generator: torch.Generator) -> Any:
        """(right or not, loss, window), each (k,), float."""
        loss, _, margin, rows = self._foretell(model, batch, generator)
        return (margin > 0).float(), loss.float(), rows

    def tune(self, model: Any, examples: Sequence[Example]) -> dict[str, float]:
        return {}

    def save(self, folder: Path) -> None:
        write_head(self, folder)


class ReplacedHead(MaskedHead):
    """A small generator fills masks with what is likely; the encoder tells of every token whether it is the text's own."""

    name = "electra"

    def build(self, source: Path, *, seed: int = 0, **kwargs: Any) -> Any:
        from transformers import AutoModel

        encoder = load_weights(AutoModel, source, self.options, seed=seed, **kwargs)
        if not isinstance(encoder, Encoder):
            raise ConfigError(
                f"pretrain.objective: electra needs an encoder of ours, found {type(encoder).__name__}",
                cure="model.name=scratch or scratch:MODEL, or pretrain.objective=mlm",
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return ReplacedTokens(encoder, self.how.generator_share)

    def step(self, model: Any, batch: dict[str, torch.Tensor]) -> Step:
        """The generator's loss and, 50 times as heavy, the encoder's; dynamics are the encoder's, over all tokens."""
        guess, rows, logits, replaced, real = self._both(model, batch, None)
        n = len(batch["input_ids"])
        units = _count(rows, n)
        guessing = torch.zeros(n, device=guess.device).index_add(0, rows, guess) / units.clamp_min(1)
        found = F.binary_cross_entropy_with_logits(logits, replaced, reduction="none")
        many = real.sum(1).clamp_min(1)
        finding = (found * real).sum(1) / many
        prob = torch.exp(-found.detach())
        gold_prob = (prob * real).sum(1) / many
        return Step(
            loss=guessing + FOUND_WEIGHT * finding,
            units=many.float(),
            gold_prob=gold_prob,
            margin=2 * gold_prob - 1,
            correct=((prob > 0.5) | ~real).all(1),
        )

    def judge(self, model: Any, batch: dict[str, torch.Tensor], generator: torch.Generator) -> Any:
        _, _, logits, replaced, real = self._both(model, batch, generator)
        loss = F.binary_cross_entropy_with_logits(logits, replaced, reduction="none")
        rows = torch.arange(len(real), device=real.device)[:, None].expand_as(real)[real]
        return (loss[real] < np.log(2)).float(), loss[real], rows

    def _both(self, model: Any, batch: dict[str, torch.Tensor], generator: torch.Generator | None) -> Any:
        """(generator's loss (k,), its windows (k,), logits (windows, n), whether replaced, whether a token of the text)."""
        ids, more = batch["input_ids"], {k: batch[k] for k in INPUTS if k in batch}
        at = places(batch["words"], len(batch["slots"]), generator)
        gold = ids.flatten()[at]
        masked = ids.flatten().scatter(0, at, self.tokenizer.mask_token_id).view_as(ids)
        guesses = model.generator(masked, at=at, **more).logits
        loss, _, _ = answer_losses(guesses, gold, torch.zeros(len(at), device=ids.device))
        with torch.no_grad():
            sampled = torch.multinomial(guesses.float().softmax(-1), 1, generator=generator).squeeze(1)
        changed = ids.flatten().scatter(0, at, sampled).view_as(ids)
        logits = model(changed, **more).float()
        return loss, at // ids.shape[1], logits, (changed != ids).float(), batch["words"] >= 0


class ReplacedTokens(EncoderPreTrainedModel):
    """Encoder and generator with the same word embeddings; what is saved is the encoder alone."""

    def __init__(self, encoder: Encoder, share: float) -> None:
        super().__init__(encoder.config)
        width = encoder.config.hidden_size
        self.generator = EncoderForMaskedLM(smaller(encoder.config, share))  # type: ignore[arg-type]
        self.hidden, self.out = nn.Linear(width, width), nn.Linear(width, 1)
        for layer in (self.hidden, self.out):
            nn.init.normal_(layer.weight, std=encoder.config.initializer_range)
            nn.init.zeros_(layer.bias)
        self.encoder = encoder
        self.generator.encoder.embeddings.words = encoder.embeddings.words
        self.generator.masked.decoder.weight = encoder.embeddings.words.weight

    def get_input_embeddings(self) -> nn.Module:
        return self.encoder.embeddings.words

    def forward(self, input_ids: torch.Tensor, **more: Any) -> torch.Tensor:
        """(windows, n): how sure it is that a token was replaced, as a logit."""
        x = self.encoder(input_ids, **more).last_hidden_state
        return self.out(F.gelu(self.hidden(x))).squeeze(-1)

    def save_pretrained(self, folder: Any, **more: Any) -> None:  # type: ignore[override]
        self.encoder.save_pretrained(folder, **more)


def smaller(config: EncoderConfig, share: float) -> EncoderConfig:
    """A generator's config: the same layers and embeddings, ``share`` of the width and of the heads."""
    heads = max(1, round(config.num_attention_heads * share))
    size = config.hidden_size // config.num_attention_heads
    values = config.to_dict()
    values |= {
        "hidden_size": heads * size,
        "num_attention_heads": heads,
        "intermediate_size": max(8, round(config.intermediate_size * share)),
        "embedding_size": config.embedding_size or config.hidden_size,
    }
    return EncoderConfig(**values)


def places(words: torch.Tensor, k: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """``k`` places in the flattened batch, in order, drawn by whole words; ``words`` (windows, n) is -1 where none may be.

    Each word draws a number and the tokens of the highest are taken: of one word at most a part is missed.
    """
    draw = torch.rand((len(words), int(words.shape[1]) + 1), device=words.device, generator=generator).gather(
        1, words % (words.shape[1] + 1)
    )
    draw = draw.masked_fill(words < 0, -1.0)
    return draw.flatten().topk(k).indices.sort().values


def masked_logits(model: Any, ids: torch.Tensor, at: torch.Tensor, more: dict[str, Any]) -> torch.Tensor:
    """Logits (k, vocabulary) at the places ``at`` of the flattened batch alone: six in seven are not needed."""
    if isinstance(model, EncoderForMaskedLM):
        return model(ids, at=at, **more).logits

    def narrow(layer: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (given[0].reshape(-1, given[0].shape[-1])[at],)

    hook = model.get_output_embeddings().register_forward_pre_hook(narrow)
    try:
        return model(input_ids=ids, **more).logits
    finally:
        hook.remove()


def _count(rows: torch.Tensor, n: int) -> torch.Tensor:
    return torch.zeros(n, device=rows.device).index_add(0, rows, torch.ones(len(rows), device=rows.device))
