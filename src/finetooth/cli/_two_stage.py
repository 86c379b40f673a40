"""``finetooth train CONFIG --curate POLICY``: all arms, and whether the policy pays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetooth.cli._output import emit, say, table
from finetooth.cli.curate import read_policy
from finetooth.config import Config
from finetooth.io import plain
from finetooth.search.two_stage import FEWER, Outcome, two_stage
from finetooth.train import Watch


def run(config: Config, policy: Path, seeds: int, watch: Watch, *, json: bool) -> int:
    outcome = two_stage(config, read_policy([], "or", policy), seeds=seeds, watch=watch)
    if json:
        emit(plain(outcome.to_json()))
    else:
        _print(config, outcome)
    return 0


def _print(config: Config, outcome: Outcome) -> None:
    columns = ("arm", *(f"seed {config.seed + s}" for s in range(len(outcome.scores["curated"]))), "mean")
    rows: list[tuple[Any, ...]] = [
        (arm, *values, sum(values) / len(values)) for arm, values in outcome.scores.items()
    ]
    print(f"{outcome.metric}, {outcome.steps:,} steps each")
    print(table(columns, rows))
    print()
    differences = [
        ("random less baseline" if arm == FEWER else f"curated less {arm}", p.difference, p.low, p.high, p.p)
        for arm, p in outcome.against.items()
    ]
    if outcome.filtered is not None:
        p = outcome.filtered
        differences.append(
            (f"the same on {outcome.dev_kept:,} filtered dev examples", p.difference, p.low, p.high, p.p)
        )
    print(table(("difference", "points", "low", "high", "p"), differences))
    print()
    print(outcome.verdict)
    fixed = f"; fixed.jsonl: {outcome.fixed:,} with another target" if outcome.fixed else ""
    say(f"{outcome.folder}/curation.json; dropped.jsonl: {outcome.dropped:,} examples, with reasons{fixed}")
