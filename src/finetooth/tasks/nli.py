"""Natural language inference, with or without a reason for the label.

Row: {"id": "p1", "premise": "Ada left at noon.", "hypothesis": "Ada left.", "label": "entailment", "reason": "..."}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from finetooth.errors import DataError
from finetooth.io import content_id, json_type
from finetooth.metrics.nli import ACCURACY, ECE, MACRO_F1
from finetooth.registry import Ablation, Task
from finetooth.tasks.nli_floors import FLOORS
from finetooth.tasks.nli_outputs import FAILURES, label_name, number_of, of_object, settled, unread
from finetooth.tasks.nli_outputs import read as read_output
from finetooth.text import words
from finetooth.types import Example, Prediction

BLANK = {"label": "?"}
ENTAILED = frozenset({"1", "entailment", "entailed", "entails", "true", "yes"})
NOT_ENTAILED = frozenset(
    """0 no false contradiction contradictory contradicted contradicts neutral unknown not_entailment not-entailment
    not_entailed non-entailment non_entailment""".split()
) | {"not entailed", "not entailment"}


@dataclass(frozen=True, slots=True)
class NliInput:
    premise: str
    hypothesis: str


@dataclass(frozen=True, slots=True)
class NliTarget:
    """A label, as a word or a digit in a string, and the reason for it where there is one."""

    label: str
    reason: str | None = None


def follows(label: str, labels: Collection[str] = ()) -> bool | None:
    """Whether the label says that the hypothesis follows; None where that cannot be told.

    ``labels``: all labels of the set. With three numbers nobody can tell what 0 and 1 mean.
    """
    if label.isdigit() and any(name.isdigit() and name not in ("0", "1") for name in labels):
        return None
    return True if label in ENTAILED else False if label in NOT_ENTAILED else None


def from_row(row: Mapping[str, Any], where: str) -> Example:
    premise, hypothesis = (_text(row, key, where) for key in ("premise", "hypothesis"))
    label = label_name(row.get("label"))
    if label is None:
        raise DataError(f"label: expected a name or a number, found {row.get('label')!r}", where=where)
    reason = row.get("reason")
    if reason is not None and not isinstance(reason, str):
        raise DataError(f"reason: expected a string, found {json_type(reason)}", where=where)
    name = row.get("id")
    if name is None or name == "":
        name = content_id(premise, hypothesis, label)
    return Example(str(name), NliInput(premise, hypothesis), NliTarget(label, reason), {"where": where})


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        found = "nothing" if value is None else json_type(value)
        raise DataError(f"{key}: expected a string, found {found}", where=where)
    return value


def to_row(example: Example) -> dict[str, Any]:
    row = {
        "id": example.id,
        "premise": example.inputs.premise,
        "hypothesis": example.inputs.hypothesis,
        "label": example.target.label,
    }
    return row if example.target.reason is None else {**row, "reason": example.target.reason}


def parse(value: Any, example: Example) -> NliTarget | None:
    """A label, an object that holds one, or generated text that holds such an object.

    None where no label can be told: it counts as wrong, and ``nli_outputs.read`` names the reason.
    """
    if isinstance(value, Mapping):
        found = of_object(value)
    elif isinstance(value, str) and "{" in value:
        found = read_output(value)
    else:
        label = label_name(value)
        return None if label is None else NliTarget(_as_gold(label, example))
    return None if found.label is None else NliTarget(_as_gold(found.label, example), found.reason)


def _as_gold(label: str, example: Example) -> str:
    """ "yes" is 1 where the set says 0 and 1."""
    return number_of(label, of_two=False) if example.target.label in ("0", "1") else label


def show(target: NliTarget | None) -> Any:
    if target is None:
        return None
    if target.reason is None:
        return target.label
    return {"thought_process": target.reason, "predicted_label": target.label}


def prompt(example: Example) -> str:
    return f"{_pair(example)} Answer as JSON."


def prompt_reason(example: Example) -> str:
    """Another prompt than for the label alone: a model that has learnt labels would go on to give no reason."""
    return f"{_pair(example)} Reason step by step, then answer as JSON."


def _pair(example: Example) -> str:
    pair = example.inputs
    return f"Premise: {pair.premise}\nHypothesis: {pair.hypothesis}\nDoes the hypothesis follow?"


def reasoned(example: Example) -> bool:
    return example.target.reason is not None


def answer(example: Example) -> str:
    from finetooth.io import to_json

    label = example.target.label
    value: Any = int(label) if label.isdigit() else label
    if example.target.reason is None:
        return to_json({"predicted_label": value})
    return to_json({"thought_process": example.target.reason, "predicted_label": value})


def labels(examples: Sequence[Example]) -> tuple[str, ...]:
    return tuple(sorted({e.target.label for e in examples}))


def _overlap(example: Example, context: Mapping[str, Any]) -> str:
    premise, hypothesis = set(words(example.inputs.premise)), set(words(example.inputs.hypothesis))
    share = len(premise & hypothesis) / max(len(hypothesis), 1)
    return "all words shared" if share == 1 else "most words shared" if share >= 0.5 else "few words shared"


def _length(example: Example, context: Mapping[str, Any]) -> str:
    n = len(words(example.inputs.hypothesis))
    return (
        "1-5 words" if n <= 5 else "6-10 words" if n <= 10 else "11-20 words" if n <= 20 else "over 20 words"
    )


def _reason_length(example: Example, context: dict[str, Any]) -> str:
    """How long the reason is that was given for the label; "" for all where none was to be expected."""
    said = context.get("predictions") or {}
    if "reasons" not in context:
        given = any(p is not None and p.target is not None and p.target.reason for p in said.values())
        written = any(p is not None and isinstance(p.raw, str) and "{" in p.raw for p in said.values())
        context["reasons"] = given or (written and any(e.target.reason for e in context["train"]))
    if not context["reasons"]:
        return ""
    mine = said.get(example.id)
    n = len(words(mine.target.reason or "")) if mine is not None and mine.target is not None else 0
    if not n:
        return "no reason"
    return next((f"{most - 19}-{most} words" for most in (20, 40, 60, 80) if n <= most), "over 80 words")


def _without(part: str):
    return lambda example: replace(example, inputs=replace(example.inputs, **{part: ""}))


TASK = Task(
    name="nli",
    summary="Natural language inference: does the hypothesis follow from the premise, and why?",
    from_row=from_row,
    to_row=to_row,
    gold=lambda e: Prediction(e.id, e.target, 1.0),
    parse=parse,
    show=show,
    metrics=(ACCURACY, MACRO_F1, ECE),
    main_metric="accuracy",
    heads=("pair", "causal"),
    group=lambda e: e.inputs.premise,
    floors=FLOORS,
    ablations=(
        Ablation("hypothesis only", _without("premise")),
        Ablation("premise only", _without("hypothesis")),
    ),
    slices={
        "label": lambda e, context: e.target.label,
        "word overlap": _overlap,
        "hypothesis length": _length,
        "reason length": _reason_length,
    },
    labels=labels,
    blank=BLANK,
    unlabelled=lambda e: "no gold label" if e.target.label == BLANK["label"] else "",
    label_of=lambda target: target.label,
    settled=settled,
    unread=unread,
    unread_names=FAILURES,
    prompt=prompt,
    answer=answer,
    reasoned=reasoned,
    prompt_reason=prompt_reason,
)
