"""What a file is that cannot be read, by its first bytes, and what to do about it."""

from __future__ import annotations

import shlex

from finetooth.errors import DataError

# First bytes -> what it is, and the cure. {} stands for the path.
KINDS: dict[bytes, tuple[str, str]] = {
    b"\x1f\x8b": ("gzip-compressed", "gunzip -k {}"),
    b"BZh": ("bzip2-compressed", "bunzip2 -k {}"),
    b"\xfd7zXZ\x00": ("xz-compressed", "unxz -k {}"),
    b"\x28\xb5\x2f\xfd": ("zstd-compressed", "unzstd {}"),
    b"PK\x03\x04": ("a zip archive (or a spreadsheet)", "unzip it, or export the sheet as CSV"),
    b"7z\xbc\xaf": ("a 7z archive", "unpack it"),
    b"ARROW1": ("an Arrow file", "write it as Parquet or JSON Lines"),
    b"SQLite format 3": ("an SQLite database", "export a table as JSON Lines"),
    b"\x89HDF": ("an HDF5 file", "export it as JSON Lines"),
    b"%PDF": ("a PDF", "extract its text first"),
    b"\x80\x02": ("a pickle, which finetooth never loads", "write it as JSON Lines"),
    b"\x80\x03": ("a pickle, which finetooth never loads", "write it as JSON Lines"),
    b"\x80\x04": ("a pickle, which finetooth never loads", "write it as JSON Lines"),
    b"\x80\x05": ("a pickle, which finetooth never loads", "write it as JSON Lines"),
    b"GGUF": ("a GGUF model", "give the data, and the model with --model"),
    b"version https://git-lfs": ("a Git LFS pointer, not the data", "git lfs pull"),
}
UTF_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def refuse_binary(head: bytes, where: str) -> None:
    """DataError if the first bytes (of a packed file: those within) are those of something that no reader reads."""
    if head[257:262] == b"ustar":
        raise DataError(
            "a tar archive; expected text or Parquet", where=where, cure=f"tar -xf {shlex.quote(where)}"
        )
    for start, (kind, cure) in KINDS.items():
        if head.startswith(start):
            raise DataError(
                f"{kind}; expected text or Parquet", where=where, cure=cure.format(shlex.quote(where))
            )
    encoding = next((name for mark, name in UTF_MARKS.items() if head.startswith(mark)), "")
    if not encoding and b"\0" in head:
        # Latin text in UTF-16 has a zero in every other byte.
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if max(even, odd) > 0.3 * len(head) / 2 and min(even, odd) < 0.1 * max(even, odd):
            encoding = "UTF-16LE" if odd > even else "UTF-16BE"
        else:
            at = head.index(0)
            raise DataError(
                f"binary (a zero byte at {at}); expected text or Parquet",
                where=where,
                cure="write it as JSON Lines, in UTF-8",
            )
    if encoding:
        raise DataError(f"{encoding}; expected UTF-8", where=where, cure=_convert(encoding, where))


def decoded(data: bytes, where: str) -> str:
    """UTF-8 as text. Raises DataError with the line and byte of what is not."""
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        if data[e.start : e.start + 2] >= b"\xed\xa0" and data[e.start] == 0xED:
            raise DataError(
                f"lone-surrogate: half of a UTF-16 pair at byte {e.start}, which is no character",
                where=where,
                cure="write the character itself, or both halves",
            ) from None
        at = f"byte 0x{data[e.start]:02x} at position {e.start}" + (f", line {line}" if line > 1 else "")
        # Bytes 0x80 to 0x9f are letters and quotes in Windows' code page, control codes in Latin-1.
        high = {b for b in data[e.start : e.start + 100_000] if b >= 0x80}
        guess = "WINDOWS-1252" if any(b < 0xA0 for b in high) else "ISO-8859-1"
        raise DataError(
            f"not UTF-8: {at}", where=where, cure=f"if it is {guess}: {_convert(guess, where)}"
        ) from None


def _convert(encoding: str, where: str) -> str:
    path = where.rstrip("0123456789").removesuffix(":") if ":" in where else where
    return f"iconv -f {encoding} -t UTF-8 {shlex.quote(path)} > NEW"
