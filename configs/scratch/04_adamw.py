"""AdamW for Adam: decay that is not scaled by the gradient's history."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("03_pre_norm.py"),
    [
        "train.optimizer=adamw",
        "train.weight_decay=0.01",
        "out=runs/scratch/04_adamw",
    ],
)
