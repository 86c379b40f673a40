"""500 made-up bad outputs of 20 kinds: each gives the label that a reader sees, or the failure by its name."""

import json
import random
import string
from dataclasses import replace

import pytest

from finetooth import registry
from finetooth.tasks.nli_outputs import FAILURES, rates, read
from finetooth.types import Example, Prediction

TASK = registry.task("nli")
BODY = (
    'the premise says it . step 2 the man is it\'s "so" called { not closed } ] [ café 漢 1 0 label'.split()
)
WORD = {
    "1": ("yes", "True", "entailed", "Entailment"),
    "0": ("no", "FALSE", "not_entailment", "contradiction"),
}


def reason(rng):
    return "step 1: " + " ".join(rng.choices(BODY, k=rng.randrange(4, 25)))


def whole(rng, label, **more):
    row = {"thought_process": reason(rng), "predicted_label": int(label), **more}
    return json.dumps(row, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1]))


def python_text(rng, label):
    said = reason(rng).replace('"', "").replace("'", "")
    return f"{{'thought_process': '{said}', 'predicted_label': {label}}}"


def cut(rng, label):
    text = whole(rng, label)
    return text[: rng.randrange(text.index(":") + 2, len(text.rstrip("}\n ")))]


def relabelled(value):
    return lambda rng, label: json.dumps(
        {"thought_process": reason(rng), "predicted_label": value(rng, label)}
    )


# kind -> (text of a generation, what is expected: its label, or the name of a failure)
KINDS = {
    "fenced": (lambda r, x: f"```{r.choice(['json', '', 'JSON'])}\n{whole(r, x)}\n```", None),
    "prose around": (lambda r, x: f"Sure, here it is: {whole(r, x)}\nI hope that helps.", None),
    "braces in the prose": (lambda r, x: f"With {{x | x > 0}} and {{y}} in mind: {whole(r, x)}", None),
    "several objects": (lambda r, x: f"{whole(r, x)}\n{whole(r, '10'[int(x)])}", None),
    "repeated after the end": (lambda r, x: f"{whole(r, x)}" + whole(r, x)[: r.randrange(1, 40)] * 3, None),
    "chat marks": (lambda r, x: f"<|im_start|>assistant\n{whole(r, x)}<|im_end|>", None),
    "thinking first": (lambda r, x: f"<think>is it {{so}}?</think>\n{whole(r, x)}", None),
    "single quotes": (python_text, None),
    "trailing comma": (lambda r, x: whole(r, x).rstrip("}\n ") + ",}", None),
    "a string for a number": (relabelled(lambda r, x: r.choice([x, f"{x}.0", f" {x} ", float(x)])), None),
    "a word for a number": (relabelled(lambda r, x: r.choice(WORD[x])), None),
    "a truth value": (relabelled(lambda r, x: x == "1"), None),
    "another key": (lambda r, x: json.dumps({"label": int(x), "explanation": reason(r)}), None),
    "truncated": (cut, "truncated"),
    "no object": (lambda r, x: f"The label is {x}. " + "It follows. " * r.randrange(5), "no-object"),
    "a list": (lambda r, x: f"[{whole(r, x)}]", "array"),
    "keys without quotes": (lambda r, x: f"{{predicted_label: {x}}}", "bare-keys"),
    "two labels": (lambda r, x: f'{{"predicted_label": {x}, "predicted_label": {1 - int(x)}}}', "duplicate-key"),
    "no label": (lambda r, x: json.dumps({"thought_process": reason(r)}), "no-label"),
    "no such label": (relabelled(lambda r, x: r.choice([7, -1, "maybe", "banana"])), "unknown-label"),
    "a label of a wrong type": (relabelled(lambda r, x: r.choice([None, [1], {"is": 1}, 0.5, ""])), "label-type"),
    "nothing": (lambda r, x: r.choice(["", " ", "\n\n"]), "empty"),
    "a comma too few": (lambda r, x: f'{{"thought_process": "so" "predicted_label": {x}}}', "not-json"),
    "not a number": (lambda r, x: '{"predicted_label": NaN}', "not-a-number"),
    "nested for ever": (lambda r, x: '{"a":' * r.randrange(300, 900), "too-deep"),
}  # fmt: skip


def outputs(n, seed):
    """(kind, text, label or failure) of n bad outputs; the same for the same seed."""
    rng = random.Random(seed)
    kinds = list(KINDS)
    for i in range(n):
        kind = kinds[i % len(kinds)]
        make, failure = KINDS[kind]
        label = rng.choice("01")
        yield kind, make(rng, label), failure or label


@pytest.mark.parametrize("kind", KINDS)
def test_bad_outputs_give_their_label_or_a_named_failure(kind):
    mine = [(text, wanted) for k, text, wanted in outputs(500, 1) if k == kind]
    assert len(mine) == 20
    for text, wanted in mine:
        found = read(text, ("0", "1"))
        assert (found.failure or found.label) == wanted, text
        assert (found.label is None) == bool(found.failure)
        assert found.failure == "" or found.failure in FAILURES


def example(label):
    return Example("e", TASK.from_row({"premise": "a", "hypothesis": "b", "label": label}, "").inputs,
                   TASK.from_row({"premise": "a", "hypothesis": "b", "label": label}, "").target)  # fmt: skip


