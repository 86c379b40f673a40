"""What stands beside triples: the sentences that bear them out, a relation that is none, documents nobody labelled."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from finetooth.checks._documents import entity_names, mentions, stands
from finetooth.registry import CheckContext, check, flag
from finetooth.text import many, shorten, words
from finetooth.types import Example, Finding

HABIT = 0.9  # of the triples have evidence before one without is odd; Re-DocRED's newer ones have none
USUAL = 20  # triples before a habit can be told
ONE_WAY = 40  # triples of a relation before it is known to hold one way only
BOTH_WAYS = 0.01  # of a relation's triples, at most, go both ways
NO_RELATION = frozenset({"na", "norelation", "none", "null", "nan", "no", "o", "notarelation", "norel"})


@check("relation", severity="error")
def evidence_not_in_document(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The evidence of a triple is a sentence that the document has not got; a warning where one is named twice.

    Bad: {"sents": [["Ada", "left", "Rome", "."]], "labels": [{"h": 0, "t": 1, "r": "Left", "evidence": [1]}]}
    Fix: sentences are counted from 0
    """
    for e in examples:
        count = None if e.inputs.sentences is None else len(e.inputs.sentences)
        for i, t in enumerate(e.target.triples):
            outside = [n for n in t.evidence if n < 0 or (count is not None and n >= count)]
            if outside:
                has = "" if count is None else f", the document has {many(count, 'sentence')}, counted from 0"
                yield flag(
                    e,
                    f"the evidence of triple {i} ({t.relation}) is sentence {', '.join(map(str, outside))}{has}",
                    triple=i,
                    evidence=list(t.evidence),
                    sentences=count,
                )
            elif len(set(t.evidence)) < len(t.evidence):
                yield flag(
                    e,
                    f"the evidence of triple {i} ({t.relation}) names a sentence twice: {list(t.evidence)}",
                    severity="warning",
                    triple=i,
                    evidence=list(t.evidence),
                )


