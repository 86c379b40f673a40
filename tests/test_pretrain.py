"""Pretraining on the texts themselves: what is asked is right, nothing else is learnt from, fine-tuning goes on with it."""

import json
import re

import numpy as np
import pytest
import tiny_models
import torch
import train_toy
from safetensors.torch import load_file
from transformers import AutoModel

from finetooth import config, io, registry
from finetooth.cli import main
from finetooth.config import ModelConfig, PretrainConfig
from finetooth.errors import ConfigError, DataError, UsageError
from finetooth.models.load import load_tokenizer, load_weights, read_head
from finetooth.models.scratch import pretrain as heads
from finetooth.models.scratch import selection, text
from finetooth.models.scratch.source import folder_of
from finetooth.train import Watch, train
from finetooth.train.pretraining import pretrain

PASSAGE = (
    "Ada Lovelace wrote notes on the Analytical Engine in 1843. Charles Babbage designed the Analytical Engine "
    "but never built it.  The notes of Ada Lovelace hold a program for Bernoulli numbers (the first of its kind). "
    "Babbage called her the enchantress of numbers."
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FINETOOTH_CACHE", str(tmp_path / "cache"))


# ---- questions made of text


@pytest.mark.parametrize("seed", range(5))
def test_every_answer_stands_where_it_is_said_to(seed):
    texts = [PASSAGE, "  " + PASSAGE, "One sentence only about Rome.", "", "a the of"]
    made = selection.questions(texts, per_text=40, rng=np.random.default_rng(seed))
    assert len(made) > 20
    for e in made:
        (answer,) = e.target.answers
        assert e.inputs.context[answer.start : answer.end] == answer.text
        assert e.inputs.question.endswith("?")
        asked = e.inputs.question.lower().split()
        assert not set(answer.text.lower().split()) & set(asked[1:])


def test_a_recurring_phrase_is_asked_for_without_the_sentence_it_was_taken_from():
    made = selection.questions([PASSAGE], per_text=40, rng=np.random.default_rng(0), kinds=("recurring",))
    answers = {e.target.answers[0].text for e in made}
    assert {"Analytical Engine", "Ada Lovelace"} <= answers
    for e in made:
        assert e.inputs.context != PASSAGE
        asked = {w.strip("?") for w in e.inputs.question.split()[1:]}
        shared = [len(asked & set(s.split())) for s in re.split(r"\.\s+", PASSAGE)]
        sentence = re.split(r"\.\s+", PASSAGE)[int(np.argmax(shared))]
        assert sentence not in e.inputs.context


def test_a_cloze_leaves_the_text_whole_and_asks_with_its_words():
    made = selection.questions([PASSAGE], per_text=30, rng=np.random.default_rng(0), kinds=("cloze",))
    assert all(e.inputs.context == PASSAGE for e in made)
    when = [e for e in made if e.target.answers[0].text == "1843"]
    assert when
    assert when[0].inputs.question.split()[0] in ("When", "In", "What")
    assert "Engine" in when[0].inputs.question


# ---- heads


def windows_of(objective, tmp_path, **how):
    folder = tiny_models.word_pieces(tmp_path / "bert")
    options = ModelConfig(name=f"scratch:{folder}", max_length_tokens=32, stride_tokens=8)
    source = folder_of(options, list)
    kind = {"mlm": heads.MaskedHead, "electra": heads.ReplacedHead}[objective]
    head = kind(text.task(("mlm",)), load_tokenizer(source), options, PretrainConfig(**how))
    examples = [text.example(t) for t in (PASSAGE, "Ada left.")]
    return head, source, examples, head.windows(examples)


def test_windows_hold_every_token_once_and_number_its_word(tmp_path):
    head, _, examples, windows = windows_of("mlm", tmp_path)
    ids = head.tokenizer(PASSAGE, add_special_tokens=False)["input_ids"]
    found = [i for w in windows if w.example == 0 for i in w.input_ids[1:-1]]
    assert found == ids
    assert all(len(w) <= 32 for w in windows)
    last = windows[-1]
    words = dict.fromkeys(last.fields["words"].tolist())
    assert head.tokenizer.decode(last.input_ids[1:-1]) == "ada left."
    assert list(words) == [-1, 1, 2, 3]
    both = head.windows([text.example("Ada left Rome.", "Who left?")])
    assert both[0].fields["words"].tolist().count(-1) == 3
    assert examples[0].inputs.first == ""


def test_whole_words_are_drawn_and_never_special_tokens_or_padding(tmp_path):
    head, _, _, windows = windows_of("mlm", tmp_path, mask_share=0.3)
    batch = head.collate(windows)
    words = batch["words"].flatten()
    for seed in range(5):
        at = heads.places(batch["words"], len(batch["slots"]), torch.Generator().manual_seed(seed))
        assert len(at) == round(0.3 * int((words >= 0).sum()))
        assert (words[at] >= 0).all()
        taken = torch.zeros_like(words, dtype=torch.bool)
        taken[at] = True
        torn = 0
        for row, numbers in enumerate(batch["words"]):
            here = taken.view_as(batch["words"])[row]
            for number in numbers.unique():
                chosen = here[numbers == number]
                torn += bool(chosen.any() and not chosen.all())
        assert torn <= 1
    changed = head.hide(batch["input_ids"], at, torch.Generator().manual_seed(0)) != batch["input_ids"]
    assert 0.7 < changed.sum() / len(at) <= 1
    assert not changed.flatten()[words < 0].any()


def test_the_loss_is_that_of_the_masked_tokens_alone(tmp_path):
    head, source, _, windows = windows_of("mlm", tmp_path)
    model = head.build(source, seed=0).eval()
    batch = head.collate(windows)
    torch.manual_seed(3)
    step = head.step(model, batch)
    torch.manual_seed(3)
    at = heads.places(batch["words"], len(batch["slots"]))
    hidden = head.hide(batch["input_ids"], at, None)
    labels = torch.full_like(hidden, -100)
    labels.view(-1)[at] = batch["input_ids"].flatten()[at]
    theirs = model(hidden, attention_mask=batch["attention_mask"], labels=labels).loss
    ours = (step.loss * step.units).sum() / step.units.sum()
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-4)
    assert int(step.units.sum()) == len(at)


