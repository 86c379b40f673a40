"""How much memory ``finetooth check --stream`` takes, and how it grows with the rows.

    python bench/stream_check.py --rows 50000 100000 200000
    python bench/stream_check.py --rows 5000000

Rows are questions of the built-in world, with defects in a tenth; a block of 20,000 of them is repeated, each time with other ids and the
number of the repeat in every context, so that no text comes back. Each size is a process of its own; told are its rows
a second, its peak of resident memory, and the findings. The slope is what a further row costs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from finetooth.generate import make
from finetooth.generate.defects import spread

BLOCK = 20_000


def write(path: Path, n: int, block: int) -> None:
    made = make("qa", min(n, block), seed=1, defects=spread("qa", 0.1)).rows
    with path.open("w", encoding="utf-8") as f:
        for i in range(n):
            row, times = made[i % len(made)], i // len(made)
            if times:
                # At the end: the offsets stay what they are.
                row = {**row, "id": f"{row['id']}-{times}", "context": f"{row['context']} Copy {times}."}
            f.write(json.dumps(row, ensure_ascii=False) + "\n")


def check(path: Path, rows: int) -> dict[str, float]:
    began = time.monotonic()
    command = [sys.executable, "-m", "finetooth", "check", str(path), "--stream", "--rows", str(rows)]
    out = path.with_suffix(".json")
    child = subprocess.Popen(
        [*command, "--out", str(out), "--fail-on", "never"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the check failed"
    with out.open(encoding="utf-8") as f:
        counts = json.loads(f.readline().split(', "parts"')[0] + "}")
    return {
        "rows": counts["examples"],
        "mb_of_data": round(path.stat().st_size / 1e6),
        "peak_mb": round(used.ru_maxrss / 1024),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "seconds": round(time.monotonic() - began, 1),
        **counts["counts"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[50_000, 100_000, 200_000])
    parser.add_argument("--part", type=int, default=20_000)
    parser.add_argument("--block", type=int, default=BLOCK)
    args = parser.parse_args()
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for n in args.rows:
            path = Path(folder, "rows.jsonl")
            write(path, n, args.block)
            made.append(check(path, args.part))
            print(json.dumps(made[-1]), flush=True)
    if len(made) > 1:
        first, last = made[0], made[-1]
        slope = (last["peak_mb"] - first["peak_mb"]) * 2**20 / (last["rows"] - first["rows"])
        print(json.dumps({"bytes_a_further_row": round(slope, 1)}))


if __name__ == "__main__":
    main()
