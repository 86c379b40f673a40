"""Writes a trained model as safetensors, ONNX or GGUF, and proves that it predicts the same."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from finetooth.cli._output import Json, emit, say
from finetooth.cli._progress import Progress
from finetooth.errors import UsageError


class To(StrEnum):
    safetensors = "safetensors"
    onnx = "onnx"
    gguf = "gguf"


class Dtype(StrEnum):
    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"


SHOWN = 5  # names of examples that are predicted otherwise


def command(
    run: Annotated[Path, typer.Argument(help="The folder that train made.")],
    to: Annotated[
        To,
        typer.Option(
            help="safetensors: for transformers. onnx: encoders, for onnxruntime. gguf: decoders, for llama.cpp."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    data: Annotated[
        str | None, typer.Option(help="Examples to compare predictions on; the run's dev set if left out.")
    ] = None,
    examples: Annotated[int, typer.Option(min=1, help="How many of them at most.")] = 200,
    dtype: Annotated[Dtype, typer.Option(help="Precision of the weights.")] = Dtype.float32,
    converter: Annotated[
        Path | None, typer.Option(help="llama.cpp's convert_hf_to_gguf.py, or its folder.")
    ] = None,
    json: Json = False,
) -> int:
    from finetooth import io
    from finetooth.cli._splits import of_run
    from finetooth.runs import Run
    from finetooth.train.data import sample

    of = Run.open(run)
    if not of.model.is_dir():
        raise UsageError(
            f"no trained model here (the run is {of.status})",
            where=str(run),
            cure="let finetooth train end; the same command goes on with a stopped run",
        )
    chosen, _ = sample(of_run(of, "dev", data).data, examples, seed=0)
    from finetooth.models import export as exporting

    bars: list[Progress] = []

    def watch(label: str) -> Progress:
        for bar in bars:
            bar.__exit__(None, None, None)
        bars[:] = [Progress(label, "windows")]
        return bars[0]

    try:
        found = exporting.export(
            of.model,
            out,
            to.value,
            chosen.examples,
            dtype=dtype.value,
            converter=converter,
            watch=watch,
        )
    finally:
        for bar in bars:
            bar.__exit__(None, None, None)
    files = {p.name: p.stat().st_size for p in sorted(out.iterdir())}
    if json:
        summary: dict[str, Any] = {
            "run": str(run),
            "to": to.value,
            "dtype": dtype.value,
            "out": str(out),
            "files": files,
            "compared": {**io.plain(found), "same": found.same},
        }
        emit(summary)
    else:
        gap = "" if found.largest_gap is None else f", confidences within {found.largest_gap:.1g}"
        print(f"{found.same:,} of {found.n:,} examples predicted the same{gap}")
        if found.different:
            more = f" and {len(found.different) - SHOWN} more" if len(found.different) > SHOWN else ""
            say(f"otherwise: {', '.join(found.different[:SHOWN])}{more}")
        say(f"{out}: {sum(files.values()) / 2**20:,.1f} MiB, {', '.join(files)}")
    return int(bool(found.different))
