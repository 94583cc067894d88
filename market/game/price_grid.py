"""The fixed grids on which prices and probabilities are published, (M3).

A value has changed only when it differs on its grid, so that an exchange of values can end (M3).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from market.errors import ModelError
from market.game.period import PeriodGame
from market.model.arrays import Array

PRICE_STEP_CNY_PER_MWH: Final = 1e-8
PROBABILITY_STEP: Final = 1e-12

_MOST_TICKS: Final = 1_000_000
_PRICE_UNITS: Final = round(1 / PRICE_STEP_CNY_PER_MWH)
_PROBABILITY_UNITS: Final = round(1 / PROBABILITY_STEP)


def price_step(game: PeriodGame) -> float:
    """The distance between neighbouring prices, CNY/MWh: 1e-8, or the tick when τ = 0."""
    return PRICE_STEP_CNY_PER_MWH if game.temperature_cny_per_mwh > 0 else game.tick_cny_per_mwh


def on_price_grid(price: float, game: PeriodGame, least: float | None = None) -> float:
    """`price` (CNY/MWh) rounded to the grid, within [least, cap] (23), both of which are on it.

    The grid has the multiples of 1e-8 CNY/MWh; with τ = 0 it has floor + tick, floor + 2 tick, …
    least : the lowest price that may be asked, the floor where not given
    """
    floor, cap = game.floor_cny_per_mwh, game.cap_cny_per_mwh
    lowest = floor if least is None else least
    if game.temperature_cny_per_mwh > 0:
        half = PRICE_STEP_CNY_PER_MWH / 2
        rounded = float(np.rint(price * _PRICE_UNITS)) / _PRICE_UNITS
        return lowest if price < lowest + half else cap if price > cap - half else rounded
    ticks = max(0.0, float(np.rint((price - floor) / game.tick_cny_per_mwh)))
    near = max(lowest, min(floor + ticks * game.tick_cny_per_mwh, cap))
    ends = (lowest, cap)
    nearest = min(ends, key=lambda end: abs(end - price))
    return nearest if abs(nearest - price) < abs(near - price) else near


def tick_grid(game: PeriodGame, least: float | None = None) -> Array:
    """Every price of [least, cap] when τ = 0, ascending, CNY/MWh; `least` is the floor where not given.

    ModelError if there are more than a million.
    """
    floor, cap, tick = game.floor_cny_per_mwh, game.cap_cny_per_mwh, game.tick_cny_per_mwh
    if not cap - floor <= tick * _MOST_TICKS:
        raise ModelError(
            f"period {game.period + 1}: the band may hold at most {_MOST_TICKS} price ticks; got {floor:g} to "
            f"{cap:g} CNY/MWh in ticks of {tick:g}; use a larger price tick, or a temperature above 0"
        )
    inner = floor + tick * np.arange(int((cap - floor) / tick) + 1)
    grid = np.append(inner[inner < cap], cap)
    if least is None or least <= floor:
        return grid
    return np.append(min(least, cap), grid[grid > least])


def on_probability_grid(probability: Array) -> Array:
    """Rows rounded to the grid; each row's largest entry takes what rounding left over, so rows still sum to 1.

    probability : shape (…, n), rows on the simplex (24); of equal largest entries the first one takes it.
    """
    units = np.rint(probability * _PROBABILITY_UNITS)
    rows = units.reshape(-1, units.shape[-1])
    rows[np.arange(len(rows)), rows.argmax(axis=-1)] += _PROBABILITY_UNITS - rows.sum(axis=-1)
    rounded: Array = units / _PROBABILITY_UNITS
    return rounded
