"""20 kills -9 at random moments of ``finetooth teach``: nothing answered is lost, nothing answered is asked twice.

    python bench/teach_kills.py [--kills 20] [--pairs 200] [--seed 0] [--judge]

A scripted teacher on loopback (tests/teacher_server.py) answers at once and notes every request. The command runs
in a process of its own and is killed at a random moment, again and again, then once run to its end, and
once more from the journal. What the server was asked is held against what the journal kept:

    lost         answers that stood in the journal before a kill and not after it: must be 0
    asked twice  requests asked again although their answer stood in the journal: must be 0
    in flight    requests asked again because a kill fell between sending and keeping: at most concurrency a kill

The output is also held against that of a run that nobody killed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from teacher_server import Server, serving  # noqa: E402

NAMES = ("Ada", "Bela", "Cleo", "Dora", "Egon", "Fay", "Gus")
TOWNS = ("Rome", "Oslo", "Lima", "Bonn", "Graz")


def reply(body: dict) -> str:
    """A fixed answer for each request: right for two pairs of three, so that the others are corrected."""
    text = body["messages"][0]["content"]
    if "blue" in text:
        return '{"word": "blue"}'
    if "<reasoning_b>" in text:
        return verdict(text)
    said = text.rsplit("<premise>", 1)[1].split("<")[0]
    so = f"step 1: {said} step 2: it holds. step 3: so the hypothesis can be inferred."
    not_so = f"step 1: {said} step 2: it fails. step 3: so the hypothesis cannot be inferred."
    if "<true_label>" in text:
        right = so if "<true_label>1" in text else not_so
        doubt = {"error_analysis": "it misread", "thought_process": right, "true_label_doubtful": False}
        return json.dumps(doubt)
    label = sum(map(ord, text)) % 3 > 0
    return json.dumps({"thought_process": so if label else not_so, "predicted_label": int(label)})


def verdict(text: str) -> str:
    """A fair judge's marks: the more of its own pair a reasoning speaks of, the better."""
    pair, both = text.rsplit("<reasoning_a>", 1)
    own = set(pair.split("<premise>")[-1].lower().split())
    marks = []
    for version in both.split("<reasoning_b>"):
        shared = len(own & set(version.lower().split()))
        marks.append(dict.fromkeys(("coherence", "correctness", "brevity"), max(1, min(5, shared - 2))))
    return json.dumps({"a": marks[0], "b": marks[1]})


def answers(journal: Path) -> set[str]:
    if not journal.exists():
        return set()
    try:
        with sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=30) as db:
            return {key for (key,) in db.execute("select key from answers")}
    except sqlite3.OperationalError:  # killed before the tables were made
        return set()


def command(data: Path, out: Path, url: str, concurrency: int, *, judged: bool) -> list[str]:
    options = ["--teacher", "scripted", "--base-url", url, "--concurrency", str(concurrency), "--json"]
    if judged:
        options += ["--judge", "scripted-judge", "--judge-url", url]
    return [sys.executable, "-m", "finetooth", "teach", str(data), "--out", str(out), *options]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--judge", action="store_true", help="a judge, too, scores every correction")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "pairs.jsonl", Path(folder) / "reasons.jsonl"
        rows = [
            {
                "id": f"p{i}",
                "premise": f"{NAMES[i % 7]} left {TOWNS[i % 5]} at {i} past nine.",
                "hypothesis": f"{NAMES[i % 7]} left.",
                "label": i % 2,
            }
            for i in range(options.pairs)
        ]
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        journal = out.with_name(out.name + ".journal")
        server = Server(reply, delay=0.15)
        lost = fired = again_known = 0
        with serving(server) as url:
            run = command(data, out, url, options.concurrency, judged=options.judge)
            while fired < options.kills:
                kept, seen = answers(journal), server.seen.copy()
                known = _asked_of(journal)
                process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                # Anywhere in the run: while it starts, while it asks, while it writes.
                target = sum(server.seen.values()) + rng.randrange(0, max(2, options.pairs // 12))
                while sum(server.seen.values()) < target and process.poll() is None:
                    time.sleep(0.002)
                time.sleep(rng.random() * 0.2)
                if process.poll() is None:
                    os.kill(process.pid, signal.SIGKILL)
                    fired += 1
                process.wait()
                time.sleep(0.3)  # what was in flight reaches the server's books
                lost += len(kept - answers(journal))
                new = server.seen - seen
                again_known += sum(n for body, n in new.items() if body in known)
                if process.returncode == 0:
                    out.unlink(missing_ok=True)
                    break
            finished = subprocess.run(run, capture_output=True, text=True)
            total = sum(server.seen.values())
            cached = subprocess.run(run, capture_output=True, text=True)
            asked_when_cached = sum(server.seen.values()) - total
            resumed = out.read_bytes()
            straight = Path(folder) / "straight.jsonl"
            subprocess.run(
                command(data, straight, url, options.concurrency, judged=options.judge), capture_output=True
            )
            same = straight.read_bytes() == resumed
        said = json.loads(finished.stdout)
        distinct = len(server.seen)
        report = {
            "kills": fired,
            "pairs": options.pairs,
            "kept": said["kept"],
            "judge": said.get("judge"),
            "answers_lost": lost,
            "asked_again_though_kept": again_known,
            "asked_again_in_flight": total - distinct,
            "most_in_flight": fired * options.concurrency,
            "asked_by_the_run_from_the_journal": asked_when_cached,
            "from_the_journal": json.loads(cached.stdout)["cached"],
            "same_as_never_killed": same,
            "seed": options.seed,
            "seconds": round(time.monotonic() - began, 1),
        }
    print(json.dumps(report, indent=1))
    good = not lost and not again_known and not asked_when_cached and same and fired == options.kills
    return 0 if good and report["asked_again_in_flight"] <= report["most_in_flight"] else 1


def _asked_of(journal: Path) -> set[str]:
    """The requests whose answers stand in the journal, as the server's books name them."""
    if not journal.exists():
        return set()
    try:
        with sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=30) as db:
            rows = db.execute("select request from requests join answers using (key)").fetchall()
    except sqlite3.OperationalError:
        return set()
    return {json.dumps(json.loads(request), sort_keys=True) for (request,) in rows}


if __name__ == "__main__":
    sys.exit(main())
