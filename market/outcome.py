"""Owns the outcome of a market day: what each period ended as, and what each VPP shows of its two plans.

Both ways of running a day, in one process or as many, end in this shape; tables, run folders and
pictures are made from it. Knows nothing of how the day was negotiated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from market.arrays import Array
from market.declaration import Declaration
from market.disclosure import ShownPlan
from market.game.certified import PeriodCertificate
from market.game.period import PeriodGame


class Verdict(StrEnum):
    """How the negotiation of a period ended, best first; a day is as its worst period.

    `uncertified`: the price rule came to rest, but a seller or a buyer would gain by moving (a local rule
    can rest there); its regret is in the certificate and no equilibrium is claimed.
    """

    NO_TRADE = "no_trade"
    EQUILIBRIUM = "equilibrium"
    UNCERTIFIED = "uncertified"
    CYCLING = "cycling"
    BUDGET_SPENT = "budget_spent"
    STALLED = "stalled"
    ABORTED = "aborted"

    @property
    def rests(self) -> bool:
        """Whether offers and selections stand, so that the period's trade is settled."""
        return self in (Verdict.EQUILIBRIUM, Verdict.UNCERTIFIED)


_ORDER = list(Verdict)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict of a day: `equilibrium` when every period is `equilibrium` or `no_trade`, else the worst."""
    return max([Verdict.EQUILIBRIUM, *verdicts], key=_ORDER.index)


@dataclass(frozen=True, slots=True)
class PeriodResult:
    """One period's end, n sellers and m buyers in the order of `game`.

    price_cny_per_mwh : shape (n,) · probability, requested_mw, delivered_mw : shape (m, n)
    rounds : most offers any one seller published · evidence : one line, for anything but an equilibrium
    Where the game is not tradable the arrays are empty or zero and there is no certificate.
    """

    game: PeriodGame
    verdict: Verdict
    clearing_price_cny_per_mwh: float
    price_cny_per_mwh: Array
    probability: Array
    requested_mw: Array
    delivered_mw: Array
    rounds: int
    certificate: PeriodCertificate | None
    evidence: str = ""


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
