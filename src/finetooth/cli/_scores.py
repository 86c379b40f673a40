"""A score report as tables for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from finetooth.cli._output import printable, say, table
from finetooth.evaluate.score import ScoreReport
from finetooth.text import many, shorten
from finetooth.types import Drop, Score

WIDEST = 3  # metrics side by side
MOST_SLICES = 3  # named beside a mistake
MOST_LABELS = 10  # across a confusion matrix


def print_scores(report: ScoreReport, *, main: str = "", slices: bool = True) -> None:
    """Scores beside their floors; slices with the interval of the ``main`` metric."""
    print(score_table(report.scores))
    if slices and report.slices:
        print()
        print(slice_table(report.slices, main or report.scores[0].name))
    if len(report.classes) > 1:
        print()
        print(class_table(report.classes))
        print()
        print(confusion_table(report.classes))
    if report.mistakes:
        print()
        print(mistake_table(report.mistakes))
    if report.failures:
        print()
        print(failure_table(report.failures))
    for line in left_out(report.left_out):
        say(line)
    for score in report.on_the_floor:
        say(on_the_floor(score))
    for note in report.notes:
        say(printable(note))


def on_the_floor(score: Score) -> str:
    """Why a score means nothing yet: its value does not beat what needs no model, or an end of its interval does not."""
    if score.floor is None:
        return ""
    floor = f"{best_floor(score)} alone reaches {score.floor:.2f}"
    highest = score.floor == max(score.floors.values(), default=score.floor)
    beats = score.value > score.floor if highest else score.value < score.floor
    end = score.low if highest else score.high
    if not beats or end is None:
        return f"{score.name} is not {'above' if highest else 'below'} its floor: {floor}, this {score.value:.2f}"
    name = "lower" if highest else "upper"
    return (
        f"{score.name} may be no better than its floor: {floor}, this {score.value:.2f}, "
        f"but the {name} end of its interval is {end:.2f}"
    )


def class_table(classes: Sequence[dict[str, Any]]) -> str:
    """A line a class: how often it is, how often it was said, precision and recall with intervals, F1."""
    rows = []
    for c in classes:
        of = [c[m][end] for m in ("precision", "recall") for end in ("value", "low", "high")]
        rows.append((c["class"], c["n"], c["found"], *of, c["f1"]["value"]))
    ends = ("low", "high")
    return table(("class", "n", "predicted", "precision", *ends, "recall", *ends, "f1"), rows)


def confusion_table(classes: Sequence[dict[str, Any]]) -> str:
    """Gold labels down, predicted ones across; beyond ten the rarest of other labels are summed."""
    own = [c["class"] for c in classes]
    others = Counter(
        p for c in classes for p, n in c["predicted_as"].items() for _ in range(n) if p not in own
    )
    shown = own + [name for name, _ in others.most_common(max(0, MOST_LABELS - len(own)))]
    rest = sum(n for name, n in others.items() if name not in shown)
    rows = []
    for c in classes:
        cells = [c["predicted_as"].get(name, 0) for name in shown]
        rows.append((c["class"], *cells, *([c["n"] - sum(cells)] if rest else [])))
    return table(
        ("gold, predicted:", *map(shorten, shown, [20] * len(shown)), *(["others"] if rest else [])), rows
    )


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
