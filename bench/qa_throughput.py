"""Windows a second of ``finetooth train`` beside a plain ``Trainer`` that pads to 384 in fp32, interleaved in one run.

    python bench/qa_throughput.py --data v1.1-train.json --rounds 5
    python bench/qa_throughput.py --data v1.1-train.json --rounds 5 --apart

Three sides take turns, each a process of its own that trains the same model on the same questions and waits between
its turns: ours, the plain script with our dropout (0), and the plain script with the dropout that the model comes with
(0.1), whose effect is so shown apart. Medians over the rounds; ratios are of medians, with the lowest and the highest
ratio of a round. With ``--apart`` ours also runs with one thing less each time: what each of them is worth.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

STEPS = {"ours": 8, "plain": 2, "plain, dropout 0.1": 2}
APART = {"ours, fused attention": 8, "ours, fp32": 8, "ours, random batches": 8, "ours, glibc as it is": 8}
WARM_STEPS = 2
BATCH = 16  # windows of a plain batch


class Turns:
    """Trains for a turn, tells how fast it was, and waits for the next line of standard input."""

    def __init__(self, steps: int) -> None:
        self.steps, self.done, self.windows, self.since = steps, 0, 0, 0.0

    def step(self, windows: int) -> None:
        self.done += 1
        if self.done > WARM_STEPS:
            self.windows += windows
        if self.done >= WARM_STEPS and (self.done - WARM_STEPS) % self.steps == 0:
            if self.windows:
                rate = self.windows / (time.perf_counter() - self.since)
                print(json.dumps({"rate": rate}), flush=True)
            else:
                print(json.dumps({"ready": True}), flush=True)
            if not sys.stdin.readline().strip():
                import os

                os._exit(0)
            self.windows, self.since = 0, time.perf_counter()


def ours(args: argparse.Namespace) -> None:
    import numpy as np

    from finetooth import config, train
    from finetooth.models import attention
    from finetooth.train import batches, machine

    without = args.side.removeprefix("ours, ")
    if without == "fused attention":
        attention.LONGEST = 0
    elif without == "glibc as it is":
        machine.keep_memory = lambda: False
    elif without == "random batches":
        batches.epoch_batches = lambda lengths, rng, **_: np.array_split(
            rng.permutation(len(lengths)), len(lengths) // BATCH
        )

    class Watch(train.Watch):
        def __init__(self) -> None:
            self.turns, self.run = Turns({**STEPS, **APART}[args.side]), Path(args.out)

        def progress(self, phase, done, of, **values) -> None:
            if phase == "train":
                row = json.loads((self.run / "steps.jsonl").read_text("utf-8").splitlines()[-1])
                self.turns.step(row["windows"])

    settings = config.build(
        {
            "task": "qa",
            # A dev set of its own, or a tenth of the file would be held out and other questions drawn.
            "data": {
                "train": args.data,
                "dev": args.data,
                "max_train_examples": args.examples,
                "max_dev_examples": 16,
                "on_error": "keep",
            },
            "model": {"name": args.model},
            "train": {
                "epochs": 50,
                "learning_rate": 2e-4,
                "batch_tokens": args.batch_tokens,
                "save_minutes": 600,
                "precision": "fp32" if without == "fp32" else "auto",
            },
            "out": args.out,
        }
    )
    train.train(settings, watch=Watch())


def plain(args: argparse.Namespace, dropout: float) -> None:
    import plain_trainer
    from transformers import TrainerCallback

    turns = Turns(STEPS["plain"])

    class Wait(TrainerCallback):
        def on_step_end(self, *_, **__) -> None:
            turns.step(BATCH)

    argv = [
        "--data", args.data, "--out", args.out, "--model", args.model, "--epochs", "50",
        "--examples", str(args.examples), "--batch", str(BATCH), "--dropout", str(dropout),
    ]  # fmt: skip
    plain_trainer.main(argv, callbacks=(Wait(),))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default="starter:minilm")
    parser.add_argument("--examples", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--batch-tokens", type=int, default=2688, help="about 16 windows, as the plain batch has"
    )
    parser.add_argument("--side", choices=[*STEPS, *APART])
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--out", default="")
    args = parser.parse_args()
    if args.side:
        if args.side.startswith("ours"):
            ours(args)
        else:
            plain(args, 0.1 if "dropout" in args.side else 0.0)
        return
    import tempfile

    names = [*STEPS, *APART] if args.apart else list(STEPS)
    with tempfile.TemporaryDirectory() as tmp:
        sides = {}
        for name in names:
            command = [
                sys.executable, __file__, "--side", name, "--data", args.data, "--model", args.model, "--examples",
                str(args.examples), "--batch-tokens", str(args.batch_tokens),
                "--out", str(Path(tmp, name.replace(",", "").replace(" ", "-"))),
            ]  # fmt: skip
            sides[name] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            _told(sides[name])  # ready, so that loading does not disturb the others' turns
        rates: dict[str, list[float]] = {name: [] for name in names}
        for i in range(args.rounds):
            for name, process in sides.items():
                process.stdin.write("go\n")
                process.stdin.flush()
                rates[name].append(_told(process)["rate"])
            print(
                f"round {i + 1}: " + ", ".join(f"{n} {r[-1]:.2f}" for n, r in rates.items()), file=sys.stderr
            )
        for process in sides.values():
            process.kill()
    medians = {name: statistics.median(r) for name, r in rates.items()}
    for name, median in medians.items():
        print(f"{median:8.2f} windows a second  {name}")
    for name in names[1:]:
        each = [a / b for a, b in zip(rates["ours"], rates[name], strict=True)]
        print(f"{medians['ours'] / medians[name]:8.2f} x [{min(each):.2f}, {max(each):.2f}]  ours to {name}")


def _told(process: subprocess.Popen) -> dict:
    for line in process.stdout:
        if line.startswith('{"'):  # and not what Trainer prints
            return json.loads(line)
    raise SystemExit("a side ended early: run it alone with --side to see why")


if __name__ == "__main__":
    main()
