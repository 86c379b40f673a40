"""Of a value that nearly stands in the prompt: is what stands there surely meant, so that it may be written instead?

"A-1243", prompt "Order A-1234 for Ada"         -> A-1234: a code with two digits swapped
"colour", prompt "the column was replaced"      -> nobody knows: two words of the dictionary are a letter apart, too
"ada@mail.com", prompt "... write to ada@ma"    -> it is the prompt that is cut off
"""

from __future__ import annotations

import re
from typing import Any

from finetooth.checks.json_ground_rows import Miss, Row
from finetooth.checks.json_prompt import Prompt, as_text, fold
from finetooth.checks.json_says import nearest
from finetooth.checks.json_values import leaves

NAME = 5  # letters of a name, from which on another that is a letter off is hardly another name
TAIL = 4  # characters of a value at the end of a prompt that show where it was cut off
_YEAR = re.compile(r"(?:19|20)\d\d$")
_ENDED = tuple(".!?:;)]}\"'")


def cut_off(prompt: str, value: Any) -> str:
    """What of a value stands at the very end of a prompt that breaks off there; "" where it does not.

    A number is none: 1234 for 12345 is a slip as likely.
    """
    if not isinstance(value, str):
        return ""
    text, wanted = prompt.rstrip(), value.strip()
    if text.endswith(_ENDED):
        return ""
    low = text.casefold()
    for size in range(min(len(wanted) - 1, len(low)), TAIL - 1, -1):
        tail = wanted[:size].casefold()
        if low.endswith(tail) and not tail.endswith(" ") and not low[-size - 1 : -size].isalnum():
            # "... from Leeds" says Leeds; that "Leeds Road" goes on is made up, not cut off.
            whole_words = not wanted[size : size + 1].isalnum() and tail[-1].isalnum() and "@" not in wanted
            return "" if whole_words and "." not in wanted[size : size + 1] else text[-size:]
    return ""


def surely_meant(row: Row, m: Miss) -> bool:
    """Whether ``m.near`` may be written in place of the value: under its own label, or as the one thing it can be."""
    if m.label is not None:
        return True
    value, text = as_text(m.value), row.example.inputs.prompt
    near = fold(m.near)
    # The answer has what stands there elsewhere; this is another value, and made up.
    if any(path != m.path and fold(as_text(x)) == near for path, x in leaves(row.example.target.value)):
        return False
    if len(nearest(Prompt(text), m.value)) > 1 or (_YEAR.match(value) and _YEAR.match(m.near)):
        return False
    here, there = value.split(), m.near.split()
    if len(here) != len(there):
        return len(here) > 2  # a word left out of a text, or blanks in a long number
    apart = [(a, b) for a, b in zip(here, there, strict=True) if a.casefold() != b.casefold()]
    if not all(a.isalpha() and b.isalpha() for a, b in apart):
        return not any(a.isalpha() and b.isalpha() for a, b in apart)
    names = all(min(len(a), len(b)) >= NAME and a[0].isupper() and b[0].isupper() for a, b in apart)
    return names and (len(here) > 1 or not _in_a_phrase(text, m.near))


def _in_a_phrase(text: str, word: str) -> bool:
    """Whether another capitalised word stands beside it: "Lane" of "Mill Lane" is no place of its own."""
    at = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)
    if at is None:
        return True
    before, after = text[: at.start()].split(" ")[-2:-1], text[at.end() :].split(" ")[1:2]
    follows = text[at.end() : at.end() + 1] == " " and bool(after) and after[0][:1].isupper()
    precedes = text[at.start() - 1 : at.start()] == " " and bool(before) and before[0][:1].isupper()
    return follows or (precedes and before[0][-1:].isalnum())
