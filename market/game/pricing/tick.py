"""A seller's replies when τ = 0: prices move on a tick, and demand runs down from the cheapest seller.

A seller faces, at each price of the grid, what the cheaper rivals leave: it may undercut, match, or sit above
them. This is Bertrand-Edgeworth competition. With X(p) all demand:

- Everybody at the floor is an equilibrium where any seller's rivals can serve X(floor) without it: above the floor
  nothing is left. Where the floor is the feed-in price it is none as soon as somebody is needed.
- Everybody at the cap is an equilibrium where all surplus sells out there.
- At a price where X just equals all surplus, raising pays for all sellers or for none: one that raises to p earns
  (p − r) X(p), times its share of the surplus. Where that falls from there on, the price is an equilibrium.
- Else, in glut with somebody needed, undercutting pays down to some price, and from there the jump back up to the
  best price against what the others leave. Mostly there is no pure equilibrium then, and replies cycle.
"""

from __future__ import annotations

import numpy as np

from market.game.clearing.residual_demand import rationed_demand
from market.game.period import PeriodGame
from market.game.price_grid import tick_grid
from market.model.arrays import Array


def best_tick(game: PeriodGame, seller: int, prices: Array) -> float:
    """The best price of the grid against `prices` (n,) of the others, the lowest of equals, CNY/MWh."""
    grid = tick_grid(game, float(game.least_price_cny_per_mwh[seller]))
    return float(grid[np.argmax(tick_utility(game, seller, prices, grid))])


def better_tick(game: PeriodGame, seller: int, prices: Array) -> float:
    """One tick towards a neighbouring price that is better, upwards first, or 0; CNY/MWh."""
    own, tick = float(prices[seller]), game.tick_cny_per_mwh
    near = np.clip([own, own + tick, own - tick], game.least_price_cny_per_mwh[seller], game.cap_cny_per_mwh)
    current, above, below = tick_utility(game, seller, prices, near)
    if above > current:
        return tick
    return -tick if below > current else 0.0


def tick_utility(game: PeriodGame, seller: int, prices: Array, own: Array) -> Array:
    """(p − r) min(S, Q) at each price of `own` (P,), the others at `prices` (n,), CNY/h."""
    sold = np.minimum(game.surplus_mw[seller], rationed_demand(game, seller, prices, own))
    worth: Array = (own - game.reserve_cny_per_mwh[seller]) * sold
    return worth
