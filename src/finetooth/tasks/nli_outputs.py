"""The label of a pair in generated text, or by name why there is none.

'Sure! {"thought_process": "...", "predicted_label": 1} Hope it helps'   label "1"
'{"thought_process": "the man is'                                        failure "truncated"
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from finetooth.metrics import extract as text_of
from finetooth.types import Example, Prediction

LABEL_KEYS = ("predicted_label", "label", "prediction", "answer", "gold_label", "conclusion")
REASON_KEYS = ("thought_process", "reason", "reasoning", "thought", "explanation")
# Words that only two-label sets use; "entailment" could be any number of three.
BINARY = {
    "1": ("yes", "true", "entailed", "entails"),
    "0": (
        "no",
        "false",
        "not_entailment",
        "not-entailment",
        "not entailment",
        "not entailed",
        "not_entailed",
    ),
}
WORDS = {"1": ("entailment",), "0": ("contradiction", "neutral", "non-entailment")}
# Spellings of one class; a set says it in one of them.
SPELLINGS = {
    "entailed": frozenset({*BINARY["1"], *WORDS["1"], "entail", "implied", "e"}),
    "contradicted": frozenset({"contradiction", "contradictory", "contradicted", "contradicts", "contradict", "c"}),
    "neutral": frozenset({"neutral", "unknown", "undetermined", "n"}),
    "not entailed": frozenset({*BINARY["0"], "non-entailment", "non_entailment"}),
}  # fmt: skip
# What whole sets are called; a class of such a set may be in no row at hand.
SETS = (
    frozenset({"0", "1"}),
    frozenset({"0", "1", "2"}),
    frozenset({"entailment", "neutral", "contradiction"}),
    frozenset({"entailment", "not_entailment"}),
)

FAILURES = {
    **text_of.FAILURES,
    "no-label": "the object has no label in it",
    "label-type": "the label is a list, an object, null or a broken number",
    "unknown-label": "the label is none of the set's",
}


_FENCE = re.compile(r"```\w*")


@dataclass(frozen=True, slots=True)
class Output:
    """``label`` and ``reason`` as read; label is None where ``failure``, a key of FAILURES, says why.

    ``slips`` names what had to be looked past: fenced, prose, more (a later object), repaired, word.
    """

    label: str | None
    reason: str | None = None
    failure: str = ""
    slips: tuple[str, ...] = ()


def label_name(value: Any) -> str | None:
    """A label as one spelling: lower case, "1" for 1, 1.0 and "1.0"; None for what is no label."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return str(value) if abs(value) < 10**9 else None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 10**9 else None
    if not isinstance(value, str):
        return None
    name = value.strip().strip(".\"'").lower()
    if name.endswith(".0") and name[:-2].lstrip("-").isdigit():
        name = name[:-2]
    return name or None


def number_of(label: str, *, of_two: bool) -> str:
    """The number a word stands for where labels are numbers; ``of_two``: they are 0 and 1 and nothing else."""
    for number in ("0", "1"):
        if label in BINARY[number] or (of_two and label in WORDS[number]):
            return number
    return label


def in_set(label: str, labels: Collection[str]) -> str:
    """The label as a set with these ``labels`` spells it: "yes" and "entailed" are its "entailment", or its 1 of 0 and 1.

    Unchanged where the set has it, or where there is a doubt: a word may be any of three numbers, and a number
    any of two words (0 is "entailment" in GLUE's RTE and in the hub's SNLI, "not entailed" elsewhere).
    """
    if not labels or label in labels:
        return label
    if _is_number_beside_word(*_parts(label)):
        label = _without_note(label, labels)
        if label in labels:
            return label
    if set(labels) <= {"0", "1"}:
        return number_of(label, of_two=True)
    means = kind(label)
    if means is None:
        return label
    same = [name for name in labels if name in SPELLINGS[means]]
    if not same and means != "entailed":
        # Of a set of two, what is not entailed is the other one.
        others = [name for name in labels if name not in SPELLINGS["entailed"]]
        if len(labels) == 2 and len(others) == 1 and "not entailed" in (means, kind(others[0])):
            same = others
    return same[0] if len(same) == 1 else label


def kind(label: str) -> str | None:
    """Which class a word stands for, a key of SPELLINGS; None for a number and any other word."""
    return next((name for name, words in SPELLINGS.items() if label in words), None)


def settled(
    examples: Sequence[Example], predictions: Sequence[Prediction | None], train: Sequence[Example] = ()
) -> list[Prediction | None]:
    """The predictions with their labels spelled as the set spells them, see ``in_set``."""
    labels = _labels(examples, train)

    def one(prediction: Prediction | None) -> Prediction | None:
        if prediction is None or prediction.target is None or prediction.target.label in labels:
            return prediction
        label = in_set(prediction.target.label, labels)
        return replace(prediction, target=replace(prediction.target, label=label))

    return [one(p) for p in predictions]


def _labels(*sets: Sequence[Example]) -> frozenset[str]:
    return frozenset(e.target.label for examples in sets for e in examples) - {"?"}


def read(text: str, labels: Collection[str] = (), *, repair: bool = True) -> Output:
    """The label and reason in ``text``. Never raises; text that leaves a doubt is a failure with a name.

    ``labels``: the set's; a word for a number is then understood, and a label that is not of the set refused.
    """
    found = text_of.extract(text, repair=repair)
    if found.value is None:
        return Output(None, None, found.failure)
    around = _FENCE.sub("", text[: found.start] + "\n" + text[found.end :]).strip()
    slips = [
        name
        for name, is_so in (("fenced", found.fenced), ("prose", bool(around)), ("more", found.more))
        if is_so
    ]
    slips += ["repaired"] if found.repaired else []
    return of_object(found.value, labels, slips)


