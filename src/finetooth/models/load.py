"""Tokenizers, weights and trained heads from a folder: safetensors only, no code of the model's is run."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from finetooth import io, registry
from finetooth.config import ModelConfig
from finetooth.errors import ConfigError, DataError, UsageError
from finetooth.models.folders import resolve
from finetooth.models.scratch import register
from finetooth.models.scratch.source import TRANSPLANT

__all__ = ["build_head", "load_run", "load_tokenizer", "load_weights", "read_head", "resolve", "write_head"]

FILE = "finetooth.json"
FORMAT = 1
# How architectures call the same two settings.
DROPOUT = (
    "activation_dropout",
    "classifier_dropout",
    "classifier_dropout_prob",
    "dropout",
    "dropout_rate",
    "embd_pdrop",
    "embed_dropout",
    "embedding_dropout",
    "hidden_dropout",
    "hidden_dropout_prob",
    "mlp_dropout",
    "pooler_dropout",
    "qa_dropout",
    "resid_dropout",
    "resid_pdrop",
    "seq_classif_dropout",
    "summary_last_dropout",
)
ATTENTION_DROPOUT = ("attention_dropout", "attention_probs_dropout_prob", "attn_dropout", "attn_pdrop")
# Their positions start behind the padding token's number, so the table has that many rows too many.
SHIFTED_POSITIONS = ("camembert", "data2vec-text", "longformer", "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta")  # fmt: skip


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps transformers' warnings and progress bars off the terminal; a new head is no surprise here."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


_SHAPES_ONLY: ContextVar[bool] = ContextVar("shapes_only", default=False)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Models that are built inside have the weights' shapes and nothing of a file: for estimates."""
    before = _SHAPES_ONLY.set(True)
    try:
        yield
    finally:
        _SHAPES_ONLY.reset(before)


def only_shapes() -> bool:
    """Whether this is inside ``shapes_only``."""
    return _SHAPES_ONLY.get()


def load_tokenizer(source: str | Path) -> Any:
    """The fast tokenizer of a folder or base model. Raises DataError if it has none, since offsets need one."""
    from transformers import AutoTokenizer

    folder = source if isinstance(source, Path) else resolve(source)
    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        except Exception as e:
            raise DataError(f"no tokenizer can be read: {_line(e)}", where=str(folder)) from None
    if not getattr(tokenizer, "is_fast", False):
        raise DataError(
            "its tokenizer is not a fast one, which offsets need",
            where=str(folder),
            cure="add a tokenizer.json, as newer versions of the model have",
        )
    # Some come with the truncation and padding of their last use; ours are our own.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.pad_token_id is None:
        raise DataError("its tokenizer has no padding, end or unknown token", where=str(folder))
    return tokenizer


def load_config(folder: Path, options: ModelConfig | None, **changes: Any) -> Any:
    """The transformers config of a folder, with ``options``' dropout set and ``changes`` made.

    Raises DataError for a config that cannot be used (a model that needs code of its own), ConfigError
    for windows longer than the model can read.
    """
    from transformers import AutoConfig

    register()
    with quiet():
        try:
            config = AutoConfig.from_pretrained(
                folder, trust_remote_code=False, local_files_only=True, **changes
            )
        except Exception as e:
            raise DataError(f"its config cannot be used: {_line(e)}", where=str(folder)) from None
    if options is not None:
        set_dropout(config, options.dropout, options.attention_dropout)
        limit = positions(config)
        if limit is not None and options.max_length_tokens > limit:
            raise ConfigError(
                f"model.max_length_tokens: {options.max_length_tokens}, but {options.name} reads at most {limit}",
                cure=f"model.max_length_tokens={limit}; longer texts become several windows",
            )
    return config


