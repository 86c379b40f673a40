"""Batched generation: prompts of like length together, padded on the left, each row until it ends.

A row that has ended leaves its batch, so that a long answer does not make thirty short ones wait.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finetooth.models.loops import Loops
from finetooth.models.sequences import by_length

if TYPE_CHECKING:
    import torch

ROOM = 128  # tokens of room that a cache is given when it runs out, and a quarter of what is there
TRIED_PROMPT, TRIED_TOKENS = (
    16,
    4,
)  # what ``foretell`` tries out: a token costs little more after a long prompt
MOST_ROWS = 64  # of a batch: beyond it a step costs as much again for every row


@dataclass(slots=True)
class Generated:
    """``ids`` without the end token; ``ended`` is whether there was one. ``log_probs`` are of each token, the end's too."""

    ids: list[int]
    log_probs: list[float]
    ended: bool = False

    @property
    def confidence(self) -> float:
        """The geometric mean of the tokens' probabilities, 0..1: an answer's own, whatever its length."""
        return float(np.exp(np.mean(self.log_probs))) if self.log_probs else 0.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. A ``temperature`` of 0 takes the likeliest."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


def generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    most_tokens: int | Sequence[int],
    ends: Collection[int],
    pad: int,
    batch_tokens: int = 8192,
    usual_tokens: int | None = None,
    sampling: Sampling | None = None,
    limits: Callable[[int], Any] | None = None,
    loop_tokens: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    finished: Callable[[Sequence[int], Sequence[Generated]], None] | None = None,
) -> list[Generated]:
    """What the model says to each prompt, at most ``most_tokens`` tokens (of all, or of each), in the order given.

    ``batch_tokens`` bounds rows times (prompt + answer) of a batch, an answer taken as ``usual_tokens`` long
    (None: as long as it may get): few are as long as the longest may be. ``limits(i)`` gives prompt i a
    matcher (see ``constrain``) that says which tokens may come next, or None. An answer that has repeated itself for
    ``loop_tokens`` (see ``loops``) is cut off there, unless it is drawn or held to a matcher. ``finished`` is told of each batch
    when it is done: the places of its prompts, and what was said to them.
    """
    import torch

    made: list[Generated | None] = [None] * len(prompts)
    sampling = sampling or Sampling()
    device = next(model.parameters()).device
    random = torch.Generator(device=device).manual_seed(sampling.seed)
    done = 0
    most = [most_tokens] * len(prompts) if isinstance(most_tokens, int) else list(most_tokens)
    for some in _batches([len(p) for p in prompts], most, usual_tokens, batch_tokens):
        batch = _Batch(model, [prompts[i] for i in some], pad)
        matchers = [limits(i) for i in some] if limits is not None else None
        with torch.inference_mode(), _whole_rows(model):
            found = batch.run(
                [most[i] for i in some], frozenset(ends), sampling, random, matchers, loop_tokens
            )
        for i, text in zip(some, found, strict=True):
            made[i] = text
        if finished is not None:
            finished(some, found)
        done += len(some)
        if progress is not None:
            progress(done, len(prompts))
    return [one for one in made if one is not None]


def _batches(
    lengths: Sequence[int], most: Sequence[int], usual: int | None, batch_tokens: int
) -> list[list[int]]:
    """Which prompts are answered together: see ``generate``."""
    sizes = [length + min(n, usual or n) for length, n in zip(lengths, most, strict=True)]
    return [
        part[at : at + MOST_ROWS]
        for part in by_length(sizes, batch_tokens)
        for at in range(0, len(part), MOST_ROWS)
    ]


