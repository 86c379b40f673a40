"""Two sentences read together and put into one class: premise and hypothesis, on encoders and decoders.

An encoder reads [CLS] premise [SEP] hypothesis [SEP], a decoder "Premise: ... Hypothesis: ... Label:".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.config import ModelConfig
from finetooth.errors import ConfigError
from finetooth.models.head import Progress, Step, Window
from finetooth.models.joined import join
from finetooth.models.load import head_options, one_of, write_head
from finetooth.models.sequences import (
    WEIGHTINGS,
    Cut,
    Pairs,
    Tokens,
    by_length,
    class_weights,
    encode,
    frame,
    pad,
)
from finetooth.registry import Task
from finetooth.types import Example, Prediction

INPUTS = ("input_ids", "attention_mask", "token_type_ids", "first", "second")
OPTIONS = {"pooling": "auto", "class_weights": "none"}
POOLING = ("auto", "cls", "mean", "last", "both")
# What a decoder, which has no token between two texts, reads instead.
WORDS = ("Premise: ", "\nHypothesis: ", "\nLabel:")


class SentencesHead:
    """See ``models.head.Head``. Options, besides the length:

    pooling         what of the last layer is classified: "cls" (the token that stands for the whole),
                    "last" (the last token, all that a decoder has read everything before), "mean" (of all
                    tokens), "both" (the means u and v of either sentence as u, v, |u - v|, u * v, as in
                    InferSent: Conneau et al. 2017); "auto" is "both" on an encoder and "last" on a decoder
    class_weights   "none", "balanced" or "sqrt", as in the token head

    A pair that is too long loses the ends of its sentences, the longer one's first; ``reasons`` names it.
    """

    name = "pair"

    def __init__(
        self,
        task: Task,
        tokenizer: Any,
        options: ModelConfig,
        labels: Sequence[str] = (),
        *,
        thresholds: dict[str, float] | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        if len(labels) < 2:
            raise ConfigError(
                f"the training data has {len(labels)} different labels, so there is nothing to learn"
            )
        self.task, self.tokenizer, self.options, self.labels = task, tokenizer, options, tuple(labels)
        self.thresholds = dict(thresholds or {})
        own = head_options(options, OPTIONS, self.name)
        self.number = {name: i for i, name in enumerate(self.labels)}
        self.weighting = one_of(self.name, "class_weights", own["class_weights"], WEIGHTINGS)
        self.class_weights: list[float] | None = (state or {}).get("class_weights")
        self.pairs: Pairs | None = None
        # Encoders' tokenizers have a token between two texts, decoders' have none.
        if has_pairs(tokenizer):
            self.pairs = Pairs(tokenizer, options.max_length_tokens, 0)
            self.room = self.pairs.room
        else:
            self.before, self.after = frame(tokenizer)
            self.words = [t.ids for t in encode(tokenizer, WORDS)]
            self.room = options.max_length_tokens - len(self.before) - len(self.after)
            self.room -= sum(map(len, self.words))
        if self.room < 8:
            raise ConfigError(
                f"model.max_length_tokens: {options.max_length_tokens} leaves no room for text",
                cure="64 or more",
            )
        pooling = one_of(self.name, "pooling", own["pooling"], POOLING)
        self.pooling = ("both" if self.pairs else "last") if pooling == "auto" else pooling
        if self.pooling == "cls" and self.pairs is None:
            raise ConfigError("model.options.pooling: a decoder has no token for the whole", cure="last")
        self.reasons: dict[str, str] = {}

    # ---- encoding

    def windows(self, examples: Sequence[Example], *, targets: bool = True) -> list[Window]:
        """One window a pair; with targets none for a label that training does not know."""
        left = encode(self.tokenizer, [e.inputs.premise for e in examples])
        right = encode(self.tokenizer, [e.inputs.hypothesis for e in examples])
        made: list[Window] = []
        for i, (example, one, two) in enumerate(zip(examples, left, right, strict=True)):
            n, m = shares(len(one), len(two), self.room)
            if (n, m) != (len(one), len(two)):
                self.reasons[example.id] = (
                    f"too long: the last {len(one) - n} tokens of the premise and {len(two) - m} of the "
                    "hypothesis are cut"
                )
            window = self._window(i, one.ids[:n], Tokens(two.ids[:m], two.offsets[:m]))
            if targets:
                label = self.number.get(example.target.label)
                if label is None:
                    self.reasons[example.id] = f"no training example has its label {example.target.label!r}"
                    continue
                window.fields["gold"] = label
            made.append(window)
        if targets and self.class_weights is None and made:
            times = np.bincount([w.fields["gold"] for w in made], minlength=len(self.labels))
            self.class_weights = class_weights(times, self.weighting)
        return made

    def _window(self, example: int, one: np.ndarray, two: Tokens) -> Window:
        if self.pairs is not None:
            p = self.pairs
            start = len(p.before)
            ids = [p.before, one, p.between, two.ids, p.after]
            second = start + len(one) + len(p.between)
        else:
            a, b, c = self.words
            start = len(self.before) + len(a)
            ids = [self.before, a, one, b, two.ids, c, self.after]
            second = start + len(one) + len(b)
        whole = np.concatenate([np.asarray(x, np.int32) for x in ids])
        null = 0
        if self.pairs is not None and self.pairs.null_from_end:
            null = len(whole) - self.pairs.null_from_end
        return Window(
            example,
            whole,  # type: ignore[arg-type]
            {
                "cut": Cut(whole, second, 0, two.offsets, null),
                "one": (start, start + len(one)),
                "two": (second, second + len(two)),
            },
        )

    def collate(self, windows: Sequence[Window]) -> dict[str, Any]:
        """``first`` and ``second`` (windows, length): what of the hidden states is summed up, weights of sum 1."""
        import torch

        batch = pad(
            windows, self.tokenizer.pad_token_id, limit=self.options.max_length_tokens, types=self.pairs
        )
        n, length = batch["input_ids"].shape
        first = np.zeros((n, length), np.float32)
        second = np.zeros((n, length), np.float32)
        for row, w in enumerate(windows):
            if self.pooling == "both":
                for weights, (a, b) in ((first, w.fields["one"]), (second, w.fields["two"])):
                    # A sentence of no tokens is nowhere: zeros.
                    weights[row, a:b] = 1 / max(1, b - a)
            elif self.pooling == "mean":
                first[row, : len(w)] = 1 / len(w)
            else:
                first[row, w.fields["cut"].null if self.pooling == "cls" else len(w) - 1] = 1
        batch["first"] = torch.from_numpy(first)
        if self.pooling == "both":
            batch["second"] = torch.from_numpy(second)
        if "gold" in windows[0].fields:
            batch["gold"] = torch.tensor([w.fields["gold"] for w in windows])
        return batch

    # ---- the model

    def build(self, source: Path, *, seed: int = 0) -> Any:
        """The body with a linear classifier; ``seed`` draws a new one's weights."""
        return join(source, self.options, self._classifier, labels=self.labels, seed=seed)

    def _classifier(self, config: Any) -> Any:
        from finetooth.models.pooled import Pooled

        parts = 4 if self.pooling == "both" else 1
        return Pooled(parts * config.hidden_size, len(self.labels), self.options.dropout)

    def _logs(self, model: Any, batch: dict[str, Any]) -> Any:
        """Log-probabilities (windows, labels), in fp32 whatever autocast says."""
        return model(**{k: batch[k] for k in INPUTS if k in batch}).float().log_softmax(-1)

    def step(self, model: Any, batch: dict[str, Any]) -> Step:
        import torch

        log, gold, smoothing = self._logs(model, batch), batch["gold"], batch["smoothing"]
        likely = log.gather(1, gold[:, None]).squeeze(1)
        losses = -(1 - smoothing) * likely - smoothing * log.mean(-1)
        if self.weighting != "none" and self.class_weights is not None:
            losses = losses * torch.tensor(self.class_weights, device=log.device)[gold]
        prob = likely.detach().exp()
        others = log.detach().scatter(1, gold[:, None], float("-inf")).amax(-1)
        return Step(
            loss=losses,
            units=torch.ones_like(prob),
            gold_prob=prob,
            margin=prob - others.exp(),
            correct=likely.detach() > others,
        )

    # ---- decoding

    def round_trip(self, examples: Sequence[Example]) -> list[Prediction]:
        """The label as its number and back; ``raw`` says what is cut off or not known."""
        known = {w.example: w.fields["gold"] for w in self.windows(examples)}
        return [
            Prediction(e.id, self.task.parse(self.labels[known[i]], e), 1.0, self.reasons.get(e.id))
            if i in known
            else Prediction(e.id, None, 0.0, self.reasons.get(e.id))
            for i, e in enumerate(examples)
        ]

    def predict(
        self,
        model: Any,
        examples: Sequence[Example],
        *,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
    ) -> list[Prediction]:
        """The likeliest label with its probability; ``raw`` has the probability of each."""
        import torch

        windows = self.windows(examples, targets=False)
        log = np.zeros((len(windows), len(self.labels)))
        was, device, done = model.training, next(model.parameters()).device, 0
        model.eval()
        try:
            for part in by_length([len(w) for w in windows], batch_tokens):
                batch = {k: v.to(device) for k, v in self.collate([windows[i] for i in part]).items()}
                with torch.inference_mode():
                    log[part] = self._logs(model, batch).cpu().numpy()
                done += len(part)
                if progress:
                    progress(done, len(windows))
        finally:
            model.train(was)
        made = []
        for example, row in zip(examples, np.exp(log), strict=True):
            best = int(row.argmax())
            raw = {name: float(p) for name, p in zip(self.labels, row, strict=True)}
            target = self.task.parse(self.labels[best], example)
            made.append(Prediction(example.id, target, float(row[best]), raw))
        return made

    def tune(self, model: Any, examples: Sequence[Example]) -> dict[str, float]:
        """There is nothing to tune."""
        return {}

    def save(self, folder: Path) -> None:
        write_head(self, folder, state={"class_weights": self.class_weights})


def has_pairs(tokenizer: Any) -> bool:
    """Whether the tokenizer puts a token between two texts, as encoders' do."""
    made = tokenizer("a", "b")
    texts = made.sequence_ids(0)
    one, two = ([i for i, t in enumerate(texts) if t == which] for which in (0, 1))
    return bool(one and two and two[0] > one[-1] + 1)


def shares(one: int, two: int, room: int) -> tuple[int, int]:
    """How many tokens of either text fit into ``room``: the longer is cut down to the other, then both."""
    if one + two <= room:
        return one, two
    half = room // 2
    if two <= half:
        return room - two, two
    if one <= half:
        return one, room - one
    return room - half, half
