"""Owns the clearing price, the common price at which wants just fit the surplus, where every negotiation starts.

Knows nothing of choice or of what sellers make of it: only public data are needed.
"""

from __future__ import annotations

import math

import numpy as np

from market.game.lattice import on_lattice
from market.game.period import PeriodGame
from market.game.satisfaction import appetite

_WITHIN_A_TICK = 1e-9  # a price so near under a tick (in ticks) is on it


def clearing_price(game: PeriodGame) -> float:
    """The lowest common price of the band with Σ_i x*_i(p) ≤ Σ_j S_j, on the lattice, CNY/MWh.

    The floor in glut, the cap in deep scarcity; with τ = 0 the first tick that satisfies it.
    """
    price = _exact(game)
    if game.temperature_cny_per_mwh > 0:
        return on_lattice(price, game)
    tick = game.tick_cny_per_mwh
    ticks = math.ceil((price - game.floor_cny_per_mwh) / tick - _WITHIN_A_TICK)
    return on_lattice(game.floor_cny_per_mwh + ticks * tick, game)


def _exact(game: PeriodGame) -> float:
    """Between two neighbouring thresholds Σ x* = Σ k/p − Σ (S0 + P^s) + Σ D, which one line solves for p."""
    floor, cap, supply = game.floor_cny_per_mwh, game.cap_cny_per_mwh, float(game.surplus_mw.sum())
    buyers = appetite(game)
    thresholds = np.concatenate([buyers.full_price.ravel(), buyers.none_price.ravel()])
    inside = thresholds[(thresholds > floor) & (thresholds < cap)]
    points = np.concatenate([[floor], np.sort(inside), [cap]])
    enough = np.flatnonzero(buyers.wanted(points).sum(axis=0) <= supply)
    if enough.size == 0:
        return cap
    if enough[0] == 0:
        return floor
    low, high = float(points[enough[0] - 1]), float(points[enough[0]])
    middle = (low + high) / 2
    elastic = (buyers.full_price < middle) & (middle < buyers.none_price)
    full = middle <= buyers.full_price
    worth = float(buyers.satisfaction[elastic].sum())
    power = supply + float(buyers.base[elastic].sum()) - float(buyers.deficit[full].sum())
    return min(max(worth / power, low), high) if power > 0 else low
