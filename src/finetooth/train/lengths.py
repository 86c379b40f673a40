"""What each max_length_tokens would cut and save, before training; and whether long reasons are better ones.

Counted with the model's own tokenizer and the head's own frame (chat template, separators), so a count here is
the count in training. Only for heads that read an example in one window: causal leaves out what is too long,
pair cuts its texts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from finetooth.config import Config
from finetooth.errors import PreflightError, UsageError
from finetooth.types import Example

CANDIDATES = (64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096)
LONGEST = 8192  # tokens read of an example where the model itself sets no limit
BANDS = 4


@dataclass(frozen=True)
class Lengths:
    """``tokens``: quantiles of an example's tokens, of its prompt and its answer (causal). ``rows``: one a candidate,
    {"max_length_tokens", "cut", "cut_percent", "by_label", "trained_tokens", "computed_tokens", "saved_percent"};
    ``smallest_whole`` cuts nothing. ``reasons``: the teacher's accuracy by length of its reason, where known."""

    head: str
    examples: int
    limit: int | None
    configured: int
    smallest_whole: int
    tokens: dict[str, dict[str, int]]
    rows: list[dict[str, Any]]
    reasons: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def lengths(config: Config) -> Lengths:
    """Reads the data and the tokenizer, no weight. Raises UsageError for a head that reads in several windows,
    PreflightError where no example can be read."""
    from finetooth import registry
    from finetooth.models.folders import outline
    from finetooth.models.load import load_config, positions
    from finetooth.models.scratch.source import is_scratch
    from finetooth.train import data
    from finetooth.train.build import default, head_name

    task = registry.task(config.task)
    name = head_name(config, task)
    if name not in ("causal", "pair"):
        raise UsageError(
            f"the head {name} reads a long example in several windows and cuts none",
            cure="--lengths is for the heads causal and pair",
        )
    limit = None
    if not is_scratch(config.model.name):
        limit = positions(load_config(outline(config.model.name), None))
    most = min(limit or LONGEST, LONGEST)
    wide = config.model.model_copy(update={"max_length_tokens": most})
    examples = list(data.load(config).train.examples)
    head = default(config.model_copy(update={"model": wide}), task, examples, weights=False).head
    windows = head.windows(examples)
    if not windows:
        raise PreflightError("no example can be read", cure="check the data")
    sizes = np.full(len(examples), most + 1)  # what even the model's limit does not hold
    prompts = np.zeros(len(examples), int)
    for w in windows:
        sizes[w.example] = len(w)
        prompts[w.example] = w.fields.get("prompt", 0)
    for i, e in enumerate(examples):  # pair cuts where it reads, and says so
        if head.reasons.get(e.id, "").startswith("too long"):
            sizes[i] = most + 1
    whole = min(8 * math.ceil(int(sizes.max()) / 8), most)
    configured = config.model.max_length_tokens
    asked = sorted({c for c in CANDIDATES if c < whole} | {whole, min(configured, most)})
    labels = [str(getattr(e.target, "label", "")) for e in examples]
    all_tokens = _computed(np.minimum(sizes, most), config)
    rows = [_row(c, sizes, labels, all_tokens, config, drops=name == "causal") for c in asked]
    tokens = {"example": _quantiles(sizes)}
    if name == "causal":
        tokens |= {"prompt": _quantiles(prompts), "answer": _quantiles(sizes - prompts)}
    answers = sizes - prompts if name == "causal" else None
    return Lengths(
        name, len(examples), limit, configured, whole, tokens, rows, reason_accuracy(examples, answers)
    )


def _row(
    most: int, sizes: np.ndarray, labels: Sequence[str], all_tokens: int, config: Config, *, drops: bool
) -> dict[str, Any]:
    cut = sizes > most
    kept = sizes[~cut] if drops else np.minimum(sizes, most)
    computed = _computed(kept, config)
    lost = {x: sum(c for c, y in zip(cut, labels, strict=True) if y == x) for x in sorted(set(labels)) if x}
    return {
        "max_length_tokens": most,
        "cut": int(cut.sum()),
        "cut_percent": 100.0 * float(cut.mean()),
        "by_label": {x: int(n) for x, n in lost.items() if n},
        "trained_tokens": int(kept.sum()),
        "computed_tokens": computed,
        "saved_percent": 100.0 * (1 - computed / max(all_tokens, 1)),
    }


def _computed(sizes: np.ndarray, config: Config) -> int:
    """Tokens of an epoch with their padding, in the batches that training would make."""
    from finetooth.train import batches

    if not len(sizes):
        return 0
    plan = batches.plan(
        [int(n) for n in sizes],
        batch_tokens=max(config.train.batch_tokens, int(sizes.max())),
        accumulation=config.train.accumulation_steps,
        epochs=1,
        seed=config.seed,
    )
    return sum(len(b) * int(sizes[b].max()) for u in plan.updates for b in u.batches)


def _quantiles(sizes: np.ndarray) -> dict[str, int]:
    points = {"median": 50, "p90": 90, "p95": 95, "p99": 99, "longest": 100}
    return {name: int(np.percentile(sizes, q, method="higher")) for name, q in points.items()}


def reason_accuracy(examples: Sequence[Example], tokens: np.ndarray | None = None) -> list[dict[str, Any]]:
    """How often the label beside a teacher's first reason was right, by length of that reason; [] where it is not known.

    Bands of about equal size, by ``tokens`` (examples,) of the answer, else by words. The interval is
    Wilson's (1927), 95 %.
    """
    from finetooth.text import words

    known = [
        (int(tokens[i]) if tokens is not None else len(words(held[0][1])), held[0][2] == e.target.label)
        for i, e in enumerate(examples)
        if (held := e.meta.get("reasons")) and held[0][2] is not None
    ]
    if not known or all(right for _, right in known):
        return []
    known.sort()
    rows = []
    for part in np.array_split(np.arange(len(known)), min(BANDS, len(known))):
        n, right = len(part), sum(known[i][1] for i in part)
        low, high = _wilson(right, n)
        rows.append(
            {
                "from": known[part[0]][0],
                "to": known[part[-1]][0],
                "unit": "tokens" if tokens is not None else "words",
                "n": n,
                "accuracy": 100.0 * right / n,
                "low": low,
                "high": high,
            }
        )
    return rows


def _wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    p = right / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return 100.0 * (middle - half) / (1 + z * z / n), 100.0 * (middle + half) / (1 + z * z / n)
