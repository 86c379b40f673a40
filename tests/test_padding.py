"""Batches come in few shapes: lengths are rounded up, but never beyond what the model reads."""

import numpy as np
import pytest

pytest.importorskip("torch")

from finetooth.models.head import Window
from finetooth.models.sequences import pad, padded_length, rounded
from finetooth.train.batches import plan


def test_short_lengths_go_to_the_next_eight_and_long_ones_to_the_next_sixteen():
    assert rounded(np.array([1, 8, 9, 121, 128, 129, 300])).tolist() == [8, 8, 16, 128, 128, 144, 304]


def test_no_batch_is_longer_than_what_the_model_reads():
    assert padded_length(381, 384) == 384
    assert padded_length(381, 382) == 382
    batch = pad([Window(0, [5] * 11), Window(1, [5] * 3)], 0, limit=12)
    assert batch["input_ids"].shape == (2, 12)
    assert batch["attention_mask"].sum(1).tolist() == [11, 3]
    assert "attention_mask" not in pad([Window(0, [5] * 16)], 0, limit=512)


def test_a_run_plans_with_the_lengths_that_its_batches_have():
    lengths = np.random.default_rng(0).integers(20, 380, 400)
    made = plan(lengths, batch_tokens=2048, epochs=1, seed=0)
    shapes = [(len(b), int(rounded(lengths[b]).max())) for u in made.updates for b in u.batches]
    assert all(count * longest <= 2048 for count, longest in shapes)
    assert made.padded == sum(count * longest for count, longest in shapes)
    assert 0 < made.padding < 0.1
