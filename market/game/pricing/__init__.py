"""How a seller prices, (16), (22), (26): the demand it faces, best responses, local rules, what it remembers."""

from market.game.pricing.price_move import PriceMove, Repricing
from market.game.pricing.pricer import Pricer, RulePricer
from market.game.pricing.reprice import (
    best_response,
    fresh_memory,
    reprice,
    reprice_all,
    seller_profit,
)

__all__ = [
    "PriceMove",
    "Pricer",
    "Repricing",
    "RulePricer",
    "best_response",
    "fresh_memory",
    "reprice",
    "reprice_all",
    "seller_profit",
]
