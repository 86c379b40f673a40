"""Texts as tokens with characters, pairs of texts as windows: shared by the heads that read encoders' input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from finetooth.errors import ConfigError
from finetooth.models.head import Window

# Batches are padded to a multiple of 8, long ones of 16: kernels are made for each new shape and are slow at the
# tails of odd ones, and memory fills with holes. It costs 4 % padding at 180 tokens and saves a fifth of a step.
SHORT = 128
WEIGHTINGS = {"none": 0.0, "sqrt": 0.5, "balanced": 1.0}


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text's tokens. ``offsets`` (tokens, 2) are half-open characters, without white space at their edges.

    A token of white space alone has no characters (end <= start).
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Cut:
    """A window: its tokens, where the second text's tokens stand in it, and their characters.

    ``first`` is where they begin in the window, ``begins`` where in the whole text; ``offsets`` are as
    in Tokens, of the window's own. ``null`` is the place of the token that stands for "not here".
    """

    ids: np.ndarray
    first: int
    begins: int
    offsets: np.ndarray
    null: int = 0


def encode(tokenizer: Any, texts: Sequence[str]) -> list[Tokens]:
    """Plain tokens of texts, without special ones; each different text is tokenised once.

    Goes to the Rust tokenizer itself, on all texts at once. What looks like a special token in a text
    ("[SEP]") stays text: data must not be able to say where a sequence ends.
    """
    rust = tokenizer.backend_tokenizer
    was = rust.encode_special_tokens
    rust.no_truncation()
    rust.no_padding()
    rust.encode_special_tokens = True
    try:
        different = list(dict.fromkeys(texts))
        known: dict[str, Tokens] = {}
        for at in range(0, len(different), 1024):
            part = different[at : at + 1024]
            for text, found in zip(part, rust.encode_batch(part, add_special_tokens=False), strict=True):
                offsets = np.array(found.offsets, np.int32).reshape(-1, 2)
                known[text] = Tokens(np.array(found.ids, np.int32), trim(text, offsets))
    finally:
        rust.encode_special_tokens = was
    return [known[text] for text in texts]


def trim(text: str, offsets: np.ndarray) -> np.ndarray:
    """Offsets without white space at either edge: byte-level tokenizers count the blank before a word."""
    if not len(offsets):
        return offsets
    blank = np.fromiter((c.isspace() for c in text), bool, len(text))
    if not blank[np.minimum(offsets[:, 0], len(text) - 1)].any() and not blank[offsets[:, 1] - 1].any():
        return offsets
    places = np.arange(len(text) + 1, dtype=np.int32)
    solid = ~blank
    # For each place the next solid character from it on, and the end of the last one before it.
    following = np.append(np.where(solid, places[:-1], len(text)), len(text))
    following = np.minimum.accumulate(following[::-1])[::-1]
    ending = np.maximum.accumulate(np.append(0, np.where(solid, places[1:], 0)))
    return np.stack([following[offsets[:, 0]], ending[offsets[:, 1]]], axis=1).astype(np.int32)


def frame(tokenizer: Any) -> tuple[np.ndarray, np.ndarray]:
    """The special tokens that a tokenizer puts before and after one text; a decoder's may put none."""
    probe = tokenizer("a", return_special_tokens_mask=True)
    ids, special = list(probe["input_ids"]), list(probe["special_tokens_mask"])
    own = [i for i, s in enumerate(special) if not s]
    if not own:
        raise ConfigError("the tokenizer makes no token of the letter a")
    return np.array(ids[: own[0]], np.int32), np.array(ids[own[-1] + 1 :], np.int32)


