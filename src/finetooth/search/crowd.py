"""A search by many workers: processes of this machine or a Ray cluster. Each runs the very same search.

What they share is the storage and the folder; see ``study``. So there is nothing here but how to start them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import Any

from finetooth.machines import Spread
from finetooth.search.results import SearchResult
from finetooth.search.space import SearchConfig


@dataclass(frozen=True)
class Working:
    """The work of one worker: a search, whole. ``of`` is a subclass of Search in tests."""

    of: Callable[..., Any]
    wants_gpu: bool = True

    def __call__(self, settings: dict[str, Any], number: int) -> int:
        return len(self.of(SearchConfig.model_validate(settings)).run().trials)


def run_many(search: Any, spread: Spread) -> SearchResult:
    """Runs a search by ``spread.workers`` workers (at least one) and returns its result."""
    if not spread.alone:
        settings = search.settings.model_dump(mode="json")
        workers = max(1, spread.workers)
        work = Working(type(search))
        try:
            for _ in replace(spread, workers=workers)(work, settings, range(workers)):
                pass
        except BrokenProcessPool:
            search.say("a worker was killed; this process goes on with what is left")
    # Nothing is left to do: this reads the study. Where a worker died, it goes on with what it left.
    return search.run()
