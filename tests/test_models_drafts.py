"""Answers that are already there are confirmed in one pass; whatever they say, what comes out is what generation says."""

import json

import pytest
from test_models_causal import PLACES, facts, make, save_base, with_schema

from finetooth import config
from finetooth.evaluate.run import kept_texts
from finetooth.models.drafts import generate_from
from finetooth.models.generation import generate
from finetooth.runs import Run
from finetooth.types import Dataset, Prediction

SCHEMA = {
    "type": "object",
    "properties": {"place": {"enum": PLACES}, "sure": {"type": "boolean"}},
    "required": ["place", "sure"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_base(tmp_path_factory.mktemp("base"))


class Counted:
    """How many forward passes a model makes."""

    def __init__(self, model):
        self.n = 0
        model.register_forward_hook(self.count)

    def count(self, *_):
        self.n += 1


def foretold(made, i):
    """Right, right as far as the middle, of another example, and nothing at all, in turn."""
    text = made[i].raw
    kinds = (text, text[: len(text) // 2] + "~" + text[len(text) // 2 :], made[i - 1].raw, None)
    return kinds[i % 4]


@pytest.mark.parametrize("constrain", [False, True])
def test_the_answers_are_the_same_whatever_the_drafts_say(base, constrain):
    if constrain:
        pytest.importorskip("llguidance")
    examples = with_schema(facts(12), SCHEMA)
    head = make(base, constrain=constrain, max_new_tokens=40)
    model = head.build(base).eval()
    plain = head.predict(model, examples)
    drafts = {e.id: foretold(plain, i) for i, e in enumerate(examples)}
    head.drafts = {name: text for name, text in drafts.items() if text is not None}
    again = head.predict(model, examples)
    assert [p.raw for p in again] == [p.raw for p in plain]
    assert [p.confidence for p in again] == pytest.approx([p.confidence for p in plain], rel=1e-4)


def test_a_right_draft_costs_one_pass_where_generation_costs_one_a_token(base):
    head = make(base)
    model = head.build(base).eval()
    prompts = head.framer.prompts([e.inputs.prompt for e in facts(3)])
    asked = {"most_tokens": [20, 20, 20], "ends": frozenset(), "pad": 0}
    plain = [made.ids for made in generate(model, prompts, **asked)]
    passes = Counted(model)
    made = generate_from(plain, prompts, generate, model, **asked)
    assert [m.ids for m in made] == plain
    assert passes.n == 3
    # Half of one draft is wrong: only its answer is gone on with, from where it goes wrong.
    passes.n = 0
    wrong = [plain[0], [*plain[1][:10], (plain[1][10] + 1) % 50, *plain[1][11:]], plain[2]]
    assert [m.ids for m in generate_from(wrong, prompts, generate, model, **asked)] == plain
    assert passes.n == 3 + 10


def test_sampling_takes_no_drafts(base):
    examples = facts(4)
    head = make(base, temperature=1.0, max_new_tokens=12)
    model = head.build(base).eval()
    plain = [p.raw for p in head.predict(model, examples)]
    head.drafts = {e.id: "anything" for e in examples}
    assert [p.raw for p in head.predict(model, examples)] == plain


def test_what_a_run_answered_to_the_same_examples_is_a_draft(tmp_path):
    run = Run.create(config.build({"task": "json", "data": {"train": "t"}, "out": str(tmp_path / "run")}))
    data = Dataset("json", [], "here", "memory", "print1")
    assert kept_texts(run, "dev", data) == {}
    answers = [Prediction("a", {"x": "é"}), Prediction("b", None, None, '{"cut'), Prediction("c", None)]
    run.write_predictions("dev", answers, lambda t: t)
    run.write_scores("dev", {"data_fingerprint": "print1"})
    assert kept_texts(run, "dev", data) == {"a": '{"x": "é"}', "b": '{"cut'}
    assert kept_texts(run, "dev", Dataset("json", [], "here", "memory", "other")) == {}
    run.release()


def test_broken_lines_of_kept_answers_are_no_drafts(tmp_path):
    run = Run.create(config.build({"task": "json", "data": {"train": "t"}, "out": str(tmp_path / "run")}))
    run.write_scores("dev", {"data_fingerprint": "print1"})
    path = run.predictions_path("dev")
    path.parent.mkdir()
    path.write_text(json.dumps({"id": "a", "prediction": {"x": 1}}) + '\n{"id": "b", "pre')
    assert kept_texts(run, "dev", Dataset("json", [], "here", "memory", "print1")) == {"a": '{"x": 1}'}
    run.release()
