"""The wordings in which reasons say that a hypothesis follows, or that it does not; see ``_verdict``.

"can be inferred", "there is no reason to doubt"          entailed
"cannot be determined", "hence neutral", "a leap"         not entailed

STRONG ones name the verdict, WEAK ones come near to it. Of wordings that overlap the longer one counts, so a
wording that turns another round ("hardly supported", "it is false that") is written to reach over it.
"""

from __future__ import annotations

import re

_DRAW = "infer|deduc|conclud|deriv|entail|assum|presum|determin|establish|confirm|verif|ascertain|prov|guarantee|say|said|claim|stat|know|tell|be\\s+(?:sure|certain)"
_TO_DRAW = "infer|deduce|conclude|derive|assume|presume|say|claim|determine|establish|confirm|verify|prove|know|state"
_SOUND = "possible|reasonable|valid|justified|correct|logical|logically\\s+sound|sound|safe|fair|warranted|appropriate|accurate|feasible|plausible|right|enough|sufficient"
_FOUND = (
    "evidence|information|support|basis|indication|proof|reason|details?|grounds|data|context|confirmation"
)
_TRUE = "true|plausible|correct|valid|accurate|reasonable|probable|justified|sound|likely|credible|conceivable|logical|warranted"
_CLAIM = r"(?:hypothesis|statement|claim|conclusion|assertion)"
_BEARS_OUT = r"(?:confirms|proves|establishes|verifies|guarantees|validates|backs|substantiates|corroborates|demonstrates|ensures|affirms)"
_BEYOND = r"(?:goes\s+(?:(?:\w+\s+)?beyond|further)|exceeds|adds|departs\s+from|left\s+open|(?:is|was)\s+(?:\w+\s+)?(?:added|new|invented))"
_TELL = r"(?:describ|report|refer|depict|concern|convey|relat|talk|speak|portray|express|captur|deal|address|cover)"
_THING = r"(?:thing|event|situation|scene|fact|action|activit|idea|scenario|occurrence|subject|topic|matter|people|person|aspect|object|place|moment)\w*"
_AGREES = "align\\w*|match\\w*|agree\\w*|fits?|correspond\\w*|accords?|(?:in\\s+line|consistent|compatible|in\\s+agreement)"
_NOT = "(?:not|n't)"
# A word of those that may stand between; "not contradicted and is implied" begins anew.
_FEW = r"(?:(?!(?:but|yet|only|just|merely)\b|and\s+(?:is|are|was|indeed|in\s+fact|so|thus|therefore|hence|it|can|must)\b)[\w-]+\s+)"
_AYE = r"(?:(?!(?:but|yet|only|just|merely|not|never|hardly|neither|nor)\b)[\w-]+\s+)"
_SO = r"(?:(?!(?:but|yet|only|not|never|hardly|neither|nor|would|could|if|no|cannot)\b)[\w-]+\s+)"
_REST = r"[^,;.]*"  # to the end of the clause
_CANNOT = r"(?:\bcannot|\bcan\s+not|\bcan't|\bcould\s*(?:not|n't))"


_BE = r"(?:is|are|was|be|as|counts\s+as|remains|being|'s)"
_NOUN = r"(?:hypothesis|statement|claim|conclusion|assertion|idea|inference|it|this|that|which)"
_CERTAIN = (
    r"(?:certain|certainly|guaranteed|necessary|necessarily|definite|definitely|assured|conclusive|sure)"
)
_NAMED_NO = r"(?:neutral|contradictions?|contradictory|not[\s_-]entail\w*|non-?entailment|undetermined)"
_NAMED_YES = r"(?:entailment|entailed)"
# What is given a label: "the pair is labelled as", "so:", "the relationship is one of".
_LABELLED = (
    r"(?:\b(?:label\w*|answer|verdict|classif\w+|categor\w+|relation(?:ship)?|conclusion|judge?ment|decision|result|outcome|prediction|inference"
    r"|pair|case|these|sentences|statements|hence|thus|so|therefore|but|this|it|that|hypothesis|premise)\b)"
    rf"\W*(?:{_SO}{{0,3}}?(?:is|are|'s|be|as|of|counts\s+as|remains|:|=)\W*)?(?:(?:a|an|one|of|clear|direct|likely|simply|thus|therefore|best|described|labell?ed|classified|considered|as|rather|truly|clearly|one\s+of)\s+){{0,3}}[\"'`(]?"
)
_NEEDED = r"(?:needed|required|necessary|missing|called\s+for)"
_MORE = r"(?:more|further|additional|extra|other|outside|external)"
_SAYS = r"(?:mentions?|states?|says?|said|specif(?:y|ies)|indicates?|tells?|clarif(?:y|ies)|address(?:es)?|discuss(?:es)?|reveals?|establish(?:es)?)"
_SAYS_NOT = rf"(?:(?:\b(?:does|do|did)\s*not|doesn't|don't|didn't|\bnever)\s+{_FEW}{{0,2}}?{_SAYS}|\bno\s+mention|\bwithout\s+{_FEW}{{0,2}}?(?:mention\w*|stat\w+|say\w+))"


_AGAINST = r"(?![^.]{0,60}?\b(?:contra\w+|refut\w+|disprov\w+|exclud\w+|rul\w+\s+out|against|otherwise|counter\w*|deny|negat\w+|doubt|question|reject|dispute|disagree))"


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{a})" for a in alternatives), re.I)


