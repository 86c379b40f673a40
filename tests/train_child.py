"""A run of the toy head for a process of its own, told where to die: OUT [step=N] [sync=N].

``step=N`` kills it with SIGKILL once N steps are done, ``sync=N`` at the Nth file that a checkpoint
syncs to disk, so in the middle of writing one.
"""

import os
import signal

import train_toy as toy

from finetooth import config
from finetooth.train import Watch, checkpoints, stages, train

assert stages  # imported here, since it takes transformers' Trainer with it, which a fork should find there


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly(Watch):
    def __init__(self, step: int) -> None:
        self.step = step

    def progress(self, phase, done, of, **values):
        if phase == "train" and done == self.step:
            die()
        if phase == "evaluate" and self.step == -1:
            die()


def main(arguments: list[str]) -> None:
    out = arguments[0]
    where = dict(argument.split("=", 1) for argument in arguments[1:])
    if "sync" in where:
        sync, left = checkpoints._sync, [int(where["sync"])]

        def counted(path):
            left[0] -= 1
            if left[0] == 0:
                die()
            sync(path)

        checkpoints._sync = counted
    settings = config.build(
        {
            "task": "qa",
            "data": {"train": "memory"},
            "model": {"dropout": 0.2},
            "train": {
                "epochs": 3,
                "learning_rate": 5e-3,
                "warmup_steps": 3,
                "batch_tokens": 256,
                "accumulation_steps": 2,
                "save_steps": 4,
                "watch_dev_dynamics": True,
                "threads": 1,
            },
            "out": out,
        }
    )
    train(
        settings,
        train=toy.examples(80),
        dev=toy.examples(20, seed=1),
        build=toy.build,
        watch=Deadly(int(where.get("step", 0))),
    )
