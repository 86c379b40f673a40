"""What training takes is told before a weight is read, and what cannot fit is refused with a way that can."""

import pytest
import torch
from tiny_models import byte_level, word_pieces

from finetooth import registry
from finetooth.config import ModelConfig
from finetooth.errors import DataError, UsageError
from finetooth.models import memory
from finetooth.models.adapt import adapt
from finetooth.models.load import build_head
from finetooth.tasks.documents import LabelledSpan, NerInput, NerTarget
from finetooth.types import Example

MIB = 2**20
TASK = registry.task("ner")
HEADS = [(word_pieces, "token"), (byte_level, "token"), (byte_level, "causal")]


@pytest.fixture(params=HEADS, ids=["encoder", "decoder", "causal"])
def made(request, tmp_path):
    """(head, folder, a batch) of a tiny model on three short documents, one of them shorter."""
    maker, name = request.param
    folder = maker(tmp_path / "model")
    examples = []
    for i, place in enumerate(["Rome", "New Oslo", "Lima"]):
        text = "Ada met Bela in " * (3 - i % 2) + place
        spans = (
            LabelledSpan(0, 3, "Ada", "PER"),
            LabelledSpan(len(text) - len(place), len(text), place, "LOC"),
        )
        examples.append(Example(f"e{i}", NerInput(text), NerTarget(spans)))
    options = ModelConfig(
        name=str(folder), max_length_tokens=160 if name == "token" else 256, stride_tokens=16
    )
    head = build_head(TASK, options, TASK.labels(examples), name, folder)
    return head, folder, head.collate(head.windows(examples))


def saved_for_backward(head, model, batch):
    """Bytes that autograd keeps in a real forward pass, each storage once, the weights not counted."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def pack(tensor):
        store = tensor.untyped_storage()
        if store.data_ptr() not in weights:
            kept[store.data_ptr()] = (store.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        head.step(model, batch)
    return sum(n for n, _ in kept.values())


@pytest.mark.parametrize("strategy", ["full", "lora", "partial"])
def test_a_step_without_numbers_holds_what_a_real_one_holds(made, strategy):
    head, folder, batch = made
    options = head.options.model_copy(update={"strategy": strategy})
    model = adapt(head.build(folder), options).train()
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    real = saved_for_backward(head, model, dict(batch)) / MIB

    told = memory.estimate(
        lambda: head.build(folder), head.step, options, [batch], precision="fp32", folder=folder
    )

    assert told.parameters == sum(p.numel() for p in model.parameters())
    assert told.trained == trained
    assert told.gradients == pytest.approx(4 * trained / MIB)
    assert told.optimizer == pytest.approx(8 * trained / MIB)
    # The batch itself is saved too in part; it is there before the step and counted with the process.
    assert told.activations + told.logits == pytest.approx(real, rel=0.03)
    assert told.step > told.weights + told.optimizer + max(told.gradients, told.activations)


def test_headers_alone_say_how_large_a_file_is(tmp_path):
    folder = word_pieces(tmp_path / "model")
    size = sum(t.numel() * t.element_size() for t in torch_load(folder).values())
    assert memory.weights_in_file(folder) == size
    path = folder / "model.safetensors"
    path.write_bytes((2**40).to_bytes(8, "little") + b"{}")
    with pytest.raises(DataError, match="longer than the file"):
        memory.weights_in_file(folder)
    path.write_bytes(b"no")
    with pytest.raises(DataError, match="no safetensors file"):
        memory.weights_in_file(folder)


def torch_load(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_no_weight_is_read(made):
    head, folder, batch = made
    options = head.options.model_copy(update={"strategy": "lora"})
    with_weights = memory.estimate(lambda: head.build(folder), head.step, options, [batch], precision="bf16")
    (folder / "model.safetensors").unlink()
    without = memory.estimate(lambda: head.build(folder), head.step, options, [batch], precision="bf16")
    assert without == with_weights


def test_four_bits_take_an_eighth_of_the_linear_weights(made):
    head, folder, batch = made

    def told(strategy):
        options = head.options.model_copy(update={"strategy": strategy})
        return memory.estimate(lambda: head.build(folder), head.step, options, [batch], precision="bf16")

    lora, qlora = told("lora"), told("qlora")
    model = head.build(folder)
    body = getattr(model, model.base_model_prefix)
    linear = sum(m.weight.numel() for m in body.modules() if isinstance(m, torch.nn.Linear))
    saved = linear * (4 - 0.5 - 0.127 / 8) / MIB
    assert lora.weights - qlora.weights == pytest.approx(saved, rel=1e-3)
    assert (qlora.trained, qlora.parameters) == (lora.trained, lora.parameters)
    assert qlora.step < lora.step


@pytest.mark.parametrize(
    ("text", "mib"), [("24GB", 24e9 / MIB), ("24 GiB", 24 * 1024), ("512mib", 512), ("1048576", 1)]
)
def test_sizes_are_read_as_people_write_them(text, mib):
    assert memory.megabytes(text) == pytest.approx(mib)


@pytest.mark.parametrize("text", ["", "much", "24 boxes", "-3GB", "i", "nan"])
def test_what_is_no_size_is_said_to_be_none(text):
    with pytest.raises(UsageError, match="as in 24GB"):
        memory.megabytes(text)
