"""The one table: everything that is known of each example side by side, and how likely its target is wrong.

{"example_id": "q17", "input": "Where ...", "target": "Oslo", "prediction": "Lima", "agreement": 0.0,
 "findings": [{"check": ..., "severity": ..., "message": ..., "other": ...}], "confidence": 0.08, ..., "category": "hard",
 "cluster": 3, "rules": ["prediction_better_aligned"], "rule_score": 1, "rank": 0.94, "rank_place": 1,
 "rank_reason": "models that never saw it prefer another label", "fix": "\\"Lima\\"", "fix_source": "check ..."}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.diagnose import evidence, overlap, rules
from finetooth.diagnose.cartography import DataMap
from finetooth.diagnose.clustering import said
from finetooth.diagnose.differences import RULES, differences, units
from finetooth.diagnose.dynamics_files import DynamicsTable
from finetooth.diagnose.fixes import SURE, propose
from finetooth.diagnose.held_out import HeldOut
from finetooth.diagnose.ranking import REASONS, Ranking, rank
from finetooth.diagnose.tables import text_of
from finetooth.io import plain, to_json
from finetooth.registry import Task
from finetooth.types import Example, Finding, Prediction

if TYPE_CHECKING:
    import polars as pl

LEARNT = 0.5  # of what there is to find, the share that a model must find to be heard on what is likely wrong
LIKELY = 0.5  # a score above which an example is likelier mislabelled than not
TOP = 0.05  # where no group stands apart, the share at the top that the ranking is taken to speak against
MAP = ("epochs", "confidence", "variability", "correctness", "forgetfulness", "margin", "loss", "category")


@dataclass(frozen=True)
class Known:
    """What there is to diagnose by; everything but the examples may be missing.

    ``predictions`` are the trained model's, in the order of ``examples``. ``clusters`` has by id cluster,
    cluster_name and membership; ``vectors`` are the embeddings of the examples ``embedded``.
    """

    task: Task
    examples: Sequence[Example]
    dynamics: DynamicsTable | None = None
    map: DataMap | None = None
    findings: Sequence[Finding | Mapping[str, Any]] = ()
    predictions: Sequence[Prediction | None] | None = None
    held_out: HeldOut | None = None
    clusters: Mapping[str, Mapping[str, Any]] | None = None
    embedded: Sequence[str] = ()
    vectors: np.ndarray | None = None


@dataclass(frozen=True)
class Diagnosis:
    """``columns`` by name, a row an example in its order; ``overlap`` and ``summary`` as they are written."""

    columns: dict[str, list[Any]]
    ranking: Ranking
    overlap: dict[str, Any]
    summary: dict[str, Any]

    def frame(self) -> pl.DataFrame:
        import polars as pl

        return pl.DataFrame(self.columns, schema=_schema(self.columns))

    def rows(self) -> list[dict[str, Any]]:
        names = list(self.columns)
        return [dict(zip(names, values, strict=True)) for values in zip(*self.columns.values(), strict=True)]


def diagnose(known: Known, *, version: rules.Version = "ours", threshold: int = rules.THRESHOLD) -> Diagnosis:
    """The table of everything in ``known``. ``version`` and ``threshold`` are of the QA rules."""
    task, examples = known.task, known.examples
    ids = [e.id for e in examples]
    by_id = evidence.by_example(known.findings)
    nothing: list[Prediction | None] = [None] * len(ids)
    own = _named(examples, known.predictions) if known.predictions is not None else nothing
    held = _named(examples, known.held_out.predictions(task, examples)) if known.held_out else nothing
    own_apart, held_apart = differences(task, examples, own), differences(task, examples, held)
    # Of two opinions that of models that never saw the example: the other may have learnt its error by heart.
    best = [h if h is not None else o for h, o in zip(held, own, strict=True)]
    flags, stated = _rules(task, examples, best, by_id, version, threshold)
    signals = _signals(known, ids, by_id, flags, (own, own_apart.score))
    score = np.where(np.isnan(held_apart.score), own_apart.score, held_apart.score)
    learnt = _learnt(task, examples, score)
    ranking = rank(ids, signals, learnt=learnt)
    columns: dict[str, list[Any]] = {
        "example_id": ids,
        "input": [said(e) for e in examples],
        "target": [
            text_of(plain(task.show(p.target))) for p in _named(examples, map(task.gold, examples)) if p
        ],
        **_said_of(task, own, own_apart.score, ""),
    }
    if known.held_out is not None:
        columns |= _said_of(task, held, held_apart.score, "held_out_")
    columns["findings"] = [[evidence.in_short(f) for f in by_id.get(i, ())] for i in ids]
    columns |= _mapped(known.map, ids)
    columns |= _clustered(known.clusters, ids)
    names = list(flags)
    on = np.stack([flags[name] for name in names], axis=1) if names else np.zeros((len(ids), 0), bool)
    columns["rules"] = [[names[k] for k in np.flatnonzero(row)] for row in on]
    columns["rule_score"] = on.sum(axis=1).tolist()
    columns["is_dataset_error"] = (on.sum(axis=1) >= threshold).tolist()
    columns |= _ranked(ranking, by_id)
    parts = np.array([units(task.name, task.gold(e).target).keys() != {""} for e in examples])
    heard = ranking.combined if learnt else np.minimum(ranking.combined, 0.0)
    beside = (heard - ranking.signals["findings"]) * parts
    proposals = [
        propose(task, by_id.get(i, ()), (h, float(hs)), (o, float(os)), float(against), float(rest))
        for i, h, hs, o, os, against, rest in zip(
            ids, held, held_apart.score, own, own_apart.score, heard, beside, strict=True
        )
    ]
    columns["fix"] = [None if p is None else to_json(p.target) for p in proposals]
    columns["fix_source"] = [None if p is None else p.source for p in proposals]
    against = _against(known, columns, flags, ranking, by_id, threshold, held_apart.score)
    found = overlap.overlap(
        ids=ids,
        category=columns["category"],
        cluster=columns["cluster"],
        cluster_names={c: n for c, n in zip(columns["cluster"], columns["cluster_name"], strict=True) if n},
        against=against,
        rules=flags,
        score=ranking.score,
    )
    summary = _summary(columns, ranking, found, stated, on, own_apart.score)
    return Diagnosis(columns, ranking, found, summary | {"models_learnt": learnt})


def _named(examples: Sequence[Example], predictions: Iterable[Prediction | None]) -> list[Prediction | None]:
    """Triples with the names of their entities, which a head gives by number and a reader cannot count."""
    made: list[Prediction | None] = []
    for example, p in zip(examples, predictions, strict=True):
        triples = getattr(p.target, "triples", ()) if p is not None else ()
        if p is not None and triples:
            names = dict(enumerate(e.name for e in example.inputs.entities))
            told = tuple(
                replace(
                    t,
                    head_text=t.head_text or names.get(t.head, ""),
                    tail_text=t.tail_text or names.get(t.tail, ""),
                )
                for t in triples
            )
            p = replace(p, target=replace(p.target, triples=told))
        made.append(p)
    return made


def _learnt(task: Task, examples: Sequence[Example], score: np.ndarray) -> bool:
    """Whether predictions of this ``score`` (n,), NaN where there is none, find half of what there is to find.

    A model that finds no entity doubts every sentence that has one, and right it is where there is none.
    """
    some = np.array([bool(units(task.name, task.gold(e).target)) for e in examples], bool) & ~np.isnan(score)
    return not some.any() or float(score[some].mean()) >= LEARNT


def _rules(
    task: Task,
    examples: Sequence[Example],
    predictions: Sequence[Prediction | None],
    by_id: Mapping[str, Sequence[Finding]],
    version: rules.Version,
    threshold: int,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The flags by name, and what they were: the nine for QA; for the others what a sure prediction says against
    the gold, and each check that found fault with the target.

    The nearly sure prediction of a long document differs somewhere from any gold; that is no rule.
    """
    if task.name == "qa":
        texts = {p.example_id: p.target for p in predictions if p is not None and isinstance(p.target, str)}
        table = rules.apply(examples, texts, rules=version, threshold=threshold)
        return dict(zip(rules.RULES, table.flags.T, strict=True)), dict(table.stated)
    flags: dict[str, np.ndarray] = {}
    if any(p is not None for p in predictions):
        apart = differences(task, examples, predictions)
        flags |= dict(zip(RULES, (apart.flags & _sure(predictions)[:, None]).T, strict=True))
    for i, example in enumerate(examples):
        for f in by_id.get(example.id, ()):
            if f.severity in ("error", "warning") and evidence.about_target(f):
                flags.setdefault(f.check, np.zeros(len(examples), bool))[i] = True
    return flags, {"rules": "predictions and checks", "sure": SURE, "threshold": threshold}


