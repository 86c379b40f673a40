"""A run folder as one plain value, read once: what the page, the card and the leaderboard show."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetooth import io, registry
from finetooth.errors import FinetoothError
from finetooth.registry import Task
from finetooth.runs import Run, read_lines
from finetooth.types import Example, Prediction

TEXT = 240  # characters of an input or target that a page shows


@dataclass(frozen=True)
class Shown:
    """Everything a report needs. ``rows``: one an example, all text cut to size and made visible."""

    name: str
    info: Mapping[str, Any]
    scores: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    rows: Sequence[Mapping[str, Any]]
    findings: Sequence[Mapping[str, Any]]
    dropped: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def config(self) -> Mapping[str, Any]:
        return self.info.get("config", {})

    @property
    def main(self) -> Mapping[str, Any]:
        """The scores of the split that was held out: dev, or the only one there is."""
        return self.scores.get("dev") or next(iter(self.scores.values()), {})


def collect(folder: str | Path) -> Shown:
    """Reads a run folder. What is missing (no map, data moved away) becomes a note and not an error."""
    run = Run.open(folder)
    notes: list[str] = []
    if run.status != "finished":
        notes.append(f"This run is {run.status}: its figures are not final.")
    notes += [visible(str(w)) for w in (run.info.get("preflight") or {}).get("warnings", ())]
    rows = _map_rows(run.folder) or _dynamics_rows(run, notes)
    examples = _examples(run, notes)
    predicted = _predictions(run)
    table = {row["example_id"]: dict(row) for row in rows}
    task = registry.task(run.config.task)
    for split, some in examples.items():
        for example in some:
            row = table.setdefault(example.id, {"example_id": example.id})
            row["split"] = split
            row["input"] = visible(describe(example))
            row["target"] = visible(_text(task.show(task.gold(example).target)))
    every = {e.id: e for some in examples.values() for e in some}
    # A page with no data at hand still shows what the run itself kept; held-out examples stand in train's file.
    for split, known in predicted.items():
        right = _right(task, every, known)
        for name, p in known.items():
            if split in examples and (name not in table or table[name].get("split") != split):
                continue
            row = table.setdefault(name, {"example_id": name})
            row |= {
                "split": split,
                "prediction": visible(_text(p.get("prediction"))),
                "sure": p.get("confidence"),
                "right": right.get(name),
            }
    gate = run.info.get("gate") or {}
    found = gate.get("findings") if isinstance(gate, Mapping) else gate
    findings = [dict(f) for f in found or () if isinstance(f, Mapping)]
    by_example: dict[str, list[str]] = {}
    for f in findings:
        by_example.setdefault(str(f.get("example_id")), []).append(str(f.get("check")))
    for name, row in table.items():
        row["example_id"] = visible(name)
        if name in by_example:
            row["findings"] = by_example[name]
    return Shown(
        visible(run.folder.resolve().name),
        run.info,
        run.scores(),
        run.steps(),
        list(table.values()),
        [
            {
                **f,
                "message": visible(str(f.get("message", ""))),
                "example_id": visible(str(f.get("example_id"))),
            }
            for f in findings
        ],
        [{k: visible(_text(v)) for k, v in d.items()} for d in read_lines(run.folder / "dropped.jsonl")],
        {
            "findings": dict(Counter(f"{f.get('severity')} {f.get('check')}" for f in findings)),
            "categories": dict(Counter(r["category"] for r in rows if r.get("category"))),
        },
        notes,
    )


def _right(
    task: Task, examples: Mapping[str, Example], known: Mapping[str, Mapping[str, Any]]
) -> dict[str, bool]:
    """By id: whether a prediction reaches what gold itself reaches in the task's main metric."""
    import numpy as np

    some = [examples[name] for name in known if name in examples]
    if not some:
        return {}
    metric = next(m for m in task.metrics if m.name == task.main_metric)
    made: list[Prediction | None] = []
    for e in some:
        try:
            made.append(Prediction(e.id, task.parse(known[e.id].get("prediction"), e)))
        except FinetoothError:
            made.append(None)
    with np.errstate(all="ignore"):
        found, best = (
            np.asarray(metric.value(metric.counts(some, p)), float)
            for p in (made, [task.gold(e) for e in some])
        )
    sign = 1 if metric.higher_is_better else -1
    # Where nothing is to be found and nothing was, a rate says neither: then the texts decide.
    right = np.where(
        np.isnan(found) | np.isnan(best),
        [p is not None and p.target == task.gold(e).target for e, p in zip(some, made, strict=True)],
        sign * (found - best) >= -1e-9,
    )
    return {e.id: bool(r) for e, r in zip(some, right, strict=True)}


