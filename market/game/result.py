"""How the game of one period ended: its verdict, its prices, what was asked for and delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from market.game.certificate.certified import PeriodCertificate
from market.game.period import PeriodGame
from market.model.arrays import Array


class Verdict(StrEnum):
    """How the negotiation of a period ended, best first; a day is as its worst period.

    `cleared`: prices and deliveries follow from the declarations by the rule of a mechanism; that nobody would
    gain by declaring otherwise is not claimed.
    `uncertified`: the price rule came to rest, but a seller or a buyer would gain by moving (a local rule
    can rest there); its regret is in the certificate and no equilibrium is claimed.
    """

    NO_TRADE = "no_trade"
    EQUILIBRIUM = "equilibrium"
    CLEARED = "cleared"
    UNCERTIFIED = "uncertified"
    CYCLING = "cycling"
    BUDGET_SPENT = "budget_spent"
    STALLED = "stalled"
    ABORTED = "aborted"

    @property
    def rests(self) -> bool:
        """Whether offers and selections stand, so that the period's trade is settled."""
        return self in (Verdict.EQUILIBRIUM, Verdict.CLEARED, Verdict.UNCERTIFIED)


_ORDER = list(Verdict)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict of a day: `equilibrium` when every period is `equilibrium` or `no_trade`, else the worst."""
    return max([Verdict.EQUILIBRIUM, *verdicts], key=_ORDER.index)


@dataclass(frozen=True, slots=True)
class PeriodResult:
    """One period's end, n sellers and m buyers in the order of `game`.

    price_cny_per_mwh : shape (n,) · probability, requested_mw, delivered_mw : shape (m, n)
    rounds : most offers any one seller published · evidence : one line, for anything but an equilibrium
    transfer_cny : by VPP, what it pays beside q_ij p_j, below 0 what it gets; empty where prices say all
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
    transfer_cny: Mapping[str, float] = field(default_factory=dict)
