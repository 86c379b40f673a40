"""Kills a training run at random places, resumes it, and holds what it leaves against a run that was never killed.

    python bench/resume_kills.py --kills 20 --seed 0

Places: any step, any file that a checkpoint syncs to disk, the evaluation. Compared byte by byte: weights,
dynamics, predictions, scores; and every row of the step log but for its clock and memory.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from test_train import child, left


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as tmp:
        whole = Path(tmp, "whole")
        assert child(whole) == 0
        expected = left(whole)
        steps = len([r for r in expected[1] if "loss" in r])
        same, places = 0, []
        for i in range(args.kills):
            run = Path(tmp, f"run{i}")
            kind = rng.choice(["step", "sync", "step", "sync", "evaluate"])
            where = {"step": f"step={rng.randrange(1, steps + 1)}", "sync": f"sync={rng.randrange(1, 40)}",
                     "evaluate": "step=-1"}[kind]  # fmt: skip
            died = child(run, where)
            again = child(run)
            equal = again == 0 and left(run) == expected
            same += equal
            places.append({"where": where, "killed": died == -9, "identical": equal})
            print(json.dumps(places[-1]), file=sys.stderr)
    killed = sum(p["killed"] for p in places)
    print(
        json.dumps(
            {"runs": args.kills, "killed": killed, "identical": same, "steps": steps, "seed": args.seed}
        )
    )


if __name__ == "__main__":
    main()
