"""Long documents as stretches of a few sentences, for a head that lists entities: and their spans put together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from finetooth.tasks.documents import NerTarget
from finetooth.tasks.mentions import sentences_of
from finetooth.types import Example, Span


def split(example: Example, characters: int) -> list[tuple[int, Example]]:
    """(where it begins, the stretch as an example): whole sentences, together at most so many characters.

    A longer sentence is cut between words. The gold is not looked at, since in prediction there is none: an entity
    that lies across a cut is in no stretch. Between them the stretches hold all that is not blank.
    """
    text = example.inputs.text
    made = []
    for number, (start, end) in enumerate(_stretches(text, characters)):
        tokens = example.inputs.tokens
        if tokens is not None:
            tokens = tuple(
                Span(t.start - start, t.end - start, t.text)
                for t in tokens
                if start <= t.start and t.end <= end
            )
        inputs = replace(example.inputs, text=text[start:end], tokens=tokens)
        target = example.target
        if target is not None:
            target = NerTarget(
                tuple(
                    replace(s, start=s.start - start, end=s.end - start)
                    for s in target.entities
                    if start <= s.start and s.end <= end
                )
            )
        made.append((start, replace(example, id=f"{example.id}#{number}", inputs=inputs, target=target)))
    return made or [(0, example)]


def join(parts: Sequence[tuple[int, NerTarget]]) -> NerTarget:
    """The entities of stretches at their places in the whole."""
    found = [
        replace(s, start=s.start + where, end=s.end + where)
        for where, target in parts
        for s in target.entities
    ]
    return NerTarget(tuple(sorted(found, key=lambda s: (s.start, s.end))))


def _stretches(text: str, characters: int) -> Iterator[tuple[int, int]]:
    begin = last = -1
    for start, end in _pieces(text, characters):
        if begin >= 0 and end - begin > characters:
            yield begin, last
            begin = -1
        begin = start if begin < 0 else begin
        last = end
    if begin >= 0:
        yield begin, last


def _pieces(text: str, characters: int) -> Iterator[tuple[int, int]]:
    """Sentences, those that are too long cut at their last blank before."""
    for start, end in sentences_of(text):
        while end - start > characters:
            blank = max(text.rfind(c, start + 1, start + characters + 1) for c in " \t\n")
            cut = blank if blank > start else start + characters
            yield start, cut
            start = cut + (len(text[cut:end]) - len(text[cut:end].lstrip()))
        yield start, end
