"""Questions that stand twice over one context, to the letter or nearly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from finetooth.checks._evidence import contexts_of, passage, stem, stems
from finetooth.checks._qa import by_context, squeezed
from finetooth.checks.common_rows import made_id
from finetooth.checks.qa_contexts import families
from finetooth.checks.qa_golds import contradict
from finetooth.registry import CheckContext, check, flag
from finetooth.tasks.qa_parts import question_type
from finetooth.text import normalize_answer, shorten, squeeze
from finetooth.types import Example, Finding

NEAR = 0.7  # of the stems of both questions
# Words that ask for another one of several.
_APART = frozenset(
    map(stem, "another other second third fourth next previous former latter not least most".split())
)
MOST_COMPARED = 200  # questions before it over the same context


@check("qa", severity="warning")
def near_duplicate_question(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The same question in other words, over the same or nearly the same context, with the same answer.

    Seven in ten of the word stems of both are shared (Jaccard similarity), and what differs does not tell
    two things apart; when and what, one and another do. It counts twice in training, and in evaluation it makes intervals too narrow. The
    later one is named.

    Bad: "Who won the cup in 1990?" and "Who won the 1990 cup?" over one context, both with "Ada"
    Fix: one of the two
    """
    groups = by_context(examples)
    for family in families(contexts_of(examples)):
        group = [e for text in family for e in groups[text]]
        asked = [frozenset(stems(e.inputs.question)) for e in group]
        exact = [(squeezed(e.inputs.context), squeeze(e.inputs.question)) for e in group]
        for i, example in enumerate(group):
            for j in range(max(0, i - MOST_COMPARED), i):
                common = len(asked[i] & asked[j])
                if not common or common < NEAR * (len(asked[i]) + len(asked[j]) - common):
                    continue
                if exact[i] == exact[j] or not _asks_the_same(example, group[j], asked[i], asked[j]):
                    continue
                yield flag(
                    example,
                    f"asks nearly what {group[j].id} asks: {shorten(repr(group[j].inputs.question), 80)}",
                    fix="leave one out",
                    other=group[j].id,
                    similarity=round(common / len(asked[i] | asked[j]), 3),
                )
                break


def _asks_the_same(one: Example, other: Example, ours: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether an answer is the same to the letter, and the words that differ do not tell two things apart.

    "the northern part" and "the southern part" do, where the context speaks of both; so do numbers.
    """
    if not {normalize_answer(a.text) for a in one.target.answers} & {
        normalize_answer(a.text) for a in other.target.answers
    }:
        return False
    only_ours, only_theirs = ours - theirs, theirs - ours
    if any(c.isdigit() for s in only_ours | only_theirs for c in s):
        return False
    if {*only_ours, *only_theirs} & _APART or _asks_for(one) != _asks_for(other):
        return False
    told = passage(one.inputs.context).places
    return not (only_ours & told.keys() and only_theirs & told.keys())


def _asks_for(example: Example) -> str:
    """when, how many, how, why; "" for what may be asked as who, what, which or where of the same thing."""
    kind = question_type(example, {})
    return kind if kind in ("when", "how many", "how", "why") else ""


@check("qa", severity="warning")
def duplicate_question(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The same question over the same context, but for case and blanks, with an answer that agrees.

    The later one is named. Where the answers contradict each other, same-question-different-answers says
    so; where the same row stands twice under one id, duplicate-id does.

    Bad: two rows "Who left?" over "Ada left.", both with "Ada"
    Fix: one of the two
    """
    first: dict[tuple[str, str], Example] = {}
    for example in examples:
        key = (squeeze(example.inputs.question), squeezed(example.inputs.context))
        earlier = first.setdefault(key, example)
        if earlier is example or contradict(earlier, example):
            continue
        same = (earlier.inputs, earlier.target) == (example.inputs, example.target)
        if same and example.meta.get("given_id") == earlier.id and not made_id(earlier.id):
            continue
        where = (
            f"the same row twice, first as {earlier.id}"
            if same
            else f"the same question stands in {earlier.id}"
        )
        yield flag(
            example,
            f"{where}: {shorten(repr(example.inputs.question), 80)}",
            fix="leave one out",
            other=earlier.id,
        )
