"""Goes over a data set and lists what is wrong with it."""

from __future__ import annotations

import gc
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth import checks, readers
from finetooth.cli._labels import Labels, reading
from finetooth.cli._output import Json, emit, printable, say, table, told_reading
from finetooth.errors import UsageError
from finetooth.io import write_json
from finetooth.machines import Spread
from finetooth.text import many, shorten


class FailOn(StrEnum):
    error = "error"
    warning = "warning"
    never = "never"


_BAD: dict[str, tuple[str, ...]] = {"error": ("error",), "warning": ("error", "warning"), "never": ()}


def command(
    data: Annotated[str, typer.Argument(help="A file, a folder, or hub:NAME[:SUBSET][@SPLIT].")],
    task: Annotated[str | None, typer.Option(help="The task, where the content does not tell.")] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content does not tell.")] = None,
    against: Annotated[
        str | None, typer.Option(help="Another split: leakage and drift between the two.")
    ] = None,
    schemas: Annotated[Path | None, typer.Option(help="A folder of JSON Schemas.")] = None,
    labels: Labels = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this check (repeat for more).")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="Not this check (repeat for more).")] = None,
    fail_on: Annotated[FailOn, typer.Option(help="The severity that makes the exit code 1.")] = FailOn.error,
    show: Annotated[int, typer.Option(min=0, help="How many findings of a check to print.")] = 3,
    out: Annotated[
        Path | None, typer.Option(help="Also write what --json prints here; curate --with takes it.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print the relations of JSON answers, to paste; check nothing.")
    ] = False,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="A model or tokenizer.json: names the answers and mentions that no window of it holds."
        ),
    ] = None,
    max_length_tokens: Annotated[
        int | None, typer.Option(min=8, help="The window, with question and specials (384).")
    ] = None,
    stride_tokens: Annotated[
        int | None, typer.Option(min=0, help="How much two windows overlap (128).")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="So many processes, each with some of the checks; 0: this one.")
    ] = 0,
    ray: Annotated[str | None, typer.Option(help="Check on this Ray cluster (its address, or auto).")] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="JSON Lines or Parquet larger than memory: check it in parts.")
    ] = False,
    rows: Annotated[int, typer.Option(min=100, help="With --stream: rows in a part.")] = 20_000,
    json: Json = False,
) -> int:
    options = reading(schemas, labels)
    if tokenizer is None and (max_length_tokens is not None or stride_tokens is not None):
        given = "--max-length-tokens" if max_length_tokens is not None else "--stride-tokens"
        raise UsageError(f"{given} is of the windows of a tokenizer", cure="name it: --tokenizer MODEL")
    max_length_tokens = 384 if max_length_tokens is None else max_length_tokens
    stride_tokens = 128 if stride_tokens is None else stride_tokens
    if tokenizer is not None and stride_tokens >= max_length_tokens:
        raise UsageError(
            f"--stride-tokens {stride_tokens} must be below --max-length-tokens {max_length_tokens}",
            cure=f"as in --stride-tokens {max_length_tokens // 3}",
        )
    if stream:
        if explain:
            raise UsageError("--explain needs all rows at once", cure="leave out --stream")
        lengths = {"max_length_tokens": max_length_tokens, "stride_tokens": stride_tokens}
        from finetooth.cli import _check_stream

        bad = _BAD[fail_on.value]
        return _check_stream.command(
            data, bad, show, out, json, task=task, format=format, against=against, only=only or (), skip=skip or (),
            rows=rows, spread=Spread(workers, ray), **options,
            **({"tokenizer": _tokenizer(tokenizer), **lengths} if tokenizer is not None else {}),
        )  # fmt: skip
    dataset = readers.load(data, task=task, format=format, **options)
    if schemas is not None and dataset.task != "json":
        say(f"--schemas is for JSON data: {dataset.source} holds {dataset.task}, nothing is made of them")
    if explain:
        return _explain(dataset, json)
    other = readers.load(against, task=dataset.task, **options) if against else None
    gc.freeze()  # the examples stay: collecting garbage need not go over them again and again
    more: dict[str, Any] = {}
    if tokenizer is not None:
        lengths = {"max_length_tokens": max_length_tokens, "stride_tokens": stride_tokens}
        more = {"tokenizer": _tokenizer(tokenizer), **lengths}
    report = checks.run(
        dataset, against=other, only=only or (), skip=skip or (), spread=Spread(workers, ray), **more
    )
    if out is not None:
        write_json(out, report.to_json())
    if json:
        emit(report.to_json())
    else:
        _print(dataset, report, show)
    return int(any(report.counts[severity] for severity in _BAD[fail_on.value]))


def _tokenizer(name: str) -> Path:
    """A path as it is; else the folder of starter:minilm or of a hub model that is at hand."""
    if Path(name).exists():
        return Path(name)
    from finetooth.models.folders import resolve

    return resolve(name)


def _explain(dataset, as_json: bool) -> int:
    from finetooth.checks import json_explain

    found = json_explain.explain(dataset)
    if as_json:
        emit({"relations": {name: [r.to_json() for r in rules] for name, rules in found.items()}})
    else:
        for line in json_explain.as_yaml(found):
            print(line)
    return 0


def _print(dataset, report: checks.CheckReport, show: int) -> None:
    say(f"{dataset.source}: {many(len(dataset), 'example')} of {dataset.task} ({dataset.format})")
    told_reading(dataset)
    by = Counter((f.severity, f.check) for f in report.findings)
    shown: Counter[str] = Counter()
    for finding in report.findings:
        shown[finding.check] += 1
        if shown[finding.check] <= show:
            print(
                f"{finding.severity:7}  {finding.check}  {printable(finding.example_id) or '(the set)'}  "
                f"{printable(shorten(finding.message, 160))}"
            )
    if by:
        print()
        print(table(("severity", "check", "findings"), [(s, c, n) for (s, c), n in by.items()]))
    if report.origins:
        print()
        rows = [
            (
                o["by"],
                o["slice"],
                o["examples"],
                o["fit"],
                100 * o["share"],
                ", ".join(f"{c} {n}" for c, n in o["errors"].items()),
            )
            for o in report.origins
        ]
        print(table(("by", "slice", "examples", "fit for training", "%", "examples with errors"), rows))
    for name, why in report.skipped:
        say(f"skipped {name}: {why}")
    say(", ".join(f"{n} {severity}" for severity, n in report.counts.items()))
