"""What the loss of each window is for a model that knows nothing: the same probability for all that can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from finetooth.models.head import Head, Window


def chance(head: Head, model: Any, windows: Sequence[Window]) -> tuple[np.ndarray, str] | None:
    """((windows,) losses in nats, what they are the logarithm of); None for a head that does not say.

    Counted from the windows, not from the batch: a batch whose mask is wrong must not foretell its own loss.
    A head of your own says it by a method ``chance(windows)`` that gives the losses.
    """
    own = getattr(head, "chance", None)
    if own is not None:
        return np.asarray(own(windows), float), "what the head says chance gets"
    kind = type(head).__name__
    count = {"SpanHead": _span, "TokenHead": _token, "SentencesHead": _sentences, "RelationsHead": _relations}
    if head.name == "causal":
        size = int(model.get_output_embeddings().weight.shape[0])
        return np.full(len(windows), np.log(size)), f"ln {size:,}, the vocabulary"
    for base in type(head).__mro__:
        if base.__name__ in count:
            kind = base.__name__
    return count[kind](head, windows) if kind in count else None


def _span(head: Any, windows: Sequence[Window]) -> tuple[np.ndarray, str]:
    cuts = [w.fields["cut"] for w in windows]
    # Context tokens with characters, and the one that stands for "not here".
    places = np.array([1 + int((c.offsets[:, 0] < c.offsets[:, 1]).sum()) for c in cuts])
    return np.log(places), f"ln of the positions an answer can have, {np.exp(np.log(places).mean()):.0f}"


def _token(head: Any, windows: Sequence[Window]) -> tuple[np.ndarray, str]:
    made = np.full(len(windows), np.log(len(head.tags)))
    if head.weighting != "none" and head.class_weights is not None:
        made *= [float(np.mean(np.array(head.class_weights)[w.fields["gold"]])) for w in windows]
    return made, f"ln {len(head.tags)}, the tags"


def _sentences(head: Any, windows: Sequence[Window]) -> tuple[np.ndarray, str]:
    made = np.full(len(windows), np.log(len(head.labels)))
    if head.weighting != "none" and head.class_weights is not None:
        made *= np.array(head.class_weights)[[w.fields["gold"] for w in windows]]
    return made, f"ln {len(head.labels)}, the classes"


def _relations(head: Any, windows: Sequence[Window]) -> tuple[np.ndarray, str]:
    """The classifier starts from how often each relation holds; of a pair the relations' losses are summed."""
    prior = np.array(head.priors if head.priors else [0.5] * len(head.labels))
    yes, no = -head.positive_weight * np.log(prior), -np.log1p(-prior)
    made = [float(np.where(w.fields["gold"], yes, no).sum(1).mean()) for w in windows]
    return np.array(made), "the cross-entropy of how often each relation holds"
