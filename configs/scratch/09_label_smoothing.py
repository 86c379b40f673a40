"""Labels smoothed by 0.1: a tenth of the probability is asked to be everywhere."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("05_warmup.py"),
    [
        "train.label_smoothing=0.1",
        "out=runs/scratch/09_label_smoothing",
    ],
)
