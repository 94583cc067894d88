"""Prices by the ratio of supply to demand (Liu, Yu, Wang et al. 2017, IEEE Trans. Power Systems 32(5), 3569-3583).

    SDR = ΣS/ΣD ≤ 1:   P_sell = f R/((R − f) SDR + f),   P_buy = P_sell SDR + R (1 − SDR)
    SDR > 1:           P_sell = P_buy = f

P_buy is what a buyer pays for all that it is short of, on average: its part of what is sold at P_sell, the rest at
R from the grid. So peers trade at P_sell, and what is over meets the grid at f.
"""

from __future__ import annotations

from market.game.period import PeriodGame
from market.mechanisms.cleared import ClearedPeriod, at_one_price, shorter_side


def supply_demand_ratio(game: PeriodGame, retail: float) -> ClearedPeriod:
    """One period. retail : R, CNY/MWh"""
    ratio = float(game.surplus_mw.sum()) / float(game.deficit_mw.sum())
    price = selling_price(ratio, game.feed_in_cny_per_mwh, retail)
    return at_one_price(game, price, *shorter_side(game))


def selling_price(ratio: float, feed_in: float, retail: float) -> float:
    """P_sell, CNY/MWh. The formula is meant for f > 0; below it is f.

    >>> [round(selling_price(ratio, 400.0, 1000.0), 3) for ratio in (0.0, 0.5, 2.0)]
    [1000.0, 571.429, 400.0]
    """
    if ratio > 1.0 or feed_in <= 0.0:
        return feed_in
    return feed_in * retail / ((retail - feed_in) * ratio + feed_in)


def buying_price(ratio: float, feed_in: float, retail: float) -> float:
    """P_buy, CNY/MWh: of all that a buyer is short of, on average."""
    served = min(ratio, 1.0)
    return selling_price(ratio, feed_in, retail) * served + retail * (1.0 - served)
