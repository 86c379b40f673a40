"""Whether columns of predicted tags are for these sentences: the tokens beside the tags against the data's own.

Ada     B-PER       of the prediction, and in the data stands  Bob     B-PER
"""

from __future__ import annotations

import html
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from finetooth.errors import DataError
from finetooth.metrics.ner_tags import is_tag
from finetooth.text import many, shorten
from finetooth.types import Example

if TYPE_CHECKING:
    from finetooth.io import Source

# The Penn Treebank's names of brackets.
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}
# What a program writes in the place of a word that it does not know or does not show.
_STANDS_FOR_ANY = frozenset(("unk", "oov", "url", "httpurl", "user", "usr", "num", "number"))


@lru_cache(maxsize=1 << 16)
def _key(token: str) -> str:
    """Letters and digits, whatever their case, form, accents and escapes; digits are all one."""
    plain = unicodedata.normalize("NFKD", html.unescape(_BRACKETS.get(token, token))).casefold()
    return "".join("0" if c.isdigit() else c for c in plain if c.isalnum())


def same(one: str, other: str) -> bool:
    """Whether two tokens are one but for what tools do to tokens: case, escapes, digits, a lost encoding, ``[UNK]``."""
    if one == other:
        return True
    a, b = _key(one), _key(other)
    if a == b or a in _STANDS_FOR_ANY or b in _STANDS_FOR_ANY:
        return True
    for token, meant in ((one, b), (other, a)):
        for encoding in ("cp1252", "latin-1"):
            try:
                if not token.isascii() and _key(token.encode(encoding).decode("utf-8")) == meant:
                    return True
            except ValueError:
                continue
    lost = any(
        mark in token for mark in "?\ufffd" for token in (one, other)
    )  # letters an encoding did not have
    return lost and _ascii(one) == _ascii(other)


def _ascii(token: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFC", token).casefold() if c.isascii() and c.isalnum())


def refuse_others(source: Source, examples: Sequence[Example]) -> None:
    """Raises DataError naming the first token of the file that is not the data's, where the file has tokens.

    The file must have as many as the examples; its sentences may be cut otherwise. Of several columns the one that is
    most like the data's tokens is compared. Tags alone, or beside nothing but other tags, are not looked at.
    """
    from finetooth.readers.conll import _counted, _sentences, _words

    sentences = [lines for lines, _, _ in _sentences(source, least=1)]
    if _counted(sentences):
        sentences = [_words(lines) for lines in sentences]
    lines = [line for sentence in sentences for line in sentence]
    wanted = [t.text.strip() for e in examples for t in e.inputs.tokens or ()]
    width, _ = Counter(len(fields) for _, fields in lines).most_common(1)[0] if lines else (0, 0)
    best: list[int] | None = None
    for column in range(width - 1):
        words = [fields[column].strip() if len(fields) == width else "" for _, fields in lines]
        if all(is_tag(word) for word in words if word):
            continue
        # A token of which nothing can be seen may be missing on either side.
        odd = [i for i, (a, b) in enumerate(zip(words, wanted, strict=True)) if a and b and not same(a, b)]
        if best is None or len(odd) < len(best):
            best, found = odd, words
    if not best:
        return
    first = best[0]
    ends = list(accumulate(len(e.inputs.tokens or ()) for e in examples))
    number = bisect_right(ends, first)  # of the sentence that holds it
    example = examples[number]
    at = first - (ends[number - 1] if number else 0)
    raise DataError(
        f"token {at + 1} of sentence {number + 1} is {shorten(repr(found[first]), 40)}, the data has "
        f"{shorten(repr(wanted[first]), 40)} ({example.id}); {many(len(best), 'token')} of {len(wanted):,} "
        f"{'differs' if len(best) == 1 else 'differ'}",
        where=f"{source}:{lines[first][0]}",
        cure="predict for these sentences, in this order; if the tokens were changed on purpose, give the tags alone, one a line",
    )
