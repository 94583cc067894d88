"""How a seller's best reply follows a rival's price: the derivative of its optimum.

Where it sells all it has, Q(b) = S, b' = −ΔQ/(Δp Q'). Where its profit is level, with G = d/db (b − r) Q,
b' = −ΔG/(Δp G'). At a kink and at an end of its band the best reply stays where it is.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from market.game.pricing.residual_demand import ResidualDemand, curve
from market.model.arrays import Array, BoolArray

_SOLD_OUT: Final = 1e-9  # of the surplus
_LEVEL: Final = 1e-6  # of the power


def reply_slopes(here: ResidualDemand, beside: ResidualDemand, best: Array, step: Array) -> Array:
    """Of each row's best reply by one rival's price, shape (R,).

    here, beside : what the seller faces, and with that price higher by `step`, (R,) · best : its reply to `here`
    """
    at, elastic = best[:, None], _elastic(here, best)
    now, then = curve(here, at, elastic), curve(beside, at, elastic)
    sold_out = np.abs(now.power[:, 0] - here.surplus) <= _SOLD_OUT * here.surplus
    level = np.abs(now.revenue_slope[:, 0]) <= _LEVEL * now.power[:, 0]
    fall = np.where(sold_out, now.power_slope[:, 0], now.revenue_curvature[:, 0])
    change = np.where(sold_out, (then.power - now.power)[:, 0], (then.revenue_slope - now.revenue_slope)[:, 0])
    follows = (sold_out | level) & (fall < 0.0) & (best > here.floor) & (best < here.cap)
    return np.where(follows, -change / (step * np.where(follows, fall, -1.0)), 0.0)


def _elastic(sellers: ResidualDemand, price: Array) -> BoolArray:
    """Which buyers save and still buy at the price of each row, (R, 1, m)."""
    at, buyers = price[:, None, None], sellers.demand_curve
    marked: BoolArray = (buyers.full_price < at) & (at < buyers.none_price)
    return marked
