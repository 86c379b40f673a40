"""The doctor: planted bugs are caught by the rung that is there for them, and a healthy model passes."""

import numpy as np
import pytest
import torch

from finetooth import config
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.train import doctor
from finetooth.types import Example, Span

NAMES = "ada bela cleo dora egon finn gus hana ines jon".split()


def questions(n, *, seed, short=(6, 20), long=(60, 90)):
    """Names in any order and one number, which is the answer; a fifth are longer than a window."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        size = int(rng.integers(*(long if i % 5 == 0 else short)))
        words = [str(w) for w in rng.choice(NAMES, size)]
        at = int(rng.integers(1, size - 1))
        words[at] = str(rng.integers(2, 10))
        context = " ".join(words)
        start = len(" ".join(words[:at])) + 1
        target = QATarget((Span(start, start + 1, words[at]),))
        made.append(Example(f"{seed}-{i}", QAInput("what number ?", context), target))
    return made


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A BERT of two layers of 32 that knows these words, its weights not trained."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *NAMES, *"23456789", "what", "number", "?"]
    rust = BertWordPieceTokenizer(vocab={w: i for i, w in enumerate(words)}, lowercase=True)
    BertTokenizerFast(
        tokenizer_object=rust._tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    BertModel(
        BertConfig(vocab_size=len(words), max_position_embeddings=64, initializer_range=0.1, **shape),
        add_pooling_layer=False,
    ).save_pretrained(folder)
    return folder


def settings(base, **changes):
    return config.build(
        {
            "task": "qa",
            "data": {"train": "memory"},
            "model": {"name": str(base), "max_length_tokens": 48, "stride_tokens": 8},
            "train": {
                "learning_rate": 3e-3,
                "warmup_steps": 5,
                "batch_tokens": 1024,
                "threads": 1,
                "epochs": 4,
            },
            "out": "nowhere",
            **changes,
        }
    )


def examine(base, **more):
    return doctor.examine(settings(base), train=questions(300, seed=1), dev=questions(60, seed=2), **more)


def test_a_healthy_model_climbs_the_whole_ladder(base):
    found = examine(base)
    assert [(o.rung, o.state) for o in found.outcomes] == [(r.name, "holds") for r in doctor.RUNGS], (
        found.verdict
    )
    assert found.healthy
