"""Predictions of a run, or of a base model before training, for rows with or without a target; - reads rows from standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth.cli import _asked as asking
from finetooth.cli._base import is_base
from finetooth.cli._labels import Labels, reading
from finetooth.cli._output import Json, emit, say, told_reasons
from finetooth.cli._progress import Progress
from finetooth.errors import DataError, FinetoothError, UsageError
from finetooth.text import many
from finetooth.types import Example


def command(
    run: Annotated[
        str, typer.Argument(help="The folder that train made; or a base model, answering as it comes.")
    ],
    data: Annotated[
        str, typer.Argument(help="A file, a folder, hub:NAME, or - for JSON Lines as they arrive.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="The file to write, a line a prediction; standard output if left out.")
    ] = None,
    format: Annotated[str | None, typer.Option(help="The format, where the content does not tell.")] = None,
    schemas: Annotated[Path | None, typer.Option(help="A folder of JSON Schemas.")] = None,
    labels: Labels = None,
    constrain: Annotated[
        bool, typer.Option("--constrain", help="Generate only what obeys the example's JSON Schema.")
    ] = False,
    task: Annotated[str | None, typer.Option(help="The task of a base model.")] = None,
    head: Annotated[
        str | None, typer.Option(help="The head of a base model: causal, the one that needs no training.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="Of a base model's head: KEY=VALUE; may be repeated.")
    ] = None,
    batch_tokens: Annotated[int, typer.Option(min=16, help="Tokens of a batch.")] = 8192,
    chunk: Annotated[
        int, typer.Option(min=1, help="Rows of standard input that are predicted together at most.")
    ] = 32,
    json: Json = False,
) -> int:
    from finetooth import registry
    from finetooth.evaluate import base
    from finetooth.evaluate import predict as predicting
    from finetooth.evaluate.run import load
    from finetooth.io import atomic, fingerprint, to_json
    from finetooth.runs import Run

    if is_base(run, asked=bool(task or head or option)):
        if task is None:
            raise UsageError("a base model has no task of its own", where=run, cure="name it: --task json")
        kind = registry.task(task)
        config = base.configure(run, kind, data=data, head=head, options=option or [])
        of = Run(Path(run), {"config": config.model_dump(mode="json")})
        options = reading(schemas, labels)

        def loaded() -> tuple[Any, Any]:
            made = base.load(config, kind, ())
            made.head.constrain |= constrain
            say(made.note)
            return made.head, made.model
    else:
        of = Run.open(run)
        kind = registry.task(of.config.task)
        options = {**of.config.data.reading, **reading(schemas, labels)}

        def loaded() -> tuple[Any, Any]:
            return load(of, constrain=True) if constrain else load(of)

    if data == "-":
        if out is not None and out.is_dir():
            raise DataError("a folder, expected a file to write", where=str(out), cure="add a file name")
        answering, model = loaded()
        return _stream(
            predicting.arriving(sys.stdin.buffer, chunk),
            answering,
            model,
            kind,
            asking.Asked(kind, format, options),
            out,
            batch_tokens,
            json,
        )
    examples = asking.examples(data, kind, format, options)
    answering, model = loaded()
    key = predicting.model_key(of, fingerprint(map(kind.to_row, examples)), constrain)
    journal = None if out is None else out.with_name(f".{out.name}.partial.jsonl")
    with Progress("predicting") as bar:
        found = predicting.predict(
            answering,
            model,
            kind,
            examples,
            batch_tokens=batch_tokens,
            progress=bar,
            journal=journal,
            key=key,
        )
    told_reasons(getattr(answering, "reasons", {}), examples)
    lines = [predicting.row(p, kind) for p in found]
    if out is not None:
        with atomic(out) as f:
            f.writelines(to_json(line) + "\n" for line in lines)
        journal.unlink(missing_ok=True)  # type: ignore[union-attr]
        say(f"{many(len(lines), 'prediction')} in {out}")
    if json:
        emit({"predictions": lines, "out": None if out is None else str(out)})
    elif out is None:
        for line in lines:
            print(to_json(line))
    return 0


def _stream(
    batches: Iterator[list[bytes]],
    head: Any,
    model: Any,
    task: Any,
    asked: asking.Asked,
    out: Path | None,
    batch_tokens: int,
    json: bool,
) -> int:
    """Predicts rows as they arrive; each batch is written out before the next is read.

    Rows before one that cannot be read are still predicted.
    """
    from contextlib import nullcontext

    from finetooth.evaluate.predict import row
    from finetooth.io import atomic, to_json

    kept: list[dict[str, Any]] = []
    n = 0
    read = 0
    with atomic(out) if out is not None else nullcontext() as f:
        for batch in batches:
            some: list[Example] = []
            wrong: FinetoothError | None = None
            try:
                for example in asking.lines(asked, batch, first=read + 1):
                    some.append(example)
            except FinetoothError as e:
                wrong = e
            read += len(batch)
            for p in head.predict(model, some, batch_tokens=batch_tokens) if some else ():
                line = row(p, task)
                n += 1
                if f is not None:
                    f.write(to_json(line) + "\n")
                elif json:
                    kept.append(line)
                else:
                    print(to_json(line), flush=True)
            told_reasons(getattr(head, "reasons", {}), some)
            if wrong is not None:
                raise wrong
    if out is not None:
        say(f"{many(n, 'prediction')} in {out}")
    if json:
        emit({"predictions": kept, "out": None if out is None else str(out)})
    return 0
