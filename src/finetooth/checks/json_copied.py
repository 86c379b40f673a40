"""Texts that are copied otherwise than in the other rows: blanks left at the edges, another case, only a part of a name.

59 rows answer {"name": "Ada Moss"} as the prompt has it -> " Ada Moss", "ada moss" and "Ada" in the sixtieth are told
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from finetooth.checks.json_discover import by_schema
from finetooth.checks.json_fields import nodes
from finetooth.checks.json_prompt import stands_in
from finetooth.checks.json_values import Path, Pattern, placed_leaves, show_path
from finetooth.registry import CheckContext, check, flag
from finetooth.types import Example, Finding

USUAL = 0.9  # share of the rows that copy a field whole, to the letter
ENOUGH = 10  # rows with the field


@check("json", severity="warning")
def copied_differently(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A text is copied from the prompt otherwise than nearly all other rows copy it: blanks at its edges, another case,
    one word of a name.

    A comparison to the letter then calls the right answer wrong, and the model learns both ways.

    Bad: {"prompt": "Customer Ada Moss, 36", "expected_output": {"name": "ada moss"}} where 59 of 60 rows keep the case
    Fix: {"prompt": "Customer Ada Moss, 36", "expected_output": {"name": "Ada Moss"}}
    """
    for group in by_schema(examples).values():
        schema = group[0].inputs.schema
        chosen = {p for p, node in nodes(schema).items() if "enum" in node} if schema else set()
        texts: dict[Pattern, list[tuple[Example, Path, str]]] = defaultdict(list)
        for e in group:
            for path, place, value in placed_leaves(e.target.value):
                if isinstance(value, str) and value.strip() and place not in chosen:
                    texts[place].append((e, path, value))
        for told in texts.values():
            if len(told) >= ENOUGH:
                yield from _told(told)


def _told(told: Sequence[tuple[Example, Path, str]]) -> Iterator[Finding]:
    whole = [v == v.strip() and stands_in(v, e.inputs.prompt) for e, _, v in told]
    usual, of = sum(whole), len(told)
    if usual < USUAL * of:
        return
    names = sum(" " in v for (_, _, v), exact in zip(told, whole, strict=True) if exact) >= USUAL * of
    for (e, path, value), exact in zip(told, whole, strict=True):
        bare, prompt = value.strip(), e.inputs.prompt
        said = bare if stands_in(bare, prompt) else _in_another_case(bare, prompt)
        what = ""
        if value != bare and "\n" not in value:
            what = "has blanks at its edges"
        elif not exact and said:
            what = f"has another case than {said!r} in the prompt"
        elif exact and names and " " not in value and (more := _goes_on(value, prompt)):
            what, said = f"is a part of {more!r} in the prompt", ""
        if what:
            shown = show_path(path)
            yield flag(
                e, f"{shown} is {value!r} and {what}; {usual} of {of} values are copied whole",
                fix={"path": shown, "value": said} if said else None,
                path=shown, found=value, prompt=said or None, whole=usual, of=of,
            )  # fmt: skip


def _in_another_case(text: str, prompt: str) -> str:
    """How the prompt writes a text whose case is another; "" where it does not, or does so in several ways."""
    pattern = rf"(?<!\w){re.escape(text)}(?!\w)"
    found = {m[0] for m in re.finditer(pattern, prompt, re.I)}
    return found.pop() if len(found) == 1 else ""


def _goes_on(word: str, prompt: str) -> str:
    """The name of several capitalised words that a word is the first or last of, wherever the word stands; else ""."""
    at = list(re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", prompt))
    first = [re.match(r"[^\W\d]+ [A-Z][^\W\d_]+", prompt[m.start() :]) for m in at]
    return first[0][0] if word[:1].isupper() and first and all(first) and first[0] else ""
