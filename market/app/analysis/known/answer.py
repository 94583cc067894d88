"""A known answer: what a source says a number is, and what this program makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """One number. published : as it is printed, so that its digits say how exact it is

    regret_bound : how much anybody could still gain at the answer, in units of its payoffs; NaN where nobody plays
    rigorous : whether that bound is proved for the payoff as it is written, rounding included
    """

    game: str
    quantity: str
    source: str
    published: str
    computed: float
    regret_bound: float = nan
    rigorous: bool = False

    @property
    def difference(self) -> float:
        """Computed less published."""
        return self.computed - float(self.published)

    @property
    def met(self) -> bool:
        """Whether it is the published number to its last printed digit."""
        digits = len(self.published.partition(".")[2])
        return abs(self.difference) <= 0.5 * 10.0**-digits * (1.0 + 1e-9)