class Pairs:
    """Builds [CLS] first [SEP] second [SEP], or what the tokenizer has in their place.

    Raises ConfigError for a tokenizer that puts nothing between two texts (a decoder's).
    """

    def __init__(self, tokenizer: Any, max_length: int, stride: int) -> None:
        self.tokenizer, self.max_length, self.stride = tokenizer, max_length, stride
        probe = tokenizer("a", "b")
        ids, texts = list(probe["input_ids"]), probe.sequence_ids(0)
        one, two = ([i for i, t in enumerate(texts) if t == which] for which in (0, 1))
        if not one or not two:
            raise ConfigError("the tokenizer makes no tokens of the letters a and b")
        self.before = ids[: one[0]]
        self.between = ids[one[-1] + 1 : two[0]]
        self.after = ids[two[-1] + 1 :]
        if not self.between:
            raise ConfigError(
                "this model's tokenizer has no token between two texts",
                cure="take an encoder, such as starter:minilm, or another model.head",
            )
        types = probe.get("token_type_ids")
        self.uses_types = types is not None
        self.types = (types[one[0]], types[one[-1] + 1], types[two[0]]) if types else (0, 0, 0)
        self.room = max_length - len(self.before) - len(self.between) - len(self.after)
        if self.room < 8:
            raise ConfigError(
                f"model.max_length_tokens: {max_length} leaves no room for text", cure="64 or more"
            )
        # The first text may take half of the window, so that the second is never crowded out.
        self.most_first = self.room // 2
        cls = tokenizer.cls_token_id
        self.null_from_end = len(self.after) - self.after.index(cls) if cls in self.after else None

    def windows(self, firsts: Sequence[str], seconds: Sequence[str]) -> Iterator[tuple[list[Cut], int]]:
        """(the windows, how many of the first text's tokens were cut off its end) of each pair, in order."""
        left, right = encode(self.tokenizer, firsts), encode(self.tokenizer, seconds)
        for one, two in zip(left, right, strict=True):
            yield self._cuts(one.ids[: self.most_first], two), max(0, len(one) - self.most_first)

    def _cuts(self, first: np.ndarray, second: Tokens) -> list[Cut]:
        head = np.concatenate([np.array(self.before, np.int32), first, np.array(self.between, np.int32)])
        tail = np.array(self.after, np.int32)
        room = self.room - len(first)
        made = []
        for begins, ends in slide(len(second), room, self.stride):
            ids = np.concatenate([head, second.ids[begins:ends], tail])
            null = len(ids) - self.null_from_end if self.null_from_end else 0
            made.append(Cut(ids, len(head), begins, second.offsets[begins:ends], null))
        return made

    def token_types(self, cut: Cut) -> np.ndarray:
        """Token types of a window, as the tokenizer would give them."""
        one, middle, two = self.types
        made = np.full(len(cut.ids), two, np.int64)
        made[: cut.first] = middle
        made[: cut.first - len(self.between)] = one
        return made


def slide(n: int, room: int, stride: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of windows of ``room`` over ``n`` tokens that overlap by ``stride``; at least one."""
    # The overlap shrinks before it would keep a window from moving on.
    step = room - min(stride, room // 2)
    at = 0
    while True:
        yield at, min(at + room, n)
        if at + room >= n:
            return
        at += step


def rounded(lengths: np.ndarray) -> np.ndarray:
    """Lengths in tokens as batches have them: up to the next multiple of 8, beyond SHORT of 16."""
    multiple = np.where(lengths <= SHORT, 8, 16)
    return -(-lengths // multiple) * multiple


_EXACT: ContextVar[bool] = ContextVar("exact", default=False)


@contextmanager
def exact_lengths() -> Iterator[None]:
    """Inside, a batch is as long as its longest window: a window alone has no padding. For looking closely."""
    before = _EXACT.set(True)
    try:
        yield
    finally:
        _EXACT.reset(before)


def padded_length(longest: int, limit: int) -> int:
    """``longest`` rounded up, but for that never above ``limit``, the most a model reads."""
    if _EXACT.get():
        return longest
    return max(longest, min(int(rounded(np.array(longest))), limit))


def pad(windows: Sequence[Window], pad_id: int, *, limit: int, types: Pairs | None = None) -> dict[str, Any]:
    """input_ids, weight, smoothing; token_type_ids with ``types``; attention_mask where something is padded.

    Padding is on the right, to ``padded_length`` of the longest.
    """
    import torch

    sizes = np.array([len(w) for w in windows])
    longest = padded_length(int(sizes.max()), limit)
    ids = np.full((len(windows), longest), pad_id, np.int64)
    for row, w in enumerate(windows):
        ids[row, : len(w)] = w.input_ids
    batch = {"input_ids": torch.from_numpy(ids)}
    if sizes.min() < longest:
        batch["attention_mask"] = torch.from_numpy((np.arange(longest) < sizes[:, None]).astype(np.int64))
    if types is not None and types.uses_types:
        kinds = np.zeros((len(windows), longest), np.int64)
        for row, w in enumerate(windows):
            kinds[row, : len(w)] = types.token_types(w.fields["cut"])
        batch["token_type_ids"] = torch.from_numpy(kinds)
    batch["weight"] = torch.tensor([w.weight for w in windows], dtype=torch.float32)
    batch["smoothing"] = torch.tensor([w.smoothing for w in windows], dtype=torch.float32)
    return batch


def by_length(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Places in batches of at most ``batch_tokens`` padded tokens, the longest first: if one fits, all do."""
    made: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if made and (len(made[-1]) + 1) * lengths[made[-1][0]] <= batch_tokens:
            made[-1].append(i)
        else:
            made.append([i])
    return made


def class_weights(times: np.ndarray, how: str) -> list[float]:
    """One weight a class from how often each occurs; their mean over the examples is 1."""
    power = WEIGHTINGS[how]
    weights = np.maximum(times, 1.0) ** -power
    return [float(x) for x in weights * times.sum() / (weights * times).sum()]
