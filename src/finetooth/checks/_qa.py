"""What several checks of question answering need: answers by what they say, places by their edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from finetooth.text import is_hangul, is_unspaced, occurrences, splits_word, squeeze
from finetooth.types import Example, Span


@dataclass(frozen=True)
class Answer:
    """An answer and which of the golds give it; annotators often agree to the letter."""

    span: Span
    golds: tuple[int, ...]

    def fix(self, **change: object) -> dict[str, object]:
        """The change as ``apply`` takes it; ``same`` names the further golds that need it too."""
        made: dict[str, object] = {"answer": self.golds[0], **change}
        return {**made, "same": list(self.golds[1:])} if self.golds[1:] else made


def apply(example: Example, fix: Mapping[str, Any]) -> Example:
    """The example with a fix of these checks made: answers moved, rewritten or removed.

    A fix is {"answer": i, "same": [j, ...], and any of "answer_start", "text", "remove"}.
    """
    which = {fix["answer"], *fix.get("same", ())}
    answers = []
    for i, span in enumerate(example.target.answers):
        if i in which:
            if fix.get("remove"):
                continue
            start, text = fix.get("answer_start", span.start), fix.get("text", span.text)
            span = Span(start, start + len(text), text)
        answers.append(span)
    return replace(example, target=replace(example.target, answers=tuple(answers)))


def distinct(example: Example) -> list[Answer]:
    """The different answers of an example, in order, each with the golds that give it."""
    found: dict[Span, list[int]] = {}
    for i, span in enumerate(example.target.answers):
        found.setdefault(span, []).append(i)
    return [Answer(span, tuple(golds)) for span, golds in found.items()]


def stands(answer: Span, context: str) -> bool:
    """Whether the context holds the text at the offset."""
    return answer.start >= 0 and context.startswith(answer.text, answer.start)


def inside_word(context: str, start: int, end: int) -> tuple[bool, bool]:
    """Whether the first, the last character is cut off from a word or number that goes on."""
    return _joined(context, start), _joined(context, end)


def _joined(context: str, at: int) -> bool:
    """Whether the characters on both sides of an edge belong to one word."""
    if not 0 < at < len(context):
        return False
    left, right = context[at - 1], context[at]
    if left.isdigit() and right in ".," and at + 1 < len(context):
        return context[at + 1].isdigit()
    if right.isdigit() and left in ".," and at > 1:
        return context[at - 2].isdigit()
    # Scripts without blanks between words have no edges to see.
    return splits_word(context, at) and not (_unspaced(left) or _unspaced(right))


def _unspaced(c: str) -> bool:
    """Thai, Lao, Burmese, Khmer, kana, Han, Hangul: words there are not set apart, or take endings."""
    return is_unspaced(c) or is_hangul(c)


def places(text: str, context: str) -> list[int]:
    """Where the text stands as whole words; anywhere, if nowhere so."""
    everywhere = list(occurrences(text, context))
    whole = [at for at in everywhere if not any(inside_word(context, at, at + len(text)))]
    return whole or everywhere


def word_bounds(context: str, start: int, end: int) -> tuple[int, int]:
    """The span widened to whole words."""
    while _joined(context, start):
        start -= 1
    while _joined(context, end):
        end += 1
    return start, end


_PLACEHOLDERS = frozenset("nan null none nil n/a na undefined todo tbd tba".split())


def says_nothing(text: str) -> bool:
    """No letter or digit in it, or a word that stands where a text is missing: what empty cells are saved as."""
    if len(text) > 40:
        return not any(c.isalnum() for c in text)
    return not any(c.isalnum() for c in text) or text.strip(" .?<>[]()-_").casefold() in _PLACEHOLDERS


def by_context(examples: Sequence[Example]) -> dict[str, list[Example]]:
    made: dict[str, list[Example]] = {}
    for example in examples:
        made.setdefault(example.inputs.context, []).append(example)
    return made


def answered(example: Example) -> Iterator[Span]:
    """The answers that stand where they say they do."""
    for span in example.target.answers:
        if span.text and stands(span, example.inputs.context):
            yield span


@lru_cache(maxsize=1 << 16)
def squeezed(text: str) -> str:
    """``squeeze``, remembered: many questions stand over one context."""
    return squeeze(text)
