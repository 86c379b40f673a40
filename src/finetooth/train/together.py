"""Several processes that train one model: torchrun and ``accelerate launch`` say so in the environment.

    torchrun --nproc-per-node 2 -m finetooth train qa.yaml

The plan of the run is that of one process: each takes a share of the windows of every batch, gradients and weights
of the loss are added up over all of them, and divided once. So the update is the same mean over the same windows,
whatever the number of processes, and differs by the rounding of sums alone. The first process writes the run folder.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finetooth.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import torch

HOURS = 12  # the others wait for the first while it evaluates


@dataclass(frozen=True)
class Team:
    """This process among ``size``; alone, every method returns what it was given."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return self.size == 1

    def share(self, numbers: np.ndarray) -> np.ndarray:
        """The windows of a batch that are this process's: they are sorted by length, so each gets long and short."""
        return numbers[self.rank :: self.size]

    def add_up(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all processes, in place."""
        if not self.alone:
            import torch.distributed as dist

            dist.all_reduce(values)
        return values

    def add_up_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Sums gradients over all processes, in place. One that has none anywhere keeps none: it is not trained."""
        if self.alone or not parameters:
            return
        import torch
        import torch.distributed as dist

        has = torch.tensor([float(p.grad is not None) for p in parameters], device=parameters[0].device)
        dist.all_reduce(has, dist.ReduceOp.MAX)
        for parameter, somewhere in zip(parameters, has.tolist(), strict=True):
            if somewhere:
                if parameter.grad is None:  # an update with fewer windows than processes
                    parameter.grad = torch.zeros_like(parameter)
                dist.all_reduce(parameter.grad)

    def merged(self, values: np.ndarray) -> np.ndarray:
        """Arrays in which each process has filled other places, NaN elsewhere, as one."""
        if self.alone:
            return values
        import numpy as np
        import torch
        import torch.distributed as dist

        # The largest: a value that several have is the same in all, and stays as it is to the bit.
        tensor = torch.from_numpy(np.where(np.isnan(values), -np.inf, values))
        dist.all_reduce(tensor, dist.ReduceOp.MAX)
        made = tensor.numpy()
        return np.where(np.isinf(made), np.nan, made).astype(values.dtype)

    def told(self, value: Any) -> Any:
        """What the first process has, in all of them."""
        if self.alone:
            return value
        import torch.distributed as dist

        held = [value]
        dist.broadcast_object_list(held, src=0)
        return held[0]

    def same_weights(self, model: Any) -> None:
        """Gives all processes the first one's weights and buffers."""
        if self.alone:
            return
        import torch
        import torch.distributed as dist

        with torch.no_grad():
            for tensor in [*model.parameters(), *model.buffers()]:
                dist.broadcast(tensor, src=0)

    def close(self) -> None:
        if not self.alone:
            import torch.distributed as dist

            dist.destroy_process_group()


def rank() -> int:
    """The number of this process among those that were started together; 0 where it is alone."""
    return int(os.environ.get("RANK", 0)) if int(os.environ.get("WORLD_SIZE", 1)) > 1 else 0


def local_size() -> int:
    """How many of them share this machine."""
    return max(1, int(os.environ.get("LOCAL_WORLD_SIZE", 1))) if "RANK" in os.environ else 1


def join() -> Team:
    """The team that the environment names, connected; a process started by itself is a team of one."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1 or "RANK" not in os.environ:
        return Team()
    for name in ("FSDP", "DEEPSPEED"):
        if os.environ.get(f"ACCELERATE_USE_{name}", "false").lower() == "true":
            raise UsageError(
                f"the launcher asks for {name} by a plan of its own",
                where=f"ACCELERATE_USE_{name}",
                cure="launch without it, with train.distributed=fsdp to spread weights over the processes",
            )
    from datetime import timedelta

    import torch
    import torch.distributed as dist

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    if not dist.is_initialized():
        # Gradients go by NCCL where there are GPUs; what one process tells another always by gloo.
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, timeout=timedelta(hours=HOURS))
    return Team(int(os.environ["RANK"]), size)
