"""Who follows a run while it goes: the library is silent unless it is given one of these."""

from __future__ import annotations

from typing import Any


class Watch:
    """Does nothing. The command line has one that prints; a notebook may bring its own."""

    def say(self, text: str) -> None:
        """A sentence for the person."""

    def preflight(self, report: Any) -> None:
        """What is known before the first step (``preflight.Report``)."""

    def progress(self, phase: str, done: int, of: int, **values: float) -> None:
        """How far a phase ("train", "evaluate") is, with figures worth showing."""

    def end(self, phase: str) -> None:
        """The phase is over."""
