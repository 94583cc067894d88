"""How a seller prices, (16), (22), (26): the demand it faces, best responses, local rules."""

from market.game.pricing.local_rules import Memory
from market.game.pricing.reprice import PriceMove, Repricing, best_response, reprice, reprice_all

__all__ = ["Memory", "PriceMove", "Repricing", "best_response", "reprice", "reprice_all"]
