"""Runs the same 12 trials by one process, by two processes that share PostgreSQL, by two Ray nodes; says what differs.

    OMP_NUM_THREADS=1 python bench/search_workers.py
    OMP_NUM_THREADS=1 python bench/search_workers.py --keep FOLDER --ways one postgresql

Each trial is a training of starter:minilm on questions of the built-in world, by ``finetooth search`` as a user calls it:
learning rate, tokens a batch and warmup are drawn in advance (sampler: random), so that the set of trials does not
depend on who is done first, as tpe's does. Held against the trials of one process: the score and the weights of
the model, to the bit. With ``--keep`` a bench that was killed goes on, and ways may be run one after another.

PostgreSQL's programs and Ray must be installed; both servers are private ones that end with the bench.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import local_servers
from search_resume import data, scores, settings

from finetooth import io
from finetooth.cli._output import table


@contextmanager
def commands(way: str, config: Path) -> Iterator[tuple[list[list[str]], dict[str, str]]]:
    """The commands that run the search together, and what is added to their environment; its server lives meanwhile."""
    command = [sys.executable, "-m", "finetooth", "search", str(config), "--json"]
    if way == "one":
        yield [command], {}
    elif way == "postgresql":
        with local_servers.postgresql() as url:
            yield [[*command, f"storage={url}"]] * 2, {}
    else:
        with local_servers.ray_cluster() as address:
            yield [[*command, "--ray", address, "--workers", "2"]], local_servers.ray_settings()


def run(way: str, config: Path, out: Path) -> dict[str, Any]:
    """The search, run by ``way``: its result, with the minutes it took and a digest of each trial's weights."""
    kept = out.with_name(f"{way}.result.json")
    if kept.exists():
        return json.loads(kept.read_text("utf-8"))
    began = time.monotonic()
    with commands(way, config) as (each, more):
        started = []
        for number, command in enumerate(each):
            log = config.with_name(f"{way}-{number}.log").open("ab")
            sink = config.with_name(f"{way}-{number}.json").open("wb")
            process = subprocess.Popen(command, stdout=sink, stderr=log, env={**os.environ, **more})
            started.append(process)
        codes = [process.wait() for process in started]
    if any(codes):
        sys.exit(f"{way}: exit {codes}; see {config.with_name(f'{way}-0.log')}")
    result = json.loads((out / "search.json").read_text("utf-8"))
    result["minutes"] = (time.monotonic() - began) / 60
    for trial in result["trials"]:
        weights = Path(trial["folder"]) / "model" / "model.safetensors"
        trial["weights"] = io.fingerprint_file(weights) if weights.exists() else None
        made = json.loads((Path(trial["folder"]) / "run.json").read_text("utf-8"))
        trial["span"] = [made["created"], made["finished"]]
    result["at_once"] = most_at_once([t["span"] for t in result["trials"]])
    shutil.rmtree(out / "trials")  # a model and its optimiser each
    io.write_json(kept, result)
    return result


def most_at_once(spans: list[list[str]]) -> int:
    """How many trials ran at the same time at most."""
    return max(sum(s[0] <= start < s[1] for s in spans) for start, _ in spans)


def weights(result: dict[str, Any]) -> dict[str, str]:
    """The digest of each trial's weights by its values."""
    return {json.dumps(t["params"], sort_keys=True): t["weights"] for t in result["trials"]}


def differences(one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    """A line for each set of values that only one search tried, or that came out otherwise."""
    for what, of in (("score", scores), ("weights", weights)):
        mine, theirs = of(one), of(other)
        for params in sorted(mine.keys() | theirs.keys()):
            a, b = (str(found.get(params, "not tried"))[:16] for found in (mine, theirs))
            if a != b:
                yield f"{what} of {params}: {a} and {b}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--questions", type=int, default=24)
    parser.add_argument("--dev-questions", type=int, default=30)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument(
        "--ways", nargs="+", choices=("one", "postgresql", "ray"), default=("one", "postgresql", "ray")
    )
    parser.add_argument("--keep", type=Path, help="the folder to work in; a temporary one otherwise")
    args = parser.parse_args()
    with nullcontext(args.keep) if args.keep else tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        data(folder, args.questions, args.dev_questions)
        results = {}
        for way in args.ways:
            config = settings(folder, way, args.trials, {"winner_seeds": 0}, save_steps=None)
            results[way] = run(way, config, folder / way)
            print(f"{way}: {results[way]['minutes']:.1f} min", file=sys.stderr)
        first = next(iter(results))
        rows = [
            (way, len(r["trials"]), sum(t["value"] is not None for t in r["trials"]), len(set(scores(r).values())),
             r["at_once"], sum(t["seconds"] for t in r["trials"]) / len(r["trials"]), r["minutes"],
             len(list(differences(results[first], r))))
            for way, r in results.items()
        ]  # fmt: skip
        heads = ("way", "trials", "scored", "distinct", "at once", "s a trial", "minutes", f"unlike {first}")
        print(table(heads, rows))
        found = [f"{way}: {line}" for way, r in results.items() for line in differences(results[first], r)]
        print("\n".join(found) or "the same set of results: every score and every weight")
        sys.exit(bool(found))


if __name__ == "__main__":
    main()
