"""What the methods look at: entities with all their mentions, characters that must stay, sentences and evidence.

NER data has no entities, only spans: those of one number, else of one name and type, are taken for one,
and a person's surname is taken for the one person of the document that has it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from finetooth.checks._documents import is_ner, mentions, unplaced
from finetooth.tasks.mentions import cuts_word, name_key, overlapping, places, sentences_of
from finetooth.types import Example

Range = tuple[int, int]


@dataclass(frozen=True)
class Cluster:
    """An entity: its number in the document, its type, its mentions, its names with the full one first.

    ``locked`` says why its names must stay; "" where they may be changed.
    """

    number: int
    type: str
    mentions: tuple[Range, ...]
    names: tuple[str, ...]
    locked: str = ""


def anchors(example: Example) -> list[Range]:
    """Spans that must stay as they are: mentions, names without a span, names that only a triple tells."""
    text = example.inputs.text
    found = {(m.start, m.end) for m in mentions(example)}
    found |= {(u.start, u.end) for u in unplaced(example) if u.start >= 0}
    for name in loose_names(example):
        found |= {(at, at + len(name)) for at in places(name, text)}
    if not is_ner(example):
        for entity in example.inputs.entities:
            for name in entity.aliases:
                found |= {(at, at + len(name)) for at in places(name, text)}
    return sorted(r for r in found if 0 <= r[0] < r[1] <= len(text))


def loose_names(example: Example) -> list[str]:
    """Names of triple ends that are no entity's, though the text may hold them."""
    if is_ner(example):
        return []
    told = []
    for t in example.target.triples:
        told += [name for place, name in ((t.head, t.head_text), (t.tail, t.tail_text)) if place < 0 and name]
    return list(dict.fromkeys(told))


def merged(ranges: Sequence[Range]) -> list[Range]:
    """Ranges that share characters as one; in order."""
    made: list[Range] = []
    for start, end in sorted(ranges):
        if made and start < made[-1][1]:
            made[-1] = made[-1][0], max(end, made[-1][1])
        else:
            made.append((start, end))
    return made


def clusters(example: Example) -> list[Cluster]:
    """The entities of a document, those whose names must stay with the reason."""
    listed = _grouped(example) if is_ner(example) else _entities(example)
    text = example.inputs.text
    spans = [(start, end, i) for i, (_, _, found, _) in enumerate(listed) for start, end in found]
    spans += [(u.start, u.end, -1) for u in unplaced(example) if u.start >= 0 and is_ner(example)]
    for name in loose_names(example):
        spans += [(at, at + len(name), -1) for at in places(name, text)]
    shared: set[int] = set()
    twofold = {t.head for t in getattr(example.target, "triples", ()) if t.head == t.tail}
    for i, j in overlapping([(s[0], s[1]) for s in spans]):
        shared |= {spans[i][2], spans[j][2]}
    made = []
    for i, (number, kind, found, told) in enumerate(listed):
        names = tuple(sorted(told, key=lambda n: -len(n)))
        why = "its mentions overlap with others" if i in shared else _locked(example, kind, found, names)
        if not is_ner(example) and number in twofold:
            why = "a triple tells two of its names apart"
        made.append(Cluster(number, kind, tuple(found), names, why))
    return made


def _locked(example: Example, kind: str, found: Sequence[Range], names: Sequence[str]) -> str:
    text = example.inputs.text
    if not found or not names:
        return "it has no mention"
    if any(text[a:b].strip() != text[a:b] or not text[a:b] for a, b in found):
        return "a mention has blanks at its edge"
    if example.inputs.tokens is None and any(cuts_word(text, a, b) for a, b in found):
        return "a mention is part of a word"
    # "the company", "three": the words around depend on what they say, and nobody else is called so.
    if any(not is_name(n) for n in names) or (kind_counts(kind) and not any(c.isdigit() for c in names[0])):
        return "it is no proper name"
    if not one_thing(names):
        return "its names have nothing in common"
    inside = set(found)
    for name in names:
        for at in places(name, text):
            if not any(a <= at and at + len(name) <= b for a, b in inside):
                return "its name also stands unlabelled"
    return ""


def is_name(name: str) -> bool:
    """Whether it begins, an article aside, with a capital or a digit, on one line."""
    key = re.sub(r"^(?:the|a|an)\s+", "", name, flags=re.IGNORECASE)
    return bool(key) and not key[0].islower() and key[0].isalnum() and "\n" not in name


def kind_counts(kind: str) -> bool:
    """Whether a type is one of numbers and times, as OntoNotes has them; a word of it ("Today", "One") is no name."""
    return kind.casefold().startswith(
        ("date", "time", "cardinal", "ordinal", "quantity", "percent", "money", "num")
    )


