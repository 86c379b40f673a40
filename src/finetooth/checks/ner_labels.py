"""Labels of entities by themselves: rows that have none at all, types that are none, or nearly another one.

{"text": "Ada left.", "entities": [{"start": 0, "end": 3, "type": "B-PER"}]}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from finetooth.registry import CheckContext, check, flag
from finetooth.tasks.ner import UNLABELLED
from finetooth.text import many
from finetooth.types import Example, Finding


@check("ner", severity="warning")
def unlabelled_rows(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Rows have no entities at all, not even an empty list, where others have: are they unlabelled, or without any?

    They stand in no score, and training reads them as texts without entities. One finding for all of them.

    Bad: {"text": "Ada left."} among rows with "entities"
    Fix: "entities": [] where there is none; label the others, or take them out
    """
    without = [e.id for e in examples if e.meta.get(UNLABELLED)]
    if without and len(without) < len(examples):
        yield flag(
            "",
            f"{many(len(without), 'row has', 'rows have')} no list of entities, "
            f"{len(examples) - len(without):,} have; for one {without[0]}",
            fix="[] where a text has no entities; label the others, or take them out",
            rows=len(without),
            ids=without[:20],
        )
