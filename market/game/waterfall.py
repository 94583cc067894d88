"""Owns how demand runs down the sellers, from the cheapest to the dearest, when τ = 0. Knows nothing of who prices.

Each buyer's demand is a population of blocks; the blocks of all buyers arrive in random order, and each takes the
cheapest seller that still has something. This is price competition with limited surpluses and proportional
rationing (Edgeworth 1897, Beckmann 1965, Davidson & Deneckere 1986): with X(p) = Σ_i x*_i(p) of (20), the share of
all blocks that is still unserved before price p is

    r(p) = max(0, 1 − Σ_{l: p_l < p} S_l / X(p_l))

and r(p) X(p) is asked of the sellers at p. It is the same for every buyer, so all of them choose alike, and by the
public data of all: here, and only here, what one buyer answers depends on the others. Sellers at one price are
pooled and share by surplus. The dearest price takes whatever is left; what cannot be delivered there comes from the
grid, (21). Where nobody wants anything, S/X is infinite: all blocks end there and ask for nothing.
"""

from __future__ import annotations

import numpy as np

from market.arrays import Array
from market.game.lattice import PROBABILITY_LATTICE
from market.game.period import PeriodGame
from market.game.satisfaction import wanted_power


def unserved_share(prices: Array, served: Array, at: Array) -> Array:
    """r(p), the share of all blocks that sellers below the price `at` leave unserved, in [0, 1].

    prices : of the sellers, shape (n,) · served : S_l/X(p_l), shape (n,) · at : any shape. A share below the
    lattice of probabilities is none, so that rounding leaves nothing over.
    """
    order = np.argsort(prices, kind="stable")
    taken = np.concatenate([[0.0], np.cumsum(served[order])])
    left = 1.0 - taken[np.searchsorted(prices[order], at, side="left")]
    return np.where(left < PROBABILITY_LATTICE, 0.0, left)


def served_share(game: PeriodGame, sellers: Array, prices: Array) -> Array:
    """S_l/X(p_l), the share of all blocks that a surplus can serve at a price, dimensionless, of `sellers` (n,) in MW.

    Infinite where nobody wants anything at that price.
    """
    wanted = wanted_power(game, prices).sum(axis=0)
    return np.divide(sellers, wanted, out=np.full(prices.shape, np.inf), where=wanted > 0)


def pure_choice(game: PeriodGame, prices: Array) -> Array:
    """The selection probabilities that all buyers have in common when τ = 0, shape (n,), on the simplex."""
    tiers, tier = np.unique(prices, return_inverse=True)
    reach = unserved_share(prices, served_share(game, game.surplus_mw, prices), tiers)
    chosen = reach - np.append(reach[1:], 0.0)
    pooled = np.bincount(tier, game.surplus_mw, tiers.size)
    share: Array = chosen[tier] * game.surplus_mw / pooled[tier]
    return share


def faced_power(game: PeriodGame, seller: int, prices: Array, own: Array) -> Array:
    """The power that comes to a seller at each price of `own` (P,), the others at `prices` (n,), in MW.

    Its part of r(p) X(p), of which it serves what it can; the rest runs on to dearer sellers, if there are any.
    """
    rivals, surplus = np.delete(prices, seller), np.delete(game.surplus_mw, seller)
    reach = unserved_share(rivals, served_share(game, surplus, rivals), own)
    beside = (surplus[:, None] * (rivals[:, None] == own)).sum(axis=0)
    mine = float(game.surplus_mw[seller])
    total: Array = reach * mine / (mine + beside) * wanted_power(game, own).sum(axis=0)
    return total
