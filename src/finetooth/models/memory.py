"""What training will take in memory, before a weight is read: by strategy, batch and length.

    strategy  weights  gradients  optimizer  activations  logits   peak   (MiB)
    full          513        513       1026         4147     218   6127

From config.json, the heads of safetensors files and a batch: see ``trace`` for how a step is followed.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from finetooth.config import ModelConfig
from finetooth.errors import DataError, UsageError

# Of what takes the most to what takes the least, where the model is large: the order of advice.
STRATEGIES = ("full", "partial", "lora", "qlora", "head")
MIB = 2**20
UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


@dataclass(frozen=True)
class Estimate:
    """MiB, of one strategy, without what the process has before it begins (Python and its libraries).

    weights, gradients, optimizer   of the whole model, of what is trained of it
    activations, logits             what the forward pass leaves for the backward pass, for the largest batch;
                                    logits is the share that is as wide as the vocabulary
    loading                         the peak of reading the weights: file and copy side by side
    step                            the peak of a training step; less than the sum of all, since activations
                                    go as gradients come
    answering                       the peak of generating answers between epochs, the model's copy and its keys and
                                    values included; 0 for heads that generate nothing
    """

    strategy: str
    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    loading: float
    step: float
    parameters: int
    trained: int
    answering: float = 0.0

    @property
    def peak(self) -> float:
        """The most at any moment of a run."""
        return max(self.loading, self.step, self.answering)

    def spread(self, processes: int) -> Estimate:
        """What each of ``processes`` takes that share weights, gradients and optimiser state.

        One of them also takes the weights whole, between steps, to evaluate.
        """
        lasting = self.weights + self.gradients + self.optimizer
        share = (self.weights + self.optimizer) / processes
        step = max(self.step - lasting * (1 - 1 / processes), share + self.weights)
        # The one that evaluates has the weights whole, beside its share of them and of the optimiser's state.
        answering = self.answering and self.answering - self.optimizer + share
        return replace(
            self,
            weights=self.weights / processes,
            gradients=self.gradients / processes,
            optimizer=self.optimizer / processes,
            step=step,
            answering=answering,
        )

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "peak": self.peak}


def estimate(
    build: Callable[[], Any],
    step: Callable[[Any, dict[str, Any]], Any],
    options: ModelConfig,
    batches: Sequence[Mapping[str, Any]],
    *,
    precision: str,
    folder: Path | None = None,
    accumulated: bool = False,
) -> Estimate:
    """Of the strategy in ``options``. ``build`` and ``step`` are a head's, ``batches`` collated candidates for the largest.

    ``folder`` is the base model's. Raises ConfigError where the strategy is none for this model, DataError
    where the model's step cannot be followed without numbers.
    """
    from finetooth.errors import FinetoothError
    from finetooth.models.trace import trace

    try:
        t = trace(build, step, options, batches, precision=precision, accumulated=accumulated)
    except FinetoothError:
        raise
    except Exception as e:
        message = " ".join(str(e).split())[:160]
        raise DataError(f"its memory cannot be told in advance: {type(e).__name__}: {message}") from None
    whole = weights_in_file(folder) if folder is not None else 0
    return Estimate(
        strategy=options.strategy,
        weights=t.weights / MIB,
        gradients=t.gradients / MIB,
        optimizer=t.optimizer / MIB,
        activations=t.activations / MIB,
        logits=t.logits / MIB,
        loading=(t.weights + whole) / MIB,
        step=(t.peak + t.optimizer) / MIB,
        parameters=t.parameters,
        trained=t.trained,
    )


def weights_in_file(folder: Path) -> int:
    """Bytes of all tensors in a folder's safetensors files, by their headers alone. Raises DataError."""
    return sum(
        end - start
        for path in sorted(folder.glob("*.safetensors"))
        for start, end in (one["data_offsets"] for one in header(path).values())
    )


def header(path: Path) -> dict[str, dict[str, Any]]:
    """{name: {"dtype", "shape", "data_offsets"}} of a safetensors file. Raises DataError if it has none.

    The format: eight bytes of length, little-endian, and as much JSON.
    """
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > path.stat().st_size - 8:
                raise ValueError("its header is longer than the file")
            found = json.loads(file.read(size))
    except (OSError, ValueError, struct.error) as e:
        raise DataError(f"no safetensors file: {' '.join(str(e).split())[:120]}", where=str(path)) from None
    return {k: v for k, v in found.items() if k != "__metadata__"}


def megabytes(text: str) -> float:
    """MiB of "24GB", "24 GiB", "800MB" or plain bytes. Raises UsageError for what is no size."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", text, re.IGNORECASE)
    if not found or found[2].lower() not in UNITS:
        raise UsageError(f"expected a size as in 24GB, found {text!r}")
    return float(found[1]) * UNITS[found[2].lower()] / MIB
