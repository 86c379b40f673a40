"""Generated text is read without guessing, and every failure has a name."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetooth.metrics.extract import FAILURES, extract, first_object

READ = {
    '{"label": 1}': {"label": 1},
    'Sure! Here it is:\n```json\n{"label": 1}\n```\nAnything else?': {"label": 1},
    "{} and more": {},
    '{"label": 1} {"label": 2}': {"label": 1},
    '{"label": 1}{"label": 1}{"label": 1}{"lab': {"label": 1},
    'The set {x | x > 0} is meant: {"label": 1}': {"label": 1},
    '{"a": {"b": {"c": {"d": [1, {"e": "}"}]}}}} tail': {"a": {"b": {"c": {"d": [1, {"e": "}"}]}}}},
    '{"text": "a \\" quote and a { brace"}': {"text": 'a " quote and a { brace'},
    '<think>{maybe</think>{"label": "ÄÖ 漢"}': {"label": "ÄÖ 漢"},
}
FAILED = {
    "": "empty",
    "  \n": "empty",
    "The answer is entailment.": "no-object",
    "{": "not-json",
    '{"a": [{"b": 1}, \n```json\n{"a": 1': "truncated",
    '{"label": 1, "why": "the man': "truncated",
    '{"items": [{"a": 1}, {"a": 2': "truncated",
    "{'label': 1}": "single-quotes",
    '{"label": True}': "single-quotes",
    '{"label": 1,}': "trailing-comma",
    "{label: 1}": "bare-keys",
    '{"label": 1, "label": 2}': "duplicate-key",
    '{"label": NaN}': "not-a-number",
    '{"label": "\\ud800"}': "lone-surrogate",
    '[{"label": 1}]': "array",
    "null": "scalar",
    "42": "scalar",
    '"a string"': "scalar",
    '{"label": 1 "why": 2}': "not-json",
    '{"a":' * 300 + "1" + "}" * 300: "too-deep",
    '{"a":' * 100_000: "too-deep",
}


@pytest.mark.parametrize("text", READ, ids=range(len(READ)))
def test_the_object_is_found(text):
    assert extract(text).value == READ[text]
    assert extract(text).failure == ""


@pytest.mark.parametrize("text", FAILED, ids=range(len(FAILED)))
def test_a_failure_has_a_name(text):
    found = extract(text)
    assert (found.value, found.failure) == (None, FAILED[text])
    assert found.failure in FAILURES


def test_what_else_was_there_is_told():
    found = extract('Well,\n```json\n{"a": 1}\n```\nor {"a": 2}')
    assert (found.fenced, found.more) == (True, True)


@pytest.mark.parametrize("text", ["{'label': 1}", '{"label": 1,}', "so: {'label': 1,}"])
def test_slips_that_leave_no_doubt_are_mended_when_asked(text):
    assert first_object(text) == {"label": 1}
    assert extract(text, repair=True).repaired
    assert extract(text).value is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=6), VALUES, max_size=4), st.sampled_from(["", "\n", " is it.", "```"])
)
@settings(max_examples=300, deadline=None)
def test_any_object_comes_back_from_prose_around_it(value, around):
    assert extract(f"Answer{around}{json.dumps(value)}{around}").value == value


def test_no_text_raises():
    rng = random.Random(0)
    pieces = [
        *"{}[]\"'\\:,ntf01 \n`",
        '{"a":',
        '"b"',
        "null",
        "True",
        "NaN",
        "\\u12",
        "\ud800",
        "é",
        "```json",
    ]
    for _ in range(20_000):
        text = "".join(rng.choices(pieces, k=rng.randrange(40)))
        found = extract(text, repair=rng.random() < 0.5)
        assert (found.value is None) == bool(found.failure)
