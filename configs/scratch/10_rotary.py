"""Rotary positions: attention sees distances, not places that it must learn one by one."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("05_warmup.py"),
    [
        "model.scratch.positions=rotary",
        "out=runs/scratch/10_rotary",
    ],
)
