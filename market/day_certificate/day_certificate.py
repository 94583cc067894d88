"""The day's certificate (M6): what each VPP could have gained by another day, and the verdict on the day."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import fsum
from typing import Final

DAY_TOLERANCE: Final = 1e-3
"""Largest regret of an equilibrium of the day, as a share of the day's traded value (of 1 CNY without any)."""


class DayVerdict(StrEnum):
    """What the day as a whole is, beside what its periods are.

    `settled`: its trade stands, but some VPP may gain by planning otherwise; how much is said.
    """

    DAY_EQUILIBRIUM = "day_equilibrium"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class DayRegret:
    """What one VPP could gain by another day, the others' final messages given, CNY.

    cost_cny : what it minimises, trade included, as it is; NaN where it does not show that
    lower_cny : what a day that was found gains, ≥ 0
    upper_cny : what no day gains; infinite where no bound is known
    """

    vpp: str
    cost_cny: float
    lower_cny: float
    upper_cny: float


@dataclass(frozen=True, slots=True)
class DayCertificate:
    """All VPPs' regrets, in the scenario's order.

    rests : whether every period is an equilibrium, or without trade
    traded_value_cny : Σ payments of the day
    possible_saving_cny : what the joint dispatch saves against the grid, None where not all plants are known
    """

    regrets: tuple[DayRegret, ...]
    rests: bool
    traded_value_cny: float
    possible_saving_cny: float | None

    @property
    def lower_cny(self) -> float:
        """Σ of what was found, CNY."""
        return fsum(regret.lower_cny for regret in self.regrets)

    @property
    def upper_cny(self) -> float:
        """Σ of the bounds, CNY."""
        return fsum(regret.upper_cny for regret in self.regrets)

    @property
    def tolerance_cny(self) -> float:
        """ε of the day."""
        return DAY_TOLERANCE * max(self.traded_value_cny, 1.0)

    @property
    def verdict(self) -> DayVerdict:
        """An equilibrium of the day only where it is proved of everybody."""
        proved = self.rests and all(regret.upper_cny <= self.tolerance_cny for regret in self.regrets)
        return DayVerdict.DAY_EQUILIBRIUM if proved else DayVerdict.SETTLED

    def share_of_saving(self, amount_cny: float) -> float | None:
        """An amount as a share of the possible saving; None where nothing can be saved, or that is not known."""
        possible_cny = self.possible_saving_cny
        return amount_cny / possible_cny if possible_cny is not None and possible_cny > 0.0 else None
