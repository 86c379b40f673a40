"""The pair head on sentences, on encoders and decoders small enough to build and train inside a test."""

import numpy as np
import pytest
import torch
from tiny_models import byte_level, word_pieces

from finetooth import registry
from finetooth.config import ModelConfig
from finetooth.errors import ConfigError
from finetooth.models.load import build_head, load_run, load_weights
from finetooth.models.pair_sentences import shares
from finetooth.tasks.nli import NliInput, NliTarget
from finetooth.train.losses import weighted_sum
from finetooth.types import Example

NLI = registry.task("nli")
NAMES = ["Ada", "Bela", "Cleo", "Dora"]
PLACES = ["Rome", "Oslo", "Lima", "Bonn"]


def pairs(n, *, seed=0, labels=("no", "yes")):
    """``Ada is in Rome.`` and ``Ada left Rome.`` or the same place: does the one follow?"""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        name, place = rng.choice(NAMES), rng.choice(PLACES)
        told = str(rng.choice([place, *PLACES]))
        label = labels[int(told == place)]
        made.append(
            Example(f"p{i}", NliInput(f"{name} is in {place}.", f"{name} left {told}."), NliTarget(label))
        )
    return made


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return word_pieces(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return byte_level(tmp_path_factory.mktemp("decoder"))


@pytest.fixture(params=["encoder", "decoder"])
def base(request):
    return request.getfixturevalue(request.param)


def make(task, folder, examples, *, length=128, stride=16, **options):
    config = ModelConfig(name=str(folder), max_length_tokens=length, stride_tokens=stride, options=options)
    return build_head(task, config, task.labels(examples), "pair", folder)


def train(head, model, examples, passes, rate=3e-3):
    windows = head.windows(examples)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    for _ in range(passes):
        step = head.step(model.train(), head.collate(windows))
        step.loss.mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return step


def score(task, examples, predictions):
    metric = next(m for m in task.metrics if m.name == task.main_metric)
    return float(metric.value(metric.counts(examples, predictions).sum(0)))


def padding_and_company_change_nothing(head, model, examples):
    windows = head.windows(examples)
    together = head.step(model.eval(), head.collate(windows))
    for row, window in enumerate(windows):
        alone = head.step(model, head.collate([window]))
        for name in ("loss", "units", "gold_prob", "margin"):
            one, other = (float(getattr(x, name)[at].detach()) for x, at in ((together, row), (alone, 0)))
            assert one == pytest.approx(other, abs=1e-5), name


def a_weight_of_two_is_the_example_twice(head, model, examples):
    one, two, *rest = head.windows(examples)
    model.eval()
    for mean in ("example", "token"):
        batch = head.collate([one, two, two, *rest])
        twice, units = weighted_sum(head.step(model, batch), batch["weight"], mean)
        two.weight = 2.0
        batch = head.collate([one, two, *rest])
        total, weight = weighted_sum(head.step(model, batch), batch["weight"], mean)
        two.weight = 1.0
        assert float((total / weight).detach()) == pytest.approx(float((twice / units).detach()), rel=1e-5)


# ---- two sentences


def test_eight_pairs_are_learnt_by_heart_saved_and_read_again(base, tmp_path):
    examples = pairs(8)
    head = make(NLI, base, examples)
    model = head.build(base)
    step = train(head, model, examples, 60)
    found = head.predict(model, examples)
    assert score(NLI, examples, found) == 100
    assert step.correct.all()
    assert all(p.confidence == max(p.raw.values()) > 0.5 for p in found)
    model.save_pretrained(tmp_path)
    head.save(tmp_path)
    again, loaded = load_run(tmp_path)
    assert [p.raw for p in again.predict(loaded, examples)] == [p.raw for p in found]


def test_the_saved_body_is_an_ordinary_one(base, tmp_path):
    from transformers import AutoModel

    examples = pairs(8)
    head = make(NLI, base, examples)
    model = head.build(base)
    train(head, model, examples, 2)
    model.save_pretrained(tmp_path)
    body = load_weights(AutoModel, tmp_path, None)
    trained = getattr(model, model.base_model_prefix)
    for key, value in body.state_dict().items():
        if ".pooler" not in key and not key.startswith("pooler"):
            assert torch.equal(value, trained.state_dict()[key]), key


@pytest.mark.parametrize("pooling", ["cls", "mean", "last", "both"])
def test_every_pooling_ignores_padding(base, decoder, pooling):
    examples = [*pairs(3), Example("long", NliInput("Ada is in Rome. " * 5, "Bela."), NliTarget("no"))]
    if pooling == "cls" and base == decoder:
        with pytest.raises(ConfigError, match="no token for the whole"):
            make(NLI, base, examples, pooling=pooling)
        return
    head = make(NLI, base, examples, pooling=pooling)
    model = head.build(base)
    padding_and_company_change_nothing(head, model, examples)
    a_weight_of_two_is_the_example_twice(head, model, examples)


def test_a_pair_that_is_too_long_is_cut_where_it_is_longest_and_named(base):
    examples = [
        Example("long", NliInput("Ada is in Rome. " * 20, "Ada left."), NliTarget("no")),
        *pairs(4),
    ]
    head = make(NLI, base, examples, length=64)
    windows = head.windows(examples)
    assert [len(w) <= 64 for w in windows] == [True] * 5
    assert len(windows[0]) == 64
    back = head.round_trip(examples)
    assert "of the premise and 0 of the hypothesis are cut" in back[0].raw
    assert [p.raw for p in back[1:]] == [None] * 4
    assert [p.target.label for p in back] == [e.target.label for e in examples]


def test_shares_leave_no_room_unused():
    for one in range(0, 40, 3):
        for two in range(0, 40, 3):
            n, m = shares(one, two, 21)
            assert n <= one
            assert m <= two
            assert n + m == min(21, one + two)


def test_a_label_that_training_lacks_is_no_window_and_two_labels_are_needed(encoder):
    head = make(NLI, encoder, pairs(8))
    other = Example("x", NliInput("Ada.", "Bela."), NliTarget("maybe"))
    assert head.windows([other]) == []
    assert "maybe" in head.reasons["x"]
    assert head.round_trip([other])[0].target is None
    assert head.predict(head.build(encoder), [other])[0].target.label in ("no", "yes")
    with pytest.raises(ConfigError, match="1 different label"):
        make(NLI, encoder, pairs(8, labels=("no", "no")))


@pytest.mark.parametrize("strategy", ["lora", "partial", "head"])
def test_strategies_train_what_they_say(base, strategy, tmp_path):
    from finetooth.models.adapt import adapt, merge
    from finetooth.train.schedule import head_parameters

    examples = pairs(8)
    config = ModelConfig(name=str(base), max_length_tokens=128, stride_tokens=8, strategy=strategy)
    head = build_head(NLI, config, NLI.labels(examples), "pair", base)
    before = {k: v.clone() for k, v in head.build(base).state_dict().items()}
    model = adapt(head.build(base), config)
    new = head_parameters(model)
    assert new
    assert all("classifier." in name for name in new)
    train(head, model, examples, 3)
    plain = merge(model)
    changed = {k for k, v in plain.state_dict().items() if not torch.equal(v, before[k])}
    new = {k for k in changed if k.startswith("classifier.")}
    assert new
    assert (changed == new) is (strategy == "head")
    assert changed != set(before) or strategy == "lora"
    plain.save_pretrained(tmp_path)
    head.save(tmp_path)
    again, loaded = load_run(tmp_path)
    assert [p.raw for p in again.predict(loaded, examples)] == [p.raw for p in head.predict(plain, examples)]