def describe(example: Example) -> str:
    """The inputs of an example on one line, whatever its task."""
    parts = io.plain(example.inputs)
    if not isinstance(parts, Mapping):
        return str(parts)
    # The short ones first: a page cuts what is long.
    first = ("question", "prompt", "hypothesis", "premise", "text")
    names = [n for n in first if n in parts] or list(parts)
    said = " | ".join(str(parts[n]) for n in names)
    return said + (f" | {parts['context']}" if "context" in parts else "")


def _text(value: Any) -> str:
    """On one line; a label comes before the reasons for it, which may be long."""
    if isinstance(value, Mapping) and isinstance(value.get("predicted_label"), str):
        return " | ".join(str(value[k]) for k in ("predicted_label", "thought_process") if value.get(k))
    return value if isinstance(value, str) else json.dumps(io.plain(value), ensure_ascii=False)


# Controls that change how the text around them is shown, or show nothing: named instead.
_HIDDEN = {
    c: f"⟨U+{c:04X}⟩"
    for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0xFEFF)
}
_HIDDEN |= {c: f"⟨U+{c:04X}⟩" for c in (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0))}
_HIDDEN |= dict.fromkeys(range(55296, 57344), "�")


def visible(text: str, size: int = TEXT) -> str:
    """At most ``size`` characters, with direction and other invisible controls written out."""
    cut = text[: size + 1].translate(_HIDDEN)
    return cut[: size - 1] + "…" if len(cut) > size else cut


def _map_rows(folder: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name in ("diagnosis.parquet", "cartography.parquet"):
        if (folder / name).is_file():
            try:
                return [_numbers(row) for row in pq.read_table(folder / name).to_pylist()]
            except pa.ArrowException:
                continue
    return []


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    keep = (
        "example_id",
        "confidence",
        "variability",
        "correctness",
        "category",
        "cluster",
        "rank",
        "rule_score",
    )
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items() if k in keep}


def _dynamics_rows(run: Run, notes: list[str]) -> list[dict[str, Any]]:
    """Confidence and variability by hand where ``finetooth map`` has not been run."""
    import numpy as np

    if not run.dynamics_path().is_file():
        notes.append("No training dynamics were recorded: there is no data map.")
        return []
    probs: dict[str, list[float]] = {}
    for d in run.dynamics():
        probs.setdefault(d.example_id, []).append(d.gold_prob)
    notes.append(f"The map was drawn without categories; finetooth map {run.folder.name} adds them.")
    return [
        {
            "example_id": name,
            "confidence": round(float(np.mean(p)), 4),
            "variability": round(float(np.std(p)), 4),
        }
        for name, p in probs.items()
    ]


def _examples(run: Run, notes: list[str]) -> dict[str, list[Example]]:
    from finetooth import readers

    found: dict[str, list[Example]] = {}
    data = run.info.get("config", {}).get("data", {})
    for split in ("train", "dev"):
        source = data.get(split)
        if not source:
            continue
        try:
            loaded = readers.load(source, task=run.config.task, format=data.get("format"))
        except FinetoothError:
            notes.append(f"The {split} data are no longer where they were: their texts are not shown.")
            continue
        found[split] = list(loaded.examples)
    return found


def _predictions(run: Run) -> dict[str, dict[str, Any]]:
    folder = run.folder / "predictions"
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    return {p.stem: {str(r.get("id")): r for r in read_lines(p)} for p in files}
