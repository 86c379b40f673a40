"""Columns: a token a line, its tag last, a blank line between sentences; BIO, IOB1 or BIOES.

Ada     B-PER
left    O

A first column that counts the tokens of each sentence (1, 2, 3: GermEval, CoNLL-U) is kept, and is no token.
GermEval's fourth column, tags of entities within those of the third, is kept beside and not read as entities.
Nor are CoNLL-U's ranges (2-3, a contraction over the words it stands for) and empty nodes (2.1): they are passed over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from finetooth.errors import DataError
from finetooth.io import Source, atomic, content_id
from finetooth.metrics.ner_tags import chunks_of, from_iob2, is_tag, scheme_of, to_iob2
from finetooth.registry import Reader
from finetooth.tasks.mentions import join, tags_of, word_spans
from finetooth.tasks.ner import NerInput, NerTarget, reading, spans_of
from finetooth.text import many
from finetooth.types import Drop, Example

DOCUMENT = "-DOCSTART-"
_COMMENT_ID = re.compile(r"^#\s*(?:id|sent_id)\s*[=: ]\s*(\S[^\t]*?)\s*(?:\t.*)?$")
# As we write it. Its last word may look like a tag, and it is no token all the same.
_OUR_ID = re.compile(r"^# id = ")
# CoNLL-U's first cell of a range of words, and of an empty node.
_NO_WORD = re.compile(r"\d+-\d+|\d+\.\d+")
# Types of chunks, not of entities: a column of theirs stands before the tags in CoNLL-2000 and CoNLL-2003.
_PHRASES = frozenset(
    ("NP", "VP", "PP", "ADJP", "ADVP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP", "NC", "VC", "PC")
)
Line = tuple[int, list[str]]


def _lines(text: str) -> list[str]:
    # Only real line ends: tokens of tweets hold U+0085 and U+2028, which splitlines() would cut at.
    text = text.replace("\r\n", "\n")
    return text.split("\n" if "\n" in text else "\r")


def _delimiter(lines: Sequence[str]) -> str | None:
    """A tab where any line of data has one; None for runs of blanks. A comment may hold what it likes."""
    data = [x for x in lines if not x.startswith(DOCUMENT) and not (x.startswith("#") and _is_comment(x))]
    return "\t" if any("\t" in line.rstrip() for line in data) else None


def _is_comment(line: str) -> bool:
    """Whether a line that begins with ``#`` ends in no tag, whatever parts its fields."""
    return not is_tag(line.split()[-1]) or _OUR_ID.match(line) is not None


def _fields(line: str, delimiter: str | None) -> list[str]:
    return [f.strip(" ") for f in line.split(delimiter)] if delimiter else line.split()


def looks_like_columns(source: Source, *, predictions: bool = False) -> bool:
    """Whether nearly all of the first lines end in a tag. ``predictions``: a column of bare tags will do."""
    if not source.is_text:
        return False
    lines = _lines(source.head.decode("utf-8-sig", "ignore"))
    lines = [x for x in (lines[:-1] if len(lines) > 1 else lines)[:2000] if x.strip()]
    delimiter = _delimiter(lines)
    rows = [_fields(x, delimiter) for x in lines if not x.startswith(("#", DOCUMENT))]
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
    if width < (1 if predictions else 2):
        return False
    if width > 2:  # ranges of words need no tag
        rows = [r for r in rows if not _NO_WORD.fullmatch(r[0])] or rows
    good = sum(is_tag(r[-1].strip()) for r in rows)
    return good >= max(1, 0.9 * len(rows))


def sniff(source: Source) -> bool:
    return looks_like_columns(source)


def _sentences(source: Source, *, least: int) -> Iterator[tuple[list[Line], str, int]]:
    """(lines with their numbers, id of a comment or "", document number) of each sentence."""
    lines = _lines(source.text)
    delimiter = _delimiter([x for x in lines[:5000] if x.strip()])
    here: list[Line] = []
    name, document = "", 0
    for number, line in enumerate([*lines, ""], 1):
        if not line.strip():
            if here:
                yield here, name, document
            here, name = [], ""
            continue
        if line.startswith(DOCUMENT):
            document += 1
            continue
        fields = _fields(line, delimiter)
        ours = not here and _OUR_ID.match(line) is not None
        if line.startswith("#") and (ours or not is_tag(fields[-1].strip())):
            found = _COMMENT_ID.match(line)
            name = found.group(1) if found else name
            continue
        if len(fields) < least:
            raise DataError(
                f"expected a token and a tag, found {line.strip()!r}",
                where=f"{source}:{number}",
                cure="one token a line, its tag in the last column, parted by a tab or blanks",
            )
        here.append((number, fields))


def _counted(sentences: Sequence[Sequence[Line]]) -> bool:
    """Whether the first of three columns or more counts the words of every sentence."""
    words = [_words(lines) for lines in sentences]
    if not any(len(lines) > 1 for lines in words):
        return False
    return all(words) and all(
        len(fields) > 2 and fields[0] == str(i) for lines in words for i, (_, fields) in enumerate(lines, 1)
    )


def _words(lines: Sequence[Line]) -> list[Line]:
    """The lines of a sentence that are no ranges of words and no empty nodes, where its words are counted."""
    return [(number, fields) for number, fields in lines if not _NO_WORD.fullmatch(fields[0])]


def _nested(sentences: Iterable[Sequence[Line]]) -> bool:
    """Whether each line is count, token, tag, tag of an inner entity, as in GermEval; words are known to be counted."""
    kinds = set()
    for lines in sentences:
        for _, fields in lines:
            if len(fields) != 4 or not (is_tag(fields[2]) and is_tag(fields[3].strip())):
                return False
            kinds.add(fields[2].partition("-")[2])
    return bool(kinds - {""}) and not kinds & _PHRASES


