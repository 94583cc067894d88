"""A day that took several rounds: the outcome of each round, which one is settled, and what it leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum


@dataclass(frozen=True, slots=True)
class DayRound:
    """One round. cost_cny : of all VPPs, NaN where one of them has no such day

    regrets_cny : the sum of all VPPs' regrets, NaN likewise · imbalance_mw : the largest miss of supply and demand
    """

    number: int
    cost_cny: float
    regrets_cny: float
    traded_mwh: float
    imbalance_mw: float


@dataclass(frozen=True, slots=True)
class DayRounds:
    """All rounds of a day, from the first. settled : the number of the one that counts

    regret_cny : by VPP, what it could still save in that round
    allowed_loss_cny : by VPP, how much more than without trade it may pay; None where nothing is claimed
    agreed : whether prices were agreed on (consensus), and not offered
    """

    rounds: tuple[DayRound, ...]
    settled: int
    regret_cny: Mapping[str, float]
    allowed_loss_cny: Mapping[str, float] | None
    agreed: bool

    @property
    def regrets_cny(self) -> float:
        """The sum of all regrets in the round that is settled."""
        return fsum(self.regret_cny.values())
