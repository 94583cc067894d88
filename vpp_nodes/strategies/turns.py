"""What a strategy is told when it is asked, and what it answers. All of it is public but its own plan.

A strategy is an object with one or more of these methods; where one is not there, the market's rule stands in:

    price(turn: PriceTurn) -> float | Price          what to ask in one period, CNY/MWh
    choose(turn: ChoiceTurn) -> Array                how to spread one period's demand, shape (n,)
    declare(turn: DeclareTurn) -> Declaration        what to make public of the day

It keeps nothing in itself: what it wants to remember of a period it answers as `Price.memory`, and gets it back;
so every decision can be computed again from what was said. `learns = True` says that it goes on by itself, whether
others move or not, until its `market.learning_turns` are over.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from market.game.period import PeriodGame
from market.game.pricing import best_response, seller_profit
from market.model.arrays import Array
from market.model.declaration import Declaration
from market.model.plan import DispatchPlan
from market.model.public import PublicRules


@dataclass(frozen=True, slots=True)
class PriceTurn:
    """A seller's turn in one period.

    game : who sells and buys how much, within which band · seller : its own place in `game.sellers`
    prices_cny_per_mwh : the newest known of all sellers, its own included, shape (n,)
    number : of this turn in the period, from 1, and turns : how many it may take; 1 and None unless it learns
    memory : what it answered to the last one, None before · seed : of its draws

    >>> import market
    >>> game = market.PeriodGame.of(
    ...     surplus_mw=[3.0, 1.5],
    ...     deficit_mw=[2.0, 2.0],
    ...     satisfaction_cny_per_h=[1800.0, 1500.0],
    ...     floor_cny_per_mwh=400.0,
    ...     cap_cny_per_mwh=1200.0,
    ... )
    >>> turn = market.PriceTurn("S1", game, 0, np.array([700.0, 700.0]), 1, None, None, 0)
    >>> round(turn.best_price_cny_per_mwh(), 2)
    679.73
    >>> turn.profit_cny([679.73, 700.0]).round(2).tolist()
    [839.18, 800.0]
    """

    vpp: str
    game: PeriodGame
    seller: int
    prices_cny_per_mwh: Array
    number: int
    turns: int | None
    memory: Any
    seed: int

    @property
    def own_price_cny_per_mwh(self) -> float:
        """What it asks now."""
        return float(self.prices_cny_per_mwh[self.seller])

    @property
    def least_price_cny_per_mwh(self) -> float:
        """The least that it may ask: the floor, or its reserve."""
        return float(self.game.least_price_cny_per_mwh[self.seller])

    @property
    def cap_cny_per_mwh(self) -> float:
        """The most that anybody may ask."""
        return self.game.cap_cny_per_mwh

    def best_price_cny_per_mwh(self) -> float:
        """The price that is best while the others keep theirs and buyers choose by the evolutionary game, (26)."""
        return best_response(self.game, self.seller, self.prices_cny_per_mwh)

    def profit_cny(self, price_cny_per_mwh: ArrayLike) -> Array:
        """What each price would earn over its reserve in the period, (22), the others and buyers as above.

        Returns: of the shape of the prices, CNY.
        """
        prices = np.asarray(price_cny_per_mwh, dtype=np.float64)
        return self.game.period_h * seller_profit(self.game, self.seller, self.prices_cny_per_mwh, prices)

    def random(self) -> np.random.Generator:
        """Draws of this turn: the same whenever it is computed again."""
        key = [self.seed, self.game.period, self.number, *self.vpp.encode()]
        return np.random.default_rng(np.random.SeedSequence(key))


@dataclass(frozen=True, slots=True)
class Price:
    """A seller's answer. memory : whatever can be hashed

    again : whether it wants another turn though nobody else moves; only of one that learns

    >>> Price(450.0, memory=("tried", 3)).again
    True
    """

    price_cny_per_mwh: float
    memory: Hashable = None
    again: bool = True


@dataclass(frozen=True, slots=True)
class ChoiceTurn:
    """A buyer's turn in one period.

    buyer : its own place in `game.buyers` · prices_cny_per_mwh : of all sellers, shape (n,)
    rest : how it would spread its demand by the evolutionary game, (25), shape (n,)

    Shares sum to 1; where buyers may choose the grid (`game.grid_option_mw` above 0) to 1 at most, the rest being
    its.

    >>> class Loyal:
    ...     def choose(self, turn: ChoiceTurn) -> Array:
    ...         return np.array([1.0, *(0.0 for _ in turn.rest[1:])])
    """

    vpp: str
    game: PeriodGame
    buyer: int
    prices_cny_per_mwh: Array
    rest: Array


@dataclass(frozen=True, slots=True)
class DeclareTurn:
    """What a VPP declares by. plan : its own day · truthful : what the market's rules make of it

    >>> class Honest:
    ...     def declare(self, turn: DeclareTurn) -> Declaration:
    ...         return turn.truthful
    """

    vpp: str
    plan: DispatchPlan
    public: PublicRules
    truthful: Declaration


class Pricing(Protocol):
    """A strategy that prices."""

    def price(self, turn: PriceTurn) -> float | Price:
        """What it asks from now on; a bare number says that it wants no turn before somebody moves."""
        ...


class Choosing(Protocol):
    """A strategy that chooses among sellers."""

    def choose(self, turn: ChoiceTurn) -> Array:
        """The share of its demand that it asks of each seller, shape (n,), see `ChoiceTurn`."""
        ...


class Declaring(Protocol):
    """A strategy that declares."""

    def declare(self, turn: DeclareTurn) -> Declaration:
        """What everybody is told."""
        ...
