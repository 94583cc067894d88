"""Owns a seller's replies when τ = 0: prices move on a tick, and demand runs down from the cheapest seller.

Knows nothing of how replies are exchanged. A seller faces, at each price of the grid, what the cheaper rivals leave:
it may undercut, match, or sit above them. This is Bertrand-Edgeworth competition:

- In glut, where a seller's rivals cannot serve everybody without it, undercutting pays down to some price, and from
  there the jump back up to the best price against what they leave: replies cycle and mostly no pure equilibrium
  exists.
- Everybody at the floor is an equilibrium where each seller's rivals can serve all demand (and the floor is the
  feed-in price): above it nothing comes. Everybody at the cap is one where all surplus sells out there.
- Sellers who clear the market at p_clr sell all they have, and raising pays for all or for none: it does not where
  (p − f) X(p) is nowhere larger above p_clr.
"""

from __future__ import annotations

import numpy as np

from market.arrays import Array
from market.game.lattice import tick_grid
from market.game.period import PeriodGame
from market.game.waterfall import faced_power


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


def _utility(game: PeriodGame, seller: int, prices: Array, own: Array) -> Array:
    sold = np.minimum(game.surplus_mw[seller], faced_power(game, seller, prices, own))
    worth: Array = (own - game.feed_in_cny_per_mwh) * sold
    return worth
