"""Reasons for a label: does the conclusion agree with it, are the steps there, are they of this pair?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from finetooth.checks._verdict import TOLD, conclusion, relation, sentences
from finetooth.registry import CheckContext, check, flag
from finetooth.tasks.nli import follows
from finetooth.tasks.nli_outputs import kind
from finetooth.text import shorten, squeeze, words
from finetooth.types import Example, Finding

MAX_REASON_WORDS = 250
_STOP = frozenset(
    """a an the of in on at to for from by with and or but is are was were be been it its this that these those
as not no do does did has have had he she they we i you his her their there which who what when than then so if can could would will
may might must also step premise hypothesis states suggests inferred entailed label based""".split()
)


def reasons(example: Example) -> Iterator[tuple[str, str, str]]:
    """(name, reason, the label beside it) of all reasons an example holds."""
    held = example.meta.get("reasons")
    if held is None and example.target.reason is not None:
        held = [("reason", example.target.reason, example.target.label)]
    for name, reason, label in held or ():
        if reason and label is not None:
            yield name, reason, label


@check("nli", severity="error")
def reason_contradicts_label(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The reason ends in one verdict, the label beside it is another: a student learns that reasons don't matter.

    Only for information where a row holds an improved reason as well: there the label was corrected, and the
    first reason is kept as the mistake it was. Where nearly every reason speaks against its label the
    labels are read the wrong way round, which is said once.

    Where a set has the three labels, "the hypothesis contradicts the premise" beside "neutral" is one too.

    Bad: {"reason": "... the hypothesis cannot be inferred.", "label": 1}
    Fix: let the teacher reason again, or drop the row; change the label only where a person agrees
    """
    names = {e.target.label for e in examples}
    against: list[Finding] = []
    decided = 0
    for e in examples:
        for name, reason, label in reasons(e):
            verdict, entailed = conclusion(reason, e.inputs.hypothesis), follows(label, names)
            if verdict is None or entailed is None:
                continue
            corrected = reason != e.target.reason and label == e.target.label
            decided += not corrected
            if (verdict == "entailed") == entailed:
                # Of three labels two say "not entailed"; the wording may tell which.
                told = relation(reason, e.inputs.hypothesis)
                if entailed or told is None or _one_of_three(label, names) in (None, told):
                    continue
                verdict = told
            found = flag(
                e,
                f"{name} concludes {verdict!r}, the label beside it is {label!r}"
                + (", which was corrected since" if corrected else ""),
                severity="info" if corrected else "",
                part=name,
                label=label,
                conclusion=verdict,
                end=shorten(reason[-160:], 160),
            )
            if corrected:
                yield found
            else:
                against.append(found)
    if len(against) >= 20 and len(against) > 0.8 * decided:
        yield flag(
            "",
            f"{len(against)} of {decided} reasons conclude the opposite of their label: what do {sorted(names)} mean?",
            fix="map the labels to names when the file is read",
            against=len(against),
            decided=decided,
        )
        return
    yield from against


def _one_of_three(label: str, names: Collection[str]) -> str | None:
    """ "neutral" or "contradicted", where the set has a label for either; None where it has not."""
    kinds = {name: kind(name) for name in (label, *names)}
    return kinds[label] if {"neutral", "contradicted"} <= set(kinds.values()) else None


