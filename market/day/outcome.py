"""The outcome of a market day: how each period ended, and what each VPP discloses of its two plans.

Both ways of running a day, in one process or as many, end in this shape; tables, run folders and
pictures are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from market.game.result import PeriodResult, Verdict, worst
from market.model.declaration import Declaration
from market.model.disclosure import ShownPlan


@dataclass(frozen=True, slots=True)
class VppDay:
    """One VPP's day: its declaration, and what it shows of its plans without trade (stage 1) and with it (3)."""

    declaration: Declaration
    before: ShownPlan
    after: ShownPlan


class TraceQuantity(StrEnum):
    """What a trace row holds."""

    PRICE = "price"  # an offer, CNY/MWh
    PROBABILITY = "probability"  # a selection, dimensionless
    EVOLUTION = "evolution"  # a replicator step of (25) at the final prices, dimensionless


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One value on its way to equilibrium. `counterpart` is the seller that a probability is about, else empty.

    residual : the absolute change from the value before (0 for the first)
    """

    time_s: float
    round: int
    vpp: str
    counterpart: str
    period: int
    quantity: TraceQuantity
    value: float
    residual: float


@dataclass(frozen=True, slots=True)
class MarketOutcome:
    """A whole day. `days` is in the order of the scenario's VPPs, `periods` has one entry per period."""

    periods: tuple[PeriodResult, ...]
    days: tuple[VppDay, ...]
    trace: tuple[TraceRow, ...]

    @property
    def verdict(self) -> Verdict:
        """The day's verdict, see `worst`."""
        return worst([period.verdict for period in self.periods])

    @property
    def epsilon_cny(self) -> float:
        """The largest regret or gain of any seller or buyer in any period."""
        return max((p.certificate.epsilon_cny for p in self.periods if p.certificate), default=0.0)

    @property
    def epsilon_relative(self) -> float:
        """The largest ε of a period relative to its traded value."""
        return max((p.certificate.epsilon_relative for p in self.periods if p.certificate), default=0.0)
