"""Reasons for inference pairs: thought without the label, corrected where wrong, selected by a stated policy.

made = generate(examples, teacher)                  the first teacher does not see the label
corrected = reflect(wrong, made, second_teacher)    the second sees the label and the flawed reasoning
corrected = reconsider(wrong, made, second_teacher) or the flawed reasoning only
rows, dropped = select(examples, made, corrected, disagreement="correct-with-label")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from finetooth.checks.nli_reasons import conclusion
from finetooth.registry import CheckContext, checks
from finetooth.tasks.nli import ENTAILED, NliTarget, follows, label_name
from finetooth.tasks.qa_phrases import STOP
from finetooth.teach import prompts
from finetooth.teach.client import Ask, Reply, Teacher
from finetooth.text import words
from finetooth.types import Drop, Example, Finding

Disagreement = Literal["keep", "omit", "correct-naturally", "correct-with-label"]
CORRECTING = ("correct-naturally", "correct-with-label")
Progress = Callable[[int, int], None]

# What a label means, said to the teacher where the data use numbers or names of their own.
# What the prompt's example answers.
EXAMPLE = (
    "step 1: the shop closes at six and it is seven. step 2: the hypothesis says it is closed. "
    "step 3: seven is after six, so the hypothesis can be inferred."
)
# The fields of a prompt: those that it must have, and those that it may.
THOUGHT_FIELDS = (("premise", "hypothesis"), ("labels", "example"))
REFLECT_FIELDS = (("premise", "hypothesis", "label", "thought"), ("labels",))
RECONSIDER_FIELDS = (("premise", "hypothesis", "thought"), ("labels",))
RUN_WORDS = 4  # so many words in a row that stand in the prompt's example are taken from it
ANALYSED = ("error_analysis", "thought_process")
MEANINGS = {
    "1": "1: the hypothesis follows from the premise, or fits with it and may well be true",
    "0": "0: it does not follow",
    "entailment": "entailment: it follows",
    "neutral": "neutral: it may be true or not",
    "contradiction": "contradiction: it cannot be true",
}


@dataclass(frozen=True, slots=True)
class Thought:
    """A reason and the label it came to; ``failure`` where the teacher gave none that can be read.

    ``prompt``: as of ``Prompt.stamp``; ``request``: the key of the request in the journal.
    """

    example_id: str
    reason: str | None
    label: str | None
    failure: str | None
    prompt: Mapping[str, str]
    request: str
    analysis: str | None = None
    doubtful: bool = False


def label_text(labels: Sequence[str], meanings: Mapping[str, str] | None = None) -> str:
    known = {**MEANINGS, **(meanings or {})}
    return "\n".join(f"- {known.get(name, name)}" for name in labels)


def _value(label: str) -> Any:
    return int(label) if label.isdigit() else label


def room(max_tokens: int) -> int:
    """Characters that surely go into an answer of ``max_tokens``: three a token (English has four to five a token).

    A server that writes by the schema then closes the object where it would else be cut off and unreadable.
    """
    return max(60, 3 * (max_tokens - 32))  # 32: the braces, names and label around the text


def thought_schema(labels: Sequence[str], characters: int = 1200) -> dict[str, Any]:
    """Reason first, label after: a label written first would be justified, not reasoned."""
    return {
        "type": "object",
        "properties": {
            "thought_process": {"type": "string", "minLength": 1, "maxLength": min(1200, characters)},
            "predicted_label": {"enum": [_value(name) for name in labels]},
        },
        "required": ["thought_process", "predicted_label"],
        "additionalProperties": False,
    }


def reflect_schema(characters: int = 2000) -> dict[str, Any]:
    """What went wrong, then the better reasoning; two fifths of the room are the analysis's."""
    texts = {
        "error_analysis": {"type": "string", "minLength": 1, "maxLength": min(800, characters * 2 // 5)},
        "thought_process": {"type": "string", "minLength": 1, "maxLength": min(1200, characters * 3 // 5)},
    }
    return {
        "type": "object",
        "properties": {**texts, "true_label_doubtful": {"type": "boolean"}},
        "required": [*texts, "true_label_doubtful"],
        "additionalProperties": False,
    }


def reconsider_schema(labels: Sequence[str], characters: int = 2000) -> dict[str, Any]:
    """The analysis, then the reasoning, then the label it came to: that one is not given."""
    texts = {name: reflect_schema(characters)["properties"][name] for name in ANALYSED}
    return {
        "type": "object",
        "properties": {**texts, "predicted_label": {"enum": [_value(name) for name in labels]}},
        "required": [*texts, "predicted_label"],
        "additionalProperties": False,
    }


def generate(
    examples: Sequence[Example],
    teacher: Teacher,
    labels: Sequence[str],
    *,
    prompt: str = "thought",
    meanings: Mapping[str, str] | None = None,
    concurrency: int = 8,
    budget: float | None = None,
    progress: Progress | None = None,
) -> list[Thought]:
    """One thought an example, in order; the teacher is not shown the label.

    ``prompt``: the name of one of ours, or the path of a file with THOUGHT_FIELDS.
    """
    template = prompts.load(prompt, *THOUGHT_FIELDS)
    yes = next((name for name in labels if name in ENTAILED), labels[0])
    shown = (
        f'{{"thought_process": "{EXAMPLE}", '
        f'"predicted_label": {yes if yes.isdigit() else chr(34) + yes + chr(34)}}}'
    )
    asks = [
        Ask(
            e.id,
            [
                {
                    "role": "user",
                    "content": template.fill(
                        premise=e.inputs.premise,
                        hypothesis=e.inputs.hypothesis,
                        labels=label_text(labels, meanings),
                        example=shown,
                    ),
                }
            ],
            thought_schema(labels, room(teacher.max_tokens)),
            fits=thought_schema(labels),
        )
        for e in examples
    ]
    replies = teacher.ask_all(asks, concurrency=concurrency, budget=budget, progress=progress)
    made = []
    for reply in replies:
        value = reply.value or {}
        label = label_name(value.get("predicted_label"))
        made.append(
            Thought(reply.id, value.get("thought_process"), label, reply.failure, template.stamp, reply.key)
        )
    return made


def reflect(
    examples: Sequence[Example],
    thoughts: Sequence[Thought],
    teacher: Teacher,
    labels: Sequence[str],
    *,
    prompt: str = "reflect",
    meanings: Mapping[str, str] | None = None,
    **how: Any,
) -> dict[str, Thought]:
    """Corrected thoughts, by id, for the examples whose thought came to another label than the data's.

    The teacher is shown the data's label. ``how``: concurrency, budget and progress, as ``Teacher.ask_all`` takes them.
    """
    template = prompts.load(prompt, *REFLECT_FIELDS)
    schemas = reflect_schema(room(teacher.max_tokens)), reflect_schema()
    found = _again(examples, thoughts, teacher, template, label_text(labels, meanings), schemas, **how)
    return {
        e.id: _second(e, reply, template, e.target.label if reply.failure is None else None)
        for e, reply in found
    }


def reconsider(
    examples: Sequence[Example],
    thoughts: Sequence[Thought],
    teacher: Teacher,
    labels: Sequence[str],
    *,
    prompt: str = "reconsider",
    meanings: Mapping[str, str] | None = None,
    **how: Any,
) -> dict[str, Thought]:
    """Like ``reflect``, but the teacher is not shown the data's label nor told that the reasoning is wrong.

    The label of each thought is the one that the second teacher came to by itself.
    """
    template = prompts.load(prompt, *RECONSIDER_FIELDS)
    schemas = reconsider_schema(labels, room(teacher.max_tokens)), reconsider_schema(labels)
    found = _again(examples, thoughts, teacher, template, label_text(labels, meanings), schemas, **how)
    return {
        e.id: _second(e, reply, template, label_name((reply.value or {}).get("predicted_label")))
        for e, reply in found
    }


def _again(
    examples: Sequence[Example],
    thoughts: Sequence[Thought],
    teacher: Teacher,
    template: prompts.Prompt,
    said: str,
    schemas: tuple[Mapping[str, Any], Mapping[str, Any]],
    **how: Any,
) -> list[tuple[Example, Reply]]:
    """Asks about each example whose thought came to another label; only what ``template`` has a field for is shown."""
    flawed = {t.example_id: t for t in thoughts}
    wrong = [e for e in examples if flawed[e.id].reason and flawed[e.id].label != e.target.label]
    asks = []
    for e in wrong:
        text = template.fill(
            premise=e.inputs.premise,
            hypothesis=e.inputs.hypothesis,
            label=e.target.label,
            thought=flawed[e.id].reason or "",
            labels=said,
        )
        asks.append(Ask(e.id, [{"role": "user", "content": text}], schemas[0], fits=schemas[1]))
    return list(zip(wrong, teacher.ask_all(asks, **how), strict=True))


def _second(e: Example, reply: Reply, template: prompts.Prompt, label: str | None) -> Thought:
    value = reply.value or {}
    return Thought(
        e.id,
        value.get("thought_process"),
        label,
        reply.failure,
        template.stamp,
        reply.key,
        value.get("error_analysis"),
        bool(value.get("true_label_doubtful")),
    )


@dataclass(frozen=True)
class Selected:
    """Examples with a reason that was checked; what was dropped and why; pairs whose label is in doubt."""

    examples: tuple[Example, ...]
    dropped: tuple[Drop, ...]
    disagreements: tuple[Finding, ...]


def select(
    examples: Sequence[Example],
    thoughts: Sequence[Thought],
    corrected: Mapping[str, Thought],
    *,
    disagreement: Disagreement = "correct-with-label",
    rejected: Mapping[str, str] | None = None,
    prompt: str = "thought",
    correction_prompt: str = "reflect",
) -> Selected:
    """Believes a reason only after it was checked.

    ``disagreement`` is what happens to a pair whose thought came to another label: ``keep`` the teacher's
    label and reason, ``omit`` the pair, or take the reason of the second teacher (``correct-naturally``,
    ``correct-with-label``) where its label is the data's, unless its pair is among those ``rejected`` (id -> why,
    as of ``review``). Every reason
    that an error-level check of reasons finds fault with is dropped by that check's name, and so is one that
    speaks of what only the example in the prompt that made it is about.
    """
    by_id = {t.example_id: t for t in thoughts}
    made: list[Example] = []
    dropped: list[Drop] = []
    doubts: list[Finding] = []
    for e in examples:
        first = by_id[e.id]
        if first.reason is None or first.label is None:
            dropped.append(Drop(e.id, "teach", f"no thought: {first.failure}"))
            continue
        chosen = first
        if first.label != e.target.label:
            second = corrected.get(e.id)
            doubts.append(_doubt(e, first, second))
            if disagreement == "omit":
                dropped.append(
                    Drop(e.id, "teach", f"the teacher says {first.label!r}, the data {e.target.label!r}")
                )
                continue
            if disagreement in CORRECTING:
                why = "was not reflected on" if second is None else second.failure
                if second is not None and second.doubtful:
                    why = "the second teacher doubts the label"
                if second is not None and second.label is not None and second.label != e.target.label:
                    why = f"the second teacher says {second.label!r}, the data {e.target.label!r}"
                why = why or (rejected or {}).get(e.id)
                if second is None or second.reason is None or why:
                    dropped.append(Drop(e.id, "teach", f"not corrected: {why}"))
                    continue
                chosen = second
        assert chosen.label is not None
        meta = {**e.meta, "teach": {**chosen.prompt, "request": chosen.request}}
        made.append(Example(e.id, e.inputs, NliTarget(chosen.label, chosen.reason), meta))
    first_hand = [e for e in made if e.meta["teach"]["request"] == by_id[e.id].request]
    others = [e for e in made if e.meta["teach"]["request"] != by_id[e.id].request]
    bad = _copied(first_hand, prompt) | _copied(others, correction_prompt) | _faults(made)
    kept = tuple(e for e in made if e.id not in bad)
    dropped += [Drop(e.id, "teach", bad[e.id]) for e in made if e.id in bad]
    return Selected(kept, tuple(dropped), tuple(doubts))


def _copied(examples: Sequence[Example], prompt: str) -> dict[str, str]:
    """Example id -> which words of the prompt's example its reason took over, in a run: two that its own pair lacks."""

    def runs(text: str) -> set[tuple[str, ...]]:
        said = words(text)
        return {tuple(said[i : i + RUN_WORDS]) for i in range(len(said) - RUN_WORDS + 1)}

    template = prompts.load(prompt)
    shown = template.shown
    there = runs(shown)
    if "example" in template.fields:
        there |= runs(EXAMPLE)
    said = {w for w in words(shown) if len(w) > 2 and w not in STOP}
    found = {}
    for e in examples:
        own = {*words(e.inputs.premise), *words(e.inputs.hypothesis)}
        shared = {w for run in there & runs(e.target.reason or "") for w in run}
        copied = sorted((said & shared) - own)
        if len(copied) > 1:
            found[e.id] = (
                f"copied-from-example: {', '.join(copied)} stand in the prompt's example, not in the pair"
            )
    return found


def _faults(examples: Sequence[Example]) -> dict[str, str]:
    """Example id -> the check of reasons that speaks against it: all errors, and reasons that end nowhere."""
    faults: dict[str, str] = {}
    strict = ("reason-without-conclusion", "label-before-reasoning", "reason-too-long")
    for check in checks("nli"):
        if not check.name.startswith(("reason-", "label-before")):
            continue
        for finding in check(examples, CheckContext()):
            if finding.severity == "error" or check.name in strict:
                faults.setdefault(finding.example_id, f"{check.name}: {finding.message}")
    return faults


def _doubt(e: Example, first: Thought, second: Thought | None) -> Finding:
    """A disagreement between teacher and data is a likely label error; more so if its reason is sound."""
    verdict = conclusion(first.reason or "", e.inputs.hypothesis)
    entailed = follows(first.label or "")
    consistent = verdict is not None and entailed is not None and (verdict == "entailed") == entailed
    another = second.label if second else None
    # Doubt in words, or, of one that was not shown the label, by a label of its own.
    doubtful = bool(second and (second.doubtful or (another is not None and another != e.target.label)))
    found = {"thought": first.reason, "analysis": second.analysis if second else None, "doubtful": doubtful}
    if doubtful and another != e.target.label:
        found["second_label"] = another
    asked = {**first.prompt, "request": first.request}
    return Finding(
        e.id,
        "teacher-disagrees",
        "warning" if doubtful or consistent else "info",
        f"the teacher says {first.label!r}, the data {e.target.label!r}",
        {**found, "teach": asked},
        {"label": first.label},
    )
