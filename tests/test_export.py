"""A trained model in another format predicts what the run predicts, or the command says that it does not."""

import importlib.util
import json

import pytest
import torch
from tiny_models import byte_level, word_pieces

from finetooth import io, registry
from finetooth.cli import main
from finetooth.config import Config, ModelConfig
from finetooth.errors import DataError, UsageError
from finetooth.generate import make
from finetooth.models import export, export_gguf
from finetooth.models.load import build_head, load_run, load_tokenizer
from finetooth.train.finish import save_model
from finetooth.types import Prediction

needs_onnx = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None or importlib.util.find_spec("onnxscript") is None,
    reason="the extra export is not installed",
)


def drawn(task, n):
    """The first ``n`` examples of the built-in world."""
    return [registry.task(task).from_row(row, "world") for row in make(task, n, seed=3).rows]


def trained(folder, base, task, head, *, strategy="full"):
    """(folder, examples): a model whose weights are far from any start, so that predictions differ by example."""
    from finetooth.models.adapt import adapt

    examples = drawn(task, 24)
    of = registry.task(task)
    options = ModelConfig(name=str(base), max_length_tokens=128, stride_tokens=32, strategy=strategy)
    made = build_head(of, options, of.labels(examples) if of.labels else (), head, base)
    made.windows(examples)
    model = adapt(made.build(base, seed=1), options)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        for p in model.parameters():
            if p.requires_grad:
                p.data += 0.3 * torch.randn_like(p)
        # Else the threshold of relations would be that of whatever is predicted together.
        made.tune(model, examples)
    save_model(made, model, folder)
    return folder, examples


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return word_pieces(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def span(encoder, tmp_path_factory):
    return trained(tmp_path_factory.mktemp("qa") / "model", encoder, "qa", "span", strategy="lora")


@needs_onnx
@pytest.mark.slow
@pytest.mark.parametrize(("task", "head"), [("ner", "token"), ("nli", "pair"), ("relation", "pair")])
def test_a_graph_predicts_what_the_model_predicts(task, head, encoder, tmp_path):
    folder, examples = trained(tmp_path / "model", encoder, task, head)
    found = export.export(folder, tmp_path / "onnx", "onnx", examples)
    assert found.n == len(examples) == found.same
    assert found.largest_gap < 1e-4
    # The graph alone, in batches of other sizes than it was made with.
    again, graph = export.load_onnx(tmp_path / "onnx")
    ours = load_run(folder)
    one = [again.predict(graph, [e])[0] for e in examples[:5]]
    assert not export.compare(ours[0].predict(ours[1], examples[:5]), one).different
    # The predictions are worth comparing: not all of them say the same.
    assert len({repr(p.raw) for p in one}) > 1


@needs_onnx
def test_a_span_model_with_adapters_as_a_graph(span, tmp_path):
    folder, examples = span
    found = export.export(folder, tmp_path / "onnx", "onnx", examples[:8])
    assert not found.different
    assert {p.name for p in (tmp_path / "onnx").iterdir()} >= {
        "model.onnx",
        "finetooth.json",
        "tokenizer.json",
    }
    assert json.loads((tmp_path / "onnx" / "export.json").read_text())["compared"]["n"] == 8
    import onnxruntime

    session = onnxruntime.InferenceSession(str(tmp_path / "onnx" / "model.onnx"))
    assert [o.name for o in session.get_outputs()] == ["start_logits", "end_logits"]


def test_safetensors_are_a_plain_model_of_transformers_without_adapters(span, tmp_path):
    from transformers import AutoModelForQuestionAnswering

    folder, examples = span
    assert not export.export(folder, tmp_path / "out", "safetensors", examples).different
    model = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "out")
    assert not [n for n, _ in model.named_parameters() if "lora" in n]


def test_half_precision_halves_the_file(span, tmp_path):
    folder, examples = span
    export.export(folder, tmp_path / "half", "safetensors", examples, dtype="float16")
    size = lambda where: (where / "model.safetensors").stat().st_size  # noqa: E731
    assert size(tmp_path / "half") < 0.6 * size(folder)


def test_another_answer_is_another_even_where_neither_could_be_parsed():
    a, b = Prediction("x", None, 0.5, "one text"), Prediction("x", None, 0.7, "another")
    found = export.compare([a, a], [a, b])
    assert found.different == ("x",)
    assert found.same == 1
    assert found.largest_gap == pytest.approx(0.2)


def test_what_cannot_be_exported_is_said_and_nothing_is_left_behind(span, tmp_path):
    folder, examples = span
    with pytest.raises(UsageError, match="decoders that generate"):
        export.export(folder, tmp_path / "out", "gguf", examples)
    with pytest.raises(UsageError, match="float32"):
        export.export(folder, tmp_path / "out", "onnx", examples, dtype="float16")
    with pytest.raises(UsageError, match="no examples"):
        export.export(folder, tmp_path / "out", "onnx", [])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match="there already"):
        export.export(folder, tmp_path / "full", "safetensors", examples)
    assert [p.name for p in tmp_path.iterdir()] == ["full"]


def test_a_graph_that_is_none_is_one_line(span, tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "model.onnx").write_text("not a graph")
    with pytest.raises(DataError, match="cannot be run as ONNX"):
        export.OnnxModel(tmp_path / "model.onnx")


