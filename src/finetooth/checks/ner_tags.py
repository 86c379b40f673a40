"""Columns of tags: sequences that a scheme does not allow, tags that are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from finetooth.metrics.ner_tags import _SPELLINGS, is_tag, split
from finetooth.registry import CheckContext, check, flag
from finetooth.types import Example, Finding


def _read(tag: str) -> tuple[str, str]:
    """(letter, type), the letter that of BIOES: BILOU's L is its E, BMES's M its I."""
    prefix, kind = split(tag)
    return (_SPELLINGS.get(prefix, prefix) if kind else prefix), kind


def _foreign(tag: str, scheme: str) -> bool:
    """Whether a tag has a letter of BIOES, BILOU or BMES that IOB1 and IOB2 do not have."""
    return scheme != "bioes" and tag != "O" and split(tag)[0] not in ("B", "I") and is_tag(tag)


def _letters(tags: Iterable[str]) -> dict[str, str]:
    """How E and S are written in these tags: BILOU has L and U."""
    used = Counter(split(tag)[0] for tag in tags if "-" in tag)
    made = {}
    for letter, others in (("E", "L"), ("S", "UW")):
        made[letter] = max(letter + others, key=lambda x: used[x])
    if not used[made["E"]] and made["S"] == "U":
        made["E"] = "L"
    if not used[made["S"]] and made["E"] == "L":
        made["S"] = "U"
    return made


@check("ner", severity="warning")
def orphan_inside_tag(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """``I-`` follows neither ``B-`` nor ``I-`` of its type. Scorers disagree on what it is.

    conlleval takes it for the start of an entity, strict IOB2 for nothing; both figures are reported.
    In a file of IOB1 tags it is the rule and no finding; in BIOES, ``I-`` and ``E-`` need a ``B-``, and in its
    other spellings (BILOU, BMES, BMEWO) ``L-`` and ``M-`` do.

    Bad: Ada O, Lovelace I-PER
    Fix: Ada O, Lovelace B-PER
    """
    letters = _letters(tag for e in examples for tag in e.target.tags or ())
    for example in examples:
        target = example.target
        if target.tags is None or target.scheme == "iob1":
            continue
        before = ("O", "")
        for i, tag in enumerate((*target.tags, "O")):  # the O closes the last one
            prefix, kind = _read(tag)
            if _foreign(tag, target.scheme):
                prefix = "I"  # unknown-tag says so
            elif prefix in ("I", "E") and not (before[0] in ("B", "I") and before[1] == kind):
                word = example.inputs.tokens[i].text
                was = "the beginning" if i == 0 else target.tags[i - 1]
                goes_on = prefix == "I" and _read((*target.tags, "O")[i + 1]) in (("I", kind), ("E", kind))
                start = letters["S"] if target.scheme == "bioes" and not goes_on else "B"
                yield flag(
                    example,
                    f"{tag} of {word!r} follows {was}",
                    fix={"token": i, "tag": f"{start}-{kind}"},
                    token=i,
                    tag=tag,
                    before=target.tags[i - 1] if i else None,
                )
                prefix = "B" if goes_on else "S"  # what comes next is judged as if this were put right
            elif (
                target.scheme == "bioes"
                and before[0] in ("B", "I")
                and not (prefix in ("I", "E") and kind == before[1])
            ):
                yield flag(
                    example,
                    f"{target.tags[i - 1]} is not closed by {letters['E']}-{before[1]}",
                    fix={"token": i - 1, "tag": f"{letters['S' if before[0] == 'B' else 'E']}-{before[1]}"},
                    token=i - 1,
                    tag=target.tags[i - 1],
                )
            before = (prefix, kind)


@check("ner", severity="error")
def unknown_tag(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A tag is neither ``O`` nor a known letter, a hyphen and one type, or has a letter that the file's scheme lacks.

    It is read as best can. A file is BIOES (or BILOU, BMES) where that is the scheme that fewest of its tags
    break; a stray ``S-`` or ``E-`` in another file is one wrong tag, not another scheme.

    Bad: Ada B-PER,B-ORG
    Fix: Ada B-PER
    """
    for example in examples:
        scheme, before = example.target.scheme, ("O", "")
        for i, tag in enumerate(example.target.tags or ()):
            letter, kind = _read(tag)
            if not is_tag(tag) or "," in tag:
                read = "-".join(split(tag))
                yield flag(
                    example,
                    f"{example.inputs.tokens[i].text!r} has the tag {tag!r}",
                    fix={"token": i, "tag": read} if is_tag(read) and read != tag else None,
                    token=i,
                    tag=tag,
                )
            elif _foreign(tag, scheme):
                goes_on = letter != "S" and before[1] == kind
                # In IOB1 a B only parts two of one type.
                letter = "I" if goes_on or (scheme == "iob1" and before[1] != kind) else "B"
                yield flag(
                    example,
                    f"{example.inputs.tokens[i].text!r} has the tag {tag!r}, and the file is {scheme.upper()}",
                    fix={"token": i, "tag": f"{letter}-{kind}"},
                    token=i,
                    tag=tag,
                    scheme=scheme,
                )
            before = (letter, kind)


@check("ner", severity="warning")
def empty_token(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A token has no character that can be seen. Tokenizers drop it, and every tag after it shifts by one.

    Bad: a line that holds a zero-width space and O
    Fix: drop the line from the data and from the predictions alike
    """
    for example in examples:
        for i, token in enumerate(example.inputs.tokens or ()):
            if not any(c.isprintable() and not c.isspace() for c in token.text):
                yield flag(example, f"token {i} is {token.text!r}", fix={"token": i, "drop": True}, token=i)
