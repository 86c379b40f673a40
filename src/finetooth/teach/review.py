"""A judge's word on corrections, used only where the judge was shown to tell good reasons from planted bad ones.

review(examples, made, corrected, teacher)  ->  Review(agreement={...}, used=True, rejected={"p7": "..."})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetooth.teach.client import Teacher
from finetooth.teach.judge import Duel, Verdict, agreement, judge
from finetooth.teach.thoughts import Thought
from finetooth.text import words
from finetooth.types import Example

PLANTED = 20  # pairs with a good and a planted bad reason, by which the judge itself is measured


@dataclass(frozen=True)
class Review:
    """``agreement`` as of ``judge.agreement`` on planted reasons; ``used``: its interval lies above one half.

    ``rejected``: example -> why, for corrections that lost against the flawed reasoning; empty if not used.
    """

    agreement: Mapping[str, Any]
    used: bool
    rejected: Mapping[str, str]
    judged: int

    def to_json(self) -> dict[str, Any]:
        return {**self.agreement, "used": self.used, "judged": self.judged, "rejected": len(self.rejected)}


def planted(examples: Sequence[Example], made: Sequence[Thought], most: int = PLANTED) -> list[Duel]:
    """Reasons that came to the data's label, each against that of the pair it shares the fewest words with."""
    reasons = {t.example_id: t for t in made}
    right = [e for e in examples if (t := reasons[e.id]).reason and t.label == e.target.label]
    bags = [set(words(reasons[e.id].reason or "")) for e in right]
    duels = []
    for e in right[:most]:
        own = set(words(f"{e.inputs.premise} {e.inputs.hypothesis}"))
        other = min(range(len(right)), key=lambda i: len(own & bags[i]))
        good, bad = reasons[e.id].reason or "", reasons[right[other].id].reason or ""
        if good != bad:
            duels.append(Duel(f"planted:{e.id}", e.inputs.premise, e.inputs.hypothesis, good, bad))
    return duels


def review(
    examples: Sequence[Example],
    made: Sequence[Thought],
    corrected: Mapping[str, Thought],
    teacher: Teacher,
    *,
    concurrency: int = 8,
    budget: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Review:
    """Measures the judge first, then asks it about each correction, blind and in both orders."""
    flawed = {t.example_id: t.reason for t in made}
    duels = planted(examples, made)
    test = len(duels)
    for e in examples:
        better = corrected.get(e.id)
        # One that came to another label than the data's is not taken, whatever a judge says.
        if better is not None and better.label == e.target.label and better.reason and flawed[e.id]:
            duels.append(Duel(e.id, e.inputs.premise, e.inputs.hypothesis, better.reason, flawed[e.id] or ""))
    verdicts: list[Verdict] = judge(duels, teacher, concurrency=concurrency, budget=budget, progress=progress)
    found = agreement(verdicts[:test])
    used = test > 0 and found["low"] is not None and found["low"] > 50.0
    lost = [v for v in verdicts[test:] if v.winner == "second"] if used else []
    why = "the judge prefers the flawed reasoning"
    return Review(found, used, dict.fromkeys((v.id for v in lost), why), len(duels) - test)
