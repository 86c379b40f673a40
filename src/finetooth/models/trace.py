"""A training step without numbers: what it would hold in memory, told before any weight is read.

The head's own step, forward and backward, runs on tensors that have a shape and a type and nothing in
them (torch's FakeTensor), and every storage is counted from its birth to its end. So it is right for any
architecture, strategy, precision and batch that transformers and peft can build, and costs about a second.
"""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from finetooth.config import ModelConfig
from finetooth.models.adapt import adapt, linear_layers
from finetooth.models.load import shapes_only

# NF4: four bits a weight, a scale for each 64 weights in 8 bits, a fp32 scale of scales for each 256
# (QLoRA: Dettmers et al. 2023, section 3: 0.127 bits a weight for all scales).
NF4_BYTES = 0.5 + 0.127 / 8


@dataclass(frozen=True)
class Traced:
    """Bytes. ``peak`` is the most that lives at once in forward and backward, weights and gradients included.

    ``activations`` and ``logits`` live when the forward pass is over; logits are whatever is as wide as the
    vocabulary. The optimiser is in none of them but its own figure.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    peak: int
    trained: int
    parameters: int


def trace(
    build: Callable[[], Any],
    step: Callable[[Any, dict[str, Any]], Any],
    options: ModelConfig,
    batches: Sequence[Mapping[str, Any]],
    *,
    precision: str,
    accumulated: bool = False,
) -> Traced:
    """The most that one of ``batches`` takes. ``build`` and ``step`` are a head's; batches are collated, on the CPU.

    ``accumulated``: whether gradients of an earlier batch lie there already. Raises what torch raises for an
    operation that needs numbers where there are none.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    with shapes_only(), torch.device("meta"), warnings.catch_warnings():
        # What libraries have to say about their own next versions is said when the run begins.
        warnings.simplefilter("ignore")
        model = build()
        if options.strategy == "qlora":
            _four_bits(model)
            model = adapt(model, options.model_copy(update={"strategy": "lora"}))
        else:
            model = adapt(model, options)
        model.train()
    # What the collector of cycles frees, it frees at any moment; without it one step always gives one figure.
    with FakeTensorMode(allow_non_fake_inputs=True), Counter() as count, _no_collector():
        _as_on_cpu(model)
        parameters = list(model.parameters())
        weights = sum(_sizes([*parameters, *model.buffers()]).values())
        trained = [p for p in parameters if p.requires_grad]
        count.vocabulary = getattr(getattr(model, "config", None), "vocab_size", None)
        count.known = set(_sizes(parameters))
        most: tuple[int, int, int] = (0, 0, 0)
        for batch in batches:
            if not accumulated:
                model.zero_grad()
            # What is there besides the weights before the step is no part of it (what building left over).
            before = count.now - weights
            if accumulated:
                before -= sum(_sizes(p.grad for p in trained if p.grad is not None).values())
            count.peak = count.now
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                made = step(model, dict(batch))
            loss = made.loss.float().sum()
            logits = count.logits
            held = count.now - weights - before - logits
            loss.backward()
            del made, loss
            most = max(most, (count.peak - before, held, logits))
        # Of four-bit layers the weights that there are, not the bytes they are packed into.
        packed = sum(
            m.in_features * m.out_features - m.weight.numel()
            for m in model.modules()
            if isinstance(m, FourBits)
        )
        gradients = sum(p.numel() * p.element_size() for p in trained)
    return Traced(
        weights=weights,
        gradients=gradients,
        optimizer=2 * gradients,
        activations=most[1],
        logits=most[2],
        peak=most[0],
        trained=sum(p.numel() for p in trained),
        parameters=sum(p.numel() for p in parameters) + packed,
    )


