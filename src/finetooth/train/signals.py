"""Ctrl-C and SIGTERM: the first asks for a checkpoint after this step, the second stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Interrupted(KeyboardInterrupt):
    """Training stopped on request, after a checkpoint; the same command goes on. ``folder`` is the run."""

    def __init__(self, folder: Path, step: int) -> None:
        self.folder, self.step = folder, step
        super().__init__(f"{folder}: stopped after step {step}")


class Asked:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self.to_stop = False


@contextmanager
def graceful(say: Callable[[str], None]) -> Iterator[Asked]:
    """Within, the two signals set ``to_stop``; outside the main thread they stay as they are."""
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def handle(number: int, frame: object) -> None:
        if asked.to_stop:
            raise KeyboardInterrupt
        asked.to_stop = True
        say("stopping after this step, with a checkpoint (once more: at once)")

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
