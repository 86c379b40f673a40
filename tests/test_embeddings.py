"""Examples as vectors: the halves by head, lengths, order, what cannot be encoded; kept and read again."""

from pathlib import Path

import numpy as np
import pytest
import tiny_models

from finetooth import readers, registry
from finetooth.cli import main
from finetooth.config import ModelConfig
from finetooth.diagnose import embeddings
from finetooth.diagnose.embeddings import embed
from finetooth.errors import DataError
from finetooth.models.load import build_head
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.types import Example, Span

CASES = [
    ("qa", "span", "encoder"),
    ("ner", "token", "encoder"),
    ("nli", "pair", "encoder"),
    ("nli", "pair", "decoder"),
    ("relation", "pair", "encoder"),
    ("ner", "causal", "decoder"),
]


# Prompts of generated documents do not fit into what the small decoder reads.
SHORT = """{"id": "1", "text": "Ada met Bo.", "entities": [{"start": 0, "end": 3, "type": "PER"}]}
{"id": "2", "text": "It rained.", "entities": []}
"""


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bases")
    return {
        "encoder": tiny_models.word_pieces(folder / "encoder"),
        "decoder": tiny_models.byte_level(folder / "decoder"),
    }


def built(bases, task, head, base, examples, size=160):
    of = registry.task(task)
    options = ModelConfig(name=str(bases[base]), head=head, max_length_tokens=size, stride_tokens=8)
    labels = of.labels(examples) if of.labels else ()
    made = build_head(of, options, labels, head, Path(bases[base]))
    return made, made.build(Path(bases[base]))


@pytest.mark.parametrize(("task", "head", "base"), CASES, ids=lambda x: x)
def test_every_head_gives_two_halves_of_length_one(bases, tmp_path, task, head, base):
    data = tmp_path / "d.jsonl"
    if head == "causal":
        data.write_text(SHORT, "utf-8")
    else:
        assert main(["generate", task, "--n", "6", "--out", str(data)]) == 0
    examples = readers.load(str(data), task=task).examples[:6]
    size = 160 if base == "encoder" else 256
    made, model = built(bases, task, head, base, examples, size)
    found = embed(made, model, examples)
    assert len(found.ids) + len(found.missing) == len(examples)
    assert set(found.ids) | set(found.missing) == {e.id for e in examples}
    assert found.ids
    assert found.vectors.shape == (len(found.ids), 64)
    for half in (found.vectors[:, :32], found.vectors[:, 32:]):
        np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1, atol=1e-3)
    assert all(found.missing.values())


def question(name, answer, context="Ada left Rome. Then Ada met Bela in New Oslo."):
    at = context.index(answer)
    return Example(name, QAInput("Who?", context), QATarget((Span(at, at + len(answer), answer),)))


def test_a_vector_does_not_hang_on_what_stands_beside_it_in_the_batch(bases):
    examples = [question("a", "Rome"), question("b", "New Oslo"), question("c", "Ada", "Ada met Dora.")]
    head, model = built(bases, "qa", "span", "encoder", examples)
    together = embed(head, model, examples)
    for i, example in enumerate(examples):
        alone = embed(head, model, [example])
        # In bfloat16 three digits agree.
        np.testing.assert_allclose(alone.vectors[0], together.vectors[i], atol=0.02)


def test_another_answer_changes_only_the_second_half(bases):
    examples = [question("a", "Rome"), question("b", "New Oslo")]
    head, model = built(bases, "qa", "span", "encoder", examples)
    one, two = embed(head, model, examples).vectors
    np.testing.assert_allclose(one[:32], two[:32], atol=1e-3)
    assert np.abs(one[32:] - two[32:]).max() > 0.05


def test_of_a_long_context_the_window_with_the_answer_is_read(bases):
    long = "Note then met in new love. " * 12 + "Ada left Rome."
    examples = [question("a", "Rome", long), question("b", "Rome", "Ada left Rome.")]
    head, model = built(bases, "qa", "span", "encoder", examples, 48)
    assert sum(w.example == 0 for w in head.windows(examples)) > 1
    assert embed(head, model, examples).missing == {}


def test_what_cannot_be_encoded_is_named(bases):
    bad = Example("bad", QAInput("Who?", "Ada."), QATarget((Span(90, 93, "Ada"),)))
    examples = [question("a", "Rome"), bad]
    head, model = built(bases, "qa", "span", "encoder", examples)
    found = embed(head, model, examples)
    assert found.ids == ("a",)
    assert "outside the context" in found.missing["bad"]


def test_embeddings_are_kept_and_those_of_another_model_are_not_taken(tmp_path):
    made = embeddings.Embeddings(("a", "b"), np.eye(2, 4, dtype=np.float32), {"c": "too long"})
    path = tmp_path / "e.npz"
    made.write(path, "one")
    again = embeddings.read(path, "one")
    assert (again.ids, again.missing) == (made.ids, made.missing)
    np.testing.assert_array_equal(again.vectors, made.vectors)
    assert embeddings.read(path, "other") is None
    assert embeddings.read(tmp_path / "none.npz") is None
    path.write_bytes(b"PK not really")
    with pytest.raises(DataError, match="not readable"):
        embeddings.read(path)