def test_a_model_of_the_library_can_be_pretrained_too(tmp_path):
    head, _, _, windows = windows_of("mlm", tmp_path)
    model = load_weights_of_bert(tmp_path / "bert")
    batch = head.collate(windows)
    torch.manual_seed(3)
    assert head.step(model, batch).loss.mean().item() == pytest.approx(np.log(len(head.tokenizer)), rel=0.2)


def load_weights_of_bert(folder):
    from transformers import AutoModelForMaskedLM

    return load_weights(AutoModelForMaskedLM, folder, None)


def test_replaced_tokens_are_those_that_differ(tmp_path):
    head, source, _, windows = windows_of("electra", tmp_path)
    model = head.build(source, seed=0)
    words = model.encoder.embeddings.words.weight
    assert model.generator.encoder.embeddings.words.weight is words
    assert model.generator.masked.decoder.weight is words
    assert model.generator.encoder.config.hidden_size < model.encoder.config.hidden_size
    batch = head.collate(windows)
    step = head.step(model, batch)
    # Logits are near 0: half a bit of each decision, and a vocabulary's worth of each guess.
    expected = np.log(len(head.tokenizer)) + heads.FOUND_WEIGHT * np.log(2)
    assert step.loss.mean().item() == pytest.approx(expected, rel=0.1)
    step.loss.mean().backward()
    assert {n for n, p in model.named_parameters() if p.grad is None} == {
        "generator.encoder.embeddings.matches"
    } & set()
    _, _, _, replaced, real = head._both(model, batch, None)
    assert 0 < replaced.sum() <= len(batch["slots"])
    assert not replaced[~real].any()


# ---- runs


