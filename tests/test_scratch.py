"""The pieces of our own encoder, each held against a reference; and the whole of it, loaded by transformers."""

import json

import numpy as np
import pytest
import torch
import train_toy
from safetensors.torch import load_file
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoModelForQuestionAnswering

from finetooth import config, io, registry
from finetooth.cli import main
from finetooth.diagnose.embeddings import embed
from finetooth.errors import ConfigError, UsageError
from finetooth.models.load import load_run, load_weights, resolve
from finetooth.models.scratch import register
from finetooth.models.scratch import tokenizer as tokenizers
from finetooth.models.scratch.attention import MultiHeadAttention, attend
from finetooth.models.scratch.blocks import Block, FeedForward, matches
from finetooth.models.scratch.configuration import EncoderConfig
from finetooth.models.scratch.model import Encoder, EncoderForMaskedLM, EncoderForQuestionAnswering
from finetooth.models.scratch.positions import rotary_tables, rotate, sinusoids
from finetooth.models.scratch.source import folder_of, texts_of
from finetooth.train import Watch, train

TINY = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 48}


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape) * 100 + shape[-1]))


def mask_of(*lengths):
    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


def test_attention_written_out_equals_the_fast_kernel():
    q, k, v = draw(2, 4, 7, 8), draw(2, 4, 7, 8).flip(0), draw(2, 4, 7, 8) + 1
    mask = mask_of(7, 4)[:, None, None, :]
    found, weights = attend(q, k, v, mask)
    torch.testing.assert_close(found, F.scaled_dot_product_attention(q, k, v, attn_mask=mask))
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 7))
    assert weights[1, :, :, 4:].abs().max() == 0


@pytest.mark.parametrize("want_weights", [False, True])
@pytest.mark.parametrize("lengths", [(9, 9, 9), (9, 5, 1)])
def test_multi_head_attention_equals_the_functional_one_of_torch(lengths, want_weights):
    torch.manual_seed(0)
    ours = MultiHeadAttention(32, 4)
    torch.nn.init.normal_(ours.qkv.bias)
    x, mask = draw(3, 9, 32), mask_of(*lengths)
    found, weights = ours(x, mask[:, None, None, :], want_weights=want_weights)
    theirs, mean = F.multi_head_attention_forward(
        *[x.transpose(0, 1)] * 3, 32, 4, ours.qkv.weight, ours.qkv.bias, None, None, False, 0.0,
        ours.out.weight, ours.out.bias, training=False, key_padding_mask=~mask,
    )  # fmt: skip
    assert (found - theirs.transpose(0, 1)).abs().max() < 1e-5
    if want_weights:
        assert (weights.mean(1) - mean).abs().max() < 1e-5


def test_sinusoids_are_those_of_the_paper():
    table = sinusoids(6, 8)
    assert table[0].tolist() == [0, 1] * 4
    for place, pair in ((3, 0), (5, 2)):
        angle = torch.tensor(place / 10000 ** (2 * pair / 8))
        assert table[place, 2 * pair] == pytest.approx(angle.sin().item(), abs=1e-6)
        assert table[place, 2 * pair + 1] == pytest.approx(angle.cos().item(), abs=1e-6)


def test_rotary_products_depend_on_the_distance_alone_and_equal_those_of_llama():
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    cos, sin = rotary_tables(12, 8)
    q, k = draw(8).expand(12, 8), draw(8).flip(0).expand(12, 8)
    scores = rotate(q, cos, sin) @ rotate(k, cos, sin).T
    for distance in (-4, 0, 3):
        along = scores.diagonal(distance)
        torch.testing.assert_close(along, along[:1].expand_as(along))
    assert scores[0, 3] != pytest.approx(scores[3, 0].item(), abs=1e-3)
    theirs, _ = apply_rotary_pos_emb(q[None, None], k[None, None], cos[None], sin[None])
    torch.testing.assert_close(rotate(q, cos, sin), theirs[0, 0])


