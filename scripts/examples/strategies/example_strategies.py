"""Strategies to start from: how a plant may price, choose and declare otherwise than the market's rules say.

    vppmarket run --set vpps.VPP1.strategy=example_strategies:AlwaysTheCap

after `pip install scripts/examples/strategies`, or with PYTHONPATH set to this folder. Once it is installed, the
short names in its pyproject.toml do as well: `--set vpps.VPP1.strategy=always-the-cap`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from market import ChoiceTurn, DeclareTurn, Price, PriceTurn
from market.model.arrays import Array
from market.model.declaration import Declaration


class AlwaysTheCap:
    """A seller that asks the most that it may."""

    def price(self, turn: PriceTurn) -> float:
        """The upper end of the period's band."""
        return turn.cap_cny_per_mwh


class BestReply:
    """What the market's own rule `best_response` does, but for its leaps."""

    def price(self, turn: PriceTurn) -> float:
        """The price that is best while the others keep theirs."""
        return turn.best_price_cny_per_mwh()


class Bandit:
    """A seller that tries prices and mostly takes the one that has earned most, epsilon-greedy.

    arms : how many prices, evenly from the least that it may ask to the cap · epsilon : how often it tries another
    """

    learns = True

    def __init__(self, arms: int = 9, epsilon: float = 0.2) -> None:
        self.arms = arms
        self.epsilon = epsilon

    def price(self, turn: PriceTurn) -> Price:
        """Remembers what each price earned when it was asked last; the last turn takes the best of them."""
        prices = np.linspace(turn.least_price_cny_per_mwh, turn.cap_cny_per_mwh, self.arms)
        asked, earned = turn.memory or (None, (0.0,) * self.arms)
        if asked is not None:
            earned = (*earned[:asked], float(turn.profit_cny(prices[asked])), *earned[asked + 1 :])
        random = turn.random()
        tries = random.random() < self.epsilon and turn.number != turn.turns
        arm = int(random.integers(self.arms)) if tries else int(np.argmax(earned))
        return Price(float(prices[arm]), memory=(arm, earned))


class CheapestOnly:
    """A buyer that asks everything of the cheapest seller, whatever that has left."""

    def choose(self, turn: ChoiceTurn) -> Array:
        """One share of 1."""
        share = np.zeros(len(turn.prices_cny_per_mwh))
        share[np.argmin(turn.prices_cny_per_mwh)] = 1.0
        return share


class HalfTheSurplus:
    """A plant that keeps a part of its surplus off the market. share : of what it has, how much it declares"""

    def __init__(self, share: float = 0.5) -> None:
        self.share = share

    def declare(self, turn: DeclareTurn) -> Declaration:
        """The truth, but for the surplus."""
        return replace(turn.truthful, surplus_mw=turn.truthful.surplus_mw * self.share)
