"""What the checks find of what was planted: recall and precision of every kind of defect, over seeds.

    python bench/defects_found.py [--rows 3000] [--seeds 0 1 2] [--noise 0.05] [--json]

All kinds of a task are planted together, ``noise`` of its units in equal parts, and a tenth of that is
leaked from another split. A figure is the mean over the seeds; in brackets the lowest and the highest.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

from finetooth import checks, generate, io, readers
from finetooth.generate import defects


def once(task: str, rows: int, noise: float, seed: int, folder: Path) -> list[defects.Found]:
    other = generate.make(task, max(50, rows // 5), seed=2 * seed + 1).rows
    rates = defects.spread(task, noise)
    rates |= {k.name: noise / 10 for k in defects.kinds(task).values() if k.needs_other}
    made = generate.make(task, rows, seed=2 * seed, defects=rates, other=other)
    for name, each in (("here", made.rows), ("there", other)):
        io.write_jsonl(folder / f"{name}.jsonl", each)
    here, there = (readers.load(folder / f"{name}.jsonl", task=task) for name in ("here", "there"))
    return defects.found(task, made.planted, checks.run(here, against=there).findings)


def told(values: list[float | None]) -> str:
    given = [100 * v for v in values if v is not None]
    if not given:
        return "-"
    return f"{sum(given) / len(given):.0f} ({min(given):.0f}-{max(given):.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--noise", type=float, default=0.05)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    runs: dict[tuple[str, str], list[defects.Found]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for task in generate.VIEWS:
            for seed in args.seeds:
                for found in once(task, args.rows, args.noise, seed, Path(folder)):
                    runs[task, found.defect].append(found)
    if args.json:
        print(
            io.to_json([{"task": task, "defect": name, "runs": each} for (task, name), each in runs.items()])
        )
        return
    print("| task | defect | planted | recall % | of what is named, this kind % | any kind % |")
    print("|---|---|---|---|---|---|")
    for (task, name), each in runs.items():
        planted = sum(f.planted for f in each) / len(each)
        recall = told([f.recall for f in each])
        precision, any_precision = told([f.precision for f in each]), told([f.any_precision for f in each])
        print(f"| {task} | {name} | {planted:.0f} | {recall} | {precision} | {any_precision} |")


if __name__ == "__main__":
    main()