@pytest.mark.parametrize("placement", ["pre", "post"])
def test_a_block_equals_the_encoder_layer_of_torch(placement):
    config = EncoderConfig(**TINY, norm_placement=placement, layer_norm_eps=1e-5)
    torch.manual_seed(0)
    ours = Block(config)
    theirs = torch.nn.TransformerEncoderLayer(
        32, 4, 48, 0.0, "gelu", batch_first=True, norm_first=placement == "pre"
    )
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": ours.attention.qkv.weight,
            "self_attn.in_proj_bias": ours.attention.qkv.bias,
            "self_attn.out_proj.weight": ours.attention.out.weight,
            "self_attn.out_proj.bias": ours.attention.out.bias,
            "linear1.weight": ours.feed_forward.into.weight,
            "linear1.bias": ours.feed_forward.into.bias,
            "linear2.weight": ours.feed_forward.out.weight,
            "linear2.bias": ours.feed_forward.out.bias,
            "norm1.weight": ours.attention_norm.weight,
            "norm1.bias": ours.attention_norm.bias,
            "norm2.weight": ours.feed_forward_norm.weight,
            "norm2.bias": ours.feed_forward_norm.bias,
        }
    )
    x, mask = draw(2, 6, 32), mask_of(6, 3)
    found, _ = ours(x, mask[:, None, None, :])
    expected = theirs(x, src_key_padding_mask=~mask)
    assert (found - expected)[mask].abs().max() < 1e-5


def test_swiglu_is_a_gate_times_a_line():
    layer = FeedForward(4, 6, "swiglu")
    x = draw(3, 4)
    (gate, line), (a, b) = layer.into.weight.split(6), layer.into.bias.split(6)
    hidden = F.silu(F.linear(x, gate, a)) * F.linear(x, line, b)
    torch.testing.assert_close(layer(x), layer.out(hidden))
    with pytest.raises(ValueError, match="relu2"):
        FeedForward(4, 6, "relu2")


def test_words_of_the_other_segment_are_told_apart_by_their_neighbours():
    #                 [CLS] who  won  the cup [SEP] ada  won  the game  [SEP] [PAD]
    ids = torch.tensor([[2, 10, 11, 12, 13, 3, 20, 11, 12, 14, 3, 0]])
    segments = torch.tensor([[0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0]])
    assert matches(ids, segments, 5).tolist() == [[0, 0, 2, 2, 0, 0, 0, 2, 2, 0, 0, 0]]
    ids[0, 8] = 15
    assert matches(ids, segments, 5).tolist() == [[0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0]]


VARIANTS = [
    {},
    {"norm_placement": "post", "position_kind": "learned", "span_head": "separate"},
    {"hidden_act": "swiglu", "position_kind": "sinusoidal", "embedding_size": 16},
    {"match_embeddings": True, "position_kind": "none"},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(map(str, v.values())) or "default")
def test_padding_changes_nothing_and_every_weight_gets_a_gradient(variant):
    torch.manual_seed(0)
    model = EncoderForQuestionAnswering(EncoderConfig(**TINY, **variant)).eval()
    ids = torch.randint(5, 50, (2, 9), generator=torch.Generator().manual_seed(1))
    kinds = torch.tensor([[0] * 4 + [1] * 5] * 2)
    alone = model(ids, token_type_ids=kinds)
    padded = model(
        F.pad(ids, (0, 3)), attention_mask=mask_of(9, 9, 12).long()[:2], token_type_ids=F.pad(kinds, (0, 3))
    )
    torch.testing.assert_close(alone.start_logits, padded.start_logits[:, :9], atol=1e-5, rtol=1e-5)
    loss = model(
        ids, token_type_ids=kinds, start_positions=torch.tensor([1, 4]), end_positions=torch.tensor([2, 8])
    ).loss
    assert loss.item() == pytest.approx(torch.log(torch.tensor(9.0)).item(), abs=0.1)
    loss.backward()
    without = {n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum()}
    assert without == set()


