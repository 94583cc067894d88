"""Sellers whose prices creep look for a leap of everybody (`leap`); they take it if all would go on from there."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from market.game.period import PeriodGame
from market.game.pricing.leap import Landing, landing
from market.game.pricing.pace import Pace
from market.game.pricing.price_move import PriceMove, Repricing, askable, is_smooth
from market.game.pricing.reply_slopes import reply_slopes
from market.game.pricing.residual_demand import game_batch, residual_demand
from market.game.pricing.targets import targets
from market.model.arrays import Array, BoolArray, IndexArray, frozen, starts_of
from market.model.rules import MarketRules
from market.parts import parts_of

_BESIDE = 1e-6  # of a temperature of choice
_NUMBERS_AT_ONCE = 1 << 20  # of looks that are worked on side by side: bounds memory
_MOST_AT_ONCE = 1 << 18  # of two sellers whose prices creep, and a buyer: in larger games nobody looks

Best: TypeAlias = Mapping[tuple[int, int, int], float]
"""The best reply by game, prices, and seller."""


def key_of(game: PeriodGame, prices: Array, seller: int) -> tuple[int, int, int]:
    """By what a best reply is found in a `Best`, as long as game and prices live."""
    return id(game), id(prices), seller


@dataclass(frozen=True, slots=True)
class _Look:
    """Sellers who look for a leap from the same prices. places : of their turns

    moving : whose prices creep, two at least · left : of the way that a leap leaves
    """

    game: PeriodGame
    prices: Array
    moving: tuple[int, ...]
    left: float
    places: Mapping[int, int]

    @property
    def size(self) -> int:
        """The numbers that its slopes take: of each moved price what is chosen, and of each reply to it."""
        moved = len(self.moving) * len(self.game.buyers)
        return moved * (len(self.game.sellers) + len(self.moving))

    def standing(self) -> list[PriceMove]:
        """The turns of those who creep and do not look."""
        return [
            PriceMove(self.game, seller, self.prices, Pace())
            for seller in self.moving
            if seller not in self.places
        ]

    def replies(self, best: Best) -> Array:
        """Best ones of all who creep, shape (k,)."""
        return np.array([best[key_of(self.game, self.prices, seller)] for seller in self.moving])

    def leap(self, replies: Array, slopes: Array) -> _Leap:
        """Where it leads, if anywhere. slopes : of each reply by each price, shape (k, k)"""
        heat = self.game.temperature_cny_per_mwh
        to = landing(self.prices, self.moving, replies, slopes, heat, self.left)
        if to is None:
            return _Leap(self, (), None)
        there = to.prices.copy()
        for j in np.flatnonzero(there != self.prices).tolist():
            there[j] = askable(self.game, j, float(there[j]))
        sellers = tuple(np.flatnonzero(there != self.prices).tolist())
        return _Leap(self, sellers, replace(to, prices=frozen(there)))


def put_leaps(rules: MarketRules, looks: Sequence[_Look], best: Best, answers: list[Repricing]) -> None:
    """Put the leaps that hold in the place of replies that go less far; who leaps answers again."""
    if not looks:
        return
    replies = [look.replies(best) for look in looks]
    leaps = [look.leap(*known) for look, *known in zip(looks, replies, _slopes(looks, replies), strict=True)]
    beyond = iter(targets(rules, [move for leap in leaps for move in leap.moves()]))
    for leap in leaps:
        look = leap.look
        ahead = {move.seller: next(beyond) for move in leap.moves()}
        to = leap.to if leap.holds(ahead) else None
        there, here = tuple(to.prices.tolist()) if to else (), tuple(look.prices.tolist())
        for seller, place in look.places.items():
            reply = answers[place]
            assert isinstance(reply.memory, Pace)
            if to is None:
                answers[place] = Repricing(reply.price, reply.memory.in_vain(), reply.again)
                continue
            further = max if to.upwards > 0.0 else min
            memory = reply.memory.having_leapt(look.moving, (there, ahead[seller]), here)
            answers[place] = Repricing(further(there[seller], reply.price), memory, True)


def _slopes(looks: Sequence[_Look], replies: Sequence[Array]) -> list[Array]:
    """Of each look's replies by each other price, shape (k, k); many looks at once."""
    known = list(zip(looks, replies, strict=True))
    parts = parts_of(known, [look.size for look in looks], _NUMBERS_AT_ONCE)
    return [slopes for part in parts for slopes in _slopes_side_by_side(*zip(*part, strict=True))]