# "no contradictory facts", "not refuted": the wording of a contradiction that says there is none.
NO_CLASH = _pattern(
    r"\b(?:no|not|n't|nothing|none|never|without|lack\s+of|lacks?|absence\s+of|neither|nor|free\s+of)\s+(?:[\w',-]+\s+){0,6}?"
    r"(?:contra(?:dict|ry)\w*|counter\w*|inconsisten\w*|conflict\w*)",
    r"\b(?:evidence|information|facts?|reason|indication)\s+(?:\w+\s+)?(?:against|contradicting|to\s+the\s+contrary)",
    r"\b(?:not|n't|rather\s+than|instead\s+of|neither|nor|no|without)\s+(?:just\s+|simply\s+|be\s+)?(?:a\s+|an\s+|any\s+|in\s+)?(?:clear\s+|direct\s+)?(?:contradiction|neutral|contradictory)\b",
    r"\b(?:rather\s+than|instead\s+of|far\s+from)\s+[^,;.]*",
    # What something else would do: "a draw would contradict a win, so ...", and what would be so if ...
    r"\b(?!(?:hypothesis|it|this|that|which|otherwise|statement|claim|premise|conclusion|sentence|two)\b)[\w'-]+\s+would\s+(?:\w+\s+)?contradict\b[^,;.]*",
    r"\bwould\s+(?:\w+\s+)?(?:contradict|be\s+(?:\w+\s+){0,2}?(?:contradict\w*|entail\w*|true|implied|inferred|supported|false))\b[^,;.]*?\bif\b[^,;.]*",
)
NOT_REFUTED = _pattern(
    rf"(?:\bnot|n't|\bcannot)\s+(?:(?!n?or\b){_FEW}){{0,3}}?(?:refuted?|contradict(?:ed|s)?|ruled?\s+out|exclude[ds]?|disproved?|den(?:y|ied))",
    rf"\bnothing\s+{_FEW}{{0,4}}?(?:contradicts|refutes|rules\s+out|excludes|speaks\s+against)",
    rf"\bnot\s+{_FEW}?(?:inconsistent|incompatible|unreasonable|implausible|impossible|unlikely|illogical|invalid|false|mutually\s+exclusive)\b{_REST}",
    rf"\bno\s+{_FEW}{{0,3}}?(?:reason|grounds|cause|basis|evidence|need)\s+to\s+(?:doubt|question|reject|dispute|deny|disbelieve|suspect\s+otherwise)\b{_REST}",
    r"\bno\s+(?:room\s+for\s+)?(?:\w+\s+)?doubt\b(?!\s+(?:as\s+to\s+)?whether)|\bundeniabl[ey]\b|\bindisputabl[ey]\b|\bbeyond\s+(?:any\s+|a\s+)?(?:\w+\s+)?doubt\b",
    r"\b(?:opposite|negation|converse|contrary|denial|denying|negating|rejecting|denies|falsity|otherwise)\b[^,;.]{0,160}?\b(?:would|will|is)\s+(?:\w+\s+)?(?:be\s+(?:a\s+|in\s+)?)?contradict\w*[^,;.]*",
    r"\bcontradiction\s+(?:for|if|were|to\s+(?:say|claim|assert|accept))\b[^;.]{0,160}?\b(?:false|not\s+true|untrue|not)\b",
    r"\b(?:no|not\s+a(?:ny)?)\s+(?:possible\s+|conceivable\s+)?(?:scenario|situation|way|case|world|circumstances?|interpretation|reading)\b[^;.]{0,160}?\b(?:false|fails?|not\s+(?:hold|true|be\s+true)|untrue|without)\b",
    rf"(?:{_CANNOT}|\bimpossible\s+for\s+[^,;.]{{0,160}}?\bto)\s+{_FEW}{{0,2}}?be\s+(?:(?!n?or\b){_FEW}){{0,2}}?(?:false|untrue|denied|wrong|otherwise|doubted)\b",
    rf"{_CANNOT}\s+{_FEW}{{0,2}}?be\s+(?:true|the\s+case)\s+(?:unless|without)\b{_REST}",
    r"\b(?:little|scant|hardly\s+any)\s+doubt\b",
    r"\bno\s+way\s+(?:to|of|for)\s+[^;.]{0,80}?\b(?:and|while|but|yet|without)\s+(?:still\s+)?(?:reject|deny|accept|doubt)\w*\b[^,;.]*",
    r"\bonly\s+(?:one|possible)\s+(?:possibility|reading|conclusion|interpretation|explanation)\b",
    rf"(?:\w+\s+)?{_CANNOT}\s+fail\s+to\b{_REST}",
    r"\b(?:opposite|negation|denying|negating|otherwise|falsity)\b[^;.]{0,80}?\b(?:leads?|results?|ends?)\s+(?:to|in)\s+an?\s+(?:\w+\s+)?contradiction\b",
)
STRONG_NO = _pattern(
    # Of alternatives that begin at one place the first counts: the long one stands before the short.
    rf"{_CANNOT}\s+(?:\w+\s+)?(?:say|claim|conclude|assert|state|infer)\s+(?:that\s+)?(?:the|this)\s+(?:hypothesis|statement|claim)\b{_REST}",
    rf"(?:\bcannot|\bcan\s+not|\bcan't|\bcould\s*(?:not|n't)|\bshould\s*(?:not|n't)|\bmay\s+not|\bwould\s*(?:not|n't))\s+{_FEW}{{0,4}}?(?:be\s+{_FEW}{{0,3}}?)?(?:{_DRAW})\w*",
    rf"(?:\bcannot|\bcan\s+not|\bcan't)\s+{_FEW}{{0,2}}?(?:support|draw\s+(?:this|that|the|any)\s+(?:conclusion|inference))\w*",
    rf"(?:\bnot|n't|\bnever)\s+{_FEW}{{0,4}}?(?:{_SOUND})\s+{_FEW}{{0,4}}?to\s+{_FEW}{{0,2}}?(?:{_TO_DRAW})\b",
    rf"{_CANNOT}\s+{_FEW}{{0,2}}?be\s+{_FEW}{{0,4}}?(?:{_TRUE}|accepted|the\s+case|entailed)\b",
    rf"\bneither\s+entail{_REST}|(?:{_CANNOT}|\bshould\s+not)\s+{_FEW}?accept\b|\breject\w*\s+(?:the|this)\b",
    rf"(?:\bnot|isn't|aren't|wasn't)\s+{_FEW}{{0,4}}?(?:entailed|implied|inferred|supported|inferable|deducible|inferrable|warranted|guaranteed|established|substantiated)\b",
    rf"(?:\b(?:does|do|did|would)\s*not|doesn't|don't|didn't|wouldn't)\s+{_FEW}{{0,4}}?(?:entail|imply|follow|support|guarantee|justify|warrant|license|permit|sanction|confirm|prove|establish|verify|lead\s+to)\b",
    rf"\b(?:impossible|unreasonable|invalid|a\s+mistake|an\s+error|mistaken|a\s+fallacy|presumptuous|wrong|incorrect|premature|speculative|unfounded|illogical|a\s+(?:stretch|leap))\s+to\s+{_FEW}?(?:{_TO_DRAW})\b",
    rf"\b(?:insufficient|not\s+enough|not\s+sufficient|too\s+little|no|lack|lacks|lacking|inadequate)\s+{_FEW}{{0,4}}?(?:{_FOUND}|way)\s+{_FEW}{{0,3}}?to\s+{_FEW}?(?:{_TO_DRAW}|support|justify|decide|tell|judge)\b",
    rf"\bno\s+{_FEW}{{0,2}}?(?:inference|entailment|deduction|conclusion)\s+(?:can|could|is|may|exists|between)\b",
    r"\bno\s+(?:logical\s+|direct\s+|valid\s+|reasonable\s+)?(?:inference|entailment)\b",
    rf"\bfails?\s+to\s+{_FEW}?(?:entail|imply|support|follow)\b",
    rf"\b(?:no|nothing|not\s+enough|insufficient|lacks?)\s+{_FEW}{{0,6}}?(?:that|which)\s+{_AYE}{{0,2}}?(?:allow|let|permit|enabl|lead|support|justif|back|entitl|warrant|compel)\w*\b{_AGAINST}{_REST}",
    rf"\b(?:nothing|none|neither)\s+{_FEW}{{0,5}}?(?:is|are|was|be)\s+{_AYE}{{0,2}}?(?:confirmed|supported|entailed|implied|established|inferred|guaranteed|verified)\b{_REST}",
    rf"\bno\s+{_FEW}{{1,5}}?{_BEARS_OUT}\b{_REST}",
    rf"\bno\s+{_AYE}{{0,3}}?(?:readers?|person|observer|one)\s+(?:would|could|can|will)\s+{_AYE}{{0,2}}?(?:infer|conclude|deduce|accept|agree|assume)\b{_REST}",
    rf"\b(?:must|should|has\s+to|have\s+to|needs?\s+to|ought\s+to|is\s+to|can\s+only)\s+{_AYE}{{0,2}}?be\s+{_AYE}{{0,2}}?(?:rejected|dismissed|discarded|denied)\b",
    rf"\b(?:nothing|none|neither)\s+(?!{_FEW}{{0,5}}?{_BEYOND}){_FEW}{{0,5}}?(?:entails?|implies|imply|supports?|establishes|confirms|guarantees|warrants)\b{_REST}",
    r"\bcontradicts?\b|\bcontradiction\s+(?:of|to|with|between)\b|\bis\s+contradicted\b|\bin\s+(?:direct\s+)?contradiction\b",
    r"\b(?:inconsistent|incompatible|at\s+odds)\s+with\b|\brefutes\b|\brules\s+out\b|\bnegates\b|\bconflicts\s+with\b",
    rf"\b(?:hypothesis|it|this|statement|claim|conclusion)\s+(?:is|must\s+be|is\s+therefore)\s+(?:{_AYE}{{0,2}}?)(?:false|incorrect|contradicted|untrue|refuted|unsupported|unfounded|invalid|inaccurate|wrong)\b",
    r"\b(?:label|answer|verdict|relation(?:ship)?|conclusion)\s*(?:is|:|=|should\s+be|must\s+be)?\s*[\"'`]?(?:0|no|false|contradiction|neutral|not[\s_-]entail\w*|not\s+entailed)\b",
    r"\b(?:may|might|could|can)\s+or\s+(?:(?:may|might|could)\s+not|can\s*not|couldn't|mightn't)\b[^,;.]*",
    rf"\bneither\s+(?:be\s+)?{_FEW}{{0,2}}?(?:confirm|support|prov|entail|state|affirm|establish|verif|impl|suggest|true|follow|guarantee|infer|deduc)\w*{_REST}",
    rf"\b(?:can|could|may|would)\s+neither\s+be\b{_REST}",
    rf"{_LABELLED}{_NAMED_NO}\b",
    r"(?:^|[:;]\s*)\W*(?:neutral|contradiction|not[\s_-]entail\w+|non-?entailment)\W*$",
    rf"\b(?:there\s+is|there's|(?:it|this|which)\s+(?:creates|forms|presents|is|constitutes))\s+(?:a|an)\s+{_FEW}{{0,3}}?contradiction\b",
    r"\bnot\s+(?:an?\s+)?(?:\w+\s+)?entailment\b|\b(?:isn't|aren't|wasn't)\s+(?:an?\s+)?(?:\w+\s+)?entailment\b",
    rf"\b(?:hardly|barely|scarcely|nowhere\s+near|far\s+from(?:\s+being)?|by\s+no\s+means|not\s+at\s+all|in\s+no\s+way)\s+{_FEW}{{0,3}}?(?:entail\w*|impl\w+|infer\w*|support\w*|follow\w*|establish\w*|guarantee\w*|{_TRUE}|{_CERTAIN}|the\s+case)\b{_REST}",
    r"\btoo\s+(?:[\w-]+\s+){1,3}to\s+(?:be\s+)?(?:\w+\s+)?(?:infer|deduc|conclud|deriv|entail|establish|say|support)\w*",
    rf"\bonly\s+(?:be\s+)?{_FEW}{{0,2}}?(?:infer|deduc|conclud|deriv|entail|follow|hold|true|support|valid|justif|correct|sound|warrant)\w*\s+(?:\w+\s+)?(?:if|when|by|with|under|were|provided)\b{_REST}",
    rf"(?:\b(?:is|can|could|would)\s+(?:be\s+)?)?\b(?:entailed|inferred|true|follow|hold|supported|implied)\s+only\s+(?:if|when|by|with|under|were|provided)\b{_REST}",
    rf"\bif\b[^;.]{{0,160}}?\b(?:had|were|did)\b[^;.]{{0,160}}?\bwould\s+{_FEW}{{0,3}}?(?:follow|hold|be\s+(?:true|entailed|inferred|implied|supported|valid|correct))\b",
    rf"(?<!no\s)(?<!any\s)\b{_MORE}\s+{_FEW}{{0,2}}?(?:{_FOUND}|facts?|assumptions?|knowledge|clues?)\s+{_FEW}{{0,4}}?{_NEEDED}\b{_REST}",
    rf"(?<!not\s)\b(?:needs?|requires?|require|demands?|relies\s+on|depends\s+on|rests\s+on|takes?)\s+{_FEW}{{0,2}}?(?:{_MORE}|unstated|unsupported|unwarranted|an?|some)\s+{_FEW}{{0,3}}?(?:{_FOUND}|facts?|assumptions?|knowledge|leap|speculation)\b{_REST}",
    r"\b(?:is|are|remains?|seems)\s+(?:\w+\s+)?(?:insufficient\b|inadequate\b|(?:not\s+enough|not\s+sufficient)(?=\W*$|,|\s+(?:for|on)\b))",
    rf"\b(?:no|not\s+any)\s+way\s+(?:to|of|for)\s+{_FEW}{{0,3}}?(?:know|tell|say|verify|determin|confirm|establish|infer|decid|be|get|reach|arriv|deriv|move|go)\w*",
    r"\bnot\s+[^;.]{0,160}?\bas\s+(?:is\s+(?:stated|claimed)\s+(?:in|by)\s+)?the\s+hypothesis\s*(?:states|claims|says|suggests|asserts|implies|has\s+it)?",
    r"\bnot\s+what\s+the\s+hypothesis\s+(?:states|claims|says|suggests|asserts)",
    rf"\b(?:hypothesis|premise|statement|this|it|which|they)\s+{_FEW}{{0,2}}?(?:opposes?|clash(?:es)?\s+with|disagrees?\s+with|disproves?|precludes?|invalidates?|falsif(?:y|ies)|conflicts?)\b",
    r"\b(?:cannot|can't|can\s+not|could\s*n[o']t|cannot\s+both)\s+(?:\w+\s+){0,2}?(?:both\b|be\s+both\b)|\bboth\s+(?:\w+\s+)?(?:cannot|can't|can\s+not)\b",
    r"\b(?:cannot|can't|can\s+not|could\s*n[o']t|not\s+possible\s+to|impossible\s+to)\s+be\s+[^;.]{0,160}?\bat\s+(?:the\s+same|once|one\s+and\s+the)\b",
    r"\b(?:mistaken|erroneous|unwarranted|fallacious|unjustified|unsound|groundless|baseless)\W*$",
    r"\bnon[\s-]sequitur\b|\b(?:unsupported|logical|big|unjustified|unwarranted|huge)\s+(?:leap|jump)\b",
    r"\b(?:it|this|that|hypothesis|premise|statement)\s+(?:does|is|are|can|do)\s*(?:not|n't)\W*$|\b(?:cannot|can't)\W*$",
    rf"\bnot\s+(?:a\s+|the\s+|be\s+)?{_FEW}{{0,3}}?(?:consequence|implication|entailment|inference|restatement|paraphrase|equivalent|synonymous|interchangeable|inferable)\b{_REST}",
    r"\bjust\s+because\b[^;.]{0,160}?\b(?:does\s*not|doesn't|don't|do\s+not|didn't)\s+(?:\w+\s+)?(?:mean|imply|make|prove)\b[^;.]*",
    r"\bat\s+(?:best|most)\b[^;.]{0,160}?\b(?:possib\w+|plausib\w+|probab\w+|likely|suggest\w*|guess)\b|\b(?:possib\w+|plausib\w+|probab\w+|likely|suggest\w*)\s+at\s+best\b",
    rf"\bonly\s+(?!one\b|possib\w+\s+(?:reading|conclusion|interpretation|explanation)){_FEW}{{0,2}}?(?:possib|plausib|speculat|conjectur|suggest)\w*\s*(?:true|correct|so)?",
    r"\bmay\s+be\s+true\b[^;.]{0,160}?\bor\s+(?:it\s+)?(?:may\s+be\s+)?false\b|\b(?:could|may|might|can)\s+(?:\w+\s+)?be\s+(?:either\s+)?true\s+or\s+(?:be\s+)?(?:false|not)\b",
    r"(?<!no\s)(?<!any\s)(?<!out\s)(?<!not\sa\s)\bcontradiction\s+(?:arises|exists|results|here|is\s+(?:evident|clear|present|plain))\b",
    r"\b(?:cannot|can't|can\s+not)\s+(?:both\s+)?be\s+(?:\w+\s+)?reconciled\b|\bone\s+(?:possibility|explanation|reading)\s+(?:among|of)\b",
    r"\b(?:resulting|results?|ends?|leads?|leading)\s+(?:in|to)\s+an?\s+(?:\w+\s+)?contradiction\b",
    rf"(?:\bnot|n't)\s+{_FEW}{{0,2}}?justified\s+in\s+(?:concluding|inferring|saying|assuming)\b",
    r"\b(?:does\s+not|doesn't)\s+go\s+through\b|\b(?:entailed|entailment|inferable)\s*[,:?]\s*no\b",
    r"\b(?:is|are|one\s+of)\s+(?:\w+\s+)?neutrality\b|\ba\s+(?:plausible|possible|mere|educated|reasonable)\s+guess\b[^,;.]*",
)
STRONG_YES = _pattern(
    rf"\b(?:can|could|may|should|might)\s+{_AYE}{{0,3}}?(?:be\s+{_AYE}{{0,3}}?)?(?:infer|deduc|conclud|deriv|assum|presum)\w*",
    rf"\b(?:possible|reasonable|valid|justified|safe|logical|sound|plausible|fair|sufficient|enough)\s+{_AYE}{{0,3}}?to\s+{_AYE}?(?:infer|conclude|deduce|assume|presume|establish|support|prove|guarantee|verify|confirm|accept|say)\b",
    rf"\b(?:is|are|was|be)\s+{_AYE}{{0,3}}?(?:entailed|implied|inferred|supported|inferable|deducible|inferrable)\b",
    rf"\b(?:entails|implies|supports|justifies|warrants)\s+(?:the|this|that)\s+{_AYE}{{0,1}}?(?:hypothesis|statement|conclusion|claim)\b",
    rf"(?<!never\s)(?<!hardly\s)(?<!nor\s)(?<!neither\s)(?<!only\s)\b{_BEARS_OUT}\s+(?:the|this|that)\s+{_AYE}?{_CLAIM}\b",
    rf"(?<!never\s)(?<!hardly\s)(?<!nor\s)(?<!only\s)\bleads\s+{_AYE}?(?:us\s+)?(?:directly\s+)?to\s+(?:the|this|that)\s+{_AYE}?{_CLAIM}\b",
    rf"\b(?:readers?|persons?|people|observers?|listeners?)\s+(?:would|will|can|must)\s+(?!\w*(?:wrong|mistak|incorrect)){_AYE}{{0,2}}?(?:infer|conclude|deduce|accept|assume)\b(?!\s+(?:otherwise|the\s+(?:opposite|contrary)))",
    rf"\b(?:nothing|no\s+\w+)\s+{_FEW}{{0,6}}?{_BEYOND}\b{_AGAINST}{_REST}",
    rf"\bhypothesis\s+(?:does\s*not|doesn't|never)\s+{_AYE}{{0,2}}?(?:go(?:es)?\s+beyond|exceeds?|adds?|introduces?|(?:say|claim)s?\s+more)\b{_AGAINST}{_REST}",
    rf"\bhypothesis\s+{_AYE}{{0,2}}?(?:(?:adds|introduces)\s+(?:nothing|no\s+{_MORE}|no\s+new)|(?:says|claims|states|contains|asserts)\s+nothing\s+(?:new|more|beyond|that\s+(?:is|was)\s+not|(?:that\s+)?the\s+premise\s+does))\b{_AGAINST}{_REST}",
    r"\ballows\s+(?:us|one)\s+to\s+(?:infer|conclude|deduce)\b",
    rf"\bfollows\s+{_AYE}?from\b|\b(?:hypothesis|it|this|that)\s+{_AYE}{{0,2}}?follows\b",
    r"\b(?:we|one|i)\s+(?:infer|conclude|deduce)\s+that\b",
    r"\b(?:label|answer|verdict|relation(?:ship)?|conclusion)\s*(?:is|:|=|should\s+be|must\s+be)?\s*[\"'`]?(?:1|yes|true|entailment|entailed)\b",
    rf"{_LABELLED}{_NAMED_YES}\b(?!\s+(?:or|nor))",
    r"(?:^|[:;]\s*)\W*(?:entailment|entailed)\W*$",
    r"\bentailment\s+(?:\w+\s+)?(?:holds|exists|relation(?:ship)?)\b|\bthere\s+is\s+(?:an?\s+)?(?:(?!no\b)\w+\s+)?entailment\b",
    rf"\b(?:is|are|was|be|'s)\s+{_AYE}{{0,3}}?(?:entailed|implied|guaranteed|confirmed|established|ensured|substantiated|affirmed|verified)\b",
    rf"\b(?:is|are|was)\s+{_AYE}{{0,2}}?(?:covered|stated|restated|captured|contained|backed|expressed|conveyed)\s+{_AYE}{{0,2}}?(?:by|in)\s+the\s+premise\b",
    rf"\b(?:hypothesis|it|this|that|statement|conclusion)\s+(?:does|must|will)\s+{_AYE}{{0,2}}?(?:follow|hold)\b",
    rf"\b(?:a|an|the)\s+{_AYE}{{0,3}}?(?:consequence|implication|restatement|paraphrase|rephrasing|rewording|reformulation|generali[sz]ation)\s+of\b",
    rf"\b(?:restates|paraphrases|rephrases|repeats|reiterates|rewords|generali[sz]es)\s+{_AYE}{{0,3}}?(?:premise|information|fact|statement|this|it|same)\b",
    r"\bjustified\s+in\s+(?:concluding|inferring|saying|assuming)\b|\b(?:entailed|entailment|inferable)\s*[,:?]\s*yes\b",
    r"\b(?:entails|implies)\s+the\s+second\b|\b(?:inference|conclusion)\s+goes\s+through\b",
    r"\b(?:solid|good|firm|strong|clear|ample|sufficient)\s+(?:basis|grounds|reason|evidence)\s+(?:for|to)\s+(?:conclud|infer|accept|believ)\w*",
)
WEAK_NO = _pattern(
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
    rf"\b{_CLAIM}\s+{_AYE}{{0,2}}?(?:lacks|is\s+without|has\s+no)\s+{_AYE}{{0,2}}?(?:{_FOUND}|foundation|grounding|backing|justification)\b{_AGAINST}{_REST}",
    rf"(?:(?:\bnot|n't)\s+{_FEW}{{0,2}}?(?:enough|sufficient|much)|\b(?:too\s+)?little|\bnothing)\s+to\s+go\s+(?:on|by)\b",
    rf"\bnothing\s+{_FEW}{{0,6}}?(?:back|bear|support|justif|corroborat|substantiat)\w*\b{_AGAINST}{_REST}",
    r"\b(?:leaves?|leaving|left)\s+(?:(?:it|this|that|the\s+(?:question|matter|issue|point))\s+)?(?:(?!no\b|nothing\b)\w+\s+)?open(?=\s\s|\W*$|\s+(?:to|for|as)\b)|\bremains?\s+(?:\w+\s+)?open(?=\s\s|\W*$)",
    r"\b(?:introduc|add|includ|contain|bring|assert|mention)(?:s|es|ing|ings)\s+(?:(?!\b(?:no|nothing|not|never)\b)[^,;.]){1,80}?\b(?:absent\s+from|missing\s+(?:from|in)|not\s+(?:\w+\s+)?(?:in|found|mentioned|present|stated|given|contained|included|part\s+of|supported))\b[^,;.]*",
    rf"\b(?:{_TELL}\w*|are)\s+(?:(?!not\b|the\b)\w+\s+){{0,2}}?(?:different|distinct|separate|unrelated)\s+(?:\w+\s+)?{_THING}",
    rf"(?:\bdo(?:es)?\s*not|\bdo(?:es)?n't)\s+{_FEW}{{0,2}}?(?:{_TELL}\w*\s+(?:\w+\s+){{0,2}}?the\s+same\b|check\s+out|stand\s+up){_REST}",
    rf"\b(?:no|without\s+(?:any|a)|not\s+a|not\s+any|n't\s+any|n't\s+a)\s+{_AYE}?(?:guarantee|certainty|assurance)\b{_REST}",
    rf"\b(?:hypothesis|premise)\s+{_AYE}?denies\b",
    rf"\bnothing\s+{_FEW}{{0,6}}?(?:suggest|indicat|impl|say|stat|mention|tell|show|lead|hint|point)\w*\b{_AGAINST}{_REST}",
    rf"\bthere(?:\s+is|'s)\s+nothing\s+{_FEW}{{0,6}}?to\s+(?:suggest|indicate|imply|say|show|support|confirm)\b{_AGAINST}{_REST}",
    rf"\b(?:says?|tells?\s+us|said|reveals?)\s+nothing\b{_AGAINST}{_REST}",
    rf"{_SAYS_NOT}\s+(?:us\s+|me\s+|anything\b|(?:that|how|what|who|why|where|when|which)\b(?!\s+(?:explicitly|directly|outright|clearly|verbatim))|of\b|(?=\s\s)|\Z)",
    r"\b(?:we|one|you|i)\s+(?:(?:do|does|can)\s*n(?:o|')t|cannot|do\s+not)\s+(?:\w+\s+)?(?:know|tell)\b|\bunknown\b|\bwho\s+knows\b",
    r"\b(?:silent|unrelated|irrelevant)\b|\bnothing\s+to\s+do\s+with\b|\bno\s+bearing\s+on\b",
    r"\b(?:indeterminate|undetermined|undecidable|undecided|inconclusive|unconfirmed|unverifiable|unanswerable|unknowable|debatable|questionable|doubtful|dubious|far-fetched)\b",
    rf"(?:\b(?:is|are|be|remains|seems)\s+not|'s\s+not|isn't|aren't)\s+{_FEW}{{0,2}}?(?:certain|guaranteed|definite|assured|conclusive|sure)\b|\bpossib\w+\W+(?:but|yet|though|and)\s+not\s+{_FEW}{{0,2}}?{_CERTAIN}\b|\buncertain\b|\bfar\s+from\s+{_CERTAIN}\b{_REST}",
    r"\b(?:overstates?|exaggerates?|over-?generali[sz]es?|conflates?|over-?reach(?:es)?|misrepresents?|misstates?|distorts?|reads\s+too\s+much)\b",
    r"\btoo\s+(?:strong|broad|specific|general|sweeping|strict|precise|absolute)\b",
    rf"\b(?:mere(?:ly)?|just|pure(?:ly)?|only|is|are|remains|requires?|be)\s+{_FEW}{{0,2}}?(?:speculation|speculative|conjecture|guesswork|a\s+guess|assumption\s+not|an?\s+(?:unjustified|unsupported|unwarranted|unfounded)\s+\w+)\b",
    r"\b(?:makes|draws|is|be|as|requires|relies\s+on|through)\s+(?:an?\s+)?(?:unjustified|unsupported|unwarranted|unfounded|hasty)\s+\w+",
    r"\bassum(?:es|ing)\s+[^;.]{0,160}?\b(?:never|not|n't)\b[^;.]*",
    r"\b(?:hence|thus|so|therefore)\b\W*(?:(?:it|this|that)(?:\s+is|'s)\s+)?(?:untrue|false|incorrect|unsupported|wrong|not\s+true)\b",
    rf"\b(?:it|that|this|he|she|hypothesis)(?:'s|\s+is)\s+not\s+{_FEW}{{0,2}}?(?:{_TRUE}|the\s+case)\b",
    r"^\W*(?:not\s+(?:all|every\w*)\b.*|no|nope)\W*$",
    r"\bonly\s+(?:supports?|speaks|talks|says|tells|shows)\b[^;.]*|\bleaves\s+(?:open|room\s+for)\b(?!\s+no)[^;.]*",
    r"\b(?:introduces|adds|contains|brings\s+in)\s+(?:an?\s+|some\s+)?(?:new|extra|additional|unmentioned|unstated)\s+(?:\w+\s+)?(?:information|details?|claims?|elements?|facts?)\b[^;.]*",
    rf"\bthere\s+(?:isn't|aren't|is\s+not|are\s+not)\s+(?:any|enough|sufficient|adequate)\s+{_FEW}{{0,4}}?(?:{_FOUND})\b{_AGAINST}",
    r"(?<!no\s)(?<!without\s)(?<!little\s)\b(?:considerable|some|reasonable|serious|significant|much|great)\s+doubt\b",
    r"\bnowhere\b[^,;.]*|\bleft\s+(?:guessing|wondering|open)\b|\bone\s+possibility\b|\bamong\s+(?:several|many|other)\s+possibilities\b",
    r"\b(?:making|makes?|leaves?|leaving|renders?|rendering)\s+[^,;.]{0,80}?\b(?:unsupported|unverified|unfounded|undetermined|unwarranted|false|neutral)\b",
    r"\bover-?interpret\w*|\breading\s+too\s+much\b|\bopen\s+question\b|\bmute\s+on\b",
    r"\b(?:suggests?|says?|states?|implies|shows?|indicates?)\s+the\s+(?:contrary|opposite|reverse)\b",
    r"\b(?:is|are)\s+not\s+(?:\w+\s+)?(?:verifiable|provable|derivable)\b|\b(?:(?:has|have)\s+no|without(?:\s+any)?)\s+(?:foundation|basis)\b[^,;.]*|\bnot\s+a\s+must\b",
)
WEAK_YES = _pattern(
    rf"\b(?:is|are|as|be|seems|appears|remains|considered|it's)\s+{_AYE}{{0,2}}?(?:{_TRUE})\b",
    r"\bcould\s+be\s+true\b|\bcan\s+be\s+(?:considered|regarded|seen)\b|\bconsistent\s+with\b",
    rf"\b(?:{_AGREES})\s+(?:well\s+|closely\s+)?with\b|\bmatch(?:es)?\s+(?:the|what)\b",
    rf"\b(?:provides?|gives?|offers?|is|has)\s+(?:sufficient|enough|strong|clear|ample|adequate|direct)\s+{_AYE}{{0,2}}?(?:{_FOUND})\b",
    r"\bsupports?\s+(?:the|this|that)\b|\bsupported\s+by\b|\baccept\s+(?:the|this)\b",
    rf"\b(?:reasonable|logical|plausible|valid|fair|sound|natural|safe|legitimate|secure|straightforward|warranted)\s+{_AYE}?(?:hypothesis|assumption|inference|conclusion|extension|deduction|interpretation)\b",
    rf"\b(?:hypothesis|it|this|that|statement|claim|conclusion|inference)\s+{_AYE}{{0,3}}?(?:holds?|checks\s+out)\b|\b{_CLAIM}\s+{_AYE}{{0,2}}?stands\W*$",
    rf"(?<!not\s)(?<!may\s)(?<!might\s)(?<!could\s)\b{_TELL}\w*\s+(?:(?!not\b)\w+\s+){{0,2}}?(?:the\s+(?:very\s+|exact\s+)?same|one\s+and\s+the\s+same|an?\s+identical)\s+(?:\w+\s+)?{_THING}",
    r"(?<!not\s)\b(?:all|every|each)\s+(?:\w+\s+){0,4}?hypothesis\s+(?:[\w']+\s+){0,3}?(?:lies|lie|is|are|falls?)\s+(?:already\s+)?(?:within|in|part\s+of)\b",
    r"\bleav(?:es|ing)\s+nothing\s+open\b[^,;.]*",
    r"\b(?:says|tells|states|contains|covers|includes)\s+(?:us\s+)?(?:everything|all)\s+(?:that\s+)?(?:the\s+)?(?:second|hypothesis)\b[^,;.]*",
    rf"\b(?:is|are|'s)\s+{_AYE}{{0,2}}?(?:equivalent|synonymous|interchangeable|identical\s+in\s+meaning|inevitable|inescapable|right)\b|\b(?:means?|says?|express(?:es)?)\s+{_AYE}{{0,2}}?the\s+same\b",
    rf"\b(?:is|are|be|'s)\s+{_AYE}{{0,2}}?(?:certain|a\s+certainty)\b|\bnecessarily\s+(?:means|true|implies)\b",
    r"\b(?:directly|explicitly|clearly|plainly|outright|literally)\s+(?:states?|says?)\s+(?:this|that|it|so|the\s+(?:hypothesis|same))\b|\bstates?\s+(?:it|this|so|the\s+same(?:\s+\w+)?)\s+(?:outright|directly|explicitly|clearly)\b",
    r"\b(?:exactly|precisely|just)\s+what\s+the\s+hypothesis\s+(?:claims|says|states|asserts)\b|\bwhat\s+the\s+hypothesis\s+(?:claims|says|states|asserts)\W*$",
    r"\bmore\s+general\s+(?:\w+\s+)?(?:statement|version|form|way|claim)\b|\b(?:strictly\s+)?stronger\s+than\s+the\s+hypothesis\b",
    r"^\W*if\b[^;.]*,\s*(?:then\s+)?[\w\s]*\bmust\s+(?:also\s+)?be\b|^\W*yes\b",
    r"\bmakes?\s+(?:the\s+hypothesis|it|this)\s+(?:\w+ly\s+)?(?:certain|true|inevitable|undeniable)\b",
    r"\bmaking\s+(?:the\s+hypothesis|it|this)\s+(?:\w+ly\s+)?(?:true|certain)\b|\b(?:another|a\s+different)\s+way\s+of\s+(?:saying|putting)\b|\bwell[\s-]founded\b",
)

