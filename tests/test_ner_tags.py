"""Tags as chunks: every case of the reference answers, the same rules as a plain walk, schemes there and back."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetooth.metrics.ner import f1
from finetooth.metrics.ner_tags import (
    READINGS,
    chunks_of,
    count_chunks,
    from_chunks,
    from_iob2,
    is_tag,
    scheme_of,
    split,
    to_iob2,
)

VECTORS = Path(__file__).parents[1].parent / "shared" / "data" / "vectors" / "ner_cases.json"
TAGS = st.lists(st.sampled_from(["O", "B-P", "I-P", "B-L", "I-L"]), min_size=1, max_size=12)


def value(gold, predicted, reading):
    return float(f1(count_chunks([gold], [predicted], reading=reading).sum(axis=0)))


@pytest.mark.skipif(not VECTORS.exists(), reason="the reference answers are not here")
def test_every_reference_case_is_met():
    cases = json.loads(VECTORS.read_text("utf-8"))["cases"]
    for name, case in cases.items():
        gold, predicted, perl = case["gold"], case["pred"], case["conlleval_pl"]
        right, found, true = count_chunks([gold], [predicted])[0]
        assert (right, found, true) == (perl["correct"], perl["found"], perl["gold"]), name
        assert round(value(gold, predicted, "conlleval"), 2) == perl["F1"], name
        same = np.mean([a == b for a, b in zip(gold, predicted, strict=True)])
        assert round(100 * same, 2) == perl["acc"], name
        assert value(gold, predicted, "seqeval") == pytest.approx(100 * case["seqeval_default_F1"]), name
        strict = case["seqeval_strict_IOB2_F1"]
        if not isinstance(strict, str):  # seqeval refuses E- and S- there
            assert value(gold, predicted, "strict_iob2") == pytest.approx(100 * strict), name


def test_strict_can_be_the_higher_one():
    gold, predicted = ["B-P", "O", "O"], ["B-P", "O", "I-L"]
    assert value(gold, predicted, "conlleval") == pytest.approx(200 / 3)
    assert value(gold, predicted, "strict_iob2") == 100


def walk(tags):
    """conlleval's rules for B, I and O, one tag after the other."""
    made, start, kind = [], None, ""
    for i, tag in enumerate([*tags, "O"]):
        prefix, now = split(tag)
        if start is not None and (prefix in ("O", "B") or now != kind):
            made.append((start, i, kind))
            start = None
        if start is None and prefix != "O":
            start, kind = i, now
    return made


@given(st.lists(TAGS, min_size=1, max_size=4))
def test_many_sequences_at_once_read_as_each_alone(sequences):
    assert chunks_of(sequences) == [walk(s) for s in sequences]


@given(TAGS, TAGS)
def test_counts_are_those_of_sets(gold, predicted):
    predicted = (predicted * 12)[: len(gold)]
    a, b = set(walk(gold)), set(walk(predicted))
    assert count_chunks([gold], [predicted])[0].tolist() == [len(a & b), len(b), len(a)]


@given(TAGS)
def test_valid_tags_go_to_any_scheme_and_back(tags):
    valid = from_chunks(walk(tags), len(tags))
    for scheme in ("iob2", "iob1", "bioes"):
        assert to_iob2(from_iob2(valid, scheme), scheme) == valid


def test_the_scheme_of_a_file_is_the_one_that_fewest_tags_break():
    assert scheme_of([["I-P", "I-P", "O", "I-L"], ["I-P", "B-P"]]) == "iob1"
    assert scheme_of([["B-P", "I-P", "O", "B-L"], ["O", "I-P"]]) == "iob2"
    assert scheme_of([["B-P", "E-P", "O", "S-L"]]) == "bioes"
    assert scheme_of([["B-P", "L-P", "U-L"]]) == "bioes"
    assert scheme_of([["O", "O"]]) == "iob2"
    clean = [["B-P", "I-P", "O", "B-L"]] * 5
    assert scheme_of([*clean, ["S-P"]]) == scheme_of([*clean, ["O", "E-P"]]) == "iob2"
    assert scheme_of([*clean, ["B-P", "L-P"]]) == "iob2"
    assert scheme_of([*[["I-P", "I-P", "O", "I-L"]] * 5, ["S-P"]]) == "iob1"
    assert scheme_of([*[["B-P", "E-P", "S-L"]] * 5, ["B-P", "I-P", "O"]]) == "bioes"  # one is not closed
    assert scheme_of([["B-P", "I-P", "S"]]) == "iob2"  # a letter without a type is no tag


def test_a_type_may_have_hyphens_and_a_tag_may_be_broken():
    assert split("B-creative-work") == ("B", "creative-work")
    assert split("B-person,B-group") == ("B", "person")
    assert is_tag("I-PER")
    assert not any(map(is_tag, ("PER", "B-", "X-PER", "", "-O")))


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="length"):
        count_chunks([["O"]], [["O", "O"]])


def test_nothing_to_count_is_no_crash():
    assert count_chunks([], []).shape == (0, 3)
    assert count_chunks([[]], [[]]).tolist() == [[0, 0, 0]]
    assert chunks_of([[], ["B-P"]]) == [[], [(0, 1, "P")]]


def test_tags_without_a_type_or_of_no_scheme_end_where_their_entity_ends():
    """A sloppy file of predictions: chunks stay inside their sequence, whatever stands beside an entity."""
    rng = np.random.default_rng(2)
    odd = ["O", "B-A", "I-A", "PER", "", "B-", "o", "E-A", "S-B", "X", "S", "I", "B"]
    for _ in range(300):
        sequences = [list(rng.choice(odd, rng.integers(1, 6))) for _ in range(3)]
        for name in READINGS:
            for tags, found in zip(sequences, chunks_of(sequences, reading=name), strict=True):
                assert all(0 <= a < b <= len(tags) for a, b, _ in found)
    # As conlleval.pl has it, such a tag after an entity is a chunk of no type; it ends at the next O.
    assert chunks_of([["B-LOC", "PER", "O", "O", "B-PER"]])[0] == [(0, 1, "LOC"), (1, 2, ""), (4, 5, "PER")]
