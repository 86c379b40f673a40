"""Answers that go round in circles are cut off where that is plain, and only there."""

from __future__ import annotations

import pytest
import torch

from finetooth.models.generation import Sampling, generate
from finetooth.models.loops import LEAST, PERIOD, Loops, limit, longest


def stops_at(tokens, most=LEAST):
    loops = Loops(1, most)
    return next((i + 1 for i, t in enumerate(tokens) if loops.take([t])[0]), None)


@pytest.mark.parametrize("period", [1, 3, 20, PERIOD])
def test_a_circle_is_seen_after_so_many_tokens_of_it(period):
    circle = list(range(100, 100 + period))
    want = period + max(LEAST, 4 * period)
    assert stops_at([1, 2, 3, *circle * 200]) == 3 + want


def test_what_only_looks_like_a_circle_goes_on():
    near = [t for i in range(100) for t in (7, 8, 9, i % 11)]  # a row of a table: one column changes
    assert stops_at(near, most=40) is not None  # after 11 rows it is the same table again
    assert stops_at([t for i in range(300) for t in (7, 8, 9, 1000 + i)]) is None
    assert stops_at(list(range(PERIOD + 1)) * 20) is None  # longer than what is looked for


def test_rows_that_end_leave_the_others_as_they_are():
    loops = Loops(3, 4)
    for _ in range(4):
        assert not loops.take([1, 2, 3]).any()
    loops.keep([0, 2])
    assert loops.take([1, 9]).tolist() == [True, False]


def test_the_longest_circle_of_training_answers_sets_the_margin():
    assert longest([]) == 0
    assert longest([[1, 2, 3, 4]]) == 0
    assert longest([[5, 0, 0, 0, 0, 6], [0, 0]]) == 3  # not over the border of two answers
    assert longest([[1, 2, 1, 2, 1, 2, 9]]) == 4
    assert longest([[1, 2, 1, 2, 9]]) == 0  # once more is no circle
    assert (limit(0), limit(100)) == (LEAST, 200)


class Counting(torch.nn.Module):
    """Says last token + 1, modulo ``period``: a circle for sure."""

    def __init__(self, period):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.period = period
        self.config = type("Config", (), {"num_hidden_layers": 1, "get_text_config": lambda s, **k: s})()

    def forward(self, input_ids, attention_mask=None, past_key_values=None, use_cache=True):
        following = (input_ids + 1) % self.period
        logits = torch.nn.functional.one_hot(following, 100).float() * 50
        return type("Out", (), {"logits": logits})()


@pytest.mark.parametrize(("period", "loop_tokens", "length"), [(5, 30, 35), (5, None, 300), (90, 30, 300)])
def test_a_circling_answer_is_cut_off(monkeypatch, period, loop_tokens, length):
    class Cache:
        def batch_select_indices(self, at):
            pass

    monkeypatch.setattr("finetooth.models.kv_cache.new_cache", lambda model: Cache())

    def say(sampling=None, limits=None):
        return generate(
            Counting(period),
            [[0], [1], [2]],
            most_tokens=[300, 300, 10],
            ends=(99,),
            pad=0,
            loop_tokens=loop_tokens,
            sampling=sampling,
            limits=limits,
        )

    made = say()
    assert [len(m.ids) for m in made] == [length, length, 10]
    assert made[0].ids[:6] == [1 % period, 2 % period, 3 % period, 4 % period, 5 % period, 6 % period]
    assert not made[0].ended
    assert len(say(Sampling(temperature=0.01))[0].ids) == 300  # drawn text may find its way out
    assert len(say(limits=lambda i: None)[0].ids) == 300  # so may what a schema holds