def one_thing(names: Sequence[str]) -> bool:
    """Whether each name shares a word with the full one, or is its initials.

    A source may list "Korea" and "Japan" as one entity; one new name for both would make nonsense.
    """
    full = set(name_key(names[0]).split())
    return all(full & set(name_key(n).split()) or is_acronym(n, names[0]) for n in names[1:])


def acronym(name: str) -> str:
    """The capitals that begin its words, "" for fewer than two of them."""
    letters = [w[0] for w in re.findall(r"[^\W_]+", name) if w[0].isupper()]
    return "".join(letters) if len(letters) > 1 else ""


def is_acronym(short: str, full: str) -> bool:
    key = re.sub(r"^(?:the|a|an)\s+", "", short, flags=re.IGNORECASE).replace(".", "")
    return len(key) > 1 and key.isupper() and key.isalnum() and key == acronym(full)


Listed = list[tuple[int, str, list[Range], list[str]]]


def _entities(example: Example) -> Listed:
    made = []
    for i, e in enumerate(example.inputs.entities):
        names = [n for n in dict.fromkeys((*(m.text for m in e.mentions), *e.aliases, e.name)) if n]
        kinds = set(e.types)
        made.append((i, e.type if not kinds else "", [(m.start, m.end) for m in e.mentions], names))
    return made


def _grouped(example: Example) -> Listed:
    """Spans of a NER document by entity; people also by their surname."""
    groups: dict[tuple[object, str], list[tuple[Range, str]]] = {}
    for s in example.target.entities:
        key = s.entity if s.entity is not None else name_key(s.text)
        groups.setdefault((key, s.type), []).append(((s.start, s.end), s.text))
    keys = list(groups)
    for key in keys:
        if not isinstance(key[0], str) or " " in key[0] or not key[1].casefold().startswith("per"):
            continue
        longer = [
            k for k in groups if isinstance(k[0], str) and k[1] == key[1] and k[0].split()[-1:] == [key[0]] and k != key
        ]  # fmt: skip
        if len(longer) == 1:
            groups[longer[0]] += groups.pop(key)
    made = []
    for i, ((_, kind), found) in enumerate(groups.items()):
        made.append((i, kind, [r for r, _ in found], list(dict.fromkeys(n for _, n in found))))
    return made


def sentences(example: Example) -> list[Range]:
    """The document's own sentences, else those that punctuation tells; none is cut inside a mention or token."""
    text = example.inputs.text
    whole = anchors(example)
    own = getattr(example.inputs, "sentences", None)
    if not own:
        tokens = [(t.start, t.end) for t in example.inputs.tokens or ()]
        return list(sentences_of(text, [*whole, *tokens]))
    made: list[Range] = []
    cut = merged(whole)
    starts = [a for a, _ in cut]
    for start, end in sorted((a, b) for a, b in own if 0 <= a < b <= len(text)):
        # A mention that runs over the end of a sentence makes one of two.
        i = bisect_right(starts, start) - 1
        if made and ((i >= 0 and cut[i][0] < start < cut[i][1]) or start < made[-1][1]):
            made[-1] = made[-1][0], max(end, made[-1][1])
        else:
            made.append((start, end))
    return made


def evidence(example: Example, found: Sequence[Range]) -> list[tuple[set[int], Range]]:
    """Of each triple: the sentences that it may rest on, and the shortest run (first, last) that tells it.

    Those that the source names; else those that mention both ends; else all that mention either, and
    what stands between the two nearest.
    """
    if is_ner(example):
        return []
    text = example.inputs.text
    made = []
    starts = [a for a, _ in found]
    own = example.inputs.sentences

    def sentence_of(char: int) -> int:
        return max(bisect_right(starts, char) - 1, 0)

    def standing(place: int, told: str) -> list[int]:
        if place >= 0:
            return sorted({sentence_of(m.start) for m in example.inputs.entities[place].mentions})
        return sorted({sentence_of(at) for at in places(told, text)})

    for t in example.target.triples:
        heads, tails = standing(t.head, t.head_text), standing(t.tail, t.tail_text)
        if own and t.evidence:
            named = {sentence_of(own[e][0]) for e in t.evidence if 0 <= e < len(own)}
            if named:
                made.append((named, (min(named), max(named))))
                continue
        both = set(heads) & set(tails)
        if both:
            first = min(both)
            made.append((both, (first, first)))
            continue
        pairs = [(min(h, s), max(h, s)) for h in heads for s in tails]
        if not pairs:
            one = set(heads) | set(tails)
            if one:
                made.append((one, (min(one), min(one))))
            continue
        a, b = min(pairs, key=lambda p: (p[1] - p[0], p))
        made.append((set(heads) | set(tails) | set(range(a, b + 1)), (a, b)))
    return made