@contextmanager
def _no_collector() -> Iterator[None]:
    was = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _as_on_cpu(model: nn.Module) -> None:
    """Exchanges parameters and buffers of the device "meta" for fakes on the CPU, whose kernels and autocast then count.

    Models are not built as fakes right away, since peft moves modules about and fakes cannot be moved.
    """
    made: dict[int, torch.Tensor] = {}

    def fake(t: torch.Tensor) -> torch.Tensor:
        if id(t) not in made:
            new = torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device="cpu")
            made[id(t)] = nn.Parameter(new, t.requires_grad) if isinstance(t, nn.Parameter) else new
        return made[id(t)]

    for module in model.modules():
        both: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for kept in both:
            for name, t in kept.items():
                if t is not None:
                    kept[name] = fake(t)


def _sizes(tensors: Iterable[torch.Tensor]) -> dict[int, int]:
    """Bytes by storage: tied weights count once."""
    stores = (t.untyped_storage() for t in tensors)
    return {s._cdata: s.nbytes() for s in stores}


class Counter(TorchDispatchMode):
    """Counts the bytes of all storages that live. ``logits`` are those as wide as ``vocabulary``."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = self.logits = 0
        self.vocabulary: int | None = None
        self.known: set[int] = set()
        self._live: dict[int, tuple[int, bool]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        from torch._subclasses.fake_tensor import FakeTensor, unset_fake_temporarily

        tensors = [x for x in torch.utils._pytree.tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
        real = not any(isinstance(t, FakeTensor) for t in tensors) if tensors else _places(func, kwargs or {})
        if real:
            # Places, labels and masks have numbers, since models look at them: how many entities are there,
            # is anything masked? Without an answer another kernel would be taken than in a real step.
            with unset_fake_temporarily():
                out = func(*args, **(kwargs or {}))
        else:
            out = func(*args, **(kwargs or {}))
        for t in torch.utils._pytree.tree_leaves(out):
            if isinstance(t, torch.Tensor):
                self._see(t)
        return out

    def _see(self, tensor: torch.Tensor) -> None:
        store = tensor.untyped_storage()
        key = store._cdata
        if key in self._live:
            return
        size = store.nbytes()
        wide = bool(self.vocabulary) and tensor.dim() > 1 and tensor.shape[-1] == self.vocabulary
        self._live[key] = (size, wide)
        self.now += size
        self.logits += size if wide else 0
        self.peak = max(self.peak, self.now)
        weakref.finalize(store, self._gone, key)

    def _gone(self, key: int) -> None:
        size, wide = self._live.pop(key, (0, False))
        self.now -= size
        self.logits -= size if wide else 0


def _places(func: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether something is made that counts or says yes and no, and not what a model computes with."""
    name = func.overloadpacket.__name__
    whole = (torch.long, torch.int, torch.bool)
    return name == "arange" or (name in ("zeros", "ones", "full") and kwargs.get("dtype") in whole)


class FourBits(nn.Linear):
    """A frozen linear layer whose weights are kept in four bits and spread out only while they are used."""

    def __init__(self, layer: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.bias = layer.bias
        packed = torch.empty(round(layer.weight.numel() * NF4_BYTES), dtype=torch.uint8)
        self.weight = nn.Parameter(packed, requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bias = self.bias.detach() if self.bias is not None else None
        return _Spread.apply(x, self.weight, bias, self.out_features)


class _Spread(torch.autograd.Function):
    """Saves what is packed and not what is spread out, as bitsandbytes does."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, packed: torch.Tensor, bias: Any, wide: int) -> torch.Tensor:
        ctx.save_for_backward(packed)
        ctx.shape = (wide, x.shape[-1])
        x = x.to(torch.bfloat16)
        return nn.functional.linear(
            x, x.new_empty(ctx.shape), bias.to(torch.bfloat16) if bias is not None else None
        )

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Any:
        return grads[0] @ grads[0].new_empty(ctx.shape), None, None, None


def _four_bits(model: nn.Module) -> None:
    """Puts four-bit layers in place of those that ``adapt.pack`` would pack."""
    for module, name, layer in linear_layers(model):
        setattr(module, name, FourBits(layer))
