"""Pairs of sentences: labels that contradict each other, shortcuts that need no inference, leaks."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from finetooth.registry import CheckContext, check, flag
from finetooth.tasks.nli import follows
from finetooth.tasks.nli_floors import hypothesis_probe
from finetooth.text import squeeze, words
from finetooth.types import Example, Finding

LONG_SENTENCE = 8  # words: a shorter one is said twice by chance
_MARKS = re.compile(r"[\s\"'`“”‘’«»()\[\],.;:!]+")


def _key(text: str) -> str:
    """The same for texts that differ in case, blanks, quotes and full stops only; a question stays one."""
    line = re.sub(r"(?<=\w)\s*-\s*(?=\w)", "-", squeeze(text))
    return _MARKS.sub(" ", line).strip() or line


def _pair(example: Example) -> tuple[str, str]:
    return _key(example.inputs.premise), _key(example.inputs.hypothesis)


_ARTICLE = re.compile(r"\b(?:an?|the)\s+(?!(?:few|little|lot|bit)\b)")  # few is not a few
_NOT = re.compile(r"(?<=\w)n['’]t\b")
_COUNTS = {
    word: str(n)
    for n, word in enumerate("two three four five six seven eight nine ten eleven twelve".split(), start=2)
}
_COUNTED = re.compile(rf"\b(?:{'|'.join(_COUNTS)})\b")


def _gist(text: str) -> str:
    """The same for texts that differ in articles, blanks within words, "isn't" and "is not", "two" and "2" only, too."""
    line = _NOT.sub(" not", re.sub(r"\bcan['’]t\b|\bcannot\b", "can not", squeeze(text)))
    line = _COUNTED.sub(lambda m: _COUNTS[m.group()], _ARTICLE.sub("", _key(line) + " "))
    return re.sub(r"(?<!\d) +| +(?!\d)", "", line.replace("-", " "))


def _by_pair(examples: Sequence[Example]) -> dict[tuple[str, str], list[Example]]:
    groups: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for example in examples:
        groups[_pair(example)].append(example)
    return groups


@check("nli", severity="error")
def conflicting_labels(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The same pair stands in the data with different labels: at least one of them is wrong.

    The same is what differs in case, blanks and punctuation only. A contradiction holds both ways: the pair with
    its sentences swapped and another label than "contradiction" is a conflict too, as a warning.

    Bad: {"premise": "Ada left.", "hypothesis": "She left.", "label": 1} and the same with "label": 0
    Fix: keep the label that a person confirms; drop the other row
    """
    groups = _by_pair(examples)
    for pair, group in groups.items():
        labels = Counter(e.target.label for e in group)
        if len(labels) > 1:
            for e in group:
                others = " and ".join(sorted(set(labels) - {e.target.label}))
                yield flag(
                    e,
                    f"labelled {e.target.label!r} here, and {others} elsewhere",
                    labels=dict(labels),
                    ids=[o.id for o in group],
                )
        swapped = groups.get((pair[1], pair[0]), []) if pair[0] != pair[1] else []
        for e in group:
            if e.target.label.startswith("contradict"):
                other = next((o for o in swapped if o.target.label != e.target.label), None)
                if other is not None:
                    yield flag(
                        e,
                        f"a contradiction here, and {other.target.label!r} in {other.id} with the sentences swapped",
                        severity="warning",
                        ids=[e.id, other.id],
                    )


