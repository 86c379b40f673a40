"""A trained model in the formats that other programs read, each proved to predict the same as the run.

safetensors   one plain model, adapters merged, in a precision of choice; transformers reads it
onnx          the whole network of an encoder with its head, run by onnxruntime
gguf          a decoder, through llama.cpp's own converter (see ``models.export_gguf``)

A folder made here holds the tokenizer and finetooth.json too, so the head's own encoding and decoding go
with the weights, and export.json, which says what was compared.
"""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetooth import io
from finetooth.errors import DataError, UsageError
from finetooth.models.adapt import merge
from finetooth.models.head import Progress
from finetooth.models.load import FILE, load_run, quiet, read_head
from finetooth.types import Example, Prediction

ONNX = "model.onnx"
Watch = Callable[[str], Progress | None]


@dataclass(frozen=True)
class Compared:
    """Predictions of the export beside the run's own, on ``n`` examples.

    ``different`` names the examples whose target is another one; ``largest_gap`` is the largest
    difference of two confidences, None where there are none.
    """

    n: int
    different: tuple[str, ...]
    largest_gap: float | None

    @property
    def same(self) -> int:
        return self.n - len(self.different)


def compare(ours: Sequence[Prediction], theirs: Sequence[Prediction]) -> Compared:
    """Both in the order of the same examples."""
    pairs = list(zip(ours, theirs, strict=True))
    gaps = [
        abs(a.confidence - b.confidence)
        for a, b in pairs
        if a.confidence is not None and b.confidence is not None
    ]
    # Generated text is compared as it is: two texts that hold no answer are not the same for that.
    different = tuple(
        a.example_id for a, b in pairs if a.target != b.target or (isinstance(a.raw, str) and a.raw != b.raw)
    )
    return Compared(len(pairs), different, max(gaps) if gaps else None)


# ---- safetensors


def to_safetensors(head: Any, model: Any, folder: Path, *, dtype: str = "float32") -> None:
    """Weights (adapters merged), config, tokenizer and finetooth.json into ``folder``."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        merge(model).to(getattr(torch, dtype)).save_pretrained(folder)
    head.save(folder)


# ---- onnx


class OnnxModel:
    """An ONNX graph in the place of a torch model: heads call it like any other.

    >>> head, model = load_onnx("exported")
    >>> head.predict(model, examples)
    """

    training = False

    def __init__(self, path: Path) -> None:
        """Raises UsageError without onnxruntime, DataError for a file that is no graph."""
        runtime = _need("onnxruntime")
        import torch

        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        try:
            self.session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as e:
            raise DataError(
                f"cannot be run as ONNX: {' '.join(str(e).split())[:200]}", where=str(path)
            ) from None
        self.inputs = tuple(i.name for i in self.session.get_inputs())
        self.outputs = tuple(o.name for o in self.session.get_outputs())

    def __call__(self, **given: Any) -> Any:
        """Inputs are torch tensors by name; gives a tensor, or an object with a tensor for each output's name."""
        import torch
        from transformers.utils import ModelOutput

        given = complete(given, self.inputs)
        found = self.session.run(None, {name: given[name].numpy() for name in self.inputs})
        tensors = [torch.from_numpy(x) for x in found]
        if self.outputs == ("output",):
            return tensors[0]
        return ModelOutput(dict(zip(self.outputs, tensors, strict=True)))

    def eval(self) -> OnnxModel:
        return self

    def train(self, mode: bool = True) -> OnnxModel:
        """A graph is not trained: whatever is asked, it stays as it is."""
        return self

    def parameters(self) -> Iterator[Any]:
        """Only there to say the device: the weights are inside of the graph."""
        import torch

        yield torch.empty(0)


def load_onnx(folder: str | Path) -> tuple[Any, OnnxModel]:
    """(head, model) of a folder that ``to_onnx`` made: ``head.predict(model, examples)``."""
    folder = Path(folder)
    return read_head(folder), OnnxModel(folder / ONNX)