@check("relation", severity="warning")
def evidence_without_ends(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """None of the sentences given as evidence speaks of the head or of the tail, under any of their names.

    A word that begins alike counts as a name ("Swedish" for Sweden), and one end in one of the sentences is enough:
    the other may stand there as "she".

    Bad: {"doc": "Ada left Rome. It rained.", "triples": [{"head": "Ada", "relation": "Left", "tail": "Rome", "evidence": [1]}]}
    Fix: name the sentence that says it
    """
    for e in examples:
        bounds = e.inputs.sentences or ()
        for i, t in enumerate(e.target.triples):
            said = [e.inputs.text[slice(*bounds[n])] for n in t.evidence if 0 <= n < len(bounds)]
            if not said or min(t.head, t.tail) < 0 or max(t.head, t.tail) >= len(e.inputs.entities):
                continue
            ends = (t.head, t.tail)
            if any(_holds(n, text) for number, n in entity_names(e) if number in ends for text in said):
                continue
            if any(
                bounds[n][0] <= m.start < bounds[n][1]
                for n in t.evidence
                if 0 <= n < len(bounds)
                for end in ends
                for m in e.inputs.entities[end].mentions
            ):
                continue
            head, tail = (e.inputs.entities[end].name for end in ends)
            yield flag(
                e,
                f"the evidence of triple {i} ({head!r} {t.relation} {tail!r}) speaks of neither: {shorten(said[0], 60)!r}",
                triple=i,
                evidence=list(t.evidence),
            )


def _holds(name: str, text: str) -> bool:
    if stands(name, text):
        return True
    begun = {w[:4] for w in words(text) if len(w) >= 4}
    return any(w[:4] in begun for w in words(name) if len(w) >= 4)


@check("relation", severity="warning", least=1)
def evidence_missing(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A triple has no evidence where nine of ten triples of the set have it.

    Where more lack it nothing is said: in Re-DocRED the triples that were added have none.

    Bad: {"labels": [{"h": 0, "t": 1, "r": "Left", "evidence": []}]} among triples with evidence
    Fix: name the sentences that say it
    """
    listed = [(e, i, t) for e in examples for i, t in enumerate(e.target.triples)]
    held = sum(bool(t.evidence) for _, _, t in listed)
    if len(listed) < USUAL or held < HABIT * len(listed):
        return
    for e, i, t in listed:
        if not t.evidence:
            yield flag(
                e,
                f"triple {i} ({t.relation}) has no evidence, {held:,} of {len(listed):,} triples have",
                triple=i,
            )


@check("relation", severity="error")
def relation_that_is_none(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A triple has no relation, or one that says that there is none ("Na", "no_relation").

    Pairs without a relation are not listed; listed, they teach that nothing is a relation, and inflate every score.
    A label of a twentieth of all triples or more is said once, as a warning: the set may mean it so.

    Bad: {"labels": [{"h": 0, "t": 1, "r": "Na"}]}
    Fix: drop the triple
    """
    listed = [(e, i, t) for e in examples for i, t in enumerate(e.target.triples)]
    counts = Counter(t.relation for _, _, t in listed)
    often = {r for r, n in counts.items() if r.strip() and n >= USUAL and n >= 0.05 * len(listed)}
    none = {r for r in counts if not r.strip() or re.sub(r"[\W_]+", "", r).casefold() in NO_RELATION}
    for relation in sorted(none & often):
        yield flag(
            "",
            f"{counts[relation]:,} of {len(listed):,} triples are {relation!r}: pairs without a relation are not listed",
            severity="warning",
            relation=relation,
        )
    for e, i, t in listed:
        if t.relation in none - often:
            said = f"is {t.relation!r}" if t.relation.strip() else "is empty"
            yield flag(e, f"the relation of triple {i} {said}", fix={"triple": i, "drop": True}, triple=i)


@check("relation", severity="warning")
def relation_both_ways(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Two entities stand in a relation both ways, which everywhere else holds one way only.

    Told for relations with at least 40 triples where one pair, or a hundredth of them, goes both ways.

    Bad: {"triples": [["Ada", "ChildOf", "Bo"], ["Bo", "ChildOf", "Ada"]]} where no other pair is so
    Fix: drop the wrong one
    """
    total: Counter[str] = Counter()
    both: dict[str, list[tuple[Example, int, int]]] = defaultdict(list)
    for e in examples:
        first: dict[tuple[int, str, int], int] = {}
        for i, t in enumerate(e.target.triples):
            if min(t.head, t.tail) < 0 or t.head == t.tail or (t.head, t.relation, t.tail) in first:
                continue
            total[t.relation] += 1
            first[t.head, t.relation, t.tail] = i
            if (j := first.get((t.tail, t.relation, t.head))) is not None:
                both[t.relation].append((e, j, i))
    for relation, pairs in both.items():
        n = total[relation]
        if n < ONE_WAY or (len(pairs) > 1 and 2 * len(pairs) > BOTH_WAYS * n):
            continue
        for e, j, i in pairs:
            t = e.target.triples[i]
            named = [
                e.inputs.entities[x].name if x < len(e.inputs.entities) else str(x) for x in (t.head, t.tail)
            ]
            yield flag(
                e,
                f"{relation} holds both ways between {named[1]!r} and {named[0]!r} (triples {j} and {i}); "
                f"of {n:,} triples {many(2 * len(pairs), 'does', 'do')}",
                triple=i,
                first=j,
                relation=relation,
            )


@check("relation", severity="warning")
def mention_in_two_entities(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """The same characters are a mention of two entities of one type: one entity was listed twice, or a cluster mixes two.

    A model has to guess between them, and triples of one count as wrong with the other.

    Bad: {"vertexSet": [[{"name": "Ada", "sent_id": 0, "pos": [0, 1], "type": "PER"}], [{"name": "Ada", "sent_id": 0, "pos": [0, 1], "type": "PER"}]]}
    Fix: make one entity of the two, or take the mention from the one it does not name
    """
    for e in examples:
        held: dict[tuple[int, int, str], int] = {}
        shared: dict[tuple[int, int], list[str]] = defaultdict(list)
        for m in mentions(e):
            if m.start < 0 or m.entity is None:
                continue
            first = held.setdefault((m.start, m.end, m.type), m.entity)
            if first != m.entity:
                shared[first, m.entity].append(m.text)
        for (a, b), texts in shared.items():
            yield flag(
                e,
                f"entities {a} and {b} are both mentioned by the same {texts[0]!r}"
                + (f" and {many(len(texts) - 1, 'more place')}" if len(texts) > 1 else ""),
                entities=[a, b],
                mentions=texts,
            )


@check("relation", severity="info")
def blank_token(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """Words of tokenised documents are empty or blank: they shift nothing here, and break a tokenizer of words.

    Bad: {"sents": [["Ada", "", "left", "."]]}
    Fix: leave such words out and count the positions of the mentions anew
    """
    counts = {e.id: n for e in examples if (n := sum(not t.text.strip() for t in e.inputs.tokens or ()))}
    if counts:
        yield flag(
            "",
            f"{many(sum(counts.values()), 'word')} of {many(len(counts), 'document')} are blank, "
            f"as in {next(iter(counts))}",
            ids=list(counts)[:20],
        )


@check("relation", severity="warning")
def unlabelled_document(examples: Sequence[Example], context: CheckContext) -> Iterator[Finding]:
    """A document has no triples at all, not even an empty list, where others have: is it unlabelled, or without any?

    It stands in no score; a list that is empty says that there is nothing to find.

    Bad: {"title": "T", "sents": [["Ada", "left", "."]], "vertexSet": []} among documents with labels
    Fix: "labels": [], or take it out
    """
    without = [e for e in examples if e.meta.get("unlabelled")]
    if without and len(without) < len(examples):
        for e in without:
            yield flag(
                e,
                f"has no list of triples; {len(examples) - len(without):,} other documents have",
                severity="",
            )
