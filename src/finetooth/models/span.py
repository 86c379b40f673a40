"""The ``span`` head: a start and an end in the context, over sliding windows, with or without "no answer".

Any encoder of transformers that has a question-answering class: BERT, MiniLM, ELECTRA, DistilBERT,
RoBERTa. The saved folder is an ordinary one of transformers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.config import ModelConfig
from finetooth.models.head import Progress, Step, Window
from finetooth.models.load import head_options, load_weights, one_of, write_head
from finetooth.models.nbest import Answer, Found, best_spans, characters, together
from finetooth.models.sequences import Cut, Pairs, by_length, pad
from finetooth.registry import Task
from finetooth.types import Example, Prediction, Span

N_BEST = 20
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OPTIONS = {"max_answer_tokens": 64, "empty_windows": "null"}


class SpanHead:
    """See ``models.head.Head``. Options, besides lengths and stride:

    max_answer_tokens   longer answers are not looked for (64)
    empty_windows       what a window of a long context without the gold answer is for: "null" (the
                        default) trains it to say "not here", since at prediction all windows compete;
                        "skip" leaves it out

    Training points at the gold offsets as they are, also where the text there is another: checks report
    that, ``data.on_error`` decides. With several golds it is the one that most annotators gave, the first of
    equals. ``reasons`` names, by id, why an example got no window and whose question was cut.
    """

    name = "span"

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
        self.task, self.tokenizer, self.options, self.labels = task, tokenizer, options, tuple(labels)
        self.thresholds = dict(thresholds or {})
        # Whether training knew questions without an answer: only then may a prediction be empty.
        self.allow_null: bool | None = (state or {}).get("allow_null")
        self.pairs = Pairs(tokenizer, options.max_length_tokens, options.stride_tokens)
        own = head_options(options, OPTIONS, self.name)
        self.max_answer_tokens = max(1, own["max_answer_tokens"])
        self.skip_empty = one_of(self.name, "empty_windows", own["empty_windows"], ("null", "skip")) == "skip"
        self.reasons: dict[str, str] = {}

    # ---- encoding

    def windows(self, examples: Sequence[Example], *, targets: bool = True) -> list[Window]:
        """Windows in order; with targets an example that cannot be learnt has none, see ``reasons``."""
        if targets and self.allow_null is None and examples:
            self.allow_null = any(not e.target.answers for e in examples)
        made: list[Window] = []
        for i, cuts in self._cuts(examples):
            if not targets:
                made += [Window(i, c.ids, {"cut": c}) for c in cuts]
                continue
            places = self._places(examples[i], cuts)
            made += [
                Window(i, c.ids, {"cut": c, "gold": p or (c.null, c.null), "holds_gold": p is not None})
                for c, p in zip(cuts, places, strict=True)
                if p is not None or not self.skip_empty
            ]
        return made

    def _cuts(self, examples: Sequence[Example]) -> Iterator[tuple[int, list[Cut]]]:
        questions = [e.inputs.question for e in examples]
        contexts = [e.inputs.context for e in examples]
        for i, (cuts, off) in enumerate(self.pairs.windows(questions, contexts)):
            if off:
                self.reasons[examples[i].id] = f"the question is too long: its last {off} tokens are cut"
            elif not any(len(c.offsets) for c in cuts):
                self.reasons[examples[i].id] = "its context holds no words to answer from"
            yield i, cuts

    def _places(self, example: Example, cuts: list[Cut]) -> list[tuple[int, int] | None]:
        """Where the gold stands in each window, None where it does not; [] where nothing can be learnt.

        Empties ``cuts`` in that case, and says why in ``reasons``.
        """
        gold = chosen(example.target.answers)
        if gold is None:
            return [(c.null, c.null) for c in cuts]
        why, places = "", []
        # White space at the edges of an answer is in no token.
        start = gold.start + len(gold.text) - len(gold.text.lstrip())
        end = gold.start + len(gold.text.rstrip())
        if start >= end or start < 0 or end > len(example.inputs.context):
            why = "its answer is empty or outside the context"
        else:
            places = [place(c, start, end) for c in cuts]
            if not any(places):
                why = "its answer is in no window as a whole (truncated)"
        if why:
            self.reasons[example.id] = why
            cuts.clear()
            return []
        return places

    def collate(self, windows: Sequence[Window]) -> dict[str, Any]:
        """``valid`` (windows, length) marks where an answer can begin or end: context tokens and ``null``."""
        import torch

        batch = pad(
            windows, self.tokenizer.pad_token_id, limit=self.options.max_length_tokens, types=self.pairs
        )
        valid = np.zeros(batch["input_ids"].shape, bool)
        for row, w in enumerate(windows):
            cut: Cut = w.fields["cut"]
            valid[row, cut.first : cut.first + len(cut.offsets)] = cut.offsets[:, 0] < cut.offsets[:, 1]
            valid[row, cut.null] = True
        batch["valid"] = torch.from_numpy(valid)
        if "gold" in windows[0].fields:
            batch["gold"] = torch.tensor([w.fields["gold"] for w in windows])
        return batch

    # ---- the model

    def build(self, source: Path, **kwargs: Any) -> Any:
        """The architecture's question-answering class; ``seed`` draws a new head's weights."""
        from transformers import AutoModelForQuestionAnswering

        return load_weights(AutoModelForQuestionAnswering, source, self.options, **kwargs)

    def _logs(self, model: Any, batch: dict[str, Any]) -> tuple[Any, Any]:
        """Log-probabilities (windows, length) of starts and of ends, -inf where ``valid`` is not."""
        out = model(**{k: batch[k] for k in INPUTS if k in batch})
        hidden = ~batch["valid"]

        def log(x: Any) -> Any:
            # fp32 whatever autocast says: bf16 has three digits, and a span is often won by less.
            return x.float().masked_fill(hidden, float("-inf")).log_softmax(-1)

        return log(out.start_logits), log(out.end_logits)

    def step(self, model: Any, batch: dict[str, Any]) -> Step:
        """gold_prob is p(start) p(end); margin looks at the best other pair of ends."""
        import torch

        valid, smoothing, gold = batch["valid"], batch["smoothing"], batch["gold"]
        positions = valid.sum(-1)
        losses, picked, top, won = [], [], [], []
        for side, log in enumerate(self._logs(model, batch)):
            at = gold[:, side : side + 1]
            likely = log.gather(1, at).squeeze(1)
            # Smoothing spreads over the positions that can be an answer, never over padding.
            spread = log.masked_fill(~valid, 0.0).sum(-1) / positions
            losses.append(-(1 - smoothing) * likely - smoothing * spread)
            picked.append(likely.detach())
            top.append(log.detach().topk(2, dim=-1))
            won.append(top[side].indices[:, 0] == at.squeeze(1))
        (first, first2), (last, last2) = (t.values.unbind(1) for t in top)
        gold_prob = (picked[0] + picked[1]).exp()
        correct = won[0] & won[1]
        runner_up = torch.maximum(first2 + last, first + last2).exp()
        return Step(
            loss=(losses[0] + losses[1]) / 2,
            units=torch.full_like(gold_prob, 2.0),
            gold_prob=gold_prob,
            margin=gold_prob - torch.where(correct, runner_up, (first + last).exp()),
            correct=correct,
        )

    # ---- decoding

    def round_trip(self, examples: Sequence[Example]) -> list[Prediction]:
        """Gold encoded and decoded: the text from its first to its last token; ``raw`` says what went wrong."""
        found: dict[int, Prediction] = {}
        for w in self.windows(examples):
            example = examples[w.example]
            if not w.fields["holds_gold"] or w.example in found:
                continue
            first, last = w.fields["gold"]
            cut = w.fields["cut"]
            if first == cut.null:
                found[w.example] = Prediction(example.id, "", 1.0)
                continue
            start, end = characters(cut, first, last)
            text, why = example.inputs.context[start:end], ""
            if last - first >= self.max_answer_tokens:
                text = ""
                why = f"longer than max_answer_tokens ({last - first + 1} tokens)"
            elif text not in {a.text for a in example.target.answers}:
                why = "comes back as something else: cut inside a token, or not at its offset (misaligned)"
            found[w.example] = Prediction(example.id, text, 1.0, why or None)
        return [
            found.get(i) or Prediction(e.id, "", 0.0, self.reasons.get(e.id)) for i, e in enumerate(examples)
        ]

    def predict(
        self,
        model: Any,
        examples: Sequence[Example],
        *,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
    ) -> list[Prediction]:
        """The text of the best span, "" where null wins; ``raw`` holds its characters and the gap to null."""
        answers = self.answers(model, examples, batch_tokens=batch_tokens, progress=progress)
        return [self.decide(e, a) for e, a in zip(examples, answers, strict=True)]

    def decide(self, example: Example, answer: Answer) -> Prediction:
        raw: dict[str, Any] = {"start": answer.start, "end": answer.end}
        if not self.allow_null:
            return Prediction(example.id, answer.text, answer.sure, raw)
        raw |= {"text": answer.text, "null_gap": answer.gap}
        if answer.gap > self.thresholds.get("null", 0.0):
            return Prediction(example.id, "", answer.sure_null, raw)
        return Prediction(example.id, answer.text, answer.sure, raw)

    def answers(
        self,
        model: Any,
        examples: Sequence[Example],
        *,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
    ) -> list[Answer]:
        """The best answer of each example and how it stands to "no answer", windows merged."""
        import torch

        windows = self.windows(examples, targets=False)
        spans: list[list[Found]] = [[] for _ in examples]
        nulls: list[list[float]] = [[] for _ in examples]
        was, device, done = model.training, next(model.parameters()).device, 0
        model.eval()
        try:
            for part in by_length([len(w) for w in windows], batch_tokens):
                some = [windows[i] for i in part]
                batch = {k: v.to(device) for k, v in self.collate(some).items()}
                with torch.inference_mode():
                    start, end = (x.cpu().numpy() for x in self._logs(model, batch))
                rows = np.arange(len(some))
                null = np.array([w.fields["cut"].null for w in some])
                for w, value in zip(some, start[rows, null] + end[rows, null], strict=True):
                    nulls[w.example].append(float(value))
                start[rows, null] = end[rows, null] = -np.inf
                best = best_spans(start, end, n=N_BEST, most_tokens=self.max_answer_tokens)
                for w, firsts, lasts, scores in zip(some, *best, strict=True):
                    spans[w.example] += [
                        Found(*characters(w.fields["cut"], int(a), int(b)), float(s))
                        for a, b, s in zip(firsts, lasts, scores, strict=True)
                        if np.isfinite(s)
                    ]
                done += len(some)
                if progress:
                    progress(done, len(windows))
        finally:
            model.train(was)
        return [together(e.inputs.context, s, n) for e, s, n in zip(examples, spans, nulls, strict=True)]

    def tune(self, model: Any, examples: Sequence[Example]) -> dict[str, float]:
        """The null threshold with the best main metric on these examples; {} where all have answers."""
        if not any(not e.target.answers for e in examples):
            return dict(self.thresholds) if self.allow_null else {}
        self.allow_null = True
        metric = next(m for m in self.task.metrics if m.name == self.task.main_metric)
        answers = self.answers(model, examples)
        gaps = np.array([a.gap for a in answers])
        answered = metric.counts(
            examples, [Prediction(e.id, a.text) for e, a in zip(examples, answers, strict=True)]
        )
        empty = metric.counts(examples, [Prediction(e.id, "") for e in examples])
        order = np.argsort(gaps, kind="stable")
        # After the k surest answers all others are left empty: every cut that can be made, at once.
        kept = np.vstack([np.zeros_like(answered[:1]), np.cumsum(answered[order], axis=0)])
        left = empty.sum(axis=0) - np.vstack([np.zeros_like(empty[:1]), np.cumsum(empty[order], axis=0)])
        # A cut between two equal gaps cannot be made by a threshold.
        edges = np.concatenate([[gaps.min() - 1], gaps[order], [gaps.max() + 1]])
        sign = 1 if metric.higher_is_better else -1
        k = int(np.argmax(np.where(np.diff(edges) > 0, sign * metric.value(kept + left), -np.inf)))
        self.thresholds["null"] = float((edges[k] + edges[k + 1]) / 2)
        return dict(self.thresholds)

    def save(self, folder: Path) -> None:
        write_head(self, folder, state={"allow_null": bool(self.allow_null)})


def chosen(golds: Sequence[Span]) -> Span | None:
    """The gold to train on: the one given most often, the first of equals; None without golds."""
    if not golds:
        return None
    times = Counter((g.start, g.text) for g in golds)
    return max(golds, key=lambda g: times[g.start, g.text])


def place(cut: Cut, start: int, end: int) -> tuple[int, int] | None:
    """The window's first and last token of characters [start, end); None unless it holds all of them."""
    offsets = cut.offsets
    first = int(np.searchsorted(offsets[:, 1], start, side="right"))
    last = int(np.searchsorted(offsets[:, 0], end, side="left")) - 1
    if first > last or first >= len(offsets):
        return None
    # At an edge of the window the answer may have begun before it, or go on after it.
    if first == 0 and cut.begins > 0 and offsets[0, 0] > start:
        return None
    if last == len(offsets) - 1 and offsets[-1, 1] < end:
        return None
    return cut.first + first, cut.first + last


HEAD = SpanHead
