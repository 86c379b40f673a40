"""One view of both document tasks for the checks: mentions with types, names without a place, label sets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from finetooth.tasks.documents import LabelledSpan, NerTarget, Unplaced
from finetooth.tasks.mentions import cuts_word
from finetooth.tasks.relation import as_ner, squashed
from finetooth.types import Example

# Characters that one source writes one way and another source another, one for one.
_SAME = str.maketrans("‘’‚‛“”„‐‑‒–—−\u00a0", "''''\"\"\"------ ")


def is_ner(example: Example) -> bool:
    return isinstance(example.target, NerTarget)


def mentions(example: Example) -> list[LabelledSpan]:
    """Every mention as the source has it; for relations those of all entities, overlaps and all."""
    if is_ner(example):
        return list(example.target.entities)
    made = []
    for number, e in enumerate(example.inputs.entities):
        kinds = e.types or (e.type,) * len(e.mentions)
        made += [
            LabelledSpan(m.start, m.end, m.text, k, number) for m, k in zip(e.mentions, kinds, strict=True)
        ]
    return made


def flat(example: Example) -> Sequence[LabelledSpan]:
    """Mentions that do not overlap: what a tagger can learn."""
    return example.target.entities if is_ner(example) else as_ner(example).target.entities


def unplaced(example: Example) -> Sequence[Unplaced]:
    return example.target.unplaced if is_ner(example) else as_ner(example).target.unplaced


def kinds(example: Example) -> tuple[str, ...]:
    """The entity types that the source allows, () where it does not say."""
    return example.inputs.label_set if is_ner(example) else example.inputs.entity_label_set


def variant(name: str, text: str) -> str | None:
    """How the text writes this name, as whole words, where only case, blanks, dashes or quotes differ."""
    pattern = r"\s+".join(map(re.escape, name.translate(_SAME).split()))
    for found in re.finditer(pattern, text.translate(_SAME), re.IGNORECASE) if pattern else ():
        if not cuts_word(text, found.start(), found.end()):  # IP is not the middle of "participants"
            return text[found.start() : found.end()]
    return None


def stands(name: str, text: str) -> bool:
    """Whether a text holds this name, blanks aside."""
    return name in text or squashed(name) in squashed(text)


def entity_names(example: Example) -> Iterator[tuple[int, str]]:
    """(entity, name) of all names of all entities of a relation example."""
    for number, e in enumerate(example.inputs.entities):
        for name in dict.fromkeys((e.name, *e.aliases, *(m.text for m in e.mentions))):
            if name:
                yield number, name
