"""Files packed by gzip, bzip2 or xz, read as they stand, and how much a file may become once it is unpacked.

A few kilobytes of gzip can hold gigabytes of repeats: beyond its limit a file is refused, not the memory filled.
"""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import IO, Any

from finetooth.errors import DataError

FREE_BYTES = 256 << 20  # below it no ratio is suspicious
MAX_RATIO = 200  # unpacked bytes by bytes on disk; text reaches 20, repeated contexts 50
ENDINGS = (".gz", ".bz2", ".xz")
_KINDS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "lzma"}


class PackedError(DataError):
    """A packed file that is broken, or becomes too large."""


class Budget:
    """How much a file of ``size`` bytes may become, ``most`` at any rate. Raises DataError beyond it."""

    def __init__(self, path: Path, size: int, *, cure: str, most: int | None = None) -> None:
        self.path, self.cure, self.used = path, cure, 0
        self.limit = max(FREE_BYTES, MAX_RATIO * size)
        self.ratio = most is None or self.limit <= most
        if most is not None:
            self.limit = min(self.limit, most)

    def spend(self, size: int) -> None:
        self.used += size
        if self.used > self.limit:
            why = ", far more than its size on disk lets expect" if self.ratio else ""
            raise PackedError(
                f"unpacks to more than {self.limit >> 20:,} MB{why}", where=str(self.path), cure=self.cure
            )


def packing(path: Path) -> str:
    """The module that unpacks this file by its first bytes; "" where none need. Raises OSError."""
    with path.open("rb") as f:
        head = f.read(6)
    return next((module for start, module in _KINDS.items() if head.startswith(start)), "")


def unpacked(path: Path, module: str, *, most: int | None) -> IO[bytes]:
    """The bytes within a packed file, as a stream that raises DataError beyond its budget and where it is broken."""
    import importlib

    # A third of the standard library's compressors may be missing from a Python built without their headers.
    try:
        opened = importlib.import_module(module).open(path, "rb")
    except ImportError:
        raise DataError(
            f"this Python cannot unpack it (no {module})", where=str(path), cure="unpack it"
        ) from None
    return io.BufferedReader(_Unpacked(path, opened, most), 1 << 17)


class _Unpacked(io.RawIOBase):
    def __init__(self, path: Path, opened: IO[bytes], most: int | None) -> None:
        self.path, self.opened = path, opened
        cure = "if it is what it should be, unpack it" + (
            "" if most is None else ", and split it where it is large"
        )
        self.budget = Budget(path, path.stat().st_size, cure=cure, most=most)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self.opened.read(len(buffer))
        except (EOFError, OSError, zlib.error, MemoryError, ValueError) as e:
            raise self._broken(e) from None
        except Exception as e:
            if type(e).__name__ != "LZMAError":  # not imported where no xz is read
                raise
            raise self._broken(e) from None
        self.budget.spend(len(data))
        buffer[: len(data)] = data
        return len(data)

    def _broken(self, e: BaseException) -> PackedError:
        cut = isinstance(e, EOFError)
        what = "its packing ends too soon" if cut else f"its packing is broken: {e or type(e).__name__}"
        return PackedError(what, where=str(self.path), cure="copy or download it again")

    def close(self) -> None:
        self.opened.close()
        super().close()
