"""GGUF, the file format of llama.cpp, as a model folder with safetensors; converted once and kept."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from finetooth.errors import DataError
from finetooth.io import fingerprint_file


def convert(gguf: Path, cache: Path) -> Path:
    """The folder of a GGUF file's model: config, tokenizer, weights in half precision.

    Half precision holds what the usual 4- to 8-bit blocks (a half-precision scale times a small
    integer) can say; weights that do not fit it are kept in single precision. The folder's name has the file's
    fingerprint in it, and the folder appears whole or not at all. Raises DataError if the file
    cannot be read.
    """
    folder = cache / f"{gguf.stem}-{fingerprint_file(gguf)[:16]}"
    if (folder / "config.json").is_file():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=cache, prefix=f".{gguf.stem}."))
    try:
        _write(gguf, made)
        made.chmod(0o755)
        # Another process may have been quicker; its folder has the same content.
        with contextlib.suppress(OSError):
            os.replace(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    if not (folder / "config.json").is_file():
        raise DataError("cannot write the converted model", where=str(folder), cure="set FINETOOTH_CACHE")
    return folder


def _write(gguf: Path, folder: Path) -> None:
    if importlib.util.find_spec("gguf") is None:
        raise DataError("reading GGUF needs the package gguf", where=str(gguf), cure="pip install gguf")
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from finetooth.models.load import quiet

    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
            model = AutoModelForCausalLM.from_pretrained(
                str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32
            )
        except Exception as e:
            message = " ".join(str(e).split())[:200]
            raise DataError(f"cannot read this GGUF file: {message}", where=str(gguf)) from None
        # The weights are plain numbers now, so the folder must not say that they are quantised.
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        state = {k: v for k, v in model.state_dict().items() if k not in model.all_tied_weights_keys}
        limit = torch.finfo(torch.float16).max
        half = all(v.abs().max() < limit for v in state.values())
        dtype = torch.float16 if half else torch.float32
        model.config.dtype = dtype
        tokenizer.save_pretrained(folder)
        if model.generation_config is not None:
            model.generation_config.save_pretrained(folder)
        save_file(
            {k: v.to(dtype).contiguous() for k, v in state.items()},
            folder / "model.safetensors",
            metadata={"format": "pt"},
        )
        # Last: the folder counts as whole once it has a config.
        model.config.save_pretrained(folder)
