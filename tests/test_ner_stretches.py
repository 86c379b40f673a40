"""Long documents asked about stretch by stretch, and their entities at their places again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import byte_level

from finetooth import registry
from finetooth.config import ModelConfig
from finetooth.errors import ConfigError
from finetooth.models.causal import CausalHead
from finetooth.models.generation import Generated
from finetooth.models.load import load_tokenizer
from finetooth.tasks.ner_stretches import join, split

TASK = registry.task("ner")
TEXT = (
    "Ada met Turing in London. They spoke of Rome. Nobody else came.\nLater Ada left for Oslo with Babbage."
)
NAMES = {"Ada": "PER", "Turing": "PER", "London": "LOC", "Rome": "LOC", "Oslo": "LOC", "Babbage": "PER"}


def document(text=TEXT, name="d"):
    entities = [
        {"start": at, "end": at + len(n), "type": kind}
        for n, kind in NAMES.items()
        for at in range(len(text))
        if text.startswith(n, at)
    ]
    return TASK.from_row(
        {"id": name, "text": text, "entities": sorted(entities, key=lambda e: e["start"])}, "rows"
    )


@given(st.text(alphabet="aB. \n", max_size=200), st.integers(5, 60))
def test_stretches_are_short_in_order_and_hold_all_that_is_not_blank(text, characters):
    example = TASK.from_row({"id": "d", "text": text, "entities": []}, "rows")
    parts = split(example, characters)
    assert all(len(part.inputs.text) <= characters for _, part in parts if text.strip())
    assert all(text[where : where + len(part.inputs.text)] == part.inputs.text for where, part in parts)
    assert [where for where, _ in parts] == sorted({where for where, _ in parts})
    assert "".join("".join(part.inputs.text.split()) for _, part in parts) == "".join(text.split())


@pytest.mark.parametrize("characters", [30, 50, 70, 1000])
def test_entities_come_back_at_their_places(characters):
    example = document()
    parts = split(example, characters)
    assert len(parts) == {30: 5, 50: 3, 70: 2, 1000: 1}[characters]
    assert all(s.text == p.inputs.text[s.start : s.end] for _, p in parts for s in p.target.entities)
    assert join([(where, p.target) for where, p in parts]).entities == example.target.entities
    assert len({p.id for _, p in parts}) == len(parts)


def test_tokens_go_with_their_stretch_and_what_lies_across_a_cut_is_in_none():
    words = TEXT.replace(".", " .").split()
    example = TASK.from_row({"id": "d", "tokens": words, "tags": ["O"] * len(words)}, "rows")
    parts = split(example, 40)
    assert [t.text for _, p in parts for t in p.inputs.tokens] == words
    assert all(p.inputs.text[t.start : t.end] == t.text for _, p in parts for t in p.inputs.tokens)
    long = TASK.from_row(
        {"id": "d", "text": "aaaa bbbb cccc", "entities": [{"start": 5, "end": 14, "type": "X"}]}, "rows"
    )
    assert [p.target.entities for _, p in split(long, 10)] == [(), ()]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return byte_level(tmp_path_factory.mktemp("decoder"))


def head_of(base, length=512, **options):
    config = ModelConfig(
        name=str(base), head="causal", max_length_tokens=length, stride_tokens=16, options=options
    )
    return CausalHead(TASK, load_tokenizer(base), config)


def test_a_head_learns_and_answers_by_stretches(base, monkeypatch):
    examples = [document(), document("Ada was in Rome.", "short"), document("", "empty")]
    head = head_of(base, split_characters=50)
    windows = head.windows(examples)
    assert [w.example for w in windows] == [0, 0, 0, 1, 2]
    assert [p.target.entities for p in head.round_trip(examples)] == [e.target.entities for e in examples]
    said = [list(w.input_ids[w.fields["prompt"] : -1]) for w in windows]
    said[2] = said[2][: len(said[2]) // 2]  # the model breaks off

    def generate(names, model, prompts, *, finished, **_):
        assert [list(p) for p in prompts] == [list(w.input_ids[: w.fields["prompt"]]) for w in windows]
        made = [Generated(ids, [-0.1 * (k + 1)], True) for k, ids in enumerate(said)]
        finished([4, 0], [made[4], made[0]])
        finished([1, 3, 2], [made[1], made[3], made[2]])
        return made

    monkeypatch.setattr(head, "_generate", generate)
    told = []
    embedding = SimpleNamespace(weight=SimpleNamespace(shape=(1000, 8)))
    model = SimpleNamespace(config=SimpleNamespace(), get_input_embeddings=lambda: embedding)
    monkeypatch.setattr("finetooth.models.causal.prepared", lambda *_: _Nothing())
    found = head.predict(model, examples, finished=lambda at, some: told.append((list(at), some)))
    assert [at for at, _ in told] == [[2], [0, 1]]  # each when its last stretch was answered
    assert [p for _, some in told for p in some] == [found[2], found[0], found[1]]
    texts = [[s.text for s in p.target.entities] for p in found]
    assert texts == [["Ada", "Turing", "London", "Rome", "Ada"], ["Ada", "Rome"], []]
    assert found[0].confidence == pytest.approx(2.718281828**-0.3)  # of the least sure stretch
    assert TASK.unread is not None
    assert TASK.unread(examples, found, ()) == ["cut-off", "", ""]


class _Nothing:
    def __enter__(self):
        return None

    def __exit__(self, *_):
        return None


def test_what_is_too_long_is_named_with_the_way_out(base):
    head = head_of(base, length=128)
    assert head.windows([document()]) == []
    assert "model.options.split_characters" in head.reasons["d"]
    assert len(head_of(base, length=300, split_characters=50).windows([document()])) == 3


def test_a_task_that_cannot_be_split_says_so(base):
    config = ModelConfig(name=str(base), head="causal", options={"split_characters": 100})
    with pytest.raises(ConfigError, match="texts of the task json cannot be split"):
        CausalHead(registry.task("json"), load_tokenizer(base), config)
