"""What recording training dynamics costs: steps with and without it, interleaved in one process.

    python bench/dynamics_cost.py [--rounds 40] [--threads 1] [--only ner] [--batch-tokens N]

The same batch is trained on twice in each round, in turns: once as ``finetooth train`` does it (the head's step and the
recorder), once with cross-entropy alone. Both sides are forward, backward, clipping and optimiser. CPU seconds, which what
else runs hardly moves; the ratio is the median over rounds, with the 95 % bootstrap interval of that median.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from finetooth import config, readers, registry
from finetooth.cli import main as finetooth
from finetooth.models.answer_loss import answer_logits
from finetooth.train import build
from finetooth.train.dynamics import Recorder

CASES = {
    "qa, span head, starter:minilm": ("qa", "starter:minilm", 4096),
    "ner, token head, starter:minilm": ("ner", "starter:minilm", 2048),
    "json, causal head, starter:smollm2": ("json", "starter:smollm2", 1024),
}


def span_loss(head: Any, model: Any, batch: dict[str, Any]) -> torch.Tensor:
    out = model(**{k: batch[k] for k in ("input_ids", "attention_mask", "token_type_ids") if k in batch})
    hidden = ~batch["valid"]
    sides = (out.start_logits.float(), out.end_logits.float())
    return sum(
        torch.nn.functional.cross_entropy(s.masked_fill(hidden, -1e9), batch["gold"][:, i])
        for i, s in enumerate(sides)
    )


def causal_loss(head: Any, model: Any, batch: dict[str, Any]) -> torch.Tensor:
    logits = answer_logits(model, batch["input_ids"], batch["at"])
    return torch.nn.functional.cross_entropy(logits.float(), batch["gold"])


def token_loss(head: Any, model: Any, batch: dict[str, Any]) -> torch.Tensor:
    logits = model(**{k: batch[k] for k in ("input_ids", "attention_mask") if k in batch}).logits
    flat = logits.reshape(-1, logits.shape[-1])[batch["at"]]
    return torch.nn.functional.cross_entropy(flat.float(), batch["gold"])


PLAIN = {"qa": span_loss, "ner": token_loss, "json": causal_loss}


def case(task_name: str, base: str, tokens: int, rounds: int, folder: Path) -> list[float]:
    data = folder / f"{task_name}.jsonl"
    finetooth(["generate", task_name, "--n", "300", "--seed", "1", "--out", str(data)])
    task = registry.task(task_name)
    examples = readers.load(data, task=task_name).examples
    settings = config.build(
        {
            "task": task_name,
            "data": {"train": str(data)},
            "model": {"name": base, "max_length_tokens": 512},
            "out": str(folder / "out"),
        }
    )
    made = build.default(settings, task, examples)
    model = made.model().train()
    windows = made.head.windows(examples)
    recorder = Recorder([e.id for e in examples], windows)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    order = sorted(range(len(windows)), key=lambda i: len(windows[i]))

    def turn(loss: Callable[[], torch.Tensor]) -> float:
        began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16):
            value = loss()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return time.process_time() - began

    ratios, at = [], 0
    for i in range(rounds + 2):
        numbers: list[int] = []
        while not numbers or (len(numbers) + 1) * len(windows[order[at % len(order)]]) <= tokens:
            numbers.append(order[at % len(order)])
            at += 1
        batch = made.head.collate([windows[n] for n in numbers])

        def ours(numbers: list[int] = numbers, batch: dict[str, Any] = batch) -> torch.Tensor:
            step = made.head.step(model, batch)
            recorder.add(np.array(numbers), step)
            return step.loss.mean()

        def plain(batch: dict[str, Any] = batch) -> torch.Tensor:
            return PLAIN[task_name](made.head, model, batch)

        sides = [("ours", ours), ("plain", plain)]
        took = {name: turn(loss) for name, loss in (sides if i % 2 else sides[::-1])}
        if i >= 2:  # the first two warm the caches
            ratios.append(took["ours"] / took["plain"])
    began = time.process_time()
    recorder.end_epoch()
    print(f"  end of an epoch: {1000 * (time.process_time() - began):.1f} ms for {len(examples)} examples")
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=sorted(PLAIN))
    parser.add_argument("--batch-tokens", type=int)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as tmp:
        for name, (task, base, tokens) in CASES.items():
            if args.only and args.only != task:
                continue
            ratios = case(task, base, args.batch_tokens or tokens, args.rounds, Path(tmp))
            drawn = np.random.default_rng(0).choice(ratios, (2000, len(ratios)))
            low, high = np.percentile(np.median(drawn, axis=1), (2.5, 97.5))
            middle = statistics.median(ratios)
            print(f"{name}: {100 * (middle - 1):+.1f} % [{100 * (low - 1):+.1f}, {100 * (high - 1):+.1f}]")


if __name__ == "__main__":
    main()
