"""Triple scores: by entity, by name as written, macro over relations, and DocRED's F1 and Ign F1.

A triple is right if the gold has one of the same head, relation and tail in the same document; doubles count once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from finetooth.metrics.ner import f1, precision, recall
from finetooth.registry import Metric, Part, Targets
from finetooth.tasks.mentions import name_key
from finetooth.types import Example

Key = tuple[Any, str, Any]
Rows = Callable[[Sequence[Example], Targets], np.ndarray]


def _end(place: int, name: str) -> Any:
    # A name that is no entity's can only equal the same name.
    return place if place >= 0 or not name else name_key(name)


def keys(target: Any) -> frozenset[Key]:
    """(head, relation, tail) by place in the list of entities; by name where the name is no entity's."""
    return frozenset(
        (_end(t.head, t.head_text), t.relation, _end(t.tail, t.tail_text)) for t in target.triples
    )


_LAST: list[tuple[Any, Any, list[tuple[frozenset[Key], frozenset[Key]]]]] = []


def _pairs(examples: Sequence[Example], predictions: Targets) -> list[tuple[frozenset[Key], frozenset[Key]]]:
    for seen, guessed, pairs in _LAST:
        if seen is examples and guessed is predictions:
            return pairs
    pairs = [
        (keys(e.target), keys(p.target) if p is not None and p.target is not None else frozenset())
        for e, p in zip(examples, predictions, strict=True)
    ]
    _LAST.append((examples, predictions, pairs))
    del _LAST[:-4]
    return pairs


def alias_counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """(n, 3): right, found, true. A head or tail is right under any of its entity's names."""
    return np.array([(len(g & p), len(p), len(g)) for g, p in _pairs(examples, predictions)], float).reshape(
        -1, 3
    )


def strict_counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """As ``alias_counts``, but a name must be written as the gold writes it: DocIE's strict matching.

    A triple that the gold tells under several names counts once, as does what is found of it under any of them.
    Where the gold triple names places only, each of the entity's names is as written. A prediction
    that names a place (a classifier's) has nothing to misspell.
    """
    rows = np.zeros((len(examples), 3))
    for i, (example, prediction) in enumerate(zip(examples, predictions, strict=True)):
        gold = list(dict.fromkeys(example.target.triples))
        found = prediction.target.triples if prediction is not None and prediction.target is not None else ()
        found = list(dict.fromkeys(found))
        open_: dict[Any, list[Any]] = {}
        for g in gold:
            open_.setdefault((_end(g.head, g.head_text), g.relation, _end(g.tail, g.tail_text)), []).append(g)
        right: set[Key] = set()
        wrong: set[Any] = set()
        for t in found:
            key = (_end(t.head, t.head_text), t.relation, _end(t.tail, t.tail_text))
            if any(_written(example, t, g) for g in open_.get(key, ())):
                right.add(key)
            else:
                wrong.add((*key, t.head_text, t.tail_text))
        rows[i] = len(right), len(right) + len(wrong), len(open_)
    return rows


def _written(example: Example, triple: Any, gold: Any) -> bool:
    entities = example.inputs.entities
    for place, told, expected in (
        (gold.head, triple.head_text, gold.head_text),
        (gold.tail, triple.tail_text, gold.tail_text),
    ):
        if not told:
            continue
        names: Iterable[str] = (expected,) if expected else ()
        if not expected and 0 <= place < len(entities):
            entity = entities[place]
            names = (entity.name, *entity.aliases, *(m.text for m in entity.mentions))
        if told not in names:
            return False
    return True


def macro_counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """(n, 3 r): right, found, true of each relation that is true or found anywhere."""
    pairs = _pairs(examples, predictions)
    names = sorted({k[1] for g, p in pairs for k in g | p})
    column = {name: 3 * i for i, name in enumerate(names)}
    rows = np.zeros((len(examples), max(3 * len(names), 3)))
    for i, (gold, found) in enumerate(pairs):
        for offset, triples in enumerate((gold & found, found, gold)):
            for _, relation, _ in triples:
                rows[i, column[relation] + offset] += 1
    return rows


def macro_f1(sums: np.ndarray) -> np.ndarray:
    """The mean of the relations' F1 values; one that is only found, or never found, has F1 0."""
    each = f1(sums.reshape(*sums.shape[:-1], -1, 3))
    # In a bootstrap draw a relation may not occur at all: it has no F1 then.
    there = sums.reshape(*sums.shape[:-1], -1, 3)[..., 1:].sum(axis=-1) > 0
    return (each * there).sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)


