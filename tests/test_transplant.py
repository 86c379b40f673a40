"""Weights of BERT's family in our own pieces give the hidden states they gave before."""

from pathlib import Path

import pytest
import tiny_models
import torch
import train_toy
from transformers import (
    AutoModel,
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    GPT2Config,
    RobertaConfig,
)

from finetooth import config, io, readers, registry
from finetooth.config import ModelConfig
from finetooth.errors import ConfigError, DataError, UsageError
from finetooth.models.load import load_run, load_weights, resolve
from finetooth.models.scratch.source import folder_of
from finetooth.train import train

TEXT = [
    (
        "Who met Ada in New Rome?",
        "Note 7: Then Ada Lovelace met Bela in New Oslo. Then Cleo left Lima (Peru).",
    ),
    ("Who left?", "Ada left Rome."),
]
SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 64}
KINDS = {
    "bert": lambda v: BertConfig(vocab_size=v, max_position_embeddings=160, **SIZES),
    "electra": lambda v: ElectraConfig(vocab_size=v, max_position_embeddings=160, embedding_size=16, **SIZES),
    "roberta": lambda v: RobertaConfig(
        vocab_size=v, max_position_embeddings=161, type_vocab_size=1, pad_token_id=0, **SIZES
    ),
    "distilbert": lambda v: DistilBertConfig(
        vocab_size=v, max_position_embeddings=160, dim=32, n_layers=3, n_heads=4, hidden_dim=64
    ),
}


def build(folder, kind):
    """A tiny model of that kind with random weights, biases and norms included, and a tokenizer of word pieces."""
    tiny_models.word_pieces(folder)
    size = len(AutoTokenizer.from_pretrained(folder))
    torch.manual_seed(1)
    model = AutoModel.from_config(KINDS[kind](size))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FINETOOTH_CACHE", str(tmp_path / "cache"))


def options(folder, **scratch):
    return ModelConfig(name=f"scratch:{folder}", max_length_tokens=128, stride_tokens=16, scratch=scratch)


def both(folder, **scratch):
    """(theirs, ours) from the same folder, ready to compare."""
    source = resolve(str(folder))
    theirs = AutoModel.from_pretrained(source).eval()
    chosen = options(folder, **scratch)
    return theirs, load_weights(AutoModel, folder_of(chosen, list), chosen).eval()


def batch(folder, types=True):
    made = AutoTokenizer.from_pretrained(resolve(str(folder)))(
        [q for q, _ in TEXT], [c for _, c in TEXT], padding=True, return_tensors="pt"
    )
    if not types:
        made.pop("token_type_ids")
    return dict(made)


