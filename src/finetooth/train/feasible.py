"""Whether a run fits into memory, asked before its model is loaded; if it does not, what would."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.config import Config
from finetooth.errors import FinetoothError, PreflightError
from finetooth.models.head import Window
from finetooth.models.memory import MIB, STRATEGIES, Estimate, estimate, weights_in_file
from finetooth.train import machine
from finetooth.train.batches import Plan
from finetooth.train.build import Built, default

# A CUDA context with the kernels of torch's libraries, which no allocator counts; and what blocks of
# many sizes leave unused between them.
CONTEXT_MB, FRAGMENTS = 700.0, 1.05
# On a CPU: libraries and kernels that come in with the first step; and holes in a heap that keeps what is
# freed (machine.keep_memory), as a share of all that comes and goes in a step. By bench/memory_peaks.py.
KERNELS_MB, HOLES = 100.0, 1.5
# A heap is only kept where this share of what is free is enough for it.
ROOM = 0.9


@dataclass(frozen=True)
class Place:
    """Where training would be: ``total`` and ``free`` MiB, and ``taken`` by the process before it begins."""

    name: str
    total: float
    free: float
    taken: float
    gpu: bool

    def need(self, told: Estimate, *, keep: bool = True) -> float:
        """MiB at the peak of a run, everything counted. ``keep``: with the holes of a heap that keeps what is freed."""
        if self.gpu:
            return self.taken + FRAGMENTS * max(told.step, told.answering)
        lasting = told.weights + told.optimizer
        step = lasting + (HOLES if keep else 1.0) * (told.step - lasting)
        return self.taken + max(told.loading, step, told.answering) + KERNELS_MB

    def fits(self, told: Estimate) -> bool:
        return self.need(told, keep=False) <= self.total and (self.gpu or told.strategy != "qlora")


@dataclass(frozen=True)
class Checked:
    """What ``check`` found: an estimate where one was needed, warnings, and whether freed memory may be kept."""

    told: Estimate | None = None
    warnings: tuple[str, ...] = ()
    keep: bool = True


def here() -> Place:
    """This machine: its GPU where there is one, else its memory, a container's limit respected."""
    import torch

    if torch.cuda.is_available():
        spare, whole = torch.cuda.mem_get_info()
        return Place(torch.cuda.get_device_name(), whole / MIB, spare / MIB, CONTEXT_MB, gpu=True)
    total, free = float("inf"), float("inf")
    with suppress(OSError, KeyError, ValueError):
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        kib = {k: int(v.split()[0]) for k, _, v in (line.partition(":") for line in lines)}
        total, free = kib["MemTotal"] / 1024, kib["MemAvailable"] / 1024
    with suppress(OSError, ValueError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text("ascii")) / MIB
        used = int(Path("/sys/fs/cgroup/memory.current").read_text("ascii")) / MIB
        total, free = min(total, limit), min(free, limit - used)
    return Place("this machine", total, free, machine.memory_mb(), gpu=False)


def of_size(total_mb: float, *, gpu: bool) -> Place:
    """An empty GPU of that size, or a machine without one that has nothing else to do."""
    size = f"{total_mb / 1024:,.1f} GiB"
    if gpu:
        return Place(f"a GPU of {size}", total_mb, total_mb, CONTEXT_MB, gpu=True)
    taken = machine.memory_mb()
    return Place(f"a machine of {size}", total_mb, total_mb, taken, gpu=False)


def heaviest(windows: Sequence[Window], plan: Plan) -> list[np.ndarray]:
    """The batches of a plan that may take the most: by tokens with padding, and by what is foretold."""
    lengths = np.array([len(w) for w in windows])
    units = np.array([_units(w) for w in windows])
    every = [b for update in plan.updates for b in update.batches]
    widest = max(every, key=lambda b: len(b) * int(lengths[b].max()))
    fullest = max(every, key=lambda b: int(units[b].sum()))
    return [widest] if widest is fullest else [widest, fullest]


