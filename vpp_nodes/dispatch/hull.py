"""The hulls of a day's menus as polygons that hold them, (M6): lines and corners.

A line of slope v is as high as the menu's greatest distance from it, `market.day_certificate`'s bound on it; so whatever
slopes are taken, everything on the menu lies within, and more slopes only fit it closer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from market.day_certificate.trade_options import TradeOptions
from market.model.arrays import Array

_FIRST_SLOPES = 24
_SECTIONS = 18
_GOLDEN = (sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True)
class Lines:
    """Slopes v in CNY/MWh and how high the lines stand, CNY/h, shape (lines, periods).

    selling : earned ≤ v sold + height · buying : paid ≥ v bought − height
    """

    selling_slope: Array
    selling_height: Array
    buying_slope: Array
    buying_height: Array

    def and_more(self, other: Lines) -> Lines:
        """These lines and others."""
        return Lines(
            np.concatenate([self.selling_slope, other.selling_slope]),
            np.concatenate([self.selling_height, other.selling_height]),
            np.concatenate([self.buying_slope, other.buying_slope]),
            np.concatenate([self.buying_height, other.buying_height]),
        )


@dataclass(frozen=True, slots=True)
class DayHull:
    """Corners of each period's two polygons, (powers in MW, money in CNY/h); what nobody trades is one of them."""

    selling: tuple[tuple[Array, Array], ...]
    buying: tuple[tuple[Array, Array], ...]


def first_lines(options: TradeOptions, cap: Array) -> Lines:
    """Slopes spread evenly from −p̄ to p̄, which also bounds what a first MWh can earn; cap : p̄, (periods,)."""
    slopes = np.linspace(-1.0, 1.0, _FIRST_SLOPES)[:, None] * cap
    return _lines(options, slopes, slopes)


def lines_at(options: TradeOptions, cap: Array, sold: tuple[Array, Array], bought: tuple[Array, Array]) -> Lines:
    """Of all lines those that a mixture breaks most; `sold` and `bought` are (MW, share of the side)."""
    selling = _least(lambda v: v * sold[0] + sold[1] * options.selling_support(v), cap)
    buying = _least(lambda v: bought[1] * options.buying_support(v) - v * bought[0], cap)
    return _lines(options, selling[None, :], buying[None, :])


def day_hull(lines: Lines, most_out_mw: Array, most_in_mw: Array) -> DayHull:
    """The corners of all periods' polygons."""
    periods = range(most_out_mw.size)
    selling = [
        corners(lines.selling_slope[:, t], lines.selling_height[:, t], float(most_out_mw[t])) for t in periods
    ]
    buying = [corners(-lines.buying_slope[:, t], lines.buying_height[:, t], float(most_in_mw[t])) for t in periods]
    return DayHull(tuple(selling), tuple((power, -money) for power, money in buying))


def corners(slope: Array, height: Array, most: float) -> tuple[Array, Array]:
    """Corners of min (slope x + height) over 0 ≤ x ≤ most, and the origin.

    >>> [values.tolist() for values in corners(np.array([2.0, 0.0]), np.array([0.0, 4.0]), 5.0)]
    [[0.0, 0.0, 2.0, 5.0], [0.0, 0.0, 4.0, 4.0]]
    """
    at, found = 0.0, [(0.0, 0.0)]
    line = int(np.lexsort((slope, height))[0])
    while True:
        found.append((at, float(slope[line] * at + height[line])))
        if at >= most:
            return np.array([x for x, _ in found]), np.array([y for _, y in found])
        lower = slope < slope[line]
        meets = np.full(slope.size, np.inf)
        meets[lower] = (height[lower] - height[line]) / (slope[line] - slope[lower])
        following = int(np.lexsort((slope, meets))[0])
        if not meets[following] < most:
            at = most
        else:
            at, line = max(at, float(meets[following])), following


def _lines(options: TradeOptions, selling: Array, buying: Array) -> Lines:
    return Lines(
        selling,
        np.array([options.selling_support(slope) for slope in selling]),
        buying,
        np.array([options.buying_support(slope) for slope in buying]),
    )


def _least(height: Callable[[Array], Array], cap: Array) -> Array:
    """Where convex functions of a slope are least, by golden section, shape (periods,)."""
    low, high = -cap, cap
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = height(left), height(right)
    for _ in range(_SECTIONS):
        leftwards = at_left <= at_right
        low, high = np.where(leftwards, low, left), np.where(leftwards, right, high)
        new = np.where(leftwards, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_new = height(new)
        left, right = np.where(leftwards, new, right), np.where(leftwards, left, new)
        at_left, at_right = np.where(leftwards, at_new, at_right), np.where(leftwards, at_left, at_new)
    least: Array = (low + high) / 2.0
    return least