@check("nli", severity="warning")
def duplicate_pair(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The same pair with the same label stands more than once: it counts double in training and score.

    Bad: two rows {"premise": "Ada left.", "hypothesis": "She left.", "label": 1}
    Fix: keep one
    """
    for group in _by_pair(examples).values():
        if len(group) > 1 and len({e.target.label for e in group}) == 1:
            for e in group[1:]:
                yield flag(
                    e, f"the same pair and label as {group[0].id}", fix={"drop": True}, first=group[0].id
                )


@check("nli", severity="info")
def near_duplicate_pair(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A pair stands in the data twice but for articles, "isn't" and "is not", "two" and "2", a blank within a word.

    For information where the labels are the same: it counts nearly twice. With another label it is a warning, one of
    the two may be wrong. A negation or any other word more or less makes another pair: sets such as SICK are made of
    those. What is equal but for case and punctuation duplicate-pair and conflicting-labels tell.

    Bad: "A boy kicks a ball against a wall." and "A boy kicks a ball against the wall.", both with "A boy plays."
    Fix: keep one; where the labels differ, the one that a person confirms
    """
    groups: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for e in examples:
        gist = _gist(e.inputs.premise), _gist(e.inputs.hypothesis)
        if all(gist):
            groups[gist].append(e)
    for group in groups.values():
        first = group[0]
        told = {_pair(first)}
        for e in group[1:]:
            if (pair := _pair(e)) in told:
                continue
            told.add(pair)
            same = e.target.label == first.target.label
            yield flag(
                e,
                f"nearly the words of {first.id}, with {'the same label' if same else f'the label {first.target.label!r} there'}",
                severity="" if same else "warning",
                fix={"drop": True} if same else None,
                first=first.id,
                same_label=same,
            )


@check("nli", severity="warning")
def empty_text(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The premise or the hypothesis has no word in it.

    Bad: {"premise": "Ada left.", "hypothesis": "n/a"}
    Fix: drop the row
    """
    for e in examples:
        for part in ("premise", "hypothesis"):
            found = words(getattr(e.inputs, part))
            if not found or getattr(e.inputs, part).strip().lower() in ("n/a", "nan", "none", "null"):
                yield flag(
                    e, f"the {part} says nothing: {getattr(e.inputs, part)!r}", fix={"drop": True}, part=part
                )


@check("nli", severity="warning")
def premise_equals_hypothesis(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Both sentences are the same. If the label is not the entailed one, it is an error.

    Bad: {"premise": "Ada left.", "hypothesis": "Ada left.", "label": "contradiction"}
    Fix: {"premise": "Ada left.", "hypothesis": "Ada left.", "label": "entailment"}
    """
    names = {e.target.label for e in examples}
    for e in examples:
        premise, hypothesis = _pair(e)
        if premise == hypothesis:
            denied = follows(e.target.label, names) is False
            alike = squeeze(e.inputs.premise) == squeeze(e.inputs.hypothesis)
            yield flag(
                e,
                f"premise and hypothesis are the same{'' if alike else ' but for blanks and punctuation'}"
                + (f", yet the label is {e.target.label!r}" if denied else ""),
                severity="error" if denied else "",
            )


@check("nli", severity="warning", least=50)
def hypothesis_only_predictability(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The hypothesis alone tells the label better than chance: annotators left traces in it.

    A bag-of-words probe, five folds cut by premise, is held against the majority label and, where labels are
    of unequal size, its mean recall against chance; the finding names the words that give labels away
    (Gururangan et al. 2018). A model can score this high without reading the premise, so this is the floor
    to beat.

    Bad: every hypothesis with "nobody" is a contradiction
    Fix: report the hypothesis-only floor beside the score; rewrite or balance the words named
    """
    gold = np.array([e.target.label for e in examples])
    names, counts = np.unique(gold, return_counts=True)
    majority, chance = counts.max() / len(gold), 1 / len(names)
    right = np.array(hypothesis_probe(examples, (), seed=0)) == gold
    # Few rows show by chance what is not there: only what leaps to the eye is said of them.
    z, room = (1.96, 0.02) if len(examples) >= 200 else (2.58, 0.1)
    low = right.mean() - z * right.std() / np.sqrt(len(right))
    recalls = np.array([right[gold == name].mean() for name in names])
    recall = recalls.mean()
    error = np.sqrt(np.sum(recalls * (1 - recalls) / counts)) / len(names)
    if low > majority + room:
        said = f"the hypothesis alone predicts {right.mean():.1%} of the labels, the majority label {majority:.1%}"
    elif recall - z * error > chance + room + 0.01:
        said = f"the hypothesis alone finds {recall:.1%} of a label on average, chance {chance:.1%}"
    else:
        return
    yield flag(
        "",
        said,
        probe_accuracy=round(float(right.mean()), 4),
        probe_low=round(float(low), 4),
        majority=round(float(majority), 4),
        mean_recall=round(float(recall), 4),
        telling_words=_telling(examples),
    )


def _telling(examples: Sequence[Example], most: int = 12) -> list[dict[str, object]]:
    """Words of the hypothesis with a label far above its share (at least 20 rows, or a tenth of a small set), the most telling first."""
    by_word: dict[str, Counter[str]] = defaultdict(Counter)
    totals = Counter(e.target.label for e in examples)
    for e in examples:
        for word in set(words(e.inputs.hypothesis)):
            by_word[word][e.target.label] += 1
    rows = []
    for word, counts in by_word.items():
        n = counts.total()
        if n >= min(20, len(examples) // 10):
            shares = {label: totals[label] / len(examples) for label in counts}
            errors = {label: np.sqrt(p * (1 - p) / n + 1e-12) for label, p in shares.items()}
            z, label = max((float((counts[x] / n - shares[x]) / errors[x]), x) for x in counts)
            rows.append((z, {"word": word, "label": label, "share": round(counts[label] / n, 3), "rows": n}))
    # Of a thousand words one or two pass z = 3.3 by chance.
    return [row for z, row in sorted(rows, key=lambda r: -r[0])[:most] if z > 3.3]


@check("nli", severity="warning", least=200)
def overlap_heuristic(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Shared words alone tell the label: a model can count them and never infer (HANS, McCoy et al. 2019).

    Bad: entailed pairs share 90 % of their words, the others 30 %
    Fix: add pairs that share words without entailment, and report the slice "word overlap"
    """
    share = np.array([_shared(e) for e in examples])
    gold = np.array([e.target.label for e in examples])
    names, counts = np.unique(gold, return_counts=True)
    majority = counts.max() / len(gold)
    # One cut of the share, the commonest label on each side of it: as simple as a heuristic gets.
    accuracy, cut = max((_cut_accuracy(share, gold, c), float(c)) for c in np.linspace(0, 1, 21))
    error = 1.96 * np.sqrt(accuracy * (1 - accuracy) / len(gold))
    if accuracy - error > majority + 0.03:
        yield flag(
            "",
            f"the share of shared words alone predicts {accuracy:.1%} of the labels, the majority label {majority:.1%}",
            accuracy=round(accuracy, 4),
            majority=round(float(majority), 4),
            cut=cut,
            mean_share={str(n): round(float(share[gold == n].mean()), 3) for n in names},
        )


def _shared(example: Example) -> float:
    premise, hypothesis = set(words(example.inputs.premise)), set(words(example.inputs.hypothesis))
    return len(premise & hypothesis) / max(len(hypothesis), 1)


def _cut_accuracy(share: np.ndarray, gold: np.ndarray, cut: float) -> float:
    right = 0
    for side in (gold[share < cut], gold[share >= cut]):
        if len(side):
            right += np.unique(side, return_counts=True)[1].max()
    return float(right / len(gold))


@check("nli", severity="warning", needs="against")
def leaked_premise(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A premise, or a whole pair, stands in both splits: the score then measures memory.

    An error for a pair, a warning for a pair with its sentences swapped and for a premise, for information
    where a sentence of eight words or more stands in the other split in another role.

    Bad: the pair of a training row again in dev
    Fix: drop the row from training
    """
    pairs = {_pair(e): e.id for e in context.against}
    premises = {_key(e.inputs.premise): e.id for e in context.against}
    hypotheses = {_key(e.inputs.hypothesis): e.id for e in context.against}
    for e in examples:
        premise, hypothesis = _pair(e)
        if other := pairs.get((premise, hypothesis)):
            said, severity = f"the pair is also {other} in the other split", "error"
        elif other := pairs.get((hypothesis, premise)):
            said, severity = f"the pair is also {other} in the other split, its sentences swapped", "warning"
        elif other := premises.get(premise):
            said, severity = f"the premise is also that of {other} in the other split", "warning"
        elif other := hypotheses.get(premise) if _is_long(premise) else None:
            said, severity = f"the premise is the hypothesis of {other} in the other split", "info"
        elif other := premises.get(hypothesis) if _is_long(hypothesis) else None:
            said, severity = f"the hypothesis is the premise of {other} in the other split", "info"
        elif other := hypotheses.get(hypothesis) if _is_long(hypothesis) else None:
            said, severity = f"the hypothesis is also that of {other} in the other split", "info"
        else:
            continue
        yield flag(
            e, said, severity=severity, fix={"drop": True} if severity == "error" else None, other=other
        )


def _is_long(key: str) -> bool:
    return key.count(" ") + 1 >= LONG_SENTENCE


@check("nli", severity="warning", needs="against")
def label_balance(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The shares of the labels differ between the splits, or a label stands in one of them only.

    Bad: 60 % entailed in training, 40 % in dev
    Fix: draw both splits the same way, or report per-class scores
    """
    here = Counter(e.target.label for e in examples)
    there = Counter(e.target.label for e in context.against)
    for name in sorted(set(here) ^ set(there)):
        side = "this split" if name in here else "the other split"
        yield flag("", f"the label {name!r} stands in {side} only", severity="error", label=name)
    for name in sorted(set(here) & set(there)):
        p, q = here[name] / len(examples), there[name] / len(context.against)
        error = np.sqrt(p * (1 - p) / len(examples) + q * (1 - q) / len(context.against))
        if abs(p - q) > 0.03 and abs(p - q) > 3 * error:
            yield flag(
                "", f"{name!r} is {p:.1%} of this split and {q:.1%} of the other", label=name, here=p, there=q
            )
