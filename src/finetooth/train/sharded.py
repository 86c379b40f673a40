"""Weights, gradients and optimiser state spread over the processes of a team (fully sharded data parallelism).

    torchrun --nproc-per-node 2 -m finetooth train qa.yaml train.distributed=fsdp

Zhao et al. 2023, as torch's ``fully_shard`` does it: each process keeps a share of every weight; a layer is whole while
it is computed. Between steps the first process can be given the whole model (``gather``), in which dev is
evaluated and from which checkpoints and the finished model are written: they are those of any other run.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import torch
from torch import nn

from finetooth.errors import UsageError
from finetooth.models.adapt import LAYER
from finetooth.models.head import Head, Step
from finetooth.train.together import Team


class Pass(nn.Module):
    """A head's step as a forward pass: what is of no layer (embeddings, the head) is whole as long as it lasts."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, step: Any, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        made = step(self.model, batch)
        # Tensors by themselves: what comes out in an object of ours would be missed by the backward pass.
        return tuple(getattr(made, f.name) for f in fields(Step))


class Sharded:
    """``model`` becomes this process's share of it; ``whole`` is a model of its own, in the first process alone."""

    def __init__(self, model: nn.Module, team: Team, device: torch.device) -> None:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import FSDPModule, fully_shard

        if not hasattr(FSDPModule, "set_force_sum_reduction_for_comms"):
            raise UsageError(
                f"train.distributed: fsdp needs torch 2.9, this is {torch.__version__}", cure="a newer torch"
            )
        odd = next((n for n, p in model.named_parameters() if not p.dim()), None)
        if odd is not None:
            raise UsageError(
                f"train.distributed: fsdp cannot divide {odd}, a single number", cure="train.distributed=ddp"
            )
        self.model, self.team, self.device = model, team, device
        self.whole = copy.deepcopy(model.cpu()) if team.first else None
        mesh = init_device_mesh(device.type, (team.size,))
        self._pass = Pass(model)
        for part in (*layers(model), self._pass):
            fully_shard(part, mesh=mesh, reshard_after_forward=True)
        for part in self._pass.modules():
            if isinstance(part, FSDPModule):
                # Sums: what is divided by is known when all of an update is done.
                part.set_gradient_divide_factor(1.0)
                part.set_force_sum_reduction_for_comms(True)

    def step(self, head: Head, batch: dict[str, torch.Tensor]) -> Step:
        """``head.step``; all processes must be at one, for layers are gathered for all."""
        return Step(*self._pass(head.step, batch))

    def norm(self, gradients: list[torch.Tensor]) -> torch.Tensor:
        """The length of all gradients together, of which these are this process's shares."""
        return self.team.add_up(torch.nn.utils.get_total_norm(gradients) ** 2).sqrt()

    def gather(self) -> None:
        """Brings the weights as they are now into ``whole``. All processes must call it."""
        known = dict(_tensors(self.whole)) if self.whole is not None else {}
        with torch.no_grad():
            for name, tensor in _tensors(self.model):
                value = _full(tensor)
                if known:
                    known[name].copy_(value)

    @contextmanager
    def lent(self) -> Iterator[Any]:
        """``whole``, on the device as long as it is needed."""
        assert self.whole is not None
        try:
            yield self.whole.to(self.device)
        finally:
            self.whole.cpu()

    def full(self, state: Any) -> Any:
        """A state_dict with whole tensors, on the CPU. All processes must call it; only the first should keep it."""
        if isinstance(state, dict):
            return {k: self.full(v) for k, v in state.items()}
        if isinstance(state, list):
            return [self.full(v) for v in state]
        if not isinstance(state, torch.Tensor):
            return state
        value = _full(state)
        return value.cpu() if self.team.first else None

    def shares(self, state: dict[str, Any], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """The state_dict of an optimiser with whole tensors, as one of this process's shares."""
        from torch.distributed.tensor import DTensor, distribute_tensor

        parameters = [p for group in optimizer.param_groups for p in group["params"]]

        def share(p: torch.Tensor, value: Any) -> Any:
            if not isinstance(p, DTensor) or not isinstance(value, torch.Tensor) or value.shape != p.shape:
                return value
            # Each has read the same file: nothing needs to be sent.
            return distribute_tensor(value.to(self.device), p.device_mesh, p.placements, src_data_rank=None)

        made = {
            i: {k: share(parameters[i], v) for k, v in values.items()} for i, values in state["state"].items()
        }
        return {**state, "state": made}


def local(tensor: torch.Tensor) -> torch.Tensor:
    """This process's share of it, the same memory; a tensor that is not divided as it is."""
    from torch.distributed.tensor import DTensor

    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def layers(model: nn.Module) -> list[nn.Module]:
    """The layers of the model's stacks, each once and none within another: one is whole at a time."""
    found: dict[int, nn.Module] = {}
    names: list[str] = []
    for name, module in model.named_modules():
        if LAYER.fullmatch(f".{'.'.join(name.split('.')[-2:])}.") and not name.startswith(tuple(names)):
            found[id(module)] = module
            names.append(f"{name}.")
    return list(found.values())


def _tensors(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Trained weights and buffers by name, as checkpoints keep them; frozen weights are the base model's."""
    yield from ((n, p) for n, p in model.named_parameters() if p.requires_grad)
    yield from model.named_buffers()


def _full(tensor: torch.Tensor) -> torch.Tensor:
    from torch.distributed.tensor import DTensor

    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
