"""A warmup of 200 steps, then a linear way down to zero."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("04_adamw.py"),
    [
        "train.warmup_steps=200",
        "train.schedule=linear",
        "out=runs/scratch/05_warmup",
    ],
)
