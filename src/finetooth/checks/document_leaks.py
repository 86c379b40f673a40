"""Two splits against each other: the same documents, and how many of the entities training has shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from finetooth.checks._documents import flat
from finetooth.checks._similar import near, shingles
from finetooth.registry import CheckContext, check, flag
from finetooth.text import shorten, squeeze
from finetooth.types import Example, Finding

NEAR = 0.8  # of the runs of three words are shared
FEW_WORDS = 5  # "Thanks !" may well stand in both


@check("ner", "relation", severity="error", needs="against")
def document_in_both_splits(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A document stands, word for word or nearly, in both splits: the score measures memory.

    Augmented copies of a document leak the same way, so splits are made before augmenting.

    Bad: train {"text": "Ada left Rome in May."}, dev {"text": "Ada left Rome in May ."}
    Fix: drop it from one of the two
    """
    here = [shingles(e.inputs.text) for e in examples]
    there = [shingles(e.inputs.text) for e in context.against]
    for i, j, likeness in near(here, threshold=NEAR, against=there):
        example, other = examples[i], context.against[j]
        short = len(squeeze(example.inputs.text).split()) <= FEW_WORDS
        yield flag(
            example,
            f"{likeness:.0%} like {other.id} of {context.against_name or 'the other split'}: "
            f"{shorten(example.inputs.text, 60)!r}",
            severity="warning" if short else "error",
            fix={"drop": True},
            other=other.id,
            similarity=round(likeness, 4),
        )
    titles = {str(e.meta["title"]): e for e in context.against if e.meta.get("title")}
    told = {i for i, _, _ in near(here, threshold=NEAR, against=there)}
    for i, example in enumerate(examples):
        same = titles.get(str(example.meta.get("title", "")))
        if same is not None and i not in told:
            yield flag(
                example,
                f"has the title {example.meta['title']!r}, as {same.id} of {context.against_name or 'the other split'}",
                severity="warning",
                other=same.id,
            )


@check("ner", "relation", severity="info", needs="against")
def seen_entities(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """How many mentions are strings that the other split labels too. A list of strings would find those.

    Over half is a warning: report F1 of seen and unseen entities apart (``finetooth score --train``).

    Bad: nine of ten mentions of dev stand in train
    Fix: split by entity or by document; report both parts of the score
    """
    here = [(squeeze(m.text), m.type) for e in examples for m in flat(e)]
    there = {(squeeze(m.text), m.type) for e in context.against for m in flat(e)}
    if not here or not there:
        return
    strings = {s for s, _ in there}
    seen, typed = sum(s in strings for s, _ in here), sum(m in there for m in here)
    distinct = set(here)
    new = sorted({s for s, _ in distinct if s not in strings})
    share = seen / len(here)
    yield flag(
        "",
        f"{share:.0%} of {len(here):,} mentions ({sum(m in there for m in distinct) / len(distinct):.0%} of "
        f"{len(distinct):,} distinct ones) are also mentions of {context.against_name or 'the other split'}",
        severity="warning" if share > 0.5 else "info",
        mentions=len(here),
        seen=seen,
        seen_with_type=typed,
        distinct=len(distinct),
        seen_share=round(share, 4),
        unseen_examples=new[:10],
    )
