"""Who finds planted label errors: the ranking against confidence, loss, AUM, confident learning and chance.

    python bench/label_noise.py [--quick] [--data DIR] [--only nli,qa] [--rates 0.05,0.1,0.2] [--kinds uniform]
                                [--seeds 0] [--examples N] [--folds 3] [--out runs/label-noise]

For every data set, kind and rate of noise one model is trained, and k more for what they say of examples that
they never saw; every method looks at the same run. Printed are average precision and recall at the noise rate,
in percent, and the mean over all cases. Runs are kept under --out: a stopped benchmark goes on, a finished one is
only scored again. ``--quick`` takes a few hundred examples of two data sets, one rate, both kinds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from plant_noise import KINDS, plant

from finetooth import checks, config, generate, readers, registry
from finetooth.diagnose import dynamics_files, embeddings
from finetooth.diagnose.cartography import cartography
from finetooth.diagnose.diagnosis import Diagnosis, Known, diagnose
from finetooth.diagnose.dynamics_files import DynamicsTable
from finetooth.diagnose.held_out import HeldOut
from finetooth.diagnose.ranking import average_precision, recall_at_rate
from finetooth.evaluate import predictions
from finetooth.evaluate.run import load
from finetooth.search.crossval import out_of_sample
from finetooth.train import train
from finetooth.train.data import subset
from finetooth.types import Dataset, Example

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
METHODS = ("ranking", "ranking, one run", "confidence", "loss", "AUM", "cleanlab", "held out", "random")


@dataclass(frozen=True)
class Set:
    """A data set: where it is, how many of its examples are taken, how it is trained."""

    name: str
    task: str
    train: str
    examples: int
    quick: int | None
    settings: dict[str, Any]
    model: dict[str, Any] = field(default_factory=lambda: MINILM)
    longest: int | None = None  # characters a row; longer ones are left out: the time of a decoder


MINILM = {"name": "starter:minilm", "max_length_tokens": 256, "stride_tokens": 64}
SMOL = {
    "name": "starter:smollm2",
    "max_length_tokens": 1024,
    "strategy": "lora",
    "lora_rank": 16,
    "lora_alpha": 32,
    "options": {"generate_precision": "bf16"},
}
TINY = {"name": "scratch", "max_length_tokens": 256, "scratch": {"layers": 2, "width": 96, "heads": 4}}
WORLD = "world:"  # the built-in world, made with the seed of the case
SMALL = {"warmup_steps": 10, "batch_tokens": 2048, "learning_rate": 3e-4}
SETS = (
    Set("sick", "nli", "nli/sick_train.txt", 2000, 480, {"epochs": 4, **SMALL}),
    Set("pairs", "nli", "nli/pairs_train.csv", 2000, None, {"epochs": 4, **SMALL}),
    Set("squad", "qa", "squad/v1.1-train.json", 3000, None, {"epochs": 3, **SMALL}),
    Set("wnut17", "ner", "wnut17/train.conll", 1500, 400, {"epochs": 5, **SMALL}),
    Set(
        "edgejson",
        "json",
        "edgejson/train_v3.jsonl",
        100,
        None,
        {"epochs": 3, "warmup_steps": 6, "batch_tokens": 768, "learning_rate": 1e-3},
        SMOL,
        longest=700,
    ),
    Set(
        "world-ner",
        "ner",
        WORLD,
        600,
        600,
        {"epochs": 8, **SMALL, "batch_tokens": 512, "learning_rate": 1e-3},
        TINY,
    ),
)


@dataclass(frozen=True)
class Case:
    of: Set
    kind: str
    rate: float
    seed: int
    examples: int

    @property
    def name(self) -> str:
        return f"{self.of.name}-{self.kind}-{100 * self.rate:g}-{self.seed}-{self.examples}"


@dataclass(frozen=True)
class Evidence:
    """All that the methods look at; ``wrong`` (n,) is the truth, which none of them sees."""

    known: Known
    wrong: np.ndarray


def main() -> None:
    given = _arguments()
    sets = [s for s in SETS if not given.only or s.name in given.only or s.task in given.only]
    if given.quick:
        sets = [s for s in sets if s.quick]
    rates, kinds = ([0.1], KINDS) if given.quick else (given.rates, given.kinds)
    rows = []
    for of in sets:
        for kind in kinds:
            for rate in rates:
                for seed in given.seeds:
                    size = given.examples or (of.quick if given.quick else of.examples)
                    case = Case(of, kind, rate, seed, size)
                    began = time.perf_counter()
                    evidence = gather(case, Path(given.data), Path(given.out), given.folds)
                    scores = judge(evidence, seed)
                    rows.append((case, scores))
                    _line(case, scores, time.perf_counter() - began)
    _table(rows)


def gather(case: Case, data: Path, out: Path, folds: int) -> Evidence:
    """Trains what is not there yet and reads what it left."""
    task = registry.task(case.of.task)
    source, whole = source_of(case, data), clean_set(case, data)
    clean = _drawn(whole, case.examples, np.random.default_rng(1000 + case.seed))
    noisy, wrong = plant(clean, task.name, case.kind, case.rate, np.random.default_rng(case.seed))
    made = config.build(
        {
            "task": task.name,
            "data": {"train": source, "on_error": "keep"},
            "model": case.of.model,
            "train": {
                **case.of.settings,
                "keep_best": False,
                "evaluate_every_epochs": 100,
                "threads": THREADS,
            },
            "seed": case.seed,
            "out": str(out / case.name),
        }
    )
    # Held out so that the run has something to score; it is no part of the measurement.
    known = {e.id for e in clean}
    dev = [e for e in whole.examples if e.id not in known][:50]
    run = train(made, train=noisy, dev=dev)
    held = out_of_sample(run, noisy, folds=folds, seed=case.seed)
    data_set = subset(Dataset(task.name, (), case.name, "memory", ""), noisy)
    vectors = _embedded(run, noisy)
    dynamics = dynamics_files.read(run.folder)
    known_all = Known(
        task=task,
        examples=noisy,
        dynamics=dynamics,
        map=cartography(dynamics),
        findings=checks.run(data_set).findings,
        predictions=_predicted(run, task, noisy),
        held_out=held,
        embedded=vectors.ids,
        vectors=vectors.vectors,
    )
    return Evidence(known_all, wrong)


def source_of(case: Case, data: Path) -> str:
    return WORLD if case.of.train == WORLD else str(data / case.of.train)


def clean_set(case: Case, data: Path) -> Dataset:
    """All that there is without planted errors."""
    if case.of.train == WORLD:
        return world(case.of.task, case.examples + 50, case.seed)
    return _short(readers.load(source_of(case, data), task=case.of.task), case.of.longest)


def _short(whole: Dataset, longest: int | None) -> Dataset:
    """The rows of at most that many characters."""
    to_row = registry.task(whole.task).to_row
    if longest is None:
        return whole
    return subset(whole, [e for e in whole.examples if len(json.dumps(to_row(e))) <= longest])


def world(name: str, n: int, seed: int) -> Dataset:
    """Clean examples of the built-in world, a short text each."""
    task = registry.task(name)
    made = generate.make(task.name, n=n, seed=seed, records=1)
    rows = [task.from_row(row, f"world[{i}]") for i, row in enumerate(made.rows)]
    return Dataset(task.name, tuple(rows), "world", "memory", "")


def _drawn(whole: Dataset, n: int, rng: np.random.Generator) -> list[Example]:
    """``n`` examples by whole groups where there are any: questions share contexts."""
    group = registry.task(whole.task).group
    members: dict[str, list[Example]] = {}
    for e in whole.examples:
        members.setdefault(group(e), []).append(e)
    groups = list(members.values())
    drawn: list[Example] = []
    for g in rng.permutation(len(groups)):
        drawn += groups[g]
        if len(drawn) >= n:
            break
    return drawn[:n]


def _embedded(run: Any, examples: list[Example]) -> embeddings.Embeddings:
    path = run.folder / "embeddings.npz"
    found = embeddings.read(path, "bench")
    if found is None:
        head, model = load(run)
        found = embeddings.embed(head, model, examples)
        found.write(path, "bench")
    return found


def _predicted(run: Any, task: Any, examples: list[Example]) -> Any:
    path = run.predictions_path("train")
    if not path.is_file():
        head, model = load(run)
        run.write_predictions("train", head.predict(model, examples), task.show)
    return list(predictions.read(path, task, examples).predictions)


def judge(evidence: Evidence, seed: int) -> dict[str, tuple[float, float]]:
    """method -> (average precision, recall at the noise rate), in percent."""
    known, wrong = evidence.known, evidence.wrong
    assert known.dynamics is not None
    assert known.held_out is not None
    alone = Known(**{**vars(known), "held_out": None})
    suspicion = {
        "ranking": _combined(diagnose(known)),
        "ranking, one run": _combined(diagnose(alone)),
        **baselines(known.dynamics, known.held_out, known.examples),
        "random": np.random.default_rng(seed).random(len(wrong)),
    }
    return {
        name: (100 * average_precision(wrong, s), 100 * recall_at_rate(wrong, s))
        for name, s in suspicion.items()
    }


def _combined(made: Diagnosis) -> np.ndarray:
    return made.ranking.combined


def baselines(dynamics: DynamicsTable, held: HeldOut, examples: Any) -> dict[str, np.ndarray]:
    """What others rank by; an example without a figure is in the middle. AUM is of probabilities, not logits.

    cleanlab is its label quality of out-of-sample probabilities (self-confidence, its default) where there is one
    label an example; of entities, as its token_classification has it by default, that of the least sure word. Held out
    is the mean over the parts of the same models' probabilities, after the last epoch too; of answers both are that.
    """
    ids = [e.id for e in examples]
    at = {name: i for i, name in enumerate(dynamics.ids)}
    rows = [at.get(i) for i in ids]

    def of(values: np.ndarray) -> np.ndarray:
        means = np.nanmean(values, axis=1)
        middle = float(np.median(means))
        return np.array([middle if r is None else means[r] for r in rows])

    whole, parts = held.aligned("gold_prob", ids), held.aligned("least_prob", ids)
    confident = np.where(np.isnan(parts) | (not hasattr(examples[0].target, "entities")), whole, parts)
    found = held.matrix(ids)
    if found is not None:
        try:
            from cleanlab.rank import get_label_quality_scores

            probabilities, labels = found
            gold = np.array(
                [labels.index(e.target.label) if e.target.label in labels else 0 for e in examples]
            )
            ready = ~np.isnan(probabilities).any(axis=1)
            shares = probabilities[ready] / probabilities[ready].sum(axis=1, keepdims=True)
            confident[ready] = get_label_quality_scores(gold[ready], shares)
        except ImportError:
            pass
    return {
        "confidence": -of(dynamics.gold_prob),
        "loss": of(dynamics.loss),
        "AUM": -of(dynamics.margin),
        "cleanlab": -np.where(np.isnan(confident), np.nanmedian(confident), confident),
        "held out": -np.where(np.isnan(whole), np.nanmedian(whole), whole),
    }


def _line(case: Case, scores: dict[str, tuple[float, float]], seconds: float) -> None:
    shown = "  ".join(f"{m} {ap:.1f}/{r:.1f}" for m, (ap, r) in scores.items())
    print(f"{case.name} ({seconds:.0f} s): {shown}", flush=True)


def _table(rows: list[tuple[Case, dict[str, tuple[float, float]]]]) -> None:
    print(f"\n{'average precision / recall at the noise rate, %':<34}" + "".join(f"{m:>19}" for m in METHODS))
    for case, scores in rows:
        cells = "".join(f"{scores[m][0]:>12.1f} /{scores[m][1]:>5.1f}" for m in METHODS)
        print(f"{case.name:<34}{cells}")
    means = {m: np.mean([s[m] for _, s in rows], axis=0) for m in METHODS}
    print(f"{'mean':<34}" + "".join(f"{means[m][0]:>12.1f} /{means[m][1]:>5.1f}" for m in METHODS))
    others = [m for m in METHODS if not m.startswith("ranking")]
    best = max(others, key=lambda m: means[m][0])
    ahead = [s["ranking"][0] - max(s[m][0] for m in others) for _, s in rows]
    print(
        f"ranking is {means['ranking'][0] - means[best][0]:+.1f} points of average precision from the best of the "
        f"others on average ({best}); ahead of the best of each case in {sum(a > 0 for a in ahead)} of {len(rows)}"
    )
    print(json.dumps({case.name: scores for case, scores in rows}), file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--out", default="runs/label-noise")
    parser.add_argument("--only", type=lambda s: s.split(","), default=[])
    parser.add_argument("--kinds", type=lambda s: s.split(","), default=list(KINDS))
    parser.add_argument("--rates", type=lambda s: [float(x) for x in s.split(",")], default=[0.05, 0.1, 0.2])
    parser.add_argument("--seeds", type=lambda s: [int(x) for x in s.split(",")], default=[0])
    parser.add_argument("--examples", type=int)
    parser.add_argument("--folds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
