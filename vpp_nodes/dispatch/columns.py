"""Runs of columns of a day's program, one column for each period, and the columns that stand for one unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from market.model.arrays import Array
from market.model.vpp import Unit
from vpp_nodes.dispatch.day import DispatchDay
from vpp_nodes.dispatch.linear import LinearProgram

ABSENT: Final = range(0)
INFINITY: Final = float("inf")

_NUDGE_CNY_PER_MWH = 1e-3
"""Where the grid's price is about the usual one: of equally cheap days the nudges prefer the one that uses
renewables rather than not, and does the rest as little and as early as it can. Roots are used, so that no shift of
one quantity makes up for one of another."""
_USUAL_PRICE_CNY_PER_MWH = 750.0


@dataclass(frozen=True, slots=True)
class UnitColumns:
    """One unit: what it gives and what it takes in (6), and what it holds; what it does not do is an empty run."""

    unit: Unit
    supply: range = ABSENT
    use: range = ABSENT
    stored: range = ABSENT


def add_columns(
    program: LinearProgram,
    day: DispatchDay,
    upper: Array | float,
    *,
    lower: Array | float = 0.0,
    price: Array | float = 0.0,
    nudge: Array | float | None = None,
    integer: bool = False,
) -> range:
    """One column for each period; `price` is for an hour at 1, and `nudge` a multiple of `nudge_cny_per_mwh`."""
    periods, hours = day.periods, day.period_h
    return program.columns(
        np.full(periods, lower),
        np.full(periods, upper),
        np.full(periods, price) * hours,
        nudge=None if nudge is None else np.full(periods, nudge) * (nudge_cny_per_mwh(day) * hours),
        integer=integer,
    )


def nudge_cny_per_mwh(day: DispatchDay) -> float:
    """The unit of nudges. It follows the grid's price by powers of two: small beside it in any currency."""
    mean = float(np.abs(day.public.tariff.retail_cny_per_mwh).mean())
    level = 2.0 ** round(math.log2(mean / _USUAL_PRICE_CNY_PER_MWH)) if mean > 0.0 else 1.0
    return _NUDGE_CNY_PER_MWH * level


def early(day: DispatchDay) -> Array:
    """Weights that grow with the period."""
    return np.arange(1.0, day.periods + 1.0)


def in_order(number: int) -> float:
    """A weight that grows with the number of a unit among its like, so that equal ones are used in their order."""
    return 1.0 + 0.07 * number
