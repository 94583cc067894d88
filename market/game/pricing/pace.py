"""Leaps: where prices creep, a seller goes most of the way that is left at once.

Near balance best replies (26) approach their rest by the same share in each round, and take a thousand rounds
where that share is small. Once the moves of all prices over two of its turns are ρ times those over the two turns
before, a seller goes most of the way that such moves add up to, ρ/(1 − ρ) (p − p two turns ago), and replies as
before from there: prices rest only where every one is a best reply to the others. Never all of it: prices that
rise to their rest stay below it, so that of many equilibria it is the same one, whoever leaps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from market.game.price_grid import PRICE_STEP_CNY_PER_MWH
from market.model.arrays import Array, frozen

_HIDDEN: Final = 2 * PRICE_STEP_CNY_PER_MWH  # of a move over two turns: whatever was rounded
_TURNS: Final = 6  # whose prices are remembered: four moves over two turns each, two of them apart
_LEAST_RATE: Final = 0.5  # over two turns: what shrinks faster rests soon enough
_ALIKE: Final = 0.1  # all moves must agree on 1 − ρ to this share of it
_SHARE: Final = 0.8  # of the way
_LONGEST: Final = 0.1  # of a temperature of choice: so far, best replies are nearly linear
_LEAPS: Final = 40  # of a seller in a period: whatever they lead to, best replies alone decide in the end


@dataclass(frozen=True, slots=True)
class Pace:
    """What a seller remembers of prices between best replies.

    seen : all prices, at its last turns · leaps : how many are left · rate : ρ at the last one

    Two are alike where the same leaps have been made: what is seen is the way there.
    """

    seen: tuple[tuple[float, ...], ...] = field(default=(), compare=False)
    leaps: int = _LEAPS
    rate: float = 0.0

    def stands(self, prices: tuple[float, ...], seller: int) -> bool:
        """Whether no rival has moved since its last turn, so that its price is still what it would ask."""
        if not self.seen:
            return False
        last = self.seen[-1]
        return prices[:seller] == last[:seller] and prices[seller + 1 :] == last[seller + 1 :]

    def after(self, prices: tuple[float, ...]) -> Pace:
        """With the prices of one more turn."""
        return Pace((*self.seen[1 - _TURNS :], prices), self.leaps, self.rate)

    def leap(self, seller: int, temperature: float) -> tuple[Array, Pace] | None:
        """All prices after a leap of everybody, and the memory then; None where this seller's do not creep."""
        if not self.creeps(seller):
            return None
        seen = np.array(self.seen)
        moves = seen[2:] - seen[:-2]
        rate = self._rate(moves)
        if not rate:
            return None
        sure = np.maximum(np.abs(moves[3]) - _HIDDEN, 0.0)
        way = _SHARE * np.copysign(sure, moves[3]) * rate / (1.0 - rate)
        too_long = float(np.abs(way).max()) / (_LONGEST * temperature)
        return frozen(seen[5] + way / max(too_long, 1.0)), Pace(leaps=self.leaps - 1, rate=rate)

    def creeps(self, seller: int) -> bool:
        """Cheaply: whether this seller's own price may, by more than rounding hides."""
        if not self.leaps or len(self.seen) < _TURNS:
            return False
        now, before, long_before = (self.seen[turn][seller] for turn in (-1, -3, -5))
        return (
            abs(now - before) > _HIDDEN
            and before != long_before
            and 0.1 < (now - before) / (before - long_before) <= 1.0
        )

    def _rate(self, moves: Array) -> float:
        """ρ, or 0 where moves do not shrink alike. moves : over two turns, newest last, shape (4, n)

        What rounding hides of small moves is as at the last leap, if they go with that.
        """
        largest, square = float(np.abs(moves[3]).max()), float(moves[1] @ moves[1])
        now = float(moves[3] @ moves[1]) / square if square else 0.0
        for rate, rounded in ((now, 0.0), (self.rate, 4 * PRICE_STEP_CNY_PER_MWH)):
            apart = float(np.abs(moves[2:] - rate * moves[:2]).max())
            if _LEAST_RATE <= rate < 1.0 and apart <= _ALIKE * (1.0 - rate) * largest + rounded:
                return rate
        return 0.0
