"""Entity swap: some entities of a document get another name of their type, all their mentions alike.

"Ada Lovelace left. Lovelace wrote." with Grace Hopper: "Grace Hopper left. Hopper wrote."
"""

from __future__ import annotations

import random
import re
from calendar import month_name
from collections.abc import Iterable
from dataclasses import dataclass

from finetooth.augment.edit import Skip, apply, first_word, replaced
from finetooth.augment.view import Cluster, acronym, clusters, is_acronym, is_name, kind_counts, one_thing
from finetooth.tasks.mentions import name_key, places
from finetooth.types import Example

SHARE = 0.8  # of the entities that can be renamed
TRIES = 12  # names looked at for one entity
LONGEST = 80  # characters of a name in the pool
_ARTICLE = re.compile(r"^(the|a|an)\s+", re.IGNORECASE)
_MONTHS = tuple(month.casefold() for month in month_name if month)
_TITLES = frozenset(
    ("mr", "mrs", "ms", "dr", "sir", "lord", "lady", "prof", "professor", "president", "st", "saint")
)
_PARTICLES = frozenset(
    ("de", "la", "le", "du", "da", "di", "del", "van", "von", "der", "den", "bin", "ibn", "al", "el")
)
_SMALL = frozenset(("of", "the", "and", "for", "in", "on", "to", "at", "by", "a", "an", "&", "with"))
# "the German coast" wants another such word: sources file "German" and "Berlin" under one type.
_ADJECTIVE = re.compile(
    r"^\S*(?:ian|ean|ese|ish|eli|aqi|ani|[rl]ic|can|yan)$|^(?:German|French|Dutch|Greek|Swiss|Welsh|Asian|Thai|Czech|Roman)$"
)
_SUFFIXES = frozenset(("jr", "sr", "ii", "iii", "iv", "phd", "md"))


@dataclass(frozen=True, slots=True)
class Named:
    """Names that stand for one thing in the document they come from, the full one first."""

    type: str
    names: tuple[str, ...]
    source: str = ""


Pool = dict[tuple[str, str], list[Named]]


def pool_of(examples: Iterable[Example]) -> Pool:
    """Type and shape -> the names of that kind in these examples, each full name once."""
    made: Pool = {}
    seen: set[tuple[str, str]] = set()
    for example in examples:
        for c in clusters(example):
            # An overlap says nothing against a name; a phrase that is none does.
            if (
                not c.type
                or not c.names
                or not one_thing(c.names)
                or not all(sound(n, c.type) for n in c.names)
            ):
                continue
            full = bare(c.names[0])
            if full and (c.type, full) not in seen:
                seen.add((c.type, full))
                made.setdefault((c.type, shape(full)), []).append(
                    Named(c.type, tuple(map(bare, c.names)), example.id)
                )
    return made


def sound(name: str, kind: str) -> bool:
    """Whether a name can stand in another text: short, in capitals but for small words, brackets and quotes closed."""
    inside = bare(name)
    if not is_name(name) or len(name) > LONGEST or re.search(r"[\"“”‘()\[\]{}]", name):
        return False
    if not (inside[-1].isalnum() or inside[-1] in ".%"):
        return False
    if kind_counts(kind):
        return any(c.isdigit() for c in name)
    small = _PARTICLES if kind.casefold().startswith("per") else _PARTICLES | _SMALL
    return all(w in small or not w[0].islower() for w in inside.split())


def bare(name: str) -> str:
    return _ARTICLE.sub("", name)


def shape(name: str) -> str:
    """What two names share that can stand in one place: "19 May 1876" and "3 June 1999" are both "0 M 0".

    A name with digits keeps its other words, months aside; any other is a name, a plural, or an adjective.
    """
    name = bare(name)
    if not any(c.isdigit() for c in name):
        if name.casefold() in _MONTHS:
            return "M"
        if _ADJECTIVE.search(name):
            return "adjective"
        return "plural" if name.endswith("s") and " " not in name and len(name) > 3 else "name"
    words = []
    for word in name.split():
        if word.strip(",.").casefold() in _MONTHS:
            words.append("M")
        elif word in ("1", "1st"):  # what follows it is no plural
            words.append(word)
        else:
            words.append(re.sub(r"\d{1,2}(?!\d)", "0", re.sub(r"\d{3,}", lambda m: "9" * len(m[0]), word)))
    return " ".join(words)


