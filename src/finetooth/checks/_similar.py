"""Texts that are nearly the same: an exact set-similarity join, no random hashes, no misses at the threshold.

Two sets of size n with Jaccard similarity t or more must share one of their n - ceil(t n) + 1 rarest
members (prefix filter: Chaudhuri et al. 2006, Bayardo et al. 2007). Runs of three words are nearly
all rare, so almost nothing has to be compared. A text is compared with the first of each kind only:
a thousand copies of a template cost a thousand comparisons, not a million.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

from finetooth.text import squeeze

Key = TypeVar("Key", bound=Hashable)
Shingles = frozenset[str]

_WORD = re.compile(r"[^\W_]+")
# Kana, Han and Hangul: between punctuation stands a clause and no word, or a word with all that hangs on it.
_CLAUSE_SCRIPTS = re.compile("[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]")
MOST_CANDIDATES = 50


@lru_cache(maxsize=4096)  # within a split and against the other one the same texts are asked for
def shingles(text: str, size: int = 3) -> Shingles:
    """Runs of ``size`` words, or of five characters where what stands between blanks and signs is more than a word."""
    line = squeeze(text)
    found = _WORD.findall(line)
    if len(found) * 15 < len(line) or 2 * len(_CLAUSE_SCRIPTS.findall(line)) > len(line):
        return frozenset(line[i : i + 5] for i in range(max(1, len(line) - 4)))
    if len(found) < size:
        return frozenset([" ".join(found)] if found else ())
    return frozenset(" ".join(found[i : i + size]) for i in range(len(found) - size + 1))


def groups(keys: Iterable[Key]) -> dict[Key, list[int]]:
    """Where each key stands, for the keys that stand more than once."""
    where: dict[Key, list[int]] = {}
    for i, key in enumerate(keys):
        where.setdefault(key, []).append(i)
    return {key: at for key, at in where.items() if len(at) > 1}


def jaccard(a: Shingles, b: Shingles) -> float:
    common = len(a & b)
    return common / (len(a) + len(b) - common) if common else 0.0


def near(
    sets: Sequence[Shingles], *, threshold: float, against: Sequence[Shingles] | None = None
) -> Iterator[tuple[int, int, float]]:
    """(i, j, similarity) with the most similar j of ``against``, or of the earlier ones where there is none.

    Empty sets are like nothing. Identical ones have similarity 1.
    """
    counts = Counter(s for each in sets for s in each)
    if against is not None:
        counts.update(s for each in against for s in each)
    index: dict[str, list[int]] = {}
    others = sets if against is None else against
    if against is not None:
        for j, each in enumerate(against):
            for s in _prefix(each, threshold, counts):
                index.setdefault(s, []).append(j)
    for i, each in enumerate(sets):
        prefix = _prefix(each, threshold, counts)
        candidates = Counter(j for s in prefix for j in index.get(s, ()))
        best, at = 0.0, -1
        for j, _ in candidates.most_common(MOST_CANDIDATES):
            similarity = jaccard(each, others[j])
            if similarity > best:
                best, at = similarity, j
        if best >= threshold:
            yield i, at, best
        elif against is None:
            for s in prefix:
                index.setdefault(s, []).append(i)


def _prefix(members: Shingles, threshold: float, counts: Counter[str]) -> list[str]:
    keep = len(members) - math.ceil(threshold * len(members) - 1e-9) + 1
    if not members:
        return []
    return sorted(members, key=lambda s: (counts[s], s))[:keep]