def _sure(predictions: Sequence[Prediction | None]) -> np.ndarray:
    """(n,) where a prediction is at least as likely right as wrong by its own figure, or has none."""
    return np.array([p is not None and (p.confidence is None or p.confidence >= SURE) for p in predictions])


def _signals(
    known: Known,
    ids: Sequence[str],
    by_id: Mapping[str, Sequence[Finding]],
    flags: Mapping[str, np.ndarray],
    own: tuple[Sequence[Prediction | None], np.ndarray],
) -> dict[str, np.ndarray]:
    signals: dict[str, np.ndarray] = {}
    if known.dynamics is not None:
        signals["low_confidence"] = evidence.of_dynamics(known.dynamics, ids)
    if known.held_out is not None:
        signals |= evidence.of_held_out(known.held_out, known.examples)
    if known.predictions is not None:
        sure = [None if p is None else p.confidence for p in own[0]]
        signals["disagreement"] = evidence.of_predictions(own[1], sure)
    if known.vectors is not None:
        near = evidence.of_neighbours(known.vectors, known.embedded, known.examples)
        if near is not None:
            signals["neighbours"] = near
    signals["findings"] = evidence.of_findings(by_id, ids)
    if flags and known.task.name == "qa":  # elsewhere the rules only say again what ``disagreement`` says
        signals["rules"] = np.sum([on.astype(float) for on in flags.values()], axis=0)
    return signals


