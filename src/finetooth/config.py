"""The frozen, typed configuration of a run. Unknown keys and nonsense fail when it is loaded.

task: qa
data: {train: train.json, dev: dev.json}
model: {name: starter:minilm}
train: {epochs: 2, learning_rate: 2.0e-4}
"""

from __future__ import annotations

import runpy
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from finetooth.errors import ConfigError
from finetooth.registry import did_you_mean


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class DataConfig(Section):
    """Where the examples are. ``on_error``: what to do with examples that have error findings.

    ``sample_seed`` draws ``max_*_examples`` and, where there is no ``dev``, the held-out ``dev_share``;
    it is apart from the run's seed so that several seeds train and score on the same examples. ``labels``: what
    the labels of inference pairs are to be called, ``{0: not_entailed, 1: entailed}`` or "0=not_entailed,1=entailed".
    """

    train: str
    dev: str | None = None
    format: str | None = None
    schemas: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    on_error: Literal["stop", "drop", "keep"] = "stop"
    max_train_examples: int | None = Field(None, ge=1)
    max_dev_examples: int | None = Field(None, ge=1)
    dev_share: float = Field(0.1, gt=0, lt=1)
    sample_seed: int = Field(0, ge=0)

    @field_validator("labels", mode="before")
    @classmethod
    def _labels(cls, value: Any) -> Any:
        return read_labels(value)

    @property
    def reading(self) -> dict[str, Any]:
        """The options that ``readers.load`` needs."""
        return {k: v for k, v in (("schemas", self.schemas), ("labels", self.labels)) if v}


def read_labels(value: Any) -> dict[str, str]:
    """A label of the file -> what it is to be called; of a mapping, or of text as "0=no,1=yes".

    Raises ValueError for what is neither.
    """
    if value is None:
        return {}
    if isinstance(value, str):
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        if not pairs or not all(k.strip() and equals and v.strip() for k, equals, v in pairs):
            raise ValueError(f"expected label=name,label=name, found {value!r}")
        if len({k.strip() for k, _, _ in pairs}) < len(pairs):
            raise ValueError(f"a label stands twice in {value!r}")
        return {k.strip(): v.strip() for k, _, v in pairs}
    if not isinstance(value, Mapping):
        raise ValueError("expected a mapping of labels to names")
    for k, v in value.items():
        if not all(isinstance(x, (str, int, float)) and str(x).strip() for x in (k, v)):
            raise ValueError(f"expected names for labels, found {k!r}: {v!r}")
    # YAML reads "no" and "yes" as truth values.
    return {_word(k): _word(v) for k, v in value.items()}


