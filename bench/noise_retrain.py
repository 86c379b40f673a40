"""How much of what planted label errors cost comes back when they are found, and left out or mended.

    python bench/noise_retrain.py [--data DIR] [--only nli,qa] [--rate 0.2] [--kind uniform] [--seeds 0,1,2]
                                  [--examples N] [--dev N] [--folds 3] [--top]
                                  [--out runs/noise-retrain]

One model and k more that judge what they never saw rank the noisy set (as in label_noise.py, with its sets). Then,
with as many steps each and scored on the same untouched dev set:

    noisy    as it is                      clean    without the planted errors
    dropped  without what the ranking      mended   with the targets it proposes for those, and without those
             holds likelier wrong                   for which it proposes none
             (--top: the rate is told it,
             and as many go)
    lot      as many left out by lot       known    without exactly the planted ones: the most that dropping can do

Printed: the main metric of each arm by seed, its paired difference from ``noisy``, and the share of the loss that
came back. A stopped benchmark goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from label_noise import SETS, THREADS, WORLD, Case, clean_set, gather, source_of, world
from plant_noise import KINDS

from finetooth import config, readers, registry
from finetooth.curate import table as tables
from finetooth.curate.filters import apply_filters
from finetooth.diagnose.diagnosis import diagnose
from finetooth.diagnose.differences import units
from finetooth.errors import ConfigError
from finetooth.evaluate import predictions
from finetooth.evaluate.consistency import counted
from finetooth.evaluate.intervals import group_sums
from finetooth.search.paired import paired
from finetooth.train import train
from finetooth.train.data import subset
from finetooth.types import Dataset, Example

DEV = {
    "sick": "nli/sick_trial.txt",
    "pairs": "nli/pairs_dev.csv",
    "squad": "squad/v1.1-dev.json",
    "wnut17": "wnut17/dev.conll",
    "world-ner": WORLD,
}
ARMS = ("noisy", "clean", "dropped", "mended", "lot", "known")


@dataclass(frozen=True)
class Found:
    """What the ranking made of the noise: how much was left out, how much of it rightly, how many mended rightly."""

    dropped: int
    right: int
    mended: int
    mended_right: int


def main() -> None:
    given = _arguments()
    for of in SETS:
        if of.name in DEV and (not given.only or of.name in given.only or of.task in given.only):
            _one(Case(of, given.kind, given.rate, given.seeds[0], given.examples or of.examples), given)


def _one(case: Case, given: argparse.Namespace) -> None:
    data, out = Path(given.data), Path(given.out)
    task = registry.task(case.of.task)
    evidence = gather(case, data, out, given.folds)
    noisy, wrong = list(evidence.known.examples), evidence.wrong
    source = source_of(case, data)
    truth = {e.id: e for e in clean_set(case, data).examples}
    arms, found = _arms(case, noisy, wrong, truth, evidence, given.top)
    if arms is None:
        print(
            f"{case.name}: no group stands apart, nothing is held likelier wrong than right; nothing to retrain"
        )
        return
    where = DEV[case.of.name]
    whole = (
        world(task.name, given.dev, case.seed + 1)
        if where == WORLD
        else readers.load(str(data / where), task=task.name)
    )
    dev = list(whole.examples)
    lot = np.random.default_rng(0).permutation(len(dev))[: given.dev]
    dev = [dev[i] for i in sorted(lot.tolist())]
    metric = next(m for m in task.metrics if m.name == task.main_metric)
    steps: int | None = None
    counts: dict[str, list[np.ndarray]] = {arm: [] for arm in arms}
    for seed in given.seeds:
        for arm, examples in arms.items():
            settings = {
                **case.of.settings,
                "keep_best": False,
                "evaluate_every_epochs": 100,
                "threads": THREADS,
                "max_steps": steps,
            }
            made = config.build(
                {
                    "task": task.name,
                    "data": {"train": source, "on_error": "keep"},
                    "model": case.of.model,
                    "train": settings,
                    "seed": seed,
                    "out": str(out / f"{case.name}-{given.folds}" / f"{arm}-{seed}"),
                }
            )
            run = train(made, train=examples, dev=dev)
            steps = steps or int(run.info["measured"]["steps"])
            said = predictions.read(run.predictions_path("dev"), task, dev)
            counts[arm].append(counted(metric, dev, said.predictions))
            print(
                f"{case.name} {arm} seed {seed}: {metric.value(counts[arm][-1].sum(axis=0)):.2f}", flush=True
            )
    _table(case, task, metric, dev, counts, arms, found)


def _arms(case, noisy, wrong, truth, evidence, told) -> tuple[dict[str, Sequence[Example]] | None, Found]:
    table = tables.gather(diagnose(evidence.known).rows())
    whole = subset(Dataset(case.of.task, (), case.name, "memory", ""), noisy)
    held = {"name": "label-error"} | ({"top": case.rate} if told else {"at_least": 0.5})
    try:
        dropped = apply_filters(whole, {"filters": [held]}, table)
        mended = apply_filters(whole, {"filters": [held], "fix": True}, table)
    except ConfigError as e:  # a policy that keeps nothing ends this case, not the others
        print(f"{case.name}: {e}")
        return None, Found(0, 0, 0, 0)
    planted = {e.id for e, w in zip(noisy, wrong, strict=True) if w}
    out = {d.example_id for d in dropped.dropped}
    new = {e.id: e for e in mended.kept.examples}
    task = registry.task(case.of.task)

    def same(name: str) -> bool:
        return units(task.name, task.gold(new[name]).target) == units(
            task.name, task.gold(truth[name]).target
        )

    found = Found(
        len(out), len(out & planted), len(mended.fixed), sum(same(f.example_id) for f in mended.fixed)
    )
    if not out:
        return None, found
    lot = set(np.random.default_rng(1).permutation(len(noisy))[: len(out)].tolist())
    return {
        "noisy": noisy,
        "clean": [truth[e.id] for e in noisy],
        "dropped": list(dropped.kept.examples),
        "mended": list(mended.kept.examples),
        "lot": [e for i, e in enumerate(noisy) if i not in lot],
        "known": [e for e in noisy if e.id not in planted],
    }, found


def _table(case, task, metric, dev, counts, arms, found) -> None:
    groups = [task.group(e) for e in dev]
    sums = {arm: [group_sums(c, groups) for c in made] for arm, made in counts.items()}
    means = {arm: float(np.mean([metric.value(c.sum(axis=0)) for c in made])) for arm, made in counts.items()}
    lost = means["clean"] - means["noisy"]
    print(
        f"\n{case.name}: {len(arms['noisy'])} examples, {len(dev)} of dev; held likelier wrong {found.dropped}, "
        f"rightly {found.right}; mended {found.mended}, rightly {found.mended_right}"
    )
    print(f"{'arm':<10}{'examples':>9}{metric.name:>14}   less noisy [95 %]          of the loss comes back")
    for arm in ARMS:
        p = paired(sums["noisy"], sums[arm], metric.value)
        back = f"{100 * (means[arm] - means['noisy']) / lost:.0f} %" if lost > 0 else "nothing was lost"
        told = (
            "" if arm == "noisy" else f"{p.difference:+6.2f} [{p.low:+.2f}, {p.high:+.2f}]".ljust(27) + back
        )
        print(f"{arm:<10}{len(arms[arm]):>9}{means[arm]:>14.2f}   {told}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--out", default="runs/noise-retrain")
    parser.add_argument("--only", type=lambda s: s.split(","), default=[])
    parser.add_argument("--kind", choices=KINDS, default="uniform")
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--seeds", type=lambda s: [int(x) for x in s.split(",")], default=[0, 1, 2])
    parser.add_argument("--examples", type=int)
    parser.add_argument("--top", action="store_true", help="tell it the rate")
    parser.add_argument("--dev", type=int, default=1000)
    parser.add_argument("--folds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
