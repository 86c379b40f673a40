"""The types of the document tasks: spans with types for NER, entities and triples for relations."""

from __future__ import annotations

from dataclasses import dataclass

from finetooth.types import Span


@dataclass(frozen=True, slots=True)
class LabelledSpan:
    """A mention: characters, half-open, and its type. In clean data ``text == source[start:end]``.

    ``entity`` says which entity of the document it mentions (spans of one number corefer), where the
    source knows; scores look at start, end and type only.
    """

    start: int
    end: int
    text: str
    type: str
    entity: int | None = None


NOT_AT_PLACE = "not at its place"
NO_NAME = "no name"


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A mention that the source names and no span of the target stands for, and ``why``.

    "not in text"; "inside a longer name" of its own entity wherever it stands; "inside a longer mention"
    of another; "across another mention": both share characters, and neither lies in the other;
    "another type here" or "another entity here": the same characters are already a mention;
    "no name" (NO_NAME): the entity lists neither name nor place;
    "not at its place" (NOT_AT_PLACE): its offsets hold no characters, or lie outside its sentence.
    ``start`` and ``end`` are -1 where no one place is meant.
    """

    text: str
    type: str
    why: str
    entity: int | None = None
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class NerInput:
    """``tokens`` are the words of a source that is tokenised (an empty token has no width), in order;
    None for running text. ``label_set``: the types its source allows; empty where it does not say."""

    text: str
    tokens: tuple[Span, ...] | None = None
    label_set: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NerTarget:
    """``entities`` by start, then end. ``tags``: one a token, raw, where the source has tags, in the
    ``scheme`` of the whole file (iob2, iob1, bioes); the entities are then read from them as conlleval does.
    """

    entities: tuple[LabelledSpan, ...] = ()
    tags: tuple[str, ...] | None = None
    scheme: str = "iob2"
    unplaced: tuple[Unplaced, ...] = ()


@dataclass(frozen=True, slots=True)
class DocEntity:
    """One entity: where it is mentioned (characters; mentions may nest in those of another entity).

    ``aliases`` are its names as the source lists them, whether they stand in the text or not;
    ``types`` are the types of its mentions one by one, only where they differ from ``type``.
    """

    mentions: tuple[Span, ...]
    type: str
    name: str
    aliases: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Triple:
    """``head`` and ``tail`` are places in ``entities``; -1 where the name given is no entity's.

    ``head_text`` and ``tail_text`` are the names as the source (or a model) wrote them, "" where it
    gave places; ``evidence`` are sentence numbers.
    """

    head: int
    relation: str
    tail: int
    head_text: str = ""
    tail_text: str = ""
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RelationInput:
    """``sentences`` are (start, end) characters; ``tokens`` as in NER. ``label_set`` are the relations
    the source allows, ``entity_label_set`` the entity types; empty where it does not say."""

    text: str
    entities: tuple[DocEntity, ...]
    tokens: tuple[Span, ...] | None = None
    sentences: tuple[tuple[int, int], ...] | None = None
    label_set: tuple[str, ...] = ()
    entity_label_set: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RelationTarget:
    """``extra``: triples that a file of predictions gives for documents that do not exist; DocRED's own
    scorer counts them as wrong, and so do we (they stand with the first document)."""

    triples: tuple[Triple, ...] = ()
    extra: int = 0