def _units(window: Window) -> int:
    """How much a window has to foretell: tokens of an answer, pairs, labels."""
    fields = window.fields
    if "prompt" in fields:
        return len(window) - int(fields["prompt"])
    found = fields.get("pairs", fields.get("units"))
    return len(found) if found is not None else 1


def estimates(
    config: Config,
    built: Built,
    windows: Sequence[Window],
    plan: Plan,
    *,
    precision: str,
    strategies: Sequence[str] = STRATEGIES,
) -> dict[str, Estimate | str]:
    """By strategy what it takes, or why it is none for this model. Reads configs and headers, no weight."""
    head, folder = built.head, built.folder
    assert folder is not None
    batches = [head.collate([windows[i] for i in numbers]) for numbers in heaviest(windows, plan)]
    found: dict[str, Estimate | str] = {}
    for strategy in strategies:
        options = config.model.model_copy(update={"strategy": strategy})
        try:
            told = estimate(
                lambda: head.build(folder),
                head.step,
                options,
                batches,
                precision=precision,
                folder=folder,
                accumulated=config.train.accumulation_steps > 1,
            )
            found[strategy] = _with_answers(told, config, head, folder)
        except FinetoothError as e:
            found[strategy] = str(e)
    return found


def _with_answers(told: Estimate, config: Config, head: Any, folder: Path) -> Estimate:
    """The estimate with what generating answers takes, where the head generates; activations and gradients are gone then."""
    from finetooth.models.load import load_config

    more = getattr(head, "answering_mb", None)
    if more is None:
        return told
    taken = more(told, load_config(folder, None), batch_tokens=2 * config.train.batch_tokens)
    return replace(told, answering=told.weights + told.optimizer + taken)


def surely_fits(folder: Path, windows: Sequence[Window], plan: Plan, place: Place) -> bool:
    """Whether a generous bound, from the config and the files' headers alone, is far below what there is.

    Then nothing needs to be followed, and a small run starts as fast as before.
    """
    from finetooth.models.load import load_config

    shape = load_config(folder, None)
    sizes = [getattr(shape, k, None) for k in ("num_hidden_layers", "hidden_size", "vocab_size")]
    layers, hidden, vocabulary = (size if isinstance(size, int) else 0 for size in sizes)
    if not (layers and hidden and vocabulary):
        return False
    lengths = np.array([len(w) for w in windows])
    tokens = max(len(b) * int(lengths[b].max()) for u in plan.updates for b in u.batches)
    # Stored in as little as a byte a weight, held in four, four times over (itself, gradient, two moments);
    # a model that is still to be drawn has no file, and some 12 squares of its width a layer.
    weights = 16 * max(weights_in_file(folder), 12 * layers * hidden**2 + vocabulary * hidden)
    # Korthikanti et al. 2022 count 34 bytes a token, layer and unit of width in half precision, and five a
    # pair of tokens and head where attention is not fused; in single precision and with adapters it is thrice that.
    heads = getattr(shape, "num_attention_heads", None) or hidden // 64
    activations = 3 * tokens * layers * (34 * hidden + 5 * heads * int(lengths.max()))
    logits = 12 * tokens * vocabulary
    most = place.taken + KERNELS_MB + (weights + activations + logits) / MIB
    return most < min(place.total / 2, ROOM * place.free)


def check(
    config: Config,
    built: Built,
    windows: Sequence[Window],
    plan: Plan,
    *,
    precision: str,
    processes: int = 1,
) -> Checked:
    """Raises PreflightError for what cannot fit, naming what would; reads no weight.

    ``processes`` share what is asked for where ``train.distributed`` is "fsdp".

    ``train.memory_check`` says what to do about it: "stop", "warn" or "off". A model of somebody's own,
    which has no folder, is not looked at.
    """
    how = config.train.memory_check
    if how == "off" or built.folder is None:
        return Checked()
    place = here()
    if surely_fits(built.folder, windows, plan, place):
        return Checked()
    own = config.model.strategy
    told = estimates(config, built, windows, plan, precision=precision, strategies=[own])[own]
    if isinstance(told, str):
        return Checked(warnings=(f"memory: {told}",))
    if config.train.distributed == "fsdp" and processes > 1:
        told = told.spread(processes)
    need = place.need(told, keep=False)
    keep = place.gpu or place.need(told) <= ROOM * (place.free + place.taken)
    if need > place.total:
        message = f"training would take about {need:,.0f} MiB, {place.name} has {place.total:,.0f}"
        cure = advice(config, built, windows, plan, place, precision=precision)
        if how == "stop":
            raise PreflightError(message, where=f"model.strategy: {own}", cure=cure)
        return Checked(told, (f"{message} ({cure})",), keep=False)
    if need > place.free + place.taken:
        return Checked(
            told,
            (f"training takes about {need:,.0f} MiB, {place.name} has {place.free:,.0f} free at the moment",),
            keep=False,
        )
    return Checked(told, keep=keep)


