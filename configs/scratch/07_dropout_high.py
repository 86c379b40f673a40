"""Dropout 0.2: against learning 3,000 questions by heart."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("05_warmup.py"),
    [
        "model.dropout=0.2",
        "out=runs/scratch/07_dropout_high",
    ],
)