def _slopes_side_by_side(looks: Sequence[_Look], replies: Sequence[Array]) -> list[Array]:
    """The same, all at once.

    Each rival's price is moved a little, and what everybody else then faces is worked out.
    """
    games, count = game_batch([look.game for look in looks]), [len(look.moving) for look in looks]
    prices = np.zeros(games.surplus.shape)
    for row, look in enumerate(looks):
        prices[row, : len(look.prices)] = look.prices
    game = np.repeat(np.arange(len(looks)), count)
    seller = np.concatenate([look.moving for look in looks])
    step = _BESIDE * games.temperature[game]
    beside = prices[game]
    beside[np.arange(len(seller)), seller] += step
    starts = zip(starts_of(count), count, strict=True)
    rival, other = np.concatenate([start + _pairs(k) for start, k in starts], axis=1)
    now = residual_demand(games, prices, np.stack([game, seller], axis=1)).take(other)
    then = residual_demand(games.take(game), beside, np.stack([rival, seller[other]], axis=1))
    found = reply_slopes(now, then, np.concatenate(replies)[other], step[rival])
    ends = np.cumsum([k * (k - 1) for k in count])[:-1]
    return [_matrix(k, slopes) for k, slopes in zip(count, np.split(found, ends), strict=True)]


@lru_cache(maxsize=64)
def _pairs(count: int) -> IndexArray:
    """Of each of so many every other one: their places, shape (2, pairs)."""
    pairs = np.array(np.nonzero(_apart(count)))
    pairs.flags.writeable = False
    return pairs


def _matrix(count: int, slopes: Array) -> Array:
    """Slopes in the order of `_pairs`, as those of each reply (row) by each price (column)."""
    by_price = np.zeros((count, count))
    by_price.T[_apart(count)] = slopes
    return by_price


def _apart(count: int) -> BoolArray:
    return ~np.eye(count, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class _Leap:
    """A leap of these sellers, where there is one: not all who look for it have to move. look : what led to it"""

    look: _Look
    sellers: tuple[int, ...]
    to: Landing | None

    def moves(self) -> list[PriceMove]:
        """Everybody's turn after it."""
        look = self.look
        return [PriceMove(look.game, j, self.to.prices, Pace()) for j in look.moving] if self.to else []

    def holds(self, ahead: Mapping[int, float]) -> bool:
        """Whether prices go on from its end. ahead : replies to these turns"""
        on_grid = [askable(self.look.game, j, ahead[j]) for j in self.sellers]
        return self.to is not None and bool(self.sellers) and self.to.holds(self.sellers, on_grid)


def looks_of(turns: Sequence[PriceMove], memories: Mapping[int, Hashable]) -> list[_Look]:
    """Who looks for a leap, those at the same prices together. memories : by place, with these turns"""
    found = dict[tuple[int, int, tuple[int, ...], float], dict[int, int]]()
    for place, pace in memories.items():
        moving, turn = pace.creeping if isinstance(pace, Pace) else (), turns[place]
        if turn.seller in moving and is_smooth(turn) and len(moving) ** 2 * len(turn.game.buyers) <= _MOST_AT_ONCE:
            assert isinstance(pace, Pace)
            found.setdefault((id(turn.game), id(turn.prices), moving, pace.left), {})[turn.seller] = place
    first = [turns[next(iter(places.values()))] for places in found.values()]
    return [
        _Look(turn.game, turn.prices, moving, left, places)
        for turn, ((_, _, moving, left), places) in zip(first, found.items(), strict=True)
    ]
