"""Twelve layers instead of six."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("05_warmup.py"),
    [
        "model.scratch.layers=12",
        "out=runs/scratch/08_depth_12",
    ],
)
