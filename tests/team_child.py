"""Runs of the toy head by one process or, under torchrun, by several: ``team_child.py OUT[,KEY=VALUE,...] ...``.

One after the other; a run with ``die=STEP`` is the last, for it ends the process there.
"""

import os
import sys

import torch
import torch.distributed.fsdp
import train_toy as toy

from finetooth import config
from finetooth.train import stages, train
from finetooth.train.build import Built
from finetooth.train.loop import Loop
from finetooth.train.together import Team

assert stages  # transformers' Trainer comes with it, and a fork should find all that is slow to import

BASE = {
    "task": "qa",
    "data": {"train": "memory"},
    "model": {"dropout": 0.0},
    "train": {
        "epochs": 2,
        "learning_rate": 5e-3,
        "warmup_steps": 3,
        "batch_tokens": 128,
        "accumulation_steps": 2,
        "save_steps": 4,
        "precision": "fp32",
        "threads": 1,
    },
}


class Model(toy.ToyModel):
    """The toy's own mixing wraps around the end of the batch, so that what it says depends on the padding."""

    def __init__(self, dropout: float) -> None:
        super().__init__(dropout=dropout)
        # A stack, as models of the field have one.
        self.body["layers"] = torch.nn.ModuleList([self.body.pop("mix")])

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.body["words"](input_ids)
        hidden = hidden + torch.nn.functional.pad(hidden, (0, 0, 3, 0))[:, :-3]
        for layer in self.body["layers"]:
            hidden = layer(hidden, src_key_padding_mask=attention_mask == 0)
        return self.out(hidden).squeeze(-1).masked_fill(attention_mask == 0, -1e4)


def build(config, task, examples) -> Built:
    return Built(toy.ToyHead(dropout=0.0), lambda: Model(dropout=0.0))


def run(out, *overrides) -> None:
    die = next((int(o.removeprefix("die=")) for o in overrides if o.startswith("die=")), 0)
    if die:
        end = Loop.on_step_end

        def deadly(self, *args, **more):
            done = end(self, *args, **more)
            if self.step == die:
                os._exit(9)
            return done

        Loop.on_step_end = deadly
    keys = [o for o in overrides if not o.startswith("die=")]
    settings = config.build({**BASE, "out": out}, keys)
    train(settings, train=toy.examples(61), dev=toy.examples(20, seed=1), build=build)


def main(runs: list[str]) -> None:
    leave, Team.close = Team.close, lambda self: None  # the next run goes on in the same team
    for words in runs:
        run(*words.split(","))
    if "RANK" in os.environ:
        leave(Team(0, 2))


def one_of_two(rank: int, port: int, runs: list[str]) -> None:
    """What torchrun would have started: a process that is told its place in the environment."""
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    main(runs)


if __name__ == "__main__":
    main(sys.argv[1:])
