"""Runs side by side: score with interval and floor, the data's version, and whether it was checked.

Runs on different data (by fingerprint) are never ranked against each other: each data set has a table of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape as html_escape
from pathlib import Path
from typing import Any

from finetooth.errors import DataError, FinetoothError, UsageError
from finetooth.io.versions import deprecated, manifest_of
from finetooth.report.card import escape
from finetooth.report.collect import scores_of
from finetooth.report.html import HERE
from finetooth.report.said import visible
from finetooth.runs import Run


@dataclass(frozen=True)
class Entry:
    """A row: one run on one split. Fingerprints name versions: of the scored data, the metric, the training data."""

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
    deprecated: str  # why the data it is scored on are
    train_data: str
    train_examples: int | None
    train_fingerprint: str
    version: str  # what the manifest beside the training data says was changed
    parent: str
    trained_on_deprecated: str
    validation: str
    status: str

    @property
    def above_floor(self) -> bool | None:
        return None if self.floor is None or self.low is None else self.low > self.floor


@dataclass(frozen=True)
class Left:
    """A folder that is not ranked, and why; ``is_run`` where it is a run, though one without such scores."""

    folder: str
    why: str
    is_run: bool


def board(folders: Sequence[str | Path], *, split: str = "dev") -> tuple[list[Entry], list[Left]]:
    """(the main score of each run, best first within the same data and metric; what is not ranked).

    A folder that is given twice stands once.
    """
    made: list[Entry] = []
    left: list[Left] = []
    for folder in dict.fromkeys(Path(f).resolve() for f in folders):
        try:
            made.append(_entry(Run.open(folder), split))
        except FinetoothError as e:
            left.append(Left(visible(folder.name), visible(e.what), (folder / "run.json").is_file()))
    made.sort(key=lambda e: (e.task, e.data, e.data_fingerprint, e.metric_fingerprint, -e.value, e.run))
    return made, left


def entries(folders: Sequence[str | Path], *, split: str = "dev") -> list[Entry]:
    """What ``board`` ranks."""
    return board(folders, split=split)[0]


def _entry(run: Run, split: str) -> Entry:
    """Raises UsageError for a run that has no score for the split."""
    from finetooth import registry

    config = run.config
    scores = scores_of(run)
    here = scores.get(split, {})
    known = {s["name"]: s for s in here.get("scores", ()) if s.get("value") is not None}
    if not known:
        there = f" (it has {', '.join(map(visible, scores))})" if scores else f" ({run.status})"
        raise UsageError(f"no scores for {split}{there}")
    task = registry.task(config.task)
    main = known.get(task.main_metric) or next(iter(known.values()))
    data = {"train": config.data.train, "dev": config.data.dev}
    # A split that was held out is of the training file; one that evaluate scored has its own name.
    scored_on = data.get(split) or (data["train"] if split in data else split)
    trained = _mapping(_mapping(run.info.get("data")).get("train"))
    manifest = _manifest(data["train"])
    return Entry(
        run=visible(run.folder.resolve().name),
        task=task.name,
        model=visible(config.model.name),
        strategy=config.model.strategy,
        seed=config.seed,
        score=visible(str(main["name"])),
        value=float(main["value"]),
        low=main.get("low"),
        high=main.get("high"),
        floor=main.get("floor"),
        n=int(main["n"]),
        data=visible(_name(scored_on) + ("" if data.get(split) or split not in data else " (held out)")),
        data_fingerprint=visible(str(here.get("data_fingerprint") or "unknown")),
        metric_fingerprint=visible(str(here.get("metric_fingerprint") or "unknown")),
        deprecated=_deprecated(run.info, data, split if data.get(split) else "train"),
        train_data=visible(_name(data["train"])),
        train_examples=trained.get("examples") if isinstance(trained.get("examples"), int) else None,
        train_fingerprint=visible(str(trained.get("fingerprint") or "unknown")),
        version=visible(str(manifest.get("changed") or "")),
        parent=visible(str(manifest.get("parent") or "")),
        trained_on_deprecated=_deprecated(run.info, data, "train"),
        validation=_validation(run.info),
        status=run.status,
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _name(source: Any) -> str:
    return str(source) if str(source).startswith("hub:") else Path(str(source)).name


def _manifest(source: Any) -> Mapping[str, Any]:
    try:
        return (manifest_of(source) if source else None) or {}
    except DataError:  # a manifest that cannot be read stops training, not the table
        return {}


def _validation(info: Mapping[str, Any]) -> str:
    """What the checks before training said of the training data."""
    counts = _mapping(_mapping(info.get("gate")).get("counts"))
    if not counts:
        return "not checked"
    said = ", ".join(
        f"{n:,} {name}{'s' if n > 1 and name != 'info' else ''}" for name, n in counts.items() if n
    )
    return visible(said) or "nothing found"


def _deprecated(info: Mapping[str, Any], data: Mapping[str, Any], split: str) -> str:
    """Why the data of a split are deprecated: by the manifest beside them now, or as the run found it then."""
    try:
        now = deprecated(data.get(split))
    except DataError:
        now = ""
    then = _mapping(_mapping(info.get("data")).get(split)).get("deprecated")
    return visible(now or str(then or ""))


HEADER = (
    "run",
    "model",
    "seed",
    "value",
    "95 % interval",
    "chance floor",
    "trained on",
    "its version",
    "its checks",
    "status",
)


@dataclass(frozen=True)
class Group:
    """Runs that may be ranked: one task, one version of the data, one version of the metric."""

    title: str
    versions: str
    deprecated: str
    entries: list[Entry]


def groups(rows: Sequence[Entry]) -> list[Group]:
    made: dict[tuple[str, ...], list[Entry]] = {}
    for e in rows:
        made.setdefault((e.task, e.data_fingerprint, e.metric_fingerprint, e.score), []).append(e)
    return [
        Group(
            f"{g[0].task}: {g[0].score} on {g[0].n:,} examples of {g[0].data}",
            f"data version {g[0].data_fingerprint}, metric version {g[0].metric_fingerprint}",
            next((e.deprecated for e in g if e.deprecated), ""),
            g,
        )
        for g in made.values()
    ]


def cells(e: Entry) -> list[str]:
    """As HEADER names them."""
    examples = "" if e.train_examples is None else f", {e.train_examples:,} examples"
    version = e.train_fingerprint + (f": {e.version}" if e.version else "")
    return [
        e.run,
        f"{e.model} ({e.strategy})",
        str(e.seed),
        f"{e.value:.2f}",
        "–" if e.low is None or e.high is None else f"{e.low:.2f} to {e.high:.2f}",
        "–" if e.floor is None else f"{e.floor:.2f}" + (" (not above it)" if e.above_floor is False else ""),
        e.train_data + examples,
        version + (f" DEPRECATED: {e.trained_on_deprecated}" if e.trained_on_deprecated else ""),
        e.validation,
        e.status,
    ]


ABOUT = (
    "Runs are ranked only where they were scored on the same examples by the same code, as the fingerprints say. "
    "Two intervals that overlap do not say which run is better: finetooth compare does."
)


def markdown(rows: Sequence[Entry], left: Sequence[Left] = ()) -> str:
    lines = ["# Leaderboard", "", ABOUT, ""]
    for g in groups(rows):
        lines += [f"## {escape(g.title)}", "", f"{escape(g.versions[:1].upper() + g.versions[1:])}.", ""]
        lines += [f"**DEPRECATED: {escape(g.deprecated)}**", ""] if g.deprecated else []
        lines += [f"| {' | '.join(HEADER)} |", "|---|---|---:|---:|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(map(escape, cells(e))) + " |" for e in g.entries]
        lines.append("")
    left = [x for x in left if x.is_run]  # what was caught by a * of the shell is no run that fell short
    if left:
        lines += ["## Not ranked", "", *(f"- {escape(x.folder)}: {escape(x.why)}" for x in left), ""]
    return "\n".join(lines)


def html(rows: Sequence[Entry], left: Sequence[Left] = ()) -> str:
    """One page, no script, no request."""
    style = (HERE / "page.css").read_text("utf-8")
    say = html_escape
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Leaderboard</title><style>{style}</style></head><body><h1>Leaderboard</h1>"
        f'<p class="soft">{say(ABOUT)} Band: the interval; solid mark: the score; dashed mark: the chance floor.</p>',
    ]
    head = "".join(
        f'<th scope="col"{_right(i)}>{say(h)}</th>' + ('<th scope="col">0 to 100</th>' if i == FLOOR else "")
        for i, h in enumerate(HEADER)
    )
    for g in groups(rows):
        body = "".join(f"<tr>{_row(e)}</tr>" for e in g.entries)
        old = f'<p class="bad">DEPRECATED: {say(g.deprecated)}</p>' if g.deprecated else ""
        parts.append(
            f'<h2>{say(g.title)}</h2><p class="soft">{say(g.versions)}</p>{old}'
            f'<div class="wide" tabindex="0" role="region" aria-label="{say(g.title)}">'
            f'<table class="board"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        )
    left = [x for x in left if x.is_run]
    if left:
        parts.append("<h2>Not ranked</h2><ul>")
        parts += [f"<li>{say(x.folder)}: {say(x.why)}</li>" for x in left] + ["</ul>"]
    return "\n".join([*parts, "</body></html>"]) + "\n"


FLOOR = HEADER.index("chance floor")
FIGURES = range(HEADER.index("seed"), FLOOR + 1)


def _right(column: int) -> str:
    return ' class="n"' if column in FIGURES else ""


def _row(e: Entry) -> str:
    made = []
    for i, text in enumerate(map(html_escape, cells(e))):
        if i == 0:
            made.append(f'<th scope="row">{text}</th>')
            continue
        if i == FLOOR and e.above_floor is False:
            text = text.replace(" (not above it)", '<br><span class="bad">not above it</span>')
        name, mark, why = text.partition(" DEPRECATED: ")
        if mark:
            text = f'{name}<br><span class="bad">deprecated: {why}</span>'
        made.append(f"<td{_right(i)}>{text}</td>")
        if i == FLOOR:
            made.append(f"<td>{_bar(e)}</td>")
    return "".join(made)


def _bar(e: Entry) -> str:
    def at(value: float) -> str:
        return f"{min(max(value, 0.0), 100.0):.1f}%"

    band = (
        ""
        if e.low is None or e.high is None
        else f'<i style="left:{at(e.low)};right:{at(100 - e.high)}"></i>'
    )
    floor = "" if e.floor is None else f'<u style="left:{at(e.floor)}"></u>'
    return (
        f'<div class="bar" role="img" aria-label="{html_escape(e.score)} {e.value:.2f}">{band}'
        f'<b style="left:{at(e.value)}"></b>{floor}</div>'
    )
