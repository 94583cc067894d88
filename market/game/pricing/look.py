"""Sellers whose prices creep look for a leap of everybody (`leap`); they take it if all would go on from there."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from market.game.period import PeriodGame
from market.game.pricing.leap import Landing, landing
from market.game.pricing.pace import Pace
from market.game.pricing.price_move import PriceMove, Repricing, askable, is_smooth
from market.game.pricing.reply_slopes import reply_slopes
from market.game.pricing.targets import faced, targets
from market.model.arrays import Array, frozen
from market.model.rules import MarketRules

_BALANCED = 1e-9  # of the demand
_BESIDE = 1e-6  # of a temperature of choice
_MOST_AT_ONCE = 1 << 18  # of two sellers whose prices creep, and a buyer: in larger games nobody looks

Best: TypeAlias = Mapping[tuple[int, int, int], float]
"""The best reply by game, prices, and seller."""


def key_of(turn: PriceMove) -> tuple[int, int, int]:
    """By what its best reply is found in a `Best`, as long as the turn lives."""
    return id(turn.game), id(turn.prices), turn.seller


@dataclass(frozen=True, slots=True)
class _Look:
    """Sellers who look for a leap from the same prices. places : of their turns

    moving : whose prices creep · left : of the way that a leap leaves
    """

    game: PeriodGame
    prices: Array
    moving: tuple[int, ...]
    left: float
    places: Mapping[int, int]

    def turn(self, seller: int) -> PriceMove:
        """That of one of them."""
        return PriceMove(self.game, seller, self.prices, Pace())

    def standing(self) -> list[PriceMove]:
        """The turns of those who creep and do not look."""
        return [self.turn(seller) for seller in self.moving if seller not in self.places]

    def replies(self, best: Best) -> Array:
        """Best ones of all who creep, shape (k,)."""
        return np.array([best[key_of(self.turn(seller))] for seller in self.moving])

    def beside(self) -> list[PriceMove]:
        """The turns of all who creep, with the price of one rival of theirs moved a little."""
        turns = list[PriceMove]()
        for rival in self.moving:
            prices = np.array(self.prices)
            prices[rival] += _beside(self.game)
            turns += [PriceMove(self.game, seller, prices, Pace()) for seller in self.moving if seller != rival]
        return turns

    def leap(self, replies: Array, slopes: Array) -> _Leap:
        """Where it leads, if anywhere. slopes : of the replies, in the order of `beside`"""
        by_price = np.zeros((len(self.moving), len(self.moving)))
        by_price.T[~np.eye(len(self.moving), dtype=np.bool_)] = slopes
        heat = self.game.temperature_cny_per_mwh
        to = landing(self.prices, self.moving, replies, by_price, heat, self.left)
        if to is None:
            return _Leap(self.game, self.moving, (), None)
        on_grid = [askable(self.game, j, price) for j, price in enumerate(to.prices.tolist())]
        to = replace(to, prices=frozen(on_grid))
        return _Leap(self.game, self.moving, tuple(np.flatnonzero(to.prices != self.prices).tolist()), to)


def put_leaps(
    rules: MarketRules, turns: Sequence[PriceMove], looks: Sequence[_Look], best: Best, answers: list[Repricing]
) -> None:
    """Put the leaps that hold in the place of replies."""
    if not looks:
        return
    replies = [look.replies(best) for look in looks]
    slopes = np.split(_slopes(looks, replies), np.cumsum([len(r) * (len(r) - 1) for r in replies])[:-1])
    leaps = [look.leap(*known) for look, *known in zip(looks, replies, slopes, strict=True)]
    beyond = iter(targets(rules, [move for leap in leaps for move in leap.moves()]))
    for look, leap in zip(looks, leaps, strict=True):
        ahead = {move.seller: next(beyond) for move in leap.moves()}
        to = leap.to if leap.holds(ahead) else None
        for seller, place in look.places.items():
            answers[place] = _leapt(turns[place], answers[place], to, look.moving, ahead.get(seller, 0.0))


def _slopes(looks: Sequence[_Look], replies: Sequence[Array]) -> Array:
    """Of each reply by each other price, as in `_Look.beside`, all in one row."""
    here = [look.turn(move.seller) for look in looks for move in look.beside()]
    beside = [move for look in looks for move in look.beside()]
    price = [reply for look, own in zip(looks, replies, strict=True) for reply in _of_the_others(own)]
    step = np.array([_beside(move.game) for move in here])
    return reply_slopes(faced(here), faced(beside), np.array(price), step)


def _of_the_others(replies: Array) -> list[float]:
    """For each seller those of the others."""
    return [reply for rival in range(len(replies)) for j, reply in enumerate(replies.tolist()) if j != rival]


def _beside(game: PeriodGame) -> float:
    """How far a price is moved to see how replies follow, CNY/MWh."""
    return _BESIDE * game.temperature_cny_per_mwh


@dataclass(frozen=True, slots=True)
class _Leap:
    """A leap of these sellers, where there is one. moving : they, and those who stay where they are"""

    game: PeriodGame
    moving: tuple[int, ...]
    sellers: tuple[int, ...]
    to: Landing | None

    def moves(self) -> list[PriceMove]:
        """Everybody's turn after it."""
        return [PriceMove(self.game, j, self.to.prices, Pace()) for j in self.moving] if self.to else []

    def holds(self, ahead: Mapping[int, float]) -> bool:
        """Whether prices go on from its end. ahead : replies to these turns"""
        on_grid = [askable(self.game, j, ahead[j]) for j in self.sellers]
        return self.to is not None and bool(self.sellers) and self.to.holds(self.sellers, on_grid)


def looks_of(turns: Sequence[PriceMove], memories: Mapping[int, Hashable]) -> list[_Look]:
    """Who looks for a leap, those at the same prices together. memories : by place, with these turns"""
    found = dict[tuple[int, int, tuple[int, ...], float], dict[int, int]]()
    for place, pace in memories.items():
        moving, turn = pace.creeping if isinstance(pace, Pace) else (), turns[place]
        if turn.seller in moving and is_smooth(turn) and _may_leap(turn.game, len(moving)):
            assert isinstance(pace, Pace)
            found.setdefault((id(turn.game), id(turn.prices), moving, pace.left), {})[turn.seller] = place
    first = [turns[next(iter(places.values()))] for places in found.values()]
    return [
        _Look(turn.game, turn.prices, moving, left, places)
        for turn, ((_, _, moving, left), places) in zip(first, found.items(), strict=True)
    ]


def _leapt(
    turn: PriceMove, reply: Repricing, to: Landing | None, moving: tuple[int, ...], ahead: float
) -> Repricing:
    """The further one of the leap and the reply; it answers again after a leap.

    to : None where there is none · ahead : its reply there
    """
    assert isinstance(reply.memory, Pace)
    if to is None:
        return Repricing(reply.price, reply.memory.in_vain(), reply.again)
    there = tuple(to.prices.tolist())
    further = max if to.upwards > 0.0 else min
    memory = reply.memory.having_leapt(moving, (there, ahead))
    return Repricing(further(there[turn.seller], reply.price), memory, True)


def _may_leap(game: PeriodGame, moving: int) -> bool:
    """Not where surplus and demand are so near each other that there may be many equilibria, nor in huge games."""
    demand = float(game.deficit_mw.sum())
    balanced = abs(float(game.surplus_mw.sum()) - demand) <= _BALANCED * demand
    return not balanced and moving * moving * len(game.buyers) <= _MOST_AT_ONCE
