"""What a reason concludes: does the hypothesis follow or not, as a reader of its last sentences would say.

"... so it cannot be inferred."                              not entailed
"... it is plausible, although nothing says so outright."    entailed: what is conceded is not concluded
"... the true label is 1, so it follows."                    None: a label it was shown is no conclusion

Wordings are looked for, no model is asked. Strong ones ("can be inferred") count in the last four
sentences, weak ones ("is plausible", "there is no evidence that") in the last two; the latest sentence that
says either decides, and in it the latest wording of the stronger kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from finetooth.checks._verdict_words import (
    FLIP,
    NO_CLASH,
    NOT_REFUTED,
    STRONG_NO,
    STRONG_YES,
    THAT,
    WEAK_NO,
    WEAK_YES,
)
from finetooth.text import words

YES, NO, NEITHER = "entailed", "not entailed", ""


# A concession is what the sentence does not rest on, and a ground is not its conclusion.
_CONCEDED = re.compile(
    r"\b(?:although|though|even\s+(?:though|if)|while|whilst|whereas|despite|in\s+spite\s+of|albeit|regardless|notwithstanding)\b[^,;]*(?:[,;]|$)",
    re.I,
)
_GROUND = re.compile(r"\b(?:since|because|given|due\s+to|based\s+on|considering)\b[^,;]*(?:[,;]|$)", re.I)
_ASKED = re.compile(r"\b(?:whether|(?:to|we)\s+(?:determine|see|decide|check|know)\s+if)\b[^,;.]*", re.I)
_OPENING = re.compile(r"^\W*(?:step\s*\d+\s*[:.)]\s*)?(?:(?:however|but|thus|so|therefore)\W+)?", re.I)
# What one might think, and then does not: "at first glance it seems unsupported, but it follows".
_SEEMING = re.compile(
    r"\b(?:at\s+first\s+(?:glance|sight)|on\s+the\s+(?:face|surface)(?:\s+of\s+it)?|(?:it\s+is|it's|while)\s+tempting\s+to"
    r"|(?:one|you|we|some|people|readers?)\s+(?:might|may|could)\s+(?:\w+\s+)?(?:think|worry|expect|argue|object|assume|believe|say|suppose)"
    r"|to\s+be\s+(?:entailed|inferred|true|supported)\s*,|(?:wrongly|mistakenly|incorrectly)\s+(?:concluded|inferred|assumed)\s+that)[^;.]*?(?=,|;|\bbut\b|$)",
    re.I,
)
_THAT_IS = re.compile(r"\s*(?:from\s+the\s+premise\s+)?that\s+([^,;.]*)", re.I)
_EITHER = re.compile(r"\s*(?:\w+\s+){0,3}either\b", re.I)  # not refuted either: and so not entailed
_THEREFORE = re.compile(r"[,;]\s*(?:and\s+)?(?:so|therefore|thus|hence)\b,?\s+([^;.]+)", re.I)
_CLAIMED = re.compile(r"^\W*(?:however|but|yet)?\W*the\s+hypothesis\s+(?:claims|says|states|asserts)\b", re.I)
_NOT_ALL = re.compile(r"\bnot\s+(?:necessarily\s+)?(?:all|every\w*|each|always)\b", re.I)
_ALL = re.compile(r"\b(?:all|every\w*|each|always)\b", re.I)
_STEP = re.compile(r"^\W*step\s*\d+\W*$", re.I)
# A label that the reason was shown: "the true label", "I was told the label is 1", "since the correct label is 1".
TOLD = re.compile(
    r"\b(?:true|gold|given|provided|actual|expected|reference|target|annotated)\s+(?:label|answer|verdict)\b|\bground[\s-]truth\b"
    r"|\b(?:told|shown|informed|given)\s+(?:that\s+)?(?:the|its|this)\s+(?:\w+\s+)?(?:label|answer|verdict)\b"
    r"|\b(?:since|because|given\s+that|as|knowing\s+that)\s+the\s+(?:\w+\s+)?(?:label|answer|verdict)\s+(?:is|was|says|must|should|indicates|states)\b",
    re.I,
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|nobody|none|nothing|neither|nor|without|cannot|unlikely|hardly|lacks?|fails?)\b|n't\b",
    re.I,
)


_NEUTRAL = re.compile(
    r"\bneutral\b|\bneither\b|\b(?:may|might|could|can)\s+or\b|\b(?:undetermined|indeterminate|undecidable|inconclusive)\b"
    r"|\b(?:cannot|can't|can\s+not|could\s+not|couldn't)\s+(?:\w+\s+){0,3}?(?:determin|verif|know|tell|confirm|ascertain)\w*"
    r"|(?:\b(?:not|nothing|none|nor|never|without)|n't)\s+(?:[\w']+\s+){0,4}?(?:contradict|refut|disprov|rul(?:e|es|ed|ing)\s+out)\w*"
    r"|\b(?:insufficient|not\s+enough|not\s+sufficient)\b|\bunclear\b|\bunknown\b|\bno\s+way\b",
    re.I,
)
_CONTRADICTED = re.compile(
    r"\bcontradict\w*|\brefute[ds]?\b|\bmutually\s+exclusive\b|\bincompatible\b|\birreconcilable\b|\bboth\b|\bnegates\b"
    r"|\bat\s+odds\b|\bin\s+(?:\w+\s+)?(?:conflict|opposition)\b|\brules\s+out\b|\bdisproves?\b|\bopposes?\b|\bat\s+the\s+same\b",
    re.I,
)


MOST_CHARACTERS = 2_000  # of a sentence that are read, its end


class _Hit(NamedTuple):
    start: int
    end: int
    verdict: str


def sentences(reason: str) -> list[str]:
    text = reason.replace("’", "'").strip()
    text = re.sub(r"\*+|`+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)", "", text)  # marks of Markdown
    pieces = re.split(r"(?<=[.!?;])\s+|\n+", text)
    return [p[-MOST_CHARACTERS:] for p in pieces if p.strip() and not _STEP.match(p)]


def conclusion(reason: str, hypothesis: str = "") -> str | None:
    """ "entailed", "not entailed", or None where the end of a reason does not say.

    ``hypothesis``: where a reason concludes that something is so, it is held against what the hypothesis
    says; "it can be inferred that she has a daughter" speaks against "I don't have a daughter".
    """
    found = _decided(reason, hypothesis)
    return None if found is None else found[0]


def relation(reason: str, hypothesis: str = "") -> str | None:
    """ "entailed", "neutral" or "contradicted", where the wording that decides tells the three apart; else None.

    "cannot be inferred" may be either of the last two, "the hypothesis contradicts the premise" may not.
    """
    found = _decided(reason, hypothesis)
    if found is None:
        return None
    verdict, said = found
    if verdict == YES:
        return "entailed"
    return "neutral" if _NEUTRAL.search(said) else "contradicted" if _CONTRADICTED.search(said) else None


@lru_cache(maxsize=20_000)  # several checks ask, of every reason
def _decided(reason: str, hypothesis: str) -> tuple[str, str] | None:
    """The verdict and the words that say it."""
    held_against = False
    for at, sentence in enumerate(reversed(sentences(reason)[-4:])):
        if sentence.rstrip().endswith("?") or TOLD.search(sentence):
            continue
        for text in _mask(sentence):
            hits = _hits(text, (YES, STRONG_YES), (NO, STRONG_NO))
            if not hits and at < 2:
                hits = _hits(text, (YES, WEAK_YES), (NO, WEAK_NO))
            if hits:
                last = hits[-1]
                if held_against and last.verdict == YES and _THAT_IS.match(text[last.end :]):
                    return None
                if last.verdict == NO and _says_so_itself(text[last.end :], hypothesis):
                    return None
                return _turned(last, text[last.end :], hypothesis), text[last.start : last.end]
        # "We can infer that he is outdoors. The hypothesis claims he is indoors.": no list of words tells.
        held_against = held_against or bool(_CLAIMED.search(sentence))
    return None


def _mask(sentence: str) -> Iterator[str]:
    """The sentence without what it concedes and its grounds; then, if that said nothing, with its grounds."""
    blank = lambda m: " " * len(m.group())  # noqa: E731
    text = THAT.sub(lambda m: m.group().replace(m["clause"], " " * len(m["clause"])), sentence)
    text = _SEEMING.sub(blank, _ASKED.sub(blank, text))
    opening = _OPENING.match(text)
    start = opening.end() if opening else 0
    # "although it could be true it cannot be inferred": no comma tells where the concession ends.
    if not (_CONCEDED.match(text, start) and "," not in text[start:]):
        text = _CONCEDED.sub(blank, text)
    yield _GROUND.sub(blank, text)
    yield text


def _hits(text: str, *kinds: tuple[str, re.Pattern[str]], turn: bool = True) -> list[_Hit]:
    """Wordings of a verdict in order; of two that overlap the longer one, of equals the refusal.

    ``turn``: what turns the verdict of its clause round counts as the opposite.
    """
    every = [_Hit(m.start(), m.end(), verdict) for verdict, pattern in kinds for m in pattern.finditer(text)]
    every += [
        _Hit(m.start(), m.end(), NEITHER if _EITHER.match(text, m.end()) else YES)
        for m in NOT_REFUTED.finditer(text)
    ]
    every += [_Hit(m.start(), m.end(), NEITHER) for m in NO_CLASH.finditer(text)]
    for m in FLIP.finditer(text) if turn else ():
        inner = _hits(m["clause"], (YES, STRONG_YES), (NO, STRONG_NO), turn=False)
        inner = inner or _hits(m["clause"], (YES, WEAK_YES), (NO, WEAK_NO), turn=False)
        every.append(_Hit(m.start(), m.end(), YES if inner and inner[-1].verdict == NO else NO))
    order = (YES, NEITHER, NO)
    every.sort(key=lambda h: (h.end - h.start, order.index(h.verdict)), reverse=True)
    kept: list[_Hit] = []
    for hit in every:
        if all(hit.end <= k.start or hit.start >= k.end for k in kept):
            kept.append(hit)
    return sorted(h for h in kept if h.verdict)


def _turned(hit: _Hit, rest: str, hypothesis: str) -> str:
    """The verdict on the hypothesis, where the reason concludes "that ...": its opposite is a refusal."""
    said = _THAT_IS.match(rest)
    if hit.verdict != YES or said is None:
        return hit.verdict
    if _NOT_ALL.search(rest) and _ALL.search(hypothesis) and not _NEGATION.search(hypothesis):
        return NO
    if re.match(r"(?:the|this)\s+(?:hypothesis|statement|claim)\b", said[1], re.I):
        more = _hits(said[1], (YES, WEAK_YES), (NO, WEAK_NO))
        return more[-1].verdict if more else YES
    own, clause = _stems(hypothesis), _stems(said[1])
    about = bool(own) and len(own & clause) >= 0.6 * len(own)
    differ = bool(_NEGATION.search(said[1])) != bool(_NEGATION.search(hypothesis.replace("’", "'")))
    return NO if about and differ else YES


def _says_so_itself(rest: str, hypothesis: str) -> bool:
    """Whether a refusal is of the opposite ("it cannot be said that no child plays"), or a clause after it concludes
    what the hypothesis says ("a loss contradicts a win, therefore the team does not win")."""
    own = _stems(hypothesis)
    negative = bool(_NEGATION.search(hypothesis.replace("’", "'")))
    if not own:
        return False
    said = _THAT_IS.match(rest)
    if said is not None and len(own & _stems(said[1])) >= 0.6 * len(own):
        return bool(_NEGATION.search(said[1])) and not negative
    after = _THEREFORE.search(rest)
    if after is None or len(own & _stems(after[1])) < 0.8 * len(own):
        return False
    return bool(_NEGATION.search(after[1])) == negative


_SMALL = frozenset(
    """a an the of in on at to for and or is are was were be do does did has have had it i me my we our you your
    he him his she her they them their this that there""".split()
)


def _stems(text: str) -> set[str]:
    return {w[:5] for w in words(_NEGATION.sub(" ", text.replace("’", "'"))) if w not in _SMALL}
