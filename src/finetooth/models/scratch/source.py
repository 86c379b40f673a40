"""From ``model.name=scratch`` (or ``scratch:MODEL``) to a folder that every head builds on. No torch here.

    config.json, tokenizer.json        always
    model.safetensors, transplant.json for scratch:MODEL, the weights taken over and which they are

A folder without weights is drawn anew by each run, with the run's seed. Folders are kept in the cache by
what they are made of: the same training texts and settings give the same tokenizer again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from finetooth.config import ModelConfig, ScratchConfig
from finetooth.errors import ConfigError
from finetooth.models.folders import cache_folder, resolve

NAME = "scratch"
TRANSPLANT = "transplant.json"
# What can be set of a model whose weights are taken over; all else is the model's own.
FREE = ("layers", "take_layers", "match_embeddings", "span_head")
VERSION = 1
LOW_IDS = 1000  # BERT's special tokens stand among unused ones below it; RoBERTa's mask is its very last


def is_scratch(name: str) -> bool:
    return name == NAME or name.startswith(f"{NAME}:")


def texts_of(examples: Sequence[Any]) -> list[str]:
    """Every different text in the inputs of examples of any task, in order."""
    seen: dict[str, None] = {}
    for example in examples:
        for text in _strings(example.inputs):
            seen[text] = None
    return list(seen)


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _strings(getattr(value, field.name))


def folder_of(options: ModelConfig, texts: Callable[[], Sequence[str]]) -> Path:
    """The folder of a model of ours. ``texts`` are only asked for where a tokenizer is trained.

    Raises ConfigError for settings that a transplant cannot have, and what ``resolve`` raises for MODEL.
    """
    taken = options.name.partition(":")[2]
    if options.name == f"{NAME}:":
        raise ConfigError(
            "model.name: scratch: which model?", cure="as in scratch:starter:minilm, or scratch alone"
        )
    parts = options.scratch
    if taken:
        source = resolve(taken)
        _only_free(parts, taken)
        what = {"from": _fingerprint(source), **{k: getattr(parts, k) for k in FREE}}

        def make(folder: Path) -> None:
            from finetooth.models.scratch.transplant import transplant

            transplant(source, folder, parts)
    else:
        if parts.take_layers is not None:
            raise ConfigError(
                "model.scratch.take_layers: there is no model to take layers of",
                cure="model.name=scratch:MODEL",
            )
        listed = texts() if _trained(parts) else []
        what = {"texts": _digest(listed), "parts": parts.model_dump(mode="json")}

        def make(folder: Path) -> None:
            _new(folder, parts, listed)

    key = _digest([json.dumps({"version": VERSION, **what}, sort_keys=True)])[:16]
    return _kept(cache_folder() / NAME / key, make)


def _trained(parts: ScratchConfig) -> bool:
    from finetooth.models.scratch.tokenizer import KINDS

    return parts.tokenizer in KINDS


def _new(folder: Path, parts: ScratchConfig, texts: Sequence[str]) -> None:
    if _trained(parts):
        from finetooth.models.scratch.tokenizer import train

        tokenizer = train(texts, kind=parts.tokenizer, size=parts.vocabulary, lowercase=parts.lowercase)
    else:
        from finetooth.models.load import load_tokenizer

        tokenizer = load_tokenizer(parts.tokenizer)
    tokenizer.save_pretrained(folder)
    config = encoder_config(parts, tokenizer)
    config.architectures = ["Encoder"]
    config.save_pretrained(folder)


def encoder_config(parts: ScratchConfig, tokenizer: Any) -> Any:
    """The config of a new encoder with these parts, for this tokenizer's vocabulary."""
    from finetooth.models.scratch.configuration import EncoderConfig

    inner = parts.feed_forward_width
    if inner is None:
        # Gated layers have three matrices where others have two; multiples of 32 suit the hardware.
        inner = (
            4 * parts.width if parts.feed_forward == "gelu" else max(32, round(parts.width * 8 / 3 / 32) * 32)
        )
    return EncoderConfig(
        vocab_size=len(tokenizer),
        hidden_size=parts.width,
        num_hidden_layers=parts.layers or 6,
        num_attention_heads=parts.heads,
        intermediate_size=inner,
        hidden_act=parts.feed_forward,
        norm_placement=parts.norm,
        position_kind=parts.positions,
        # Only a table of positions has an end; 0 says that there is none.
        max_position_embeddings=parts.max_positions if parts.positions == "learned" else 0,
        embedding_size=parts.embedding_width,
        match_embeddings=parts.match_embeddings,
        span_head=parts.span_head,
        special_tokens=special_tokens(tokenizer),
        initializer_range=parts.initial_std,
        pad_token_id=tokenizer.pad_token_id,
    )


def special_tokens(tokenizer: Any) -> int:
    """The number below which ids are those of special tokens; 0 where they stand among the others."""
    ids = [tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id, tokenizer.mask_token_id]
    return max((i + 1 for i in ids if i is not None and i < LOW_IDS), default=0)


def _only_free(parts: ScratchConfig, taken: str) -> None:
    plain = ScratchConfig()
    for name in ScratchConfig.model_fields:
        if name not in FREE and getattr(parts, name) != getattr(plain, name):
            raise ConfigError(
                f"model.scratch.{name}: {getattr(parts, name)!r}, but {taken} brings its own",
                cure=f"with weights taken over only {', '.join(FREE)} can be set",
            )


def _fingerprint(folder: Path) -> str:
    """Of a model's weights and config, whatever the folder is called."""
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def _kept(folder: Path, make: Callable[[Path], None]) -> Path:
    """``folder``, made aside and renamed if it is not there yet; another process may win the race."""
    if (folder / "config.json").is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making-"))
    try:
        make(temporary)
        try:
            os.rename(temporary, folder)
        except OSError:
            if not (folder / "config.json").is_file():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder
