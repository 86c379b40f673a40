"""A file or folder to be recognised and read: its first bytes, its rows, its JSON document.

A file is opened once for the head and parsed at most once, however many formats look at it.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from finetooth.errors import DataError
from finetooth.io.kinds import decoded, refuse_binary
from finetooth.io.packed import PackedError, packing, unpacked
from finetooth.io.parse import JsonProblem, json_type, parse_json, parse_with_problems, problem_error

MAX_LINE_BYTES = 32 * 1024 * 1024
MAX_FILE_BYTES = 4 * 1024**3
HEAD_BYTES = 64 * 1024

Problems = Callable[[str, JsonProblem], None]


class Source:
    """A file to be recognised and read. ``options`` reach its reader.

    Raises DataError for what is not there, is no regular file or folder, is empty, or is too large.
    """

    def __init__(self, path: str | Path, options: Mapping[str, Any] | None = None) -> None:
        self.path = Path(path)
        self.options = dict(options or {})
        try:
            about = self.path.stat()
        except (OSError, ValueError) as e:
            raise _not_there(self.path, e) from None
        self._folder = stat.S_ISDIR(about.st_mode)
        if self._folder:
            return
        if not stat.S_ISREG(about.st_mode):
            raise DataError(
                "neither a file nor a folder (a pipe or a device)", where=str(path), cure="save it to a file"
            )
        if about.st_size == 0:
            raise DataError("the file is empty", where=str(path), cure="check how it was written")
        if about.st_size > MAX_FILE_BYTES and not self.options.get("stream"):
            raise _too_large(self.path)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def is_folder(self) -> bool:
        return self._folder

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB; empty for a folder."""
        if self.is_folder:
            return b""
        try:
            with self.open() as f:
                return f.read(HEAD_BYTES)
        except OSError as e:
            raise DataError(f"cannot be read: {e.strerror}", where=str(self)) from None

    @cached_property
    def packing(self) -> str:
        """What unpacks it (gzip, bz2, lzma); "" for a file that is not packed."""
        return "" if self.is_folder else packing(self.path)

    def open(self) -> IO[bytes]:
        """Its bytes, unpacked. Raises OSError, and DataError where a packed file is broken or becomes too large."""
        if not self.packing:
            return self.path.open("rb")
        return unpacked(self.path, self.packing, most=None if self.options.get("stream") else MAX_FILE_BYTES)

    @cached_property
    def is_parquet(self) -> bool:
        """Whether its rows come as a table: Parquet, or a folder that ``datasets`` saved."""
        return self.head[:4] == b"PAR1" or self.is_saved

    @cached_property
    def is_saved(self) -> bool:
        """Whether it is a folder of one split, written by ``save_to_disk`` of ``datasets``."""
        return self.is_folder and (self.path / "state.json").is_file()

    @cached_property
    def is_text(self) -> bool:
        return not self.is_folder and not self.is_parquet and b"\0" not in self.head

    def refuse_unreadable(self) -> None:
        """DataError for what no reader can read: archives, pictures, UTF-16, only white space."""
        if self.is_parquet and self.packing:
            cure = f"unpack it: Parquet is read from its end, and compresses its own columns ({self.packing})"
            raise DataError("a packed Parquet file", where=str(self), cure=cure)
        if self.is_folder or self.is_parquet:
            return
        refuse_binary(self.head, str(self))
        if not self.head.strip() and not self.text.strip():
            raise DataError("only white space in it", where=str(self), cure="check how it was written")

    @cached_property
    def text(self) -> str:
        """The whole file as UTF-8 (a byte-order mark is dropped). Raises DataError with line and byte."""
        if self.is_folder:
            raise DataError("expected a file, found a folder", where=str(self), cure="name a file in it")
        try:
            if self.path.stat().st_size > MAX_FILE_BYTES:
                raise _too_large(self.path)
            with self.open() as f:
                data = f.read()
            if len(data) > MAX_FILE_BYTES:  # packed, and read with --stream
                raise _too_large(self.path)
        except OSError as e:
            raise DataError(f"cannot be read: {e.strerror}", where=str(self)) from None
        return decoded(data.removeprefix(b"\xef\xbb\xbf"), str(self))

    @cached_property
    def starts_with(self) -> str:
        """The first character that is not white space; "" for a folder or a binary file."""
        if not self.is_text:
            return ""
        return self.head.decode("utf-8-sig", "ignore").lstrip()[:1]

    @cached_property
    def _parsed(self) -> tuple[Any, list[JsonProblem]] | DataError | None:
        """The document and its problems; None if it is none (JSON Lines); or why it cannot be read."""
        if self.starts_with not in ("{", "[") or self.first_line_is_json:
            return None
        try:
            return parse_with_problems(self.text, str(self))
        except DataError as e:
            return self._row_too_long() or e if "extra data" in e.what else e

    def _row_too_long(self) -> DataError | None:
        """What is wrong with the first line of a file that is no document, so that its lines are rows."""
        try:
            next(self._lines(), None)
        except DataError as e:
            return e
        return None

    @cached_property
    def document(self) -> Any:
        """The file as one JSON document; None if it is not one (JSON Lines, another format).

        Raises DataError if it is broken JSON, or holds NaN, duplicate keys or lone surrogates.
        """
        if self._parsed is None:
            return None
        if isinstance(self._parsed, DataError):
            raise self._parsed
        value, problems = self._parsed
        fatal = next((p for p in problems if p.kind != "huge-integer"), None)
        if fatal is not None:
            raise problem_error(fatal, str(self))
        return value

    @cached_property
    def first_line_is_json(self) -> bool:
        """Whether the first line is a whole JSON object and another line follows: JSON Lines."""
        if not self.is_text:
            return False
        lines = self._lines()
        try:
            _, line = next(lines)
            if line.lstrip()[:1] != "{" or not isinstance(json.loads(line), dict):
                return False
        except (StopIteration, ValueError, RecursionError, DataError):
            return False
        try:
            return next(lines, None) is not None
        except PackedError:  # reading the whole says what is wrong with it
            return False
        except DataError:  # a second line there is, though not a good one
            return True

    @cached_property
    def first_row(self) -> Mapping[str, Any] | None:
        """The first row, as a mapping, of JSONL, a JSON list or Parquet; None if there is none.

        Problems that a reader would refuse do not hinder: the format is still that format.
        """
        try:
            _, row = next(iter(self.rows(problems=lambda *_: None)))
        except (StopIteration, DataError):
            return None
        return row

    def rows(self, *, problems: Problems | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """(where, row) of JSON Lines, a JSON list of objects, one JSON object, or Parquet.

        ``where`` is path:line or path[i]. With ``problems`` given, what other JSON readers pass over
        is handed to it with its ``where`` and the row is read all the same. Raises DataError for a row
        that is no object.
        """
        if self.is_saved:
            from finetooth.io.columns import saved_rows

            yield from saved_rows(self.path, self.options.get("labels") or ())
        elif self.is_parquet:
            from finetooth.io.columns import parquet_rows

            yield from parquet_rows(self.path, self.options.get("labels") or ())
        elif self._parsed is None:
            yield from self._json_lines(problems)
        else:
            yield from self._listed(problems)

    def _listed(self, problems: Problems | None) -> Iterator[tuple[str, dict[str, Any]]]:
        if problems is None or isinstance(self._parsed, DataError):
            value = self.document  # raises what is wrong with it
        else:
            value, found = self._parsed  # type: ignore[misc]
            # A line of JSON Lines names its row; the path within a longer text does in any other.
            line = self._one_line if isinstance(value, dict) else ""
            for problem in found:
                problems(line or (f"{self}: {problem.path}" if problem.path else str(self)), problem)
        if isinstance(value, dict):
            if (len(self.text) if self.packing else self.path.stat().st_size) > MAX_LINE_BYTES:
                raise _too_long(str(self))
            yield self._one_line or str(self), value
            return
        for i, row in enumerate(value):
            yield f"{self}[{i}]", _object(row, f"{self}[{i}]")

    @property
    def _one_line(self) -> str:
        """path:line where the text is of one line only, as JSON Lines of one row are; "" otherwise."""
        text = self.text
        said = text.strip()
        return "" if "\n" in said else f"{self}:{text[: text.index(said)].count(chr(10)) + 1}"

    def _json_lines(self, problems: Problems | None) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, line in self._lines():
            where = f"{self}:{number}"
            here: list[JsonProblem] | None = None if problems is None else []
            row = _object(parse_json(line, where, problems=here), where)
            for problem in here or ():
                problems(where, problem)  # type: ignore[misc]
            yield where, row

    def _lines(self) -> Iterator[tuple[int, str]]:
        """(number, line) of the lines that are not blank; a line too long or not UTF-8 raises DataError."""
        if self.is_folder:
            raise DataError("expected a file, found a folder", where=str(self), cure="name a file in it")
        with self.open() as f:
            number = 0
            while data := f.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(data) > MAX_LINE_BYTES:
                    raise _too_long(f"{self}:{number}")
                if number == 1:
                    data = data.removeprefix(b"\xef\xbb\xbf")
                if data.strip():
                    yield number, decoded(data.rstrip(b"\r\n"), f"{self}:{number}")


def _too_large(path: Path) -> DataError:
    return DataError(
        f"larger than {MAX_FILE_BYTES >> 30} GiB",
        where=str(path),
        cure="split it; or finetooth check --stream, where it is JSON Lines or Parquet",
    )


def _too_long(where: str) -> DataError:
    return DataError(
        f"expected a row of at most {MAX_LINE_BYTES >> 20} MB, found more",
        where=where,
        cure="write one row a line, or a list of rows",
    )


def _object(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise DataError(
            f"expected an object, found {json_type(row)}", where=where, cure="leave it out, or name its field"
        )
    return row


def _not_there(path: Path, e: OSError | ValueError) -> DataError:
    import difflib

    if isinstance(e, PermissionError):
        return DataError("no permission to read it", where=str(path), cure="chmod +r, or another user")
    if not isinstance(e, FileNotFoundError):
        reason = getattr(e, "strerror", None) or e
        return DataError(f"no such file: {reason}", where=str(path), cure="check the path")
    cure = "check the path"
    try:
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir()], n=1)
        if near:
            cure = f"did you mean {path.parent / near[0]}?"
    except OSError:
        pass
    return DataError("no such file", where=str(path), cure=cure)