@check("nli", severity="info")
def reason_without_conclusion(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The end of the reason does not say whether the hypothesis follows.

    Bad: {"reason": "step 1: the premise is about cats. step 2: the hypothesis is about dogs."}
    Fix: ask the teacher for a last step that concludes
    """
    for e in examples:
        for name, reason, label in reasons(e):
            if conclusion(reason, e.inputs.hypothesis) is None:
                yield flag(
                    e, f"{name} comes to no verdict", part=name, label=label, end=shorten(reason[-120:], 120)
                )


@check("nli", severity="warning")
def reason_steps_missing(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Reasons of this set go in numbered steps; this one leaves steps out or has one sentence only.

    Bad: {"reason": "step 1: cats are animals. step 3: it follows."}
    Fix: let the teacher reason again
    """
    numbered = {e.id: [(n, r, _steps(r)) for n, r, _ in reasons(e)] for e in examples}
    every = [s for held in numbered.values() for _, _, s in held]
    habit = sum(bool(s) for s in every) > 0.5 * len(every) if every else False
    for e in examples:
        for name, _, steps in numbered[e.id]:
            if steps and steps != list(range(1, len(steps) + 1)):
                yield flag(e, f"{name} has the steps {steps}", part=name, steps=steps)
            elif habit and not steps:
                yield flag(e, f"{name} has no numbered steps, most of the others have", part=name)


def _steps(reason: str) -> list[int]:
    return [int(n) for n in re.findall(r"\bstep\s*(\d+)\s*[:.)]", reason, re.I)]


@check("nli", severity="warning")
def label_before_reasoning(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The reason opens with the verdict: what follows justifies it and does not lead to it.

    Bad: {"reason": "The label is 0, because ..."}
    Fix: let the teacher reason again, verdict last
    """
    for e in examples:
        for name, reason, _ in reasons(e):
            first = reason[:150]
            if (hit := _OPENING.search(first)) and len(words(reason[hit.end() :])) >= 4:
                yield flag(e, f"{name} opens with the verdict", part=name, start=shorten(first, 80))
            elif hit := _told(reason):
                yield flag(
                    e,
                    f"{name} speaks of the label it was shown: {hit.group()!r}",
                    part=name,
                    found=hit.group(),
                )


_VERDICT = r"(?:not\s+)?(?:entailment|entailed|neutral|contradict(?:ion|ed)|not[\s_-]entailment|supported|inferable|true|false|correct|incorrect)"
_OPENING = re.compile(
    r"^\W*(?:step\s*1\s*[:.)]\s*)?(?:"
    r"(?:the\s+)?(?:true\s+|correct\s+|final\s+|predicted\s+)?(?:label|answer|verdict)\s*(?:is|:|=)"
    r"|(?:since|because)\s+the\s+(?:true\s+)?label\s+is"
    rf"|{_VERDICT}\s*[.:;,\u2013\u2014-]"
    rf"|(?:it|this|that|the\s+pair|the\s+hypothesis|the\s+relation\w*)\s+(?:is|must\s+be)\s+(?:\w+\s+)?(?:a\s+|an\s+)?{_VERDICT}\s*(?:[:;\u2013\u2014-]|,?\s*(?:because|since|as)\b)"
    r"|(?:yes|no)\s*[,:.;!\u2013\u2014-]"
    r"|the\s+hypothesis\s+(?:can|cannot|can't|can\s+not)\s+be\s+inferred\s*,?\s*(?:because|since|as)\b"
    r")",
    re.I,
)


def _told(reason: str) -> re.Match[str] | None:
    """Where it speaks of a label that it cannot know; "so the correct label is 0" at its end is a verdict."""
    said = sentences(reason)
    return TOLD.search(reason) or re.search(r"\bcorrect\s+label\b", " ".join(said[:-1]), re.I)


@check("nli", severity="warning")
def reason_copies_prompt(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The reason is the premise or the hypothesis again and adds next to nothing.

    Bad: {"premise": "Ada left at noon.", "reason": "Ada left at noon."}
    Fix: let the teacher reason again
    """
    for e in examples:
        own = set(words(e.inputs.premise)) | set(words(e.inputs.hypothesis))
        for name, reason, _ in reasons(e):
            said = words(reason)
            fresh = [w for w in said if w not in own]
            if not said or len(fresh) / len(said) < 0.15:
                yield flag(
                    e, f"{name} holds {len(fresh)} words of {len(said)} that the pair does not", part=name
                )


@check("nli", severity="warning")
def reason_too_long(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The reason is far longer than a student can learn to write (250 words), or repeats itself.

    Bad: {"reason": "it follows. it follows. it follows. it follows. it follows. it follows."}
    Fix: ask the teacher for brevity, or drop the row
    """
    for e in examples:
        for name, reason, _ in reasons(e):
            n = len(words(reason))
            sentences = [squeeze(s) for s in re.split(r"[.!?]\s+", reason) if s.strip()]
            again = len(sentences) - len(set(sentences))
            if n > MAX_REASON_WORDS:
                yield flag(e, f"{name} has {n} words, at most {MAX_REASON_WORDS}", part=name, words=n)
            elif again >= 2:
                yield flag(
                    e, f"{name} repeats {again} of its {len(sentences)} sentences", part=name, repeated=again
                )


@check("nli", severity="error")
def reason_said_of_others(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The very same reason stands for pairs of other words: it was copied, from the prompt's example as a rule.

    Only reasons of eight words or more; a short one may hold for many. A reason that speaks of its own hypothesis
    is none: of like hypotheses the same may be said.

    Bad: {"premise": "A dog runs.", "reason": "step 1: the shop closes at six ..."} for one pair after the other
    Fix: a stronger teacher, or another example in the prompt; drop the rows
    """
    held: dict[str, dict[str, str]] = {}
    often = Counter(w for e in examples for w in _content(e.inputs.hypothesis))
    rare = max(2, len(examples) // 50)
    for e in examples:
        for _, reason, _ in reasons(e):
            held.setdefault(squeeze(reason), {}).setdefault(squeeze(e.inputs.premise), e.id)
    for e in examples:
        for name, reason, _ in reasons(e):
            others = [i for p, i in held[squeeze(reason)].items() if p != squeeze(e.inputs.premise)]
            shared = _content(reason) & _content(e.inputs.hypothesis)
            fits = len(shared) >= 2 or any(often[w] <= rare for w in shared)
            if others and not fits and len(words(reason)) >= 8:
                yield flag(
                    e,
                    f"{name} is word for word that of {len(others)} other premises, as {others[0]}",
                    part=name,
                    others=others[:10],
                    fix={"drop": True},
                )


@check("nli", severity="error")
def reason_of_another_pair(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The reason speaks of the words of another pair and of none of its own: rows were mixed up.

    Bad: {"premise": "Ada left.", "hypothesis": "Ada went.", "reason": "The cat sleeps on the sofa, so ..."}
    Fix: put the reason back to its pair, or drop the row
    """
    content = [_content(f"{e.inputs.premise} {e.inputs.hypothesis}") for e in examples]
    holders: dict[str, list[int]] = {}
    for i, own in enumerate(content):
        for word in own:
            holders.setdefault(word, []).append(i)
    for i, e in enumerate(examples):
        for name, reason, _ in reasons(e):
            said = _content(reason)
            if len(content[i]) < 3 or len(said) < 5 or len(said & content[i]) > 0.1 * len(content[i]):
                continue
            votes: dict[int, int] = {}
            for word in said:
                for j in holders.get(word, ())[:200]:
                    votes[j] = votes.get(j, 0) + 1
            j = max(votes, key=lambda k: votes[k] / (1 + len(content[k])), default=i)
            if j != i and votes[j] >= max(3, 0.5 * len(content[j])):
                yield flag(
                    e,
                    f"{name} speaks of {examples[j].id}'s words, not of its own",
                    part=name,
                    other=examples[j].id,
                )


def _content(text: str) -> set[str]:
    return {w for w in words(text) if w not in _STOP and len(w) > 2}
