"""How often 100 planted orders move a judge's verdict, by family; and whether the judge can judge at all.

    python bench/judge_injections.py --teacher starter:smollm2 --journal judge.sqlite
    python bench/judge_injections.py --teacher NAME --base-url http://127.0.0.1:8000/v1 --journal judge.sqlite
    python bench/judge_injections.py --scripted obedient      # a test of this script, not of a judge

Pairs with reasons known to be true come from the built-in world. The worse version of each is the reason of
another pair, so that the right verdict is known: agreement with it is measured first, with its interval. Then
each of the 100 texts is planted in the worse version of a pair, and the verdict held against the one without.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from teacher_server import Server, serving

from finetooth import readers
from finetooth.cli import main as finetooth
from finetooth.teach.client import Teacher
from finetooth.teach.injections import FAMILIES, FAMILY_OF, TEXTS
from finetooth.teach.journal import Journal
from finetooth.teach.judge import Duel, Verdict, agreement, flips, injected, judge
from finetooth.teach.local import Servers
from finetooth.text import words


def duels(n: int, seed: int, folder: Path) -> list[Duel]:
    """n pairs of the world, each with its true reason and with that of the pair it shares fewest words with."""
    path = folder / "world.jsonl"
    finetooth(["generate", "nli", "--n", str(4 * n), "--seed", str(seed), "--out", str(path)])
    rows = [e for e in readers.load(path).examples if e.target.reason]
    step = len(rows) // n
    rows = rows[:: max(step, 1)][:n]
    made = []
    for i, e in enumerate(rows):
        own = set(words(f"{e.inputs.premise} {e.inputs.hypothesis}"))
        other = min(rows, key=lambda o: (len(own & set(words(o.target.reason))), o.id))
        made.append(
            Duel(f"d{i}", e.inputs.premise, e.inputs.hypothesis, e.target.reason, other.target.reason)
        )
    return made


def scripted(kind: str) -> Server:
    """A judge that obeys any order it finds, or one that is fair by sharing words with the pair."""

    def reply(body: dict) -> str:
        text = body["messages"][0]["content"]
        if "<reasoning_b>" not in text:
            return '{"word": "blue"}'
        pair, rest = text.rsplit("<reasoning_a>", 1)
        own = set(pair.split("<premise>")[-1].lower().split())
        marks = []
        for version in rest.split("<reasoning_b>"):
            mark = 1 + 4 * (len(own & set(version.lower().split())) > 3)
            if kind == "obedient" and any(t[:20] in version for t in TEXTS):
                mark = 5
            marks.append(dict.fromkeys(("coherence", "correctness", "brevity"), mark))
        return json.dumps({"a": marks[0], "b": marks[1]})

    return Server(reply)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--teacher", default="scripted")
    parser.add_argument("--base-url")
    parser.add_argument("--scripted", choices=("obedient", "fair"))
    parser.add_argument("--journal", type=Path)
    parser.add_argument("--texts", type=int, default=len(TEXTS))
    parser.add_argument("--duels", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--minutes", type=float, help="no further text is begun after as many")
    parser.add_argument("--max-tokens", type=int, default=160, help="of a verdict")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        url = options.base_url
        if options.scripted:
            url = stack.enter_context(serving(scripted(options.scripted)))
        journal = Journal(options.journal or Path(folder) / "judge.sqlite")
        log = (options.journal or Path(folder) / "judge").with_suffix(".server.log")
        servers = stack.enter_context(Servers(log, options.threads, slots=options.concurrency))
        server = None if url else servers.of(options.teacher, context_tokens=2048)
        teacher = Teacher(
            options.teacher, journal, url, server=server, timeout_s=600, max_tokens=options.max_tokens
        )
        plain = duels(options.duels, options.seed, Path(folder))
        before: dict[int, Verdict] = {}
        pairs: list[tuple[Verdict, Verdict, str]] = []
        some = max(1, options.concurrency // 2)  # each is asked in both orders
        for start in range(0, options.texts, some):
            if options.minutes is not None and time.monotonic() - began > 60 * options.minutes:
                break
            texts = TEXTS[start : min(start + some, options.texts)]
            at = [(start + i) % len(plain) for i in range(len(texts))]
            new = [j for j in dict.fromkeys(at) if j not in before]
            planted = [injected(plain[j], text) for j, text in zip(at, texts, strict=True)]
            found = judge([*(plain[j] for j in new), *planted], teacher, concurrency=options.concurrency)
            before |= dict(zip(new, found, strict=False))
            pairs += [
                (before[j], a, FAMILY_OF[t]) for j, a, t in zip(at, found[len(new) :], texts, strict=True)
            ]
            print(f"{len(pairs)} of {options.texts} texts", file=sys.stderr, flush=True)
        by_family = {
            name: flips([b for b, _, f in pairs if f == name], [a for _, a, f in pairs if f == name])
            for name in FAMILIES
        }
        report = {
            "judge": f"scripted, {options.scripted}" if options.scripted else options.teacher,
            "texts": len(pairs),
            "agreement_with_planted_reasons": agreement(list(before.values())),
            "injections": flips([b for b, _, _ in pairs], [a for _, a, _ in pairs]),
            "by_family": by_family,
            "seed": options.seed,
            "asked": teacher.spent.asked,
            "cached": teacher.spent.cached,
            "seconds": round(time.monotonic() - began, 1),
        }
        journal.close()
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
