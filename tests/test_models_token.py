"""The token head on encoders and decoders small enough to build and train inside a test."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import byte_level, word_pieces

from finetooth import registry
from finetooth.config import ModelConfig
from finetooth.errors import ConfigError
from finetooth.models import viterbi
from finetooth.models.load import build_head, load_run
from finetooth.tasks.documents import LabelledSpan, NerInput, NerTarget
from finetooth.tasks.mentions import join
from finetooth.types import Example

TASK = registry.task("ner")
PEOPLE = ["Ada Lovelace", "Bela", "Cleo Ray", "Dora", "Egon U.S."]
PLACES = ["Rome", "New Oslo", "Lima", "Bonn", "Graz (AT)"]


def documents(n, *, seed=0, facts=2, tokenised=False):
    """``Ada Lovelace met Bela in New Oslo.`` with people and places marked."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        text, spans = f"Note {i}:", []
        for _ in range(facts):
            for lead, names, kind in (
                (" Then ", PEOPLE, "PER"),
                (" met ", PEOPLE, "PER"),
                (" in ", PLACES, "LOC"),
            ):
                name = str(rng.choice(names))
                start = len(text) + len(lead)
                spans.append(LabelledSpan(start, start + len(name), name, kind))
                text += lead + name
            text += "."
        inputs = NerInput(text)
        if tokenised:
            text, tokens = join(["Then", "Ada", "Lovelace", "met", "Cleo", "'s", "dog", "."])
            inputs = NerInput(text, tokens)
            spans = [LabelledSpan(5, 17, "Ada Lovelace", "PER"), LabelledSpan(22, 26, "Cleo", "PER")]
        made.append(Example(f"d{i}", inputs, NerTarget(tuple(spans))))
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


def make(folder, examples, *, length=128, stride=16, **options):
    config = ModelConfig(name=str(folder), max_length_tokens=length, stride_tokens=stride, options=options)
    return build_head(TASK, config, TASK.labels(examples), "token", folder)


def train(head, model, examples, passes, rate=3e-3):
    windows = head.windows(examples)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    for _ in range(passes):
        step = head.step(model.train(), head.collate(windows))
        step.loss.mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return step


def spans(prediction):
    return {(s.start, s.end, s.type) for s in prediction.target.entities}


def f1(examples, predictions):
    metric = next(m for m in TASK.metrics if m.name == TASK.main_metric)
    return float(metric.value(metric.counts(examples, predictions).sum(0)))


def test_eight_examples_are_learnt_by_heart_saved_and_read_again(base, tmp_path):
    examples = documents(8)
    head = make(base, examples)
    model = head.build(base)
    step = train(head, model, examples, 120)
    found = head.predict(model, examples)
    assert f1(examples, found) == 100
    assert step.correct.all()
    assert all(0.5 < e["confidence"] <= 1 for p in found for e in p.raw)
    model.save_pretrained(tmp_path)
    head.save(tmp_path)
    again, loaded = load_run(tmp_path)
    other = again.predict(loaded, examples)
    assert [spans(p) for p in other] == [spans(p) for p in found]
    assert [p.confidence for p in other] == pytest.approx([p.confidence for p in found])


@pytest.mark.parametrize("length", [128, 24])
@pytest.mark.parametrize("options", [{}, {"units": "pieces"}, {"piece": "last"}, {"votes": "mean"}])
def test_gold_comes_back(base, length, options):
    examples = [*documents(6, facts=3), *documents(1, tokenised=True)]
    if options.get("units") == "pieces" and base.name.startswith("decoder"):
        # Its tokens join a name's last mark with the full stop behind it.
        examples = examples[-1:]
    head = make(base, examples, length=length, stride=8, **options)
    for example, back in zip(examples, head.round_trip(examples), strict=True):
        assert spans(back) == {(s.start, s.end, s.type) for s in example.target.entities}
        assert back.raw is None


def test_what_cannot_be_said_is_named(base):
    text = "then adalove met  rome "
    nested = NerTarget((LabelledSpan(5, 8, "ada", "PER"), LabelledSpan(17, 23, " rome ", "LOC")))
    examples = [Example("cut", NerInput(text), nested), Example("empty", NerInput(" "), NerTarget())]
    head = make(base, examples)
    assert {w.example for w in head.windows(examples)} == {0}
    cut, empty = head.round_trip(examples)
    assert "PER at 5..8" in cut.raw
    assert "inside a word" in cut.raw
    assert spans(empty) == set()
    assert "no word" in head.reasons["empty"]
    assert head.predict(head.build(base), examples)[1].target == NerTarget()


