"""The whole loop on built-in data, in minutes: make, check, train, score, and what the checks found of what was planted."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth import checks, config, generate, io, readers, registry
from finetooth.cli._output import Json, emit, say, table
from finetooth.cli.train import Screen, preflight_lines
from finetooth.generate import defects
from finetooth.runs import Run
from finetooth.train import Interrupted, Watch, train
from finetooth.types import Dataset, Drop, Finding

INTERRUPTED = 3
RATES = {
    "shifted-offset": 0.1,
    "wrong-answer": 0.06,
    "other-question": 0.1,
    "duplicated": 0.05,
    "truncated-context": 0.06,
}
LEAKED = 0.05  # of the dev rows
CHANCE = 0.05  # of the bootstrap outside its interval
RESAMPLES = 2000
AS_IS, CURATED = "as-it-is", "curated"


@dataclass(frozen=True)
class Plan:
    """How much of everything. Texts tell one record each: short ones, so that minutes are enough.

    Both trainings take as many steps: fewer rows are then seen oftener, and none is trained longer.
    """

    rows: int = 800
    dev_rows: int = 300
    steps: int = 220
    learning_rate: float = 3e-4
    warmup_steps: int = 20
    batch_tokens: int = 1024
    threads: int | None = None
    rates: dict[str, float] = field(default_factory=lambda: dict(RATES))


FULL, FAST = Plan(), Plan(rows=240, dev_rows=60, steps=40, batch_tokens=512, warmup_steps=5)


def command(
    out: Annotated[
        Path | None, typer.Option(help="The folder for all of it (default: runs/demo, runs/demo-fast).")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Less data, fewer steps: shows the way, not the score.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="One seed makes one result.")] = 0,
    json: Json = False,
) -> int:
    folder = out or Path("runs/demo-fast" if fast else "runs/demo")
    watch = Brief()
    try:
        told = demo(folder, FAST if fast else FULL, seed=seed, watch=watch, show=None if json else print)
    except Interrupted as e:
        again = shlex.join(["finetooth", *sys.argv[1:]])
        say(f"stopped after step {e.step}; to go on: {again}")
        if json:
            emit({"run": str(e.folder), "status": "interrupted", "step": e.step, "resume": again})
        return INTERRUPTED
    finally:
        watch.end("")
    if json:
        emit(told)
    return 0


class Brief(Screen):
    """The bars and sentences of ``train``, and of its preflight the lines that a newcomer needs."""

    def preflight(self, report: Any) -> None:
        self.began = True
        for line in preflight_lines(io.plain(report)):
            if line.startswith(("round trip", "model", "steps", "floors", "estimate")):
                say(f"  {line}")


def demo(
    folder: Path,
    plan: Plan,
    *,
    seed: int,
    watch: Watch,
    show: Callable[[str], None] | None = print,
) -> dict[str, Any]:
    """Goes through the loop in ``folder`` and returns what it showed; finished parts are not done again.

    Raises what reading, the checks and ``train`` raise; Interrupted where it was stopped on request.
    """
    began = time.monotonic()
    show = show or (lambda text: None)
    say(f"1. A world of small business documents (seed {seed}), with defects planted in it")
    data = make(folder / "data", plan, seed)
    say(
        f"   {data.train.source}: {len(data.train):,} questions, {len(data.planted):,} of them spoilt; {data.dev.source}: "
        f"{len(data.dev):,}, clean; the truth stands in *.truth.jsonl"
    )
    say("2. The checks, which do not know the truth")
    found, findings = examine(data)
    show(found_table(found))
    curated, dropped = curate(data.train, findings)
    io.write_jsonl(folder / "data" / "curated.jsonl", map(registry.task("qa").to_row, curated.examples))
    io.write_jsonl(folder / "data" / "curated.dropped.jsonl", dropped)
    spoilt = {p.id for p in data.planted}
    bad = sum(d.example_id in spoilt for d in dropped)
    say(f"   errors and warnings name {len(dropped):,} rows; {bad:,} of them are spoilt")
    runs = {}
    for number, name, what, rows in (
        (3, AS_IS, "on all rows, as they are", data.train),
        (4, CURATED, "without the rows that the checks name", curated),
    ):
        say(f"{number}. Training {what}: {len(rows):,} questions")
        chosen = settings(
            folder / name,
            rows.source if name == AS_IS else str(folder / "data" / "curated.jsonl"),
            data,
            plan,
            seed,
        )
        runs[name] = train(chosen, watch=watch, command=("finetooth", "demo"))
        watch.end("")
    say(f"5. Scores on the {len(data.dev):,} clean questions, beside what needs no model")
    scores = {name: run.scores()["dev"]["scores"] for name, run in runs.items()}
    gains = [gain(metric, data.dev, runs) for metric in registry.task("qa").metrics]
    show(score_table(scores, gains))
    following = next_commands()
    show(
        "\n".join(
            [
                "",
                f"The run folder: {runs[CURATED].folder}",
                "On data of your own:",
                *(f"  {c}" for c in following),
            ]
        )
    )
    return {
        "folder": folder,
        "runs": {name: str(run.folder) for name, run in runs.items()},
        "planted": defects.tally([*data.planted, *data.leaked]),
        "found": [
            asdict(f) | {"recall": f.recall, "precision": f.precision, "any_precision": f.any_precision}
            for f in found
        ],
        "dropped": len(dropped),
        "dropped_spoilt": bad,
        "scores": scores,
        "gains": gains,
        "next": following,
        "seconds": round(time.monotonic() - began, 1),
    }


@dataclass(frozen=True)
class Data:
    """``dev`` is clean and scores the models; ``leaky`` is it with rows of ``train`` copied in."""

    train: Dataset
    dev: Dataset
    leaky: Dataset
    planted: Sequence[defects.Planted]
    leaked: Sequence[defects.Planted]


def make(folder: Path, plan: Plan, seed: int) -> Data:
    """The three files and the truth about two of them. The same for the same plan and seed."""
    # Two worlds: no name and no document of one is in the other, but for the lists they draw from.
    made = generate.make("qa", plan.rows, seed=2 * seed + 1, records=1, defects=plan.rates)
    dev = generate.make("qa", plan.dev_rows, seed=2 * seed + 2, records=1)
    leaky = generate.plant_in(dev, {"leaked": LEAKED}, seed=2 * seed + 2, other=made.rows)
    files = {}
    for name, each in (("train", made), ("dev", dev), ("dev-leaky", leaky)):
        io.write_jsonl(folder / f"{name}.jsonl", each.rows)
        if each.planted:
            io.write_jsonl(folder / f"{name}.truth.jsonl", each.planted)
        files[name] = readers.load(folder / f"{name}.jsonl", task="qa")
    return Data(files["train"], files["dev"], files["dev-leaky"], made.planted, leaky.planted)


def examine(data: Data) -> tuple[list[defects.Found], Sequence[Finding]]:
    """What the checks find of each kind, and the findings on the training rows alone."""
    report = checks.run(data.train)
    leaks = checks.run(data.leaky, against=data.train)
    found = defects.found("qa", data.planted, report.findings)
    return [*found, *defects.found("qa", data.leaked, leaks.findings)], report.findings


def curate(train_set: Dataset, findings: Sequence[Finding]) -> tuple[Dataset, list[Drop]]:
    """The rows that no error and no warning names, and the others with the first that does."""
    reasons: dict[str, str] = {}
    for finding in findings:
        if finding.severity != "info" and finding.example_id:
            reasons.setdefault(finding.example_id, f"{finding.check}: {finding.message}")
    from finetooth.train.data import subset

    kept = [e for e in train_set.examples if e.id not in reasons]
    return subset(train_set, kept), [Drop(name, "demo", why) for name, why in reasons.items()]


def settings(out: Path, source: str, data: Data, plan: Plan, seed: int) -> config.Config:
    return config.build(
        {
            "task": "qa",
            # As it is: what the checks say is shown, and nothing is dropped for it.
            "data": {"train": source, "dev": data.dev.source, "on_error": "keep"},
            "model": {"name": "starter:minilm", "max_length_tokens": 256, "stride_tokens": 64},
            "train": {
                "max_steps": plan.steps,
                "learning_rate": plan.learning_rate,
                "warmup_steps": plan.warmup_steps,
                "batch_tokens": plan.batch_tokens,
                "threads": plan.threads,
            },
            "seed": seed,
            "out": str(out),
        }
    )


def gain(metric: registry.Metric, dev: Dataset, runs: dict[str, Run]) -> dict[str, Any]:
    """What curation changes of a metric, with a 95 % interval: both models on the same drawn documents."""
    import numpy as np

    from finetooth.evaluate import predictions
    from finetooth.evaluate.intervals import draws, group_sums

    task = registry.task("qa")
    groups = [task.group(e) for e in dev.examples]
    sums = {}
    for name, run in runs.items():
        matched = predictions.read(run.predictions_path("dev"), task, dev.examples)
        sums[name] = group_sums(metric.counts(dev.examples, matched.predictions), groups)

    def difference(of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        return metric.value(of(sums[CURATED])) - metric.value(of(sums[AS_IS]))

    n = len(sums[AS_IS])
    drawn = np.concatenate(
        [difference(lambda s, d=d: d @ s) for d in draws(n, RESAMPLES, np.random.default_rng(0))]  # type: ignore[misc]
    )
    low, high = np.quantile(drawn, [CHANCE / 2, 1 - CHANCE / 2])
    value = float(difference(lambda s: s.sum(axis=0)))
    return {"name": metric.name, "value": value, "low": float(low), "high": float(high), "documents": n}


def found_table(found: Sequence[defects.Found]) -> str:
    kinds = defects.kinds("qa")
    rows = [
        (
            f.defect,
            kinds[f.defect].summary,
            f.planted,
            f.found,
            None if f.recall is None else 100 * f.recall,
            f.named,
            None if f.precision is None else 100 * f.precision,
            None if f.any_precision is None else 100 * f.any_precision,
        )
        for f in found
    ]
    header = (
        "defect",
        "what is wrong",
        "planted",
        "found",
        "recall %",
        "named",
        "of this kind %",
        "of any %",
    )
    return table(header, rows)


def score_table(scores: dict[str, list[dict[str, Any]]], gains: Sequence[dict[str, Any]]) -> str:
    rows = list(_score_rows(scores, gains))
    return table(("score", "floor", "as it is", "curated", "gain", "95 % interval of the gain"), rows)


def _score_rows(
    scores: dict[str, list[dict[str, Any]]], gains: Sequence[dict[str, Any]]
) -> Iterator[tuple[Any, ...]]:
    of = {name: {s["name"]: s for s in each} for name, each in scores.items()}
    for g in gains:
        one, other = of[AS_IS][g["name"]], of[CURATED][g["name"]]
        yield (
            g["name"],
            one["floor"],
            one["value"],
            other["value"],
            g["value"],
            f"{g['low']:+.2f} to {g['high']:+.2f}",
        )


def next_commands() -> list[str]:
    return [
        "finetooth check YOUR.json",
        "finetooth train --task qa --data YOUR.json --model starter:minilm --out runs/mine --on-error drop",
        "finetooth evaluate runs/mine YOUR_TEST.json",
    ]
