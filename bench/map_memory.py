"""How much memory ``finetooth map`` takes for a run's dynamics.parquet, and how it grows with examples and epochs.

    python bench/map_memory.py --examples 10000 300000 --epochs 5

The file is as training writes it: by epoch, then example; figures are drawn at random. Each map is a process of its own
(without a picture); told are its peak of resident memory and its time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from finetooth.cli._output import table

ROWS = 100_000  # that are made at a time
SCHEMA = pa.schema([("example_id", pa.string()), ("epoch", pa.int32()), ("gold_prob", pa.float64()),
                    ("margin", pa.float64()), ("correct", pa.bool_()), ("loss", pa.float64())])  # fmt: skip


def write(path: Path, examples: int, epochs: int, *, seed: int) -> None:
    rng = np.random.default_rng(seed)
    with pq.ParquetWriter(path, SCHEMA) as out:
        for epoch in range(epochs):
            for start in range(0, examples, ROWS):
                n = min(ROWS, examples - start)
                p = rng.beta(1 + epoch, 1, n).clip(1e-9, 1)
                ids = pa.array([f"question-{i:08d}" for i in range(start, start + n)])
                kinds = (np.full(n, epoch, np.int32), p, 2 * p - 1, p > 0.5, -np.log(p))
                out.write_table(pa.Table.from_arrays([ids, *map(pa.array, kinds)], schema=SCHEMA))


def mapped(path: Path) -> tuple[float, float]:
    """(peak MiB, seconds of CPU) of ``finetooth map``."""
    command = [sys.executable, "-m", "finetooth", "map", str(path), "--no-picture"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the map failed"
    return used.ru_maxrss / 1024, used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--examples", type=int, nargs="+", default=[10_000, 300_000])
    parser.add_argument("--epochs", type=int, nargs="+", default=[5])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rows = []
    for examples in args.examples:
        for epochs in args.epochs:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "dynamics.parquet"
                write(path, examples, epochs, seed=args.seed)
                began = time.monotonic()
                peak, cpu = mapped(path)
                size = path.stat().st_size / 2**20
                rows.append((examples, epochs, size, peak, cpu, time.monotonic() - began))
    print(table(("examples", "epochs", "file MiB", "peak MiB", "CPU s", "seconds"), rows))


if __name__ == "__main__":
    main()