def complete(given: Mapping[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
    """``given`` with what a batch leaves out where it says nothing: a mask of ones, types of zeros."""
    import torch

    made = dict(given)
    if "attention_mask" in wanted and "attention_mask" not in made:
        made["attention_mask"] = torch.ones_like(made["input_ids"])
    if "token_type_ids" in wanted and "token_type_ids" not in made:
        made["token_type_ids"] = torch.zeros_like(made["input_ids"])
    return made


def to_onnx(head: Any, model: Any, folder: Path, examples: Sequence[Example]) -> None:
    """The graph as ``model.onnx``, in fp32, with tokenizer and finetooth.json.

    What goes into the graph is what the head gives its model for the first of ``examples``: for ``span`` and
    ``token`` the ids, for ``pair`` also the places of what is compared. All sizes stay free.
    Raises UsageError where the packages are missing or the head generates text, DataError for an
    architecture that cannot be exported.
    """
    if head.name == "causal":
        raise UsageError(
            "ONNX is for encoders, this run generates text", cure="--to gguf or --to safetensors"
        )
    _need("onnx", "onnxscript", "onnxruntime")
    import torch

    model = merge(model).float().cpu().eval()
    call = _recorded(head, model, examples)
    with torch.no_grad():
        out = model(**call)
    names = list(out.keys()) if hasattr(out, "keys") else ["output"]
    folder.mkdir(parents=True, exist_ok=True)
    auto = torch.export.Dim.AUTO
    with _silent(), torch.no_grad():
        try:
            program = torch.onnx.export(
                _by_place(model, list(call)),
                tuple(call.values()),
                dynamo=True,
                verbose=False,
                input_names=list(call),
                output_names=names,
                dynamic_shapes=(tuple(dict.fromkeys(range(v.dim()), auto) for v in call.values()),),
            )
            assert program is not None
            program.save(str(folder / ONNX))
        except Exception as e:
            kind = getattr(getattr(model, "config", None), "model_type", type(model).__name__)
            why = e.__cause__ or e  # the exporter wraps what really happened in advice
            raise DataError(
                f"{kind} cannot be exported as ONNX: {type(why).__name__}: {' '.join(str(why).split())[:200]}",
                cure="--to safetensors",
            ) from None
    model.config.save_pretrained(folder)
    head.save(folder)


def _by_place(model: Any, names: Sequence[str]) -> Any:
    """The model with its inputs by place: its own signature may gather some of them in one ``**rest``."""
    import torch

    class ByPlace(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: Any) -> Any:
            out = self.model(**dict(zip(names, values, strict=True)))
            return tuple(out.values()) if hasattr(out, "values") and hasattr(out, "keys") else out

    return ByPlace().eval()


def _recorded(head: Any, model: Any, examples: Sequence[Example]) -> dict[str, Any]:
    """What the head passes to its model, from a real batch of two or more windows: a size of 1 would be frozen."""
    import torch

    if not examples:
        raise UsageError("no examples to export with", cure="--data FILE")
    calls: list[dict[str, Any]] = []

    def record(_: Any, args: tuple[Any, ...], given: dict[str, Any]) -> None:
        calls.append({k: v.clone() for k, v in given.items()})

    hook = model.register_forward_pre_hook(record, with_kwargs=True)
    try:
        # Twice each, so that a single example makes a batch too; the same window twice is a batch of two.
        some = [e for e in examples[:4] for _ in range(2)]
        head.predict(model, some, batch_tokens=1 << 20)
    finally:
        hook.remove()
    if not calls:
        raise UsageError("the model reads nothing of these examples", cure="give others with --data FILE")
    with torch.no_grad():
        return complete(max(calls, key=lambda c: c["input_ids"].numel()), ("attention_mask",))


def _need(*packages: str) -> Any:
    """The first of the packages, imported; UsageError with what to install where one is missing."""
    import importlib

    try:
        found = [importlib.import_module(p) for p in packages]
    except ImportError as e:
        raise UsageError(f"ONNX needs the package {e.name}", cure='pip install "finetooth[export]"') from None
    return found[0]


@contextmanager
def _silent() -> Iterator[None]:
    """Without the exporter's notes on packages that no text model has."""
    loggers = [logging.getLogger(n) for n in ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")]
    levels = [x.level for x in loggers]
    for x in loggers:
        x.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for x, level in zip(loggers, levels, strict=True):
            x.setLevel(level)


# ---- all of it


def export(
    run_model: Path,
    out: Path,
    to: str,
    examples: Sequence[Example],
    *,
    dtype: str = "float32",
    converter: Path | None = None,
    watch: Watch | None = None,
) -> Compared:
    """``run_model`` (a run's model/) as the new folder ``out``, and how its predictions of ``examples`` compare.

    The folder appears whole or not at all. ``watch`` gets what is being predicted and gives a progress.
    Raises UsageError for a format the head has no use for, an ``out`` that holds something, or what is not
    installed; DataError for a model that the format cannot say.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("is there already", where=str(out), cure="give another --out")
    if to == "onnx" and dtype != "float32":
        raise UsageError(f"ONNX is exported in float32, not {dtype}", cure="leave --dtype out")
    if not examples:
        raise UsageError("no examples to compare predictions on", cure="--data FILE")
    head, model = load_run(run_model, device="cpu")
    if to == "gguf" and head.name != "causal":
        raise UsageError(f"GGUF is for decoders that generate, this is a {head.name} head", cure="--to onnx")
    made = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(made, ignore_errors=True)
    try:
        if to == "gguf":
            from finetooth.models.export_gguf import load_gguf, to_gguf

            file = to_gguf(run_model, made, dtype=dtype, converter=converter)
            # The tokenizer is inside of the file; a second one beside it would be taken for half of it.
            shutil.copy(run_model / FILE, made)
            theirs = load_gguf(file, made)
        elif to == "onnx":
            to_onnx(head, model, made, examples)
            theirs = load_onnx(made)
        else:
            to_safetensors(head, model, made, dtype=dtype)
            theirs = load_run(made, device="cpu")
            # The run's own weights again: those at hand have been rounded.
            head, model = load_run(run_model, device="cpu")
        told = watch or (lambda _: None)
        ours = head.predict(model, examples, progress=told("the run predicts"))
        found = compare(ours, theirs[0].predict(theirs[1], examples, progress=told("the export predicts")))
        io.write_json(made / "export.json", {"to": to, "dtype": dtype, "compared": io.plain(found)})
        for file in made.iterdir():  # safetensors come readable by their owner alone
            file.chmod(0o644)
        if out.is_dir():
            out.rmdir()
        made.rename(out)
    except OSError as e:
        raise UsageError(f"cannot be written: {e.strerror or e}", where=str(out)) from None
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return found
