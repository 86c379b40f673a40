"""How long ``finetooth check`` takes on 10,000 generated JSON rows, as a user would run it.

    python bench/json_check_speed.py [--n 10000] [--seed 7] [--rounds 5]

Each round starts the command anew: interpreter, imports, reading, every check, printing. Wall time depends on who else uses
the machine, CPU time (user + system, of the process and its children) hardly does; both are medians over the rounds.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from finetooth.generate.json_rows import generate_json, write_schemas
from finetooth.io import write_jsonl


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_jsonl(folder / "rows.jsonl", generate_json(args.n, args.seed))
        (folder / "schemas").mkdir()
        write_schemas(folder / "schemas")
        command = [sys.executable, "-m", "finetooth", "check", "rows.jsonl", "--schemas", "schemas", "--json"]
        walls, cpus, found = [], [], None
        for _ in range(args.rounds):
            before, start = cpu_of_children(), time.perf_counter()
            done = subprocess.run(
                command,
                cwd=folder,
                capture_output=True,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            walls.append(time.perf_counter() - start)
            cpus.append(cpu_of_children() - before)
            found = json.loads(done.stdout)
        size = (folder / "rows.jsonl").stat().st_size / 1e6
    assert found is not None
    assert found["examples"] == args.n
    print(
        f"check of {args.n:,} rows ({size:.1f} MB): {median(cpus):.2f} s CPU ({min(cpus):.2f} to {max(cpus):.2f}), "
        f"{median(walls):.2f} s wall ({min(walls):.2f} to {max(walls):.2f}), {len(found['findings'])} findings"
    )
    load = os.getloadavg()[0]
    print(
        f"{args.n / median(cpus):,.0f} rows a CPU second; load of the machine {load:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
