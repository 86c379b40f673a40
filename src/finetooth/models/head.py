"""What a head is: the part that owns the tokenizer and knows how targets become tokens and back.

The trainer, preflight, evaluation and diagnosis only speak this protocol, so that each works for
spans, tokens, pairs and generated text alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from finetooth.types import Example, Prediction

if TYPE_CHECKING:
    import numpy as np
    import torch

Progress = Callable[[int, int], None]  # (done, of)


@dataclass(slots=True)
class Window:
    """One sequence of tokens of one example; long examples have several.

    ``example`` is the example's place in the list that was encoded. ``fields`` are the head's own:
    what it needs to collate (labels) and to decode (offsets). ``weight`` and ``smoothing`` come from
    curation: a window of weight 2 must train exactly like one that stands twice.

    One field is for everybody: ``fields["holds_gold"]`` is False for a window of a long example that
    its gold is not in (absent: True). Training dynamics of an example come from those that hold it.
    """

    example: int
    input_ids: Sequence[int] | np.ndarray
    fields: dict[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    smoothing: float = 0.0

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(slots=True)
class Step:
    """What one forward pass says of each window of the batch; all tensors have shape (windows,).

    ``loss`` has a gradient and is the mean over the window's own units (the two ends of a span, the
    labelled tokens), smoothing applied, weight not. ``units`` says how many units. The rest is
    detached: the gold probability, its margin over the best other choice, whether gold won, and the gold
    probability of the unit that is least sure (None: an example has one; ``causal`` tempers it by the mean).
    """

    loss: torch.Tensor
    units: torch.Tensor
    gold_prob: torch.Tensor
    margin: torch.Tensor
    correct: torch.Tensor
    least_prob: torch.Tensor | None = None


class Head(Protocol):
    """See the module. Heads are built by ``HEAD(task, tokenizer, options, labels)``, options a ModelConfig."""

    name: str
    tokenizer: Any
    # A head may have ``loss_mean``: "example" (where absent) or "token", what ``train.loss_mean=auto`` means for it.
    # Why an example has no window to train on, or what of it was cut, by id; ``windows`` fills it.
    reasons: dict[str, str]

    def windows(self, examples: Sequence[Example], *, targets: bool = True) -> list[Window]:
        """Examples as windows, in order; with ``targets`` only those that can be trained on."""

    def build(self, source: Path, **kwargs: Any) -> Any:
        """The model of this head with the weights of a local folder (a transformers PreTrainedModel)."""

    def collate(self, windows: Sequence[Window]) -> dict[str, torch.Tensor]:
        """A batch, padded to its own longest window; holds ``weight`` and ``smoothing`` (windows,)."""

    def step(self, model: Any, batch: dict[str, torch.Tensor]) -> Step:
        """One forward pass with the per-window loss and the training dynamics, at no extra pass."""

    def round_trip(self, examples: Sequence[Example]) -> list[Prediction]:
        """The gold targets encoded and decoded again by the head's own rules; no model is used."""

    def predict(
        self,
        model: Any,
        examples: Sequence[Example],
        *,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
    ) -> list[Prediction]:
        """One prediction an example, in order; windows of one example merged."""

    def tune(self, model: Any, examples: Sequence[Example]) -> dict[str, float]:
        """Thresholds set on a dev split (kept by ``save``); {} where the head has none."""

    def save(self, folder: Path) -> None:
        """Tokenizer and ``finetooth.json`` (head, task, labels, options, thresholds) beside the weights."""
