"""Pre-norm blocks: the gradient has a straight way to every layer, so that no warmup is needed to survive."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("02_shared_head.py"),
    [
        "model.scratch.norm=pre",
        "out=runs/scratch/03_pre_norm",
    ],
)