def columns(source: Source, *, predictions: bool = False) -> list[list[str]]:
    """The last column of every sentence: its tags. Raises DataError where two columns may be meant."""
    sentences = [lines for lines, _, _ in _sentences(source, least=1 if predictions else 2)]
    if _counted(sentences):
        sentences = [_words(lines) for lines in sentences]
        if _nested(sentences):
            raise DataError(
                "two columns of tags, the third and the fourth",
                where=str(source),
                cure="keep the predicted one: count, token and tag",
            )
    return [[fields[-1].strip() for _, fields in lines] for lines in sentences]


def read(source: Source) -> Iterator[Example]:
    """Sentences in order. Tags stay raw; entities are read from them as conlleval does.

    ``meta``: the columns between token and tag, whether one counts tokens, tags of inner entities, and the document where the file
    has breaks. A tag of a range of words or an empty node is dropped by name.
    """
    sentences = list(_sentences(source, least=2))
    word = int(_counted([lines for lines, _, _ in sentences]))
    if word:
        dropped: list[Drop] = source.options.setdefault("dropped", [])
        for lines, _, _ in sentences:
            dropped += [
                Drop(
                    f"{source}:{number}",
                    "read",
                    "a tag of a range of words or an empty node, which is no token",
                )
                for number, fields in lines
                if _NO_WORD.fullmatch(fields[0]) and is_tag(fields[-1].strip()) and fields[-1].strip() != "O"
            ]
        sentences = [(_words(lines), name, document) for lines, name, document in sentences]
    nested = bool(word) and _nested(lines for lines, _, _ in sentences)
    last = 2 if nested else -1
    tags = [[fields[last].strip() for _, fields in lines] for lines, _, _ in sentences]
    if nested:
        _note_inner(source, [[fields[3].strip() for _, fields in lines] for lines, _, _ in sentences])
    scheme = scheme_of(tags)
    times: Counter[str] = Counter()
    documents: dict[int, str] = {}
    for (lines, name, document), tagged, chunks in zip(
        sentences, tags, chunks_of(tags, reading=reading(scheme)), strict=True
    ):
        text, tokens = join([fields[word] for _, fields in lines])
        name = name or content_id(text)
        times[name] += 1
        if times[name] > 1 and name.startswith("row-"):
            name = f"{name}#{times[name]}"  # the same words again; the check document-twice tells
        meta: dict[str, Any] = {"where": f"{source}:{lines[0][0]}"}
        if document:
            # Named by its first sentence, so that it is the same in a copy of the file.
            meta["document"] = documents.setdefault(document, f"{content_id(text)}-{document}")
        between = [fields[word + 1 : last] for _, fields in lines]
        if any(between):
            meta["columns"] = between
        if word:
            meta["counted"] = True
        if nested:
            meta["inner_tags"] = [fields[3].strip() for _, fields in lines]
        target = NerTarget(spans_of(text, tokens, chunks), tuple(tagged), scheme)
        yield Example(name, NerInput(text, tokens), target, meta)


def _note_inner(source: Source, inner: Sequence[Sequence[str]]) -> None:
    n = sum(map(len, chunks_of(inner, reading=reading(scheme_of(inner)))))
    if n:
        source.options.setdefault("notes", []).append(
            f"{source}: {many(n, 'inner entity', 'inner entities')} of the fourth column not read: "
            "tags of one column are one entity a token, the outer ones"
        )


def write(examples: Sequence[Example], path: Path) -> None:
    """Two columns and what stood between them, tab-separated, in the examples' own scheme."""
    document = None
    with atomic(path) as f:
        for number, example in enumerate(examples, 1):
            if example.meta.get("document") != document:
                document = example.meta.get("document")
                f.write(f"{DOCUMENT}\tO\n\n")
            words, tags = tagged_words(example)
            between = example.meta.get("columns") or [[]] * len(words)
            if not example.id.startswith("row-"):
                f.write(f"# id = {_cell(example.id)}\n")
            inner = example.meta.get("inner_tags") or ()
            after = [[_cell(tag)] for tag in inner] if len(inner) == len(words) else [[]] * len(words)
            for i, (word, middle, tag, more) in enumerate(zip(words, between, tags, after, strict=True), 1):
                count = [str(i)] if example.meta.get("counted") else []
                f.write("\t".join([*count, _cell(word), *middle, tag, *more]) + "\n")
            f.write("\n" if number < len(examples) else "")


def _cell(word: str) -> str:
    return re.sub(r"[\t\r\n]", " ", word)


def tagged_words(example: Example) -> tuple[list[str], list[str]]:
    """Words and tags; those of an example without tags are IOB2. Of overlapping spans the longest is told."""
    source, target = example.inputs, example.target
    spans = [(s.start, s.end, s.type) for s in target.entities]
    tokens = source.tokens or word_spans(source.text, (at for s in spans for at in s[:2]))
    words = [t.text for t in tokens]
    if target.tags is not None and len(target.tags) == len(tokens):
        return words, list(target.tags)
    tags, _ = tags_of(tokens, spans)
    return words, from_iob2(tags, target.scheme)


def in_scheme(example: Example, scheme: str) -> Example:
    """The example with its tags in another scheme; invalid ones are read as conlleval reads them first."""
    from dataclasses import replace

    _, tags = tagged_words(example)
    valid = from_iob2(to_iob2(tags, example.target.scheme), scheme)
    return replace(example, target=replace(example.target, tags=tuple(valid), scheme=scheme))


READER = Reader(
    "conll", "ner", "token and tag columns: CoNLL, WNUT17; BIO, IOB1, BIOES", sniff, read, write, priority=5
)
