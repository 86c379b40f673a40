"""Attention by plain products: what the fused kernel gives, with and without mask, heads shared, and dropout."""

import pytest

torch = pytest.importorskip("torch")

from finetooth.models import attention  # noqa: E402
from finetooth.models.scratch.configuration import EncoderConfig  # noqa: E402
from finetooth.models.scratch.model import EncoderForQuestionAnswering  # noqa: E402

F = torch.nn.functional


def draw(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


def padded(*lengths):
    """(batch, 1, 1, n): True at real tokens."""
    return (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])[:, None, None, :]


MASKS = {
    "no mask": dict,
    "padding": lambda: {"mask": padded(6, 4)},
    "padding, as a square": lambda: {"mask": padded(6, 4).expand(2, 1, 6, 6).contiguous()},
    "what comes later": lambda: {"causal": True},
    "both": lambda: {"mask": padded(6, 4), "causal": True},
    "numbers to add": lambda: {"mask": torch.linspace(-2, 2, 36, dtype=torch.float64).view(1, 1, 6, 6)},
}


@pytest.mark.parametrize("name", MASKS)
def test_products_are_the_fused_kernel_and_their_gradients_are_right(name):
    torch.manual_seed(0)
    parts, how = [draw(2, 3, 6, 4) for _ in range(3)], MASKS[name]()
    mask = how.get("mask")
    if how.get("causal"):
        earlier = torch.ones(6, 6, dtype=torch.bool).tril()
        mask = earlier if mask is None else mask & earlier
    torch.testing.assert_close(
        attention.products(*parts, **how), F.scaled_dot_product_attention(*parts, attn_mask=mask)
    )
    assert torch.autograd.gradcheck(lambda *x: attention.products(*x, **how), parts)


def test_dropout_scales_what_it_keeps_and_its_gradient_sees_the_same_weights():
    parts = [draw(2, 3, 6, 4) for _ in range(3)]

    def dropped(*parts):
        torch.manual_seed(1)
        return attention.products(*parts, dropout=0.5)

    assert torch.autograd.gradcheck(dropped, parts)
    value = torch.ones(8, 8, 64, 4)
    kept = attention.products(torch.zeros_like(value), torch.zeros_like(value), value, dropout=0.25)
    assert kept.std() > 0.01
    assert abs(kept.mean() - 1) < 0.02


def llama():
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=50, intermediate_size=64, **shape))


def bert():
    from transformers import BertConfig, BertForTokenClassification

    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    return BertForTokenClassification(
        BertConfig(
            vocab_size=50,
            intermediate_size=64,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            **shape,
        )
    )


def scratch():
    return EncoderForQuestionAnswering(
        EncoderConfig(vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=4)
    )


@pytest.mark.parametrize("build", [bert, llama, scratch])
def test_a_model_learns_by_products_what_it_learns_by_the_fused_kernel(build, monkeypatch):
    torch.manual_seed(0)
    model = build()
    attention.use(model)
    seen = []
    products = attention.products

    def counted(*args, **kwargs):
        seen.append(args[0].shape)
        return products(*args, **kwargs)

    monkeypatch.setattr(attention, "products", counted)
    monkeypatch.setattr("finetooth.models.scratch.attention.products", counted)
    ids, mask = torch.randint(5, 50, (2, 9)), padded(9, 6)[:, 0, 0].long()

    def learn():
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            out = model(ids, attention_mask=mask)[0]
        out.float()[mask.bool()].square().mean().backward()
        return [p.grad.clone() for p in model.parameters() if p.grad is not None]

    by_products = learn()
    assert len(seen) == 2, "once a layer"
    monkeypatch.setattr(attention, "LONGEST", 8)
    by_kernel = learn()
    assert len(seen) == 2, "nine tokens are longer than eight"
    size = max(g.abs().max() for g in by_kernel)
    assert all((a - b).abs().max() < 0.05 * size for a, b in zip(by_products, by_kernel, strict=True))
    monkeypatch.setattr(attention, "LONGEST", 512)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        model.eval()(ids, attention_mask=mask)
    assert len(seen) == 2, "reading is left to the fused kernel"


def test_what_is_saved_does_not_name_our_attention(tmp_path):
    from transformers import AutoModelForCausalLM

    model = llama()
    attention.use(model)
    assert model.config._attn_implementation == attention.NAME
    model.save_pretrained(tmp_path)
    assert attention.NAME not in (tmp_path / "config.json").read_text("utf-8")
    assert AutoModelForCausalLM.from_pretrained(tmp_path).config._attn_implementation == "sdpa"


def test_gradients_come_by_recomputing_too():
    model = llama()
    attention.use(model)
    ids = torch.randint(5, 50, (2, 9))
    found = []
    for recompute in (False, True):
        if recompute:
            model.gradient_checkpointing_enable()
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            model.train()(ids, labels=ids).loss.backward()
        found.append([p.grad.clone() for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
