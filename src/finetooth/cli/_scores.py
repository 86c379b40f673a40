"""A score report as tables for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from finetooth.cli._output import say, table
from finetooth.evaluate.score import ScoreReport
from finetooth.text import many
from finetooth.types import Drop, Score

WIDEST = 3  # metrics side by side
MOST_SLICES = 3  # named beside a mistake


def print_scores(report: ScoreReport, *, main: str = "", slices: bool = True) -> None:
    """Scores beside their floors; slices with the interval of the ``main`` metric."""
    print(score_table(report.scores))
    if slices and report.slices:
        print()
        print(slice_table(report.slices, main or report.scores[0].name))
    if report.mistakes:
        print()
        print(mistake_table(report.mistakes))
    if report.failures:
        print()
        print(failure_table(report.failures))
    for line in left_out(report.left_out):
        say(line)
    for score in report.on_the_floor:
        say(
            f"{score.name} is not above its floor: {best_floor(score)} alone reaches {score.floor:.2f}, "
            f"this {score.value:.2f}"
        )
    for note in report.notes:
        say(note)


def mistake_table(mistakes: Sequence[dict[str, Any]]) -> str:
    """A line a kind of wrong answer, with where it happens most and how long its gold answers are."""
    rows = []
    for m in mistakes:
        where = "; ".join(
            ", ".join(f"{name} {n}" for name, n in list(found.items())[:MOST_SLICES])
            for found in m["slices"].values()
        )
        rows.append((m["n"], m["what"], where, m["size"], m["ids"][0]))
    right = mistakes[0]["size_right"]
    beside = "" if right is None else f" (right: {right:,})"
    head = (f"of {mistakes[0]['of']} wrong", "what is wrong", "where", f"characters{beside}", "for one")
    return table(head, rows)


def failure_table(failures: Sequence[dict[str, Any]]) -> str:
    """A line a kind of text that could not be read: how many of a hundred, with its interval."""
    rows = [(f["failure"], f["rate"], f["low"], f["high"], f["n"], f["what"]) for f in failures]
    return table(("not read", "%", "low", "high", f"of {failures[0]['of']:,}", "why"), rows)


def left_out(drops: Sequence[Drop]) -> Iterator[str]:
    """A sentence a reason why rows are in no score."""
    for reason, n in Counter(d.reason for d in drops).most_common():
        one = next(d.example_id for d in drops if d.reason == reason)
        yield f"{many(n, 'row is', 'rows are')} in no score, {one} for one: {reason}"


def score_table(scores: Sequence[Score]) -> str:
    rows = [(s.name, s.value, s.low, s.high, s.n, s.floor, best_floor(s) if s.floors else "") for s in scores]
    return table(("score", "value", "low", "high", "n", "floor", "which is"), rows)


def best_floor(score: Score) -> str:
    return min(score.floors, key=lambda name: abs(score.floors[name] - (score.floor or 0.0)))


def slice_table(slices: Sequence[dict[str, Any]], main: str) -> str:
    """A line a slice: the main metric with its interval, then the others where they are few."""
    names = list(dict.fromkeys(r["name"] for r in slices))
    others = [n for n in names if n != main] if len(names) <= WIDEST else []
    lines: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in slices:
        lines.setdefault((row["by"], row["slice"]), {})[row["name"]] = row
    rows = []
    for (by, name), found in lines.items():
        first = found.get(main) or next(iter(found.values()))
        label = name if main in found or main not in names else f"{name} ({first['name']})"
        values = [found[o]["value"] if o in found else None for o in others]
        rows.append((by, label, first["n"], first["value"], first["low"], first["high"], *values))
    head = main if main in names else "value"
    return table(("by", "slice", "n", head, "low", "high", *others), rows)
