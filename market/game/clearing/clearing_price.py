"""The clearing price: the common price at which demand equals the surplus, where every negotiation starts.

It follows from public data alone, before anybody has chosen or priced.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Final

import numpy as np

from market.game.demand_curve import demand_curve
from market.game.period import PeriodGame
from market.game.price_grid import on_price_grid
from market.model.arrays import Array, frozen

_FINEST: Final = 1e-13  # of the cap
_LARGEST_EXPONENT: Final = 700.0
_WITHIN_A_TICK = 1e-9  # a price so near under a tick (in ticks) is on it


def clearing_price(game: PeriodGame) -> float:
    """p_clr of (M5), the lowest common price of the band with Σ_i x*_i(p) ≤ Σ S_j over r_j ≤ p, on the grid.

    The floor in glut, the cap in deep scarcity; with τ = 0 the first tick that satisfies it.
    """
    price = exact_clearing_price(game)
    if game.temperature_cny_per_mwh > 0:
        return on_price_grid(price, game)
    tick = game.tick_cny_per_mwh
    ticks = math.ceil((price - game.floor_cny_per_mwh) / tick - _WITHIN_A_TICK)
    return on_price_grid(game.floor_cny_per_mwh + ticks * tick, game)


def opening_prices(game: PeriodGame, clearing: float) -> Array:
    """Where each seller starts: at p_clr, or at its reserve where that is more; shape (n,), CNY/MWh."""
    return frozen(np.maximum(clearing, game.reserve_cny_per_mwh))


def exact_clearing_price(game: PeriodGame) -> float:
    """p_clr before it is put on the grid.

    Between two neighbouring thresholds Σ x* = Σ k/p − Σ (S0 + P^s) + Σ D, which one line solves for p.

    Where the grid is a choice, buyers ask the sellers for less, by (M2), and p is found by halving.
    Thresholds are the prices at which a buyer starts to save or stops buying, and at which a seller comes in.
    """
    if game.grid_option_mw > 0.0:
        return _beside_the_grid(game)
    floor, cap = game.floor_cny_per_mwh, game.cap_cny_per_mwh
    buyers, reserve = demand_curve(game), game.reserve_cny_per_mwh
    thresholds = np.concatenate([buyers.full_price.ravel(), buyers.none_price.ravel(), reserve])
    inside = thresholds[(thresholds > floor) & (thresholds < cap)]
    points = np.concatenate([[floor], np.sort(inside), [cap]])
    demanded = buyers.demand(points).sum(axis=0)
    enough = np.flatnonzero(demanded <= _supply_mw(game, points))
    if enough.size == 0:
        return cap
    if enough[0] == 0:
        return floor
    low, high = float(points[enough[0] - 1]), float(points[enough[0]])
    supply = float(_supply_mw(game, np.array([low]))[0])
    if demanded[enough[0]] > supply:
        return high  # enough only with the seller that comes in there
    middle = (low + high) / 2
    elastic = (buyers.full_price < middle) & (middle < buyers.none_price)
    full = middle <= buyers.full_price
    worth = float(buyers.satisfaction[elastic].sum())
    power = supply + float(buyers.base[elastic].sum()) - float(buyers.deficit[full].sum())
    return min(max(worth / power, low), high) if power > 0 else low


def _supply_mw(game: PeriodGame, price: Array) -> Array:
    """The surplus of all whose reserve a common price reaches, of the shape of `price`."""
    supply: Array = np.where(game.reserve_cny_per_mwh <= price[:, None], game.surplus_mw, 0.0).sum(axis=1)
    return supply


def _beside_the_grid(game: PeriodGame) -> float:
    """The same where the grid takes its share of demand: between two reserves what is asked for falls with p."""
    floor, cap, reserve = game.floor_cny_per_mwh, game.cap_cny_per_mwh, game.reserve_cny_per_mwh
    inside = np.unique(reserve[(reserve > floor) & (reserve < cap)])
    for low, high in pairwise([floor, *inside.tolist(), cap]):
        supply = float(_supply_mw(game, np.array([low]))[0])
        if _asked_mw(game, low, supply) <= supply:
            return float(low)
        if _asked_mw(game, high, supply) > supply:
            continue  # enough, if anywhere, with the seller that comes in there
        while high - low > _FINEST * cap:
            middle = (low + high) / 2.0
            low, high = (low, middle) if _asked_mw(game, middle, supply) <= supply else (middle, high)
        return float(high)
    return cap


def _asked_mw(game: PeriodGame, price: float, supply_mw: float) -> float:
    """What all buyers ask of sellers with so much surplus together at one price, by (M2)."""
    if supply_mw <= 0.0:
        return float(demand_curve(game).demand(np.array([price])).sum())
    buyers, heat = demand_curve(game), game.temperature_cny_per_mwh
    lost = buyers.utility_loss(np.array([price, game.retail_cny_per_mwh]))
    odds = (
        game.grid_option_mw / supply_mw * np.exp(np.minimum((lost[:, 0] - lost[:, 1]) / heat, _LARGEST_EXPONENT))
    )
    return float((buyers.demand(np.array([price]))[:, 0] / (1.0 + odds)).sum())
