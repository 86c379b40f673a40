"""Drops, weights and smooths examples by a policy over a table of diagnoses; each drop with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth import readers, registry
from finetooth.cli import _stale
from finetooth.cli._labels import Labels, reading
from finetooth.cli._output import Json, emit, printable, say, table, told_notes
from finetooth.curate import classes, weights
from finetooth.curate import policy as policies
from finetooth.curate import table as tables
from finetooth.curate.columns import columns
from finetooth.curate.correct import Fixed
from finetooth.curate.filters import FILTERS, apply_filters
from finetooth.errors import UsageError
from finetooth.io import write_jsonl
from finetooth.types import Drop


def command(
    data: Annotated[str, typer.Argument(help="The examples to curate.")],
    with_: Annotated[
        Path | None,
        typer.Option(
            "--with",
            help="A mapped run folder, diagnosis or cartography table, or findings of check --out; "
            "with: of the policy if left out.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the kept examples go, as JSONL.")] = None,
    filter: Annotated[
        list[str] | None,
        typer.Option(help=f"NAME or NAME:KEY=VALUE,... (repeat for more). Names: {', '.join(FILTERS)}."),
    ] = None,
    combine: Annotated[str, typer.Option(help="or: drop what any filter drops; and: what all drop.")] = "or",
    policy: Annotated[Path | None, typer.Option(help="A YAML file with combine and filters.")] = None,
    weights_out: Annotated[
        Path | None, typer.Option(help="Write loss weights for train.weights here.")
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(help="Strength of the weights, 0.5 if left out; 0 gives the published 1 + variability."),
    ] = None,
    clip: Annotated[
        tuple[float, float] | None, typer.Option(help="The least and the largest weight, 0.1 10 if left out.")
    ] = None,
    weigh: Annotated[
        bool, typer.Option(help="Weights into the weights file; without, only smoothing and the order.")
    ] = True,
    smooth: Annotated[bool, typer.Option(help="Per-example label smoothing into the weights file.")] = False,
    smooth_factor: Annotated[
        float | None, typer.Option(help="Smoothing is this times variability, 0.6 if left out.")
    ] = None,
    smooth_most: Annotated[float | None, typer.Option(help="The most smoothing, 0.3 if left out.")] = None,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix", help="Where a diagnosis proposes another target, give it that instead of dropping it."
        ),
    ] = False,
    validation: Annotated[
        str | None,
        typer.Option(help="Apply the same policy to these too; what is kept goes to OUT.validation.jsonl."),
    ] = None,
    validation_with: Annotated[
        Path | None, typer.Option(help="The table of the validation examples, as --with has those of DATA.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be dropped.")] = False,
    task: Annotated[str | None, typer.Option(help="The task, where the content does not tell.")] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content does not tell.")] = None,
    labels: Labels = None,
    json: Json = False,
) -> int:
    if out is not None and Path(data).exists() and out.exists() and out.samefile(data):
        raise UsageError(f"{out}: would be written over itself", cure="give another --out")
    if (validation is None) != (validation_with is None):
        raise UsageError(
            "--validation and --validation-with need each other",
            cure="finetooth map RUN --split dev makes one",
        )
    rules = read_policy(filter or [], combine, policy)
    if with_ is None:
        if not isinstance(rules.get("with"), str):
            raise UsageError("nothing is known of the examples", cure="give --with, or with: in the policy")
        with_ = Path(rules["with"])
    # The label is part of an id made from the content: a run's table has the ids of its own labels.
    dataset = readers.load(data, task=task, format=format, **{**_as_read_by(with_), **reading(labels=labels)})
    told_notes(dataset)
    known = tables.read(with_)
    changed = _stale.told(dataset, known, with_)
    if fix:
        rules["fix"] = True
    weighing = _weighing(
        rules,
        weigh,
        {"scale": scale, **(dict(zip(("low", "high"), clip, strict=True)) if clip else {})},
        smooth,
        {"factor": smooth_factor, "most": smooth_most},
    )
    if weighing is not None and weights_out is None:
        raise UsageError("weights, smoothing or an order are asked for", cure="give --weights-out FILE")
    if not rules["filters"] and weights_out is None:
        raise UsageError("nothing to do", cure="give --filter, --policy or --weights-out")
    if rules["filters"] and out is None and not dry_run:
        raise UsageError("no --out for the kept examples", cure="give --out FILE, or --dry-run")
    if validation is not None and not rules["filters"]:
        raise UsageError("no policy for the validation examples", cure="give --filter or --policy")
    kept: Any = dataset
    dropped: Sequence[Drop] = ()
    fixed: Sequence[Fixed] = ()
    tally: Mapping[str, int] = {}
    lost: Sequence[classes.Thinned] = ()
    if rules["filters"]:
        curated = apply_filters(dataset, rules, known, may_be_empty=dry_run)
        (kept, dropped), tally, fixed = curated, curated.per_filter, curated.fixed
        lost = curated.thinned
        if line := classes.told(lost):
            say(f"warning: {line}")
    apart: dict[str, Any] = {}
    if validation is not None and validation_with is not None:
        options = {**_as_read_by(validation_with), **reading(labels=labels)}
        untouched = readers.load(validation, task=dataset.task, format=format, **options)
        known_there = tables.read(validation_with)
        _stale.told(untouched, known_there, validation_with)
        there = apply_filters(untouched, rules, known_there, may_be_empty=dry_run)
        apart = {
            "examples": len(untouched),
            "kept": len(there.kept),
            "dropped": there.dropped,
            "fixed": there.fixed,
            "per_filter": there.per_filter,
            "fingerprint": there.kept.fingerprint,
            "untouched_fingerprint": untouched.fingerprint,
        }
        if out is not None and not dry_run:
            place = out.with_suffix(".validation.jsonl")
            to_row = registry.task(dataset.task).to_row
            theirs = columns(validation, untouched, **options)
            write_jsonl(place, (theirs.row(e, to_row(e)) for e in there.kept.examples))
            write_jsonl(place.with_suffix(".dropped.jsonl"), there.dropped)
            if there.fixed:
                write_jsonl(place.with_suffix(".fixed.jsonl"), there.fixed)
        say(
            f"validation: {len(there.kept):,} of {len(untouched):,} kept by the same policy; scores on them flatter, "
            f"report them beside those on the untouched {validation}"
        )
    if out is not None and not dry_run:
        to_row = registry.task(dataset.task).to_row
        besides = columns(data, dataset, **{**_as_read_by(with_), **reading(labels=labels)})
        write_jsonl(out, (besides.row(e, to_row(e)) for e in kept.examples))
        for line in besides.sentences:
            say(printable(line))
        write_jsonl(out.with_suffix(".dropped.jsonl"), dropped)
        if fixed:
            write_jsonl(out.with_suffix(".fixed.jsonl"), fixed)
            say(f"{out.with_suffix('.fixed.jsonl')}: {len(fixed):,} with another target")
        say(
            f"{out}: {len(kept):,} kept; {out.with_suffix('.dropped.jsonl')}: {len(dropped):,} dropped, with reasons"
        )
    if weights_out is not None and not dry_run:
        # How an example was learnt with its old target says nothing of the new one.
        ids = {e.id for e in kept.examples} - {f.example_id for f in fixed}
        rows = {name: row for name, row in known.items() if name in ids}
        made = weights.weight_rows(rows, **(weighing or {}))
        weights.write(weights_out, made)
        held = {"weight": "weights", "smoothing": "smoothing"}
        what = " and ".join(word for key, word in held.items() if key in made[0]) or "only an order"
        order = "" if what != "only an order" and not rules.get("curriculum") else " train.curriculum=true"
        say(f"{weights_out}: {what} of {len(made):,} examples; train with train.weights={weights_out}{order}")
    without = sum(e.id not in known for e in dataset.examples)
    if json:
        emit(
            {
                "examples": len(dataset),
                "kept": len(kept),
                "dropped": dropped,
                "fixed": fixed,
                "per_filter": tally,
                "thinned": lost,
                "not_in_table": without,
                "changed_since": changed,
                "fingerprint": kept.fingerprint,
                **({"validation": apart} if apart else {}),
            }
        )
        return 0
    if without:
        say(f"{without:,} examples are not in the table and were kept")
    reasons = Counter(d.reason.split(":")[0] for d in dropped)
    given = [("given another target", len(fixed))] if fixed else []
    print(table(("filter", "dropped"), [*reasons.items(), *given, ("kept", len(kept))]))
    return 0


def _weighing(
    rules: Mapping[str, Any], weigh: bool, scaled: dict[str, Any], smooth: bool, smoothed: dict[str, Any]
) -> dict[str, Any] | None:
    """What ``weights.weight_rows`` is to do: what the policy says, and the options over it; None: as it comes."""
    told = {key: rules.get(key) for key in ("weights", "smoothing", "curriculum")}
    for key, wanted, options in (("weights", False, scaled), ("smoothing", smooth, smoothed)):
        given = {k: v for k, v in options.items() if v is not None}
        if given or wanted:
            before = told[key]
            told[key] = {**(before if isinstance(before, Mapping) else {}), **given}
            if key == "weights" and not weigh:
                raise UsageError("--no-weigh writes no weights, --scale and --clip are of weights")
    if not weigh:
        told["weights"] = False
        told["curriculum"] = told["curriculum"] or not told["smoothing"]
    elif told["smoothing"] and not rules.get("smoothing") and told["weights"] is None:
        told["weights"] = True  # --smooth adds to the weights
    return weights.settings(told)


def _as_read_by(folder: Path) -> dict[str, Any]:
    """The options under which a run read its data; none of what is no run folder."""
    if not (folder / "run.json").is_file():
        return {}
    from finetooth.runs import Run

    return Run.open(folder).config.data.reading


def read_policy(filters: list[str], combine: str, path: Path | None) -> dict[str, Any]:
    """A policy of options, of a YAML file, or of both. Raises ConfigError for a file that is none."""
    rules: dict[str, Any] = {"combine": combine, "filters": []}
    if path is not None:
        rules |= policies.read_policy(path)
    rules["filters"] = [*rules["filters"], *map(policies.filter_of, filters)]
    return rules