def test_padding_and_company_change_nothing(base):
    examples = [*documents(3), *documents(1, facts=5)]
    head = make(base, examples, length=64)
    model = head.build(base).eval()
    windows = head.windows(examples)
    together = head.step(model, head.collate(windows))
    for row, window in enumerate(windows):
        alone = head.step(model, head.collate([window]))
        for name in ("loss", "units", "gold_prob", "margin", "least_prob"):
            assert float(getattr(together, name)[row].detach()) == pytest.approx(
                float(getattr(alone, name)[0].detach()), abs=1e-5
            )


def test_one_wrong_tag_among_many_right_ones_shows_in_the_least_sure_one(base):
    head = make(base, documents(1, facts=5))
    (window,) = head.windows(documents(1, facts=5))
    gold, head._logs = torch.tensor(window.fields["gold"]), lambda model, batch: log
    log = torch.full((len(gold), len(head.tags)), 0.01 / (len(head.tags) - 1)).log()
    log[torch.arange(len(gold)), gold] = float(np.log(0.99))
    sure = head.step(None, head.collate([window]))
    log[3, gold[3]] = float(np.log(0.02))
    step = head.step(None, head.collate([window]))
    assert float(sure.least_prob[0]) == pytest.approx(0.99)
    assert float(step.least_prob[0]) == pytest.approx(0.02)
    assert float(step.gold_prob[0]) == pytest.approx(0.99 - 0.97 / len(gold))


def test_a_weight_of_two_is_the_example_twice(base):
    from finetooth.train.losses import weighted_sum

    examples = documents(3)
    head = make(base, examples, class_weights="sqrt")
    model = head.build(base).eval()
    one, two, three = head.windows(examples)
    batch = head.collate([one, two, two, three])
    for mean in ("example", "token"):
        twice, units = weighted_sum(head.step(model, batch), batch["weight"], mean)
        two.weight = 2.0
        weighted = head.collate([one, two, three])
        total, weight = weighted_sum(head.step(model, weighted), weighted["weight"], mean)
        two.weight = 1.0
        assert float((total / weight).detach()) == pytest.approx(float((twice / units).detach()), rel=1e-5)


def test_class_weights_have_mean_one_over_the_training_words(base):
    examples = documents(4)
    for how in ("sqrt", "balanced"):
        head = make(base, examples, class_weights=how)
        gold = np.concatenate([w.fields["gold"] for w in head.windows(examples)])
        weights = np.array(head.class_weights)
        assert weights[gold].mean() == pytest.approx(1)
        assert weights[head.number["I-LOC"]] > weights[0]


def test_smoothing_as_torch_has_it(base):
    examples = documents(1)
    head = make(base, examples)
    model = head.build(base).eval()
    (window,) = head.windows(examples)
    window.smoothing = 0.2
    batch = head.collate([window])
    logits = model(input_ids=batch["input_ids"]).logits.reshape(-1, len(head.tags))[batch["at"]]
    expected = torch.nn.functional.cross_entropy(logits, batch["gold"], label_smoothing=0.2)
    assert float(head.step(model, batch).loss[0].detach()) == pytest.approx(
        float(expected.detach()), rel=1e-5
    )


def test_a_long_text_takes_each_word_from_the_window_that_sees_most_of_it(encoder):
    examples = documents(1, facts=8)
    head = make(encoder, examples, length=40, stride=16)
    model = head.build(encoder).eval()
    (units,) = head._units(examples)
    (merged,) = head.log_probabilities(model, [units])
    windows = head._cut(0, units)
    assert len(windows) > 3
    assert (
        (np.concatenate([w.fields["units"] for w in windows]) == np.arange(len(units))[:, None]).any(1).all()
    )
    logs = [head._logs(model, head.collate([w])).detach().numpy() for w in windows]
    for unit in range(len(units)):
        seen = [
            (int(head._context(w)[at[0]]), -i, log[at[0]])
            for i, (w, log) in enumerate(zip(windows, logs, strict=True))
            if len(at := np.flatnonzero(w.fields["units"] == unit))
        ]
        best = max(seen, key=lambda s: s[:2])[2]
        assert merged[unit] == pytest.approx(best, abs=1e-4)


def test_a_decoder_is_known_by_what_it_reads(encoder, decoder):
    for folder, causal in ((encoder, False), (decoder, True)):
        head = make(folder, documents(2))
        head.build(folder)
        assert head.causal is causal


