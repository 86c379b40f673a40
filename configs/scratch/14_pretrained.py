"""All questions, from an encoder that learnt to answer questions made of the training texts (pretrain_2_spans)."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("13_all.py"),
    [
        "model.name=runs/scratch/pretrain_2_spans",
        "train.epochs=8",
        "out=runs/scratch/14_pretrained",
    ],
)
