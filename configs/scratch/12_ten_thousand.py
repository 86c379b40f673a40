"""10,000 questions instead of 3,000 (all of them, where there are fewer)."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("11_matches.py"),
    [
        "data.max_train_examples=10000",
        "out=runs/scratch/12_ten_thousand",
    ],
)
