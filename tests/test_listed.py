"""Lists in generated text: whole, cut off, or something else."""

from __future__ import annotations

import pytest

from finetooth import registry
from finetooth.evaluate.unread import failures
from finetooth.tasks import listed
from finetooth.types import Prediction

ADA, TURING = {"text": "Ada", "type": "PER"}, {"text": "Turing", "type": "PER"}


@pytest.mark.parametrize(
    ("text", "value", "cut"),
    [
        ('[{"text": "Ada", "type": "PER"}]', [ADA], False),
        ('Here: [{"text": "Ada", "type": "PER"}] Anything else?', [ADA], False),
        ("[]", [], False),
        ('see [1]: [{"text": "Ada"}', [1], False),
        ('[{"text": "Ada", "type": "PER"}, {"text": "Tur', [ADA], True),
        ('[{"text": "Ada", "type": "PER"}, {"text": "Turing", "type": "PER"}', [ADA, TURING], True),
        ('{"entities": [{"text": "Ada", "type": "PER"}, {"te', {"entities": [ADA]}, True),
        ('{"PER": ["Ada", "Tu', {"PER": ["Ada"]}, True),
        ('{"PER": ["Ada"], "LOC": ["Rome", "Par', {"PER": ["Ada"], "LOC": ["Rome"]}, True),
        ('[["Ada", "PER"], ["Tur', [["Ada", "PER"]], True),
        ('[see {"text": "Ada", "type": "PER"}', ADA, False),
        (
            '[{"text": "a ] and [ \\" in it", "type": "X"}, {',
            [{"text": 'a ] and [ " in it', "type": "X"}],
            True,
        ),
    ],
)
def test_what_is_complete_is_read(text: str, value: object, cut: bool) -> None:
    assert listed.read(text) == listed.Listed(value, "", cut)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("Ada and Turing", "no-list"),
        ("[}", "no-list"),
        ('[{"text": "Ada", "ty', "truncated"),
        ("[" * 100_000, "no-list"),
        ('[{"a": ' * 30_000, "no-list"),
        ('["' + "x" * 100_000, "truncated"),
    ],
)
def test_what_cannot_be_read_has_a_name(text: str, failure: str) -> None:
    assert listed.read(text) == listed.Listed(None, failure)


def test_complete_items_of_a_cut_list_count_and_the_cut_is_told() -> None:
    task = registry.task("ner")
    gold = [{"start": 0, "end": 3, "type": "PER"}, {"start": 8, "end": 14, "type": "PER"}]
    examples = [
        task.from_row({"id": str(i), "text": "Ada met Turing", "entities": gold}, "rows") for i in range(4)
    ]
    texts = [
        '[{"text": "Ada", "type": "PER"}, {"text": "Tu',  # cut
        '[{"text": "Ada", "type": "PER"}, {"text": "Turing", "type": "PER"}]',
        '[{"text": "Ada", "type": "PER"}, {"name of": 3}]',  # one item is no entity
        "I do not know",
    ]
    found = [Prediction(e.id, task.parse(t, e), 1.0, t) for e, t in zip(examples, texts, strict=True)]
    assert [None if p.target is None else [s.text for s in p.target.entities] for p in found] == [
        ["Ada"],
        ["Ada", "Turing"],
        ["Ada"],
        None,
    ]
    rows = failures(task, examples, found, [e.id for e in examples], resamples=50)
    assert [(r["failure"], r["n"]) for r in rows] == [("any", 1), ("cut-off", 1), ("no-list", 1)]


def test_triples_of_a_cut_list_count() -> None:
    task = registry.task("relation")
    [example] = [
        task.from_row(
            {
                "id": "d",
                "text": "Ada left Rome",
                "entities": [
                    {"name": "Ada", "type": "PER", "mentions": [{"start": 0, "end": 3}]},
                    {"name": "Rome", "type": "LOC", "mentions": [{"start": 9, "end": 13}]},
                ],
                "triples": [],
            },
            "rows",
        )
    ]
    one = '{"head": "Ada", "relation": "Left", "tail": "Rome"}'
    target = task.parse(f'[{one}, {{"head": "Ada", "rel', example)
    assert [(t.head, t.relation, t.tail) for t in target.triples] == [(0, "Left", 1)]
    found = [Prediction("d", target, 1.0, f"[{one}, {{")]
    assert task.unread is not None
    assert task.unread([example], found, ()) == [listed.CUT]
    assert task.unread([example], [Prediction("d", target, 1.0, [])], ()) is None  # a pair head
