"""Owns the best reply of a seller, the exact maximum of (22) over its price band, for τ > 0.

Knows nothing of how replies are exchanged. The utility (p − f) min(S, Q(p)) has kinks (Q = S, x* = D, x* = 0)
and may have several peaks, and comparing its values alone finds a peak to about 1e-5 CNY/MWh only. So:

1. narrow: cut the band into cells. As Q never rises, (high − f) min(S, Q(low)) bounds the utility in a cell;
   drop the cells whose bound is under the best value seen, cut the others, down to about τ.
2. dissect: cut what is left into pieces of at most τ/8 without a kink inside.
3. refine: solve Q = S and (d/dp)(p − f) Q = 0 in the pieces where they change sign (safeguarded Newton).
   Peaks are these roots and the points where the slope turns from up to down: kinks and ends of the band.

Of equal peaks the lowest price is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market.arrays import Array, BoolArray, IndexArray
from market.game.pricing.demand import Faced, curve, power, slopes

_FIRST_CELLS = 32
_CUT = 8  # pieces that a cell is cut into
_FEW_BUYERS = 16  # with more, cells are narrowed further, so that few kinks are left in them
_NUMBERS_AT_ONCE = 1 << 21  # in one array of (rows, prices, buyers), about: bounds memory
_NEWTON_STEPS = 100
_NEWTON_STILL = 1e-14  # relative step of the price at which a root is found


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


def best_prices(sellers: Faced) -> Array:
    """The best reply of every seller, not rounded, shape (R,), CNY/MWh."""
    rows, _, buyers = sellers.rivalry.shape
    chunk = max(1, _NUMBERS_AT_ONCE // (_FIRST_CELLS * _CUT * buyers))
    parts = [_best_prices(sellers.take(slice(i, i + chunk))) for i in range(0, rows, chunk)]
    return np.concatenate(parts) if parts else np.zeros(0)


def utility(sellers: Faced, price: Array, total: Array) -> Array:
    """(p − f) min(S, Q), the part of (16) and (22) that its own price moves, CNY/h; arguments (R, P)."""
    sold: Array = (price - sellers.feed_in[:, None]) * np.minimum(sellers.surplus[:, None], total)
    return sold


def _best_prices(sellers: Faced) -> Array:
    best, cells = _narrow(sellers)
    if not cells.row.size:
        return best
    row, price = _peaks(sellers, cells)
    at = sellers.take(row)
    gain = utility(at, price[:, None], power(at, price[:, None]))[:, 0]
    order = np.lexsort((price, -gain, row))
    rows, first = np.unique(row[order], return_index=True)
    best[rows] = price[order][first]
    return best


def _narrow(sellers: Faced) -> tuple[Array, _Cells]:
    """For each seller the best end of a cell, and the cells in which something better may be.

    No cell is left only where an end of the band is best: the cap while it sells all, or a floor where
    nothing is gained at any price.
    """
    price = _between(sellers.floor, sellers.cap, _FIRST_CELLS)
    total = power(sellers, price)
    gain = utility(sellers, price, total)
    best = np.take_along_axis(price, np.argmax(gain, axis=1)[:, None], axis=1)[:, 0]
    value = gain.max(axis=1)
    row, cell = np.nonzero(utility(sellers, price[:, 1:], total[:, :-1]) > value[:, None])
    cells = _Cells(row, price[row, cell], price[row, cell + 1])
    width = sellers.temperature * min(1.0, _FEW_BUYERS / sellers.rivalry.shape[2])
    while (wide := cells.high - cells.low > width[cells.row]).any():
        cut, value = _cut(sellers, cells.take(wide), value)
        cells = cells.take(~wide).joined(cut)
    return best, cells


def _cut(sellers: Faced, cells: _Cells, value: Array) -> tuple[_Cells, Array]:
    """The pieces of `cells` that may beat the best value seen, and that value after this look, shape (R,)."""
    at = sellers.take(cells.row)
    price = _between(cells.low, cells.high, _CUT)
    total = power(at, price)
    seen = value.copy()
    np.maximum.at(seen, cells.row, utility(at, price, total).max(axis=1))
    cell, piece = np.nonzero(utility(at, price[:, 1:], total[:, :-1]) > seen[cells.row][:, None])
    return _Cells(cells.row[cell], price[cell, piece], price[cell, piece + 1]), seen


def _peaks(sellers: Faced, cells: _Cells) -> tuple[IndexArray, Array]:
    """Every local maximum of the utility in the cells: its seller (row) and price."""
    cell, price = _dissect(sellers, cells)
    row = cells.row[cell]
    at = sellers.take(row)
    seen = slopes(at, price[:, None])
    total, left, right, surplus = seen.power[:, 0], seen.left[:, 0], seen.right[:, 0], at.surplus
    rising = (total >= surplus) | (left >= 0) | (price == at.floor)
    falling = (total <= surplus) & (right <= 0) | (price == at.cap)
    turns = rising & falling
    same = cell[:-1] == cell[1:]
    capacity = same & (total[:-1] > surplus[:-1]) & (total[1:] < surplus[:-1])
    level = same & (right[:-1] > 0) & (left[1:] < 0) & (total[1:] < surplus[:-1])
    start = np.concatenate([np.flatnonzero(capacity), np.flatnonzero(level)])
    pieces = _Cells(row[start], price[start], price[start + 1])
    roots = _roots(sellers, pieces, np.arange(start.size) < np.count_nonzero(capacity))
    return np.concatenate([row[turns], pieces.row]), np.concatenate([price[turns], roots])


def _dissect(sellers: Faced, cells: _Cells) -> tuple[IndexArray, Array]:
    """Ends of the pieces, in order: the cell that each belongs to, and its price."""
    even = _between(cells.low, cells.high, _CUT)
    buyers = sellers.appetite
    kinks = np.concatenate([buyers.full_price[cells.row, 0], buyers.none_price[cells.row, 0]], axis=1)
    inside = np.nonzero((kinks > cells.low[:, None]) & (kinks < cells.high[:, None]))
    cell = np.concatenate([np.repeat(np.arange(cells.row.size), _CUT + 1), inside[0]])
    price = np.concatenate([even.ravel(), kinks[inside]])
    order = np.lexsort((price, cell))
    return cell[order], price[order]


def _roots(sellers: Faced, pieces: _Cells, capacity: BoolArray) -> Array:
    """The zero in each piece of Q − S where `capacity`, else of the slope of (p − f) Q; both fall through it."""
    at = sellers.take(pieces.row)
    low, high = pieces.low, pieces.high
    price = (low + high) / 2
    middle = price[:, None, None]
    elastic = (at.appetite.full_price < middle) & (middle < at.appetite.none_price)
    for _ in range(_NEWTON_STEPS):
        seen = curve(at, price[:, None], elastic)
        value = np.where(capacity, seen.power[:, 0] - at.surplus, seen.revenue_slope[:, 0])
        slope = np.where(capacity, seen.power_slope[:, 0], seen.revenue_bend[:, 0])
        low, high = np.where(value > 0, price, low), np.where(value > 0, high, price)
        newton = price - value / np.where(slope < 0, slope, -np.inf)
        trusted = (slope < 0) & (newton >= low) & (newton <= high)
        following = np.where(trusted, newton, (low + high) / 2)
        still = np.abs(following - price) <= _NEWTON_STILL * np.abs(price)
        price = following
        if still.all():
            break
    return price


def _between(low: Array, high: Array, pieces: int) -> Array:
    """Ends of equal pieces from low to high, shape (…, pieces + 1); the last one is exactly `high`."""
    price = low[:, None] + (high - low)[:, None] * np.linspace(0.0, 1.0, pieces + 1)
    price[:, -1] = high
    return price
