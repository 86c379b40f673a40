"""A body of transformers and a classifier of ours as one model, whose saved folder is the body's ordinary one.

The body's weights keep the names that its architecture gives them (``bert.``, ``model.``), the classifier's
begin with ``classifier.``: any program can read the body, and every strategy knows what is new.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from finetooth import io
from finetooth.config import ModelConfig
from finetooth.models.load import FILE, load_weights, only_shapes

NAME = "classifier"


def join(
    folder: Path,
    options: ModelConfig | None,
    make: Callable[[Any], Any],
    *,
    labels: Sequence[str] = (),
    seed: int = 0,
) -> Any:
    """The body of a folder with the classifier ``make(config)``: drawn with ``seed``, or its own if it is of ``labels``.

    The model's call passes input_ids, attention_mask and token_type_ids to the body, and the body's last
    hidden states with everything else to the classifier.
    """
    import torch
    from transformers import AutoModel

    body = load_weights(AutoModel, folder, options, seed=seed)
    if getattr(body, "pooler", None) is not None:
        # Nothing here goes through it; left in, it would be weights that never get a gradient.
        body.pooler = None
    if getattr(body.config, "use_cache", None):
        body.config.use_cache = False
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = make(body.config)
    if not only_shapes() and _is_of(folder, labels):
        _restore(classifier, folder)
    return _joined(body, classifier)


def _joined(body: Any, classifier: Any) -> Any:
    from transformers import PreTrainedModel

    prefix = body.base_model_prefix or "body"

    class Joined(PreTrainedModel):
        config_class = type(body.config)
        base_model_prefix = prefix
        _supports_sdpa = _supports_flash_attn = True
        _no_split_modules = getattr(body, "_no_split_modules", None)
        supports_gradient_checkpointing = getattr(body, "supports_gradient_checkpointing", False)

        def __init__(self) -> None:
            super().__init__(body.config)
            setattr(self, prefix, body)
            setattr(self, NAME, classifier)
            self.post_init()

        def _init_weights(self, module: Any) -> None:
            """All weights are there already."""

        def get_input_embeddings(self) -> Any:
            return getattr(self, prefix).get_input_embeddings()

        def forward(
            self,
            input_ids: Any,
            attention_mask: Any = None,
            token_type_ids: Any = None,
            **places: Any,
        ) -> Any:
            given = {"attention_mask": attention_mask, "token_type_ids": token_type_ids}
            found = getattr(self, prefix)(
                input_ids=input_ids, **{k: v for k, v in given.items() if v is not None}
            )
            return getattr(self, NAME)(found.last_hidden_state, **places)

        def save_pretrained(self, folder: Any, **more: Any) -> None:  # type: ignore[override]
            super().save_pretrained(folder, **more)
            path = Path(folder) / "config.json"
            config = json.loads(path.read_text("utf-8"))
            io.write_json(path, {**config, "architectures": [type(body).__name__]})

    return Joined()


def _is_of(folder: Path, labels: Sequence[str]) -> bool:
    """Whether a folder's classifier tells these labels: as many of other names would be learnt the wrong way round."""
    path = folder / FILE
    if not path.is_file():
        return True
    saved = json.loads(path.read_text("utf-8")).get("labels")
    return saved is None or list(saved) == list(labels)


def _restore(classifier: Any, folder: Path) -> None:
    """The classifier's weights of a folder that has some of the same names and shapes; all or none."""
    from safetensors import safe_open

    wanted = classifier.state_dict()
    found: dict[str, Any] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 - it is no mapping
                name = key.removeprefix(f"{NAME}.")
                if name != key and name in wanted:
                    found[name] = file.get_tensor(key)
    if set(found) == set(wanted) and all(found[k].shape == wanted[k].shape for k in wanted):
        classifier.load_state_dict(found)
