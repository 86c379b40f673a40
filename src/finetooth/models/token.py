"""The ``token`` head: a BIO tag a word, over windows, decoded so that no invalid sequence can come out.

Any encoder or decoder of transformers that has a token-classification class: BERT, MiniLM, ELECTRA,
DistilBERT; GPT-Neo, Llama, SmolLM2. A decoder reads as it does, from left to right. The saved folder is
an ordinary one of transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.config import ModelConfig
from finetooth.errors import ConfigError
from finetooth.models import viterbi
from finetooth.models.direction import reads_ahead
from finetooth.models.head import Progress, Step, Window
from finetooth.models.load import head_options, load_weights, one_of, write_head
from finetooth.models.sequences import WEIGHTINGS, by_length, class_weights, frame, pad, slide
from finetooth.models.units import PIECES, Units, units_of
from finetooth.registry import Task
from finetooth.tasks.documents import LabelledSpan, NerTarget
from finetooth.tasks.mentions import tags_of
from finetooth.types import Example, Prediction

INPUTS = ("input_ids", "attention_mask")
OPTIONS = {"units": "words", "piece": "first", "votes": "context", "class_weights": "none"}
UNKNOWN = -1  # the label of a unit that is not learnt


class TokenHead:
    """See ``models.head.Head``. Options, besides lengths and stride:

    units           what gets a tag: "words" (the source's own tokens, else words and punctuation marks) or
                    "pieces" (the tokenizer's: for spans that begin or end inside words)
    piece           which piece of a word carries its tag: "first" (the default) or "last", which on a
                    decoder is the only one that has read the word
    votes           where windows overlap: "context" takes the window in which the word has most context on
                    its poorer side (on a decoder: before it), "mean" the mean of the log-probabilities
    class_weights   "none", "balanced" (one over the label's frequency in training) or "sqrt" (its square
                    root); of mean 1 over the training words, so that the loss keeps its size

    Training learns the gold spans that whole words can say; of overlapping ones the longest. ``reasons``
    names, by id, what of an example is not learnt.
    """

    name = "token"

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
        if not labels:
            raise ConfigError("the training data names no entity type, so there is nothing to learn")
        self.task, self.tokenizer, self.options, self.labels = task, tokenizer, options, tuple(labels)
        self.thresholds = dict(thresholds or {})
        own = head_options(options, OPTIONS, self.name)
        self.pieces_are_units = one_of(self.name, "units", own["units"], ("words", "pieces")) == "pieces"
        self.piece = one_of(self.name, "piece", own["piece"], PIECES)
        self.votes = one_of(self.name, "votes", own["votes"], ("context", "mean"))
        self.weighting = one_of(self.name, "class_weights", own["class_weights"], WEIGHTINGS)
        self.tags = viterbi.bio(self.labels)
        self.number = {tag: i for i, tag in enumerate(self.tags)}
        self.before, self.after = frame(tokenizer)
        self.room = options.max_length_tokens - len(self.before) - len(self.after)
        if self.room < 8:
            raise ConfigError(
                f"model.max_length_tokens: {options.max_length_tokens} leaves no room for text",
                cure="64 or more",
            )
        # One a tag, of the training set; None until windows are made of it.
        self.class_weights: list[float] | None = (state or {}).get("class_weights")
        self.causal = False
        self.reasons: dict[str, str] = {}

    # ---- encoding

    def windows(self, examples: Sequence[Example], *, targets: bool = True) -> list[Window]:
        """Windows in order. ``fields``: ``units`` (their numbers), ``at`` (their places), ``gold`` (their labels)."""
        made: list[Window] = []
        for i, (example, units) in enumerate(zip(examples, self._units(examples), strict=True)):
            windows = self._cut(i, units)
            if targets:
                gold = self._gold(example, units)
                for w in windows:
                    labels = gold[w.fields["units"]]
                    known = labels != UNKNOWN
                    w.fields |= {
                        "units": w.fields["units"][known],
                        "at": w.fields["at"][known],
                        "gold": labels[known],
                        "holds_gold": bool((labels > 0).any()),
                    }
                windows = [w for w in windows if len(w.fields["at"])]
                if not windows:
                    self.reasons[example.id] = "it has no word that the tokenizer knows"
            made += windows
        if targets and self.class_weights is None and made:
            gold = np.concatenate([w.fields["gold"] for w in made])
            self.class_weights = class_weights(np.bincount(gold, minlength=len(self.tags)), self.weighting)
        return made

    def _units(self, examples: Sequence[Example]) -> list[Units]:
        return units_of(
            self.tokenizer,
            [e.inputs for e in examples],
            pieces_are_units=self.pieces_are_units,
            piece=self.piece,
        )

    def _cut(self, example: int, units: Units) -> list[Window]:
        """Windows with every unit they hold; those without any are left out."""
        made: list[Window] = []
        ids: Any = units.tokens.ids
        place = np.flatnonzero(units.at >= 0)
        tokens = units.at[place]
        for begins, ends in slide(len(ids), self.room, self.options.stride_tokens):
            here = slice(*np.searchsorted(tokens, (begins, ends)))
            if here.start == here.stop:
                continue
            made.append(
                Window(
                    example,
                    np.concatenate([self.before, ids[begins:ends], self.after]),  # type: ignore[arg-type]
                    {
                        "units": place[here],
                        "at": tokens[here] - begins + len(self.before),
                    },
                )
            )
        return made

    def _gold(self, example: Example, units: Units) -> np.ndarray:
        """(units,) label numbers; UNKNOWN for units of a type that training does not have."""
        spans = [(s.start, s.end, s.type) for s in example.target.entities]
        tags, lost = tags_of(units.spans, spans)
        if lost:
            start, end, kind = lost[0]
            self.reasons[example.id] = (
                f"{kind} at {start}..{end} overlaps a longer mention, or begins or ends inside a word"
            )
        return np.array([self.number.get(t, UNKNOWN) for t in tags], np.int64)

    def collate(self, windows: Sequence[Window]) -> dict[str, Any]:
        """``at`` and ``row`` (units,): the places that carry labels, counted through the padded batch, and whose."""
        import torch

        batch = pad(windows, self.tokenizer.pad_token_id, limit=self.options.max_length_tokens)
        length = batch["input_ids"].shape[1]
        places = [row * length + w.fields["at"] for row, w in enumerate(windows)]
        batch["at"] = torch.from_numpy(np.concatenate(places))
        batch["row"] = torch.from_numpy(np.repeat(np.arange(len(windows)), [len(p) for p in places]))
        if "gold" in windows[0].fields:
            batch["gold"] = torch.from_numpy(np.concatenate([w.fields["gold"] for w in windows]))
        return batch

    # ---- the model

    def build(self, source: Path, **kwargs: Any) -> Any:
        """The architecture's token-classification class; ``seed`` draws a new head's weights."""
        from transformers import AutoModelForTokenClassification

        model = load_weights(
            AutoModelForTokenClassification,
            source,
            self.options,
            id2label=dict(enumerate(self.tags)),
            label2id=self.number,
            # Some classes take a dropout of 0.1 where the config says nothing.
            classifier_dropout=self.options.dropout,
            **kwargs,
        )
        if getattr(model.config, "use_cache", None):
            model.config.use_cache = False
        self.causal = not reads_ahead(model)
        return model

    def _logs(self, model: Any, batch: dict[str, Any]) -> Any:
        """Log-probabilities (units, labels) of the units of a batch, in fp32 whatever autocast says."""
        logits = model(**{k: batch[k] for k in INPUTS if k in batch}).logits
        return logits.reshape(-1, logits.shape[-1])[batch["at"]].float().log_softmax(-1)

    def step(self, model: Any, batch: dict[str, Any]) -> Step:
        """gold_prob and margin are means over the window's units, as the loss is; correct: all of them win; least_prob: of the one least sure."""
        import torch

        log, gold, row = self._logs(model, batch), batch["gold"], batch["row"]
        smoothing = batch["smoothing"][row]
        likely = log.gather(1, gold[:, None]).squeeze(1)
        losses = -(1 - smoothing) * likely - smoothing * log.mean(-1)
        if self.weighting != "none" and self.class_weights is not None:
            losses = losses * torch.tensor(self.class_weights, device=log.device)[gold]
        prob = likely.detach().exp()
        others = log.detach().scatter(1, gold[:, None], float("-inf")).amax(-1)
        units = torch.zeros_like(batch["weight"]).index_add_(0, row, torch.ones_like(losses))

        def mean(values: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(units).index_add(0, row, values) / units

        return Step(
            loss=mean(losses),
            units=units,
            gold_prob=mean(prob),
            margin=mean(prob - others.exp()),
            correct=mean((likely.detach() > others).float()) == 1,
            least_prob=torch.ones_like(units).scatter_reduce(0, row, prob.to(units.dtype), "amin"),
        )

    # ---- decoding

    def round_trip(self, examples: Sequence[Example]) -> list[Prediction]:
        """Gold as labels of windows, merged and decoded; ``raw`` says what did not come back."""
        every = self._units(examples)
        windows = self.windows(examples)
        sure = np.log(np.full((len(self.tags), len(self.tags)), 1e-9) + np.eye(len(self.tags)))
        logs = self._merge(every, windows, [sure[w.fields["gold"]] for w in windows])
        made = []
        for example, units, _, path in zip(examples, every, logs, viterbi.decode(logs), strict=True):
            target = self._target(example, units, viterbi.chunks(path))
            wanted = {(s.start, s.end, s.type) for s in example.target.entities}
            lost = wanted - {(s.start, s.end, s.type) for s in target.entities}
            why = None
            if lost:
                start, end, kind = min(lost)
                text = example.inputs.text[start:end]
                what = "has blanks at its edge" if text != text.strip() else "comes back as something else"
                why = self.reasons.get(example.id) or f"{kind} at {start}..{end} {what}"
            made.append(Prediction(example.id, target, 1.0, why))
        return made

    def predict(
        self,
        model: Any,
        examples: Sequence[Example],
        *,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
    ) -> list[Prediction]:
        """Entities; ``raw`` has the confidence of each. The prediction's own is that of its least sure word."""
        every = self._units(examples)
        logs = self.log_probabilities(model, every, batch_tokens=batch_tokens, progress=progress)
        made = []
        for example, units, log, path in zip(examples, every, logs, viterbi.decode(logs), strict=True):
            found = viterbi.chunks(path)
            sure = viterbi.confidences(log, path, found)
            target = self._target(example, units, found)
            # Words the tokenizer leaves out have no probabilities, and do not make the rest less sure.
            chosen = log[np.arange(len(path)), path][units.at >= 0]
            raw = [
                {"start": s.start, "end": s.end, "type": s.type, "confidence": c}
                for s, c in zip(target.entities, sure, strict=True)
            ]
            confidence = float(np.exp(chosen.min())) if len(chosen) else 1.0
            made.append(Prediction(example.id, target, min(confidence, 1.0), raw))
        return made

    def log_probabilities(
        self,
        model: Any,
        every: Sequence[Units],
        *,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
    ) -> list[np.ndarray]:
        """(units, labels) of each text, windows merged; zeros for units without a token."""
        import torch

        windows = [w for i, units in enumerate(every) for w in self._cut(i, units)]
        found: list[np.ndarray] = [np.zeros(0)] * len(windows)
        was, device, done = model.training, next(model.parameters()).device, 0
        model.eval()
        try:
            for part in by_length([len(w) for w in windows], batch_tokens):
                some = [windows[i] for i in part]
                batch = {k: v.to(device) for k, v in self.collate(some).items()}
                with torch.inference_mode():
                    log = self._logs(model, batch).cpu().numpy()
                edges = np.cumsum([len(w.fields["at"]) for w in some])[:-1]
                for i, rows in zip(part, np.split(log, edges), strict=True):
                    found[i] = rows
                done += len(some)
                if progress:
                    progress(done, len(windows))
        finally:
            model.train(was)
        return self._merge(every, windows, found)

    def _merge(
        self, every: Sequence[Units], windows: Sequence[Window], logs: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """(units, labels) of each text from those of its windows, by ``votes``."""
        made = [np.zeros((len(units), len(self.tags))) for units in every]
        most = [np.full(len(units), -1) for units in every]
        times = [np.zeros(len(units)) for units in every]
        for w, log in zip(windows, logs, strict=True):
            i, units = w.example, w.fields["units"]
            if self.votes == "mean":
                made[i][units] += log
                times[i][units] += 1
                continue
            context = self._context(w)
            better = context > most[i][units]
            made[i][units[better]] = log[better]
            most[i][units[better]] = context[better]
        if self.votes == "mean":
            return [
                _normal(a / np.maximum(n, 1)[:, None]) if len(a) else a
                for a, n in zip(made, times, strict=True)
            ]
        return made

    def _context(self, window: Window) -> np.ndarray:
        at = window.fields["at"] - len(self.before)
        left, right = at, len(window) - len(self.after) - len(self.before) - 1 - at
        return left if self.causal else np.minimum(left, right)

    def _target(self, example: Example, units: Units, found: Sequence[tuple[int, int, int]]) -> NerTarget:
        text, spans = example.inputs.text, units.spans
        return NerTarget(
            tuple(
                LabelledSpan(
                    spans[a].start, spans[b - 1].end, text[spans[a].start : spans[b - 1].end], self.labels[k]
                )
                for a, b, k in found
            )
        )

    def tune(self, model: Any, examples: Sequence[Example]) -> dict[str, float]:
        """There is nothing to tune."""
        return {}

    def save(self, folder: Path) -> None:
        write_head(self, folder, state={"class_weights": self.class_weights})


def _normal(log: np.ndarray) -> np.ndarray:
    """Rows of logarithms as log-probabilities again: a mean of them does not sum to one."""
    return log - np.logaddexp.reduce(log, axis=1, keepdims=True)


HEAD = TokenHead
