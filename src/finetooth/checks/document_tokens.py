"""Labels of documents at a given tokenizer and window, without the model: what comes back, what is torn apart.

The options of the run: tokenizer (a tokenizer.json, or a folder with one), max_length_tokens, stride_tokens.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from finetooth.checks._documents import mentions
from finetooth.checks.document_mentions import inside
from finetooth.checks.qa_truncation import load_tokenizer
from finetooth.errors import UsageError
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten
from finetooth.types import Example, Finding


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text's tokens: where the characters of each begin and end, a blank in front not counted."""

    starts: list[int]
    ends: list[int]

    def of(self, start: int, end: int) -> range:
        """The tokens with a character of start..end, in order."""
        return range(bisect_right(self.ends, start), bisect_left(self.starts, end))


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of ``room`` tokens that overlap by ``stride``, as the heads cut them; ``special`` tokens more each."""

    room: int
    stride: int
    special: int

    def fix(self, tokens: int, size: int) -> dict[str, int]:
        """A length and stride of which a window holds so many tokens of a text of ``size`` wherever they stand."""
        # Windows that overlap by that much hold it, and a stride is at most half of the room.
        room = max(self.room, min(2 * tokens, size))
        return {"max_length_tokens": room + self.special, "stride_tokens": tokens}

    def holding(self, tokens: range, size: int) -> tuple[int, int]:
        """(first, last) window of a text of ``size`` tokens that holds all of these; first > last where none does."""
        step = self.room - self.stride
        newest = max(0, -(-(size - self.room) // step))
        return max(0, -(-(tokens.stop - self.room) // step)), min(tokens.start // step, newest)


def _pieces(tokenizer: Any, examples: Sequence[Example]) -> list[Pieces]:
    texts = [e.inputs.text for e in examples]
    made = []
    for text, found in zip(texts, tokenizer.encode_batch(texts, add_special_tokens=False), strict=True):
        starts = []
        for a, b in found.offsets:
            while a < b and text[a].isspace():
                a += 1
            starts.append(a)
        made.append(Pieces(starts, [b for _, b in found.offsets]))
    return made


def _windows(tokenizer: Any, context: CheckContext) -> Windows:
    length = int(context.options.get("max_length_tokens", 384))
    special = tokenizer.num_special_tokens_to_add(False)
    room = length - special
    if room < 1:
        raise UsageError(f"--max-length-tokens {length} leaves no room for text", cure="64 or more")
    return Windows(room, min(int(context.options.get("stride_tokens", 128)), room // 2), special)


@check("ner", "relation", severity="warning", needs="tokenizer")
def mention_lost_to_tokens(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A mention begins or ends inside a token, has none, or lies in no window of the given length and stride.

    One without a token is an error: no label can stand for it. One that begins inside a token comes back
    with another boundary from a tagger of tokens (the ``token`` head cuts tokens at the edges of words).
    One that no window holds whole is learned in parts. The fix is a stride and length that keep it whole.

    Bad: "Rome" in "NewRome", where the tokenizer has one token for it all; a title of 200 tokens at length 128
    Fix: --stride-tokens 200 --max-length-tokens 400
    """
    tokenizer = load_tokenizer(context.options["tokenizer"])
    windows = _windows(tokenizer, context)
    for example, pieces in zip(examples, _pieces(tokenizer, examples), strict=True):
        text, size = example.inputs.text, len(pieces.ends)
        for i, m in enumerate(mentions(example)):
            if not inside(m, text) or not text[m.start : m.end].strip():
                continue  # offset-not-on-mention and boundary-off-word say so
            start = m.start + len(m.text) - len(m.text.lstrip())
            end = m.end - len(m.text) + len(m.text.rstrip())
            tokens = pieces.of(start, end)
            name = f"{shorten(repr(m.text), 50)} ({m.type}) at {m.start}"
            about: dict[str, Any] = {"mention": i, "start": m.start, "tokens": len(tokens)}
            if not tokens:
                yield flag(example, f"{name} has no token: the tokenizer drops it", severity="error", **about)
                continue
            first, last = windows.holding(tokens, size)
            if first > last:
                yield flag(
                    example,
                    f"{name} ({len(tokens)} tokens, from token {tokens.start} of {size}) is in no window of "
                    f"{windows.room} with a stride of {windows.stride}",
                    fix=windows.fix(len(tokens), size),
                    **about,
                )
            for edge, k, side in ((start, tokens[0], "begins"), (end, tokens[-1], "ends")):
                a, b = pieces.starts[k], pieces.ends[k]
                if a < edge < b:
                    yield flag(
                        example, f"{name} {side} inside the token {text[a:b]!r}", token=text[a:b], **about
                    )


@check("relation", severity="info", needs="tokenizer")
def triple_across_windows(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """No window of the given length and stride holds a mention of the head and one of the tail.

    What relates the two is nowhere in one view of the model. The ``pair`` head still scores the pair, from
    two windows; a longer window sees it whole. Over a tenth of all triples is a warning for the set.

    Bad: the head stands in the first sentence, the tail 600 tokens on, at --max-length-tokens 256
    Fix: --max-length-tokens 1200 --stride-tokens 600
    """
    tokenizer = load_tokenizer(context.options["tokenizer"])
    windows = _windows(tokenizer, context)
    lost = total = 0
    for example, pieces in zip(examples, _pieces(tokenizer, examples), strict=True):
        places = [
            [pieces.of(m.start, m.end) for m in e.mentions if inside(m, example.inputs.text)]
            for e in example.inputs.entities
        ]
        apart = []
        for i, t in enumerate(example.target.triples):
            if not all(0 <= end < len(places) and any(places[end]) for end in (t.head, t.tail)):
                continue  # triple-end-is-no-mention says so
            total += 1
            pairs = [
                range(min(a.start, b.start), max(a.stop, b.stop))
                for a in places[t.head]
                for b in places[t.tail]
                if a and b
            ]
            held = (windows.holding(both, len(pieces.ends)) for both in pairs)
            if not any(first <= last for first, last in held):
                apart.append((min(map(len, pairs)), i))
        if apart:
            lost += len(apart)
            widest = max(apart)[0]
            yield flag(
                example,
                f"{len(apart)} of {len(example.target.triples)} triples have their ends in no one window of "
                f"{windows.room} tokens with a stride of {windows.stride}; the widest takes {widest}",
                fix=windows.fix(widest, len(pieces.ends)),
                triples=[i for _, i in apart],
                tokens=widest,
            )
    if lost * 10 > total:
        yield flag(
            "",
            f"{lost:,} of {total:,} triples ({lost / total:.0%}) have their ends in no one window",
            severity="warning",
            triples=total,
            apart=lost,
        )
