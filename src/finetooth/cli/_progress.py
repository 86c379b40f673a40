"""How far long work is: a line with a rate and an end time, on standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType

EVERY_SECONDS = 0.2  # on a terminal
EVERY_SECONDS_LOG = 15.0  # into a file, where a line stays


class Progress:
    """Called with (done, of). On a terminal one line is drawn over; in a log a line now and then.

    with Progress("predicting", "examples") as bar:
        head.predict(model, examples, progress=bar)
    """

    def __init__(self, label: str, unit: str = "examples") -> None:
        self.label, self.unit = label, unit
        self.started = self.shown = time.monotonic()
        self.first: int | None = None
        self.live = sys.stderr.isatty()
        self.drawn = False

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if self.first is None:  # Work that a resumed command found done has no rate.
            self.first, self.started = done, now
        if now - self.shown < (EVERY_SECONDS if self.live else EVERY_SECONDS_LOG) and done < of:
            return
        if done >= of and not self.live:
            return
        self.shown = now
        line = self.line(done, of, now - self.started)
        print(
            f"\r\033[K{line}" if self.live else line,
            end="" if self.live else "\n",
            file=sys.stderr,
            flush=True,
        )
        self.drawn = self.live

    def line(self, done: int, of: int, seconds: float) -> str:
        rate = (done - (self.first or 0)) / seconds if seconds > 0 else 0.0
        text = f"{self.label}: {done:,} of {of:,} {self.unit} ({100 * done // max(of, 1)} %)"
        if rate > 0:
            left = (of - done) / rate
            ends = time.strftime("%H:%M:%S", time.localtime(time.time() + left))
            text += f", {rate:,.1f} a second" + (f", done at {ends}" if done < of else "")
        return text

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.drawn:
            print(file=sys.stderr, flush=True)
