"""How a market ended, as one VPP sees it: what all have declared and asked last, and what it holds itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from market.game.period import PeriodGame
from market.game.result import PeriodResult
from market.model.arrays import Array, frozen
from market.model.public import PublicRules
from market.settlement.settlement import direct_exchange, settled_mw


@dataclass(frozen=True, slots=True)
class MarketEnd:
    """The end of a day's market for one VPP, one entry or game for each period.

    offers_cny_per_mwh : of a period's sellers, shape (n,), in the order of its game; where nobody could offer for
    want of a buyer, the lowest ones, with which a glut opens
    held_mw, held_cny_per_h : what it buys of others as things stand, and pays for it, shape (periods,)
    """

    games: tuple[PeriodGame, ...]
    offers_cny_per_mwh: tuple[Array, ...]
    held_mw: Array
    held_cny_per_h: Array


def market_end(vpp_id: str, results: Sequence[PeriodResult], public: PublicRules) -> MarketEnd:
    """The end of a market whose results are known."""
    return MarketEnd(
        tuple(result.game for result in results),
        tuple(
            result.price_cny_per_mwh if result.game.tradable else result.game.least_price_cny_per_mwh
            for result in results
        ),
        direct_exchange(vpp_id, results, public).in_mw,
        frozen([_paid_cny_per_h(vpp_id, result) for result in results]),
    )


def _paid_cny_per_h(vpp_id: str, result: PeriodResult) -> float:
    buyers = result.game.buyers
    if vpp_id not in buyers or not result.game.tradable:
        return 0.0
    return float(settled_mw(result)[buyers.index(vpp_id)] @ result.price_cny_per_mwh)
