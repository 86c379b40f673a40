"""Kills a training run at random places, resumes it, and holds what it leaves against a run that was never killed.

    python bench/resume_kills.py --kills 20 --seed 0
    python bench/resume_kills.py --kills 20 --seed 0 --anywhere

With ``--anywhere`` it is ``finetooth train`` with the span head on a small BERT that is killed from outside, at a moment drawn
from all of the time between its first step and its end: inside a step, a write, an evaluation, the saving of the model.
Moments are drawn until as many runs were killed. Without it a toy kills itself at drawn places: any step, any file that a
checkpoint syncs to disk, the evaluation. Compared byte by byte: weights, dynamics, predictions, scores; and every row of
the step log but for its clock and memory.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import tiny_models
from test_train import child, left

from finetooth.cli import main as finetooth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--anywhere", action="store_true")
    args = parser.parse_args()
    if args.anywhere:
        anywhere(args.kills, args.seed)
        return
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


def anywhere(kills: int, seed: int) -> None:
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        base = tiny_models.word_pieces(folder / "base")
        for name, of in (("train", 1), ("dev", 2)):
            finetooth(
                ["generate", "qa", "--n", "60", "--seed", str(of), "--out", str(folder / f"{name}.jsonl")]
            )

        def start(out: Path) -> subprocess.Popen:
            command = [
                sys.executable, "-m", "finetooth", "train", "--task", "qa", "--data", "train.jsonl", "--dev", "dev.jsonl",
                "--model", str(base), "--out", str(out), "--on-error", "keep", "train.epochs=4", "train.save_steps=3",
                "train.warmup_steps=3", "train.batch_tokens=512", "train.threads=1", "train.learning_rate=1e-3",
                "train.watch_dev_dynamics=true", "model.dropout=0.1", "model.max_length_tokens=128", "model.stride_tokens=32",
            ]  # fmt: skip
            return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def until_first_step(process: subprocess.Popen, out: Path) -> float:
            while process.poll() is None and not (out / "steps.jsonl").exists():
                time.sleep(0.01)
            return time.monotonic()

        whole = start(folder / "whole")
        began = until_first_step(whole, folder / "whole")
        assert whole.wait() == 0
        lasts, expected = time.monotonic() - began, left(folder / "whole")
        killed = same = drawn = 0
        phases: Counter[str] = Counter()
        while killed < kills:
            out = folder / f"run{drawn}"
            drawn += 1
            process = start(out)
            until_first_step(process, out)
            try:
                process.wait(timeout=rng.random() * lasts)
                continue  # it was over before its moment came
            except subprocess.TimeoutExpired:
                process.kill()
            if process.wait() != -9:
                continue
            killed += 1
            rows = (out / "steps.jsonl").read_text("utf-8").splitlines()
            info = json.loads((out / "run.json").read_text("utf-8"))
            phases[
                f"{len(rows)} of {len(expected[1])} rows logged, {len(info.get('epochs') or ())} epochs done"
            ] += 1
            equal = start(out).wait() == 0 and left(out) == expected
            same += equal
            print(json.dumps({"kill": killed, "steps": len(rows), "identical": equal}), file=sys.stderr)
            shutil.rmtree(out)
    print(json.dumps({"drawn": drawn, "killed": killed, "identical": same, "seed": seed, "where": phases}))


if __name__ == "__main__":
    main()
