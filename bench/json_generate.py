"""How long JSON rows take to make, to check and to mend, and where the time goes.

    python bench/json_generate.py [--n 10000] [--seed 7] [--rounds 5]

Times are CPU seconds of one process, medians over the rounds. The slowest schema, style and check are named. The share of
rows without a finding must be 100 %: a generator that fails its own checks is no faster for it.
"""

import argparse
import time
from collections import defaultdict
from statistics import median

from finetooth import registry
from finetooth.generate.json_fields import draw_values
from finetooth.generate.json_render import Teller
from finetooth.generate.json_repair import repair
from finetooth.generate.json_rows import generate_json, schemas, specs
from finetooth.generate.json_styles import STYLES
from finetooth.generate.json_words import Draw
from finetooth.tasks.json import from_row


def clock(run):
    start = time.process_time()
    made = run()
    return time.process_time() - start, made


def made_of(seed, size):
    """Milliseconds to draw a record of each schema, and to tell one in each style."""
    draw, tell = {}, defaultdict(float)
    for name, spec in specs().items():
        chances = [Draw(f"{seed}/{name}/{i}", "train") for i in range(size)]
        seconds, values = clock(lambda spec=spec, chances=chances: [draw_values(spec, d) for d in chances])
        draw[name] = 1000 * seconds / size
        for style, render in STYLES.items():
            tellers = [Teller(spec, v, d, raw=style == "log") for v, d in zip(values, chances, strict=True)]
            seconds, _ = clock(lambda render=render, tellers=tellers: [render(t) for t in tellers])
            tell[style] += 1000 * seconds / size / len(specs())
    return draw, tell


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()

    times, checks, findings = [], defaultdict(list), defaultdict(set)
    for _ in range(args.rounds):
        seconds, rows = clock(lambda: generate_json(args.n, args.seed))
        times.append(seconds)
        known = schemas()
        examples = [from_row({**r, "schema": known[r["schema_id"]]}, r["id"]) for r in rows]
        train, test = ([e for e in examples if e.meta["split"] == s] for s in ("train", "test"))
        for check in registry.checks("json"):
            if check.needs not in ("", "against"):
                continue
            context = registry.CheckContext(against=train if check.needs else ())
            some = test if check.needs else examples
            seconds, found = clock(lambda check=check, some=some, context=context: list(check(some, context)))
            checks[check.name].append(seconds)
            findings[check.name].update(f.message for f in found)
    made = median(times)
    print(
        f"{args.n:,} rows made in {made:.2f} s ({1000 * made / args.n:.2f} ms a row, {args.n / made:,.0f} rows/s)"
    )
    by_time = {name: median(seconds) for name, seconds in checks.items()}
    print(f"all {len(by_time)} checks over them: {sum(by_time.values()):.2f} s")
    for name, seconds in sorted(by_time.items(), key=lambda item: -item[1])[:6]:
        print(f"  {name:24} {seconds:6.2f} s  {len(findings[name])} findings")
    print(f"findings in all: {sum(map(len, findings.values()))}")
    draw, tell = made_of(args.seed, 200)
    slowest = max(draw, key=lambda name: draw[name])
    print(
        f"drawing a record: {sum(draw.values()) / len(draw):.3f} ms, at most {draw[slowest]:.3f} ({slowest})"
    )
    print("telling it: " + ", ".join(f"{style} {ms:.3f} ms" for style, ms in tell.items()))
    rows = generate_json(args.n, args.seed)
    for i in range(0, len(rows), 100):
        rows[i] = {**rows[i], "expected_output": {**rows[i]["expected_output"], "stray": i}}
    seconds, mended = clock(lambda: repair(rows))
    print(
        f"repair of {len(mended.repaired)} failing rows among {args.n:,}: {seconds:.2f} s, {len(mended.left)} left"
    )


if __name__ == "__main__":
    main()