def test_nothing_to_learn_and_unknown_options_are_one_line(encoder):
    with pytest.raises(ConfigError, match="names no entity type"):
        make(encoder, [Example("e", NerInput("x"), NerTarget())])
    with pytest.raises(ConfigError, match="vote"):
        make(encoder, documents(1), vote="mean")
    with pytest.raises(ConfigError, match="median"):
        make(encoder, documents(1), votes="median")


# ---- decoding


def valid(path):
    return all(y % 2 or y == 0 or (i and path[i - 1] in (y, y - 1)) for i, y in enumerate(path))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 3),
    st.lists(st.integers(0, 5), min_size=1, max_size=4),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_viterbi_finds_the_best_valid_path(kinds, lengths, seed, coarse):
    rng = np.random.default_rng(seed)
    labels = 1 + 2 * kinds
    scores = [rng.normal(size=(n, labels)) * 3 for n in lengths]
    if coarse:  # many ties
        scores = [s.round() for s in scores]
    for log, path in zip(scores, viterbi.decode(scores), strict=True):
        assert len(path) == len(log)
        assert valid(path.tolist())
        if len(log) and labels ** len(log) < 3000:
            every = (p for p in itertools.product(range(labels), repeat=len(log)) if valid(p))
            best = max(sum(log[t, y] for t, y in enumerate(p)) for p in every)
            assert sum(log[t, y] for t, y in enumerate(path)) == pytest.approx(best)
        tags = viterbi.bio("abc"[:kinds])
        from finetooth.metrics.ner_tags import chunks_of

        told = [(a, b, "abc"[k]) for a, b, k in viterbi.chunks(path)]
        assert told == chunks_of([[tags[y] for y in path]], reading="strict_iob2")[0]


@settings(max_examples=120, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=30), st.booleans(), st.sampled_from(["first", "last"]))
def test_every_word_has_tokens_of_its_own(encoder, decoder, text, use_decoder, piece):
    from finetooth.models.load import load_tokenizer
    from finetooth.models.units import units_of

    tokenizer = load_tokenizer(decoder if use_decoder else encoder)
    (units,) = units_of(tokenizer, [NerInput(text)], piece=piece)
    offsets = units.tokens.offsets
    assert len(offsets) == len(units.tokens.ids)
    for unit, at in zip(units.spans, units.at, strict=True):
        inside = (offsets[:, 0] < unit.end) & (offsets[:, 1] > unit.start) & (offsets[:, 0] < offsets[:, 1])
        # No token of a word goes beyond it.
        assert (offsets[inside, 0] >= unit.start).all()
        assert (offsets[inside, 1] <= unit.end).all()
        assert (at >= 0) == inside.any()
        if at >= 0:
            assert at == np.flatnonzero(inside)[0 if piece == "first" else -1]
    if use_decoder:  # bytes leave nothing out
        assert (units.at >= 0).all()


def test_a_model_that_has_learnt_other_labels_does_not_pass_them_for_ours(base, tmp_path):
    """A tagger of CoNLL's types has as many outputs as ours, in another order or of other names."""
    import json

    examples = documents(8)
    head = make(base, examples)
    model = head.build(base)
    layer = model.score if hasattr(model, "score") else model.classifier
    with torch.no_grad():
        layer.weight.copy_(
            torch.arange(5.0)[:, None].expand_as(layer.weight)
        )  # each row says which tag it is of

    def saved(names):
        model.config.id2label = dict(enumerate(names))
        model.save_pretrained(tmp_path / "_".join(names))
        assert (
            list(json.loads((tmp_path / "_".join(names) / "config.json").read_text())["id2label"].values())
            == names
        )
        again = head.build(tmp_path / "_".join(names))
        found = again.score if hasattr(again, "score") else again.classifier
        assert again.config.id2label == dict(enumerate(head.tags))
        return found.weight.detach()

    assert list(head.tags) == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert saved(list(head.tags))[:, 0].tolist() == [0, 1, 2, 3, 4]
    # Rows follow their names.
    assert saved(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])[:, 0].tolist() == [0, 3, 4, 1, 2]
    # Names that stand for nothing are believed to be in our order: so are models written without any.
    assert saved([f"LABEL_{i}" for i in range(5)])[:, 0].tolist() == [0, 1, 2, 3, 4]
    other = saved(["O", "B-DRUG", "I-DRUG", "B-DOSE", "I-DOSE"])
    assert other.abs().max() < 1
    assert other.std() > 0
