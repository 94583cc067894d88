"""Certifies a period at τ = 0, where prices move on a tick: buyers' choices, sellers' profits, best deviations.

Shares no code with pricing, selection or rationing. Demand runs from the cheapest seller to the dearest: at price
p a share r(p) of every buyer's blocks is left over by the cheaper ones, and of its X(p) = Σ_i x*_i(p) the sellers
at p serve what they can.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market.game.period import PeriodGame
from market.model.arrays import Array, BoolArray

_NOTHING_LEFT = 1e-12  # the grid of probabilities: a smaller share is none


@dataclass(frozen=True, slots=True)
class PureRestPoint:
    """Where blocks come to rest, alike for all buyers: the share at each seller, and who has nothing left."""

    share: Array
    sold_out: BoolArray


def pure_rest(game: PeriodGame, prices: Array, demanded: Array) -> PureRestPoint:
    """One tier after the other, cheapest first. demanded : X at each price, MW; all of shape (n,)."""
    share, sold_out, left = np.zeros(len(prices)), np.zeros(len(prices), dtype=np.bool_), 1.0
    for price in sorted(set(prices.tolist())):
        here = prices == price
        supply, asked = game.surplus_mw[here].sum(), left * demanded[here][0]
        taken = left if asked <= supply or price == prices.max() else left * float(supply / asked)
        share[here] = taken * game.surplus_mw[here] / supply
        sold_out[here] = asked >= supply
        left = left - taken if left - taken >= _NOTHING_LEFT else 0.0
    return PureRestPoint(share, sold_out)


def regrets(pure: PureRestPoint, prices: Array, probability: Array, current: Array, best: Array) -> Array:
    """What each buyer could gain by sending its blocks otherwise, CNY/h, shape (m,); the others' stay as they are.

    A block that asks a seller with nothing left gets nothing, so no more of them count there than are served at
    that price; elsewhere every block counts.
    probability : y, (m, n) · current, best : U of (17) at the power asked and at the power demanded, (m, n), CNY/h
    """
    counted = probability.copy()
    for price in set(prices[pure.sold_out].tolist()):
        here = prices == price
        asked = probability[:, here].sum(axis=1)
        counted[:, here] *= np.minimum(1.0, pure.share[here].sum() / np.maximum(asked, _NOTHING_LEFT))[:, None]
    gained: Array = (pure.share * best).sum(axis=1) - (counted * current).sum(axis=1)
    return np.maximum(0.0, gained)


def current_profit(game: PeriodGame, prices: Array, demanded: Array) -> Array:
    """(p − r) min(S, Q) of each seller, shape (n,), CNY/h. demanded : X at each price, shape (n,), MW."""
    sold = np.minimum(game.surplus_mw, pure_rest(game, prices, demanded).share * demanded)
    worth: Array = (prices - game.reserve_cny_per_mwh) * sold
    return worth


def price_grid(game: PeriodGame) -> Array:
    """Every price that may be asked, shape (G,), CNY/MWh."""
    floor, cap, tick = game.floor_cny_per_mwh, game.cap_cny_per_mwh, game.tick_cny_per_mwh
    steps = np.arange(np.ceil((cap - floor) / tick) + 1)
    grid: Array = np.unique(np.minimum(floor + tick * steps, cap))
    return grid


def best_deviation(
    game: PeriodGame, prices: Array, demanded: Array, grid: Array, grid_demand: Array
) -> tuple[Array, Array]:
    """What each seller can earn at its best price of the grid, CNY/h, and that price, CNY/MWh; shape (n,) each.

    demanded, grid_demand : X at the sellers' prices, shape (n,), and on the grid, shape (G,), MW
    """
    worth, where = np.zeros(len(prices)), np.zeros(len(prices))
    for j, surplus in enumerate(game.surplus_mw.tolist()):
        left, beside = np.ones(grid.size), np.zeros(grid.size)
        for rival in np.delete(np.arange(len(prices)), j).tolist():
            dearer = grid > prices[rival]
            left[dearer] -= game.surplus_mw[rival] / demanded[rival] if demanded[rival] > 0 else np.inf
            beside[grid == prices[rival]] += game.surplus_mw[rival]
        left[left < _NOTHING_LEFT] = 0.0
        sold = np.minimum(surplus, left * grid_demand * surplus / (surplus + beside))
        earned = np.where(grid >= game.reserve_cny_per_mwh[j], (grid - game.reserve_cny_per_mwh[j]) * sold, 0.0)
        worth[j], where[j] = earned.max(), grid[earned.argmax()]
    return worth, where
