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
from typing import NamedTuple

from finetooth.text import words

YES, NO, NEITHER = "entailed", "not entailed", ""

_DRAW = "infer|deduc|conclud|deriv|entail|assum|presum|determin|establish|confirm|verif|ascertain|prov|guarantee|say|said|claim|stat|know|tell|be\\s+(?:sure|certain)"
_TO_DRAW = "infer|deduce|conclude|derive|assume|presume|say|claim|determine|establish|confirm|verify|prove|know|state"
_SOUND = "possible|reasonable|valid|justified|correct|logical|logically\\s+sound|sound|safe|fair|warranted|appropriate|accurate|feasible|plausible|right|enough|sufficient"
_FOUND = (
    "evidence|information|support|basis|indication|proof|reason|details?|grounds|data|context|confirmation"
)
_TRUE = "true|plausible|correct|valid|accurate|reasonable|probable|justified|sound|likely|credible|conceivable|logical"
_AGREES = "align\\w*|match\\w*|agree\\w*|fits?|correspond\\w*|accords?|(?:in\\s+line|consistent|compatible|in\\s+agreement)"
_NOT = "(?:not|n't)"
_FEW = r"(?:(?!(?:but|yet|only|just|merely)\b)[\w-]+\s+)"  # a word of those that may stand between
_AYE = r"(?:(?!(?:but|yet|only|just|merely|not|never|hardly|neither|nor)\b)[\w-]+\s+)"
_REST = r"[^,;.]*"  # to the end of the clause
_CANNOT = r"(?:\bcannot|\bcan\s+not|\bcan't|\bcould\s*(?:not|n't))"


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{a})" for a in alternatives), re.I)


