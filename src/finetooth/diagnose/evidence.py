"""What speaks against each example's label, gathered from everything that is known of it.

Each piece of evidence becomes a signal of ``ranking``: a number an example, the suspicious end high, NaN where
there is no opinion. Probabilities are taken as log odds: there a wrong label stands apart from the rest, while
near 0 and 1 all differences are small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from finetooth.diagnose.dynamics_files import DynamicsTable
from finetooth.diagnose.held_out import HeldOut
from finetooth.diagnose.ranking import logit, neighbour_disagreement, signals_from_dynamics
from finetooth.types import Example, Finding

POINTS = {"error": 2.0, "warning": 1.0, "info": 0.0}


def of_dynamics(table: DynamicsTable, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Signals of the training pass for ``ids``, NaN for those that were not trained on."""
    at = {name: i for i, name in enumerate(table.ids)}
    rows = np.array([at.get(i, -1) for i in ids])
    parts = [table.gold_prob, table.margin, table.correct, table.loss]
    known = rows >= 0
    made = signals_from_dynamics(*(p[rows[known]] for p in parts))
    full = {name: np.full(len(ids), np.nan) for name in made}
    for name, values in made.items():
        full[name][known] = values
    return full


def of_held_out(held: HeldOut, examples: Sequence[Example]) -> dict[str, np.ndarray]:
    """Signals of models that never saw the example; confident learning where there is one label an example."""
    ids = [e.id for e in examples]
    made = {
        "held_out_confidence": -logit(held.aligned("gold_prob_mean", ids)),
        "held_out_margin": -logit((1 + held.aligned("margin", ids)) / 2),
    }
    learnt = confident_learning(held, examples)
    if learnt is not None:
        made["confident_learning"] = learnt
    return made


def confident_learning(held: HeldOut, examples: Sequence[Example]) -> np.ndarray | None:
    """Minus cleanlab's label quality (normalised margin, adjusted by class; Northcutt et al. 2021), (n,).

    None where the task has no single label an example, the probabilities are missing, or cleanlab is not installed.
    """
    found = held.matrix([e.id for e in examples])
    if found is None:
        return None
    probabilities, labels = found
    number = {name: i for i, name in enumerate(labels)}
    gold = np.array([number.get(getattr(e.target, "label", ""), -1) for e in examples])
    usable = (gold >= 0) & ~np.isnan(probabilities).any(axis=1)
    if len(set(gold[usable].tolist())) < len(labels) or len(labels) < 2:
        return None
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return None
    made = np.full(len(examples), np.nan)
    shares = probabilities[usable] / probabilities[usable].sum(axis=1, keepdims=True)
    quality = get_label_quality_scores(
        gold[usable], shares, method="normalized_margin", adjust_pred_probs=True
    )
    made[usable] = -logit(np.asarray(quality))
    return made


def of_predictions(score: np.ndarray, sure: Sequence[float | None]) -> np.ndarray:
    """How wrong a prediction finds the gold, times how sure it is (half sure where it does not say)."""
    weight = np.array([0.5 if c is None else c for c in sure], float)
    return (1.0 - score) * weight


def of_neighbours(
    vectors: np.ndarray, known: Sequence[str], examples: Sequence[Example]
) -> np.ndarray | None:
    """Disagreement of nearest neighbours where there is one label an example; None otherwise."""
    label = {e.id: getattr(e.target, "label", None) for e in examples}
    if not isinstance(next(iter(label.values()), None), str) or len(known) < 3:
        return None
    found = neighbour_disagreement(vectors, [str(label.get(i)) for i in known])
    at = dict(zip(known, found.tolist(), strict=True))
    return np.array([at.get(e.id, np.nan) for e in examples], float)


def of_findings(findings: Mapping[str, Sequence[Finding]], ids: Sequence[str]) -> np.ndarray:
    """2 for each check that found an error, 1 for each with a warning, (n,)."""
    made = np.zeros(len(ids))
    for i, name in enumerate(ids):
        worst: dict[str, float] = {}
        for f in findings.get(name, ()):
            worst[f.check] = max(worst.get(f.check, 0.0), POINTS.get(f.severity, 0.0))
        made[i] = sum(worst.values())
    return made


def by_example(findings: Sequence[Mapping[str, Any] | Finding]) -> dict[str, list[Finding]]:
    """Findings of examples by id, as they stand in a run's findings.jsonl or as the checks gave them."""
    made: dict[str, list[Finding]] = {}
    for f in findings:
        if not isinstance(f, Finding):
            name, check = str(f.get("example_id", "")), str(f.get("check", ""))
            severity: Any = f.get("severity", "info")
            message = str(f.get("message", ""))
            f = Finding(name, check, severity, message, f.get("evidence") or {}, f.get("fix"))
        if f.example_id:
            made.setdefault(f.example_id, []).append(f)
    return made
