"""Answers that no window of the model holds, at a given length and stride, without the model itself.

The options of the run: tokenizer (a tokenizer.json, or a folder with one), max_length_tokens, stride_tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from finetooth.checks._evidence import contexts_of
from finetooth.checks._qa import distinct, stands
from finetooth.errors import UsageError
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten
from finetooth.types import Example, Finding


@check("qa", severity="warning", needs="tokenizer")
def answer_lost_to_truncation(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """No window of the given length and stride holds the whole answer, so no model can be taught it.

    Windows slide over the context by their room less the stride; the room is the length less the
    question and the special tokens. An answer longer than the stride can fall between two windows. It
    is an error where every accepted answer is lost. The fix is the smallest stride that keeps it, with a
    length where none does.

    Bad: an answer of 40 tokens with --max-length-tokens 64 --stride-tokens 16
    Fix: --stride-tokens 40
    """
    length = int(context.options.get("max_length_tokens", 384))
    stride = int(context.options.get("stride_tokens", 128))
    tokenizer = load_tokenizer(context.options["tokenizer"])
    special = tokenizer.num_special_tokens_to_add(True)
    texts = contexts_of(examples)
    encoded = dict(zip(texts, _offsets(tokenizer, texts), strict=True))
    questions = tokenizer.encode_batch([e.inputs.question for e in examples], add_special_tokens=False)
    for example, question in zip(examples, questions, strict=True):
        room = length - special - len(question.ids)
        offsets = encoded[example.inputs.context]
        if room <= min(stride, len(offsets)) and len(offsets) > room:
            yield flag(
                example,
                f"the question takes {len(question.ids)} of {length} tokens; {max(room, 0)} are left for "
                f"windows that should overlap by {stride}",
                severity="error",
                fix={"max_length_tokens": special + len(question.ids) + stride + 1},
                question_tokens=len(question.ids),
                room_tokens=room,
            )
            continue
        lost = []
        answers = [
            a for a in distinct(example) if a.span.text.strip() and stands(a.span, example.inputs.context)
        ]
        for answer in answers:
            first, last = token_span(offsets, answer.span.start, answer.span.start + len(answer.span.text))
            if first is not None and not held(first, last, len(offsets), room, stride):
                lost.append((answer, first, last))
        for answer, first, last in lost:
            size = last - first + 1
            # Windows that overlap by an answer's size hold it wherever it stands.
            fix = {"stride_tokens": size}
            if size >= room:
                fix["max_length_tokens"] = length - room + 2 * size
            yield flag(
                example,
                f"{shorten(repr(answer.span.text), 50)} ({size} tokens, from token {first} of {len(offsets)}) is in no "
                f"window of {room} with a stride of {stride}",
                severity="error" if len(lost) == len(answers) else "",
                fix=fix,
                answer_tokens=size,
                first_token=first,
                room_tokens=room,
                context_tokens=len(offsets),
            )


def held(first: int, last: int, size: int, room: int, stride: int) -> bool:
    """Whether a window holds tokens first..last of ``size``: windows of ``room`` every room - stride."""
    step = room - stride
    start = 0
    while True:
        if start <= first and last < start + room:
            return True
        if start + room >= size or start > first:
            return False
        start += step


def token_span(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[Any, Any]:
    """(first, last) token that holds a character of start..end; (None, None) if there is none."""
    inside = [i for i, (a, b) in enumerate(offsets) if a < end and start < b]
    return (inside[0], inside[-1]) if inside else (None, None)


def _offsets(tokenizer: Any, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    return [e.offsets for e in tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def load_tokenizer(given: Any) -> Any:
    """A tokenizer of the package ``tokenizers``, from itself, a tokenizer.json or a folder with one.

    Its own truncation and padding are switched off. Raises UsageError for what is none.
    """
    from tokenizers import Tokenizer

    if hasattr(given, "encode_batch"):
        made = Tokenizer.from_str(given.to_str())
    else:
        path = Path(given)
        file = path / "tokenizer.json" if path.is_dir() else path
        if not file.is_file():
            raise UsageError("no tokenizer.json", where=str(path), cure="name a folder or file that has one")
        try:
            made = Tokenizer.from_file(str(file))
        except Exception as e:  # tokenizers raises bare Exception
            raise UsageError(f"not a tokenizer: {' '.join(str(e).split())[:200]}", where=str(file)) from None
    made.no_truncation()
    made.no_padding()
    return made