def of_object(value: Mapping[str, Any], labels: Collection[str] = (), slips: Iterable[str] = ()) -> Output:
    value = _keys(value)
    reason = next((value[k] for k in REASON_KEYS if isinstance(value.get(k), str)), None)
    key = next((k for k in LABEL_KEYS if k in value), None)
    if key is None:
        return Output(None, reason, "no-label", tuple(slips))
    inner = value[key]
    if isinstance(inner, Mapping) and any(k in LABEL_KEYS for k in _keys(inner)):
        found = of_object({k: v for k, v in inner.items() if not isinstance(v, Mapping)}, labels, slips)
        return found if found.reason is not None else replace(found, reason=reason)
    label = label_name(inner)
    label = label if label is None or label in labels else _without_note(label, labels)
    if label is None:
        return Output(None, reason, "label-type", tuple(slips))
    if labels and label not in labels:
        number = number_of(label, of_two=set(labels) <= {"0", "1"})
        if number not in labels:
            return Output(None, reason, "unknown-label", tuple(slips))
        return Output(number, reason, "", (*slips, "word"))
    return Output(label, reason, "", tuple(slips))


def _keys(value: Mapping[str, Any]) -> dict[str, Any]:
    """With "Predicted Label" as predicted_label; a key that is spelled so already stands."""
    plain = {re.sub(r"[\s-]+", "_", str(k).strip().lower()): v for k, v in value.items()}
    return {**plain, **value}


_PREFIX = re.compile(r"(?:predicted[\s_])?(?:label|answer)\s*[:=]\s*")
_DASH = re.compile(r"\s[-\u2013:]\s")


def _parts(label: str) -> tuple[str | None, str | None]:
    """The label and the note beside it, in brackets or after a dash or colon; None for what is not there.

    In time linear in the length of the label: it may be all that a model wrote.
    """
    prefix = _PREFIX.match(label)
    text = label[prefix.end() :] if prefix else label
    bracket = text.find("(") if text.rstrip().endswith(")") else -1
    dash = _DASH.search(text)
    if bracket >= 0 and (dash is None or bracket < dash.start()):
        return label_name(text[:bracket]), label_name(text[bracket + 1 : text.rindex(")")])
    if dash is not None:
        return label_name(text[: dash.start()]), label_name(text[dash.end() :])
    return label_name(text), None


def _is_number_beside_word(name: str | None, note: str | None) -> bool:
    """Whether one of the two is a number and the other a word for a class."""
    if name is None or note is None or name.isdigit() == note.isdigit():
        return False
    return kind(note if name.isdigit() else name) is not None


def _without_note(label: str, labels: Collection[str] = ()) -> str:
    """ "0 (not entailed)" and "label: 0" as "0"; unchanged where what stands beside it says something else.

    Without ``labels`` "2 (contradiction)" is unchanged too: what a number means is the set's to say, see ``in_set``.
    """
    name, note = _parts(label)
    if name is None or note is None:
        return name or label
    if kind(note) is None and not note.isdigit():
        return label if len(name.split()) > 3 else name
    if name.isdigit() == note.isdigit() and kind(name) != kind(note):
        return label
    if set(labels) <= {"0", "1"} and (labels or _is_number_beside_word(name, note)):
        one, other = (number_of(said, of_two=True) for said in (name, note))
        return name if one == other else label
    return name


def unread(
    examples: Sequence[Example], predictions: Sequence[Prediction | None], train: Sequence[Example] = ()
) -> list[str] | None:
    """Why each prediction gave no label of the set, a key of FAILURES; "" where it did.

    A label of the set is one of ``examples`` or ``train``, or one that sets with these labels have: a class may be in
    neither. None where no prediction is generated text (but a label alone, or the probabilities of a head that
    classifies) and all are of the set.
    """
    labels = _labels(examples, train)
    found = ["" if p is None else _unread(p, labels) for p in predictions]
    bare = all(p is None or not _generated(p) for p in predictions)
    return None if bare and not any(found) else found


def _generated(prediction: Prediction) -> bool:
    raw = prediction.raw
    if prediction.target is None:
        return isinstance(raw, (str, Mapping))  # a label alone can be read, whatever it says
    if isinstance(raw, Mapping):
        return any(key in raw for key in (*LABEL_KEYS, *REASON_KEYS))
    return isinstance(raw, str) and ("{" in raw or len(raw.split()) > 3)


def _unread(prediction: Prediction, labels: Collection[str]) -> str:
    # What was scored decides: a label that the scorer did not take is a failure, whatever else could be read.
    label = None if prediction.target is None else prediction.target.label
    if label is not None and _of_set(label, labels):
        return ""
    if not _generated(prediction):
        return "" if label is None else "unknown-label"
    raw = prediction.raw
    found = of_object(raw) if isinstance(raw, Mapping) else read(raw) if isinstance(raw, str) else None
    return "label-type" if found is None else found.failure or "unknown-label"


def _of_set(label: str, labels: Collection[str]) -> bool:
    if in_set(label, labels) in labels:
        return True
    return any(label in whole and set(labels) < whole for whole in SETS if not {"0", "1"} <= set(labels))


def rates(outputs: Iterable[Output]) -> dict[str, float]:
    """How many of a hundred outputs failed, by name, the commonest first; empty where all were read."""
    every = list(outputs)
    counts = Counter(o.failure for o in every if o.failure)
    return {name: 100.0 * n / len(every) for name, n in counts.most_common()}