def _said_of(
    task: Task, predictions: Sequence[Prediction | None], score: np.ndarray, prefix: str
) -> dict[str, list[Any]]:
    """Columns of predictions: as text, how sure, how well it agrees with the gold."""
    shown = [None if p is None else text_of(plain(task.show(p.target))) for p in predictions]
    return {
        f"{prefix}prediction": shown,
        f"{prefix}sure": [None if p is None else p.confidence for p in predictions],
        f"{prefix}agreement": [None if np.isnan(s) else float(s) for s in score],
    }


def _mapped(made: DataMap | None, ids: Sequence[str]) -> dict[str, list[Any]]:
    if made is None:
        return {name: [None] * len(ids) for name in MAP}
    at = {name: i for i, name in enumerate(made.columns["example_id"])}
    places = [at.get(i) for i in ids]
    columns = {}
    for name in MAP:
        values = made.columns[name].tolist()
        columns[name] = [None if p is None else values[p] for p in places]
    return columns


def _clustered(clusters: Mapping[str, Mapping[str, Any]] | None, ids: Sequence[str]) -> dict[str, list[Any]]:
    rows = [(clusters or {}).get(i, {}) for i in ids]
    return {name: [row.get(name) for row in rows] for name in ("cluster", "cluster_name", "membership")}


def _ranked(ranking: Ranking, by_id: Mapping[str, Sequence[Finding]]) -> dict[str, list[Any]]:
    place = np.empty(len(ranking.ids), np.int64)
    place[ranking.order] = np.arange(1, len(ranking.ids) + 1)
    return {
        "rank": ranking.score.tolist(),
        "rank_place": place.tolist(),
        "rank_reason": [
            f"{why}: {_listed(evidence.blamed(by_id.get(i, ())))}" if why == REASONS["findings"] else why
            for i, why in zip(ranking.ids, ranking.reason, strict=True)
        ],
    }


