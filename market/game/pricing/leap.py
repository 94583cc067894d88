"""Where a leap of everybody leads: not beyond the rest to which best replies creep, in a linear model of them.

Near prices p best replies are B(p + x) ≈ p + r + J x, with r = B(p) − p and J the slopes of each reply by each
price. What is left to go is (I − J)⁻¹ r; where all replies go on by the same s, it is s (I − J)⁻¹ 1. A leap goes
the way between the two, so that from its end all prices go on together. Best replies rise with each other's
prices, so prices below the least rest stay below it as long as every reply goes further: it is the same one,
whoever leaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from market.game.price_grid import PRICE_STEP_CNY_PER_MWH
from market.model.arrays import Array, frozen

_LEAST_LEFT: Final = 2 * PRICE_STEP_CNY_PER_MWH  # of a reply: whatever is rounded on the way
_LONGEST: Final = 0.3  # of a temperature of choice: so far, best replies are nearly linear
_REPLIES: Final = 3.0  # of the longest reply: hardly beyond where replies go by themselves
_NEAR: Final = 1e-7  # of a temperature: so near its rest the model is as good as best replies themselves
_NEAR_ENOUGH: Final = 1e-6  # likewise, where what is rounded leaves nothing to leap
_MOST_STEPS: Final = 4096  # of the model


@dataclass(frozen=True, slots=True)
class Landing:
    """All prices after a leap, shape (n,), CNY/MWh. upwards : 1 or −1 · at_rest : whether it is to end there"""

    prices: Array
    upwards: float
    at_rest: bool

    def holds(self, sellers: Sequence[int], replies: Sequence[float]) -> bool:
        """Whether prices go on from here, or rest here where they are to. replies : on the grid, CNY/MWh"""
        on = [self.upwards * (reply - self.prices[j]) for j, reply in zip(sellers, replies, strict=True)]
        return all(further > 0.0 or (self.at_rest and further == 0.0) for further in on)


def landing(
    prices: Array, moving: Sequence[int], replies: Array, slopes: Array, temperature: float, share_left: float
) -> Landing | None:
    """Where a leap from `prices`, shape (n,), leads; None where nobody is known to have a way to go.

    moving : the sellers whose prices creep, k of them · replies : their best ones, shape (k,), CNY/MWh
    slopes : of each reply by each price, J, shape (k, k) · share_left : of the longest way, that is left to go
    """
    here = prices[list(moving)]
    moves = replies - here
    way, slow = _ways(moves, slopes)
    upwards = 1.0 if way.sum() > 0.0 else -1.0
    way = upwards * way
    if not (
        np.isfinite(way).all() and way.min() > -PRICE_STEP_CNY_PER_MWH and way.max() > 0.0 and slow.min() > 0.0
    ):
        return None
    longest = float(way.max())
    farthest = max(_LONGEST * temperature, _REPLIES * float(np.abs(moves).max()))
    left = max(_LEAST_LEFT, share_left * longest / float(slow.max()), float(((way - farthest) / slow).max()))
    leap = np.floor(np.maximum(way - left * slow, 0.0) / PRICE_STEP_CNY_PER_MWH)
    hidden = 4.0 * _LEAST_LEFT * float(slow.max())
    near = longest <= min(_NEAR_ENOUGH * temperature, max(_NEAR * temperature, hidden))
    if near:
        leap = _at_rest(leap, upwards * moves / PRICE_STEP_CNY_PER_MWH, slopes)
    there = np.array(prices)
    there[list(moving)] += upwards * leap * PRICE_STEP_CNY_PER_MWH
    return Landing(frozen(there), upwards, near) if leap.any() else None


def _ways(moves: Array, slopes: Array) -> tuple[Array, Array]:
    """(I − J)⁻¹ r and (I − J)⁻¹ 1, shape (k,) each; NaN where there is no such thing."""
    try:
        found = np.linalg.solve(np.eye(len(moves)) - slopes, np.stack([moves, np.ones(len(moves))], axis=1))
    except np.linalg.LinAlgError:
        found = np.full((len(moves), 2), np.nan)
    way, slow = found.T.astype(np.float64)
    return way, slow


def _at_rest(start: Array, moves: Array, slopes: Array) -> Array:
    """Where rounded replies of the model come to from `start`, in steps of the grid; `start` where they do not."""
    now = start
    for _ in range(_MOST_STEPS):
        following = np.rint(moves + slopes @ now)
        if (following <= now).all():
            return now
        now = np.maximum(now, following)
    return start
