"""One projection for both ends instead of a hidden layer each: fewer weights that start from nothing."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("01_post_norm.py"),
    [
        "model.scratch.span_head=shared",
        "out=runs/scratch/02_shared_head",
    ],
)