@pytest.mark.parametrize("kind", ["learned", "sinusoidal", "rotary", "none"])
def test_order_matters_unless_there_are_no_positions(kind):
    torch.manual_seed(0)
    model = Encoder(EncoderConfig(**TINY, position_kind=kind)).eval()
    ids = torch.arange(5, 15)[None]
    ahead, back = model(ids).last_hidden_state, model(ids.flip(1)).last_hidden_state.flip(1)
    assert torch.allclose(ahead, back, atol=1e-5) == (kind == "none")


def test_hidden_states_and_attentions_can_be_looked_at():
    model = Encoder(EncoderConfig(**TINY)).eval()
    ids = torch.arange(5, 15)[None]
    out = model(ids, output_hidden_states=True, output_attentions=True)
    assert len(out.hidden_states) == 3
    assert out.hidden_states[-1] is out.last_hidden_state
    assert [a.shape for a in out.attentions] == [(1, 4, 10, 10)] * 2
    torch.testing.assert_close(out.last_hidden_state, model(ids).last_hidden_state, atol=1e-5, rtol=1e-5)


def test_what_is_saved_is_loaded_by_the_auto_classes(tmp_path):
    torch.manual_seed(0)
    model = EncoderForMaskedLM(EncoderConfig(**TINY)).eval()
    model.save_pretrained(tmp_path)
    register()
    assert AutoConfig.from_pretrained(tmp_path).model_type == "finetooth-encoder"
    ids = torch.arange(5, 15)[None]
    again = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    assert again.masked.decoder.weight is again.encoder.embeddings.words.weight
    torch.testing.assert_close(again(ids).logits, model(ids).logits)
    at = torch.tensor([3, 7])
    torch.testing.assert_close(again(ids, at=at).logits, model(ids).logits[0, at])
    body = AutoModel.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(body(ids).last_hidden_state, model.encoder(ids).last_hidden_state)
    spans = AutoModelForQuestionAnswering.from_pretrained(tmp_path)
    assert spans(ids).start_logits.shape == (1, 10)


def test_gradient_checkpointing_changes_no_gradient():
    torch.manual_seed(0)
    model = EncoderForMaskedLM(EncoderConfig(**TINY)).train()
    ids = torch.arange(5, 15)[None]
    grads = []
    for checkpointing in (False, True):
        model.zero_grad()
        if checkpointing:
            model.activation_checkpointing_enable()
        model(ids, labels=ids).loss.backward()
        grads.append(model.encoder.layers[0].attention.qkv.weight.grad.clone())
    torch.testing.assert_close(*grads)


TEXTS = ["The white cats sat on the mats.", "White dogs sat near the cat, café open at 9:30."] * 3


@pytest.mark.parametrize("kind", tokenizers.KINDS)
def test_a_trained_tokenizer_gives_back_every_character_and_frames_pairs(kind, tmp_path):
    from transformers import AutoTokenizer

    made = tokenizers.train(TEXTS, kind=kind, size=400)
    made.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    text = TEXTS[1]
    found = again(text, return_offsets_mapping=True, add_special_tokens=False)
    letters = {i for a, b in found["offset_mapping"] for i in range(a, b)}
    assert {i for i, c in enumerate(text) if not c.isspace()} <= letters
    pair = again("white cats", "the mats")
    ids, kinds = pair["input_ids"], pair["token_type_ids"]
    sep = [i for i, t in enumerate(ids) if t == again.sep_token_id]
    assert ids[0] == again.cls_token_id
    assert len(sep) == 2
    assert kinds == [0] * (sep[0] + 1) + [1] * (len(ids) - sep[0] - 1)
    assert again.unk_token_id not in ids
    assert (again.unk_token_id in again("dotes")["input_ids"]) == (kind == "word")


def test_case_is_kept_when_asked():
    lower, cased = (tokenizers.train(TEXTS, size=400, lowercase=x) for x in (True, False))
    assert lower("White")["input_ids"] == lower("white")["input_ids"]
    assert cased("White")["input_ids"] != cased("white")["input_ids"]