def test_without_a_converter_the_cure_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(export_gguf, "CARRIER", "no_such_package")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LLAMA_CPP", raising=False)
    with pytest.raises(UsageError, match="llama") as told:
        export_gguf.find_converter()
    assert "--converter" in told.value.cure
    with pytest.raises(UsageError, match="no converter here"):
        export_gguf.find_converter(tmp_path)
    (tmp_path / "convert_hf_to_gguf.py").write_text(
        "import sys; sys.exit('Model FooForBar is not supported')"
    )
    assert export_gguf.find_converter(tmp_path).name == "convert_hf_to_gguf.py"
    monkeypatch.setenv("LLAMA_CPP", str(tmp_path))
    with pytest.raises(DataError, match="FooForBar is not supported"):
        export_gguf.to_gguf(tmp_path, tmp_path / "out")


def test_a_decoder_through_the_converter(tmp_path):
    """A small Llama with SmolLM2's tokenizer, which the converter knows; skipped where either is missing."""
    from transformers import LlamaConfig, LlamaForCausalLM

    from finetooth.models.folders import resolve

    try:
        export_gguf.find_converter()
        source = resolve("starter:smollm2")
    except UsageError as e:
        pytest.skip(str(e))
    pytest.importorskip("sentencepiece")
    tokenizer = load_tokenizer(source)
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    ends = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    torch.manual_seed(0)
    base = tmp_path / "base"
    LlamaForCausalLM(
        LlamaConfig(vocab_size=len(tokenizer), tie_word_embeddings=True, **sizes, **ends)
    ).save_pretrained(base)
    tokenizer.save_pretrained(base)
    options = ModelConfig(name=str(base), max_length_tokens=512, options={"max_new_tokens": 8})
    examples = drawn("qa", 6)
    head = build_head(registry.task("qa"), options, (), "causal", base)
    save_model(head, head.build(base), tmp_path / "model")
    found = export.export(tmp_path / "model", tmp_path / "gguf", "gguf", examples)
    assert found.same == found.n == 6
    assert {p.name for p in (tmp_path / "gguf").iterdir()} == {"model.gguf", "finetooth.json", "export.json"}


def test_generated_text_is_no_graph(tmp_path):
    base = byte_level(tmp_path / "base")
    examples = drawn("qa", 2)
    options = ModelConfig(name=str(base), max_length_tokens=256, options={"max_new_tokens": 4})
    head = build_head(registry.task("qa"), options, (), "causal", base)
    save_model(head, head.build(base), tmp_path / "model")
    with pytest.raises(UsageError, match="ONNX is for encoders"):
        export.export(tmp_path / "model", tmp_path / "out", "onnx", examples)


# ---- the command


@pytest.fixture
def run(span, tmp_path):
    """The run folder of the span model, with its dev set beside it."""
    import shutil

    folder, examples = span
    rows = list(map(registry.task("qa").to_row, examples))
    io.write_jsonl(tmp_path / "train.jsonl", rows[:12])
    io.write_jsonl(tmp_path / "dev.jsonl", rows[12:])
    config = Config.model_validate(
        {
            "task": "qa",
            "data": {"train": str(tmp_path / "train.jsonl"), "dev": str(tmp_path / "dev.jsonl")},
            "out": str(tmp_path / "run"),
        }
    )
    shutil.copytree(folder, tmp_path / "run" / "model")
    io.write_json(
        tmp_path / "run" / "run.json",
        {"format": 1, "status": "finished", "config": config.model_dump(mode="json")},
    )
    return tmp_path / "run"


def test_the_command_compares_on_the_runs_own_dev_set(run, tmp_path, capsys):
    line = ["export", str(run), "--to", "safetensors", "--out", str(tmp_path / "out"), "--json"]
    assert main([*line, "--examples", "5"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["compared"]["n"] == told["compared"]["same"] == 5
    assert told["files"]["model.safetensors"] > 1000
    assert main(line) == 2
    assert "there already" in json.loads(capsys.readouterr().out)["error"]["what"]


def test_the_command_falls_short_where_predictions_differ(run, tmp_path, capsys, monkeypatch):
    """Weights that lose too much: here every weight is rounded to whole numbers on its way out."""
    honest = export.to_safetensors

    def rounding(head, model, folder, **more):
        for p in model.parameters():
            p.data = p.data.round()
        honest(head, model, folder, **more)

    monkeypatch.setattr(export, "to_safetensors", rounding)
    line = ["export", str(run), "--to", "safetensors", "--out", str(tmp_path / "out"), "--json"]
    assert main(line) == 1
    told = json.loads(capsys.readouterr().out)["compared"]
    assert told["different"]
    assert told["same"] < told["n"] == 12


def test_a_run_without_a_model_or_without_data_is_one_line(run, tmp_path, capsys):
    line = ["export", str(run), "--to", "safetensors", "--out", str(tmp_path / "out")]
    (tmp_path / "dev.jsonl").unlink()
    assert main(line) == 2
    assert "--data FILE" in capsys.readouterr().err
    (run / "model").rename(run / "elsewhere")
    assert main(line) == 2
    assert "no trained model" in capsys.readouterr().err