# "no contradictory facts", "not refuted": the wording of a contradiction that says there is none.
_NO_CLASH = _pattern(
    r"\b(?:no|not|n't|nothing|none|never|without|lack\s+of|lacks?|absence\s+of|neither|nor|free\s+of)\s+(?:[\w',-]+\s+){0,6}?"
    r"(?:contra(?:dict|ry)\w*|counter\w*|inconsisten\w*|conflict\w*)",
    r"\b(?:evidence|information|facts?|reason|indication)\s+(?:\w+\s+)?(?:against|contradicting|to\s+the\s+contrary)",
)
_NOT_REFUTED = _pattern(
    rf"(?:\bnot|n't|\bcannot)\s+{_FEW}{{0,3}}?(?:refuted?|contradict(?:ed|s)?|ruled?\s+out|exclude[ds]?|disproved?|den(?:y|ied))",
    rf"\bnothing\s+{_FEW}{{0,4}}?(?:contradicts|refutes|rules\s+out|excludes|speaks\s+against)",
    rf"\bnot\s+{_FEW}?(?:inconsistent|incompatible|unreasonable|implausible|impossible|unlikely|illogical|invalid|false|mutually\s+exclusive)\b{_REST}",
)
_STRONG_NO = _pattern(
    rf"(?:\bcannot|\bcan\s+not|\bcan't|\bcould\s*(?:not|n't)|\bshould\s*(?:not|n't)|\bmay\s+not|\bwould\s*(?:not|n't))\s+{_FEW}{{0,4}}?(?:be\s+{_FEW}{{0,3}}?)?(?:{_DRAW})\w*",
    rf"(?:\bcannot|\bcan\s+not|\bcan't)\s+{_FEW}{{0,2}}?(?:support|draw\s+(?:this|that|the|any)\s+(?:conclusion|inference))\w*",
    rf"(?:\bnot|n't|\bnever)\s+{_FEW}{{0,4}}?(?:{_SOUND})\s+{_FEW}{{0,4}}?to\s+{_FEW}{{0,2}}?(?:{_TO_DRAW})\b",
    rf"{_CANNOT}\s+{_FEW}{{0,2}}?be\s+{_FEW}{{0,4}}?(?:{_TRUE}|accepted|the\s+case|entailed)\b",
    rf"\bneither\s+entail{_REST}|(?:{_CANNOT}|\bshould\s+not)\s+{_FEW}?accept\b|\breject\w*\s+(?:the|this)\b",
    rf"(?:\bnot|isn't|aren't|wasn't)\s+{_FEW}{{0,4}}?(?:entailed|implied|inferred|supported|inferable|deducible|inferrable|warranted|guaranteed|established|substantiated)\b",
    rf"(?:\b(?:does|do|did|would)\s*not|doesn't|don't|didn't|wouldn't)\s+{_FEW}{{0,4}}?(?:entail|imply|follow|support|guarantee|justify|warrant)\b",
    rf"\b(?:impossible|unreasonable|invalid|wrong|incorrect|premature|speculative|unfounded|illogical|a\s+(?:stretch|leap))\s+to\s+{_FEW}?(?:{_TO_DRAW})\b",
    rf"\b(?:insufficient|not\s+enough|not\s+sufficient|too\s+little|no|lacks?|lacking|inadequate)\s+{_FEW}{{0,4}}?(?:{_FOUND}|way)\s+{_FEW}{{0,3}}?to\s+{_FEW}?(?:{_TO_DRAW}|support|justify)\b",
    rf"\bno\s+{_FEW}{{0,2}}?(?:inference|entailment|deduction|conclusion)\s+(?:can|could|is|may|exists|between)\b",
    r"\bno\s+(?:logical\s+|direct\s+|valid\s+|reasonable\s+)?(?:inference|entailment)\b",
    rf"\bfails?\s+to\s+{_FEW}?(?:entail|imply|support|follow)\b",
    rf"\b(?:nothing|none|neither)\s+{_FEW}{{0,5}}?(?:entails?|implies|imply|supports?)\b",
    r"\bcontradicts?\b|\bcontradiction\s+(?:of|to|with|between)\b|\bis\s+contradicted\b|\bin\s+(?:direct\s+)?contradiction\b",
    r"\b(?:inconsistent|incompatible|at\s+odds)\s+with\b|\brefutes\b|\brules\s+out\b|\bnegates\b|\bconflicts\s+with\b",
    rf"\b(?:hypothesis|it|this|statement|claim|conclusion)\s+(?:is|must\s+be|is\s+therefore)\s+(?:{_FEW}{{0,2}}?)(?:false|incorrect|contradicted|untrue|refuted|unsupported|unfounded|invalid|inaccurate|wrong)\b",
    r"\b(?:label|answer|verdict|relation(?:ship)?|conclusion)\s*(?:is|:|=|should\s+be|must\s+be)?\s*[\"'`]?(?:0|no|false|contradiction|neutral|not[\s_-]entail\w*|not\s+entailed)\b",
)
_STRONG_YES = _pattern(
    rf"\b(?:can|could|may|should|might)\s+{_AYE}{{0,3}}?(?:be\s+{_AYE}{{0,3}}?)?(?:infer|deduc|conclud|deriv|assum|presum)\w*",
    rf"\b(?:possible|reasonable|valid|justified|safe|logical|sound|plausible|fair|sufficient|enough)\s+{_AYE}{{0,3}}?to\s+{_AYE}?(?:infer|conclude|deduce|assume|presume)\b",
    rf"\b(?:is|are|was|be)\s+{_AYE}{{0,3}}?(?:entailed|implied|inferred|supported|inferable|deducible|inferrable)\b",
    rf"\b(?:entails|implies|supports|justifies|warrants)\s+(?:the|this|that)\s+{_AYE}{{0,1}}?(?:hypothesis|statement|conclusion|claim)\b",
    r"\ballows\s+(?:us|one)\s+to\s+(?:infer|conclude|deduce)\b",
    rf"\bfollows\s+{_AYE}?from\b|\b(?:hypothesis|it|this|that)\s+{_AYE}{{0,2}}?follows\b",
    r"\b(?:we|one|i)\s+(?:infer|conclude|deduce)\s+that\b",
    r"\b(?:label|answer|verdict|relation(?:ship)?|conclusion)\s*(?:is|:|=|should\s+be|must\s+be)?\s*[\"'`]?(?:1|yes|true|entailment|entailed)\b",
)
_AGAINST = r"(?![^.]{0,60}?\b(?:contra\w+|refut\w+|disprov\w+|exclud\w+|rul\w+\s+out|against|otherwise|counter\w*|deny|negat\w+))"
_WEAK_NO = _pattern(
    rf"(?:\b(?:does|do|did)\s*not|doesn't|don't|didn't)\s+{_FEW}{{0,2}}?(?:provide|give|offer|contain|supply|present|include|have)\s+{_FEW}{{0,5}}?(?:{_FOUND})\b{_AGAINST}",
    rf"\bthere(?:\s+is|\s+are|'s)\s+(?:no|not\s+enough|insufficient|not\s+any|n't\s+any|little)\s+{_FEW}{{0,4}}?(?:{_FOUND}|link|connection|mention)\b{_AGAINST}",
    rf"\b(?:provides|gives|offers|contains|has)\s+(?:no|insufficient)\s+{_FEW}{{0,4}}?(?:{_FOUND})\b{_AGAINST}",
    rf"(?:\b(?:impossible|unlikely|improbable|implausible|unclear|uncertain|unverified|undetermined)|\bnot\s+{_FEW}?possible\s+for)\b{_REST}",
    rf"(?:\b(?:is|are|be|seems|appears|was)\s+not|isn't|aren't|wasn't|\blikely\s+not)\s+{_FEW}{{0,3}}?(?:{_TRUE}|the\s+case)\b(?:\s+(?:hypothesis|assumption|inference|conclusion|extension|deduction|interpretation))?",
    r"\blikely\s+(?:to\s+be\s+)?(?:false|untrue|incorrect|not\b)",
    rf"(?:\b(?:would|does|do|did|is|are)\s*not|wouldn't|doesn't|don't|isn't|aren't)\s+{_FEW}{{0,3}}?(?:{_AGREES}|hold|equate)\b",
    rf"\b(?:is|are|be|remains)\s+{_FEW}{{0,2}}?(?:false|untrue|incorrect|invalid|unjustified|unwarranted|unsupported|unfounded|unproven|unsubstantiated)\b",
    rf"\b(?:is|are|be|stands?)\s+{_FEW}{{0,2}}?(?:contradictory|mutually\s+exclusive|irreconcilable|in\s+{_FEW}?(?:opposition|conflict))\b",
    r"\b(?:contrary|opposed)\s+to\b|\bthe\s+opposite\b|\bgoes\s+(?:far\s+)?beyond\b",
)
_WEAK_YES = _pattern(
    rf"\b(?:is|are|as|be|seems|appears|remains|considered|it's)\s+{_AYE}{{0,2}}?(?:{_TRUE})\b",
    r"\bcould\s+be\s+true\b|\bcan\s+be\s+(?:considered|regarded|seen)\b|\bconsistent\s+with\b",
    rf"\b(?:{_AGREES})\s+(?:well\s+|closely\s+)?with\b|\bmatch(?:es)?\s+(?:the|what)\b",
    rf"\b(?:provides?|gives?|offers?|is|has)\s+(?:sufficient|enough|strong|clear|ample|adequate|direct)\s+{_AYE}{{0,2}}?(?:{_FOUND})\b",
    r"\bsupports?\s+(?:the|this|that)\b|\bsupported\s+by\b|\baccept\s+(?:the|this)\b",
    rf"\b(?:reasonable|logical|plausible|valid|fair|sound|natural)\s+{_AYE}?(?:hypothesis|assumption|inference|conclusion|extension|deduction|interpretation)\b",
)

