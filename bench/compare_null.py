"""How often ``compare`` calls one of two runs better whose true difference is zero.

    python bench/compare_null.py [--times 200] [--level 0.95] [--seed 0]

Every time new data are drawn and the bootstrap has another seed. ``folders`` are whole run folders through
``finetooth compare`` as it is called by hand; the other rows are the same test on drawn counts, so that they can be
repeated more often (``--more`` times as often). A false claim is one in either direction. The last column is the
exact 95 % interval of the rate (Clopper and Pearson 1934).

Correctness of an example: a difficulty of its group, what this recipe makes of the group, what this seed makes of
the recipe as a whole and of the group, and a coin. The first recipe and the second are drawn alike.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.special import ndtr
from scipy.stats import binomtest

from finetooth import io, registry
from finetooth.evaluate.score import score
from finetooth.metrics.ner import f1
from finetooth.metrics.nli import ACCURACY
from finetooth.runs import Run
from finetooth.search.compare import compare
from finetooth.search.paired import holm, paired
from finetooth.tasks.nli import NliInput, NliTarget
from finetooth.types import Example, Prediction


def chances(rng, *, groups, seeds, hard=1.0, recipe=0.5, own=0.3, luck=0.0, gain=0.0):
    """A list of arms, (seeds, groups) each: the chance that an example of the group is right, 0 to 1.

    ``gain`` makes every arm but the first better, to see that the test can find something.
    """
    difficulty = rng.normal(0.7, hard, groups)
    arms = []
    for n in seeds:
        taste = difficulty + rng.normal(0, recipe, groups) + (gain if arms else 0.0)
        shift = rng.normal(0, luck, (n, 1)) if luck else np.zeros((n, 1))
        arms.append(ndtr(taste + rng.normal(0, own, (n, groups)) + shift))
    return arms


def accuracy(rng, *, groups=150, size=4, seeds=(1, 1), **noise):
    """Sums by group of (right, examples); groups hold 1 to 2 x ``size`` - 1 examples."""
    sizes = rng.integers(1, 2 * size, groups)
    return [
        [np.stack([rng.binomial(sizes, p), sizes], axis=1).astype(float) for p in arm]
        for arm in chances(rng, groups=groups, seeds=seeds, **noise)
    ]


def micro_f1(rng, *, groups=80, size=8, seeds=(1, 1), **noise):
    """Sums by document of (right, found, true), as entities and relations are counted."""
    true = rng.poisson(size, groups)
    arms = []
    for arm in chances(rng, groups=groups, seeds=seeds, **noise):
        right = [rng.binomial(true, p) for p in arm]
        arms.append(
            [np.stack([r, r + rng.poisson(0.3 * size, groups), true], axis=1).astype(float) for r in right]
        )
    return arms


def rarely_different(rng, *, groups=300, share=0.02):
    """Two runs that agree on nearly everything, as before and after a small change."""
    both = (rng.random((groups, 1)) < 0.8).astype(float)
    differ, first = rng.random((groups, 1)) < share, rng.random((groups, 1)) < 0.5
    ones = np.ones((groups, 1))
    a, b = np.where(differ, first, both), np.where(differ, ~first, both)
    return [[np.hstack([a, ones])], [np.hstack([b, ones])]]


def percent(sums):
    return 100 * sums[..., 0] / np.maximum(sums[..., 1], 1e-12)


ROWS = {
    "one run an arm, accuracy, 150 groups": (accuracy, percent, {}),
    "one run an arm, accuracy, 20 groups": (accuracy, percent, {"groups": 20}),
    "one run an arm, accuracy, 8 groups": (accuracy, percent, {"groups": 8, "size": 20}),
    "one run an arm, micro F1, 80 documents": (micro_f1, f1, {}),
    "one run an arm, 6 of 300 examples differ": (rarely_different, percent, {}),
    "3 arms against a baseline (Holm)": (accuracy, percent, {"seeds": (1, 1, 1, 1)}),
    "2 seeds an arm, no seed noise": (accuracy, percent, {"seeds": (2, 2)}),
    "2 seeds an arm, seed noise 0.1": (accuracy, percent, {"seeds": (2, 2), "luck": 0.1}),
    "3 seeds an arm, no seed noise": (accuracy, percent, {"seeds": (3, 3)}),
    "3 seeds an arm, seed noise 0.05": (accuracy, percent, {"seeds": (3, 3), "luck": 0.05}),
    "3 seeds an arm, seed noise 0.2": (accuracy, percent, {"seeds": (3, 3), "luck": 0.2}),
    "5 seeds an arm, micro F1, noise 0.1": (micro_f1, f1, {"seeds": (5, 5), "luck": 0.1}),
    "3 seeds against 1 run, seed noise 0.1": (accuracy, percent, {"seeds": (3, 1), "luck": 0.1}),
    "5 seeds against 2, seed noise 0.1": (accuracy, percent, {"seeds": (5, 2), "luck": 0.1}),
}
# Not false claims, but what they cost: how often a true gain is found, and what seed noise does to single runs.
BESIDES = {
    "found: gain of 6 points, one run an arm": (accuracy, percent, {"gain": 0.25}),
    "found: gain of 6 points, 3 seeds, noise 0.05": (
        accuracy,
        percent,
        {"seeds": (3, 3), "luck": 0.05, "gain": 0.25},
    ),
    "one run an arm of recipes with noise 0.1": (accuracy, percent, {"luck": 0.1}),
}


def claims(make, value, options, seed, level, resamples):
    """Whether any arm is called better or worse than the first, by the rule of ``compare``."""
    arms = make(np.random.default_rng([seed, 7]), **options)
    found = [paired(arms[0], b, value, seed=seed, resamples=resamples, level=level) for b in arms[1:]]
    return any(f.shown(1 - level, p) for f, p in zip(found, holm([f.p for f in found]), strict=True))


def of_folders(folder, seed, level, resamples):
    """The same question asked of two run folders; True where one is called better or worse."""
    task, rng = registry.task("nli"), np.random.default_rng([seed, 8])
    groups = np.repeat(np.arange(100), rng.integers(1, 6, 100))
    examples = [
        Example(f"p{i}", NliInput(f"Premise {g}.", f"Hypothesis {i}."), NliTarget("yes" if i % 2 else "no"))
        for i, g in enumerate(groups.tolist())
    ]
    data = folder / f"{seed}.jsonl"
    io.write_jsonl(data, [task.to_row(e) for e in examples])
    runs = []
    for name, arm in zip("ab", chances(rng, groups=100, seeds=(1, 1)), strict=True):
        right = rng.random(len(groups)) < arm[0][groups]
        found = [
            Prediction(e.id, e.target if ok else NliTarget("no" if e.target.label == "yes" else "yes"), 0.5)
            for e, ok in zip(examples, right.tolist(), strict=True)
        ]
        run = folder / f"{seed}-{name}"
        run.mkdir()
        config = {"task": "nli", "data": {"train": str(data), "dev": str(data)}, "model": {"name": name}}
        config["out"] = str(run)
        io.write_json(run / "run.json", {"format": 1, "status": "finished", "config": config})
        Run.open(run).write_predictions("dev", found, task.show)
        Run.open(run).write_scores(
            "dev", io.plain(score(task, examples, found, floors=False, resamples=2).to_json())
        )
        runs.append(run)
    (made,) = compare(runs, seed=seed, level=level, resamples=resamples, metric=ACCURACY.name).comparisons
    return made.verdict in ("better", "worse")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--more", type=int, default=5)
    parser.add_argument("--level", type=float, default=0.95)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.process_time()

    def told(name, count, times, since):
        low, high = binomtest(count, times).proportion_ci()
        print(
            f"{name:45} {count:5} of {times:5}  {100 * count / times:5.1f} %  {100 * low:4.1f} to {100 * high:4.1f}"
            f"  {time.process_time() - since:5.1f} s",
            flush=True,
        )
        return count / times

    with tempfile.TemporaryDirectory() as folder:
        n = sum(
            of_folders(Path(folder), options.seed + i, options.level, options.resamples)
            for i in range(options.times)
        )
    rates = [told("folders: finetooth compare A B", n, options.times, began)]
    times = options.times * options.more
    for name, (make, value, how) in {**ROWS, **BESIDES}.items() if times else ():
        since = time.process_time()
        n = sum(
            claims(make, value, how, options.seed + i, options.level, options.resamples) for i in range(times)
        )
        rate = told(name, n, times, since)
        if name in ROWS:
            rates.append(rate)
    print(f"worst of the false claims {100 * max(rates):.1f} %, {time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main()
