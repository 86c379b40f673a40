"""Chats of one question and one answer, as models are tuned on: inference pairs and objects in them are examples."""

import json

import pytest

from finetooth import readers
from finetooth.cli import main
from finetooth.errors import DataError
from finetooth.io import write_jsonl

ASKED = "Does it follow?\nPremise: Ada left at noon.\nShe took the train.\nHypothesis: Ada left.\nAnswer with a label."


def chat(user, assistant=None, **more):
    said = [{"role": "user", "content": user}]
    return {
        "messages": [*said, *([{"role": "assistant", "content": assistant}] if assistant else [])],
        **more,
    }


def load(folder, *rows, **options):
    write_jsonl(folder / "x.jsonl", rows)
    return readers.load(folder / "x.jsonl", **options)


@pytest.mark.parametrize(
    ("answer", "label", "reason"),
    [
        ("entailment", "entailment", None),
        ("**Entailment**.", "entailment", None),
        ("0 (not entailed)", "0", None),
        ("Label: neutral\nReason: Nobody says when.", "neutral", "Nobody says when."),
        ("Who left at noon has left.\nSo it follows.\n\nAnswer: entailment", "entailment", "Who left at noon has left.\nSo it follows."),
        ("contradiction\nBecause she stayed.", "contradiction", "Because she stayed."),
        ('{"thought_process": "She left.", "predicted_label": 1}', "1", "She left."),
        ('Sure:\n```json\n{"label": "neutral"}\n```', "neutral", None),
    ],
)  # fmt: skip
def test_a_pair_and_its_label_are_read_from_a_chat(tmp_path, answer, label, reason):
    data = load(tmp_path, chat(ASKED, answer, id="p1"))
    (example,) = data.examples
    assert (data.task, data.format, example.id) == ("nli", "chat-nli", "p1")
    assert example.inputs.premise == "Ada left at noon.\nShe took the train."
    assert example.inputs.hypothesis == "Ada left."
    assert (example.target.label, example.target.reason) == (label, reason)


def test_other_spellings_of_a_chat_say_the_same(tmp_path):
    user, assistant = {"role": "user", "content": ASKED}, {"role": "assistant", "content": "neutral"}
    rows = [
        {"messages": [{"role": "system", "content": "Be brief."}, user, assistant]},
        {"conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": "neutral"}]},
        {"prompt": [user], "completion": [assistant]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ASKED}]}, assistant]},
    ]
    seen = {(e.inputs, e.target) for row in rows for e in load(tmp_path, row).examples}
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (chat(ASKED, "Well, one could say that it follows from the premise."), "says no label"),
        (chat(ASKED), "says no label"),
        (chat("What is the time?", "neutral"), "no premise and hypothesis"),
        (
            chat(ASKED + "\n" + ASKED, "neutral"),
            "no premise and hypothesis, each on a line of its own, or several",
        ),
        ({"messages": chat(ASKED, "neutral")["messages"] * 2}, "a chat of user, assistant, user, assistant"),
        ({"messages": [{"role": "user", "content": 5}]}, "content: expected a text, found an integer"),
    ],
)
def test_a_chat_that_holds_no_pair_is_left_out_by_name(tmp_path, capsys, row, why):
    data = load(tmp_path, chat(ASKED, "neutral"), {**row, "id": "odd"})
    assert len(data) == 1
    (drop,) = data.dropped
    assert drop.example_id == "odd"
    assert why in drop.reason
    assert main(["check", str(tmp_path / "x.jsonl"), "--fail-on", "never"]) == 0
    assert why in capsys.readouterr().err


def test_labels_of_chats_are_renamed_and_unknown_ones_refused(tmp_path):
    data = load(tmp_path, chat(ASKED, "entailment"), labels={"entailment": "1"})
    assert data.examples[0].target.label == "1"
    with pytest.raises(DataError, match="not in the mapping"):
        load(tmp_path, chat(ASKED, "neutral"), labels={"entailment": "1"})


def test_an_object_is_read_from_a_chat(tmp_path):
    twice = '```json\n{"item": "pen", "item": "ink"}\n```'
    system = {"role": "system", "content": "Answer as JSON."}
    one = chat("Item: pen", '{"item": "pen"}', schema_id="order")
    data = load(
        tmp_path,
        {**one, "messages": [system, *one["messages"]]},
        chat("Item: ink", twice),
        chat("Hi!", "Hello!"),
    )
    first, second = data.examples
    assert (data.task, first.inputs.prompt, first.target.value) == (
        "json",
        "Answer as JSON.\n\nItem: pen",
        {"item": "pen"},
    )
    assert first.inputs.schema_id == "order"
    assert [p.kind for p in second.meta["json_problems"]] == ["duplicate-key"]
    assert [d.reason for d in data.dropped] == ["the assistant's answer is no JSON object"]


def test_what_a_row_says_itself_goes_before_its_chat(tmp_path):
    row = chat("What?", "{}", prompt="Item: pen", expected_output={"item": "pen"})
    assert load(tmp_path, row).examples[0].target.value == {"item": "pen"}
    row = chat(ASKED, "neutral", premise="Bo stayed.", hypothesis="Bo left.", label="contradiction")
    (example,) = load(tmp_path, row).examples
    assert (example.inputs.premise, example.target.label) == ("Bo stayed.", "contradiction")


@pytest.mark.parametrize(("task", "of"), [(None, ""), ("ner", " of ner"), ("qa", " of qa")])
def test_a_chat_of_anything_else_says_what_can_be_read(tmp_path, task, of):
    with pytest.raises(DataError, match=f"a chat of which no example{of} can be made") as e:
        load(tmp_path, chat("Hi!", "Hello!"), task=task)
    assert "Premise: and Hypothesis:" in e.value.cure


def test_predictions_are_asked_of_chats_without_an_answer(tmp_path):
    from finetooth import registry
    from finetooth.cli._asked import examples

    for task, row in (("nli", chat(ASKED)), ("json", chat("Item: pen"))):
        (tmp_path / "x.jsonl").write_text(json.dumps(row) + "\n")
        (example,) = examples(str(tmp_path / "x.jsonl"), registry.task(task), None, {})
        assert "pen" in str(example.inputs) or "Ada left." in str(example.inputs)
