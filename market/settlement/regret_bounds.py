"""What a VPP tells of its regret of the whole day (M6)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegretBounds:
    """Two numbers that hold a VPP's regret of the day, CNY: all that others learn of it.

    lower_cny : what a day that was found gains, ≥ 0 · upper_cny : what no day gains, None where it knows no bound
    """

    lower_cny: float
    upper_cny: float | None