def farthest(theirs, ours, given):
    real = given["attention_mask"].bool()
    with torch.no_grad():
        a, b = (m(**given, output_hidden_states=True).hidden_states for m in (theirs, ours))
    assert len(a) == len(b)
    return max((x - y)[real].abs().max().item() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_every_hidden_state_is_the_same(kind, tmp_path):
    folder = build(tmp_path / kind, kind)
    theirs, ours = both(folder)
    given = batch(folder, types=kind in ("bert", "electra"))
    assert given["attention_mask"].min() == 0
    assert farthest(theirs, ours, given) < 1e-4
    with torch.no_grad():
        ours.layers[1].attention.qkv.weight[40] += 0.5
    assert farthest(theirs, ours, given) > 1e-3


def test_the_starter_gives_the_same_hidden_states_on_real_text():
    try:
        folder = resolve("starter:minilm")
    except UsageError:
        pytest.skip("starter:minilm is not installed")
    theirs, ours = both("starter:minilm")
    assert farthest(theirs, ours, batch(folder)) < 1e-4
    data = Path(__file__).parents[2] / "shared/data/squad/v1.1-dev.json"
    if not data.is_file():
        pytest.skip("no SQuAD here: compared on a short text alone")
    examples = readers.load(str(data), task="qa").examples[::300][:8]
    given = AutoTokenizer.from_pretrained(folder)(
        [e.inputs.question for e in examples],
        [e.inputs.context for e in examples],
        padding=True,
        truncation=True,
        max_length=384,
        return_tensors="pt",
    )
    assert given["input_ids"].shape[1] > 100
    assert farthest(theirs, ours, given) < 1e-4


def test_a_part_is_taken_and_the_rest_is_drawn_with_the_seed(tmp_path):
    folder = build(tmp_path / "bert", "bert")
    theirs = AutoModel.from_pretrained(folder).eval()
    given = batch(folder)
    with torch.no_grad():
        states = theirs(**given, output_hidden_states=True).hidden_states
    real = given["attention_mask"].bool()

    def ours(seed=0, **scratch):
        chosen = options(folder, **scratch)
        model = load_weights(AutoModel, folder_of(chosen, list), chosen, seed=seed).eval()
        with torch.no_grad():
            return model, model(**given, output_hidden_states=True).hidden_states

    def same(a, b):
        return torch.allclose(a[real], b[real], atol=1e-4)

    # The first two layers alone: a model of two layers.
    model, first_two = ours(layers=2)
    assert len(model.layers) == 2
    assert same(first_two[2], states[2])
    # One layer taken, two drawn; embeddings alone.
    _, one = ours(take_layers=1)
    assert same(one[1], states[1])
    assert not same(one[2], states[2])
    _, none = ours(take_layers=0, layers=4)
    assert len(none) == 5
    assert same(none[0], states[0])
    assert not same(none[1], states[1])
    assert same(none[4], ours(take_layers=0, layers=4)[1][4])
    assert not same(none[4], ours(seed=1, take_layers=0, layers=4)[1][4])


def test_a_span_head_and_matching_words_can_be_added(tmp_path):
    folder = build(tmp_path / "bert", "bert")
    chosen = options(folder, match_embeddings=True, span_head="separate")
    model = load_weights(AutoModelForQuestionAnswering, folder_of(chosen, list), chosen)
    assert model.encoder.embeddings.matches.weight.shape == (3, 32)
    assert model(**batch(folder)).start_logits.shape == batch(folder)["input_ids"].shape


def test_a_transplanted_model_is_trained_and_read_again_like_any_other(tmp_path):
    folder = build(tmp_path / "bert", "bert")
    rows = [registry.task("qa").to_row(e) for e in train_toy.examples(8)]
    io.write_jsonl(tmp_path / "train.jsonl", rows)
    run = train(
        config.build(
            {"task": "qa", "data": {"train": f"{tmp_path}/train.jsonl"}, "out": f"{tmp_path}/run"},
            [f"model.name=scratch:{folder}", "model.max_length_tokens=128", "model.stride_tokens=16", "train.max_steps=1",
             "train.learning_rate=1e-6", "train.warmup_steps=0", "train.precision=fp32", "train.threads=1"],
        )
    )  # fmt: skip
    _, model = load_run(run.folder)
    given = batch(folder)
    with torch.no_grad():
        after = model.encoder(**given).last_hidden_state
        before = AutoModel.from_pretrained(folder).eval()(**given).last_hidden_state
    real = given["attention_mask"].bool()
    assert 0 < (after - before)[real].abs().max() < 1e-3


def test_what_does_not_fit_is_one_line(tmp_path):
    folder = build(tmp_path / "bert", "bert")
    with pytest.raises(ConfigError, match=r"model\.scratch\.width.*brings its own"):
        folder_of(options(folder, width=64), list)
    with pytest.raises(ConfigError, match="the model has 3 layers"):
        folder_of(options(folder, take_layers=4), list)
    with pytest.raises(UsageError, match="no such model folder"):
        folder_of(options(tmp_path / "nowhere"), list)
    with pytest.raises(ConfigError, match="which model"):
        folder_of(ModelConfig(name="scratch:"), list)
    other = tiny_models.word_pieces(tmp_path / "gpt")
    AutoModel.from_config(GPT2Config(vocab_size=99, n_embd=16, n_layer=1, n_head=2)).save_pretrained(other)
    with pytest.raises(DataError, match="'gpt2' is not of BERT's family"):
        folder_of(options(other), list)
    tanh = build(tmp_path / "tanh", "bert")
    changed = BertConfig.from_pretrained(tanh)
    changed.hidden_act = "relu"
    changed.save_pretrained(tanh)
    with pytest.raises(DataError, match="activation is 'relu'"):
        folder_of(options(tanh), list)
