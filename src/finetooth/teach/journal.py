"""Every request and answer in one SQLite file, keyed by what was asked: a second run costs nothing.

An answer is committed before anybody sees it, so a kill at any time loses nothing. A request that was in
flight when the process died is known as such, and is the only one that can be sent again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from finetooth.errors import DataError

_SCHEMA = """
create table if not exists requests (
    key text primary key, request text not null, sent_at real not null, times integer not null default 1
);
create table if not exists answers (
    key text primary key references requests(key), answer text not null, prompt_tokens integer not null,
    completion_tokens integer not null, cost real not null, seconds real not null, answered_at real not null
);
create table if not exists failures (key text not null, at real not null, what text not null);
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """``text`` as the server sent it; tokens and cost as counted then; ``cached``: not asked in this run."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    cost: float
    seconds: float
    cached: bool = False


def request_key(request: Mapping[str, Any]) -> str:
    """SHA-256 of the request in canonical JSON: model, messages, sampling and schema; never the address or a secret."""
    text = json.dumps(request, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Journal:
    """One file; safe between threads of a process, and between processes by SQLite's own locks."""

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, timeout=30, check_same_thread=False, isolation_level=None)
            # WAL with FULL: a committed answer survives the kill of the process and of the machine.
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=full")
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as e:
            raise DataError(f"not a journal: {e}", where=str(path), cure="name another file") from None
        self._lock = Lock()

    def answer(self, key: str) -> Answer | None:
        """The answer to the request with this key, if it was ever given."""
        with self._lock:
            row = self._db.execute(
                "select answer, prompt_tokens, completion_tokens, cost, seconds from answers where key=?",
                (key,),
            ).fetchone()
        if row is None:
            return None
        text, n_in, n_out, cost, seconds = row
        return Answer(text, n_in, n_out, cost, seconds, cached=True)

    def sent(self, key: str, request: Mapping[str, Any]) -> None:
        with self._lock:
            self._db.execute(
                "insert into requests(key, request, sent_at) values (?, ?, ?) "
                "on conflict(key) do update set times = times + 1, sent_at = excluded.sent_at",
                (key, json.dumps(request, ensure_ascii=False), time.time()),
            )

    def answered(self, key: str, answer: Answer) -> None:
        with self._lock:
            self._db.execute(
                "insert or ignore into answers values (?, ?, ?, ?, ?, ?, ?)",
                (
                    key,
                    answer.text,
                    answer.prompt_tokens,
                    answer.completion_tokens,
                    answer.cost,
                    answer.seconds,
                    time.time(),
                ),
            )

    def failed(self, key: str, what: str) -> None:
        with self._lock:
            self._db.execute("insert into failures values (?, ?, ?)", (key, time.time(), what))

    def totals(self) -> dict[str, float]:
        """What all runs with this journal asked, were answered and cost; ``in_flight`` were sent, never answered."""
        with self._lock:
            n, prompt, completion, cost = self._db.execute(
                "select count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), "
                "coalesce(sum(cost), 0) from answers"
            ).fetchone()
            asked, again = self._db.execute(
                "select count(*), coalesce(sum(times - 1), 0) from requests"
            ).fetchone()
            failures = self._db.execute("select count(*) from failures").fetchone()[0]
        return {
            "requests": asked,
            "answers": n,
            "in_flight": asked - n,
            "sent_again": again,
            "failures": failures,
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "cost": cost,
        }

    def close(self) -> None:
        self._db.close()