# A concession is what the sentence does not rest on, and a ground is not its conclusion.
_CONCEDED = re.compile(
    r"\b(?:although|though|even\s+(?:though|if)|while|whilst|whereas|despite|in\s+spite\s+of|albeit|regardless|notwithstanding)\b[^,;]*(?:[,;]|$)",
    re.I,
)
_GROUND = re.compile(r"\b(?:since|because|given|due\s+to|based\s+on|considering)\b[^,;]*(?:[,;]|$)", re.I)
_ASKED = re.compile(r"\b(?:whether|(?:to|we)\s+(?:determine|see|decide|check|know)\s+if)\b[^,;.]*", re.I)
_OPENING = re.compile(r"^\W*(?:step\s*\d+\s*[:.)]\s*)?(?:(?:however|but|thus|so|therefore)\W+)?", re.I)
_STEP = re.compile(r"^\W*step\s*\d+\W*$", re.I)
TOLD = re.compile(r"\b(?:true|gold|given|provided|actual)\s+label\b", re.I)
_NEGATION = re.compile(
    r"\b(?:not|no|never|nobody|none|nothing|neither|nor|without|cannot|unlikely|hardly|lacks?|fails?)\b|n't\b",
    re.I,
)


MOST_CHARACTERS = 2_000  # of a sentence that are read, its end


