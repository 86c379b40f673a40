"""Reading untrusted files, writing files that are whole or not there, and fingerprints.

``parse``: JSON with its traps named. ``locate``: where in a document a trap stands. ``source``: one
file or folder to be recognised and read. ``columns``: Parquet and Arrow, bounded. ``write``: the rest.
"""

from finetooth.io.parse import MAX_DEPTH, MAX_SAFE_INTEGER, JsonProblem, depth_of, json_type, parse_json
from finetooth.io.source import HEAD_BYTES, MAX_FILE_BYTES, MAX_LINE_BYTES, Source
from finetooth.io.write import (
    Fingerprint,
    atomic,
    chunks,
    content_id,
    fingerprint,
    fingerprint_file,
    plain,
    to_json,
    write_json,
    write_jsonl,
)

__all__ = [
    "HEAD_BYTES",
    "MAX_DEPTH",
    "MAX_FILE_BYTES",
    "MAX_LINE_BYTES",
    "MAX_SAFE_INTEGER",
    "Fingerprint",
    "JsonProblem",
    "Source",
    "atomic",
    "chunks",
    "content_id",
    "depth_of",
    "fingerprint",
    "fingerprint_file",
    "json_type",
    "parse_json",
    "plain",
    "to_json",
    "write_json",
    "write_jsonl",
]
