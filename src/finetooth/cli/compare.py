"""Tells whether one run is better than another, by how much, where, and on which examples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth.cli._output import Json, emit, say, table


def command(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Run folders; those that differ in nothing but the seed are one arm."),
    ],
    must_beat: Annotated[
        Path | None,
        typer.Option(help="The baseline, a run folder: exit 1 unless every other arm is shown to be better."),
    ] = None,
    metric: Annotated[str | None, typer.Option(help="The score to compare by; the task's main one.")] = None,
    split: Annotated[str, typer.Option(help="The split whose predictions are compared.")] = "dev",
    data: Annotated[
        str | None, typer.Option(help="The examples of that split, where it is not the runs' own dev set.")
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Every run is an arm of its own.")] = False,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    resamples: Annotated[int, typer.Option(min=100, help="Draws of the bootstrap.")] = 5000,
    show: Annotated[int, typer.Option(min=0, help="How many slices and flipped examples to print.")] = 10,
    json: Json = False,
) -> int:
    from finetooth.search.compare import compare

    found = compare(
        runs,
        baseline=must_beat,
        split=split,
        metric=metric,
        data=data,
        each=each,
        level=level,
        seed=seed,
        resamples=resamples,
    )
    code = int(must_beat is not None and any(c.verdict != "better" for c in found.comparisons))
    if json:
        emit(found.to_json())
        return code
    rows = [
        (a.name, len(a.runs), " ".join(map(str, a.seeds)), sum(v) / len(v), min(v), max(v))
        for a in found.arms
        for v in [found.values[a.name]]
    ]
    print(table(("arm", "runs", "seeds", f"mean {found.metric}", "lowest", "highest"), rows))
    for c in found.comparisons:
        print(f"\n{c.sentence}")
        slices = sorted(c.slices, key=lambda s: (s.corrected is None, s.corrected or 0, s.paired.p or 0))
        if slices and show:
            figures = lambda s: [getattr(s.paired, k) for k in ("a", "b", "difference", "low", "high")]  # noqa: E731
            words = ("slice", "", "n", c.baseline, c.arm, "difference", "low", "high", "corrected p", "")
            said = [(s.by, s.slice, s.n, *figures(s), _p(s.corrected), _word(s)) for s in slices[:show]]
            print(table(words, said))
            if len(slices) > show:
                say(f"{len(slices) - show} more slices; --json or --show {len(slices)} has them")
        print(f"examples flipped: {c.count('won')} won, {c.count('lost')} lost")
        for change in ("won", "lost"):
            for f in [f for f in c.flipped if f.change == change][: (show + 1) // 2]:
                print(f"  {change:4}  {_short(f.example_id)}  gold {_short(f.gold)}: {_change(f)}")
    for note in found.notes:
        say(f"note: {note}")
    return code


def _p(value: float | None) -> str | None:
    """Two digits, as small as it is: 0.00 would be read as never."""
    return None if value is None else f"{value:.2g}"


def _word(of: Any) -> str:
    return "" if of.verdict == "not shown" else of.verdict


def _change(flip: Any) -> str:
    if len(flip.baseline_predictions) == len(flip.arm_predictions) == 1:
        return f"{_short(flip.baseline_predictions[0])} -> {_short(flip.arm_predictions[0])}"
    return f"{flip.baseline:.0f} % right -> {flip.arm:.0f} % right"


def _short(value: object) -> str:
    from finetooth.io import to_json
    from finetooth.report.collect import visible

    text = value if isinstance(value, str) else to_json(value)
    return visible(" ".join(text.split()), 60) or '""'
