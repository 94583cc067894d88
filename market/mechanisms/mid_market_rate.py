"""Mid-market rate: half way between what the grid pays and what it asks (Long, Wu, Zhang et al. 2017, IEEE PES).

    p = (f + R)/2

All that is over and all that is short is traded as far as the shorter side goes; what is left meets the grid at f
or R, so that sellers get, or buyers pay, the published mean of both prices.
"""

from __future__ import annotations

from market.game.period import PeriodGame
from market.mechanisms.cleared import ClearedPeriod, at_one_price, shorter_side


def mid_market_rate(game: PeriodGame, retail: float) -> ClearedPeriod:
    """One period. retail : R, CNY/MWh"""
    return at_one_price(game, (game.feed_in_cny_per_mwh + retail) / 2.0, *shorter_side(game))
