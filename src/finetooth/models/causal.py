"""The ``causal`` head: a decoder that is asked in text and answers in text.

Any architecture of transformers with a causal language model class. Only the answer is learnt, its end
token included; only at its places are logits computed. The saved folder is an ordinary one of transformers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.config import ModelConfig
from finetooth.errors import ConfigError
from finetooth.models import loops
from finetooth.models.answer_loss import answer_logits, answer_losses
from finetooth.models.causal_chat import Frame, Framer, make_frame
from finetooth.models.causal_parts import Answers, Part, parts_of
from finetooth.models.direction import reads_ahead
from finetooth.models.drafts import generate_from
from finetooth.models.generation import Generated, Sampling, cache_bytes, foretell, generate, prepared
from finetooth.models.head import Progress, Step, Window
from finetooth.models.load import head_options, load_weights, one_of, only_shapes, positions, write_head
from finetooth.models.memory import MIB, Estimate
from finetooth.models.sequences import pad
from finetooth.registry import Task
from finetooth.types import Example, Prediction

OPTIONS = {
    "template": "auto",
    "system": "",
    "max_new_tokens": 0,
    "temperature": 0.0,
    "top_p": 1.0,
    "sample_seed": 0,
    "generate_precision": "fp32",
    "constrain": False,
    "split_characters": 0,
}
# Of an answer's length where no training answer has been seen, and what is granted beyond the longest one.
UNKNOWN_ANSWER_TOKENS = 256
SLACK = 1.25


class CausalHead:
    """See ``models.head.Head``. Options, besides lengths:

    template            auto (the model's chat template if it has one, else plain), chat, plain, or a text
                        of your own with {prompt} in it; kept with the model, the same in inference
    system              a system message for the chat template ("": the template's own)
    max_new_tokens      of a generated answer (0: a quarter more than the longest training answer)
    temperature, top_p, sample_seed    sampling; a temperature of 0 (the default) is greedy
    generate_precision  fp32 (the default) or bf16, which is faster and may flip a near tie
    constrain           generate only what obeys the example's JSON Schema (see ``models.constrain``)
    split_characters    a longer text is asked about stretch by stretch, each of at most so many characters (0: as
                        a whole), where its task can put the answers together

    ``reasons`` names, by id, why an example got no window: nothing is ever cut. Greedy answers that go round in circles,
    longer than any training answer does, are cut off where that is plain (see ``models.loops``).
    """

    name = "causal"
    # Over examples, "[]" would say three tokens as loudly as a list its four hundred: to begin a list at all would
    # hardly count, and a few empty ones would teach the model to answer nothing.
    loss_mean = "token"

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
        if task.prompt is None or task.answer is None:
            raise ConfigError(
                f"model.head: the task {task.name} has no prompt and answer, which causal needs",
                cure=f"one of {', '.join(task.heads)}",
            )
        self.task, self.tokenizer, self.options, self.labels = task, tokenizer, options, tuple(labels)
        self.thresholds = dict(thresholds or {})
        own = head_options(options, OPTIONS, self.name)
        self.max_new_tokens, self.constrain = own["max_new_tokens"], own["constrain"]
        self.precision = one_of(self.name, "generate_precision", own["generate_precision"], ("fp32", "bf16"))
        if own["temperature"] < 0 or not 0 < own["top_p"] <= 1 or own["max_new_tokens"] < 0:
            raise ConfigError(
                f"model.options: temperature {own['temperature']}, top_p {own['top_p']}, "
                f"max_new_tokens {own['max_new_tokens']}: expected 0 or more, over 0 to 1, 0 or more"
            )
        self.split_characters = own["split_characters"]
        if self.split_characters and (task.split is None or task.join is None):
            raise ConfigError(
                f"model.options.split_characters: texts of the task {task.name} cannot be split"
            )
        self.sampling = Sampling(own["temperature"], own["top_p"], own["sample_seed"])
        state = state or {}
        frame = state.get("frame")
        self.frame = Frame(**frame) if frame else make_frame(tokenizer, own["template"], own["system"])
        self.framer = Framer(tokenizer, self.frame)
        # Of the training answers, end token included; None until windows are made of them.
        self.longest_answer: int | None = state.get("longest_answer_tokens")
        self.usual_answer: int | None = state.get("usual_answer_tokens")
        self.longest_loop: int | None = state.get("longest_loop_tokens")
        # Whether some training answers had a reason, so that predictions are asked for one.
        self.asks_reason = bool(state.get("asks_reason", False))
        self.reasons: dict[str, str] = {}
        # Texts by example that greedy decoding is likely to say: confirmed in one pass, see ``models.drafts``.
        self.drafts: dict[str, str] = {}
        self._constraints: Any = None

    # ---- encoding

    def windows(self, examples: Sequence[Example], *, targets: bool = True) -> list[Window]:
        """One window an example or stretch of one; none for what does not fit.

        ``fields``: ``prompt`` (how many of its tokens), ``part`` (of which stretch), ``free`` (its answer has a reason).
        """
        parts = self._parts(examples)
        prompts = self._prompts(parts, targets=targets)
        if not targets:
            return [Window(p.example, ids) for p, ids in zip(parts, prompts, strict=True)]
        assert self.task.answer is not None
        answers = self.framer.answers([self.task.answer(p.of) for p in parts])
        made: list[Window] = []
        most = self.options.max_length_tokens
        for k, (part, prompt, answer) in enumerate(zip(parts, prompts, answers, strict=True)):
            size = len(prompt) + len(answer)
            if size > most:
                cure = ", or model.options.split_characters" if self.task.split else ""
                self.reasons[examples[part.example].id] = (
                    f"too long: {size} tokens ({len(answer)} of them answer), model.max_length_tokens is {most}{cure}"
                )
                continue
            free = self.task.reasoned is not None and self.task.reasoned(part.of)
            made.append(
                Window(part.example, prompt + answer, {"prompt": len(prompt), "part": k, "free": free})
            )
        if self.longest_answer is None and made:
            sizes = [len(w) - w.fields["prompt"] for w in made]
            self.longest_answer, self.usual_answer = max(sizes), math.ceil(np.mean(sizes))
            self.asks_reason = any(w.fields["free"] for w in made)
            self.longest_loop = loops.longest([list(w.input_ids[w.fields["prompt"] :]) for w in made])
        return made

    def _parts(self, examples: Sequence[Example]) -> list[Part]:
        return parts_of(self.task, examples, self.split_characters)

    def _answers(self, examples: Sequence[Example], parts: Sequence[Part]) -> Answers:
        return Answers(self.task, examples, parts, split=bool(self.split_characters))

    def _prompts(self, parts: Sequence[Part], *, targets: bool = False) -> list[list[int]]:
        """In training asked as each target answers, in prediction as training showed that it can be answered."""
        task = self.task
        assert task.prompt is not None
        if task.reasoned is None or task.prompt_reason is None:
            return self.framer.prompts([task.prompt(p.of) for p in parts])
        wanted = [task.reasoned(p.of) if targets else self.asks_reason for p in parts]
        return self.framer.prompts(
            [task.prompt_reason(p.of) if w else task.prompt(p.of) for p, w in zip(parts, wanted, strict=True)]
        )

    def collate(self, windows: Sequence[Window]) -> dict[str, Any]:
        """With answers: ``at``, ``gold`` and ``row`` (answer tokens,), where each is foretold, what, and whose.

        ``at`` counts through the padded batch, row by row. There is no attention mask: padding is on the
        right, where a causal model does not look.
        """
        import torch

        batch = pad(windows, self.tokenizer.pad_token_id, limit=self.options.max_length_tokens)
        batch.pop("attention_mask", None)
        if "prompt" in windows[0].fields:
            length = batch["input_ids"].shape[1]
            places = [
                np.arange(row * length + w.fields["prompt"] - 1, row * length + len(w) - 1)
                for row, w in enumerate(windows)
            ]
            at = torch.from_numpy(np.concatenate(places))
            batch["at"] = at
            batch["gold"] = batch["input_ids"].reshape(-1)[at + 1]
            batch["row"] = torch.from_numpy(np.repeat(np.arange(len(windows)), [len(p) for p in places]))
            batch["free"] = torch.tensor([bool(w.fields["free"]) for w in windows])
        return batch

    # ---- the model

    def build(self, source: Path, **kwargs: Any) -> Any:
        """The architecture's causal language model. Raises ConfigError for one that reads ahead (an encoder)."""
        from transformers import AutoModelForCausalLM

        model = load_weights(AutoModelForCausalLM, source, self.options, **kwargs)
        rows = model.get_input_embeddings().weight.shape[0]
        if len(self.tokenizer) > rows:
            raise ConfigError(
                f"the tokenizer has {len(self.tokenizer)} tokens, the model {rows}: they are not of one model"
            )
        if not only_shapes() and reads_ahead(model):
            raise ConfigError(
                f"model.head: causal needs a decoder, {self.options.name} is an encoder",
                cure="starter:smollm2, or another decoder",
            )
        return model

    def step(self, model: Any, batch: dict[str, Any]) -> Step:
        """gold_prob and margin are means over the answer's tokens, as the loss is; correct: all of them win.

        least_prob: half the least sure token, half the mean.
        """
        import torch

        row, weight = batch["row"], batch["weight"]
        logits = answer_logits(model, batch["input_ids"], batch["at"])
        losses, prob, margin = answer_losses(logits, batch["gold"], batch["smoothing"][row])
        units = torch.zeros_like(weight).index_add_(0, row, torch.ones_like(losses))

        def mean(values: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(weight).index_add(0, row, values) / units

        least = torch.ones_like(weight).scatter_reduce(0, row, prob.to(weight.dtype), "amin")
        return Step(
            loss=mean(losses),
            units=units,
            gold_prob=mean(prob),
            margin=mean(margin),
            correct=mean((margin > 0).float()) == 1,
            # Half the mean: one token may be unlikely in a right answer, a wrong value takes several. And any
            # word of a reason could have been another one: there the least likely says nothing.
            least_prob=torch.where(batch["free"], mean(prob), (least + mean(prob)) / 2),
        )

    # ---- decoding

    def round_trip(self, examples: Sequence[Example]) -> list[Prediction]:
        """Gold as tokens, as text, parsed again; ``raw`` says what went wrong."""
        parts = self._parts(examples)
        answers = self._answers(examples, parts)
        answers.add({k: Prediction(p.of.id, None, 0.0) for k, p in enumerate(parts)})
        for w in self.windows(examples):
            k = w.fields["part"]
            text = self.framer.text(list(w.input_ids[w.fields["prompt"] :]))
            answers.add({k: Prediction(parts[k].of.id, self.task.parse(text, parts[k].of), 1.0, text)})
        back = []
        for i, example in enumerate(examples):
            found = answers.whole(i)
            why = None
            if found.raw is None:
                # One reason for all, so that they are counted together; ``reasons`` has each one's tokens.
                why = f"too long for model.max_length_tokens ({self.options.max_length_tokens})"
            elif found.target is None:
                why = "the answer's text cannot be parsed back"
            elif found.target != self.task.gold(example).target:
                why = "comes back as something else: the tokenizer or the parser changes it"
                why = "lies across a cut (model.options.split_characters)" if self.split_characters else why
            back.append(Prediction(example.id, found.target, found.confidence, why))
        return back

    @property
    def tells_finished(self) -> bool:
        """Whether ``predict`` may be given ``finished``: draws of sampled text depend on all that was drawn before."""
        return not self.sampling.temperature

    def predict(
        self,
        model: Any,
        examples: Sequence[Example],
        *,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
        finished: Callable[[Sequence[int], Sequence[Prediction]], None] | None = None,
    ) -> list[Prediction]:
        """Generated text, parsed; ``raw`` is the text, ``target`` None where it holds no answer.

        A prompt that leaves the model no room to answer gets no text (confidence 0); ``reasons`` names it.
        ``finished`` is told of each batch when it is done, by the places of its examples.
        """
        parts = self._parts(examples)
        prompts = self._prompts(parts)
        limit, granted = positions(model.config), self.most_new_tokens()
        need = min(self.longest_answer or 1, granted)
        asked: dict[int, int] = {}  # part -> tokens that its answer may take
        for i, ids in enumerate(prompts):
            room = granted if limit is None else min(granted, limit - len(ids))
            if room >= need:
                asked[i] = room
            else:
                self.reasons[examples[parts[i].example].id] = (
                    f"the prompt is too long: {len(ids)} tokens and {need} for the answer, "
                    f"the model reads at most {limit}"
                )
        width = model.get_input_embeddings().weight.shape[0]
        places = list(asked)
        answers = self._answers(examples, parts)
        answers.add({k: self._decide(p.of, None) for k, p in enumerate(parts) if k not in asked})

        def tell(some: Sequence[int], texts: Sequence[Generated]) -> None:
            at = [places[i] for i in some]
            whole = answers.add({k: self._decide(parts[k].of, t) for k, t in zip(at, texts, strict=True)})
            if finished is not None:
                finished(whole, [answers.whole(i) for i in whole])

        with prepared(model, self.precision) as ready:
            made = self._generate(
                [parts[k].of.id for k in asked],
                ready,
                [prompts[i] for i in asked],
                most_tokens=list(asked.values()),
                ends=self.framer.ends,
                pad=self.tokenizer.pad_token_id,
                batch_tokens=batch_tokens,
                usual_tokens=self.usual_answer,
                sampling=self.sampling,
                limits=self._limits([parts[k].of for k in asked], width),
                loop_tokens=None if self.longest_loop is None else loops.limit(self.longest_loop),
                progress=progress,
                finished=tell,
            )
        answers.add({k: self._decide(parts[k].of, t) for k, t in zip(asked, made, strict=True)})
        return [answers.whole(i) for i in range(len(examples))]

    def _generate(
        self, names: Sequence[str], model: Any, prompts: Sequence[list[int]], **options: Any
    ) -> Any:
        if self.sampling.temperature or not any(name in self.drafts for name in names):
            return generate(model, prompts, **options)
        del options["finished"]  # confirming drafts takes no time worth keeping
        texts = self.framer.answers([self.drafts.get(name, "") for name in names])
        drafts = [ids if name in self.drafts else None for name, ids in zip(names, texts, strict=True)]
        return generate_from(drafts, prompts, generate, model, **options)

    def foretell(
        self, model: Any, examples: Sequence[Example], *, batch_tokens: int, token_seconds: float
    ) -> float:
        """Seconds that ``predict`` will take; a token that is only read takes ``token_seconds``. Tries a few tokens out."""
        most = self.most_new_tokens()
        longest = min(self.longest_answer or most, most)
        with prepared(model, self.precision) as ready:
            return foretell(
                ready,
                self._prompts(self._parts(examples)),
                most_tokens=most,
                longest_tokens=longest,
                usual_tokens=min(self.usual_answer or longest, longest),
                pad=self.tokenizer.pad_token_id,
                batch_tokens=batch_tokens,
                prompt_token_seconds=token_seconds,
            )

    def answering_mb(self, told: Estimate, config: Any, *, batch_tokens: int) -> float:
        """MiB that ``predict`` takes beside the model: its copy (see ``prepared``), and the keys and values of a batch."""
        brief = self.precision == "bf16"
        copy = 0.0
        if told.strategy == "lora":  # adapters are folded into a whole copy, which is rounded afterwards
            copy = told.weights
        elif brief and told.strategy != "qlora":
            copy = told.weights / 2
        answer = min(self.usual_answer or self.most_new_tokens(), self.most_new_tokens())
        return copy + cache_bytes(config, batch_tokens, answer, width=2 if brief else 4) / MIB

    def most_new_tokens(self) -> int:
        """What an answer may take: as configured, or somewhat more than the longest in training took."""
        if self.max_new_tokens:
            return int(self.max_new_tokens)
        return math.ceil(SLACK * self.longest_answer) if self.longest_answer else UNKNOWN_ANSWER_TOKENS

    def _limits(self, examples: Sequence[Example], width: int) -> Any:
        if not self.constrain:
            return None
        from finetooth.models.constrain import Constraints

        if self._constraints is None:
            self._constraints = Constraints(self.task, self.tokenizer, self.framer.end, width)
        found = self._constraints.of(examples)
        self.reasons |= self._constraints.why
        return found

    def _decide(self, example: Example, made: Generated | None) -> Prediction:
        if made is None:
            return Prediction(example.id, None, 0.0, "")
        text = self.framer.text(made.ids)
        return Prediction(example.id, self.task.parse(text, example), made.confidence, text)

    def tune(self, model: Any, examples: Sequence[Example]) -> dict[str, float]:
        """There is nothing to tune."""
        return {}

    def save(self, folder: Path) -> None:
        write_head(
            self,
            folder,
            state={
                "frame": self.frame.to_json(),
                "longest_answer_tokens": self.longest_answer,
                "usual_answer_tokens": self.usual_answer,
                "longest_loop_tokens": self.longest_loop,
                "asks_reason": self.asks_reason,
            },
        )


HEAD = CausalHead
