"""Leaps: when prices creep, and what a seller remembers to see it.

Near balance best replies (26) approach their rest by the same share in each round, and take a thousand rounds
where that share is small. Once prices have moved by at least .3 of the move before, a seller looks where all of
them creep to (`look`), leaps, and replies as before from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from market.game.price_grid import PRICE_STEP_CNY_PER_MWH

_HIDDEN: Final = 2 * PRICE_STEP_CNY_PER_MWH  # of a move: whatever was rounded
_TURNS: Final = 3  # whose prices are remembered: two moves
_LEAST_RATE: Final = 0.3  # what shrinks faster rests soon enough
_LEAPS: Final = 40  # of a seller in a period: whatever they lead to, best replies alone decide in the end
_LEFT: Final = 0.05  # of the way, after the first leap
_LEAST_LEFT: Final = 1e-3
_SURER: Final = 4.0  # after a leap that held the next one leaves so much less
_ALONE: Final = 8  # after a leap that others have not made so much fewer are left
_SHORTER: Final = 2.0  # after one in vain the next one goes so much less far


@dataclass(frozen=True, slots=True)
class Pace:
    """What a seller remembers of prices between best replies.

    seen : all prices, at its last turns · leaps : how many are left · waits : turns until it looks for one again
    left : of the way that the next one leaves · leapt : who took part in the last one
    ahead : prices at which its best reply is known, and that, CNY/MWh
    starts : all prices from which it has leapt

    Two are alike where the same leaps have been made: what is seen is the way there.
    """

    seen: tuple[tuple[float, ...], ...] = field(default=(), compare=False)
    leaps: int = _LEAPS
    waits: int = field(default=_TURNS, compare=False)
    left: float = field(default=_LEFT, compare=False)
    leapt: tuple[int, ...] = field(default=(), compare=False)
    ahead: tuple[tuple[float, ...], float] = field(default=((), 0.0), compare=False)
    starts: tuple[tuple[float, ...], ...] = field(default=(), compare=False)

    def stands(self, prices: tuple[float, ...], seller: int) -> bool:
        """Whether no rival has moved since its last turn, so that its price is still what it would ask."""
        if not self.seen:
            return False
        last = self.seen[-1]
        return prices[:seller] == last[:seller] and prices[seller + 1 :] == last[seller + 1 :]

    def after(self, prices: tuple[float, ...]) -> Pace:
        """With the prices of one more turn."""
        seen = (*self.seen[1 - _TURNS :], prices)
        leaps = self.leaps // _ALONE if self._was_alone(prices) else self.leaps
        return Pace(seen, leaps, max(self.waits - 1, 0), self.left, self.leapt, starts=self.starts)

    def having_leapt(
        self, sellers: tuple[int, ...], ahead: tuple[tuple[float, ...], float], start: tuple[float, ...]
    ) -> Pace:
        """After a leap of these from `start`: it looks for another one at its next turn.

        Where it has leapt from there before, leaps lead round in a circle, and it makes no more of them.
        """
        leaps = 0 if start in self.starts else self.leaps - 1
        left = max(self.left / _SURER, _LEAST_LEFT)
        return Pace((), leaps, 1, left, sellers, ahead, (*self.starts, start))

    def _was_alone(self, prices: tuple[float, ...]) -> bool:
        """Whether somebody who was to leap with it has not: it does not know the same prices."""
        there = self.ahead[0]
        return bool(there) and any(prices[j] == self.starts[-1][j] != there[j] for j in self.leapt)

    def in_vain(self) -> Pace:
        """After looking for a leap where there was none."""
        share = (1.0 - self.left) / _SHORTER
        return Pace(self.seen, self.leaps, round(0.5 / share), 1.0 - share, starts=self.starts)

    @property
    def creeping(self) -> tuple[int, ...]:
        """The sellers whose prices creep; nobody where it is not yet time to look."""
        if self.waits or not self.leaps:
            return ()
        if self.leapt:
            return self.leapt
        if len(self.seen) < _TURNS:
            return ()
        now, before = (_longest(self.seen[turn], self.seen[turn - 1]) for turn in (-1, -2))
        if now <= _HIDDEN or now < _LEAST_RATE * before:
            return ()
        moving = tuple(j for j, prices in enumerate(zip(*self.seen, strict=True)) if len(set(prices)) > 1)
        return moving if len(moving) > 1 else ()


def _longest(now: tuple[float, ...], before: tuple[float, ...]) -> float:
    """The longest move of a price."""
    return max(abs(one - other) for one, other in zip(now, before, strict=True))
