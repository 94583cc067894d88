"""Intervals of numbers with outward rounding: each operation holds all that its operands could come to.

Ends are arrays of one shape, so that many intervals are worked on at once. Sums, products and quotients are
rounded outwards by one unit in the last place; exp, log and powers by eight, more than numpy is ever off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from market.model.arrays import Array

_FUNCTION_ERROR: Final = 2.0**-49
_TINY: Final = 5e-324


@dataclass(frozen=True, slots=True)
class Interval:
    """All numbers from `low` to `high`, arrays of one shape; an end that is not known is infinite.

    >>> product = Interval.of([1.0], [2.0]) * Interval.of([-3.0], [4.0])
    >>> product.low.round(9).tolist(), product.high.round(9).tolist()
    ([-6.0], [8.0])
    """

    low: Array
    high: Array

    @classmethod
    def of(cls, low: ArrayLike, high: ArrayLike) -> Interval:
        """From two ends as they are."""
        return cls(np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64))

    @classmethod
    def point(cls, number: ArrayLike) -> Interval:
        """One number."""
        return cls.of(number, number)

    def __add__(self, other: Interval) -> Interval:
        return _outward(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return _outward(self.low - other.high, self.high - other.low)

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __mul__(self, other: Interval) -> Interval:
        with np.errstate(invalid="ignore"):
            ends = np.stack(
                np.broadcast_arrays(
                    self.low * other.low, self.low * other.high, self.high * other.low, self.high * other.high
                )
            )
        return _outward(ends.min(axis=0), ends.max(axis=0))

    def __truediv__(self, other: Interval) -> Interval:
        """The whole line where the divisor may be 0."""
        apart = (other.low > 0.0) | (other.high < 0.0)
        with np.errstate(divide="ignore"):
            low = np.where(apart, 1.0 / other.high, -np.inf)
            high = np.where(apart, 1.0 / other.low, np.inf)
        return self * _outward(low, high)

    def power(self, exponent: float) -> Interval:
        """To a power: a whole one of any number, else of numbers of 0 or more."""
        whole = float(exponent).is_integer()
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ends = np.stack([self.low**exponent, self.high**exponent])
        low, high = ends.min(axis=0), ends.max(axis=0)  # NaN where it is not defined, which is the whole line
        across = (self.low < 0.0) & (self.high > 0.0) if whole else np.zeros(np.shape(self.low), dtype=bool)
        if exponent < 0.0:
            low, high = np.where(across, -np.inf, low), np.where(across, np.inf, high)
        elif whole and exponent % 2 == 0:
            low = np.where(across, 0.0, low)
        return _widened(low, high)

    def exp(self) -> Interval:
        with np.errstate(over="ignore"):
            low, high = np.exp(self.low), np.exp(self.high)
        grown = _widened(low, high)
        return Interval(np.maximum(grown.low, 0.0), grown.high)

    def log(self) -> Interval:
        """Minus infinity from 0 downwards."""
        with np.errstate(divide="ignore", invalid="ignore"):
            low = np.where(self.low > 0.0, np.log(self.low), -np.inf)
            high = np.log(self.high)
        return _widened(low, high)

    def hull(self, other: Interval) -> Interval:
        """The least interval that holds both."""
        return Interval(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


def _outward(low: Array, high: Array) -> Interval:
    """With rounding by one unit in the last place; an end that is no number is unknown."""
    return _known(np.nextafter(low, -np.inf), np.nextafter(high, np.inf))


def _widened(low: Array, high: Array) -> Interval:
    with np.errstate(invalid="ignore"):
        return _known(low - np.abs(low) * _FUNCTION_ERROR - _TINY, high + np.abs(high) * _FUNCTION_ERROR + _TINY)


def _known(low: Array, high: Array) -> Interval:
    return Interval(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high))
