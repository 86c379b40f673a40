"""Before 14: masked words of the training texts are foretold. finetooth pretrain configs/scratch/pretrain_1_mlm.py"""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("13_all.py"),
    [
        "pretrain.objective=mlm",
        "train.epochs=40",
        "train.learning_rate=5e-4",
        "model.dropout=0.0",
        "out=runs/scratch/pretrain_1_mlm",
    ],
)
