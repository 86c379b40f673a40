"""Puts everything known of a run's examples into one table, the likeliest label errors first."""

from __future__ import annotations

from enum import StrEnum
from json import loads as json_of
from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth.cli._output import Json, emit, printable, say, table
from finetooth.io import to_json
from finetooth.text import many, shorten

REGIONS = 6
PLACES = {"answer", "mention", "triple", "path", "remove"}  # by which a fix of a check says what it changes
TRIPLE = {"head", "relation", "tail"}


class Rules(StrEnum):
    ours = "ours"
    published = "published"


def command(
    run: Annotated[Path, typer.Argument(help="The folder that train made.")],
    split: Annotated[str, typer.Option(help="train or dev.")] = "train",
    data: Annotated[
        str | None, typer.Option(help="Examples in place of the run's own, where those have moved.")
    ] = None,
    out_of_sample: Annotated[
        bool,
        typer.Option(
            "--out-of-sample", help="First train --folds models that judge what they never saw (finds most)."
        ),
    ] = False,
    folds: Annotated[int, typer.Option(min=2, help="Models of --out-of-sample.")] = 5,
    predict: Annotated[bool, typer.Option(help="Whether to predict the split, if that was not done.")] = True,
    clusters: Annotated[
        bool, typer.Option(help="Whether to embed and cluster the split, if that was not done.")
    ] = True,
    rules: Annotated[Rules, typer.Option(help="The QA rules: ours, or as first published.")] = Rules.ours,
    threshold: Annotated[
        int, typer.Option(min=1, max=9, help="Rules that make an example a likely error of the data.")
    ] = 3,
    burn_in: Annotated[
        int, typer.Option(min=0, help="Leave out that many first epochs, of the map and of the rank.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of folds and clusters.")] = 0,
    batch_tokens: Annotated[int, typer.Option(min=16, help="Tokens of a batch.")] = 8192,
    show: Annotated[int, typer.Option(min=0, help="How many of the likeliest errors to print.")] = 10,
    out: Annotated[Path | None, typer.Option(help="The folder for the files; the run if left out.")] = None,
    json: Json = False,
) -> int:
    from finetooth.cli import _splits
    from finetooth.cli.train import Screen
    from finetooth.diagnose import mapping
    from finetooth.diagnose.diagnosis import diagnose
    from finetooth.runs import Run
    from finetooth.search import diagnosed

    mapping.folder_to_be(out)
    of = Run.open(run)
    chosen = _splits.of_run(of, split, data)
    watch = Screen()
    try:
        known = diagnosed.known(
            of,
            chosen.data,
            chosen.name,
            trained=chosen.trained,
            folds=folds if out_of_sample else None,
            predicted=predict,
            clustered=clusters,
            burn_in=burn_in,
            seed=seed,
            batch_tokens=batch_tokens,
            watch=watch,
        )
    finally:
        watch.end("")
    made = diagnose(known, version=rules.value, threshold=threshold)
    written = diagnosed.write(made, out or run, split)
    if json:
        emit({"examples": made.rows(), "summary": made.summary, "overlap": made.overlap})
    else:
        _print(made, show, of.config.task)
    say(f"written: {', '.join(map(str, written))}")
    return 0


def _print(made: Any, show: int, task: str) -> None:
    s, rows = made.summary, made.rows()
    worst = [rows[i] for i in made.ranking.order[:show]]
    if worst:
        lines = [
            (
                r["rank_place"], printable(r["example_id"]), r["rank"], r["rank_reason"],
                *(shorten(cell, 40) for cell in _beside(r, task)),
            )
            for r in worst
        ]  # fmt: skip
        print(table(("place", "example", "score", "because", "target", "proposed instead"), lines))
    regions = [r for r in made.overlap["regions"] if r["agreed"]][:REGIONS]
    if regions:
        print()
        lines = [
            (
                r["category"],
                "in none" if r["cluster"] == -1 else printable(r["cluster_name"] or "") or r["cluster"],
                r["examples"], r["agreed"], r["lift"], "yes" if r["stands_out"] else "",
            )
            for r in regions
        ]  # fmt: skip
        print(table(("category", "cluster", "examples", "agreed", "lift", "stands out"), lines))
    share = s["estimated_share_mislabelled"]
    if share is None and not s["models_learnt"]:
        say(
            f"{s['examples']:,} examples; the models find less than half of what there is to find, so none is called "
            "mislabelled and nothing they say is proposed: the score is a rank, not a probability"
        )
    elif share is None:
        say(f"{s['examples']:,} examples; no group stands apart: the score is a rank, not a probability")
    else:
        say(
            f"{s['examples']:,} examples; about {100 * share:.1f} % stand apart as mislabelled, "
            f"{s['likely_mislabelled']:,} with a score above 0.5"
        )
    for method, blamed in s["without_vote"].items():
        say(
            f"{method!r} holds of {blamed:,} of {s['examples']:,} examples: it tells none apart and has no vote"
        )
    agree = made.overlap["methods_that_agree"]
    say(
        (
            f"{many(s['agreed'], 'example has', 'examples have')} {agree} methods or more against {_them(s['agreed'])}"
            if len(s["methods"]) >= agree
            else f"fewer than {agree} methods have a vote, so none can agree"
        )
        + f"; {many(s['fixes_proposed'], 'has', 'have')} a proposed target"
    )


