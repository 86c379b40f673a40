"""The causal head on models small enough to build and train inside a test."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from finetooth import registry
from finetooth.config import ModelConfig
from finetooth.models.causal import CausalHead
from finetooth.models.load import load_tokenizer
from finetooth.types import Example, Prediction

CHAT = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NAMES = ["Ada", "Bela", "Cleo", "Dora", "Egon", "Finn", "Gus", "Hana"]
PLACES = ["Rome", "Oslo", "Lima", "Bonn", "Graz", "Kyiv", "Cork", "Nice"]


def facts(n, seed=0):
    """``Where is Ada? Ada: Rome; Bela: Oslo`` and the answer {"place": "Rome"}, as texts."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        names = rng.permutation(NAMES)[: rng.integers(1, 4)]
        places = rng.choice(PLACES, len(names), replace=False)
        prompt = f"Where is {names[0]}? " + "; ".join(f"{a}: {b}" for a, b in zip(names, places, strict=True))
        made.append(Example(f"e{i}", SimpleNamespace(prompt=prompt), {"place": str(places[0])}))
    return made


def parse(value, example):
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None


TASK = dataclasses.replace(
    registry.task("nli"),
    name="toy",
    heads=("causal",),
    gold=lambda e: Prediction(e.id, e.target, 1.0),
    parse=parse,
    show=lambda t: t,
    prompt=lambda e: e.inputs.prompt,
    answer=lambda e: json.dumps(e.target),
)


def save_base(folder, *, chat=CHAT, bos=True, seed=0, **config):
    """A byte-level tokenizer of some 300 tokens, and a Llama of two layers of 64 with random weights."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    rust = Tokenizer(models.BPE())
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    rust.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|begin|>", "<|im_start|>", "<|im_end|>", "<|end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    texts = [t for e in facts(200, seed=9) for t in (e.inputs.prompt, json.dumps(e.target))]
    rust.train_from_iterator([*texts, "system\nuser\nassistant\nAnswer:\n"], trainer)
    if bos:
        rust.post_processor = processors.TemplateProcessing(
            single="<|begin|> $A", special_tokens=[("<|begin|>", 1)]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=rust, bos_token="<|begin|>", eos_token="<|end|>", pad_token="<|pad|>"
    )
    tokenizer.chat_template = chat
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    LlamaForCausalLM(
        LlamaConfig(
            **{
                "vocab_size": len(tokenizer),
                "hidden_size": 64,
                "intermediate_size": 128,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "num_key_value_heads": 2,
                "max_position_embeddings": 256,
                "tie_word_embeddings": True,
                "bos_token_id": 1,
                "eos_token_id": 4,
                "pad_token_id": 0,
                **config,
            }
        )
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_base(tmp_path_factory.mktemp("base"))


def make(folder, **options):
    lengths = {"max_length_tokens": options.pop("max_length_tokens", 128), "stride_tokens": 8}
    return CausalHead(TASK, load_tokenizer(folder), ModelConfig(name=str(folder), **lengths, options=options))


def train(head, model, examples, passes, rate=3e-3):
    windows = head.windows(examples)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    for _ in range(passes):
        for at in range(0, len(windows), 32):
            step = head.step(model.train(), head.collate(windows[at : at + 32]))
            step.loss.mean().backward()
            optimizer.step()
            optimizer.zero_grad()
    return float(step.loss.detach().mean())


def by_hand(model, head, window, smoothing=0.0):
    """The same figures from full logits of one sequence, one answer token at a time."""
    ids = torch.tensor(window.input_ids)[None].long()
    with torch.no_grad():
        log = model.eval()(input_ids=ids).logits[0].float().log_softmax(-1)
    rows = []
    for at in range(window.fields["prompt"], ids.shape[1]):
        x, gold = log[at - 1], int(ids[0, at])
        others = torch.cat([x[:gold], x[gold + 1 :]])
        loss = -(1 - smoothing) * x[gold] - smoothing * x.mean()
        rows.append((loss, x[gold].exp(), x[gold].exp() - others.max().exp(), x[gold] > others.max()))
    return [
        float(torch.stack([torch.as_tensor(v) for v in col]).float().mean())
        for col in zip(*rows, strict=True)
    ]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_step_says_what_full_logits_of_each_sequence_say(base, smoothing):
    head = make(base)
    model = head.build(base)
    windows = head.windows(facts(5))
    for w in windows:
        w.smoothing = smoothing
    step = head.step(model.eval(), head.collate(windows))
    for i, w in enumerate(windows):
        loss, prob, margin, won = by_hand(model, head, w, smoothing)
        assert float(step.loss[i].detach()) == pytest.approx(loss, rel=1e-4)
        assert float(step.gold_prob[i]) == pytest.approx(prob, rel=1e-4)
        assert float(step.margin[i]) == pytest.approx(margin, rel=1e-3, abs=1e-6)
        assert bool(step.correct[i]) == (won == 1)
        assert int(step.units[i]) == len(w) - w.fields["prompt"]


def test_gradients_are_those_of_cross_entropy():
    from finetooth.models.answer_loss import answer_losses

    torch.manual_seed(0)
    logits = torch.randn(600, 50, requires_grad=True)
    gold, smoothing = torch.randint(50, (600,)), torch.rand(600) * 0.3
    weight = torch.rand(600)
    (answer_losses(logits, gold, smoothing)[0] * weight).sum().backward()
    ours, logits.grad = logits.grad, None
    log = logits.log_softmax(-1)
    right = log.gather(1, gold[:, None]).squeeze(1)
    ((-(1 - smoothing) * right - smoothing * log.mean(-1)) * weight).sum().backward()
    torch.testing.assert_close(ours, logits.grad)
