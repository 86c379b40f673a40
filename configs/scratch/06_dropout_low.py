"""Dropout 0.05: what the model can no longer be protected from by chance."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("05_warmup.py"),
    [
        "model.dropout=0.05",
        "out=runs/scratch/06_dropout_low",
    ],
)
