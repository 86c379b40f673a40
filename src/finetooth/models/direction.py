"""Which way a model reads: from left to right, as a decoder, or all at once, as an encoder."""

from __future__ import annotations

from typing import Any

from finetooth.models.load import only_shapes


def reads_ahead(model: Any) -> bool:
    """Whether what stands later changes what the model says earlier: then it is no decoder. It is tried out."""
    import torch

    if only_shapes():
        # Without numbers it cannot be; attention layers mostly say so themselves.
        return not any(getattr(m, "is_causal", False) for m in model.modules())
    size = min(8, model.get_input_embeddings().weight.shape[0] - 1)
    ids = torch.arange(size)[None]
    other = ids.clone()
    other[0, -1] = 0
    was = model.training
    model.eval()
    with torch.no_grad():
        one, two = (model(input_ids=x)[0][0, :-1] for x in (ids, other))
    model.train(was)
    # A decoder's are the same but for rounding; a small random encoder's differ by a thousandth.
    return bool((one - two).abs().max() > 5e-5 * one.abs().max())
