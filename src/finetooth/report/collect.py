"""A run folder as one plain value, read once: what the page, the card and the leaderboard show."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from finetooth import registry
from finetooth.errors import DataError
from finetooth.io.versions import manifest_of
from finetooth.report import rows as of_rows
from finetooth.report.said import in_words, visible
from finetooth.runs import Run
from finetooth.types import SEVERITIES

__all__ = ["Shown", "collect", "visible"]


@dataclass(frozen=True)
class Shown:
    """Everything a report needs. ``rows``: one an example, all text cut to size and made visible.

    ``data``: by split its source (the file's name), examples, fingerprint and, where it has a manifest,
    parent, changed and deprecated. ``summary``: findings by (severity, check), categories, dropped by stage.
    """

    name: str
    info: Mapping[str, Any]
    scores: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    rows: Sequence[Mapping[str, Any]]
    findings: Sequence[Mapping[str, Any]]
    dropped: Sequence[Mapping[str, Any]]
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
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
    """Reads a run folder. What is missing (no map, data moved away) becomes a note and not an error.

    Raises UsageError for a folder that is no run, or whose configuration cannot be read.
    """
    run = Run.open(folder)
    task = registry.task(run.config.task)
    notes = _status(run)
    notes += [visible(str(w)) for w in _mapping(run.info.get("preflight")).get("warnings") or ()]
    mapped = of_rows.mapped(run, notes)
    examples = of_rows.examples_of(run, notes)
    findings, counts = _findings(run, notes)
    dropped = of_rows.lines(run.folder / "dropped.jsonl", notes)
    rows = of_rows.build(task, mapped, examples, of_rows.predictions_of(run), findings, dropped)
    return Shown(
        visible(run.folder.resolve().name),
        run.info,
        _scores(run, notes),
        [s for s in of_rows.lines(run.folder / "steps.jsonl") if isinstance(s.get("step"), int)],
        rows,
        [
            {
                "severity": visible(str(f.get("severity", ""))),
                "check": visible(str(f.get("check", ""))),
                "example_id": visible(str(f.get("example_id") or "")),
                "message": visible(str(f.get("message", ""))),
            }
            for f in findings
        ],
        [{k: visible(in_words(v)) for k, v in d.items()} for d in dropped],
        _data(run),
        {
            "findings": counts,
            "categories": dict(Counter(r["category"] for r in mapped if r.get("category"))),
            "dropped": dict(Counter(visible(str(d.get("stage", ""))) for d in dropped)),
        },
        list(dict.fromkeys(notes)),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _status(run: Run) -> list[str]:
    """What to say of a run that did not end."""
    if run.status == "finished":
        return []
    if run.status == "untrained":
        return ["No training here: these are the answers of the base model as it comes."]
    why = _mapping(run.info.get("error")).get("what")
    said = f"This run is {run.status}" + (f" ({visible(str(why))})" if why else "")
    again = "the command at the end of this page goes on with it" if run.has_checkpoint else ""
    return [f"{said}: its figures are not final{'; ' + again if again else ''}."]


def scores_of(run: Run) -> dict[str, Any]:
    """By split, what scores.json holds. Raises DataError for a file that cannot be read."""
    try:
        every = run.scores()
    except (ValueError, OSError):
        raise DataError(
            "scores.json cannot be read",
            where=str(run.folder),
            cure="finetooth evaluate scores the run again",
        ) from None
    return {
        visible(str(split)): s
        for split, s in _mapping(every).items()
        if isinstance(s, Mapping) and isinstance(s.get("scores"), list)
    }


def _scores(run: Run, notes: list[str]) -> dict[str, Any]:
    try:
        return scores_of(run)
    except DataError as e:
        notes.append(f"{e.what}: {e.cure}.")
        return {}


def _findings(run: Run, notes: list[str]) -> tuple[list[Mapping[str, Any]], dict[tuple[str, str], int]]:
    """(the findings, how many of each severity and check): of findings.jsonl, or as run.json keeps them."""
    gate = _mapping(run.info.get("gate"))
    found: list[Mapping[str, Any]] = list(of_rows.lines(run.folder / "findings.jsonl", notes))
    found = found or [f for f in gate.get("findings") or () if isinstance(f, Mapping)]
    counts = Counter((visible(str(f.get("severity"))), visible(str(f.get("check")))) for f in found)
    told = _mapping(gate.get("checks"))
    if not found and told:
        counts = Counter({(s, c): n for s, by in told.items() for c, n in _mapping(by).items()})
    place: dict[str, int] = {name: i for i, name in enumerate(SEVERITIES)}
    ordered = sorted(counts.items(), key=lambda item: (place.get(item[0][0], 9), -item[1], item[0]))
    return found, dict(ordered)


def _data(run: Run) -> dict[str, dict[str, Any]]:
    """Where the examples came from: by split, with what a manifest beside the file says now."""
    found = {}
    for split, known in _mapping(run.info.get("data")).items():
        known = _mapping(known)
        if not known:
            continue
        source = str(known.get("source") or "")
        try:
            manifest = manifest_of(source.removesuffix(" (held out)")) or {}
        except DataError:
            manifest = {}
        found[split] = {
            "source": visible(source if source.startswith("hub:") else Path(source).name),
            "examples": known.get("examples"),
            "fingerprint": visible(str(known.get("fingerprint") or "")),
            "parent": visible(str(manifest.get("parent") or "")),
            "changed": visible(str(manifest.get("changed") or "")),
            "deprecated": visible(str(manifest.get("deprecated") or known.get("deprecated") or "")),
        }
    return found


def config_text(shown: Shown) -> str:
    return json.dumps(shown.config, indent=2, ensure_ascii=False)
