"""A seller's best response for τ > 0: the exact maximum of its profit (22) over its price band.

The utility (p − r) min(S, Q(p)) has kinks (Q = S, x* = D, x* = 0) and may have several peaks, and comparing its
values alone finds a peak to about 1e-5 CNY/MWh only. So:

1. narrow: cut the band into cells. As Q never rises, the utility in a cell is at most (high − r) min(S, Q(low)),
   and at most its revenue at the low end plus the width times the steepest rise that Q and the least of −Q' allow.
   Drop the cells whose bound is 0 or under the best value seen, cut the others, down to about τ. Where nothing
   was gained at any price yet, every cell in which somebody still buys stays: profit may be narrower than a cell.
2. dissect: cut what is left into pieces of at most τ/8 without a kink inside.
3. refine: solve Q = S and (d/dp)(p − r) Q = 0 in the pieces where they change sign (safeguarded Newton).
   Peaks are these roots and the points where the slope turns from up to down: kinks and ends of the band.

Of equal peaks the lowest price is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from market.game.pricing.residual_demand import DemandDrop, ResidualDemand, curve, demand_drop, power, slopes
from market.model.arrays import Array, BoolArray, IndexArray, frozen

_FIRST_CELLS = 32
_CUT = 8  # pieces that a cell is cut into
_FEW_BUYERS = 32
_NUMBERS_AT_ONCE = 1 << 21  # in one array of (rows, prices, buyers), about: bounds memory
_NEARLY = 1.0 - 1e-12  # rounding must not drop the cell of the best price
_NEWTON_STEPS = 100
_NEWTON_STILL = 1e-14  # relative error of the price at which a root is found
_NEWTON_LAST = 1e-9  # relative step of Newton's after which the error is far below that: it squares at each


@dataclass(frozen=True, slots=True)
class _Cells:
    """Pieces of the band, flat: which seller (row), from where to where, CNY/MWh."""

    row: IndexArray
    low: Array
    high: Array

    def take(self, which: BoolArray) -> _Cells:
        return _Cells(self.row[which], self.low[which], self.high[which])

    def joined(self, other: _Cells) -> _Cells:
        return _Cells(
            np.concatenate([self.row, other.row]),
            np.concatenate([self.low, other.low]),
            np.concatenate([self.high, other.high]),
        )


def best_prices(sellers: ResidualDemand) -> Array:
    """The best response (26) of every seller: the maximum of (22), not rounded, shape (R,), CNY/MWh."""
    rows, _, buyers = sellers.rivalry.shape
    chunk = max(1, _NUMBERS_AT_ONCE // (_FIRST_CELLS * _CUT * buyers))
    if 0 < rows <= chunk:
        return _best_prices(sellers)
    parts = [_best_prices(sellers.take(slice(i, i + chunk))) for i in range(0, rows, chunk)]
    return np.concatenate(parts) if parts else np.zeros(0)


def utility(sellers: ResidualDemand, price: Array, total: Array) -> Array:
    """(p − r) min(S, Q), the part of (16) and (22) that its own price moves, CNY/h; arguments (R, P)."""
    sold: Array = (price - sellers.reserve[:, None]) * np.minimum(sellers.surplus[:, None], total)
    return sold


def _best_prices(sellers: ResidualDemand) -> Array:
    best = sellers.floor.copy()  # where nothing is gained at any price
    row, price = _peaks(sellers, _narrow(sellers))
    several = np.bincount(row, minlength=best.size)[row] > 1
    best[row[~several]] = price[~several]
    if several.any():
        rows, highest = _highest(sellers, row[several], price[several])
        best[rows] = highest
    return best


def _highest(sellers: ResidualDemand, row: IndexArray, price: Array) -> tuple[IndexArray, Array]:
    """Of each seller's peaks the highest; of equal ones the lowest price."""
    at = sellers.take(row)
    gain = utility(at, price[:, None], power(at, price[:, None]))[:, 0]
    order = np.lexsort((price, -gain, row))
    rows, first = np.unique(row[order], return_index=True)
    return rows, price[order][first]


def _narrow(sellers: ResidualDemand) -> _Cells:
    """The cells in which the best price may be, none for a seller that gains nothing anywhere."""
    whole = _Cells(np.arange(sellers.floor.size), sellers.floor, sellers.cap)
    cells, value = _cut(sellers, whole, np.zeros(sellers.floor.size), _FIRST_CELLS)
    # Many buyers leave many kinks in a cell, so with them cells are narrowed further.
    width = sellers.temperature * np.minimum(1.0, _FEW_BUYERS / sellers.buyers[:, 0])
    while (wide := cells.high - cells.low > width[cells.row]).any():
        wider = cells.take(wide)
        cut, value = _cut(sellers.take(wider.row), wider, value, _CUT)
        cells = cells.take(~wide).joined(cut)
    return cells


def _cut(at: ResidualDemand, cells: _Cells, value: Array, pieces: int) -> tuple[_Cells, Array]:
    """The pieces of `cells` that may hold the best price, and the best value seen so far, shape (R,).

    at : what the seller of each cell faces
    """
    price = _between(cells.low, cells.high, pieces)
    seen = demand_drop(at, price)
    best = value.copy()
    np.maximum.at(best, cells.row, utility(at, price, seen.power).max(axis=1))
    bound, known = _bounds(at, price, seen), best[cells.row][:, None]
    cell, piece = np.nonzero((bound >= known * _NEARLY) & (bound > 0))
    return _Cells(cells.row[cell], price[cell, piece], price[cell, piece + 1]), best


