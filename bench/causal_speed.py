"""The causal head against what most people run: padded fp32 batches with full logits, answers one at a time.

    python bench/causal_speed.py [--model starter:smollm2] [--rounds 3] [--threads 2] [--part training]

Training: tokens that are not padding, a second, forward to optimiser step. Plain: random batches padded to
their longest, fp32, logits and labels at every place, as transformers' own loss wants it. Generation: new
tokens a second; plain is ``model.generate`` on one prompt at a time in fp32. The sides take turns, so that a busy
machine slows both; the figures are ratios of each round, their median, lowest and highest.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time

import numpy as np
import torch

from finetooth import registry
from finetooth.config import ModelConfig, TrainConfig
from finetooth.generate.json_rows import generate_json
from finetooth.models.generation import generate
from finetooth.models.load import build_head, resolve
from finetooth.train import losses, machine
from finetooth.train.batches import plan

RATE, CLIP = 1e-5, 1.0


class Training:
    """A model and its optimiser. All sides share them: what the weights are makes no difference to the time."""

    def __init__(self, model):
        self.model = model.train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=RATE, fused=True)

    def update(self, loss):
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self.optimizer.zero_grad()


def plain_step(training, windows, pad):
    longest = max(map(len, windows))
    ids = torch.full((len(windows), longest), pad)
    mask = torch.zeros_like(ids)
    for row, w in enumerate(windows):
        ids[row, : len(w)] = torch.tensor(w.input_ids)
        mask[row, : len(w)] = 1
    labels = ids.masked_fill(mask == 0, -100)
    for row, w in enumerate(windows):
        labels[row, : w.fields["prompt"]] = -100
    training.update(training.model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss)
    return sum(map(len, windows))


def our_step(training, head, windows, precision):
    batch = head.collate(windows)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        step = head.step(training.model, batch)
    total, weight = losses.weighted_sum(step, batch["weight"], "example")
    training.update(total / weight)
    return sum(map(len, windows))


def clock(run):
    """Tokens a second: of the clock, or of the process where one thread does all, which other programs slow less."""
    now = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    began = now()
    tokens = run()
    return tokens / (now() - began)


def say(name, rates):
    """Ratios to the first side, round by round."""
    base, *others = rates
    print(f"{name}: {base} {statistics.median(rates[base]):.1f} tokens a second")
    for other in others:
        ratios = [a / b for a, b in zip(rates[other], rates[base], strict=True)]
        print(
            f"{name}: {other} {statistics.median(rates[other]):.1f} tokens a second, "
            f"{statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f}, {len(ratios)} rounds)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="starter:smollm2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--examples", type=int, default=96)
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--new-tokens", type=int, default=48)
    parser.add_argument("--part", choices=("training", "generation"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    threads = machine.use_threads(args.threads)
    machine.keep_memory()
    precision, why = machine.pick_precision(TrainConfig())
    task, folder = registry.task("json"), resolve(args.model)
    options = ModelConfig(name=args.model, max_length_tokens=1024)
    head = build_head(task, options, (), "causal", folder)
    model = head.build(folder)
    examples = [task.from_row(r, "bench") for r in generate_json(args.examples, args.seed)]
    windows = head.windows(examples)
    lengths = [len(w) for w in windows]
    answers = sum(lengths) - sum(w.fields["prompt"] for w in windows)
    print(
        f"{len(windows)} examples, {sum(lengths):,} tokens, {100 * answers / sum(lengths):.0f} % of them answer; "
        f"{threads} threads, {precision} ({why})"
    )
    if args.part != "generation":
        time_training(args, head, model, windows, precision)
    if args.part != "training":
        time_generation(args, head, model, examples)


def time_training(args, head, model, windows, precision):
    lengths = [len(w) for w in windows]
    updates = plan(
        lengths, batch_tokens=args.batch_tokens, epochs=99, max_steps=args.rounds + 1, seed=args.seed
    )
    rng = np.random.default_rng(args.seed)
    of_update = max(1, round(args.batch_tokens / np.mean(lengths)))
    pad = head.tokenizer.pad_token_id
    training = Training(model)
    rates = {name: [] for name in ("plain fp32", "ours fp32", f"ours {precision}")}
    for i in range(args.rounds + 1):
        ours = [windows[k] for k in updates.updates[i].batches[0]]
        drawn = [windows[k] for k in rng.permutation(len(windows))[:of_update]]
        for name in rates:
            if name == "plain fp32":
                rate = clock(lambda drawn=drawn: plain_step(training, drawn, pad))
            else:
                of = name.split()[1]
                rate = clock(lambda of=of, ours=ours: our_step(training, head, ours, of))
            if i:  # the first warms up
                rates[name].append(rate)
    say("training", rates)


def time_generation(args, head, model, examples):
    pad = head.tokenizer.pad_token_id
    prompts = [list(w.input_ids) for w in head.windows(examples[:32], targets=False)]
    model.eval()
    half = copy.deepcopy(model).to(torch.bfloat16)

    def one_by_one(n):
        for prompt in prompts[:n]:
            ids = torch.tensor([prompt])
            with torch.inference_mode():
                model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    min_new_tokens=args.new_tokens,
                    max_new_tokens=args.new_tokens,
                    do_sample=False,
                    pad_token_id=pad,
                )
        return n * args.new_tokens

    def batched(of):
        # No token ends an answer here, so that both sides make as many.
        generate(of, prompts, most_tokens=args.new_tokens, ends=(), pad=pad, batch_tokens=10**6)
        return len(prompts) * args.new_tokens

    runs = {
        "one at a time fp32": lambda: one_by_one(2),
        "batch of 32 fp32": lambda: batched(model),
        "batch of 32 bf16": lambda: batched(half),
    }
    rates = {name: [] for name in runs}
    for _ in range(args.rounds):
        for name, run in runs.items():
            rates[name].append(clock(run))
    say("generation", rates)


if __name__ == "__main__":
    main()
