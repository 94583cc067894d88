"""The local price rules of (26), `gradient` and `tatonnement`: how each makes a step and comes to rest.

A step in proportion to the profit gradient or the excess demand would swing for ever about a kink or a clearing
price, so a seller's step has a reach: it is halved when the direction flips, grows slowly while it does not, and
always lets the price follow half of a rival's move. Where a local rule rests need not be an equilibrium: the
certificate decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from market.game.price_grid import PRICE_STEP_CNY_PER_MWH
from market.game.pricing.residual_demand import ResidualDemand, power, slopes
from market.model.arrays import Array

_SHRINK = 0.5
_GROW = 1.25  # with _SHRINK: two steps after a flip cross back, and 1.25 × 0.5 < 1


@dataclass(frozen=True, slots=True)
class Swing:
    """What a seller remembers between two steps of a local rule.

    reach : longest step now, CNY/MWh · last : the step made before, signed · seen : all prices it knew then
    """

    reach: float
    last: float
    seen: tuple[float, ...]

    @classmethod
    def fresh(cls) -> Swing:
        """Before the first step: any reach, no direction."""
        return cls(math.inf, 0.0, ())


def step(memory: Swing, direction: float, prices: tuple[float, ...], seller: int) -> Swing:
    """The memory after one step; its `last` is the step to make, CNY/MWh. prices : of all n sellers."""
    known = memory.seen or prices
    rivals = (abs(p - q) for j, (p, q) in enumerate(zip(prices, known, strict=True)) if j != seller)
    followed = _SHRINK * max(rivals, default=0.0)
    flipped = direction * memory.last < 0
    reach = max(_SHRINK * abs(memory.last) if flipped else _GROW * memory.reach, followed)
    return Swing(reach, min(max(direction, -reach), reach) or memory.last, prices)


def profit_gradient(sellers: ResidualDemand, price: Array) -> Array:
    """∂U/∂p of (22) per hour, MW, shape (R,): 0 where the utility falls on both sides of the price.

    Looked at one step of the price grid above and below, so that a kink between two of them counts as found.
    """
    beside = PRICE_STEP_CNY_PER_MWH
    around = np.stack([price - beside, price + beside], axis=1)
    seen = slopes(sellers, np.clip(around, sellers.floor[:, None], sellers.cap[:, None]))
    below = np.where(seen.power[:, 0] >= sellers.surplus, sellers.surplus, seen.left[:, 0])
    above = np.where(seen.power[:, 1] > sellers.surplus, sellers.surplus, seen.right[:, 1])
    return np.where(above > 0, above, np.minimum(below, 0.0))


def excess_demand(sellers: ResidualDemand, price: Array) -> Array:
    """(Q − S)/S, by which `tatonnement` (26) moves: dimensionless, shape (R,). price : (R,), CNY/MWh."""
    total = power(sellers, price[:, None])[:, 0]
    lacking: Array = (total - sellers.surplus) / sellers.surplus
    return lacking
