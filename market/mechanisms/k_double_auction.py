"""k-double auction: the price lies between the last ask and the last bid that trade (Chatterjee & Samuelson 1983).

    p = k · last bid + (1 − k) · last ask

With k = 1/2 both sides share what the last MW is worth. Where more is offered than bought, the price is above what
would clear, and sellers at the last ask stay with a part of it.
"""

from __future__ import annotations

from market.game.period import PeriodGame
from market.mechanisms.cleared import ClearedPeriod, at_one_price
from market.mechanisms.merit_order import efficient_trade


def k_double_auction(game: PeriodGame, share: float) -> ClearedPeriod:
    """One period; share : k, 0 for the last ask, 1 for the last bid."""
    trade = efficient_trade(game)
    price = share * trade.last_bid + (1.0 - share) * trade.last_ask
    return at_one_price(game, price, trade.bought_mw, trade.sold_mw)
