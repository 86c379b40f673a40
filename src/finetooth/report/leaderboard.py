"""Runs side by side: score with interval and floor, the data's version, and whether it was checked.

Runs on different data (by fingerprint) are never ranked against each other: each data set has a table of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape as html_escape
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io.versions import deprecated
from finetooth.report.card import escape
from finetooth.report.collect import visible
from finetooth.runs import Run


@dataclass(frozen=True)
class Entry:
    """A row: one run on one split."""

    run: str
    task: str
    model: str
    strategy: str
    seed: int
    score: str
    value: float
    low: float | None
    high: float | None
    floor: float | None
    n: int
    data: str
    data_fingerprint: str
    metric_fingerprint: str
    validation: str
    deprecated: str  # why the data it is scored on are
    trained_on_deprecated: str
    status: str

    @property
    def above_floor(self) -> bool | None:
        return None if self.floor is None or self.low is None else self.low > self.floor


def entries(folders: Sequence[str | Path], *, split: str = "dev") -> list[Entry]:
    """The main score of each run, best first within the same data and metric."""
    from finetooth import registry

    made = []
    for folder in folders:
        run = Run.open(folder)
        config = run.info.get("config", {})
        scores = run.scores().get(split) or {}
        known = {s["name"]: s for s in scores.get("scores", ()) if s.get("value") is not None}
        if not known:
            continue
        task = registry.task(str(config.get("task")))
        main = known.get(task.main_metric) or next(iter(known.values()))
        data = config.get("data", {})
        made.append(
            Entry(
                visible(run.folder.resolve().name),
                task.name,
                visible(str(config.get("model", {}).get("name"))),
                str(config.get("model", {}).get("strategy", "full")),
                int(config.get("seed", 0)),
                main["name"],
                float(main["value"]),
                main.get("low"),
                main.get("high"),
                main.get("floor"),
                int(main["n"]),
                visible(Path(str(data.get(split) or data.get("train"))).name),
                str(scores.get("data_fingerprint") or "unknown"),
                str(scores.get("metric_fingerprint") or "unknown"),
                _validation(run.info),
                _deprecated(run.info, data, split if data.get(split) else "train"),
                _deprecated(run.info, data, "train"),
                run.status,
            )
        )
    return sorted(made, key=lambda e: (e.task, e.data_fingerprint, e.metric_fingerprint, -e.value, e.run))


def _validation(info: Mapping[str, Any]) -> str:
    gate = info.get("gate") or {}
    counts = gate.get("counts") if isinstance(gate, Mapping) else None
    if not counts:
        return "not checked"
    return ", ".join(f"{n} {severity}" for severity, n in counts.items() if n) or "nothing found"


def _deprecated(info: Mapping[str, Any], data: Mapping[str, Any], split: str) -> str:
    """Why the data of a split are deprecated: by the manifest beside them now, or as the run found it then."""
    try:
        now = deprecated(data.get(split))
    except DataError:  # a manifest that cannot be read stops training, not the table
        now = ""
    then = ((info.get("data") or {}).get(split) or {}).get("deprecated")
    return visible(now or str(then or ""))


HEADER = (
    "run",
    "model",
    "strategy",
    "seed",
    "score",
    "value",
    "95 % interval",
    "floor",
    "n",
    "training data",
    "status",
)


def groups(rows: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """Entries of the same data and metric code, under a heading that names both."""
    made: dict[tuple[str, str, str], list[Entry]] = {}
    for e in rows:
        made.setdefault((e.task, e.data_fingerprint, e.metric_fingerprint), []).append(e)
    headed = []
    for (task, data, metric), group in made.items():
        old = f" DEPRECATED: {group[0].deprecated}" if group[0].deprecated else ""
        headed.append((f"{task} on {group[0].data} (data {data}, metric {metric}){old}", group))
    return headed


def cells(e: Entry) -> list[str]:
    span = "–" if e.low is None or e.high is None else f"{e.low:.2f} to {e.high:.2f}"
    floor = "–" if e.floor is None else f"{e.floor:.2f}" + ("" if e.above_floor else " (not above it)")
    return [
        e.run,
        e.model,
        e.strategy,
        str(e.seed),
        e.score,
        f"{e.value:.2f}",
        span,
        floor,
        str(e.n),
        e.validation + (f"; DEPRECATED: {e.trained_on_deprecated}" if e.trained_on_deprecated else ""),
        e.status,
    ]


def markdown(rows: Sequence[Entry]) -> str:
    lines = []
    for title, group in groups(rows):
        lines += [f"## {escape(title)}", "", f"| {' | '.join(HEADER)} |", "|" + "---|" * len(HEADER)]
        lines += ["| " + " | ".join(map(escape, cells(e))) + " |" for e in group]
        lines.append("")
    return "\n".join(lines)


def html(rows: Sequence[Entry]) -> str:
    """One page, no script, no request."""
    style = (
        ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8886}"
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=Content-Security-Policy "
        "content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>Leaderboard</title>",
        f"<style>{style}</style><h1>Leaderboard</h1>",
    ]
    for title, group in groups(rows):
        head = "".join(f"<th scope=col>{html_escape(h)}</th>" for h in HEADER)
        body = "".join(
            "<tr>" + "".join(f"<td>{html_escape(c)}</td>" for c in cells(e)) + "</tr>" for e in group
        )
        parts.append(
            f"<h2>{html_escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )
    return "\n".join(parts) + "\n"