# ---- as a model of finetooth


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("FINETOOTH_CACHE", str(tmp_path / "cache"))
    io.write_jsonl(tmp_path / "train.jsonl", map(registry.task("qa").to_row, train_toy.examples(24)))
    io.write_jsonl(tmp_path / "dev.jsonl", map(registry.task("qa").to_row, train_toy.examples(6, seed=1)))
    return tmp_path


def settings(folder, out, *more):
    model = ("model.name=scratch", "model.max_length_tokens=64", "model.stride_tokens=16")
    parts = ("layers=2", "width=32", "heads=2", "vocabulary=150")
    return config.build(
        {"task": "qa", "data": {"train": f"{folder}/train.jsonl", "dev": f"{folder}/dev.jsonl"}, "out": str(folder / out)},
        [*model, *(f"model.scratch.{p}" for p in parts), "train.batch_tokens=512", "train.precision=fp32",
         "train.learning_rate=3e-3", "train.warmup_steps=2", "train.threads=1", *more],
    )  # fmt: skip


def test_it_trains_resumes_and_is_loaded_like_any_model(data):
    run = train(settings(data, "whole", "train.epochs=3"))
    losses = [row["loss"] for row in run.steps() if "loss" in row]
    assert losses[-1] < losses[0]
    head, model = load_run(run.folder)
    assert type(model).__name__ == "EncoderForQuestionAnswering"
    assert head.tokenizer("Where")["input_ids"][0] == head.tokenizer.cls_token_id
    kept = json.loads((run.folder / "predictions/dev.jsonl").read_text("utf-8").splitlines()[0])
    dev = train_toy.examples(6, seed=1)
    assert head.predict(model, dev)[0].target == kept["prediction"]
    assert len(embed(head, model, dev).ids) == 6

    assert main(["report", str(run.folder)]) == 0
    assert "scratch.register()" in (run.folder / "README.md").read_text("utf-8")

    class Stop(Watch):
        def progress(self, phase, done, of, **values):
            if phase == "train" and done == 4:
                raise KeyboardInterrupt

    half = settings(data, "half", "train.epochs=3", "train.save_steps=2")
    with pytest.raises(KeyboardInterrupt):
        train(half, watch=Stop())
    again = train(half)
    assert again.info["measured"]["resumed_at"] > 0
    one, other = (load_file(r.model / "model.safetensors") for r in (run, again))
    assert all(torch.equal(one[k], other[k]) for k in one)


def test_the_seed_draws_the_weights_and_the_texts_make_the_tokenizer(data):
    options = settings(data, "x").model
    texts = texts_of(train_toy.examples(24))
    assert any(t.startswith("Where does") for t in texts)
    folder = folder_of(options, lambda: texts)
    assert folder == folder_of(options, lambda: texts) != folder_of(options, lambda: texts[:-1])

    def weights(seed):
        model = load_weights(AutoModelForQuestionAnswering, folder, options, seed=seed)
        return model.encoder.layers[0].attention.qkv.weight.detach().numpy()

    assert np.array_equal(weights(0), weights(0))
    assert not np.array_equal(weights(0), weights(1))


def test_settings_that_cannot_be_are_one_line(data):
    for setting, said in (
        ("width=30", "multiple of heads"),
        ("heads=32", "even width"),
        ("norm=sideways", "norm"),
        ("widht=32", "widht"),
    ):
        with pytest.raises(ConfigError, match=said):
            settings(data, "x", "model.scratch.heads=4", f"model.scratch.{setting}")
    with pytest.raises(ConfigError, match="take_layers"):
        folder_of(settings(data, "x", "model.scratch.take_layers=1").model, list)
    with pytest.raises(ConfigError, match="at most 64"):
        train(settings(data, "x", "model.scratch.positions=learned", "model.scratch.max_positions=64",
                       "model.max_length_tokens=65"))  # fmt: skip
    with pytest.raises(UsageError, match="made by training"):
        resolve("scratch")
