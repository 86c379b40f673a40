"""Before 14, after pretrain_1_mlm: questions made of the training texts. finetooth pretrain configs/scratch/pretrain_2_spans.py"""

from pathlib import Path

from finetooth.config import load

config = load(
    Path(__file__).with_name("pretrain_1_mlm.py"),
    [
        "pretrain.objective=spans",
        "model.name=runs/scratch/pretrain_1_mlm",
        "train.epochs=4",
        "train.learning_rate=3e-4",
        "out=runs/scratch/pretrain_2_spans",
    ],
)
