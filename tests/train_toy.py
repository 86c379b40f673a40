"""A head and a model small enough to train in a second: the answer is one word of the context.

Words are hashed to numbers, so there is no tokenizer to load; the rest keeps to the protocol of
``finetooth.models.head`` like any other head.
"""

from __future__ import annotations

import json
import zlib

import numpy as np
import torch
from torch import nn

from finetooth import registry
from finetooth.models.head import Step, Window
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.train.build import Built
from finetooth.types import Example, Prediction, Span

WORDS = 500
NAMES = ["Ada", "Bela", "Cleo", "Dora", "Egon", "Finn", "Gus", "Hana", "Ines", "Jon"]
PLACES = ["Rome", "Oslo", "Lima", "Bonn", "Graz", "Kyiv", "Cork", "Nice"]


def examples(n: int, *, seed: int = 0) -> list[Example]:
    """``NAME works in PLACE`` facts; the question names one person, the answer is the place."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        names = rng.permutation(NAMES)[: rng.integers(2, 6)]
        places = rng.choice(PLACES, len(names), replace=False)
        context = f"Note {seed}-{i}. " + " ".join(
            f"{a} works in {b}." for a, b in zip(names, places, strict=True)
        )
        place = str(places[0])
        at = context.index(f"{names[0]} works in ") + len(f"{names[0]} works in ")
        target = QATarget((Span(at, at + len(place), place),))
        made.append(Example(f"{seed}-{i}", QAInput(f"Where does {names[0]} work?", context), target))
    return made


class ToyModel(nn.Module):
    """Embeddings of the words, mixed with the question by attention; a logit a position."""

    base_model_prefix = "body"

    def __init__(self, size: int = 24, dropout: float = 0.1) -> None:
        super().__init__()
        self.body = nn.ModuleDict(
            {
                "words": nn.Embedding(WORDS, size),
                "mix": nn.TransformerEncoderLayer(size, 2, 48, dropout, batch_first=True),
            }
        )
        self.out = nn.Linear(size, 1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.body["words"](input_ids)
        hidden = hidden + hidden.roll(3, 1)  # the place stands three words after the name
        hidden = self.body["mix"](hidden, src_key_padding_mask=attention_mask == 0)
        return self.out(hidden).squeeze(-1).masked_fill(attention_mask == 0, -1e4)

    def save_pretrained(self, folder) -> None:
        from safetensors.torch import save_file

        save_file(self.state_dict(), folder / "model.safetensors")


class ToyHead:
    name = "span"
    tokenizer = None

    def __init__(self, *, decode: str = "right", dropout: float = 0.1) -> None:
        self.decode, self.dropout = decode, dropout

    def _words(self, example: Example) -> list[str]:
        return (example.inputs.question + " | " + example.inputs.context).split()

    def windows(self, examples, *, targets=True):
        made = []
        for i, example in enumerate(examples):
            words = self._words(example)
            ids = [zlib.crc32(w.strip(".").encode()) % WORDS for w in words]
            gold = example.target.answers[0]
            place = len(example.inputs.question.split()) + 1
            place += len(example.inputs.context[: gold.start].split())
            made.append(Window(i, ids, {"gold": place}))
        return made

    def build(self, source, **kwargs):
        return ToyModel(dropout=self.dropout)

    def collate(self, windows):
        longest = max(map(len, windows))
        ids = torch.zeros(len(windows), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, w in enumerate(windows):
            ids[row, : len(w)] = torch.tensor(w.input_ids)
            mask[row, : len(w)] = 1
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "gold": torch.tensor([w.fields["gold"] for w in windows]),
            "weight": torch.tensor([w.weight for w in windows]),
            "smoothing": torch.tensor([w.smoothing for w in windows]),
        }

    def step(self, model, batch):
        logits = model(batch["input_ids"], batch["attention_mask"]).float()
        logs = logits.log_softmax(-1)
        gold = batch["gold"][:, None]
        right = logs.gather(1, gold).squeeze(1)
        real = batch["attention_mask"].float()
        even = (logs * real).sum(-1) / real.sum(-1)
        loss = -(1 - batch["smoothing"]) * right - batch["smoothing"] * even
        probs = logs.detach().exp()
        best_other = probs.scatter(1, gold, 0.0).amax(-1)
        gold_prob = probs.gather(1, gold).squeeze(1)
        margin = gold_prob - best_other
        return Step(loss, torch.ones_like(loss), gold_prob, margin, margin > 0)

    def round_trip(self, examples):
        return [
            self._answer(e, w.fields["gold"]) for e, w in zip(examples, self.windows(examples), strict=True)
        ]

    def _answer(self, example, place):
        word = self._words(example)[place].strip(".")
        return Prediction(example.id, word if self.decode == "right" else "nonsense", 0.5)

    def predict(self, model, examples, *, batch_tokens=8192, progress=None):
        model.eval()
        batch = self.collate(self.windows(examples))
        with torch.no_grad():
            places = model(batch["input_ids"], batch["attention_mask"]).argmax(-1)
        if progress:
            progress(len(examples), len(examples))
        return [self._answer(e, int(p)) for e, p in zip(examples, places, strict=True)]

    def tune(self, model, examples):
        return {}

    def save(self, folder):
        (folder / "finetooth.json").write_text(json.dumps({"head": "toy"}))


def build(config, task, examples) -> Built:
    head = ToyHead(dropout=config.model.dropout)
    return Built(head, lambda: head.build(None))


TASK = registry.task("qa")
