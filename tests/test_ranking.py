"""A ranking of likely label errors: better than its parts, calibrated enough to read, with a reason."""

import numpy as np
import pytest

from finetooth.diagnose.ranking import (
    average_precision,
    neighbour_disagreement,
    rank,
    recall_at_rate,
    signals_from_dynamics,
    standard_scores,
)
from finetooth.errors import UsageError


def noisy(n=2000, share=0.1, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < share
    return truth, rng


def test_two_weak_signals_beat_each_alone():
    truth, rng = noisy()
    one, two = (truth * 1.2 + rng.normal(size=len(truth)) for _ in range(2))
    ids = [str(i) for i in range(len(truth))]
    both = rank(ids, {"low_confidence": one, "held_out_confidence": two})
    alone = max(average_precision(truth, one), average_precision(truth, two))
    assert average_precision(truth, both.combined) > alone + 0.05


def test_the_score_is_a_probability_that_rises_with_the_rank():
    truth, rng = noisy()
    signal = truth * 3.0 + rng.normal(size=len(truth))
    ranking = rank([str(i) for i in range(len(truth))], {"low_margin": signal})
    order = ranking.order
    assert np.all(np.diff(ranking.score[order]) <= 1e-12)
    assert ((ranking.score >= 0) & (ranking.score <= 1)).all()
    # Of those called likely most are errors, of the others few.
    assert truth[ranking.score > 0.5].mean() > 0.5 > 0.1 > truth[ranking.score < 0.1].mean()


def test_where_nothing_stands_apart_no_example_is_called_likelier_wrong_than_right():
    _, rng = noisy()
    ranking = rank([str(i) for i in range(2000)], {"low_margin": rng.normal(size=2000)})
    assert ranking.share is None
    assert ranking.score.max() <= 0.5


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_the_share_of_mislabelled_examples_is_estimated(share):
    truth, rng = noisy(share=share)
    signal = truth * 4.0 + rng.normal(size=len(truth))
    ranking = rank([str(i) for i in range(len(truth))], {"low_margin": signal})
    assert ranking.share == pytest.approx(share, rel=0.3)


def test_the_reason_names_what_weighs_most():
    ids = [str(i) for i in range(30)]
    findings = np.zeros(30)
    findings[7] = 2
    ranking = rank(ids, {"low_margin": np.zeros(30), "findings": findings})
    assert ranking.order[0] == 7
    assert ranking.reason[7] == "the checks found fault with it"


def test_silence_of_the_checks_is_no_praise_and_an_unknown_value_no_opinion():
    values = np.array([np.nan, 0.0, 1.0, 2.0])
    assert standard_scores(values)[0] == 0
    quiet = rank(list("abcd"), {"findings": np.array([0.0, 0.0, 0.0, 1.0])})
    assert quiet.combined[:3].tolist() == [0.0, 0.0, 0.0]


def test_a_mislabelled_point_stands_among_others():
    rng = np.random.default_rng(1)
    vectors = np.r_[rng.normal(size=(50, 8)) + 4, rng.normal(size=(50, 8)) - 4]
    labels = ["a"] * 50 + ["b"] * 50
    labels[3] = "b"
    scores = neighbour_disagreement(vectors, labels)
    assert scores.argmax() == 3


def test_dynamics_become_signals():
    prob = np.array([[0.9, 0.95, 0.99], [0.1, 0.1, 0.2], [0.2, 0.9, 0.1]])
    made = signals_from_dynamics(prob, prob * 2 - 1, prob > 0.5, -np.log(prob))
    assert made["low_confidence"].argmax() == 1
    assert made["forgetting"].tolist() == [0, 0, 1]


def test_recall_at_the_noise_rate():
    truth = np.array([True, False, True, False])
    assert recall_at_rate(truth, np.array([4.0, 3.0, 2.0, 1.0])) == 0.5


def test_a_signal_of_another_length_is_refused():
    with pytest.raises(UsageError, match="expected 2 values"):
        rank(["a", "b"], {"low_margin": np.zeros(3)})
