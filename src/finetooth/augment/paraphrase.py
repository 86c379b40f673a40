"""Paraphrase: a teacher rewrites sentence by sentence; entities are placeholders that must all come back once.

"Ada Lovelace left Rome." is asked as "[[E1]] left [[E2]].", and "[[E2]] was left by [[E1]]." is taken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from finetooth.augment.edit import Piece, Skip, apply
from finetooth.augment.run import Job, Made, Method, guarded
from finetooth.augment.view import Range, anchors, merged, sentences
from finetooth.teach.client import Ask, Teacher
from finetooth.teach.prompts import load
from finetooth.text import shorten, words
from finetooth.types import Example

SHORTEST = 4  # words, placeholders among them, of a sentence that is asked
LONGER = 3.0  # times its length a rewritten sentence may have
_PLACEHOLDER = re.compile(r"\[\[E(\d+)\]\]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NEGATION = re.compile(r"\b(?:not|no|never|none|nor|neither|cannot|without)\b|n['’]t\b", re.IGNORECASE)
_WRAPPED = re.compile(r"^\s*<sentence>(.*)</sentence>\s*$", re.DOTALL)


def protected(text: str, sentence: Range, held: Sequence[Range]) -> tuple[str, list[Range]]:
    """The sentence with placeholders, and the spans that they stand for. Spans that overlap are one."""
    start, end = sentence
    spans = [(a, b) for a, b in held if start <= a and b <= end]
    made: list[str] = []
    at = start
    for i, (a, b) in enumerate(spans, 1):
        made += [text[at:a], f"[[E{i}]]"]
        at = b
    return "".join([*made, text[at:end]]), spans


def pieces_of(reply: str, asked: str, spans: Sequence[Range], sentence: Range) -> list[Piece]:
    """The reply as pieces: entities copied from the old text, words between put in. Raises Skip with why not."""
    wrapped = _WRAPPED.match(reply)
    reply = " ".join((wrapped[1] if wrapped else reply).split())
    if not reply:
        raise Skip("an empty answer")
    back = Counter(int(n) for n in _PLACEHOLDER.findall(reply))
    for i in range(1, len(spans) + 1):
        if back[i] != 1:
            raise Skip(f"placeholder [[E{i}]] came back {back[i]} times")
    if len(back) > len(spans):
        raise Skip(f"a placeholder that was not sent: [[E{max(back)}]]")
    if not _ends(asked, reply):
        raise Skip("the answer does not end as a sentence")
    old, new = _PLACEHOLDER.sub(" ", asked), _PLACEHOLDER.sub(" ", reply)
    if Counter(_NUMBER.findall(old)) != Counter(_NUMBER.findall(new)):
        raise Skip("the numbers are not the same")
    if bool(_NEGATION.search(old)) != bool(_NEGATION.search(new)):
        raise Skip("a negation came or went")
    if len(reply) > LONGER * len(asked) + 20:
        raise Skip(f"{len(reply)} characters for {len(asked)}")
    made: list[Piece] = []
    at = 0
    for m in _PLACEHOLDER.finditer(reply):
        # Words put in stand for no characters of the old text: their place there only has to be some place.
        if m.start() > at:
            made.append(Piece(sentence[0], sentence[0], reply[at : m.start()]))
        made.append(Piece(*spans[int(m[1]) - 1]))
        at = m.end()
    if at < len(reply):
        made.append(Piece(sentence[0], sentence[0], reply[at:]))
    return made


def _ends(asked: str, reply: str) -> bool:
    closing = "'\"”’)]"
    mark = asked.rstrip().rstrip(closing)[-1:]
    return mark not in ".!?…" or reply.rstrip().rstrip(closing)[-1:] in ".!?…"


def paraphrasing(
    teacher: Teacher,
    *,
    concurrency: int = 8,
    budget: float | None = None,
    prompt: str = "paraphrase",
    progress: Callable[[int, int], None] | None = None,
) -> Method:
    """The method with its teacher bound. A sentence whose answer is not taken stays as it was, and is noted."""
    template = load(prompt)

    def method(jobs: Sequence[Job], note: Callable[[str, str], None]) -> list[Made]:
        asks, where = [], []
        plans = []
        for n, job in enumerate(jobs):
            text = job.source.inputs.text
            held = merged(anchors(job.source))
            found = sentences(job.source)
            plans.append(found)
            for s, sentence in enumerate(found):
                asked, spans = protected(text, sentence, held)
                torn = any(a < sentence[0] < b or a < sentence[1] < b for a, b in held)
                if torn or len(words(asked)) < SHORTEST or _PLACEHOLDER.search(text):
                    continue
                content = template.fill(sentence=asked, placeholder="[[E1]]")
                # Another seed a copy and draw, so that copies differ where the server listens to it.
                asks.append(
                    Ask(
                        f"{job.id}/{s}", [{"role": "user", "content": content}], seed=job.rng.randrange(2**31)
                    )
                )
                where.append((n, s, asked, spans))
        replies = teacher.ask_all(asks, concurrency=concurrency, budget=budget, progress=progress)
        new: dict[tuple[int, int], list[Piece]] = {}
        refused: dict[int, list[str]] = {}
        for (n, s, asked, spans), reply in zip(where, replies, strict=True):
            try:
                if reply.failure is not None:
                    raise Skip(reply.failure)
                new[n, s] = pieces_of(str(reply.value), asked, spans, plans[n][s])
            except Skip as e:
                refused.setdefault(n, []).append(f"sentence {s} stays: {e}")
        made: list[Made] = []
        for n, job in enumerate(jobs):
            taken = {s: p for (m, s), p in new.items() if m == n}
            for why in refused.get(n, ()):
                note(job.id, why)
            if not taken:
                why = refused.get(n, ["no sentence is long enough to be asked"])[0]
                made.append(f"no sentence was rewritten: {shorten(why, 120)}")
                continue
            made.append(guarded(partial(_rewritten, job, plans[n], taken)))
        return made

    return method


def _rewritten(job: Job, found: Sequence[Range], taken: dict[int, list[Piece]]) -> Example:
    """The document with the sentences that were taken."""
    text = job.source.inputs.text
    pieces: list[Piece] = []
    at = 0
    bounds: dict[int, Range] = {}
    for s, (start, end) in enumerate(found):
        if s not in taken:
            continue
        if start > at:
            pieces.append(Piece(at, start))
        first = sum(_width(p) for p in pieces)
        pieces += taken[s]
        bounds[s] = first, sum(_width(p) for p in pieces)
        at = end
    if at < len(text):
        pieces.append(Piece(at, len(text)))
    return apply(job.source, pieces, sentences={found[s]: bounds[s] for s in taken})


def _width(piece: Piece) -> int:
    return piece.end - piece.start if piece.text is None else len(piece.text)