def settings(folder, out, *more):
    rows = [registry.task("qa").to_row(e) for e in train_toy.examples(24)]
    io.write_jsonl(folder / "train.jsonl", rows)
    return config.build(
        {"task": "qa", "data": {"train": f"{folder}/train.jsonl"}, "out": str(folder / out)},
        ["model.name=scratch", "model.max_length_tokens=64", "model.stride_tokens=16", "model.scratch.layers=2",
         "model.scratch.width=32", "model.scratch.heads=2", "model.scratch.vocabulary=150", "train.batch_tokens=256",
         "train.precision=fp32", "train.learning_rate=3e-3", "train.warmup_steps=2", "train.threads=1",
         "train.epochs=4", *more],
    )  # fmt: skip


@pytest.mark.parametrize("objective", ["mlm", "electra", "spans"])
def test_it_learns_and_fine_tuning_goes_on_with_it(objective, tmp_path):
    chosen = settings(tmp_path, "pre", f"pretrain.objective={objective}", "pretrain.questions_per_text=4")
    run = pretrain(chosen)
    losses = [row["loss"] for row in run.steps() if "loss" in row]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    assert run.scores()["dev"]["scores"]
    saved = load_file(run.model / "model.safetensors")
    kept = {k: v for k, v in saved.items() if k.endswith("layers.1.attention.qkv.weight")}
    assert len(kept) == 1
    body = load_weights(AutoModel, run.model, None)
    (weight,) = kept.values()
    assert torch.equal(body.layers[1].attention.qkv.weight, weight)
    assert json.loads((run.model / "config.json").read_text())["model_type"] == "finetooth-encoder"
    tuned = train(settings(tmp_path, "fine", f"model.name={run.folder}", "train.max_steps=1"))
    assert tuned.status == "finished"
    drawn = train(settings(tmp_path, "raw", "train.max_steps=1"))
    after, raw = (
        load_file(r.model / "model.safetensors")["encoder.layers.1.attention.qkv.weight"]
        for r in (tuned, drawn)
    )
    assert (after - weight).abs().max() < 5e-3 < (raw - weight).abs().max()


def test_masks_are_drawn_anew_and_a_resume_is_exact(tmp_path):
    whole = pretrain(settings(tmp_path, "whole"))

    class Stop(Watch):
        def progress(self, phase, done, of, **values):
            if phase == "train" and done == 5:
                raise KeyboardInterrupt

    half = settings(tmp_path, "half", "train.save_steps=2")
    with pytest.raises(KeyboardInterrupt):
        pretrain(half, watch=Stop())
    again = pretrain(half)
    assert again.info["measured"]["resumed_at"] > 0
    one, other = (load_file(r.model / "model.safetensors") for r in (whole, again))
    assert all(torch.equal(one[k], other[k]) for k in one)


def test_the_command_reads_any_text(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.txt").write_text("\n\n".join(f"{PASSAGE} Part {i}." for i in range(12)), "utf-8")
    small = ["model.scratch.layers=1", "model.scratch.width=32", "model.scratch.heads=2", "model.scratch.vocabulary=200",
             "model.max_length_tokens=64", "model.stride_tokens=8", "train.max_steps=2", "train.warmup_steps=1", "train.batch_tokens=256"]  # fmt: skip
    assert main(["pretrain", "--texts", "t.txt", "--out", "runs/pre", "--json", *small]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "finished"
    assert {s["name"] for s in told["scores"]} == {"loss", "accuracy"}
    with pytest.raises(UsageError, match=r"has learnt no task yet \(finetooth train --model runs/pre"):
        read_head("runs/pre")
    assert main(["pretrain", "--texts", "gone.txt", "--out", "runs/x", *small]) == 2
    assert "gone.txt" in capsys.readouterr().err
    (tmp_path / "empty.txt").write_text("\n\n  \n", "utf-8")
    with pytest.raises(DataError, match="only white space"):
        text.from_file(tmp_path / "empty.txt")


def test_settings_that_do_not_apply_are_one_line(tmp_path):
    with pytest.raises(ConfigError, match="trains all weights"):
        pretrain(settings(tmp_path, "a", "model.strategy=lora"))
    bert = tiny_models.word_pieces(tmp_path / "bert")
    with pytest.raises(ConfigError, match="electra needs an encoder of ours"):
        pretrain(settings(tmp_path, "b", f"model.name={bert}", "pretrain.objective=electra"))