def _bounds(sellers: ResidualDemand, price: Array, seen: DemandDrop) -> Array:
    """What the utility cannot exceed between neighbouring prices, shape (R, P − 1), CNY/h."""
    low, high, total = price[:, :-1], price[:, 1:], seen.power[:, :-1]
    margin = low - sellers.reserve[:, None]
    steepest = np.maximum(0.0, total - margin * seen.least)
    return np.minimum(utility(sellers, high, total), margin * total + (high - low) * steepest)


def _peaks(sellers: ResidualDemand, cells: _Cells) -> tuple[IndexArray, Array]:
    """Every local maximum of the utility in the cells: its seller (row) and price."""
    cell, price = _dissect(sellers, cells)
    row = cells.row[cell]
    total, left, right = _slopes_at(sellers, row, price)
    surplus = sellers.surplus[row]
    rising = (total >= surplus) | (left >= 0) | (price == sellers.floor[row])
    falling = (total <= surplus) & (right <= 0) | (price == sellers.cap[row])
    turns = rising & falling
    same = cell[:-1] == cell[1:]
    capacity = same & (total[:-1] > surplus[:-1]) & (total[1:] < surplus[:-1])
    level = same & (right[:-1] > 0) & (left[1:] < 0) & (total[1:] < surplus[:-1])
    start = np.concatenate([np.flatnonzero(capacity), np.flatnonzero(level)])
    full = np.arange(start.size) < np.count_nonzero(capacity)
    at_low = np.where(full, (total - surplus)[start], right[start])
    at_high = np.where(full, (total - surplus)[start + 1], left[start + 1])
    pieces = _Cells(row[start], price[start], price[start + 1])
    roots = _roots(sellers, pieces, full, at_low / (at_low - at_high))
    return np.concatenate([row[turns], pieces.row]), np.concatenate([price[turns], roots])


def _slopes_at(sellers: ResidualDemand, row: IndexArray, price: Array) -> tuple[Array, Array, Array]:
    """Q and its revenue's slopes from the left and the right at a price of each row, shape (P,) each.

    Where buyers leave thousands of kinks, some of them at a time.
    """
    most = max(1, _NUMBERS_AT_ONCE // sellers.rivalry.shape[-1])
    parts = [slice(first, first + most) for first in range(0, max(1, price.size), most)]
    seen = [slopes(sellers.take(row[part]), price[part, None]) for part in parts]
    if len(seen) == 1:
        return seen[0].power[:, 0], seen[0].left[:, 0], seen[0].right[:, 0]
    power, left, right = (
        np.concatenate([getattr(part, name)[:, 0] for part in seen]) for name in ("power", "left", "right")
    )
    return power, left, right


def _dissect(sellers: ResidualDemand, cells: _Cells) -> tuple[IndexArray, Array]:
    """Ends of the pieces, in order: the cell that each belongs to, and its price."""
    even = _between(cells.low, cells.high, _CUT)
    buyers = sellers.demand_curve
    kinks = np.concatenate([buyers.full_price[cells.row, 0], buyers.none_price[cells.row, 0]], axis=1)
    inside = np.nonzero((kinks > cells.low[:, None]) & (kinks < cells.high[:, None]))
    cell = np.concatenate([np.repeat(np.arange(cells.row.size), _CUT + 1), inside[0]])
    price = np.concatenate([even.ravel(), kinks[inside]])
    order = np.lexsort((price, cell))
    return cell[order], price[order]


def _roots(sellers: ResidualDemand, pieces: _Cells, capacity: BoolArray, share: Array) -> Array:
    """The zero in each piece of Q − S where `capacity`, else of the slope of (p − r) Q; both fall through it.

    share : where in its piece a straight line would have it
    """
    at = sellers.take(pieces.row)
    low, high = pieces.low, pieces.high
    price = low + share * (high - low)
    middle = ((low + high) / 2)[:, None, None]
    elastic = (at.demand_curve.full_price < middle) & (middle < at.demand_curve.none_price)
    moving = np.ones(price.size, dtype=np.bool_)  # a root that is found stays, whatever its neighbours still do
    for _ in range(_NEWTON_STEPS):
        seen = curve(at, price[:, None], elastic)
        value = np.where(capacity, seen.power[:, 0] - at.surplus, seen.revenue_slope[:, 0])
        slope = np.where(capacity, seen.power_slope[:, 0], seen.revenue_curvature[:, 0])
        low, high = np.where(value > 0, price, low), np.where(value > 0, high, price)
        newton = price - value / np.where(slope < 0, slope, -np.inf)
        trusted = (slope < 0) & (newton >= low) & (newton <= high)
        following = np.where(trusted, newton, (low + high) / 2)
        near = np.where(trusted, _NEWTON_LAST, _NEWTON_STILL)
        still = np.abs(following - price) <= near * np.abs(price)
        price = np.where(moving, following, price)
        moving &= ~still
        if not moving.any():
            break
    return price


def _between(low: Array, high: Array, pieces: int) -> Array:
    """Ends of equal pieces from low to high, shape (…, pieces + 1); the last one is exactly `high`."""
    price = low[:, None] + (high - low)[:, None] * _even(pieces)
    price[:, -1] = high
    return price


@cache
def _even(pieces: int) -> Array:
    return frozen(np.linspace(0.0, 1.0, pieces + 1))
