"""How well a place in a context answers a question: by the words around it, near ones more, rare ones more."""

import math

import numpy as np
import pytest

from finetooth.checks._evidence import (
    NEAR_TOKENS,
    OTHER_SENTENCE,
    Around,
    kind_of,
    passage,
    rarity,
    sentences,
    stem,
    stems,
)

TEXT = "The abbey was founded by Ada in 1120. Its mill burned down in 1343. Berta sold the mill."


def support(question, answer, text=TEXT, contexts=None):
    weight = rarity(tuple(contexts or (text, "Nobody was there.", "The road is long.")))
    start = text.index(answer)
    return Around(stems(question), passage(text), weight).place(start, start + len(answer))


def test_forms_of_a_word_share_a_stem():
    assert stem("founded") == stem("founding") == stem("Founds")
    assert stem("mill") != stem("milk")
    assert stems("Who founded it?") == [stem("who"), stem("founded"), stem("it")]


@pytest.mark.parametrize(
    ("word", "kind"), [("1120", "n"), ("B2", "n"), ("Ada", "N"), ("mill", "w"), ("Ärger", "N")]
)
def test_kinds_of_words(word, kind):
    assert kind_of(word) == kind


def test_sentences_are_the_whole_text_and_an_abbreviation_ends_none():
    text = "Dr. Ada came at 5 p.m. on Monday. She left. U.S. mail came too."
    parts = [text[a:b] for a, b in sentences(text)]
    assert "".join(parts) == text
    assert [p.strip() for p in parts] == [
        "Dr. Ada came at 5 p.m. on Monday.",
        "She left.",
        "U.S. mail came too.",
    ]


def test_the_place_near_the_words_of_the_question_is_the_meant_one():
    assert support("Who founded the abbey?", "Ada") > support("Who founded the abbey?", "Berta")
    assert support("Who sold the mill?", "Berta") > support("Who sold the mill?", "Ada")
    assert support("When did the mill burn down?", "1343") > support("When did the mill burn down?", "1120")


def test_a_word_that_stands_in_every_context_weighs_nothing():
    weight = rarity(("the abbey", "the mill", "the road"))
    assert weight[stem("abbey")] == pytest.approx(math.log(4) / math.log(4))
    assert weight[stem("the")] == pytest.approx(math.log(4 / 3) / math.log(4))
    assert weight[stem("the")] < weight[stem("abbey")]


def test_what_the_place_itself_holds_does_not_stand_around_it():
    assert support("Ada?", "Ada") == 0
    assert support("xyzzy plugh?", "Ada") == 0


def test_the_best_word_of_a_kind_and_its_sentence():
    around = Around(stems("When was the abbey founded?"), passage(TEXT), rarity((TEXT, "Nobody was there.")))
    top, number, (start, end) = around.best("n")
    assert top >= number > 0
    assert TEXT[start:end].startswith("The abbey")
    assert Around([], passage(TEXT), {}).best("n") == (0.0, 0.0, (0, 0))


def test_only_the_next_occurrence_on_either_side_can_be_the_best():
    rng = np.random.default_rng(0)
    for _ in range(30):
        drawn = rng.choice(["abbey ", "monk ", "wrote ", "x. Then ", "of "], 40)
        where = passage("".join(drawn))
        weight = {"abbey": 0.5, "monk": 2.0}
        around = Around(stems("abbey monk wrote"), where, weight)
        if not around.names:
            continue
        every = np.exp(np.abs(np.arange(len(where.starts))[:, None] - around.at) / -NEAR_TOKENS)
        every[where.sentence_of[:, None] != where.sentence_of[around.at]] *= OTHER_SENTENCE
        total = np.maximum.reduceat(every, around.firsts, axis=1) @ around.weights
        total[around.at] = 0
        assert around.best("w")[0] == pytest.approx(total.max())


def test_a_context_of_a_book_takes_what_it_is_long():
    around = Around(stems("the abbey?"), passage("the abbey stood. " * 60_000), {})
    assert around.best("w")[0] > 0  # tokens times occurrences would be 160 GB


def test_an_offset_within_a_word_or_behind_the_text_is_its_token():
    where = passage("Ada left.")
    assert [where.token_at(i) for i in (0, 2, 4, 7, 99)] == [0, 0, 1, 1, 1]
