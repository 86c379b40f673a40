"""Sentence drop and shuffle: what carries a triple stays together, and "He" stays behind whom it means.

Sentences that begin with a pronoun or a "However" form a block with the one before; blocks are dropped or moved.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from finetooth.augment.edit import Piece, Skip, apply
from finetooth.augment.view import Range, evidence, sentences
from finetooth.types import Example

DROPPED = 0.15  # of the words of a document at most
_LEANS = re.compile(
    r"[\W_]*(?:he|she|it|they|his|her|hers|its|their|theirs|him|them|this|these|that|those|such|both|one|"
    r"another|others|however|therefore|thus|then|also|but|and|or|so|yet|moreover|furthermore|instead|"
    r"consequently|nevertheless|similarly|likewise|finally|afterwards|later|here|there|which|who|"
    r"in addition|for example|for instance|in contrast|as a result|on the other hand|the (?:former|latter|same))\b",
    re.IGNORECASE,
)
_FINISHED = re.compile(r"[.!?…]['\"”’)\]]*$")


@dataclass(frozen=True)
class Block:
    """Sentences first..last that stay together. ``paragraph`` counts line ends; ``fixed``: it does not move."""

    first: int
    last: int
    paragraph: int
    words: int
    needed: bool
    fixed: bool


def blocks(example: Example, found: Sequence[Range]) -> list[Block]:
    """The document as blocks; what begins it, headings and unfinished sentences are needed and fixed."""
    text = example.inputs.text
    needed: set[int] = {0}
    fixed: set[int] = {0}
    for held, (first, last) in evidence(example, found):
        needed |= held
        if last > first:
            fixed |= set(range(first, last + 1))
    for i, (start, end) in enumerate(found):
        if not _FINISHED.search(text[start:end]):
            needed.add(i)
            fixed.add(i)
    made: list[Block] = []
    paragraph = 0
    for i, (start, end) in enumerate(found):
        new_line = i > 0 and "\n" in text[found[i - 1][1] : start]
        paragraph += new_line
        words = len(text[start:end].split())
        before = made[-1] if made else None
        if before is not None and not new_line and _LEANS.match(text[start:end]):
            made[-1] = Block(
                before.first,
                i,
                before.paragraph,
                before.words + words,
                before.needed or i in needed,
                before.fixed or i in fixed,
            )
        else:
            made.append(Block(i, i, paragraph, words, i in needed, i in fixed))
    return made


def drop(example: Example, rng: random.Random, number: int = 1, *, share: float = DROPPED) -> Example:
    """Leaves out blocks of up to ``share`` of the words that no triple rests on. Raises Skip where none can go."""
    found = sentences(example)
    listed = blocks(example, found)
    total = sum(b.words for b in listed)
    if len(found) < 2:
        raise Skip("it has one sentence")
    free = [b for b in listed if not b.needed and b.words <= share * total]
    if not free:
        raise Skip(f"no sentence can go: triples rest on them, or each is over {share:.0%} of the text")
    gone: set[int] = set()
    left = share * total
    for block in rng.sample(free, len(free)):
        if block.words <= left:
            gone |= set(range(block.first, block.last + 1))
            left -= block.words
        # Not always all that can go: several copies of one document should differ.
        if gone and rng.random() < 0.3:
            break
    return apply(example, _without(example.inputs.text, found, gone))


def _without(text: str, found: Sequence[Range], gone: set[int]) -> list[Piece]:
    """The text without some sentences (never the first); of the blanks around a hole those with a line end stay."""
    made = [Piece(0, found[0][1])]
    before = 0
    for i in range(1, len(found)):
        if i in gone:
            continue
        gaps = [(found[k][1], found[k + 1][0]) for k in range(before, i)]
        gap = next((g for g in gaps if "\n" in text[g[0] : g[1]]), gaps[0])
        made += [Piece(*gap), Piece(*found[i])]
        before = i
    made.append(Piece(found[-1][1], len(text)))
    return [p for p in made if p.end > p.start]


def shuffle(example: Example, rng: random.Random, number: int = 1) -> Example:
    """Moves blocks within their paragraph; the blanks between places stay. Raises Skip where none can move."""
    found = sentences(example)
    if len(found) < 3:
        raise Skip("it has fewer than three sentences")
    listed = blocks(example, found)
    by_paragraph: dict[int, list[int]] = {}
    for i, block in enumerate(listed):
        if not block.fixed:
            by_paragraph.setdefault(block.paragraph, []).append(i)
    groups = [g for g in by_paragraph.values() if len(g) > 1]
    if not groups:
        raise Skip("no two sentences of a paragraph can change places")
    order = list(range(len(listed)))
    for group in groups:
        moved = group[:]
        while moved == group:
            rng.shuffle(moved)
        for place, i in zip(group, moved, strict=True):
            order[place] = i
    text = example.inputs.text
    made = []
    for place, i in enumerate(order):
        # The gap belongs to the place, the sentences to the block.
        gap = (found[listed[place - 1].last][1] if place else 0), found[listed[place].first][0]
        if gap[0] < gap[1]:
            made.append(Piece(*gap))
        made.append(Piece(found[listed[i].first][0], found[listed[i].last][1]))
    end = found[-1][1]
    if end < len(text):
        made.append(Piece(end, len(text)))
    return apply(example, made)
