"""Entity scores: exact boundary and type, boundary alone, overlap, surface forms, by type, seen and unseen.

All work on spans of characters, ``(start, end, type)``; gold and predicted doubles count once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from finetooth.metrics.ner_tags import count_chunks, to_iob2
from finetooth.registry import Metric, Part, Targets
from finetooth.tasks.mentions import tags_of, word_spans
from finetooth.text import squeeze
from finetooth.types import Example

Spans = frozenset[tuple[int, int, str]]
Rows = Callable[[Sequence[Example], Targets], np.ndarray]


def precision(sums: np.ndarray) -> np.ndarray:
    """100 x right / found of sums (..., 3) of right, found, true; 0 where nothing was found."""
    return 100.0 * sums[..., 0] / np.maximum(sums[..., 1], 1e-12)


def recall(sums: np.ndarray) -> np.ndarray:
    """100 x right / true; 0 where there is nothing to find."""
    return 100.0 * sums[..., 0] / np.maximum(sums[..., 2], 1e-12)


def f1(sums: np.ndarray) -> np.ndarray:
    """The harmonic mean of both, 200 x right / (found + true); 0, as conlleval has it, where nothing is right."""
    return 200.0 * sums[..., 0] / np.maximum(sums[..., 1] + sums[..., 2], 1e-12)


_NONE: Spans = frozenset()


def _spans(target: Any) -> Spans:
    return frozenset([(s.start, s.end, s.type) for s in target.entities]) if target.entities else _NONE


_LAST: list[tuple[Any, Any, list[tuple[Spans, Spans]]]] = []


def _pairs(examples: Sequence[Example], predictions: Targets) -> list[tuple[Spans, Spans]]:
    """(gold spans, predicted spans) of each example. A missing prediction finds nothing."""
    # Precision, recall, F1 and their parts look at the same lists one after the other.
    for seen, guessed, pairs in _LAST:
        if seen is examples and guessed is predictions:
            return pairs
    pairs = [
        (_spans(e.target), _spans(p.target) if p is not None and p.target is not None else _NONE)
        for e, p in zip(examples, predictions, strict=True)
    ]
    _LAST.append((examples, predictions, pairs))
    del _LAST[:-4]
    return pairs


def exact_counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """(n, 3): right, found, true. Of tags this is what conlleval.pl counts: an orphan ``I-`` is an entity."""
    return np.array([(len(g & p), len(p), len(g)) for g, p in _pairs(examples, predictions)], float).reshape(
        -1, 3
    )


def unlabelled_counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """Boundaries alone: a span of another type is right."""
    rows = []
    for gold, found in _pairs(examples, predictions):
        a, b = {s[:2] for s in gold}, {s[:2] for s in found}
        rows.append((len(a & b), len(b), len(a)))
    return np.array(rows, float).reshape(-1, 3)


def partial_counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """Exact spans count 1, spans of the right type that overlap 1/2, as "partial" of MUC-5 (Chinchor 1993).

    Each span is matched at most once: exact ones first, then those that share most characters.
    """
    rows = []
    for gold, found in _pairs(examples, predictions):
        exact = gold & found
        right = float(len(exact))
        left, spare = sorted(gold - exact), sorted(found - exact)
        if left and spare:
            shared = sorted(
                (max(a[0], b[0]) - min(a[1], b[1]), i, j)
                for i, a in enumerate(left)
                for j, b in enumerate(spare)
                if a[2] == b[2] and max(a[0], b[0]) < min(a[1], b[1])
            )
            used: set[tuple[str, int]] = set()
            for _, i, j in shared:
                if ("g", i) not in used and ("f", j) not in used:
                    used |= {("g", i), ("f", j)}
                    right += 0.5
        rows.append((right, len(found), len(gold)))
    return np.array(rows, float).reshape(-1, 3)


def surface_counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """WNUT17's surface forms (Derczynski et al. 2017): matched by place first, then unique forms.

    A form is a string and its type. It is counted with the example it is first found in, so sums are
    those of the shared task's script; the bootstrap takes forms for independent of the rest.
    """
    seen: tuple[set[Any], set[Any], set[Any]] = (set(), set(), set())
    rows = np.zeros((len(examples), 3))
    for i, (example, (gold, found)) in enumerate(zip(examples, _pairs(examples, predictions), strict=True)):
        text = example.inputs.text
        for column, spans in enumerate((gold & found, found, gold)):
            for start, end, kind in spans:
                form = (text[start:end], kind)
                if form not in seen[column]:
                    seen[column].add(form)
                    rows[i, column] += 1
    return rows


def _tokens(example: Example) -> Sequence[Any]:
    return example.inputs.tokens if example.inputs.tokens is not None else word_spans(example.inputs.text)


def _tags(target: Any, tokens: Sequence[Any]) -> list[str]:
    return tags_of(tokens, ((s.start, s.end, s.type) for s in target.entities))[0]


def _gold_tags(example: Example, *, raw: bool = False) -> list[str]:
    target = example.target
    if target.tags is None:
        return _tags(target, _tokens(example))
    return list(target.tags) if raw else to_iob2(target.tags, target.scheme)


def _found_tags(example: Example, prediction: Any, *, raw: bool = False) -> list[str]:
    tokens = _tokens(example)
    if prediction is None or prediction.target is None:
        return ["O"] * len(tokens)
    target = prediction.target
    if target.tags is None or len(target.tags) != len(tokens):
        return _tags(target, tokens)
    return list(target.tags) if raw else to_iob2(target.tags, target.scheme)


def strict_counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """Valid IOB2 sequences only, as seqeval's strict mode: an orphan ``I-`` is nothing, found or true.

    Spans without tags are always valid; those count as they are.
    """
    rows = exact_counts(examples, predictions).copy()
    at = [i for i, e in enumerate(examples) if e.target.tags is not None]
    if at:
        gold = [_gold_tags(examples[i]) for i in at]
        found = [_found_tags(examples[i], predictions[i]) for i in at]
        rows[at] = count_chunks(gold, found, reading="strict_iob2")
    return rows


def token_counts(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
    """(n, 2): tokens with the gold tag, tokens. Where a source is not tokenised, words and punctuation marks.

    Mostly ``O``: answering ``O`` everywhere scores high, and its floor says how high.
    """
    rows = np.zeros((len(examples), 2))
    for i, (example, prediction) in enumerate(zip(examples, predictions, strict=True)):
        target = prediction.target if prediction is not None else None
        # conlleval compares the tags as they stand; those of spans are made, in IOB2.
        raw = target is not None and target.tags is not None and example.target.tags is not None
        gold = _gold_tags(example, raw=raw)
        rows[i, 1] = len(gold)
        if target is not None:
            found = _found_tags(example, prediction, raw=raw)
            rows[i, 0] = sum(a == b for a, b in zip(gold, found, strict=True))
    return rows


def _is_kind(kind: str, text: str, span: Any) -> bool:
    return span[2] == kind


def keep(
    counts: Callable[[Sequence[Example], Targets], list[tuple[Spans, Spans]]],
    part: Callable[[str, Any], bool],
) -> Rows:
    """Exact counts over the spans for which ``part(text, span)`` holds, gold and found alike."""

    def rows(examples: Sequence[Example], predictions: Targets) -> np.ndarray:
        made = np.zeros((len(examples), 3))
        for i, (example, (gold, found)) in enumerate(
            zip(examples, counts(examples, predictions), strict=True)
        ):
            text = example.inputs.text
            a = {s for s in gold if part(text, s)}
            b = {s for s in found if part(text, s)}
            made[i] = len(a & b), len(b), len(a)
        return made

    return rows


def known_strings(train: Iterable[Example]) -> set[str]:
    """The strings of the training set's mentions, case and spacing aside."""
    return {squeeze(s.text) for e in train for s in e.target.entities}


