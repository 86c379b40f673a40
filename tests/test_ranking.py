"""A ranking of likely label errors: better than its parts, calibrated enough to read, with a reason."""

import numpy as np
import pytest

from finetooth.diagnose.ranking import average_precision, neighbour_share, rank, recall_at_rate
from finetooth.errors import UsageError


def probability(odds):
    return 1 / (1 + np.exp(-np.asarray(odds, float)))


def looks(share=0.1, apart=2.5, n=2000, seed=0, count=1):
    """(which are wrong, probabilities of their labels): wrong labels lie ``apart`` spreads lower."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(n) < share
    return wrong, [probability(1.5 - apart * wrong + rng.normal(size=n)) for _ in range(count)]


def ids(values):
    return [str(i) for i in range(len(values))]


def test_two_weak_looks_beat_each_alone():
    wrong, (one, two) = looks(apart=1.2, count=2)
    both = rank(ids(wrong), {"low_confidence": one, "held_out_confidence": two})
    alone = max(average_precision(wrong, -one), average_precision(wrong, -two))
    assert average_precision(wrong, both.combined) > alone + 0.05


def test_the_score_is_a_probability_that_rises_with_the_rank():
    wrong, (p,) = looks(apart=3.0)
    ranking = rank(ids(wrong), {"low_confidence": p})
    assert np.all(np.diff(ranking.score[ranking.order]) <= 1e-12)
    assert ((ranking.score >= 0) & (ranking.score <= 1)).all()
    # Of those called likely most are errors, of the others few.
    assert wrong[ranking.score > 0.5].mean() > 0.5 > 0.1 > wrong[ranking.score < 0.1].mean()
    # Better than to say of each what is true of all.
    assert ((ranking.score - wrong) ** 2).mean() < wrong.mean() * (1 - wrong.mean())


def test_where_nothing_stands_apart_no_example_is_called_likelier_wrong_than_right():
    wrong, (p,) = looks(share=0.0)
    ranking = rank(ids(wrong), {"low_confidence": p})
    assert ranking.share is None
    assert ranking.score.max() <= 0.5


def test_harder_examples_are_no_group_of_wrong_ones():
    hard, (p,) = looks(share=0.3, apart=0.0)
    p = probability(np.log(p / (1 - p)) + np.where(hard, 2.0, 8.0))
    ranking = rank(ids(hard), {"low_confidence": p})
    assert ranking.share is None, "two groups, but both are held likelier right than wrong"


def test_a_model_that_doubts_most_labels_tells_of_no_group():
    hard, (p,) = looks(share=0.2, apart=0.0)
    odds = np.log(p / (1 - p))
    assert rank(ids(hard), {"low_confidence": probability(odds - np.where(hard, 8.0, 4.0))}).share is None
    assert rank(ids(hard), {"low_confidence": probability(odds - np.where(hard, 6.0, 0.0))}).share is not None


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_the_share_of_mislabelled_examples_is_estimated(share):
    wrong, (p,) = looks(share=share, apart=4.0)
    ranking = rank(ids(wrong), {"low_confidence": p})
    assert ranking.share == pytest.approx(share, rel=0.3)


def test_the_reason_names_what_weighs_most():
    findings = np.zeros(30)
    findings[7] = 2
    ranking = rank(ids(findings), {"low_confidence": np.full(30, 0.5), "findings": findings})
    assert ranking.order[0] == 7
    assert ranking.reason[7] == "the checks found fault with it"
    p = np.full(30, 0.9)
    p[3] = 0.01
    ranking = rank(ids(p), {"low_confidence": np.full(30, 0.9), "held_out_confidence": p})
    assert ranking.reason[3] == "models that never saw it find its label unlikely"


def test_the_reason_says_no_more_than_the_figures():
    p = np.full(30, 0.99)
    p[3], p[4] = 0.93, 0.2
    silent = {"findings": np.zeros(30), "disagreement": np.zeros(30)}
    reason = rank(ids(p), {**silent, "low_confidence": p}).reason
    assert reason[3] == "its label was learnt less surely than most", "0.93 is not unlikely"
    assert reason[4] == "its label stayed unlikely over all epochs"
    assert reason[5] == "no more speaks against it than against most", "the checks found nothing"


def test_silence_of_the_checks_is_no_praise_and_an_unknown_value_no_opinion():
    quiet = rank(list("abcd"), {"findings": np.array([0.0, 0.0, 0.0, 1.0])})
    assert quiet.combined[:3].tolist() == [0.0, 0.0, 0.0]
    unseen = rank(list("abc"), {"low_confidence": np.array([0.9, np.nan, 0.1])})
    assert unseen.order.tolist() == [2, 1, 0]
    one = rank(
        list("ab"), {"low_confidence": np.array([0.2, 0.2]), "held_out_confidence": np.array([np.nan, 0.2])}
    )
    assert one.combined[0] == pytest.approx(one.combined[1]), "a look that is missing does not pull"


def test_a_mislabelled_point_stands_among_others():
    rng = np.random.default_rng(1)
    vectors = np.r_[rng.normal(size=(50, 8)) + 4, rng.normal(size=(50, 8)) - 4]
    labels = ["a"] * 50 + ["b"] * 50
    labels[3] = "b"
    share = neighbour_share(vectors, labels)
    assert share.argmin() == 3
    assert share[3] == pytest.approx(0.51 / 21)


def test_recall_at_the_noise_rate():
    truth = np.array([True, False, True, False])
    assert recall_at_rate(truth, np.array([4.0, 3.0, 2.0, 1.0])) == 0.5


def test_a_signal_of_another_length_or_name_is_refused():
    with pytest.raises(UsageError, match="expected 2 values"):
        rank(["a", "b"], {"low_confidence": np.zeros(3)})
    with pytest.raises(UsageError, match="no weight"):
        rank(["a"], {"hunch": np.zeros(1)})
