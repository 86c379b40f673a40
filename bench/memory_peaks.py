"""Measured peaks of training against what was told before the model was loaded.

    python bench/memory_peaks.py [--only minilm] [--batch-tokens 2048] [--out peaks.json]

For starter:minilm (span, token, pair) and starter:smollm2 (token, causal), each strategy and two lengths.
Each run is a process of its own: twelve steps and the checkpoint at their end. On a CPU the peak is the
process's (VmHWM) less what it had before the model; on a GPU it is torch.cuda.max_memory_allocated.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

RUNS = [
    # model, task, head, lengths in tokens (of prompts and answers for causal: records a document)
    ("starter:minilm", "qa", "span", (128, 384)),
    ("starter:minilm", "ner", "token", (128, 384)),
    ("starter:minilm", "relation", "pair", (128, 384)),
    ("starter:smollm2", "ner", "token", (128, 512)),
    ("starter:smollm2", "ner", "causal", (384, 1024)),
]
STEPS = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="runs whose model or head has this in its name")
    parser.add_argument("--strategies", default="full,partial,lora")
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--out")
    asked = parser.parse_args()
    warm()
    rows: list[dict[str, Any]] = []
    print(f"{'model':16} {'head':7} {'strategy':8} {'length':>6} {'told':>7} {'measured':>8}   off")
    for model, task, head, lengths in RUNS:
        if asked.only not in f"{model} {head}":
            continue
        for length in lengths:
            for strategy in asked.strategies.split(","):
                settings = (model, task, head, length, strategy, asked.batch_tokens, asked.precision)
                told, measured = apart(tell, *settings), apart(measure, *settings)
                row = {"model": model, "head": head, "strategy": strategy, "length": length}
                row |= {"told": told, "measured": measured}
                rows.append(row)
                if "error" in told or "error" in measured:
                    print(f"{model:16} {head:7} {strategy:8} {length:6} {told} {measured}", flush=True)
                    continue
                off = told["peak"] / measured["peak"] - 1
                print(
                    f"{model:16} {head:7} {strategy:8} {length:6} {told['peak']:7.0f} {measured['peak']:8.0f} "
                    f"{off:+6.1%}   {measured['seconds']:.0f} s",
                    flush=True,
                )
    offs = [
        abs(r["told"]["peak"] / r["measured"]["peak"] - 1)
        for r in rows
        if "peak" in r["told"] and "peak" in r["measured"]
    ]
    if offs:
        within = sum(o <= 0.15 for o in offs)
        print(f"{within} of {len(offs)} within 15 %; the worst is off by {max(offs):.1%}")
    if asked.out:
        Path(asked.out).write_text(json.dumps(rows, indent=1), "utf-8")


def warm() -> None:
    """Imports what every run needs, once: the processes are forked from here."""
    import torch
    import transformers

    import finetooth.models.trace
    import finetooth.train.fit  # noqa: F401
    from finetooth.models.folders import resolve

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for model in {run[0] for run in RUNS}:
        resolve(model)


def apart(call: Any, *settings: Any) -> dict[str, Any]:
    """``call(*settings)`` in a process of its own."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            found = call(*settings)
        except BaseException as e:
            found = {"error": f"{type(e).__name__}: {e}"[:200]}
        with os.fdopen(write, "w") as sink:
            json.dump(found, sink)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as source:
        text = source.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"error": "killed"}


def prepared(
    folder: Path, model: str, task_name: str, head: str, length: int, strategy: str, *batch: Any
) -> Any:
    """(config, task, examples, head and model, windows, plan, precision) as a run has them before its model is loaded."""
    from finetooth import config as configs
    from finetooth import generate, io, registry
    from finetooth.train import batches, build, data, machine

    tokens, precision = batch
    # Prompts are never cut: short documents make the short ones.
    records = 1 if head == "causal" and length < 512 else 3
    io.write_jsonl(folder / "train.jsonl", generate.make(task_name, 60, seed=1, records=records).rows)
    config = configs.build(
        {
            "task": task_name,
            "data": {"train": str(folder / "train.jsonl")},
            "model": {
                "name": model,
                "head": head,
                "max_length_tokens": length,
                "stride_tokens": 32,
                "strategy": strategy,
            },
            "train": {
                "max_steps": STEPS,
                "batch_tokens": tokens,
                "warmup_steps": 1,
                "precision": precision,
                "threads": 1,
            },
            "out": str(folder / "run"),
        }
    )
    task = registry.task(task_name)
    examples = list(data.load(config).train.examples)
    built = build.default(config, task, examples)
    windows = built.head.windows(examples)
    plan = batches.plan([len(w) for w in windows], batch_tokens=tokens, epochs=1, max_steps=STEPS, seed=0)
    return config, task, examples, built, windows, plan, machine.pick_precision(config.train)[0]


def tell(*settings: Any) -> dict[str, Any]:
    """What is told before the model is loaded."""
    from finetooth.train import feasible

    with tempfile.TemporaryDirectory() as folder:
        config, _, _, built, windows, plan, precision = prepared(Path(folder), *settings)
        began = time.perf_counter()
        own = config.model.strategy
        told = feasible.estimates(config, built, windows, plan, precision=precision, strategies=[own])[own]
        if isinstance(told, str):
            return {"error": told}
        place = feasible.here()
        peak = place.need(told) - place.taken
        return {**told.to_json(), "peak": peak, "seconds": time.perf_counter() - began}


def measure(*settings: Any) -> dict[str, Any]:
    """What twelve steps and a checkpoint take at most."""
    from finetooth.runs import Run
    from finetooth.train import data, machine
    from finetooth.train.fit import Job, engine_of, fit
    from finetooth.train.watch import Watch

    with tempfile.TemporaryDirectory() as folder:
        config, task, examples, built, windows, plan, precision = prepared(Path(folder), *settings)
        machine.use_threads(config.train.threads)
        machine.keep_memory()
        run = Run.create(config)
        began, before = time.perf_counter(), machine.memory_mb()
        machine.reset_peak()
        model = built.model()
        ids = [e.id for e in examples]
        job = Job(
            run,
            task,
            built.head,
            model,
            windows,
            ids,
            plan,
            (),
            precision,
            data.identity(windows, ids),
            Watch(),
        )
        engine = engine_of(job)
        loading = machine.peak_mb()
        training = fit(job, engine)["peak_memory_mb"]
        run.release()
        return {
            "peak": max(loading, training) - before,
            "loading": loading - before,
            "training": training - before,
            "before": before,
            "seconds": time.perf_counter() - began,
        }


if __name__ == "__main__":
    main()