def docred_counts(train: Sequence[Example]) -> Rows:
    """(n, 4): right, found, true, right and known from training, as DocRED's evaluation.py counts them.

    Known are the right triples of which the training set has some name of the head and some name of
    the tail under the same relation. Triples for documents that do not exist count as found.
    """
    facts = set()
    for example in train:
        for t in example.target.triples:
            for head in names_of(example, t.head):
                facts |= {(head, tail, t.relation) for tail in names_of(example, t.tail)}

    def counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
        rows = np.zeros((len(examples), 4))
        pairs = _pairs(examples, predictions)
        for i, (example, prediction, (gold, found)) in enumerate(
            zip(examples, predictions, pairs, strict=True)
        ):
            extra = prediction.target.extra if prediction is not None and prediction.target is not None else 0
            right = gold & found
            known = (
                sum(
                    any(
                        (head, tail, relation) in facts
                        for head in names_of(example, h)
                        for tail in names_of(example, t)
                    )
                    for h, relation, t in right
                )
                if facts
                else 0
            )
            rows[i] = len(right), len(found) + extra, len(gold), known
        return rows

    return counts


def names_of(example: Example, place: Any) -> tuple[str, ...]:
    """The names of an entity: those its source lists, else its mentions'. () for what is no entity."""
    if not isinstance(place, int) or not 0 <= place < len(example.inputs.entities):
        return ()
    entity = example.inputs.entities[place]
    return entity.aliases or tuple(m.text for m in entity.mentions)


def docred_f1(sums: np.ndarray) -> np.ndarray:
    return 200.0 * sums[..., 0] / np.maximum(sums[..., 1] + sums[..., 2], 1e-12)


def ign_f1(sums: np.ndarray) -> np.ndarray:
    """Known triples leave the precision, right and found alike (+1e-5, as the script has it); recall keeps them."""
    right, found, true, known = (sums[..., i] for i in range(4))
    p = (right - known) / (found - known + 1e-5)
    r = right / np.maximum(true, 1e-12)
    return np.where(p + r > 0, 200.0 * p * r / np.maximum(p + r, 1e-12), 0.0)


def _is_relation(name: str, example: Example, key: Key) -> bool:
    return key[1] == name


def _is_known(known: set[str], yes: bool, example: Example, key: Key) -> bool:
    return (key[1] in known) == yes


def _only(part: Callable[[Example, Key], bool]) -> Rows:
    def rows(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
        made = np.zeros((len(examples), 3))
        for i, (example, (gold, found)) in enumerate(
            zip(examples, _pairs(examples, predictions), strict=True)
        ):
            a = {k for k in gold if part(example, k)}
            b = {k for k in found if part(example, k)}
            made[i] = len(a & b), len(b), len(a)
        return made

    return rows


def parts(examples: Sequence[Example], train: Sequence[Example]) -> list[Part]:
    """F1 by relation; with a training set DocRED's Ign F1, and F1 of relations seen and unseen in it."""
    support: dict[str, int] = {}
    for example in examples:
        for _, relation, _ in keys(example.target):
            support[relation] = support.get(relation, 0) + 1
    made = [
        Part(
            "relation",
            name,
            Metric(TRIPLE_F1.name, _only(partial(_is_relation, name)), f1),
            support[name],
        )
        for name in sorted(support)
    ]
    if train:
        reference = "DocRED's evaluation.py (Yao et al. 2019), also Re-DocRED's"
        made.append(Part("", "", Metric("docred_ign_f1", docred_counts(train), ign_f1, reference)))
        known = {t.relation for e in train for t in e.target.triples}
        made += [
            Part(
                "relation in training",
                word,
                Metric(TRIPLE_F1.name, _only(partial(_is_known, known, yes)), f1),
                sum(n for name, n in support.items() if (name in known) == yes),
            )
            for word, yes in (("seen", True), ("unseen", False))
        ]
    return made


TRIPLE_F1 = Metric(
    "triple_f1", alias_counts, f1, "micro F1 over (document, head, relation, tail), any name of an entity"
)
METRICS = (
    TRIPLE_F1,
    Metric("triple_precision", alias_counts, precision, TRIPLE_F1.reference),
    Metric("triple_recall", alias_counts, recall, TRIPLE_F1.reference),
    Metric("triple_macro_f1", macro_counts, macro_f1, "mean of the relations' F1"),
    Metric("triple_f1_strict", strict_counts, f1, "DocIE: names as the gold writes them"),
    Metric(
        "docred_f1",
        docred_counts(()),
        docred_f1,
        "DocRED's evaluation.py (Yao et al. 2019), also Re-DocRED's",
    ),
)
