"""Residual demand when τ = 0: how demand runs down the sellers, from the cheapest to the dearest.

Each buyer's demand is a population of blocks; the blocks of all buyers arrive in random order, and each takes the
cheapest seller that still has something. This is price competition with limited surpluses and proportional
rationing (Edgeworth 1897, Beckmann 1965, Davidson & Deneckere 1986): with X(p) = Σ_i x*_i(p) of (20), the share of
all blocks that is still unserved before price p is

    r(p) = max(0, 1 − Σ_{l: p_l < p} S_l / X(p_l))

and r(p) X(p) is asked of the sellers at p. It is the same for every buyer, so all of them choose alike, and by the
public data of all: here, and only here, what one buyer answers depends on the others. Sellers at one price are
pooled and share by surplus. The dearest price takes whatever is left; what cannot be delivered there comes from
the grid, (21). Where nobody wants anything, S/X is infinite: all blocks end there and ask for nothing.
"""

from __future__ import annotations

import numpy as np

from market.game.demand_curve import demanded_power
from market.game.period import PeriodGame
from market.game.price_grid import PROBABILITY_STEP
from market.model.arrays import Array


def residual_share(game: PeriodGame, prices: Array, surplus: Array, at: Array) -> Array:
    """r(p), the share of all blocks that sellers below the price `at` leave unserved, in [0, 1].

    prices, surplus : of these sellers, shape (n,) · at : any shape, CNY/MWh. A share below the grid of
    probabilities is none, so that rounding leaves nothing over.
    """
    order = np.argsort(prices, kind="stable")
    cheapest = prices[order]
    demanded = demanded_power(game, cheapest).sum(axis=0)
    served = np.divide(surplus[order], demanded, out=np.full(demanded.shape, np.inf), where=demanded > 0)
    taken = np.concatenate([[0.0], np.cumsum(served)])
    left = 1.0 - taken[np.searchsorted(cheapest, at, side="left")]
    return np.where(left < PROBABILITY_STEP, 0.0, left)


def pure_choice(game: PeriodGame, prices: Array) -> Array:
    """The selection probabilities that all buyers have in common when τ = 0, shape (n,), on the simplex."""
    tiers, tier = np.unique(prices, return_inverse=True)
    reach = residual_share(game, prices, game.surplus_mw, tiers)
    chosen = reach - np.append(reach[1:], 0.0)
    share: Array = chosen[tier] * game.surplus_mw / _surplus_at(prices, game.surplus_mw, prices)
    return share


def rationed_demand(game: PeriodGame, seller: int, prices: Array, own: Array) -> Array:
    """The power that comes to a seller at each price of `own` (P,), the others at `prices` (n,), in MW.

    Its part of r(p) X(p), of which it serves what it can; the rest runs on to dearer sellers, if there are any.
    """
    rivals, surplus = np.delete(prices, seller), np.delete(game.surplus_mw, seller)
    reach = residual_share(game, rivals, surplus, own)
    mine = float(game.surplus_mw[seller])
    share = mine / (mine + _surplus_at(rivals, surplus, own))
    total: Array = reach * share * demanded_power(game, own).sum(axis=0)
    return total


def _surplus_at(prices: Array, surplus: Array, at: Array) -> Array:
    """The surplus of all sellers whose price is exactly `at`, of any shape, MW."""
    tiers, tier = np.unique(prices, return_inverse=True)
    pooled = np.append(np.bincount(tier, surplus, tiers.size), 0.0)
    place = np.searchsorted(tiers, at)
    return np.where(np.append(tiers, np.inf)[place] == at, pooled[place], 0.0)