def _listed(names: Iterable[str], most: int = 3) -> str:
    said = list(names)
    return ", ".join(said[:most]) + (f" and {len(said) - most} more" if len(said) > most else "")


def _against(
    known: Known,
    columns: Mapping[str, list[Any]],
    flags: Mapping[str, np.ndarray],
    ranking: Ranking,
    by_id: Mapping[str, Sequence[Finding]],
    threshold: int,
    held_score: np.ndarray,
) -> dict[str, np.ndarray]:
    """Which methods speak against each example; methods for which nothing is known are left out.

    The ranking is none of them: it is made of the others.
    """
    made: dict[str, np.ndarray] = {}
    if known.map is not None:
        made["hard to learn"] = np.array([c == "hard" for c in columns["category"]])
        never = np.array([bool(f is not None and 0 < f < 1000) for f in columns["forgetfulness"]])
        made["forgotten"] = never
    if known.findings:
        # One error, or warnings of two checks: five of one kind may be the style of the set.
        made["checks"] = evidence.of_findings(by_id, ranking.ids) >= evidence.POINTS["error"]
    if known.task.name == "qa":
        made["rules"] = np.sum([on.astype(int) for on in flags.values()], axis=0) >= threshold
    if known.held_out is not None:
        margin = known.held_out.aligned("margin_mean", ranking.ids)
        made["held out"] = (np.nan_to_num(margin, nan=1.0) < 0) & ~(held_score >= 1)
    if known.predictions is not None:
        differs = np.array([a is not None and a < 1 for a in columns["agreement"]])
        made["own prediction"] = differs & _sure(known.predictions)
    if known.clusters is not None:
        made["in no cluster"] = np.array([c == -1 for c in columns["cluster"]])
    return made


def _summary(
    columns: Mapping[str, list[Any]],
    ranking: Ranking,
    found: Mapping[str, Any],
    stated: Mapping[str, Any],
    on: np.ndarray,
    score: np.ndarray,
) -> dict[str, Any]:
    n = len(ranking.ids)
    wrong = ~np.isnan(score) & (score < 1)
    base = float(wrong.mean()) if n else 0.0
    names = list(found["rule_rates"]["all"])[1:]
    order = ranking.order[: overlap.SHOWN]
    return {
        "examples": n,
        "signals": sorted(ranking.signals),
        "estimated_share_mislabelled": ranking.share,
        "likely_mislabelled": int((ranking.score > LIKELY).sum()),
        "reasons": dict(Counter(ranking.reason[i] for i in ranking.order[: max(1, n // 20)]).most_common()),
        "fixes_proposed": sum(f is not None for f in columns["fix"]),
        "categories": dict(Counter(c for c in columns["category"] if c is not None)),
        "agreed": found["agreed"],
        "methods": found["methods"],
        "without_vote": found["without_vote"],
        "high_overlap_regions": len(found["high_overlap"]),
        "rules": {
            **stated,
            "dataset_errors": sum(columns["is_dataset_error"]),
            "each": {
                name: {
                    "rate": found["rule_rates"]["all"][name],
                    "lift_on_wrong": float(wrong[on[:, k]].mean() / base)
                    if base and on[:, k].any()
                    else None,
                }
                for k, name in enumerate(names)
            },
        },
        "worst": [ranking.ids[i] for i in order],
    }


def _schema(columns: Mapping[str, Any]) -> Any:
    """Types by name: a column that is empty for now must not change its type with the next run."""
    import polars as pl

    finding = pl.Struct(dict.fromkeys(("check", "severity", "message", "other"), pl.String))
    kinds: dict[str, Any] = {
        "findings": pl.List(finding),
        "rules": pl.List(pl.String),
        "is_dataset_error": pl.Boolean,
    }
    kinds |= dict.fromkeys(
        ("epochs", "correctness", "forgetfulness", "cluster", "rule_score", "rank_place"), pl.Int64
    )
    kinds |= dict.fromkeys(
        "sure agreement held_out_sure held_out_agreement confidence variability margin loss membership rank".split(),
        pl.Float64,
    )
    return {name: kinds.get(name, pl.String) for name in columns}
