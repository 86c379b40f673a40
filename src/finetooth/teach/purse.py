"""What asking costs: spent, set aside for what is under way, and never above a budget."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Spent:
    """Of this run: what was asked anew, what the journal knew, tokens and money.

    ``assumed`` is the part of ``cost`` that nobody told: the worst case of ``uncounted`` requests, whose answer
    said nothing of its tokens or never came.
    """

    asked: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    uncounted: int = 0
    assumed: float = 0.0

    def assume(self, worst: float) -> None:
        self.uncounted += 1
        self.assumed += worst
        self.cost += worst


@dataclass
class Purse:
    """What may be spent; ``reserved`` is the worst case of the requests that are under way."""

    spent: Spent
    limit: float | None
    reserved: float = 0.0

    def reserve(self, worst: float) -> bool:
        """Whether there is room for it; if so it is set aside."""
        if self.limit is not None and self.spent.cost + self.reserved + worst > self.limit:
            return False
        self.reserved += worst
        return True
