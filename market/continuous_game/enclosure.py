"""A payoff's range and the range of its slope, as far as one's own number goes: what payoff functions work on.

A payoff is written once, with + − * / ** and numpy's exp, log, sqrt, maximum and minimum, and works on numbers as
on enclosures. The slope is the derivative in the own number, by the chain rule (Moore, Kearfott & Cloud 2009,
Introduction to Interval Analysis, ch. 5 and 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from market.continuous_game.interval import Interval
from market.model.arrays import Array

_NUMBER: Final = (int, float, np.integer, np.floating)


@dataclass(frozen=True, slots=True, eq=False)
class Enclosure:
    """What something may come to while the own number moves within each of many cells, and how fast it changes."""

    value: Interval
    slope: Interval

    @classmethod
    def own(cls, low: Array, high: Array) -> Enclosure:
        """The own number itself, in cells from `low` to `high`."""
        return cls(Interval.of(low, high), Interval.point(np.ones_like(low)))

    def __add__(self, other: Any) -> Enclosure:
        right = self._same(other)
        return Enclosure(self.value + right.value, self.slope + right.slope)

    def __neg__(self) -> Enclosure:
        return Enclosure(-self.value, -self.slope)

    def __sub__(self, other: Any) -> Enclosure:
        right = self._same(other)
        return Enclosure(self.value - right.value, self.slope - right.slope)

    def __rsub__(self, other: Any) -> Enclosure:
        return self._same(other) - self

    def __mul__(self, other: Any) -> Enclosure:
        right = self._same(other)
        return Enclosure(self.value * right.value, self.slope * right.value + self.value * right.slope)

    def __truediv__(self, other: Any) -> Enclosure:
        right = self._same(other)
        quotient = self.value / right.value
        return Enclosure(quotient, (self.slope - quotient * right.slope) / right.value)

    def __rtruediv__(self, other: Any) -> Enclosure:
        return self._same(other) / self

    def __pow__(self, exponent: float) -> Enclosure:
        if not isinstance(exponent, _NUMBER):
            raise TypeError("a power is a number; write others with exp and log")
        power = float(exponent)
        factor = Interval.point(power) * self.value.power(power - 1.0)
        return Enclosure(self.value.power(power), factor * self.slope)

    def __rpow__(self, base: float) -> Enclosure:
        return (self * float(np.log(base))).exp()

    __radd__, __rmul__ = __add__, __mul__

    def exp(self) -> Enclosure:
        value = self.value.exp()
        return Enclosure(value, value * self.slope)

    def log(self) -> Enclosure:
        return Enclosure(self.value.log(), self.slope / self.value)

    def sqrt(self) -> Enclosure:
        return self**0.5

    def maximum(self, other: Any) -> Enclosure:
        """The larger of two; where either may be, the slope may be that of either."""
        right = self._same(other)
        value = Interval(
            np.maximum(self.value.low, right.value.low), np.maximum(self.value.high, right.value.high)
        )
        either = self.slope.hull(right.slope)
        left_only, right_only = self.value.low > right.value.high, right.value.low > self.value.high
        slope = Interval(
            np.where(left_only, self.slope.low, np.where(right_only, right.slope.low, either.low)),
            np.where(left_only, self.slope.high, np.where(right_only, right.slope.high, either.high)),
        )
        return Enclosure(value, slope)

    def minimum(self, other: Any) -> Enclosure:
        return -((-self).maximum(-self._same(other)))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Enclosure:
        """numpy's functions, of an enclosure or with one."""
        if method != "__call__" or options or ufunc.__name__ not in _FUNCTIONS:
            raise TypeError(f"{ufunc.__name__} of an enclosure is not known")
        first, *rest = inputs
        found: Enclosure = getattr(self._same(first), _FUNCTIONS[ufunc.__name__])(*rest)
        return found

    def _same(self, other: Any) -> Enclosure:
        """Another one as an enclosure in the same cells; a number has slope 0. TypeError for anything else."""
        if isinstance(other, Enclosure):
            return other
        if not isinstance(other, _NUMBER):
            raise TypeError(f"an enclosure goes with numbers and enclosures; got {type(other).__name__}")
        shape = np.shape(self.value.low)
        return Enclosure(Interval.point(np.full(shape, float(other))), Interval.point(np.zeros(shape)))


_FUNCTIONS: Final = {
    **{name: name for name in ("exp", "log", "sqrt", "maximum", "minimum")},
    "add": "__add__",
    "subtract": "__sub__",
    "multiply": "__mul__",
    "divide": "__truediv__",
    "negative": "__neg__",
    "power": "__pow__",
}
