"""What relations score without reading: never a relation, and what the types of a pair suggest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from finetooth.registry import Floor
from finetooth.tasks.documents import RelationTarget, Triple
from finetooth.types import Example, Prediction

Types = tuple[str, str]


def no_relation(
    examples: Sequence[Example], train: Sequence[Example], rng: np.random.Generator
) -> list[Prediction]:
    """No pair is related: right for most pairs of a document, and worth nothing."""
    return [Prediction(e.id, RelationTarget()) for e in examples]


def by_types(
    examples: Sequence[Example], train: Sequence[Example], rng: np.random.Generator
) -> list[Prediction]:
    """Every pair of certain types gets the commonest relation of those types.

    Which types is chosen for the best F1 on the training set; where there is none, the table for each
    fifth of the examples is made of the other four.
    """
    if train:
        table = table_of(train)
        return [_look_up(e, table) for e in examples]
    folds = rng.permutation(len(examples)) % 5
    tables = [table_of([e for e, f in zip(examples, folds, strict=True) if f != fold]) for fold in range(5)]
    return [_look_up(e, tables[f]) for e, f in zip(examples, folds, strict=True)]


def table_of(train: Sequence[Example]) -> dict[Types, str]:
    """(head type, tail type) -> relation, the pairs of types whose guess helps F1."""
    pairs: Counter[Types] = Counter()
    related: dict[Types, Counter[str]] = {}
    true = 0
    for example in train:
        entities = example.inputs.entities
        kinds = Counter(e.type for e in entities)
        for head, n in kinds.items():
            for tail, m in kinds.items():
                pairs[head, tail] += n * (m - (head == tail))
        for head, relation, tail in {(t.head, t.relation, t.tail) for t in example.target.triples}:
            true += 1
            if 0 <= head < len(entities) and 0 <= tail < len(entities):
                types = entities[head].type, entities[tail].type
                related.setdefault(types, Counter())[relation] += 1
    guesses = sorted(
        (
            (c.most_common(1)[0][1] / max(pairs[types], 1), types, *c.most_common(1)[0])
            for types, c in related.items()
        ),
        reverse=True,
    )
    # The most precise first: F1 rises while a guess is more precise than half of it, then falls.
    table: dict[Types, str] = {}
    right = found = 0
    best = 0.0
    for _, types, relation, hits in guesses:
        right, found = right + hits, found + pairs[types]
        if 2 * right / (found + true) < best:
            break
        best = 2 * right / (found + true)
        table[types] = relation
    return table


def _look_up(example: Example, table: dict[Types, str]) -> Prediction:
    entities = example.inputs.entities
    triples = tuple(
        Triple(h, table[a.type, b.type], t)
        for h, a in enumerate(entities)
        for t, b in enumerate(entities)
        if h != t and (a.type, b.type) in table
    )
    return Prediction(example.id, RelationTarget(triples))


FLOORS = (Floor("no relation", no_relation), Floor("majority relation by type pair", by_types))
