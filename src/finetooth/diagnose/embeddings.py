"""Examples as vectors of the trained model: what it makes of the input, joined with what it makes of the target.

What the two halves are, by head, always of the last hidden layer:

    span            [CLS] of question and context; the mean over the answer's tokens ([CLS] again for no answer)
    token           [CLS] of the text (its mean where there is none); the mean over the tokens of its entities
    pair, nli       [CLS] of both sentences (their mean on a decoder); the mean over the hypothesis
    pair, relation  the mean over the document; the mean over the mentions of its entities
    causal          the mean over the prompt; the mean over the answer

Where a target has no token (a text without entities), the second half is the mean over all tokens. Both halves
are brought to length 1, so that neither drowns the other. No label goes in: neighbours with another label mean
something. Of a long example the first window that holds its gold is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.errors import DataError
from finetooth.io import atomic
from finetooth.types import Example

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Embeddings:
    """``vectors`` (n, d) float32 of the examples ``ids`` (n,); ``missing`` says by id why the others have none."""

    ids: tuple[str, ...]
    vectors: np.ndarray
    missing: dict[str, str] = field(default_factory=dict)

    def write(self, path: str | Path, key: str) -> None:
        """As .npz without pickles, in half precision: neighbours stay neighbours at half the size."""
        with atomic(path, "wb") as f:
            np.savez(
                f,
                ids=np.array(self.ids, dtype=np.str_),
                vectors=self.vectors.astype(np.float16),
                missing=np.array(list(self.missing.items()), dtype=np.str_).reshape(-1, 2),
                key=np.array(key),
            )


def read(path: str | Path, key: str | None = None) -> Embeddings | None:
    """What ``write`` wrote; None where there is nothing, or where it is of another model or other data."""
    path = Path(path)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            if key is not None and str(file["key"]) != key:
                return None
            ids, vectors = tuple(file["ids"].tolist()), file["vectors"].astype(np.float32)
            missing = {str(k): str(v) for k, v in file["missing"].tolist()}
    except (OSError, ValueError, KeyError) as e:
        raise DataError(
            f"not readable embeddings: {' '.join(str(e).split())[:120]}", where=str(path), cure="remove it"
        ) from None
    return Embeddings(ids, vectors, missing)


def embed(
    head: Any,
    model: Any,
    examples: Sequence[Example],
    *,
    batch_tokens: int = 8192,
    progress: Progress | None = None,
) -> Embeddings:
    """The examples' vectors (n, 2 x hidden size), each half of length 1; batched by length, without gradients.

    Examples that the head cannot encode (too long, gold cut off) are in ``missing`` with its reason. On
    hardware with bfloat16 units the body runs in it; sums are float32.
    """
    import torch

    from finetooth.models.sequences import by_length

    chosen = _chosen(head.windows(examples))
    pieces = [piece for i in sorted(chosen) for piece in _pieces(head, i, chosen[i])]
    body = getattr(model, "base_model", model)
    device = next(model.parameters()).device
    size = _size(body.config)
    # Sums over the places of whole, target and all tokens, and how many they are.
    sums = np.zeros((len(examples), 3, size), np.float32)
    times = np.zeros((len(examples), 3), np.float32)
    was, done = model.training, 0
    model.eval()
    try:
        for part in by_length([len(p.ids) for p in pieces], batch_tokens):
            some = [pieces[i] for i in part]
            batch, places = _batch(head, some)
            batch = {k: v.to(device) for k, v in batch.items()}
            with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=_fast(device)):
                hidden = body(**batch).last_hidden_state
            with torch.inference_mode():
                summed = torch.einsum("nkl,nld->nkd", places.to(device), hidden.float()).cpu().numpy()
            at = [p.example for p in some]
            np.add.at(sums, at, summed)
            np.add.at(times, at, places.sum(-1).numpy())
            done += len(part)
            if progress is not None:
                progress(done, len(pieces))
    finally:
        model.train(was)
    known = np.array(sorted(chosen), np.int64)
    vectors = _joined(sums[known], times[known])
    reasons = getattr(head, "reasons", {})
    missing = {
        e.id: reasons.get(e.id, "the model's head cannot encode it")
        for i, e in enumerate(examples)
        if i not in chosen
    }
    return Embeddings(tuple(examples[i].id for i in known), vectors, missing)


def _joined(sums: np.ndarray, times: np.ndarray) -> np.ndarray:
    means = sums / np.maximum(times, 1)[..., None]
    halves = [np.where(times[:, k, None] > 0, means[:, k], means[:, 2]) for k in (0, 1)]
    unit = [h / np.maximum(np.linalg.norm(h, axis=1, keepdims=True), 1e-12) for h in halves]
    # At the precision they are kept in, so that what is read again gives the same clusters.
    return np.concatenate(unit, axis=1).astype(np.float16).astype(np.float32)


def _chosen(windows: Sequence[Any]) -> dict[int, Any]:
    """The window of each example that is read: its first that holds the gold, else its first."""
    chosen: dict[int, Any] = {}
    for w in windows:
        before = chosen.get(w.example)
        better = before is not None and not before.fields.get("holds_gold", True)
        if before is None or (better and w.fields.get("holds_gold", True)):
            chosen[w.example] = w
    return chosen


@dataclass(frozen=True, slots=True)
class _Piece:
    """Tokens that are read at once, and the places (half-open or listed) of the whole and of the target."""

    example: int
    ids: Any
    whole: np.ndarray
    target: np.ndarray
    window: Any


def _pieces(head: Any, example: int, window: Any) -> list[_Piece]:
    whole, target = _places(head, window)
    n, most = len(window.input_ids), head.options.max_length_tokens
    made = []
    for at in range(0, n, most):
        end = min(at + most, n)
        inside = [p[(p >= at) & (p < end)] - at for p in (whole, target)]
        made.append(_Piece(example, window.input_ids[at:end], inside[0], inside[1], window))
    return made


def _places(head: Any, window: Any) -> tuple[np.ndarray, np.ndarray]:
    fields, n = window.fields, len(window.input_ids)
    everywhere, nowhere = np.arange(n), np.arange(0)
    cls = getattr(head.tokenizer, "cls_token_id", None)
    at_cls = np.flatnonzero(np.asarray(window.input_ids) == cls)[:1] if cls is not None else nowhere
    whole = at_cls if len(at_cls) else everywhere
    if head.name == "span":
        first, last = fields["gold"]
        return np.array([fields["cut"].null]), np.arange(first, last + 1)
    if head.name == "token":
        return whole, np.asarray(fields["at"])[np.asarray(fields["gold"]) > 0]
    if head.name == "causal":
        return np.arange(fields["prompt"]), np.arange(fields["prompt"], n)
    if "two" in fields:
        return whole, np.arange(*fields["two"])
    if "document" in fields:
        document = fields["document"]
        spans = [np.arange(a, b + 1) for a, b in zip(document.start, document.end, strict=True)]
        return everywhere, np.unique(np.concatenate(spans)) if spans else nowhere
    return whole, nowhere


def _batch(head: Any, pieces: Sequence[_Piece]) -> tuple[dict[str, Any], Any]:
    """(what the body is called with, the places (pieces, 3, length) of whole, target and all tokens)."""
    import torch

    from finetooth.models.head import Window
    from finetooth.models.sequences import pad

    windows = [Window(p.example, p.ids, p.window.fields) for p in pieces]
    pairs = getattr(head, "pairs", None)
    uncut = all(len(p.ids) == len(p.window.input_ids) for p in pieces)
    padded = pad(
        windows,
        head.tokenizer.pad_token_id,
        limit=head.options.max_length_tokens,
        types=pairs if hasattr(pairs, "token_types") and uncut else None,
    )
    batch: dict[str, Any] = {
        k: padded[k] for k in ("input_ids", "attention_mask", "token_type_ids") if k in padded
    }
    places = torch.zeros((len(pieces), 3, batch["input_ids"].shape[1]))
    for row, p in enumerate(pieces):
        places[row, 0, p.whole] = 1
        places[row, 1, p.target] = 1
        places[row, 2, : len(p.ids)] = 1
    return batch, places


def _size(config: Any) -> int:
    return int(getattr(config, "hidden_size", None) or config.n_embd)


def _fast(device: Any) -> bool:
    """Whether bfloat16 has units of its own there; elsewhere it would only be slower."""
    import torch

    from finetooth.runs import cpu_flags

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and "amx_bf16" in cpu_flags()