class _Hit(NamedTuple):
    start: int
    end: int
    verdict: str


def sentences(reason: str) -> list[str]:
    text = reason.replace("’", "'").strip()
    pieces = re.split(r"(?<=[.!?;])\s+|\n+", text)
    return [p[-MOST_CHARACTERS:] for p in pieces if p.strip() and not _STEP.match(p)]


def conclusion(reason: str, hypothesis: str = "") -> str | None:
    """ "entailed", "not entailed", or None where the end of a reason does not say.

    ``hypothesis``: where a reason concludes that something is so, it is held against what the hypothesis
    says; "it can be inferred that she has a daughter" speaks against "I don't have a daughter".
    """
    for at, sentence in enumerate(reversed(sentences(reason)[-4:])):
        if sentence.rstrip().endswith("?") or TOLD.search(sentence):
            continue
        for text in _mask(sentence):
            hits = _hits(text, (YES, _STRONG_YES), (NO, _STRONG_NO))
            if not hits and at < 2:
                hits = _hits(text, (YES, _WEAK_YES), (NO, _WEAK_NO))
            if hits:
                last = hits[-1]
                return _turned(last, text[last.end :], hypothesis)
    return None


def _mask(sentence: str) -> Iterator[str]:
    """The sentence without what it concedes and its grounds; then, if that said nothing, with its grounds."""
    blank = lambda m: " " * len(m.group())  # noqa: E731
    text = _ASKED.sub(blank, sentence)
    opening = _OPENING.match(text)
    start = opening.end() if opening else 0
    # "although it could be true it cannot be inferred": no comma tells where the concession ends.
    if not (_CONCEDED.match(text, start) and "," not in text[start:]):
        text = _CONCEDED.sub(blank, text)
    yield _GROUND.sub(blank, text)
    yield text


def _hits(text: str, *kinds: tuple[str, re.Pattern[str]]) -> list[_Hit]:
    """Wordings of a verdict in order; of two that overlap the longer one, of equals the refusal."""
    every = [_Hit(m.start(), m.end(), verdict) for verdict, pattern in kinds for m in pattern.finditer(text)]
    every += [_Hit(m.start(), m.end(), YES) for m in _NOT_REFUTED.finditer(text)]
    every += [_Hit(m.start(), m.end(), NEITHER) for m in _NO_CLASH.finditer(text)]
    order = (YES, NEITHER, NO)
    every.sort(key=lambda h: (h.end - h.start, order.index(h.verdict)), reverse=True)
    kept: list[_Hit] = []
    for hit in every:
        if all(hit.end <= k.start or hit.start >= k.end for k in kept):
            kept.append(hit)
    return sorted(h for h in kept if h.verdict)


def _turned(hit: _Hit, rest: str, hypothesis: str) -> str:
    """The verdict on the hypothesis, where the reason concludes "that ...": its opposite is a refusal."""
    said = re.match(r"\s*(?:from\s+the\s+premise\s+)?that\s+([^,;.]*)", rest, re.I)
    if hit.verdict != YES or said is None:
        return hit.verdict
    if re.match(r"(?:the|this)\s+(?:hypothesis|statement|claim)\b", said[1], re.I):
        more = _hits(said[1], (YES, _WEAK_YES), (NO, _WEAK_NO))
        return more[-1].verdict if more else YES
    own, clause = _stems(hypothesis), _stems(said[1])
    about = bool(own) and len(own & clause) >= 0.6 * len(own)
    differ = bool(_NEGATION.search(said[1])) != bool(_NEGATION.search(hypothesis.replace("’", "'")))
    return NO if about and differ else YES


_SMALL = frozenset(
    """a an the of in on at to for and or is are was were be do does did has have had it i me my we our you your
    he him his she her they them their this that there""".split()
)


def _stems(text: str) -> set[str]:
    return {w[:5] for w in words(_NEGATION.sub(" ", text.replace("’", "'"))) if w not in _SMALL}
