"""Uniform price: all trade at the lowest price at which supply meets demand (Schweppe et al. 1988, Spot Pricing).

It is the dual of the balance of the programme that makes the most of what is declared.
"""

from __future__ import annotations

from market.game.period import PeriodGame
from market.mechanisms.cleared import ClearedPeriod, at_one_price
from market.mechanisms.merit_order import efficient_trade


def uniform_price(game: PeriodGame) -> ClearedPeriod:
    """One period at one price within the band.

    >>> game = PeriodGame.of(
    ...     surplus_mw=[3.0, 1.5],
    ...     reserve_cny_per_mwh=[400.0, 600.0],
    ...     deficit_mw=[2.0, 2.0],
    ...     satisfaction_cny_per_h=4000.0,
    ...     floor_cny_per_mwh=400.0,
    ...     cap_cny_per_mwh=1200.0,
    ... )
    >>> cleared = uniform_price(game)
    >>> cleared.price_cny_per_mwh.tolist(), cleared.delivered_mw.sum(axis=0).round(6).tolist()
    ([600.0, 600.0], [3.0, 1.0])
    """
    trade = efficient_trade(game)
    return at_one_price(game, trade.price, trade.bought_mw, trade.sold_mw)