# What turns a verdict round that stands in its clause: "it is false that the hypothesis follows".
FLIP = re.compile(
    r"\b(?:(?:it|that)\s+(?:isn't|wasn't|can't\s+be|cannot\s+be|need\s+not\s+be|doesn't\s+have\s+to\s+be)\s+(?:\w+\s+)?(?:true|correct|right|accurate|the\s+case)\s+that"
    r"|(?:it\s+)?(?:is|would\s+be|'s)\s+(?:\w+\s+)?(?:wrong|incorrect|false|mistaken|a\s+mistake|an\s+error|inaccurate|untrue|not\s+(?:true|correct|right|accurate|the\s+case))"
    r"(?:\s+to\s+(?:say|claim|assert|state|hold|think|believe|suppose|infer|conclude|assume))?\s+that"
    r"|\b(?:i|we|one)\s+(?:would\s+|must\s+)?(?:doubt|question)\s+(?:that|whether)"
    r"|\b(?:it\s+is\s+)?(?:doubtful|questionable|unlikely|far\s+from\s+(?:certain|clear|obvious)|not\s+(?:certain|clear|obvious))\s+(?:that|whether)"
    r"|\b(?:nothing|no\s+(?:reason|evidence|indication|proof))\b[^,;.]{0,160}?\b(?:suggests?|indicates?|believe|think|says?|shows?|proves?|conclude)\s+that"
    r"|\bwrongly\s+(?:\w+\s+)?(?:concluded|inferred|assumed|said|claimed)\s+that)"
    r"(?P<clause>\s[^,;.]*)",
    re.I,
)

# A clause that only says what the hypothesis is: "the hypothesis that the man is not dry is true".
THAT = re.compile(
    r"\b(?:hypothesis|statement|claim|assertion|assumption|conclusion|idea|inference|notion|suggestion)\s*(?P<clause>\s+that\s+[^,;.]{1,200})\s+"
    r"(?=(?:is|are|was|can|cannot|can't|could|may|must|might|does|doesn't|do|follows|holds|has|isn't|must)\b\s*(?:\w+\s+){0,4}?(?:not\s+|n't\s+)?(?:\w+\s+)?"
    r"(?:true|false|untrue|entailed|implied|inferred|supported|unsupported|valid|invalid|correct|incorrect|wrong|mistaken|plausible|justified"
    r"|contradicted|refuted|follows?|holds?|neutral|confirmed|deduced|concluded|determined|accurate|reasonable|warranted|unwarranted)\b)",
    re.I,
)
