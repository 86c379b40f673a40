"""All questions that there are."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("11_matches.py"),
    [
        "data.max_train_examples=",
        "out=runs/scratch/13_all",
    ],
)
