"""Tag sequences as chunks, a million at a time: conlleval's reading, seqeval's, and the strict IOB2 one.

["B-PER", "I-PER", "O", "I-LOC"] holds PER at 0..2 and, for conlleval only, LOC at 3..4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

# What a prefix may be. "[" and "]" are conlleval's chunks of length one, "." its other outside tag.
PREFIXES = ("O", "B", "I", "E", "S", "[", "]", ".")
O, B, I, E, S, OPEN, CLOSE, DOT = range(8)  # noqa: E741
OTHER = 8
_SPELLINGS = {"L": "E", "U": "S", "W": "S", "M": "I"}  # BILOU, BIOUW and BMES say the same in other letters


def split(tag: str) -> tuple[str, str]:
    """("B", "creative-work") of "B-creative-work"; the type is "" where there is no hyphen.

    Of "B-person,B-group" (WNUT17's test file has such) the first is taken.
    """
    prefix, hyphen, kind = tag.partition("-")
    return (prefix, kind.split(",", 1)[0]) if hyphen else (tag, "")


def is_tag(tag: str) -> bool:
    """Whether this is ``O``, or a known prefix, a hyphen and a type."""
    if tag == "O":
        return True
    prefix, kind = split(tag)
    return bool(kind) and (prefix in ("B", "I", "E", "S") or prefix in _SPELLINGS)


@dataclass(frozen=True)
class Tags:
    """Sequences laid end to end, an O between two: ``prefix`` and ``kind`` have one entry a position.

    ``sequence`` says whose position it is (-1: the O between two), ``place`` which token of it.
    ``kinds`` are the types; "" is type 0.
    """

    prefix: np.ndarray
    kind: np.ndarray
    sequence: np.ndarray
    place: np.ndarray
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Chunks:
    """Chunks by position: first token, token after the last, type number; all arrays of one length."""

    start: np.ndarray
    end: np.ndarray
    kind: np.ndarray

    def __len__(self) -> int:
        return len(self.start)


def lay(sequences: Sequence[Sequence[str]], kinds: dict[str, int] | None = None) -> Tags:
    """Tag sequences as arrays. ``kinds`` (type -> number) is shared by the sides of a comparison."""
    kinds = {"": 0} if kinds is None else kinds
    codes = {tag: i for i, tag in enumerate(sorted({"O"}.union(*sequences)))}
    prefix_of = np.empty(len(codes), dtype=np.int8)
    kind_of = np.empty(len(codes), dtype=np.int64)
    for tag, number in codes.items():
        prefix, kind = split(tag)
        prefix = _SPELLINGS.get(prefix, prefix) if kind else prefix
        prefix_of[number] = PREFIXES.index(prefix) if prefix in PREFIXES else OTHER
        kind_of[number] = kinds.setdefault(kind, len(kinds))
    lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
    n = int(lengths.sum())
    sequence = np.repeat(np.arange(len(sequences)), lengths)
    # One O behind each sequence: a tag stands as many places further on as there are sequences before it.
    at = np.arange(n) + sequence
    code: np.ndarray = np.full(n + len(sequences), codes["O"], dtype=np.int64)
    code[at] = np.fromiter(map(codes.__getitem__, chain.from_iterable(sequences)), dtype=np.int64, count=n)
    sequence_of = np.full(len(code), -1)
    sequence_of[at] = sequence
    place = np.arange(len(code)) - np.repeat(np.cumsum(lengths + 1) - lengths - 1, lengths + 1)
    return Tags(prefix_of[code], kind_of[code], sequence_of, place, tuple(kinds))


def _shift(values: np.ndarray) -> np.ndarray:
    before = np.zeros_like(values)
    before[1:] = values[:-1]
    return before


def _pairs(before: np.ndarray, now: np.ndarray, rules: Iterable[tuple[int, int]]) -> np.ndarray:
    table = np.zeros((OTHER + 1, OTHER + 1), dtype=bool)
    for one, other in rules:
        table[one, other] = True
    return table[before, now]


_CONLLEVAL_ENDS = ((B, B), (B, O), (I, B), (I, O), (E, E), (E, I), (E, O))
_CONLLEVAL_STARTS = ((B, B), (I, B), (O, B), (O, I), (E, E), (E, I), (O, E))
_SEQEVAL_ENDS = (
    *((E, x) for x in range(9)),
    *((S, x) for x in range(9)),
    *((p, x) for p in (B, I) for x in (B, S, O)),
)
_SEQEVAL_STARTS = (
    *((x, B) for x in range(9)),
    *((x, S) for x in range(9)),
    *((p, x) for p in (E, S, O) for x in (E, I)),
)


def conlleval_chunks(tags: Tags) -> Chunks:
    """Chunks as conlleval.pl (Tjong Kim Sang, 2004) reads them: an ``I-`` after ``O`` starts a chunk."""
    return _lenient(tags, _CONLLEVAL_STARTS, _CONLLEVAL_ENDS)


def seqeval_chunks(tags: Tags) -> Chunks:
    """Chunks as seqeval's default mode reads them: conlleval's rules, and E and S close a chunk."""
    return _lenient(tags, _SEQEVAL_STARTS, _SEQEVAL_ENDS)


def _lenient(tags: Tags, starts: Iterable[tuple[int, int]], ends: Iterable[tuple[int, int]]) -> Chunks:
    now, kind = tags.prefix, tags.kind
    before, kind_before = _shift(now), _shift(kind)
    changed = kind != kind_before
    start = _pairs(before, now, starts) | (now == OPEN) | (now == CLOSE)
    start |= changed & (now != O) & (now != DOT)
    end = _pairs(before, now, ends) | (before == OPEN) | (before == CLOSE)
    end |= changed & (before != O) & (before != DOT)
    # What has a prefix of its own and no type ("PER", "S") ends by no rule above.
    end |= (now == O) & (before != O) & (before != DOT)
    first = np.flatnonzero(start)
    stops = np.flatnonzero(end)
    at = np.searchsorted(stops, first, side="right")
    return Chunks(first, stops[at] if len(first) else first, kind[first])


def strict_chunks(tags: Tags) -> Chunks:
    """Chunks of valid IOB2 only, as seqeval's strict mode: a chunk starts at ``B-``, ``I-`` of its type goes on.

    An orphan ``I-`` is no chunk at all, so a sloppy tagger loses false positives too and this figure
    can be the higher. E- is read as I- and S- as B- (seqeval refuses them), and both close the chunk.
    """
    now, kind = tags.prefix, tags.kind
    before, kind_before = _shift(now), _shift(kind)
    inside = ((now == I) | (now == E)) & ((before == B) | (before == I)) & (kind == kind_before)
    first = np.flatnonzero((now == B) | (now == S))
    stops = np.flatnonzero(~inside)
    at = np.searchsorted(stops, first, side="right")
    # The O after the last sequence is a stop behind every start.
    return Chunks(first, stops[at] if len(first) else first, kind[first])


READINGS = {"conlleval": conlleval_chunks, "seqeval": seqeval_chunks, "strict_iob2": strict_chunks}


def count_chunks(
    gold: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    *,
    reading: str = "conlleval",
    kind: str | None = None,
) -> np.ndarray:
    """(n, 3): right, found and true chunks of each sequence pair; only those of type ``kind`` if given.

    A chunk is right if it starts, ends and is typed alike. Raises ValueError where lengths differ.
    """
    if [len(s) for s in gold] != [len(s) for s in predicted]:
        raise ValueError("gold and predicted sequences differ in length")
    kinds: dict[str, int] = {"": 0}
    a, b = lay(gold, kinds), lay(predicted, kinds)
    of = READINGS[reading]
    true, found = of(a), of(b)
    n = len(gold)
    counts = np.zeros((n, 3))
    if kind is not None:
        number = kinds.get(kind, -1)
        true, found = (
            Chunks(c.start[c.kind == number], c.end[c.kind == number], c.kind[c.kind == number])
            for c in (true, found)
        )
    for column, chunks in ((1, found), (2, true)):
        counts[:, column] = np.bincount(a.sequence[chunks.start], minlength=n)[:n]
    # Chunks of one reading never overlap, so at most one starts at a place.
    end_at = np.zeros(len(a.prefix), dtype=np.int64)
    kind_at = np.zeros(len(a.prefix), dtype=np.int64)
    end_at[true.start], kind_at[true.start] = true.end, true.kind
    right = (end_at[found.start] == found.end) & (kind_at[found.start] == found.kind)
    counts[:, 0] = np.bincount(a.sequence[found.start[right]], minlength=n)[:n]
    return counts


def chunks_of(
    sequences: Sequence[Sequence[str]], *, reading: str = "conlleval"
) -> list[list[tuple[int, int, str]]]:
    """(first token, token after the last, type) of each chunk, a list a sequence."""
    tags = lay(sequences)
    chunks = READINGS[reading](tags)
    made: list[list[tuple[int, int, str]]] = [[] for _ in sequences]
    for sequence, start, length, kind in zip(
        tags.sequence[chunks.start].tolist(),
        tags.place[chunks.start].tolist(),
        (chunks.end - chunks.start).tolist(),
        chunks.kind.tolist(),
        strict=True,
    ):
        made[sequence].append((start, start + length, tags.kinds[kind]))
    return made


def scheme_of(sequences: Sequence[Sequence[str]]) -> str:
    """The scheme of a whole file: "bioes", "iob1" or "iob2", the one that the fewest tags break.

    Of equals BIOES where there is an E or S at all, then IOB2: one stray S- among many sentences is a slip.
    """
    tags = lay(sequences)
    now, kind = tags.prefix, tags.kind
    before, kind_before = _shift(now), _shift(kind)
    same = kind == kind_before
    joined = ((before == B) | (before == I)) & same
    foreign = int((np.isin(now, (E, S)) & (kind > 0)).sum())  # letters that neither IOB1 nor IOB2 has
    orphans = int(((now == I) & ~joined).sum())  # against IOB2
    needless = int(((now == B) & ~joined).sum())  # against IOB1, where B only parts two of one type
    if foreign:
        going_on = ((now == I) | (now == E)) & same
        unclosed = int((((before == B) | (before == I)) & ~going_on).sum())
        unopened = int((((now == I) | (now == E)) & ~joined).sum())
        if unclosed + unopened <= foreign + min(orphans, needless):
            return "bioes"
    return "iob1" if orphans > needless else "iob2"


def to_iob2(tags: Sequence[str], scheme: str) -> list[str]:
    """The tags in IOB2. Invalid IOB2 stays as it is; IOB1 and BIOES are read by their own rules."""
    if scheme == "iob2":
        return list(tags)
    if scheme == "iob1":
        return from_chunks(chunks_of([tags])[0], len(tags))
    made: list[str] = []
    closed = True
    for tag in tags:
        prefix, kind = split(tag)
        prefix = _SPELLINGS.get(prefix, prefix)
        if prefix in ("E", "S", "B", "I") and kind:
            # An I after a closed chunk stays an orphan only if nothing of its type stands before it.
            made.append(
                f"{'B' if prefix in ('B', 'S') or (closed and made and made[-1][2:] == kind) else 'I'}-{kind}"
            )
            closed = prefix in ("E", "S")
        else:
            made.append(tag)
            closed = True
    return made


def from_iob2(tags: Sequence[str], scheme: str) -> list[str]:
    """Valid IOB2 tags in another scheme ("iob1", "bioes")."""
    made = list(tags)
    if scheme == "iob2":
        return made
    for start, end, kind in chunks_of([tags])[0]:
        if scheme == "bioes":
            made[start:end] = (
                [f"S-{kind}"] if end - start == 1 else [f"B-{kind}", *made[start + 1 : end - 1], f"E-{kind}"]
            )
        elif start == 0 or made[start - 1][2:] != kind or made[start - 1] == "O":
            made[start] = f"I-{kind}"
    return made


def from_chunks(chunks: Iterable[tuple[int, int, str]], size: int) -> list[str]:
    """IOB2 tags of ``size`` tokens; of chunks that overlap the first stays."""
    made = ["O"] * size
    for start, end, kind in chunks:
        if start < end and all(tag == "O" for tag in made[start:end]):
            made[start:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start - 1)
    return made
