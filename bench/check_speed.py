"""How long finetooth check takes: start, reading, and every check by itself, in fresh processes.

    python bench/check_speed.py train.json [--against dev.json] [--rounds 5]

Without a file 7,000 questions are generated. Each round is a process of its own, so that nothing is remembered from the last;
a check that shares work with others (contexts as words, shingles) pays for it if it comes first. Medians of CPU seconds, which
what else runs on the machine hardly moves, and of the seconds on the clock.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ONCE = """
import json, sys, time
clock, cpu = time.perf_counter(), time.process_time()
marks = []
def mark(name):
    marks.append((name, time.process_time(), time.perf_counter()))
from finetooth.cli import check as command
mark("import")
from finetooth import checks, readers, registry
data = readers.load(sys.argv[1])
other = readers.load(sys.argv[2]) if sys.argv[2:] else None
mark("read")
registry.checks(data.task)
mark("find the checks")
findings = {}
for each in registry.checks(data.task):
    if each.needs in ("", "against") and (other is not None or not each.needs):
        findings[each.name] = len(checks.run(data, against=other, only=[each.name]).findings)
        mark(each.name)
assert "torch" not in sys.modules
made, before, then = {}, cpu, clock
for name, at, on in marks:
    made[name] = (at - before, on - then)
    before, then = at, on
print(json.dumps({"examples": len(data), "seconds": made, "findings": findings}))
"""


def once(files):
    done = subprocess.run([sys.executable, "-c", ONCE, *files], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def whole(*words):
    """Seconds on the clock and of the CPU of a command line, from the shell to the end."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "finetooth", *words], capture_output=True)
    clock = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1), done.stderr.decode()
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, clock


def medians(rows):
    return [median(column) for column in zip(*rows, strict=True)]


def generated(folder):
    path = Path(folder) / "train.jsonl"
    words = ["generate", "qa", "--n", "7000", "--seed", "1", "--out", str(path)]
    subprocess.run([sys.executable, "-m", "finetooth", *words], check=True, capture_output=True)
    return str(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?")
    parser.add_argument("--against")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = [options.data or generated(folder), *([options.against] if options.against else [])]
        against = ["--against", options.against] if options.against else []
        rounds = [once(files) for _ in range(options.rounds)]
        print(
            f"{rounds[0]['examples']:,} questions, medians of {options.rounds} rounds: CPU seconds, seconds on the clock"
        )
        for name in rounds[0]["seconds"]:
            cpu, clock = medians([r["seconds"][name] for r in rounds])
            found = rounds[0]["findings"].get(name)
            print(
                f"  {name:34} {cpu:7.3f} {clock:7.3f}" + ("" if found is None else f"   {found:6,} findings")
            )
        total = medians([[sum(v[k] for v in r["seconds"].values()) for k in (0, 1)] for r in rounds])
        print(f"  {'together':34} {total[0]:7.3f} {total[1]:7.3f}")
        for name, words in {
            "finetooth check, with its start": ["check", files[0], *against, "--json"],
            "finetooth --help": ["--help"],
            "finetooth check --help": ["check", "--help"],
        }.items():
            cpu, clock = medians([whole(*words) for _ in range(options.rounds)])
            print(f"  {name:34} {cpu:7.3f} {clock:7.3f}")


if __name__ == "__main__":
    main()
