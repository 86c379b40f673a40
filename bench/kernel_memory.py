"""What the kernels that are kept of every shape cost in memory, and whether they save time.

    python bench/kernel_memory.py [--shapes 300] [--width 384] [--keep 1024,64,16]

A feed-forward layer, forward and backward in bf16, over batches of as many different lengths; each capacity in a
process of its own, in turns. Printed: how much the process grew after the first batch, CPU seconds, by capacity.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

NAMES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")
ROUNDS = 3


def measure(shapes: int, width: int) -> None:
    import torch

    from finetooth.train import machine

    torch.set_num_threads(1)
    layer = torch.nn.Sequential(
        torch.nn.Linear(width, 4 * width), torch.nn.GELU(), torch.nn.Linear(4 * width, width)
    )

    def step(rows: int) -> None:
        x = torch.randn(rows, width, requires_grad=True)
        with torch.autocast("cpu", torch.bfloat16):
            made = layer(x)
        made.float().sum().backward()

    step(shapes + 300)  # the largest, so that what grows afterwards is no activation
    before, began = machine.memory_mb(), time.process_time()
    for i in range(shapes):
        step(300 + i)
    print(json.dumps([machine.memory_mb() - before, time.process_time() - began]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shapes", type=int, default=300)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--keep", default="1024,64,16")
    parser.add_argument("--measure", action="store_true")
    given = parser.parse_args()
    if given.measure:
        measure(given.shapes, given.width)
        return
    found: dict[str, list[list[float]]] = {}
    for _ in range(ROUNDS):
        for capacity in given.keep.split(","):
            command = [sys.executable, __file__, "--measure", "--shapes", str(given.shapes)]
            done = subprocess.run(
                [*command, "--width", str(given.width)],
                env={**os.environ, **dict.fromkeys(NAMES, capacity)},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            found.setdefault(capacity, []).append(json.loads(done.stdout))
    print(f"{'kept':>6} {'grew, MiB':>10} {'CPU, s':>8}   medians of {ROUNDS}")
    for capacity, rows in found.items():
        grew, seconds = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{capacity:>6} {grew:10.0f} {seconds:8.1f}")


if __name__ == "__main__":
    main()