def _word(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


class ScratchConfig(Section):
    """The encoder of ``model.name=scratch``: sizes, pieces, tokenizer (see docs/scratch.md).

    None means the usual: 6 layers; a feed-forward four times as wide (swiglu: 8/3, which is as many weights);
    embeddings as wide as the model. ``tokenizer`` is a kind to train on the training texts or a model to take
    one from. Of ``scratch:MODEL``, whose weights are taken over, only ``layers`` (the model's own),
    ``take_layers`` (how many of them come with weights, 0: embeddings alone), ``match_embeddings`` and
    ``span_head`` can be set.
    """

    layers: int | None = Field(None, ge=1)
    width: int = Field(256, ge=8)
    heads: int = Field(4, ge=1)
    feed_forward: Literal["gelu", "swiglu"] = "gelu"
    feed_forward_width: int | None = Field(None, ge=1)
    norm: Literal["pre", "post"] = "pre"
    positions: Literal["learned", "sinusoidal", "rotary", "none"] = "rotary"
    max_positions: int = Field(512, ge=16)
    embedding_width: int | None = Field(None, ge=8)
    match_embeddings: bool = False
    span_head: Literal["shared", "separate"] = "shared"
    initial_std: float = Field(0.02, gt=0, lt=1)
    tokenizer: str = "wordpiece"
    vocabulary: int = Field(8000, ge=100)
    lowercase: bool = True
    take_layers: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _sizes(self) -> ScratchConfig:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")
        if self.positions == "rotary" and self.width // self.heads % 2:
            raise ValueError(f"rotary positions need heads of even width, found {self.width // self.heads}")
        return self


class ModelConfig(Section):
    """The base model, its head, and which of its weights are trained."""

    name: str = "starter:minilm"
    head: Literal["auto", "span", "token", "pair", "causal"] = "auto"
    max_length_tokens: int = Field(384, ge=16)
    stride_tokens: int = Field(128, ge=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    attention_dropout: float = Field(0.0, ge=0, lt=1)
    strategy: Literal["full", "lora", "qlora", "partial", "head"] = "full"
    freeze_share: float = Field(0.5, ge=0, le=1)
    lora_rank: int = Field(8, ge=1)
    lora_alpha: float = Field(16, gt=0)
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    lora_targets: tuple[str, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)
    scratch: ScratchConfig = ScratchConfig()

    @model_validator(mode="after")
    def _stride(self) -> ModelConfig:
        if self.stride_tokens >= self.max_length_tokens:
            raise ValueError(
                f"stride_tokens {self.stride_tokens} must be below max_length_tokens {self.max_length_tokens}"
            )
        return self


class TrainConfig(Section):
    """How to train. Lengths are in steps, batches in tokens; warmup is never a share.

    ``max_steps`` overrides ``epochs``. ``weights`` is a file of example_id, weight, smoothing and
    (for ``curriculum``) difficulty. A checkpoint is written at every epoch's end, every ``save_steps``
    and every ``save_minutes``. ``threads``: None means one a physical core. ``distributed``: what several processes
    (torchrun) divide, windows alone ("ddp") or weights, gradients and optimiser state too ("fsdp").
    """

    epochs: int = Field(2, ge=1)
    max_steps: int | None = Field(None, ge=1)
    learning_rate: float = Field(2e-4, gt=0, lt=1)
    head_learning_rate: float | None = Field(None, gt=0, lt=1)
    warmup_steps: int = Field(50, ge=0)
    schedule: Literal["linear", "cosine", "polynomial", "constant"] = "linear"
    polynomial_power: float = Field(2.0, gt=0)
    optimizer: Literal["adamw", "adam"] = "adamw"
    weight_decay: float = Field(0.01, ge=0)
    adam_beta2: float = Field(0.999, gt=0, lt=1)
    clip_norm: float = Field(1.0, gt=0)
    batch_tokens: int = Field(4096, ge=16)
    accumulation_steps: int = Field(1, ge=1)
    loss_mean: Literal["auto", "example", "token"] = "auto"
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    evaluate_every_epochs: int = Field(1, ge=1)
    early_stopping_patience: int | None = Field(None, ge=1)
    keep_best: bool = True
    save_steps: int | None = Field(None, ge=1)
    save_minutes: float = Field(5.0, gt=0)
    keep_checkpoints: int = Field(2, ge=1)
    watch_dev_dynamics: bool = False
    weights: str | None = None
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    curriculum: bool = False
    threads: int | None = Field(None, ge=1)
    memory_check: Literal["stop", "warn", "off"] = "stop"
    distributed: Literal["ddp", "fsdp"] = "ddp"

    @model_validator(mode="after")
    def _together(self) -> TrainConfig:
        if self.curriculum and not self.weights:
            raise ValueError("curriculum needs weights: a file with a difficulty for every example")
        return self


class PretrainConfig(Section):
    """What ``finetooth pretrain`` learns from text without labels.

    ``texts``: a text file (paragraphs) or .jsonl; None: the texts of ``data.train``, each once, its longest
    input (the context). ``pairs`` reads the other inputs with it, as fine-tuning will. ``mask_share`` of the
    tokens are foretold (mlm, electra); ``generator_share`` is the width of electra's generator; spans makes
    ``questions_per_text`` of these ``questions`` about each text.
    """

    objective: Literal["mlm", "electra", "spans"] = "mlm"
    texts: str | None = None
    pairs: bool = False
    mask_share: float = Field(0.15, gt=0, lt=1)
    generator_share: float = Field(0.25, gt=0, le=1)
    questions: Literal["both", "recurring", "cloze"] = "both"
    questions_per_text: int = Field(20, ge=1)


class Config(Section):
    """A whole run. ``out`` is its folder."""

    task: str
    data: DataConfig
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    pretrain: PretrainConfig = PretrainConfig()
    seed: int = Field(0, ge=0)
    sanity: bool = False
    track: Literal["none", "trackio", "wandb", "tensorboard", "mlflow"] = "none"
    out: str

    @model_validator(mode="after")
    def _can_be_spread(self) -> Config:
        if self.train.distributed == "fsdp" and self.model.strategy == "qlora":
            raise ValueError(
                "train.distributed=fsdp cannot divide the four-bit weights of model.strategy=qlora"
            )
        return self


def load(source: str | Path, overrides: Sequence[str] = ()) -> Config:
    """A YAML file, or a Python file that binds ``config``, with dotted ``key=value`` overrides.

    A run folder (or its run.json) stands for the configuration of that run: with another ``out=`` it is
    the same run again. Raises ConfigError with the key, the value it got and what is allowed.
    """
    path = Path(source)
    if (path / "run.json").is_file():
        path = path / "run.json"
    if not path.is_file():
        raise ConfigError("no such configuration", where=str(source), cure="give a YAML or Python file")
    if path.suffix == ".py":
        try:
            value = runpy.run_path(str(path)).get("config")
        except Exception as e:
            raise ConfigError(f"{type(e).__name__}: {e}", where=str(path)) from e
        if isinstance(value, BaseModel):
            value = value.model_dump()
    else:
        try:
            value = yaml.safe_load(path.read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as e:
            raise ConfigError(f"not YAML: {' '.join(str(e).split())}", where=str(path)) from None
    if path.name == "run.json" and isinstance(value, Mapping):
        # With what "auto" came to there; another machine would choose for itself.
        value = value.get("resolved") or value.get("config")
    if not isinstance(value, Mapping):
        raise ConfigError(f"expected a mapping, found {type(value).__name__}", where=str(path))
    return build(value, overrides, where=str(path))


def build(
    values: Mapping[str, Any], overrides: Sequence[str] | Mapping[str, Any] = (), *, where: str = ""
) -> Config:
    """A Config of plain values; see ``load``. ``overrides`` are texts (``key=value``) or values by dotted key."""
    merged = _copy(values)
    if isinstance(overrides, Mapping):
        for key, value in overrides.items():
            section, last = _section(merged, key)
            section[last] = value
    else:
        for override in overrides:
            _apply(merged, override)
    try:
        return Config.model_validate(merged)
    except ValidationError as e:
        error = e.errors()[0]
        key = ".".join(map(str, error["loc"]))
        if error["type"] == "extra_forbidden":
            raise ConfigError(
                f"unknown key {key!r}",
                where=where,
                cure=did_you_mean(str(error["loc"][-1]), _keys(error["loc"])),
            ) from None
        if error["type"] == "missing":
            raise ConfigError(f"{key} is missing", where=where, cure=f"add it, or say {key}=...") from None
        message = error["msg"].removeprefix("Value error, ")
        # A message about two settings together already holds both values.
        found = "" if isinstance(error["input"], Mapping) else f", found {error['input']!r}"
        raise ConfigError(f"{key}: {message}{found}", where=where) from None


def differences(one: Config, other: Config, *, but: Sequence[str] = ()) -> list[str]:
    """``key: one's value, other's value`` for each setting the two differ in, ``but`` dotted keys."""
    a, b = _flat(one.model_dump()), _flat(other.model_dump())
    return [f"{k}: {a.get(k)!r}, {b.get(k)!r}" for k in {**a, **b} if k not in but and a.get(k) != b.get(k)]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copy(v) if isinstance(v, Mapping) else v for k, v in values.items()}


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"expected key=value, found {override!r}", cure="as in train.epochs=3")
    values, last = _section(values, key)
    try:
        # A name that looks like a number stays a name: out=007, data.train=2024.
        values[last] = (text if _is_text(key) else yaml.safe_load(text)) if text else None
    except yaml.YAMLError:
        values[last] = text
    if isinstance(values[last], str) and not _is_text(key):
        # YAML 1.1 reads 2e-4 as a word; people mean the number.
        with suppress(ValueError):
            values[last] = float(text)


def _section(values: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """Where the value of a dotted key goes, and under which name."""
    *path, last = key.split(".")
    for part in path:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{key}: {part} is no section")
        values = inner
    return values, last


def _is_text(key: str) -> bool:
    section: Any = Config
    *path, last = key.split(".")
    for part in path:
        field = getattr(section, "model_fields", {}).get(part)
        section = field.annotation if field else None
    field = getattr(section, "model_fields", {}).get(last)
    return field is not None and field.annotation in (str, str | None)


def _keys(loc: Sequence[Any]) -> list[str]:
    section: Any = Config
    for part in loc[:-1]:
        section = section.model_fields[part].annotation
    return list(section.model_fields)