def _them(n: int) -> str:
    return "it" if n == 1 else "them"


def _proposed(row: dict[str, Any], task: str) -> str:
    return told(row["fix"] or "", task, of_checks=(row["fix_source"] or "").startswith("check"))


def _beside(row: dict[str, Any], task: str) -> tuple[str, str]:
    """(the target, what is proposed instead); of many parts only those in which they differ, or nobody would see it."""
    if row["fix"] and not (row["fix_source"] or "").startswith("check"):
        target, other = _parts(row["target"], task), _parts(row["fix"], task)
        if target is not None and other is not None and len(target) + len(other) > 2:
            gone, new = (
                "; ".join(a[k] for k in a if k not in b) for a, b in ((target, other), (other, target))
            )
            return _line(gone or "lacks one"), _line(new or "without it")
    return told(row["target"], task), _proposed(row, task)


def _parts(cell: str, task: str) -> dict[Any, str] | None:
    """The parts of a target in words, by what makes two of them the same; None for one of a single part."""
    try:
        value = json_of(cell)
    except ValueError:
        return None
    units = value if isinstance(value, list) else []
    if task == "ner" and all(isinstance(u, dict) and {"type", "text", "start"} <= set(u) for u in units):
        return {(u["start"], u["text"], u["type"]): f"{u['type']}: {u['text']}" for u in units}
    if task == "relation" and all(isinstance(u, dict) and set(u) >= TRIPLE for u in units):
        words = [f"{_end(u, 'head')} {u['relation']} {_end(u, 'tail')}" for u in units]
        return dict(zip(words, words, strict=True))
    if task == "json" and isinstance(value, (dict, list)):
        return dict(_leaves(value, ""))
    return None


def _leaves(value: Any, path: str) -> list[tuple[tuple[str, str], str]]:
    if isinstance(value, dict) and value:
        return [leaf for k, v in value.items() for leaf in _leaves(v, f"{path}.{k}" if path else str(k))]
    if isinstance(value, list) and value:
        return [leaf for i, v in enumerate(value) for leaf in _leaves(v, f"{path}[{i}]")]
    said = to_json(value)
    return [((path, said), f"{path}: {said}")]


def told(cell: str, task: str, *, of_checks: bool = False) -> str:
    """A target of ``task`` in words, on one line, nothing in it that a terminal would obey: entities and
    triples by their names, a label with its reason; with ``of_checks`` what checks would change, by its keys."""
    try:
        value = json_of(cell)
    except ValueError:
        return _line(cell)
    units = value if isinstance(value, list) else [value]
    said = None
    if of_checks and all(isinstance(u, dict) and PLACES & set(u) for u in units):
        said = "; ".join(", ".join(f"{k} {v}" for k, v in u.items()) for u in units)
    elif task == "nli" and isinstance(value, dict) and {"predicted_label", "thought_process"} <= set(value):
        said = f"{value['predicted_label']}: {value['thought_process']}"
    elif task == "ner" and all(isinstance(u, dict) and "type" in u and "text" in u for u in units):
        said = "; ".join(f"{u['type']}: {u['text']}" for u in units) or "nothing"
    elif task == "relation" and all(isinstance(u, dict) and set(u) >= TRIPLE for u in units):
        said = "; ".join(f"{_end(u, 'head')} {u['relation']} {_end(u, 'tail')}" for u in units) or "nothing"
    return _line(cell if said is None else said)


def _line(text: str) -> str:
    return printable(" ".join(text.split()))


def _end(triple: dict[str, Any], side: str) -> str:
    return str(triple.get(f"{side}_text") or f"entity {triple[side]}")
