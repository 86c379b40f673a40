"""The doctor: planted bugs are caught by the rung that is there for them, and a healthy model passes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny_models
import torch

from finetooth import config, generate, registry
from finetooth.cli import main
from finetooth.errors import UsageError
from finetooth.models.span import INPUTS, SpanHead
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.train import doctor, schedule
from finetooth.train.build import Built, default
from finetooth.types import Example, Span

TRAIN = {"learning_rate": 3e-3, "warmup_steps": 5, "batch_tokens": 1024, "threads": 1, "epochs": 4}
NAMES = "ada bela cleo dora egon finn gus hana ines jon".split()


def questions(n, *, seed, long=(60, 90)):
    """Names in any order and one number, which is the answer; a fifth are longer than a window."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        size = int(rng.integers(*(long if i % 5 == 0 else (6, 20))))
        words = [str(w) for w in rng.choice(NAMES, size)]
        at = int(rng.integers(1, size - 1))
        words[at] = str(rng.integers(2, 10))
        context = " ".join(words)
        start = len(" ".join(words[:at])) + 1
        target = QATarget((Span(start, start + 1, words[at]),))
        made.append(Example(f"{seed}-{i}", QAInput("what number ?", context), target))
    return made


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A BERT of two layers of 32 that knows these words, its weights not trained."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *NAMES, *"23456789", "what", "number", "?"]
    rust = BertWordPieceTokenizer(vocab={w: i for i, w in enumerate(words)}, lowercase=True)
    BertTokenizerFast(
        tokenizer_object=rust._tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    BertModel(
        BertConfig(vocab_size=len(words), max_position_embeddings=64, initializer_range=0.1, **shape),
        add_pooling_layer=False,
    ).save_pretrained(folder)
    return folder


def settings(base, **changes):
    return config.build(
        {
            "task": "qa",
            "data": {"train": "memory"},
            "model": {"name": str(base), "max_length_tokens": 48, "stride_tokens": 8},
            "train": TRAIN,
            "out": "nowhere",
            **changes,
        }
    )


def facts(n, *, seed):
    """Eight names with a number each; the question names one of them."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        names = [str(w) for w in rng.permutation(NAMES)[:8]]
        words = [w for name in names for w in (name, str(rng.integers(2, 10)))]
        at = 2 * int(rng.integers(8)) + 1
        start = len(" ".join(words[:at])) + 1
        target = QATarget((Span(start, start + 1, words[at]),))
        made.append(Example(f"{seed}-{i}", QAInput(f"what {words[at - 1]} ?", " ".join(words)), target))
    return made


def examine(base, *, head=SpanHead, plant=None, said=None, data=questions, until=None, **changes):
    """The diagnosis, with a head of another class or a model that ``plant`` has changed."""

    def build(chosen, task, examples):
        built = default(chosen, task, examples)
        own = head(task, built.head.tokenizer, chosen.model)

        def model():
            made = built.model()
            if plant is not None:
                plant(made)
            return made

        return Built(own, model)

    return doctor.examine(
        settings(base, **changes),
        train=data(300, seed=1),
        dev=data(60, seed=2),
        build=build,
        told=said,
        until=until,
    )


def test_a_healthy_model_climbs_the_whole_ladder(base):
    heard = []
    found = examine(base, said=heard.append)
    assert [(o.rung, o.state) for o in found.outcomes] == [(r.name, "holds") for r in doctor.RUNGS], (
        found.verdict
    )
    assert found.healthy
    assert heard == list(found.outcomes)
    by_name = {o.rung: o.evidence for o in found.outcomes}
    assert by_name["targets"]["several_windows"] == 60
    assert by_name["heart"]["score"] == 100
    assert by_name["held-out"]["score"] > by_name["held-out"]["floor"]
    rates = by_name["rate"]
    assert rates["configured"] / 30 < rates["suggested"] < rates["configured"] * 30


# Bugs in the head


class ShiftedLabels(SpanHead):
    """The gold is one token further than it should be."""

    def _places(self, example, cuts):
        return [p and (p[0] + 1, p[1] + 1) for p in super()._places(example, cuts)]


class ShiftedOnItsWay(SpanHead):
    """Windows are right, the batch is not: each gold that can is one token further."""

    def collate(self, windows):
        batch = super().collate(windows)
        if "gold" in batch:
            further = (batch["gold"] + 1).clamp(max=batch["valid"].shape[1] - 1)
            fits = batch["valid"].gather(1, further) & (batch["gold"] > 0)
            batch["gold"] = torch.where(fits, further, batch["gold"])
        return batch


class OffByWindow(SpanHead):
    """Positions are counted from the text's begin, not from the window's."""

    def _places(self, example, cuts):
        places = super()._places(example, cuts)
        return [p and (p[0] + c.begins, p[1] + c.begins) for p, c in zip(places, cuts, strict=True)]


class WrongAxis(SpanHead):
    """The softmax goes over the windows of the batch instead of the positions of a window."""

    def _logs(self, model, batch):
        out = model(**{k: batch[k] for k in INPUTS if k in batch})
        hidden = ~batch["valid"]
        return tuple(
            x.float().masked_fill(hidden, float("-inf")).log_softmax(0).masked_fill(hidden, float("-inf"))
            for x in (out.start_logits, out.end_logits)
        )


class SpecialTokensDropped(SpanHead):
    """Evaluation leaves [CLS] out of the logits and takes what is left for the positions of the window."""

    def _logs(self, model, batch):
        made = super()._logs(model, batch)
        if not torch.is_inference_mode_enabled():
            return made
        nothing = torch.full((len(made[0]), 1), float("-inf"))
        return tuple(torch.cat([x[:, 1:], nothing], dim=1) for x in made)


class DoubleSoftmax(SpanHead):
    """The loss takes probabilities for logits."""

    def _logs(self, model, batch):
        hidden = ~batch["valid"]
        return tuple(
            x.exp().masked_fill(hidden, float("-inf")).log_softmax(-1) for x in super()._logs(model, batch)
        )


class LossOnPadding(SpanHead):
    """An answer may begin in the padding, as far as the loss knows."""

    def collate(self, windows):
        batch = super().collate(windows)
        if "attention_mask" in batch:
            batch["valid"] |= batch["attention_mask"] == 0
        return batch


class LabelsInAnotherOrder(SpanHead):
    """Inputs come as asked, labels sorted by where they are."""

    def collate(self, windows):
        batch = super().collate(windows)
        if "gold" in batch:
            batch["gold"] = batch["gold"][batch["gold"][:, 0].argsort()]
        return batch


class QuestionLost(SpanHead):
    """The window says [CLS] [SEP] context [SEP], whatever is asked."""

    def _cuts(self, examples):
        return super()._cuts([replace(e, inputs=replace(e.inputs, question="")) for e in examples])


class Unfinished(SpanHead):
    def step(self, model, batch):
        raise NotImplementedError("the loss")


# Bugs in the model


def inverted_mask(model):
    def turn(module, args, kwargs):
        if kwargs.get("attention_mask") is not None:
            kwargs["attention_mask"] = 1 - kwargs["attention_mask"]
        return args, kwargs

    model.register_forward_pre_hook(turn, with_kwargs=True)


class Nowhere(torch.nn.Module):
    def forward(self, places):
        return torch.zeros(1)


def no_positions(model):
    model.bert.embeddings.position_embeddings = Nowhere()


def frozen_head(model):
    model.qa_outputs.requires_grad_(False)


def detached_body(model):
    def cut(module, args, made):
        made.last_hidden_state = made.last_hidden_state.detach()
        return made

    model.bert.register_forward_hook(cut)


def norm_over_the_batch(model):
    def norm(module, args, made):
        made.last_hidden_state = made.last_hidden_state / made.last_hidden_state.std(dim=(0, 1))
        return made

    model.bert.register_forward_hook(norm)


def huge_logits(model):
    torch.nn.init.normal_(model.qa_outputs.weight, std=5.0)


PLANTED = {
    "labels shifted by one": ("targets", {"head": ShiftedLabels}, "come back"),
    "labels shifted on their way": ("heart", {"head": ShiftedOnItsWay}, "not what is decoded"),
    "off by window": ("targets", {"head": OffByWindow}, "several windows"),
    "softmax over the wrong axis": ("start", {"head": WrongAxis}, "even odds"),
    "logits too large": ("start", {"plant": huge_logits}, "worse than knowing nothing"),
    "frozen head": ("gradients", {"plant": frozen_head}, "qa_outputs"),
    "detached body": ("gradients", {"plant": detached_body}, "get no gradient"),
    "mask inverted": ("padding", {"plant": inverted_mask}, "padding"),
    "loss on padding": ("padding", {"head": LossOnPadding}, "padding"),
    "labels in another order": ("shuffle", {"head": LabelsInAnotherOrder}, "another order"),
    "a norm over the batch": ("shuffle", {"plant": norm_over_the_batch}, "smaller batch"),
    "no positional encoding": ("order", {"plant": no_positions}, "bag of words"),
    "double softmax": ("batch", {"head": DoubleSoftmax}, "never comes below"),
    "evaluation drops special tokens wrongly": (
        "heart",
        {"head": SpecialTokensDropped},
        "not what is decoded",
    ),
    "the question is lost": ("held-out", {"head": QuestionLost, "data": facts}, "never reaches"),
    "a head that raises": ("start", {"head": Unfinished}, "NotImplementedError in step"),
    "a learning rate far too small": (
        "batch",
        {"train": {**TRAIN, "learning_rate": 1e-4}},
        "they are learnt in",
    ),
    "a warmup longer than the run": (
        "schedule",
        {"train": {**TRAIN, "warmup_steps": 500}},
        "longer than the run",
    ),
}


@pytest.mark.parametrize(("rung", "bug", "words"), PLANTED.values(), ids=PLANTED)
def test_a_planted_bug_is_caught_by_its_rung(base, rung, bug, words):
    found = examine(base, **bug)
    assert found.broken is not None
    assert found.broken.rung == rung, found.verdict
    assert words in found.broken.said
    assert found.broken.cure in found.verdict
    assert not any(o.state == "broken" for o in found.outcomes[:-1])


def test_a_schedule_at_zero_is_caught(base, monkeypatch):
    monkeypatch.setattr(
        schedule,
        "scheduler",
        lambda optimizer, *more: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _: 0.0),
    )
    found = examine(base)
    assert found.broken.rung == "schedule"
    assert "0.0 at each" in found.broken.said


# Every head, and the command


@pytest.mark.parametrize(
    ("task", "head", "folder"),
    [
        ("ner", "token", tiny_models.word_pieces),
        ("nli", "pair", tiny_models.word_pieces),
        ("relation", "pair", tiny_models.word_pieces),
        ("qa", "causal", tiny_models.byte_level),
    ],
)
def test_the_wiring_of_every_head_is_examined(tmp_path, task, head, folder):
    if head == "causal":
        examples = questions(24, seed=1, long=(6, 20))
    else:
        rows = generate.make(task, 24, seed=3).rows
        examples = [registry.task(task).from_row(row, f"row {i}") for i, row in enumerate(rows)]
    chosen = config.build(
        {
            "task": task,
            "data": {"train": "memory"},
            "model": {
                "name": str(folder(tmp_path)),
                "head": head,
                "max_length_tokens": 160,
                "stride_tokens": 32,
            },
            "train": {"threads": 1},
            "out": "nowhere",
        }
    )
    found = doctor.examine(chosen, train=examples, until="order")
    assert found.healthy, found.verdict
    start = found.outcomes[1]
    assert start.evidence["loss"] == pytest.approx(start.evidence["expected"], rel=0.2)


@pytest.mark.parametrize("strategy", ["lora", "partial", "head"])
def test_weights_that_are_meant_to_stand_still_may(base, strategy):
    model = {**settings(base).model_dump()["model"], "strategy": strategy}
    found = examine(base, model=model, until="gradients")
    assert found.healthy, found.verdict
    assert found.outcomes[-1].evidence["frozen"]


def test_a_rung_that_does_not_exist_is_named(base):
    with pytest.raises(UsageError, match="there is no rung 'shuffel'"):
        examine(base, until="shuffel")


def written(folder, name, examples):
    rows = [registry.task("qa").to_row(e) for e in examples]
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder / name)


def test_the_command_tells_where_the_ladder_breaks(base, tmp_path, capsys):
    path = tmp_path / "qa.yaml"
    values = settings(base).model_dump(mode="json")
    values["data"] |= {
        "train": written(tmp_path, "train.jsonl", questions(60, seed=1)),
        "dev": written(tmp_path, "dev.jsonl", questions(20, seed=2)),
    }
    path.write_text(json.dumps(values))
    assert main(["doctor", str(path), "--until", "padding", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["healthy"], told["broken"]) == (True, None)
    assert [r["rung"] for r in told["rungs"]] == ["targets", "start", "gradients", "padding"]

    # Offsets that point one character too far are no longer those of the gold.
    shifted = [
        replace(e, target=QATarget(tuple(Span(a.start + 2, a.end + 2, a.text) for a in e.target.answers)))
        for e in questions(60, seed=1)
    ]
    values["data"]["train"] = written(tmp_path, "shifted.jsonl", shifted)
    path.write_text(json.dumps(values))
    assert main(["doctor", str(path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["broken"] == "targets"
    assert told["rungs"][-1]["evidence"]["lost"]

    assert main(["doctor", str(path), "train.learningrate=1"]) == 2
    assert "did you mean learning_rate" in capsys.readouterr().err


def test_the_cure_for_a_long_warmup_is_one_that_can_be_taken():
    def said(warmup, steps):
        return schedule.warmup_warning(config.TrainConfig(warmup_steps=warmup), steps)

    assert "set train.warmup_steps to 1 or train longer" in said(3, 10)
    # One step is the shortest warmup there is.
    assert said(1, 3).endswith("train longer")
    assert "set train.warmup_steps" not in said(1, 3)
    assert said(1, 100) == ""