def test_what_cannot_be_read_counts_as_wrong_and_what_can_as_it_says():
    for kind, text, wanted in outputs(500, 2):
        found = TASK.parse(text, example(1))
        if wanted in ("0", "1") and kind != "a word for a number":
            assert found.label == wanted
        elif wanted in FAILURES and wanted not in ("unknown-label", "no-object", "empty"):
            assert found is None, text
        elif wanted in FAILURES:  # a bare text is taken for a label by its words, and is then none of the set
            assert found is None or found.label not in ("0", "1")


def test_a_word_is_a_number_only_where_there_is_no_doubt():
    assert TASK.parse('{"label": "yes"}', example(0)).label == "1"
    assert (
        TASK.parse('{"label": "entailment"}', example(0)).label == "entailment"
    )  # may be 0 of three numbers
    assert TASK.parse('{"label": "yes"}', example("entailment")).label == "yes"
    assert read('{"label": "entailment"}', ("0", "1")).label == "1"
    assert read('{"label": "entailment"}', ("0", "1", "2")).failure == "unknown-label"


REASON = '"thought_process": "so it is"'


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('{"thought_process": "step 1: a\nstep 2:\tb", "predicted_label": 1}', "1"),
        (f'{{{REASON}, "Predicted_Label": 0}}', "0"),
        (f'{{{REASON}, "predicted label": 0}}', "0"),
        (f'{{{REASON}, "predicted_label": "0 (not entailed)"}}', "0"),
        (f'{{{REASON}, "predicted_label": "Label: 1"}}', "1"),
        (f'{{{REASON}, "predicted_label": "0 (entailed)"}}', "unknown-label"),
        (f'<think>{{"predicted_label": 1}}</think>{{{REASON}, "predicted_label": 0}}', "0"),
        (f'is it {{"predicted_label": 1}}?</think>{{{REASON}, "predicted_label": 0}}', "0"),
        ('{"thought_process": "</think> {", "predicted_label": 1}', "1"),
        (f'{{"answer": {{{REASON}, "predicted_label": 1}}}}', "1"),
    ],
)
def test_what_models_often_write_is_read(text, label):
    found = read(text, ("0", "1"))
    assert (found.failure or found.label) == label
    assert found.failure or found.reason


@pytest.mark.parametrize(
    ("said", "golds", "label"),
    [
        ("0 (entailed)", (0, 1), "0 (entailed)"),  # it says both
        ("1 - not entailed", (0, 1), "1 - not entailed"),
        ("entailed (0)", (0, 1), "entailed (0)"),
        ("0 (not entailed)", (0, 1), "0"),
        ("label: 1 (entailment)", (0, 1), "1"),
        ("0 (because it is night)", (0, 1), "0"),
        ("2 (contradiction)", (0, 1, 2), "2"),
        ("0 (entailment)", (0, 1, 2), "0"),  # as in SNLI
        ("entailed (0)", ("entailment", "not_entailment"), "entailment"),
    ],
)
def test_a_number_with_a_word_beside_it_is_read_as_the_set_has_it(said, golds, label):
    examples = [replace(example(gold), id=str(gold)) for gold in golds]
    made = [Prediction(e.id, TASK.parse({"label": said}, e), raw={"label": said}) for e in examples]
    assert {p.target.label for p in TASK.settled(examples, made, ())} == {label}
    unread = TASK.unread(examples, TASK.settled(examples, made, ()), ())
    assert (unread is None or not any(unread)) == (label in map(str, golds))


def test_a_label_as_long_as_a_book_is_none():
    for said in ("x (" * 300_000, "x" + " " * 600_000 + "y", "- " * 300_000):
        assert read(json.dumps({"label": said}), ("0", "1")).failure == "unknown-label"
    assert read(json.dumps({"label": f"0 ({'so it is ' * 100})"}), ("0", "1")).label == "0"


def test_the_rate_of_each_failure_is_told():
    found = rates(read(text, ("0", "1")) for _, text, _ in outputs(500, 3))
    assert sum(found.values()) == pytest.approx(100 * 12 / 25)
    assert found["truncated"] == pytest.approx(4.0)


def fuzzed(n, seed):
    """Outputs of every kind with letters changed, doubled and taken out, and strings of nothing but marks."""
    rng = random.Random(seed)
    letters = string.printable + "{}[]\"':,\\" * 6 + "\ud800\u2028é漢\x00"
    for i, (_, text, _) in enumerate(outputs(n, seed)):
        if i % 4 == 0:
            yield "".join(rng.choices(letters, k=rng.randrange(60)))
            continue
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(text) + 1)
            text = (
                text[:at]
                + rng.choice(["", text[at : at + 9] * 2, rng.choice(letters)])
                + text[at + rng.randrange(3) :]
            )
        yield text


def test_no_fuzzed_text_raises():
    """5,000 here; bench/teach_fuzz.py does 100,000."""
    for text in fuzzed(5_000, 4):
        found = read(text, ("0", "1"))
        assert (found.label is None) == bool(found.failure)
        TASK.parse(text, example(1))
