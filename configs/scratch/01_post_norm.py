"""Where a first attempt begins: six post-norm layers, an end and a start with a layer each, Adam, no warmup, 3,000 questions.

Every other recipe takes one before it and changes a thing or two; data and all else can be set as always:
finetooth train configs/scratch/03_pre_norm.py data.train=train.json data.dev=dev.json seed=1
"""

config = {
    "task": "qa",
    "data": {"train": "train.json", "dev": "dev.json", "max_train_examples": 3000, "on_error": "keep"},
    "model": {
        "name": "scratch",
        "max_length_tokens": 384,
        "stride_tokens": 128,
        "dropout": 0.1,
        "attention_dropout": 0.0,
        "scratch": {
            "layers": 6,
            "width": 256,
            "heads": 4,
            "norm": "post",
            "positions": "learned",
            "span_head": "separate",
            "vocabulary": 8000,
        },
    },
    "train": {
        "epochs": 20,
        "learning_rate": 3e-4,
        "optimizer": "adam",
        "weight_decay": 0.0,
        "warmup_steps": 0,
        "schedule": "constant",
        "batch_tokens": 4096,
        "early_stopping_patience": 4,
    },
    "seed": 0,
    "out": "runs/scratch/01_post_norm",
}
