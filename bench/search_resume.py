"""Runs a search of 12 trials on the demo task, kills it twice in the middle, resumes it, and prints its table.

    OMP_NUM_THREADS=1 python bench/search_resume.py
    OMP_NUM_THREADS=1 python bench/search_resume.py --against

The demo task: questions of the built-in world, starter:minilm, one epoch; learning rate, tokens a batch and warmup are
searched. The kills are SIGKILL: one of the search alone, in the middle of its third trial; one of the search *and*
of the trial it runs, in the middle of its seventh. Between, a trial's process is killed under a living search. Told at the
end: the table, how many runs were trained anew after they were finished (none should be), trials left running (none),
and what the winner reaches on fresh seeds. ``--against`` runs the same search without kills and compares the scores.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from finetooth.cli import main as finetooth
from finetooth.cli._output import table


def data(folder: Path, questions: int, dev_questions: int) -> None:
    """train.jsonl and dev.jsonl of the built-in world."""
    for name, n, seed in (("train", questions, 1), ("dev", dev_questions, 2)):
        out = str(folder / f"{name}.jsonl")
        if finetooth(["generate", "qa", "--n", str(n), "--seed", str(seed), "--out", out]):
            sys.exit(f"{out} was not made")


def settings(
    folder: Path, out: str, trials: int, extra: dict[str, Any], *, save_steps: int | None = 2
) -> Path:
    """The file of a search into ``folder/out``; ``extra``: further keys of it."""
    base = {
        "task": "qa",
        "data": {"train": str(folder / "train.jsonl"), "dev": str(folder / "dev.jsonl"), "on_error": "keep"},
        "model": {
            "name": "starter:minilm",
            "max_length_tokens": 128,
            "stride_tokens": 32,
            "dropout": 0.0,
            "attention_dropout": 0.0,
        },
        "train": {"epochs": 1, "threads": 1, "save_steps": save_steps},
    }
    space = {
        "train.learning_rate": {"low": 5e-5, "high": 1e-3, "log": True},
        "train.batch_tokens": [512, 1024],
        "train.warmup_steps": [3, 6],
    }
    path = folder / f"{out}.yaml"
    values = {"config": base, "space": space, "sampler": "random", "trials": trials, "out": str(folder / out)}
    path.write_text(json.dumps({**values, **extra}), "utf-8")
    return path


def start(config: Path) -> subprocess.Popen[bytes]:
    log = config.with_suffix(".log").open("ab")
    return subprocess.Popen(
        [sys.executable, "-m", "finetooth", "search", str(config), "--json"],
        stdout=config.with_suffix(".json").open("wb"),
        stderr=log,
    )


def runs(out: Path) -> list[dict[str, Any]]:
    found = []
    for path in out.glob("trials/*/run.json"):
        found.append({**json.loads(path.read_text("utf-8")), "folder": path.parent})
    return found


def until(what: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None and not what():
        time.sleep(0.05)


def in_the_middle(out: Path, finished: int, steps: int = 3) -> Callable[[], bool]:
    """Whether ``finished`` trials are over and the next has taken ``steps`` steps."""

    def look() -> bool:
        every = runs(out)
        going = [r for r in every if r["status"] == "running"]
        lines = [len((r["folder"] / "steps.jsonl").read_bytes().splitlines()) for r in going
                 if (r["folder"] / "steps.jsonl").exists()]  # fmt: skip
        return sum(r["status"] == "finished" for r in every) >= finished and max(lines, default=0) >= steps

    return look


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--keep", type=Path, help="the folder to work in; a temporary one otherwise")
    parser.add_argument("--against", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        data(folder, args.questions, args.questions // 2)
        config = settings(folder, "killed", args.trials, {})
        out = folder / "killed"
        began = time.monotonic()

        first = start(config)
        until(in_the_middle(out, args.trials // 6), first)
        orphans = children(first.pid)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        print(f"killed the search in its trial {args.trials // 6 + 1}", file=sys.stderr)

        second = start(config)
        until(in_the_middle(out, args.trials // 3), second)
        os.kill(children(second.pid)[0], signal.SIGKILL)
        print(f"killed a trial, number {args.trials // 3 + 1}, under the living search", file=sys.stderr)
        until(in_the_middle(out, args.trials // 2), second)
        doomed = children(second.pid)
        os.kill(second.pid, signal.SIGKILL)
        for pid in doomed:
            os.kill(pid, signal.SIGKILL)
        second.wait()
        print(f"killed the search and its trial {args.trials // 2 + 1}", file=sys.stderr)

        finished = {r["folder"]: (r["folder"] / "run.json").stat().st_mtime_ns for r in runs(out)
                    if r["status"] == "finished"}  # fmt: skip
        code = start(config).wait()
        seconds = time.monotonic() - began
        again = [f for f, at in finished.items() if (f / "steps.jsonl").stat().st_mtime_ns > at]
        result = json.loads(config.with_suffix(".json").read_text("utf-8"))
        rows = sorted(result["trials"], key=lambda t: -(t["value"] or 0))
        values = [
            (
                t["number"],
                t["state"],
                t["value"],
                t["seconds"],
                *map(str, t["params"].values()),
                t["failure"] or "",
            )
            for t in rows
        ]
        names = [k.partition(".")[2] for k in rows[0]["params"]]
        print(table(("trial", "state", result["metric"], "seconds", *names, "failure"), values))
        told = {
            "exit": code,
            "trials": len(rows),
            "finished": sum(t["value"] is not None for t in rows),
            "left_running": _left_running(out),
            "orphans_alive": [p for p in orphans if Path(f"/proc/{p}").exists()],
            "trained_again": len(again),
            "resumed_from_a_checkpoint": sum(bool((r.get("measured") or {}).get("resumed_at")) for r in runs(out)),
            "winner": result["best"]["value"],
            "lead": round(result["lead"], 2),
            "fresh_seeds": [round(v, 2) for v in result["rerun"]],
            "luck": round(result["luck"], 2),
            "minutes": round(seconds / 60, 1),
        }  # fmt: skip
        if args.against:
            plain = settings(folder, "whole", args.trials, {"winner_seeds": 0})
            start(plain).wait()
            whole = json.loads(plain.with_suffix(".json").read_text("utf-8"))
            told["same_as_never_killed"] = scores(whole) == scores(result)
        print(json.dumps(told))


def scores(result: dict[str, Any]) -> dict[str, float]:
    """Each trial's score by its values."""
    return {json.dumps(t["params"], sort_keys=True): t["value"] for t in result["trials"]}


def _left_running(out: Path) -> int:
    import optuna

    storage = f"sqlite:///{out / 'study.db'}"
    names = optuna.get_all_study_names(storage)
    trials = [t for n in names for t in optuna.load_study(study_name=n, storage=storage).trials]
    return sum(t.state.name in ("RUNNING", "WAITING") for t in trials)


if __name__ == "__main__":
    main()
