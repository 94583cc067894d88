"""How a seller prices, (16), (22), (26): the demand it faces, best responses, local rules, what it remembers."""

from market.game.pricing.reprice import (
    Memory,
    PriceMove,
    Repricing,
    best_response,
    fresh_memory,
    reprice,
    reprice_all,
)

__all__ = ["Memory", "PriceMove", "Repricing", "best_response", "fresh_memory", "reprice", "reprice_all"]