def parts(examples: Sequence[Example], train: Sequence[Example]) -> list[Part]:
    """F1, precision and recall by entity type; F1 of seen and unseen strings where there is a training set."""
    made = []
    support: dict[str, int] = {}
    for example in examples:
        for _, _, kind in _spans(example.target):
            support[kind] = support.get(kind, 0) + 1
    for kind in sorted(support):
        rows = keep(_pairs, partial(_is_kind, kind))
        for metric in (ENTITY_PRECISION, ENTITY_RECALL, ENTITY_F1):
            made.append(Part("type", kind, Metric(metric.name, rows, metric.value), support[kind]))
    if train:
        known = known_strings(train)

        def seen(text: str, span: Any) -> bool:
            return squeeze(text[span[0] : span[1]]) in known

        n = sum(seen(e.inputs.text, s) for e in examples for s in _spans(e.target))
        total = sum(support.values())
        for name, size, part in (
            ("seen in training", n, seen),
            ("unseen in training", total - n, lambda text, span: not seen(text, span)),
        ):
            made.append(Part("entity", name, Metric(ENTITY_F1.name, keep(_pairs, part), f1), size))
    return made


CONLLEVAL = "conlleval.pl (Tjong Kim Sang, 2004): exact boundary and type"
ENTITY_F1 = Metric("entity_f1", exact_counts, f1, CONLLEVAL)
ENTITY_PRECISION = Metric("entity_precision", exact_counts, precision, CONLLEVAL)
ENTITY_RECALL = Metric("entity_recall", exact_counts, recall, CONLLEVAL)
STRICT_F1 = Metric("entity_f1_strict_iob2", strict_counts, f1, "seqeval, mode='strict', scheme=IOB2")
UNLABELLED_F1 = Metric("entity_f1_unlabelled", unlabelled_counts, f1, "exact boundary, any type")
PARTIAL_F1 = Metric(
    "entity_f1_partial", partial_counts, f1, "MUC-5 (Chinchor 1993): overlap of one type counts half"
)
SURFACE_F1 = Metric(
    "surface_form_f1", surface_counts, f1, "WNUT17 (Derczynski et al. 2017): unique forms of matched entities"
)
TOKEN_ACCURACY = Metric(
    "token_accuracy",
    token_counts,
    lambda sums: 100.0 * sums[..., 0] / np.maximum(sums[..., 1], 1e-12),
    "conlleval.pl's accuracy, O counted in",
)
METRICS = (
    ENTITY_F1,
    ENTITY_PRECISION,
    ENTITY_RECALL,
    STRICT_F1,
    UNLABELLED_F1,
    PARTIAL_F1,
    SURFACE_F1,
    TOKEN_ACCURACY,
)
