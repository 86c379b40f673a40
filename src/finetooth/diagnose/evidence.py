"""What speaks against each example's label, gathered from everything that is known of it.

Each piece of evidence becomes a signal of ``ranking``, a number an example: a probability of its label, or how much
speaks against it, 0 for silence. NaN is no opinion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from finetooth.diagnose.dynamics_files import DynamicsTable
from finetooth.diagnose.held_out import HeldOut
from finetooth.diagnose.ranking import neighbour_share
from finetooth.types import Example, Finding

TWICE = ("duplicate", "document-twice", "leak", "both-splits")  # what says nothing about the target
POINTS = {"error": 2.0, "warning": 1.0, "info": 0.0}


def of_dynamics(table: DynamicsTable, ids: Sequence[str]) -> np.ndarray:
    """(n,) the label's probability for ``ids`` over the epochs; NaN for those that were not trained on."""
    at = dict(zip(table.ids, table.label_prob.tolist(), strict=True))
    return np.array([at.get(i, np.nan) for i in ids], float)


def of_held_out(held: HeldOut, examples: Sequence[Example]) -> dict[str, np.ndarray]:
    """Signals of models that never saw the example; confident learning where there is one label an example."""
    made = {"held_out_confidence": held.aligned("label_prob", [e.id for e in examples])}
    learnt = confident_learning(held, examples)
    if learnt is not None:
        made["confident_learning"] = learnt
    return made


def confident_learning(held: HeldOut, examples: Sequence[Example]) -> np.ndarray | None:
    """(n,) 1 where cleanlab calls the label an error (confident joint, pruned by noise rate; Northcutt et al. 2021).

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
        from cleanlab.filter import find_label_issues
    except ImportError:
        return None
    made = np.full(len(examples), np.nan)
    shares = probabilities[usable] / probabilities[usable].sum(axis=1, keepdims=True)
    # One process: forking for a few thousand rows costs more than it saves.
    made[usable] = find_label_issues(gold[usable], shares, filter_by="prune_by_noise_rate", n_jobs=1)
    return made


def of_predictions(score: np.ndarray, sure: Sequence[float | None]) -> np.ndarray:
    """(n,) how wrong a prediction finds the gold, times how sure it is (half sure where it does not say)."""
    weight = np.array([0.5 if c is None else c for c in sure], float)
    return (1.0 - score) * weight


def of_neighbours(
    vectors: np.ndarray, known: Sequence[str], examples: Sequence[Example]
) -> np.ndarray | None:
    """(n,) the label's probability by its nearest neighbours where there is one label an example; None otherwise."""
    label = {e.id: getattr(e.target, "label", None) for e in examples}
    if not isinstance(next(iter(label.values()), None), str) or len(known) < 3:
        return None
    found = neighbour_share(vectors, [str(label.get(i)) for i in known])
    at = dict(zip(known, found.tolist(), strict=True))
    return np.array([at.get(e.id, np.nan) for e in examples], float)


def of_findings(findings: Mapping[str, Sequence[Finding]], ids: Sequence[str]) -> np.ndarray:
    """(n,) 2 for each check that found an error, 1 for each with a warning; that it stands twice is no fault of a label."""
    return np.array([float(sum(blamed(findings.get(name, ())).values())) for name in ids])


def blamed(findings: Sequence[Finding]) -> dict[str, float]:
    """The checks that found fault with the target of an example, the worst first: 2 for an error, 1 for a warning."""
    worst: dict[str, float] = {}
    for f in findings:
        points = POINTS.get(f.severity, 0.0)
        if points and about_target(f):
            worst[f.check] = max(worst.get(f.check, 0.0), points)
    return dict(sorted(worst.items(), key=lambda item: -item[1]))


def about_target(finding: Finding) -> bool:
    """Whether it speaks of the target at all: that a row stands twice, or in two splits, is no fault of its label.

    Unless the very same input has another label there: one of the two is wrong.
    """
    if not any(word in finding.check for word in TWICE):
        return True
    same = (finding.evidence.get(k) for k in ("same_labels", "same_answer"))
    return "near" not in finding.check and any(s is False for s in same)


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


def in_short(finding: Finding) -> dict[str, Any]:
    """A finding as a table holds it; ``other`` is the example that it names, if it names one."""
    other = named_other(finding.evidence) or None
    return {
        "check": finding.check,
        "severity": finding.severity,
        "message": finding.message,
        "other": other,
    }


def named_other(evidence: Mapping[str, Any]) -> str:
    """The example that another one repeats, as the checks of duplicates name it; "" where none is named."""
    return str(evidence.get("first") or evidence.get("other") or "")
