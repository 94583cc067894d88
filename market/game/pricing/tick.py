"""Owns a seller's replies when τ = 0: prices move on a tick and every buyer takes the cheapest offers only.

Knows nothing of how replies are exchanged.

What a rationed buyer does not get comes from the grid, (21); it does not pass on to the next seller. So a
seller above the cheapest rival sells nothing, and whatever the sizes a best reply is never above that rival:

- Everybody at the floor is an equilibrium for two or more sellers (upwards nothing is sold, downwards there is
  nothing), hence a pure equilibrium always exists; with one seller the monopoly price is one.
- Best replies given one after the other never rise, so they come to rest. Given at the same time from unequal
  prices they can swap for ever, (a, b) → (b, a) → …, where each of two prices is worth joining: scarcity.
"""

from __future__ import annotations

import numpy as np

from market.arrays import Array
from market.game.lattice import tick_grid
from market.game.period import PeriodGame
from market.game.satisfaction import wanted_power


def best_tick(game: PeriodGame, seller: int, prices: Array) -> float:
    """The best price of the grid against `prices` (n,) of the others, the lowest of equals, CNY/MWh."""
    grid = tick_grid(game)
    return float(grid[np.argmax(_utility(game, seller, prices, grid))])


def better_tick(game: PeriodGame, seller: int, prices: Array) -> float:
    """One tick towards a neighbouring price that is better, upwards first, or 0; CNY/MWh."""
    own, tick = float(prices[seller]), game.tick_cny_per_mwh
    near = np.clip([own, own + tick, own - tick], game.floor_cny_per_mwh, game.cap_cny_per_mwh)
    held, above, below = _utility(game, seller, prices, near)
    if above > held:
        return tick
    return -tick if below > held else 0.0


def faced_power(game: PeriodGame, seller: int, prices: Array, own: Array) -> Array:
    """Q of a seller at each price of `own` (P,), the others at `prices` (n,).

    Of the buyers it gets all, a share by surplus, or nothing.
    """
    rivals, surplus = np.delete(prices, seller), np.delete(game.surplus_mw, seller)
    cheapest = rivals.min(initial=np.inf)
    beside = float(surplus[rivals == cheapest].sum())
    mine = float(game.surplus_mw[seller])
    share = np.where(own < cheapest, 1.0, np.where(own == cheapest, mine / (mine + beside), 0.0))
    total: Array = share * wanted_power(game, own).sum(axis=0)
    return total


def _utility(game: PeriodGame, seller: int, prices: Array, own: Array) -> Array:
    sold = np.minimum(game.surplus_mw[seller], faced_power(game, seller, prices, own))
    worth: Array = (own - game.feed_in_cny_per_mwh) * sold
    return worth
