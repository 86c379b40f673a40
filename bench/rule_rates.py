"""How often each of the nine error rules fires on a data set, as first published and as ours, and its lift.

    python bench/rule_rates.py DATA.json PREDICTIONS.json

Lift: how much more often a rule fires where the prediction is wrong than over all questions. 1 says nothing.
"""

from __future__ import annotations

import argparse

import numpy as np

from finetooth import readers, registry
from finetooth.diagnose import rules
from finetooth.evaluate import predictions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("predictions")
    args = parser.parse_args()
    task = registry.task("qa")
    examples = readers.load(args.data, task="qa").examples
    found = predictions.read(args.predictions, task, examples).predictions
    answers = {p.example_id: task.show(p.target) or "" for p in found if p is not None}
    wrong = task.metrics[0].counts(examples, found)[:, 0] == 0
    tables = {version: rules.apply(examples, answers, rules=version) for version in ("published", "ours")}
    print("| rule | published % | lift | ours % | lift |\n|---|---|---|---|---|")
    for i, rule in enumerate(rules.RULES):
        cells = []
        for table in tables.values():
            fires = table.flags[:, i]
            lift = fires[wrong].mean() / fires.mean() if fires.any() else np.nan
            cells += [f"{100 * fires.mean():.1f}", f"{lift:.2f}"]
        print(f"| {rule} | {' | '.join(cells)} |")
    for version, table in tables.items():
        flagged = table.is_dataset_error
        print(f"{version}: {100 * flagged.mean():.1f} % at threshold {table.threshold}")


if __name__ == "__main__":
    main()