def swap(example: Example, rng: random.Random, *, pool: Pool, share: float = SHARE) -> Example:
    """Renames ``share`` of the entities that can be, at least one. Raises Skip where none can."""
    every = clusters(example)
    free = [c for c in every if not c.locked and c.type]
    if not free:
        why = "; ".join(sorted({c.locked for c in every if c.locked})) or "there is none"
        raise Skip(f"no entity can be renamed: {why}")
    free = rng.sample(free, len(free))
    wanted = max(1, round(share * len(free)))
    text = example.inputs.text
    taken = {name_key(n) for c in every for n in c.names}
    new: dict[int, Named] = {}
    by_number = {c.number: c for c in every}
    for cluster in free:
        if len(new) >= wanted:
            break
        if cluster.number in new:
            continue
        partners = [
            c for c in free if c.number not in new and c is not cluster and _alike(cluster, c) and _fits_both(example, cluster, c)
        ]  # fmt: skip
        if partners and rng.random() < 0.5:
            other = rng.choice(partners)
            new[cluster.number] = Named(other.type, tuple(map(bare, other.names)))
            new[other.number] = Named(cluster.type, tuple(map(bare, cluster.names)))
            continue
        found = _from_pool(cluster, pool, taken, text, rng)
        if found is not None:
            new[cluster.number] = found
            taken |= {name_key(n) for n in found.names}
    if not new:
        raise Skip("no other name of the same type and form in the document or the pool")
    names: dict[tuple[int, str], str] = {}
    changes: dict[tuple[int, int], str] = {}
    for number, named in new.items():
        cluster = by_number[number]
        renamed = {n: rename(n, cluster, named) for n in cluster.names}
        names |= {(number, n): renamed[n] for n in cluster.names}
        for a, b in cluster.mentions:
            changes[a, b] = renamed.get(text[a:b]) or rename(text[a:b], cluster, named)
    return apply(example, replaced(text, changes), names)


def _alike(one: Cluster, other: Cluster) -> bool:
    return one.type == other.type and shape(one.names[0]) == shape(other.names[0])


def _fits_both(example: Example, one: Cluster, other: Cluster) -> bool:
    """Articles fit both ways, and none of the two is a part of the other's name."""
    a, b = {name_key(n) for n in one.names}, {name_key(n) for n in other.names}
    if any(places(x, y) or places(y, x) for x in a for y in b):
        return False
    text = example.inputs.text
    return _article_fits(one, bare(other.names[0]), text) and _article_fits(other, bare(one.names[0]), text)


def _from_pool(cluster: Cluster, pool: Pool, taken: set[str], text: str, rng: random.Random) -> Named | None:
    known = pool.get((cluster.type, shape(cluster.names[0])), [])
    for found in rng.sample(known, min(TRIES, len(known))):
        keys = {name_key(n) for n in found.names}
        if keys & taken or not _article_fits(cluster, found.names[0], text):
            continue
        # A name that holds, or is held by, one of the document's would be a mention nobody labelled.
        if any(places(k, t) or places(t, k) for k in keys for t in taken):
            continue
        if any(places(n, text) for n in found.names):
            continue
        return found
    return None


def _article_fits(cluster: Cluster, name: str, text: str) -> bool:
    """Whether "a" and "an" before its mentions, and "the" in them, still agree with the new name."""
    vowel = first_word(name)[:1].casefold() in ("a", "e", "i", "o", "u")
    for start, _ in cluster.mentions:
        before = re.search(r"\b(a|an)\s+$", text[max(0, start - 6) : start], re.IGNORECASE)
        if before and (before[1].casefold() == "an") != vowel:
            return False
    inside = {m[1].casefold() for n in cluster.names if (m := _ARTICLE.match(n))} & {"a", "an"}
    return not inside or (inside == {"an"}) == vowel


def rename(name: str, cluster: Cluster, new: Named) -> str:
    """What an old name becomes: the full name, its surname, first name or initials; an article stays.

    Whatever is none of these becomes the full name, so no trace of the old entity is left.
    """
    article = _ARTICLE.match(name)
    kept = article.group() if article else ""
    short, full, other = bare(name), bare(cluster.names[0]), new.names[0]
    if name_key(short) == name_key(full):
        return kept + other
    if cluster.type.casefold().startswith("per"):
        theirs, ours = _core(other), _core(full)
        mine = _core(short)
        if len(theirs) > 1 and len(ours) > 1 and mine:
            if mine == ours[-len(mine) :] and len(mine) < len(ours):
                return kept + " ".join(theirs[-1:])
            if mine == ours[: len(mine)] and len(mine) < len(ours):
                return kept + " ".join(theirs[:1])
    if is_acronym(short, full):
        known = next((n for n in new.names[1:] if is_acronym(n, other)), None)
        return kept + (known or acronym(other) or other)
    return kept + other


def _core(name: str) -> list[str]:
    """The words of a person's name without titles and suffixes."""
    words = [w.strip(",") for w in name.split()]
    while words and words[0].strip(".").casefold() in _TITLES:
        words = words[1:]
    while len(words) > 1 and words[-1].strip(".").casefold() in _SUFFIXES:
        words = words[:-1]
    return words


def pools(*parts: Pool) -> Pool:
    """Several pools as one; a full name stands once."""
    made: Pool = {}
    seen: set[tuple[str, str]] = set()
    for part in parts:
        for key, found in part.items():
            for named in found:
                if (named.type, named.names[0]) not in seen:
                    seen.add((named.type, named.names[0]))
                    made.setdefault(key, []).append(named)
    return made


@dataclass(frozen=True)
class as_swap:
    """The method with its pool bound; other processes can be given it."""

    pool: Pool
    share: float = SHARE

    def __call__(self, example: Example, rng: random.Random, _: int) -> Example:
        return swap(example, rng, pool=self.pool, share=self.share)
