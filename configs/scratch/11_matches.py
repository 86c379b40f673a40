"""Tokens are told whether they stand in the question too: with little data that is learnt late or never."""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("10_rotary.py"),
    [
        "model.scratch.match_embeddings=true",
        "out=runs/scratch/11_matches",
    ],
)
