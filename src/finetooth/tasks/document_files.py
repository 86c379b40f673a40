"""Documents with labels as a file of predictions: read as data is read, matched by id, title or text.

{"text": "Ada left.", "spans": [{"start": 0, "end": 3, "label": "PER"}]}      no id: the text says which document it is
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from finetooth.errors import DataError
from finetooth.io import content_id, json_type
from finetooth.types import Example, Prediction

if TYPE_CHECKING:
    from finetooth.io import Source

# A row that has one of these says what it predicts; what stands beside it is the document it is for.
VALUES = ("prediction", "predicted", "output", "answer", "target", "generated")
# What Prodigy writes under "answer": the annotator's verdict on the row, not what it predicts.
REFUSED = ("reject", "ignore")
VERDICTS = ("accept", *REFUSED)
IDS = ("id", "example_id", "title")
FIRST = 200  # rows that are looked at


def is_verdict(key: str, value: Any) -> bool:
    return key == "answer" and isinstance(value, str) and value in VERDICTS


def _holds_value(row: Mapping[str, Any]) -> bool:
    return any(k in row and not is_verdict(k, row[k]) for k in VALUES)


def named_rows(
    source: Source, examples: Sequence[Example], keys: Sequence[str]
) -> Iterator[tuple[str, str, Mapping[str, Any], Example | None]] | None:
    """(where, id, row, its example or None) of rows that have an id or title, and one of ``keys`` or nothing else.

    None where the first row has something else. Rows that an annotator refused (REFUSED) predict nothing and are passed
    over, as read_as_data does. Raises DataError for two rows of one name.
    """
    row = source.first_row
    if row is None or not keys or all(row.get(k) is None for k in IDS):
        return None
    # A row of an id alone says that nothing was predicted; what the file holds, the next rows say.
    if not any(k in row for k in keys) and not (set(row) <= {*IDS, "text"} and _one_has(source, keys)):
        return None
    if _holds_value(row):
        return None
    return _named_rows(source, by_name(examples))


def _one_has(source: Source, keys: Sequence[str]) -> bool:
    try:
        first = islice(source.rows(problems=lambda *_: None), FIRST)
        return any(k in row for _, row in first for k in keys)
    except DataError:
        return False


def _named_rows(
    source: Source, known: Mapping[str, Example]
) -> Iterator[tuple[str, str, Mapping[str, Any], Example | None]]:
    seen = set()
    for where, row in source.rows():
        if row.get("answer") in REFUSED:
            continue
        given = next((row[k] for k in IDS if row.get(k) is not None), None)
        if isinstance(given, bool) or not isinstance(given, (str, int)):
            found = "none" if given is None else json_type(given)
            raise DataError(f"expected an id or a title as in the rows before, found {found}", where=where)
        name = str(given)
        example = known.get(name)
        key = example.id if example is not None else name
        if key in seen:
            raise DataError(f"two predictions for {name!r}", where=where, cure="keep one of them")
        seen.add(key)
        yield where, key, row, example


def of_rows(
    found: Iterable[tuple[str, str, Mapping[str, Any], Example | None]],
    keys: Sequence[str],
    parse: Callable[[Any, Example], Any],
) -> dict[str, Prediction]:
    """What ``parse`` reads under the first of ``keys`` that has a list or an object, else any, of each named row.

    A row without any of them predicts nothing: it is missing. Raises DataError naming the line.
    """
    made = {}
    for where, name, row, example in found:
        at = [k for k in keys if k in row]
        if example is None:
            made[name] = Prediction(name, None)
        elif at:
            key = next((k for k in at if isinstance(row[k], (list, Mapping))), at[0])
            with at_line(where):
                made[name] = Prediction(name, parse(row[key], example))
    return made


@contextmanager
def at_line(where: str) -> Iterator[None]:
    """DataErrors about an example, as errors about the line of the file that tells of it."""
    try:
        yield
    except DataError as e:
        raise DataError(e.what, where=f"{where}: {e.where}" if e.where else where, cure=e.cure) from None


def by_name(examples: Sequence[Example]) -> dict[str, Example]:
    """Examples by id and by title. Ids win over titles; of examples with one title the first."""
    titles = {str(e.meta["title"]): e for e in reversed(examples) if e.meta.get("title")}
    return titles | {e.id: e for e in examples}


def read_as_data(
    source: Source, examples: Sequence[Example], task: str
) -> list[tuple[str, Example, Example | None]] | None:
    """(id, the document as the file has it, the example it is) of a file that a reader of the task knows.

    None where no reader does, or where its rows hold predictions beside their document. Rows are known by
    their id or title, else by their text: the second row of a text is the second example of it.
    """
    from finetooth import readers

    row = source.first_row
    if row is not None and _holds_value(row):
        return None
    try:
        reader = readers.recognise(source, task=task)
    except DataError:
        return None
    made = readers.unique_ids(list(reader.read(source)))
    known = by_name(examples)
    texts: dict[str, list[Example]] = {}
    for e in reversed(examples):
        texts.setdefault(content_id(e.inputs.text), []).append(e)
    found: list[tuple[str, Example, Example | None]] = []
    taken: set[str] = set()
    for document in made:
        example = known.get(document.id) or known.get(str(document.meta.get("title", "")))
        if example is None or example.id in taken:
            same = texts.get(content_id(document.inputs.text), [])
            while same and same[-1].id in taken:
                same.pop()
            example = same[-1] if same else None
        if example is not None:
            taken.add(example.id)
        found.append((document.id if example is None else example.id, document, example))
    return found