def positions(config: Any) -> int | None:
    """How many tokens the architecture can read at once; None where nothing bounds it."""
    limit = getattr(config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:
        return None
    if config.model_type in SHIFTED_POSITIONS:
        limit -= (config.pad_token_id or 0) + 1
    return limit


def load_weights(
    auto_class: Any, folder: Path, options: ModelConfig | None, *, seed: int = 0, **changes: Any
) -> Any:
    """A model of ``auto_class`` with a folder's weights, in fp32 on the CPU, dropout set by the options.

    ``changes`` are of the config (num_labels, id2label). What the folder has no weights for (a new
    head) is drawn with ``seed``; the generator of the caller is left as it was. Attention is
    scaled-dot-product where the architecture has it (see ``attention``). Raises DataError where the class does not know the
    architecture, and where weights other than the head's are missing.
    """
    import torch

    from finetooth.models import attention

    config = load_config(folder, options, **changes)
    if _SHAPES_ONLY.get() or _to_be_drawn(folder, config):
        with quiet(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            try:
                model = auto_class.from_config(config, dtype=torch.float32)
            except Exception as e:
                raise _no_class(e, auto_class, config, folder) from None
            attention.use(model)
            return model
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model, loaded = auto_class.from_pretrained(
                folder,
                config=config,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        except Exception as e:
            raise _no_class(e, auto_class, config, folder) from None
        attention.use(model)
    body = f"{model.base_model_prefix}."
    missing = {str(key) for key in loaded["missing_keys"]}
    missing |= {str(key[0]) for key in loaded.get("mismatched_keys", ())}
    lost = sorted(key for key in missing if key.startswith(body) and ".pooler" not in key)
    # Of a model that was taken over in part the rest is drawn, as a new head is.
    if lost and not (folder / TRANSPLANT).is_file():
        raise DataError(
            f"{len(lost)} of its weights are missing or of another shape, {lost[0]} for one",
            where=str(folder),
            cure="get the model again; its config and its weights are not of one model",
        )
    if "id2label" in changes:
        _relabel(model, body, _names(folder), list(changes["id2label"].values()), seed)
    return model


def _names(folder: Path) -> list[str]:
    """What the outputs of a folder's classifier are called, in order; [] where its config has no names of its own."""
    path = folder / "config.json"
    given = json.loads(path.read_text("utf-8")).get("id2label") or {} if path.is_file() else {}
    names = [str(given[key]) for key in sorted(given, key=int)]
    return [] if names == [f"LABEL_{i}" for i in range(len(names))] else names


def _relabel(model: Any, body: str, old: Sequence[str], new: Sequence[str], seed: int) -> None:
    """Makes a classifier that was loaded say our labels: its rows are put in their order, and drawn anew where
    they are of other labels. Without this, as many labels of other names would pass for ours.
    """
    import torch

    if not old or len(old) != len(new) or list(old) == list(new):
        return
    order = torch.tensor([old.index(name) for name in new]) if set(old) == set(new) else None
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, held in model.named_parameters():
            if name.startswith(body) or held.shape[0] != len(new):
                continue
            if order is not None:
                held.copy_(held[order])
            elif held.dim() == 1:
                held.zero_()
            else:
                held.normal_(std=getattr(model.config, "initializer_range", 0.02))


def _to_be_drawn(folder: Path, config: Any) -> bool:
    """Whether it is an encoder of our own that has no weights yet: a run draws them with its seed."""
    return config.model_type == "finetooth-encoder" and not any(folder.glob("*.safetensors"))


def _no_class(error: Exception, auto_class: Any, config: Any, folder: Path) -> DataError:
    message = _line(error)
    if "Unrecognized configuration class" in message:
        message = f"{auto_class.__name__} has no class for the architecture {config.model_type!r}"
    return DataError(f"cannot be loaded: {message}", where=str(folder))


def set_dropout(config: Any, dropout: float, attention: float) -> None:
    """Sets both dropouts under whatever names the architecture has for them."""
    for names, value in ((DROPOUT, dropout), (ATTENTION_DROPOUT, attention)):
        for name in names:
            # None: "as the other one", which is set too.
            if isinstance(getattr(config, name, None), (int, float)):
                setattr(config, name, value)


def build_head(task: Any, options: ModelConfig, labels: Sequence[str], name: str, folder: Path) -> Any:
    """A new head for a base model's folder. Raises ConfigError for options it does not know."""
    from finetooth.models import head_class

    head = head_class(name)
    load_config(folder, options)
    return head(task, load_tokenizer(folder), options, tuple(labels))


def head_options(options: ModelConfig, known: dict[str, Any], head: str) -> dict[str, Any]:
    """``options.options`` over the defaults in ``known``; ConfigError names one that is unknown or of another type."""
    made = dict(known)
    for key, value in options.options.items():
        if key not in known:
            raise ConfigError(
                f"model.options.{key}: the {head} head has no such option",
                cure=registry.did_you_mean(key, known) if known else "it has none",
            )
        default = known[key]
        if isinstance(default, bool) is not isinstance(value, bool) or (
            default is not None
            and not isinstance(value, (int, float) if isinstance(default, float) else type(default))
        ):
            raise ConfigError(
                f"model.options.{key}: expected {type(default).__name__}, as in {default!r}, found {value!r}"
            )
        made[key] = value
    return made


def one_of(head: str, key: str, value: Any, allowed: Collection[Any]) -> Any:
    """``value``, or ConfigError with what is allowed."""
    if value not in allowed:
        raise ConfigError(
            f"model.options.{key}: {value!r} is nothing the {head} head knows",
            cure=f"one of {', '.join(map(str, allowed))}",
        )
    return value


def write_head(head: Any, folder: Path, *, state: dict[str, Any] | None = None) -> None:
    """Tokenizer and finetooth.json: all that a prediction needs besides the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    head.tokenizer.save_pretrained(folder)
    io.write_json(
        folder / FILE,
        {
            "format": FORMAT,
            "head": head.name,
            "task": head.task.name,
            "labels": list(head.labels),
            "options": head.options.model_dump(mode="json"),
            "thresholds": head.thresholds,
            "state": state or {},
        },
    )


def model_folder(folder: str | Path) -> Path:
    """The folder with finetooth.json: given itself, or as a run's folder. Raises UsageError otherwise."""
    folder = Path(folder)
    for place in (folder / "model", folder):
        if (place / FILE).is_file():
            return place
    raise UsageError(f"no trained model here (no {FILE})", where=str(folder), cure="give a finished run")


def read_head(folder: str | Path) -> Any:
    """The head of a trained model (of a run folder, or its model/), without its weights."""
    from finetooth.models import head_class

    folder = model_folder(folder)
    where = str(folder / FILE)
    try:
        kept = json.loads((folder / FILE).read_text("utf-8"))
        if kept["format"] > FORMAT:
            raise DataError("written by a newer finetooth", where=where, cure="pip install -U finetooth")
        if kept["task"] == "text":
            raise UsageError(
                "it was pretrained and has learnt no task yet",
                where=str(folder),
                cure=f"finetooth train --model {folder} ...",
            )
        options = ModelConfig.model_validate(kept["options"])
        task, name, labels = registry.task(kept["task"]), kept["head"], tuple(kept["labels"])
        thresholds, state = dict(kept["thresholds"]), dict(kept["state"])
    except (KeyError, ValueError, TypeError) as e:
        raise DataError(f"cannot be read: {_line(e)}", where=where) from None
    return head_class(name)(task, load_tokenizer(folder), options, labels, thresholds=thresholds, state=state)


def load_run(folder: str | Path, *, device: str | None = None, dtype: str = "float32") -> tuple[Any, Any]:
    """(head, model) of a run or model folder, ready to predict; on a GPU where there is one.

    ``dtype`` is float32, bfloat16 or float16. Raises UsageError for a folder without a trained model or
    a device that is not there, DataError for one that cannot be loaded.
    """
    head = read_head(folder)
    return head, ready(head.build(model_folder(folder)), device=device, dtype=dtype)


def ready(model: Any, *, device: str | None = None, dtype: str = "float32") -> Any:
    """The model where and as it is to predict; see ``load_run``."""
    import torch

    if dtype not in ("float32", "bfloat16", "float16"):
        raise UsageError(f"dtype: expected float32, bfloat16 or float16, found {dtype!r}")
    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        model = cast(model.to(place), getattr(torch, dtype))
    except (RuntimeError, AssertionError) as e:
        raise UsageError(f"device {place!r}: {_line(e)}", cure="cpu is always there") from None
    return model.eval()


def cast(model: Any, dtype: Any) -> Any:
    """The same model in ``dtype``, but for the frequencies of rotary positions, which stay as exact as they are.

    ``model.to(dtype)`` would round them too: in bf16 by up to 1 in 256, so that a token 500 places away is taken
    for one 1 or 2 radians off (``from_pretrained(dtype=...)`` leaves them alone as well).
    """
    for weight in model.parameters():
        if weight.is_floating_point():
            weight.data = weight.data.to(dtype)
    for module in model.modules():
        for name, held in module.named_buffers(recurse=False):
            if held.is_floating_point() and not is_frequency(name):
                setattr(module, name, held.to(dtype))
    return model


def is_frequency(buffer: str) -> bool:
    """Whether a buffer of this name holds frequencies of rotary positions, as transformers names them."""
    return buffer.rpartition(".")[2].endswith("inv_freq")


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