def cache_bytes(config: Any, batch_tokens: int, answer: int, *, width: int) -> float:
    """The keys and values of a full batch whose answers are of the usual length, a number being ``width`` bytes wide.

    With the room that ``kv_cache`` leaves; 0 where the config does not say what there is to keep.
    """
    layers, hidden, every = (
        int(getattr(config, name, None) or 0)
        for name in ("num_hidden_layers", "hidden_size", "num_attention_heads")
    )
    heads = int(getattr(config, "num_key_value_heads", None) or every)
    size = int(getattr(config, "head_dim", None) or (hidden // every if every else 0))
    rows = min(MOST_ROWS, max(1, batch_tokens // max(1, answer)))
    return 2 * width * layers * heads * size * (1.25 * batch_tokens + rows * ROOM)


def foretell(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    most_tokens: int,
    longest_tokens: int,
    usual_tokens: int,
    pad: int,
    batch_tokens: int = 8192,
    prompt_token_seconds: float,
) -> float:
    """Seconds that ``generate`` will take once the model answers as in training, from a few tokens tried out.

    Answers there were ``usual_tokens`` long in the mean and ``longest_tokens`` at most; a token of a prompt
    takes ``prompt_token_seconds``. A token of an answer is timed with one row and with as many as the middle batch
    has: a batch takes as many steps as its longest answer, with fewer and fewer rows after the usual length.
    """
    lengths = [len(p) for p in prompts]
    batches = _batches(lengths, [most_tokens] * len(prompts), usual_tokens, batch_tokens)
    rows = sorted(map(len, batches))[len(batches) // 2]
    one = _step_seconds(model, prompts[0], 1, pad)
    more = max(0.0, _step_seconds(model, prompts[0], rows, pad) - one) / (rows - 1) if rows > 1 else 0.0
    seconds = 0.0
    for some in batches:
        seconds += len(some) * max(lengths[i] for i in some) * prompt_token_seconds
        seconds += usual_tokens * (one + more * (len(some) - 1))
        if len(some) > 1:
            # The tail: the longest of a few answers is halfway between the usual and the longest of all.
            seconds += (longest_tokens - usual_tokens) / 2 * (one + more * (len(some) - 1) / 4)
    return seconds


def _step_seconds(model: Any, prompt: Sequence[int], rows: int, pad: int) -> float:
    """Seconds of one more token of each of ``rows`` answers."""
    short = [list(prompt[-TRIED_PROMPT:])] * rows

    def run(tokens: int) -> float:
        began = time.perf_counter()
        generate(model, short, most_tokens=tokens, ends=(), pad=pad)
        return time.perf_counter() - began

    run(1)
    return max(0.0, run(1 + TRIED_TOKENS) - run(1)) / TRIED_TOKENS


@contextmanager
def _whole_rows(model: Any) -> Iterator[None]:
    """The last token of each row reaches the output layer as a tensor of its own.

    A slice (rows, 1, width) of a longer tensor makes torch multiply row by row with a copy of the weights for each,
    where these ask for no gradient: a gigabyte for 20 rows of a vocabulary of 49,152.
    """
    layer = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    if layer is None:
        yield
        return
    hook = layer.register_forward_pre_hook(lambda _, given: (given[0].contiguous(), *given[1:]))
    try:
        yield
    finally:
        hook.remove()


class _Batch:
    """Rows that are generated together, and the state of the model between two tokens."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], pad: int) -> None:
        import torch

        from finetooth.models.kv_cache import new_cache

        self.model = model
        device = next(model.parameters()).device
        sizes = np.array([len(p) for p in prompts])
        longest = int(sizes.max())
        ids = np.full((len(prompts), longest), pad, np.int64)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt) :] = prompt
        self.ids: torch.Tensor = torch.from_numpy(ids).to(device)
        mask = (np.arange(longest) >= longest - sizes[:, None]).astype(np.int64)
        # Without a mask attention takes its fast path.
        self.mask = torch.from_numpy(mask).to(device) if sizes.min() < longest else None
        self.lengths = torch.from_numpy(sizes).to(device)
        self.cache = new_cache(model)
        known = inspect.signature(model.forward).parameters
        self.options = {"logits_to_keep": 1} if "logits_to_keep" in known else {}
        self.has_positions = "position_ids" in known

    def _forward(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Logits (rows, vocabulary) of the next token, fp32."""
        given: dict[str, Any] = dict(self.options)
        if self.has_positions:
            given["position_ids"] = positions
        out = self.model(
            input_ids=ids, attention_mask=self.mask, past_key_values=self.cache, use_cache=True, **given
        )
        return out.logits[:, -1].float()

    def run(
        self,
        most: Sequence[int],
        ends: frozenset[int],
        sampling: Sampling,
        random: torch.Generator,
        matchers: list[Any] | None,
        loop_tokens: int | None,
    ) -> list[Generated]:
        import torch

        loops = None
        if loop_tokens is not None and matchers is None and not sampling.temperature:
            loops = Loops(len(self.ids), loop_tokens)
        found = [Generated([], []) for _ in range(len(self.ids))]
        live = list(range(len(found)))  # which of them each row of the batch is
        steps = torch.arange(self.ids.shape[1], device=self.ids.device)
        positions = (steps - (self.ids.shape[1] - self.lengths)[:, None]).clamp_min(0)
        logits = self._forward(self.ids, positions)
        for n in range(max(most)):
            log = logits.log_softmax(-1)
            if matchers is not None:
                allowed = _allowed(log, [matchers[i] for i in live])
                chosen = _choose(log.masked_fill(~allowed, float("-inf")), sampling, random)
            else:
                chosen = _choose(log, sampling, random)
            tokens = chosen.tolist()
            likely = log.gather(1, chosen[:, None]).squeeze(1).tolist()
            circling = loops.take(tokens) if loops is not None else None
            going = []
            for row, (i, token) in enumerate(zip(live, tokens, strict=True)):
                found[i].log_probs.append(likely[row])
                if token in ends:
                    found[i].ended = True
                    continue
                found[i].ids.append(token)
                if matchers is not None and matchers[i] is not None:
                    matchers[i].take(token)
                if n + 1 < most[i] and (circling is None or not circling[row]):
                    going.append(row)
            if not going:
                break
            if len(going) < len(live):
                chosen = self._keep(going, chosen)
                if loops is not None:
                    loops.keep(going)
                live = [live[row] for row in going]
            if self.mask is not None:
                self.mask = torch.cat([self.mask, self.mask.new_ones(len(live), 1)], dim=1)
            logits = self._forward(chosen[:, None], (self.lengths + n)[:, None])
        return found

    def _keep(self, rows: list[int], chosen: torch.Tensor) -> torch.Tensor:
        import torch

        at = torch.tensor(rows, device=self.ids.device)
        self.cache.batch_select_indices(at)
        self.lengths = self.lengths[at]
        self.mask = self.mask[at] if self.mask is not None else None
        return chosen[at]


def _choose(log: torch.Tensor, sampling: Sampling, random: torch.Generator) -> torch.Tensor:
    """One token a row of log-probabilities (rows, vocabulary)."""
    import torch

    if sampling.temperature == 0:
        return log.argmax(-1)
    probs = (log / sampling.temperature).softmax(-1)
    if sampling.top_p < 1:
        ordered, places = probs.sort(-1, descending=True)
        # The nucleus of Holtzman et al. (2020): the fewest likeliest tokens that together reach top_p.
        beyond = ordered.cumsum(-1) - ordered >= sampling.top_p
        probs = torch.zeros_like(probs).scatter(1, places, ordered.masked_fill(beyond, 0.0))
    return torch.multinomial(probs, 1, generator=random).squeeze(1)


def _allowed(log: torch.Tensor, matchers: Sequence[Any]) -> torch.Tensor:
    """(rows, vocabulary) true where a row's matcher lets a token come next."""
    import torch

    allowed = torch.ones(log.shape, dtype=torch.bool)
    for row, matcher in enumerate(matchers):
        if matcher is not None:
            allowed[row] = matcher.allowed(log.shape[1])
    return allowed.to(log.device)


@contextmanager
def prepared(model: Any, precision: str) -> Iterator[Any]:
    """The model to generate with: in eval mode, without autocast; under bf16 a copy in that precision.

    Adapters are folded into the copy. The model itself is left as it was.
    """
    import copy

    import torch

    from finetooth.models.adapt import packed_layers
    from finetooth.models.load import cast

    was = model.training
    device = next(model.parameters()).device
    model.eval()
    try:
        with torch.autocast(device.type, enabled=False):
            if packed_layers(model):
                yield _plain(model)
            elif next(_adapters(model), None) is not None:
                folded = _plain(copy.deepcopy(model))
                yield cast(folded, torch.bfloat16) if precision == "bf16" else folded
            elif precision == "bf16":
                yield _plain(_copy(model, torch.bfloat16))
            else:
                yield _plain(model)
    finally:
        model.train(was)


def _copy(model: Any, dtype: torch.dtype) -> Any:
    """A copy whose weights are of that type from the start: never a whole one of the old type beside it."""
    import copy

    from finetooth.models.load import is_frequency

    kept: dict[int, Any] = {
        id(p): type(p)(p.detach().to(dtype, copy=True), requires_grad=False)
        for p in model.parameters()
        if p.is_floating_point()
    }
    for name, held in model.named_buffers():
        if held.is_floating_point() and not is_frequency(name):
            kept[id(held)] = held.to(dtype, copy=True)
    return copy.deepcopy(model, kept)


def _adapters(model: Any) -> Any:
    return (name for name, _ in model.named_parameters() if "lora_" in name)


def _plain(model: Any) -> Any:
    from finetooth.models.adapt import packed_layers

    if packed_layers(model):
        # Spread out they might not fit; with the adapters beside them they say the same.
        return model.get_base_model()
    if hasattr(model, "merge_and_unload") and next(_adapters(model), None) is not None:
        return model.merge_and_unload()
    return model.get_base_model() if hasattr(model, "get_base_model") else model
