"""The nine error rules: precise where the published ones fire on good data."""

import pytest

from finetooth.diagnose import rules
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.types import Example, Span


def example(question, context, answer, start=None, name="q"):
    at = context.index(answer) if start is None else start
    return Example(name, QAInput(question, context), QATarget((Span(at, at + len(answer), answer),)))


def fired(one, guess=None, version="ours"):
    table = rules.apply([one], {one.id: guess} if guess else None, rules=version)
    return {name for name, on in zip(rules.RULES, table.flags[0], strict=True) if on}


GOOD = [
    example("When did the mill open?", "The mill opened in 1871 in Leeds.", "1871"),
    example(
        "Where did she take the children?", "She took the children to Disneyland by train.", "Disneyland"
    ),
    example(
        "Who founded the firm?", "The firm was founded by Ada Moore and Bo Lind.", "Ada Moore and Bo Lind"
    ),
    example("In which town was he born?", "He was born in the town of Ely.", "Ely"),
]


@pytest.mark.parametrize("one", GOOD, ids=lambda e: e.target.answers[0].text)
def test_good_answers_fire_none_of_ours(one):
    assert fired(one) == set()


def test_the_published_rules_fire_on_the_same_good_answers():
    assert "type_mismatch" in fired(GOOD[0], version="published")
    assert "odd_boundaries" in fired(GOOD[1], version="published")
    assert "several_clauses" in fired(GOOD[2], version="published")
    assert "no_question_word" in fired(GOOD[3], version="published")


def test_published_overlap_takes_words_as_split_gives_them():
    context = "In 1890 the Old Mill was sold. The old mill, it is said, burnt down."
    assert "low_question_overlap" not in fired(
        example("Who sold the Old Mill", context, "Old Mill"), version="published"
    )
    apart = example("What burnt? The Old Mill?", context, "old mill,")  # other case, other signs
    assert "low_question_overlap" in fired(apart, version="published")


def test_a_when_question_answered_by_a_colour():
    assert "type_mismatch" in fired(
        example("When did the mill open?", "It was painted dark green.", "dark green")
    )


def test_an_answer_elsewhere_when_another_occurrence_fits():
    context = "Ely has a market. The bishop of the old cathedral was born in Ely."
    one = example("Where was the bishop of the cathedral born?", context, "Ely")
    assert "several_occurrences" in fired(one)
    moved = example(
        "Where was the bishop of the cathedral born?", context, "Ely", start=context.rindex("Ely")
    )
    assert "several_occurrences" not in fired(moved)


def test_an_answer_cut_inside_a_word():
    one = example("Who left?", "Adams left early.", "Adam")
    assert "odd_boundaries" in fired(one)


def test_a_statement_is_no_question():
    assert "no_question_word" in fired(example("The town of the mill", "The mill is in Ely.", "Ely"))


def test_a_much_shorter_prediction_inside_the_gold():
    one = example(
        "Who left?",
        "It was Ada Moore, whom all of them had missed, who left.",
        "Ada Moore, whom all of them had missed",
    )
    assert "prediction_inside_gold" in fired(one, "Ada Moore")


def test_the_sum_reaches_the_verdict_and_lift_is_a_ratio():
    bad = example("The town", "He saw it; And of the green hat, which was", "of the green hat, which was")
    table = rules.apply([bad, *GOOD], {bad.id: "He"}, threshold=2)
    assert table.is_dataset_error.tolist() == [True, False, False, False, False]
    assert table.lift([True, False, False, False, False])["no_question_word"] == pytest.approx(5.0)
    assert set(table.base_rates()) == set(rules.RULES)