def advice(
    config: Config, built: Built, windows: Sequence[Window], plan: Plan, place: Place, *, precision: str
) -> str:
    """What would fit: the strategies that do, else a smaller batch."""
    others = [s for s in STRATEGIES if s != config.model.strategy and (place.gpu or s != "qlora")]
    found = estimates(config, built, windows, plan, precision=precision, strategies=others)
    fitting = [
        f"model.strategy={s} ({place.need(e, keep=False):,.0f} MiB)"
        for s, e in found.items()
        if isinstance(e, Estimate) and place.fits(e)
    ]
    force = "; train.memory_check=warn tries it all the same"
    if fitting:
        return "what fits: " + ", ".join(fitting) + force
    smallest = config.model.max_length_tokens
    if config.train.batch_tokens > smallest:
        return (
            f"no strategy fits; a smaller train.batch_tokens, down to {smallest}, or a smaller model{force}"
        )
    return f"no strategy fits; a smaller model.max_length_tokens, or a smaller model{force}"


@dataclass(frozen=True)
class Survey:
    """All strategies side by side. A row: Estimate.to_json with ``need`` and ``least`` (MiB, everything counted), ``fits``,
    ``why`` (not). ``least`` is without the holes that a CPU's faster heap has, and what the verdict goes by."""

    place: Place
    head: str
    precision: str
    batches: int
    windows: int
    length: int
    rows: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def survey(config: Config, *, total_mb: float | None = None, gpu: bool = True) -> Survey:
    """What each strategy would take for the data of a configuration: here, or in a GPU (machine) of ``total_mb``.

    Reads the data, the tokenizer and the config; no weight. Raises what reading them raises, PreflightError
    where no example can be trained on.
    """
    from finetooth import registry
    from finetooth.train import batches, data

    task = registry.task(config.task)
    examples = list(data.load(config).train.examples)
    built = default(config, task, examples, weights=False)
    head = built.head
    windows = head.windows(examples)
    if not windows:
        raise PreflightError("no example can be trained on", cure="a longer model.max_length_tokens")
    plan = batches.plan(
        [len(w) for w in windows],
        batch_tokens=config.train.batch_tokens,
        accumulation=config.train.accumulation_steps,
        epochs=1,
        seed=config.seed,
    )
    place = here() if total_mb is None else of_size(total_mb, gpu=gpu)
    precision = machine.pick_precision(config.train)[0]
    if total_mb is not None and gpu and config.train.precision == "auto":
        precision = "bf16"
    widest = heaviest(windows, plan)[0]
    rows: list[dict[str, Any]] = []
    for strategy, told in estimates(config, built, windows, plan, precision=precision).items():
        if isinstance(told, str):
            rows.append({"strategy": strategy, "need": None, "fits": False, "why": told})
            continue
        why = "" if place.gpu or strategy != "qlora" else "four-bit weights need a GPU"
        rows.append(
            {
                **told.to_json(),
                "least": place.need(told, keep=False),
                "need": place.need(told),
                "fits": place.fits(told),
                "why": why,
            }
        )
    return Survey(
        place=place,
        head=head.name,
        precision=precision,
        batches=sum(len(u.batches) for u in plan.updates),
        windows=len(widest),
        length=max(len(windows[i]) for i in widest),
        rows=rows,
    )
